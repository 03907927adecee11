// The real Prometheus, scraping programs of this machine and evaluating rules every second.
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
  int alertmanager = 0;  // the port of one that is told of alerts; 0: none
};

class PrometheusServer {
 public:
  // Scrapes the port of each job. Its own files are in `directory`. Ready when this returns;
  // otherwise the test fails.
  PrometheusServer(const TemporaryDirectory& directory, const std::map<std::string, int>& jobs,
                   const PrometheusOptions& options = {});

  // What its API answers, such as Get("query", {{"query", "up"}}); null where it is no JSON.
  [[nodiscard]] nlohmann::json Get(
      const std::string& path,
      const std::vector<std::pair<std::string, std::string>>& parameters) const;
  // The samples that an instant query yields now; fails the test if it is refused.
  [[nodiscard]] nlohmann::json Ask(const std::string& query) const;
  // Asks it to stop; its exit code.
  int Stop();

 private:
  int port_ = 0;
  std::unique_ptr<Process> process_;
};

}  // namespace backup_exporter
