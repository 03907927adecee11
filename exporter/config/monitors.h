// The monitors of a configuration: blocks as borgmatic has them, with what is ours around them.
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
  std::shared_ptr<Monitor> monitor;  // for one user at a time
  std::optional<Duration> heartbeat;
};

struct MonitorsConfig {
  std::vector<MonitorConfig> monitors;
  SecretMask mask;                    // every secret of every one
  std::vector<std::string> warnings;  // what is accepted and had better be changed
};

// Reads them out of the configuration's root: the list `monitors`, a pasted section `hooks`, blocks
// pasted as they are, and `monitoring_verbosity`. `path` is the configuration's, absolute.
// ConfigErrors in files that are imported are added to `elsewhere`.
[[nodiscard]] MonitorsConfig ReadMonitors(Section& root, const std::string& path,
                                          std::vector<ConfigError>& elsewhere);

}  // namespace backup_exporter
