// The two lines that make up nearly all of restic's JSON output, recognised byte for byte.
//
// 97 % of a capture are `status` lines, and with -v one `verbose_status` line comes for every file.
// What these functions accept is exactly what restic's encoder prints, in its order of keys, with
// plain ASCII in names; anything else, however alike, is left to the JSON parser, and both ways
// come to the same result. Source: restic 0.14 to 0.19.1, internal/ui/backup/json.go.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace backup_exporter {

// The figures of a status line; all but the last only grow during a run.
struct ResticProgress {
  std::uint64_t seconds_elapsed = 0;
  std::uint64_t files_done = 0;
  std::uint64_t bytes_done = 0;
  std::uint64_t error_count = 0;
  std::uint64_t total_bytes = 0;  // as far as the scan got; 0: not known

  bool operator==(const ResticProgress&) const = default;
};

// A `status` line of backup that tells more than `percent_done`, total and elapsed figures, which
// restore's lines have too.
[[nodiscard]] std::optional<ResticProgress> ScanStatusLine(std::string_view line);

// A `verbose_status` line of backup about a file or directory.
[[nodiscard]] bool IsVerboseLine(std::string_view line);

}  // namespace backup_exporter
