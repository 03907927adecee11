// The landing page: the state of every backup, source and monitor, for people. One HTML document
// without scripts or further files.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/time.h"
#include "model/source_status.h"
#include "model/standing.h"

namespace backup_exporter {

// The worst backups come first: overdue ones, then by result and by age of the last success.
// Sources that are not up come before those that are. `telemetry_path` is the target of the link to
// the metrics.
[[nodiscard]] std::string LandingPage(const Standings& standings,
                                      std::map<std::string, SourceStatus> sources,
                                      std::string_view telemetry_path, Time now);

}  // namespace backup_exporter
