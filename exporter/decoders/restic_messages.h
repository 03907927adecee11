// Classifies the messages that restic prints as text: the lines by which versions up to 0.17 report
// failures and the results of checks, and the same texts in `exit_error` records (0.18 and later)
// and in resticprofile's `stderr`.
//
// Source: restic 0.14.0 as run, and the sources of 0.14 to 0.19.1 (cmd/restic/main.go, cleanup.go,
// cmd_backup.go, cmd_check.go, cmd_restore.go, internal/errors/fatal.go). The wording is not stable
// between versions, so only the beginnings of messages and as few words as possible are compared.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "model/run.h"

namespace backup_exporter {

enum class ResticMessage {
  kOther,             // shows nothing about the result of a run
  kFinalError,        // the error that ends the run
  kPartlyUnreadable,  // exit code 3: a snapshot was made, but not everything could be read
  kSourceMissing,     // a path to back up does not exist
  kSignal,            // a signal was received, cleaning up
  kCheckStage,        // a stage of `check` begins
  kCheckClean,        // `check` found no errors
  kPruned,            // the prune after `forget --prune` is done
  kRestoreBegins,
  kRestoreError,  // a file could not be restored
};

// Classifies one line, without its line end.
[[nodiscard]] ResticMessage ResticMessageOf(std::string_view line);

// The severity of such a line.
[[nodiscard]] Level LevelOf(ResticMessage message);

// The text of a record of type `error`, for people. Up to 0.14 some records have no text; it is
// made up from their operation, path and number then.
[[nodiscard]] std::string ErrorTextOf(const Json& record);
// The severity of such a record by its `during`. Errors while reading files are warnings, since the
// backup continues and makes a snapshot.
[[nodiscard]] Level ErrorLevelOf(std::string_view during);

// The reason for a failure by the text of the error, which may have several lines; kOther if
// unknown.
[[nodiscard]] Reason ReasonOf(std::string_view error);
// The same by exit code alone (0.17 and later; before that most failures exit with 1).
[[nodiscard]] std::optional<Reason> ReasonOf(int exit_code);
// The operation, if only one can end with this error text.
[[nodiscard]] std::optional<Operation> OperationOf(std::string_view error);
// True for the exit codes of a process that a signal ended: 128 + n. restic itself uses 130 for
// SIGINT.
[[nodiscard]] bool EndedBySignal(int exit_code);

// The position of the final error in a line that begins with the torn rest of another record; npos
// if there is none.
[[nodiscard]] std::size_t FindFinalError(std::string_view line);

}  // namespace backup_exporter
