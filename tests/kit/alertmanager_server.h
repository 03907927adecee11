// The real Alertmanager, which immediately notifies a webhook of every alert.
#pragma once

#include <memory>
#include <string>

#include "kit/process.h"
#include "kit/temporary_directory.h"

namespace backup_exporter {

class AlertmanagerServer {
 public:
  // Why Alertmanager, or the Prometheus that sends it alerts, cannot be started on this system;
  // empty if they can. To be checked first.
  [[nodiscard]] static std::string Missing();

  // Notifies the webhook of each alert separately, when it fires and when it is resolved. Keeps its
  // files in `directory`. Ready when the constructor returns; otherwise the test fails.
  AlertmanagerServer(const TemporaryDirectory& directory, const std::string& webhook);

  [[nodiscard]] int port() const { return port_; }

 private:
  std::unique_ptr<Process> process_;
  int port_ = 0;
};

}  // namespace backup_exporter
