// A pause is left in the spool as events are: it holds whether or not the exporter is running, and
// is over by itself.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>

#include "commands/commands.h"
#include "ledger/offline_reader.h"

namespace backup_exporter {

int LeavePause(const AppOptions& options, const PauseOptions& pause) {
  AppOptions at = options;
  if (at.storage_path.empty()) {
    const auto loaded = LoadConfiguration(options.config_file);
    if (!loaded) {
      for (const ConfigError& error : loaded.error()) fmt::print(stderr, "{}\n", Describe(error));
      return kMisused;
    }
    at.storage_path = StoragePath("", *loaded);
  }
  // A name that is not right would silence nothing.
  const auto names = ReadBackupNames(at.storage_path);
  if (!names) {
    fmt::print(stderr, "not paused: {}\n", names.error().message);
    return kFailed;
  }
  if (std::ranges::find(*names, pause.backup) == names->end()) {
    fmt::print(stderr, "not paused: there is no backup {}; there are: {}\n", pause.backup,
               names->empty() ? "none yet" : fmt::format("{}", fmt::join(*names, ", ")));
    return kMisused;
  }
  const std::string what = pause.operation.empty()
                               ? pause.backup
                               : fmt::format("{} ({})", pause.backup, pause.operation);
  const Time now = SystemClock().Now();
  if (!pause.duration && !pause.operation.empty()) {
    const auto all = ReadPause(at.storage_path, pause.backup, now);
    if (all && *all) {
      fmt::print(stderr,
                 "not resumed: all operations of {0} are paused until {1}; `resume {0}` without "
                 "--operation ends that\n",
                 pause.backup, FormatUtc(**all));
      return kMisused;
    }
  }
  const Time until = now + pause.duration.value_or(Duration(0));
  const int left = LeaveEvent(at, {.backup = pause.backup,
                                   .event = "pause",
                                   .operation = pause.operation,
                                   .message = pause.reason,
                                   .until = until});
  if (left == kFine && pause.duration) {
    fmt::print("nothing is expected of {} until {}\n", what, FormatUtc(until));
  } else if (left == kFine) {
    fmt::print("{} is expected again\n", what);
  }
  return left;
}

}  // namespace backup_exporter
