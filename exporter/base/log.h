// The program's own log: lines on standard error, which systemd's journal keeps.
//
// One logger for the program, set up once by main; thread-safe. Callers write
// `Log().warn("source {}: {}", …)`. Nothing secret is ever handed to it. Where nobody reads
// standard error, lines are lost and counted in the next one, and nobody waits longer than a
// second.
#pragma once

#include <spdlog/logger.h>

#include <string>

#include "base/result.h"

namespace backup_exporter {

// level: debug, info, warn, error. format: logfmt, json. Unknown words are kInvalid and name those.
[[nodiscard]] Result<void> SetUpLog(const std::string& level, const std::string& format);

[[nodiscard]] spdlog::logger& Log();

}  // namespace backup_exporter
