#include "kit/restic_log.h"

#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/time.h"

namespace backup_exporter {

std::size_t WriteResticLog(const std::string& path, std::size_t bytes, std::size_t lines_per_run) {
  std::ofstream file(path, std::ios::binary | std::ios::app);
  const Time first = *ParseRfc3339("2026-01-01T02:00:00Z");
  std::size_t written = 0;
  std::size_t runs = 0;
  for (; written < bytes; ++runs) {
    std::string text;
    for (std::size_t i = 1; i <= lines_per_run; ++i) {
      text += fmt::format(
          R"({{"message_type":"status","seconds_elapsed":{},"seconds_remaining":{},"percent_done":{},)"
          R"("total_files":{},"files_done":{},"total_bytes":{},"bytes_done":{},)"
          R"("current_files":["/home/user/documents/projects/report-{}.odt","/home/user/pictures/{}.jpg"]}})"
          "\n",
          1 + i / 10, 1 + (lines_per_run - i) / 10,
          static_cast<double>(i) / static_cast<double>(lines_per_run), lines_per_run * 3, i * 3,
          lines_per_run * 1'000'000, i * 1'000'000, i, i * 7);
    }
    const Time start = first + std::chrono::hours(runs);
    const std::string begin = FormatUtc(start);
    const std::string end = FormatUtc(start + std::chrono::seconds(lines_per_run / 10));
    text += fmt::format(
        R"({{"message_type":"summary","files_new":{0},"files_changed":1,"files_unmodified":2,"dirs_new":0,)"
        R"("dirs_changed":3,"dirs_unmodified":0,"data_blobs":1,"tree_blobs":4,"data_added":{1},)"
        R"("data_added_packed":{2},"total_files_processed":{3},"total_bytes_processed":{4},)"
        R"("total_duration":{5},"backup_start":"{6}","backup_end":"{7}","snapshot_id":"{8:016x}{8:048x}"}})"
        "\n",
        runs, 1000 + runs, 500 + runs, runs + 3, lines_per_run * 1'000'000, lines_per_run / 10,
        begin, end, (runs + 1) * 0x9E3779B97F4A7C15ULL);
    file << text;
    written += text.size();
  }
  return runs;
}

std::string ResticSummary(Duration ago) {
  const Time end = SystemClock().Now() - ago;
  return nlohmann::json{{"message_type", "summary"},
                        {"files_new", 1},
                        {"files_changed", 2},
                        {"files_unmodified", 300},
                        {"data_added", 202508},
                        {"data_added_packed", 1874},
                        {"total_files_processed", 303},
                        {"total_bytes_processed", 500005},
                        {"total_duration", 60.5},
                        {"backup_start", FormatExactUtc(end - std::chrono::seconds(60))},
                        {"backup_end", FormatExactUtc(end)},
                        {"snapshot_id", fmt::format("{:064x}", end.time_since_epoch().count())}}
             .dump() +
         "\n";
}

}  // namespace backup_exporter
