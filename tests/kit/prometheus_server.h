// The real Prometheus. It scrapes programs on this host and evaluates rules every second.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "kit/process.h"
#include "kit/temporary_directory.h"

namespace backup_exporter {

struct PrometheusOptions {
  std::vector<std::string> rule_files = {};
  int alertmanager = 0;  // port of the Alertmanager that gets the alerts; 0: none
};

class PrometheusServer {
 public:
  // Scrapes the port of each job, and keeps its files in `directory`. Fails the test unless the
  // server is ready when this returns.
  PrometheusServer(const TemporaryDirectory& directory, const std::map<std::string, int>& jobs,
                   const PrometheusOptions& options = {});

  // A request to its HTTP API, such as Get("query", {{"query", "up"}}). null if the response is not
  // JSON.
  [[nodiscard]] nlohmann::json Get(
      const std::string& path,
      const std::vector<std::pair<std::string, std::string>>& parameters) const;
  // The result of an instant query. Fails the test if Prometheus refuses the query.
  [[nodiscard]] nlohmann::json Ask(const std::string& query) const;
  // Stops the server; returns its exit code.
  int Stop();

 private:
  int port_ = 0;
  std::unique_ptr<Process> process_;
};

}  // namespace backup_exporter
