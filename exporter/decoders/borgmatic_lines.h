// Parses the lines of borgmatic's log: time, level and text, and what the text means.
//
// Source: borgmatic 1.7.7 and 2.1.x as run; borgmatic/logger.py, borgmatic/commands/borgmatic.py
// and docs/how-to/inspect-your-backups.md of 1.5 to 2.1. The user chooses the format of the lines
// (`log_file_format`), so the fields before the level are read as far as they are known.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "decoders/local_clock.h"
#include "model/run.h"

namespace backup_exporter {

enum class LogLevel { kNone, kDebug, kInfo, kAnswer, kWarning, kError, kCritical };
[[nodiscard]] LogLevel LogLevelNamed(std::string_view name);

struct LogLine {
  std::optional<Time> time;
  LogLevel level = LogLevel::kNone;  // kNone: the line has no level
  std::string text;                  // after time and level; the whole line if it has no level
};
// Parses "[2026-11-21 00:26:27,450] INFO: local: Creating archive" or "1795216387.3 71 INFO
// borg.archiver …".
[[nodiscard]] LogLine ParseLogLine(std::string_view line, const LocalClock& clock);

// The messages of borgmatic itself. For those of borg that it passes on, see borg_messages.h.
enum class BorgmaticMessage {
  kOther,
  kActionBegins,      // sets `operation` and `dry_run`
  kRepositoryFailed,  // at level WARNING it will be retried
  kRetrying,
  kExitCode,          // the exit code of the command that failed: sets `exit_code`
  kTreatedAsWarning,  // an exit code of borg that counts as a warning: sets `exit_code`
  kSoftFailure,       // a hook asked to skip the repository or the configuration
  kStopped,           // by a signal
  kSummary,           // the first line of the summary
  kHelp,              // the last line of the summary after a failure
};

// The text of a line, classified.
struct BorgmaticLine {
  BorgmaticMessage kind = BorgmaticMessage::kOther;
  std::string label;  // before the message: a repository's label or path, or a configuration file
  std::optional<Operation> operation;
  bool dry_run = false;
  int exit_code = 0;  // 128 + the signal for a command that a signal ended
};
[[nodiscard]] BorgmaticLine ParseBorgmaticLine(std::string_view text);

// A command that failed, as the log quotes it.
struct BorgCommand {
  std::optional<Operation>
      operation;           // nullopt: not a command of borg, or one without an operation
  bool dry_run = false;    // borgmatic only tests whether the paths can be read
  std::string repository;  // empty: not in the quoted part
};
[[nodiscard]] BorgCommand ParseBorgCommand(std::string_view text);

}  // namespace backup_exporter
