// The program's own log: one line per message on standard error, where systemd's journal collects
// it.
//
// There is one logger, which main sets up once. It is thread-safe. Callers write
// `Log().warn("source {}: {}", …)` and must not pass secrets. If standard error is a pipe that is
// not read, a call waits at most a second and then drops the line; the next line that can be
// written is preceded by the number of dropped lines.
#pragma once

#include <spdlog/logger.h>

#include <string>

#include "base/result.h"

namespace backup_exporter {

// `level` is debug, info, warn or error; `format` is logfmt or json. kInvalid for any other value,
// with a message that lists the valid ones.
[[nodiscard]] Result<void> SetUpLog(const std::string& level, const std::string& format);

[[nodiscard]] spdlog::logger& Log();

}  // namespace backup_exporter
