// The two kinds of lines that make up nearly all of restic's JSON output, recognised byte by byte.
//
// 97 % of the lines of a capture are `status` lines, and with -v there is a `verbose_status` line
// for every file. These functions accept exactly what restic's encoder prints: its order of keys,
// and names in plain ASCII. Any other line is left to the JSON parser, which gives the same result
// for the lines accepted here. Source: restic 0.14 to 0.19.1, internal/ui/backup/json.go.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace backup_exporter {

// The figures of a status line. All but the last only grow during a run.
struct ResticProgress {
  std::uint64_t seconds_elapsed = 0;
  std::uint64_t files_done = 0;
  std::uint64_t bytes_done = 0;
  std::uint64_t error_count = 0;
  std::uint64_t total_bytes = 0;  // found by the scan so far; 0: unknown

  bool operator==(const ResticProgress&) const = default;
};

// The figures of a `status` line of backup; nullopt for any other line. A line that has only
// `percent_done`, total and elapsed figures is not accepted, since restore prints such lines too.
[[nodiscard]] std::optional<ResticProgress> ScanStatusLine(std::string_view line);

// True for a `verbose_status` line of backup about a file or directory.
[[nodiscard]] bool IsVerboseLine(std::string_view line);

}  // namespace backup_exporter
