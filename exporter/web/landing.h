// The landing page: how every backup and every source is doing, for people. One HTML document
// without scripts or further files.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/time.h"
#include "model/standing.h"
#include "model/source_status.h"

namespace backup_exporter {

// What looks worst comes first. `telemetry_path` is where the link to the metrics leads.
[[nodiscard]] std::string LandingPage(const Standings& standings,
                                      std::map<std::string, SourceStatus> sources,
                                      std::string_view telemetry_path, Time now);

}  // namespace backup_exporter
