// Generates output of restic in bulk: runs of many status lines and a summary, as 0.18 prints them.
#pragma once

#include <cstddef>
#include <string>

#include "base/time.h"

namespace backup_exporter {

// Appends runs to `path` until it has at least `bytes`; returns the number of runs. Status lines
// are as long and as frequent as real ones; every run has its own snapshot id, times and figures.
std::size_t WriteResticLog(const std::string& path, std::size_t bytes,
                           std::size_t lines_per_run = 2000);

// The summary line of a run that took a minute and ended `ago`.
[[nodiscard]] std::string ResticSummary(Duration ago);

}  // namespace backup_exporter
