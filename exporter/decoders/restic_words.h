// What restic says in plain words: the lines by which versions up to 0.17 tell failures and check
// results, and the same texts inside `exit_error` (0.18 and later) and resticprofile's `stderr`.
//
// Source: restic 0.14.0 as run, and the sources of 0.14 to 0.19.1 (cmd/restic/main.go, cleanup.go,
// cmd_backup.go, cmd_check.go, cmd_restore.go, internal/errors/fatal.go). Wording is not stable
// between versions, so only beginnings and the fewest possible words are relied upon.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "model/run.h"

namespace backup_exporter {

enum class ResticWords {
  kNothing,        // says nothing about how a run went
  kFailed,         // the final error
  kUnreadable,     // exit status 3: a snapshot was made, something could not be read
  kSourceMissing,  // a path that was to be backed up is not there
  kSignal,         // it was asked to stop and begins to clean up
  kCheckBegins,    // a stage of `check`
  kCheckClean,     // `check` found nothing
  kPruned,         // the prune after `forget --prune` is through
  kRestoreBegins,
  kRestoreError,  // a file could not be restored
};

// One line, without its line end.
[[nodiscard]] ResticWords WordsOf(std::string_view line);

// How much such a line weighs.
[[nodiscard]] Level LevelOf(ResticWords words);

// What a message of type `error` says, for people: up to 0.14 some have no words of their own.
[[nodiscard]] std::string ErrorTextOf(const Json& message);
// How much it weighs, by what it was met during: a backup goes on, and is a snapshot in the end.
[[nodiscard]] Level ErrorLevelOf(std::string_view during);

// Why it failed, by an error text of one or more lines.
[[nodiscard]] Reason ReasonOf(std::string_view error);
// Why, by exit code alone (0.17 and later; before that most failures are 1).
[[nodiscard]] std::optional<Reason> ReasonOf(int exit_code);
// The operation that alone can end with this error text.
[[nodiscard]] std::optional<Operation> OperationOf(std::string_view error);
// Exit codes of a process that was ended by a signal (128 + n; 130 is restic's own for SIGINT).
[[nodiscard]] bool EndedBySignal(int exit_code);

// The final error inside a line that begins with the torn rest of another record; npos if there is
// none.
[[nodiscard]] std::size_t FindFinalError(std::string_view line);

}  // namespace backup_exporter
