// Pauses and their ends go through the spool like events, so they work whether or not the exporter
// is running.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>

#include "commands/commands.h"
#include "commands/configuration.h"
#include "commands/spool.h"
#include "ledger/offline_reader.h"

namespace backup_exporter {
namespace {

// kFine if the ledger has this backup. Otherwise prints why it cannot be paused or resumed: a
// misspelt name would have no effect. `refusal` is "not paused" or "not resumed".
ExitCode FindBackup(const std::string& storage_path, const std::string& backup,
                    std::string_view refusal) {
  const auto names = ReadBackupNames(storage_path);
  if (!names) {
    fmt::print(stderr, "{}: {}\n", refusal, names.error().message);
    return kFailed;
  }
  if (std::ranges::find(*names, backup) != names->end()) return kFine;
  fmt::print(stderr, "{}: there is no backup {}; known backups: {}\n", refusal, backup,
             names->empty() ? "none yet" : fmt::format("{}", fmt::join(*names, ", ")));
  return kMisused;
}

ExitCode AppendPause(const std::string& storage_path, const SpoolEvent& pause, Time now,
                     std::string_view refusal) {
  const auto appended = AppendToSpool(storage_path, pause, now);
  if (appended) return kFine;
  fmt::print(stderr, "{}: {}\n", refusal, appended.error().message);
  return kFailed;
}

// "home" or "home (check)".
std::string SubjectText(const std::string& backup, const std::string& operation) {
  return operation.empty() ? backup : fmt::format("{} ({})", backup, operation);
}

}  // namespace

int PauseCommand(const AppOptions& options, const PauseOptions& pause) {
  constexpr std::string_view kRefusal = "not paused";
  const auto storage_path = FindStoragePathOrPrintErrors(options);
  if (!storage_path) return kMisused;
  if (const ExitCode code = FindBackup(*storage_path, pause.backup, kRefusal); code != kFine) {
    return code;
  }
  const Time now = SystemClock().Now();
  const Time until = now + pause.duration;
  const ExitCode code = AppendPause(*storage_path,
                                    {.event = "pause",
                                     .backup = pause.backup,
                                     .operation = pause.operation,
                                     .message = pause.reason,
                                     .until = until},
                                    now, kRefusal);
  if (code == kFine) {
    fmt::print("no run of {} is expected until {}\n", SubjectText(pause.backup, pause.operation),
               FormatUtc(until));
  }
  return code;
}

int ResumeCommand(const AppOptions& options, const ResumeOptions& resume) {
  constexpr std::string_view kRefusal = "not resumed";
  const auto storage_path = FindStoragePathOrPrintErrors(options);
  if (!storage_path) return kMisused;
  if (const ExitCode code = FindBackup(*storage_path, resume.backup, kRefusal); code != kFine) {
    return code;
  }
  const Time now = SystemClock().Now();
  if (!resume.operation.empty()) {
    const auto whole = ReadPause(*storage_path, resume.backup, now);
    if (whole && *whole) {
      fmt::print(stderr,
                 "not resumed: all operations of {0} are paused until {1}; to end this pause, use "
                 "`resume {0}` without --operation\n",
                 resume.backup, FormatUtc(**whole));
      return kMisused;
    }
  }
  const ExitCode code = AppendPause(
      *storage_path,
      {.event = "pause", .backup = resume.backup, .operation = resume.operation, .until = now}, now,
      kRefusal);
  if (code == kFine) {
    fmt::print("runs of {} are expected again\n", SubjectText(resume.backup, resume.operation));
  }
  return code;
}

}  // namespace backup_exporter
