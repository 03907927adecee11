// Parses the monitors of the configuration. Each has a service's block, in borgmatic's syntax, and
// options of the exporter around it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/secret.h"
#include "base/section.h"
#include "base/yaml.h"
#include "delivery/services.h"
#include "model/notice.h"

namespace backup_exporter {

struct MonitorConfig {
  Subscription subscription;  // with the monitor's name
  const Service* service = nullptr;
  std::shared_ptr<Monitor> monitor;  // not thread-safe: used by one thread at a time
  std::optional<Duration> heartbeat;
};

struct MonitorsConfig {
  std::vector<MonitorConfig> monitors;
  SecretMask mask;                    // masks the secrets of all monitors
  std::vector<std::string> warnings;  // settings that are accepted but should be changed
};

// Reads these keys of the configuration's root: the list `monitors`; `hooks` and service blocks
// pasted from a borgmatic configuration; `monitoring_verbosity`. `path` is the configuration's
// absolute path. Errors in imported files are added to `elsewhere`.
[[nodiscard]] MonitorsConfig ReadMonitors(Section& root, const std::string& path,
                                          std::vector<ConfigError>& elsewhere);

}  // namespace backup_exporter
