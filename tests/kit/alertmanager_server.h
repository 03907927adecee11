// The real Alertmanager, which tells a webhook of every alert at once.
#pragma once

#include <memory>
#include <string>

#include "kit/process.h"
#include "kit/temporary_directory.h"

namespace backup_exporter {

class AlertmanagerServer {
 public:
  // Says why it, or the Prometheus before it, cannot be started here; empty if they can: to be
  // asked first.
  [[nodiscard]] static std::string Missing();

  // Tells the webhook of each alert by itself, when it fires and when it is resolved. Its own files
  // are in `directory`. Ready when this returns; otherwise the test fails.
  AlertmanagerServer(const TemporaryDirectory& directory, const std::string& webhook);

  [[nodiscard]] int port() const { return port_; }

 private:
  std::unique_ptr<Process> process_;
  int port_ = 0;
};

}  // namespace backup_exporter
