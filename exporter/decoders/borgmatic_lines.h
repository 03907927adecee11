// One line of borgmatic's log, taken apart: when, how bad, and what; and what it means.
//
// Source: borgmatic 1.7.7 and 2.1.x as run; borgmatic/logger.py, borgmatic/commands/borgmatic.py
// and docs/how-to/inspect-your-backups.md of 1.5 to 2.1. The format of the lines is the user's to
// choose
// (`log_file_format`): whatever stands before the level is read as far as it is known.
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
  LogLevel level = LogLevel::kNone;  // kNone: the line has no such head
  std::string text;                  // the rest
};
// "[2026-11-21 00:26:27,450] INFO: local: Creating archive", "1795216387.3 71 INFO borg.archiver
// …".
[[nodiscard]] LogLine ParseLogLine(std::string_view line, const LocalClock& clock);

// What borgmatic itself says; what it passes on of borg's words is in borg_words.h.
enum class BorgmaticWords {
  kNothing,
  kAction,            // an operation begins: `operation`, `dry_run`
  kRepositoryFailed,  // or will be tried again, which the level tells
  kRetrying,
  kExitCode,          // of the command that failed: `exit_code`
  kTreatedAsWarning,  // borg's exit code: `exit_code`
  kSoftFailure,       // a hook said that this is not the time
  kStopped,           // by a signal
  kSummary,           // the run is over
  kHelp,              // the last line after a failure
};

struct BorgmaticSaid {
  BorgmaticWords words = BorgmaticWords::kNothing;
  std::string
      label;  // what stands before it: a repository's label or path, or a configuration file
  std::optional<Operation> operation;
  bool dry_run = false;
  int exit_code = 0;  // 128 + the signal, of a command that one ended
};
[[nodiscard]] BorgmaticSaid BorgmaticSaidIn(std::string_view text);

// What a failed command, as the log quotes it, was.
struct BorgCommand {
  std::optional<Operation> operation;  // nullopt: no command of borg's that is one
  bool dry_run = false;                // only to see whether the paths can be read
  std::string repository;              // empty: it does not show
};
[[nodiscard]] BorgCommand BorgCommandIn(std::string_view text);

}  // namespace backup_exporter
