// Classifies the messages that borg prints as text, in records of --log-json and in borgmatic's log
// alike, and reads its exit codes and repository locations.
//
// Source: borg 1.2.4 and 1.4.5 as run; docs/internals/frontends.rst and
// docs/usage/general/return-codes.rst.inc of 1.1 to 2.0. Message ids are stable and the wording is
// not, so ids are compared first, and as few words of a text as possible.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "model/run.h"

namespace backup_exporter {

enum class BorgMessage {
  kOther,          // shows nothing about the result of a run
  kCreateBegins,   // Creating archive at "REPOSITORY::ARCHIVE"
  kPruneBegins,    // an archive is kept or pruned
  kDryRun,         // an archive would be pruned
  kCompacted,      // space was freed
  kCheckBegins,    // a part of check begins
  kCheckClean,     // a part of check found no problem
  kCheckDamaged,   // a part of check found a problem
  kUnreadable,     // a file could not be backed up completely
  kSourceMissing,  // a path to back up does not exist
  kInterrupted,    // a signal was received
  kStaleLock,      // the lock of a process that is gone was removed
  kUsageError,     // the command line was wrong
};

// Classifies a message by its text, whatever its level.
[[nodiscard]] BorgMessage BorgMessageOf(std::string_view text);

// The severity of such a line where it has no level.
[[nodiscard]] Level LevelOf(BorgMessage message);

// The reason for a failure: by message id ("LockTimeout") if there is one, else by the text; kOther
// if unknown.
[[nodiscard]] Reason BorgReasonOf(std::string_view msgid, std::string_view text);
// The same by exit code alone. With BORG_EXIT_CODES=modern (1.4 and later) each error has its own.
[[nodiscard]] std::optional<Reason> BorgReasonOf(int exit_code);

// "terminating with warning status, rc 1" → 1.
[[nodiscard]] std::optional<int> BorgExitCodeOf(std::string_view text);

// True if a line may be one of --list: a letter and a path, which can have any name.
[[nodiscard]] bool IsListLine(std::string_view line);

// The result that an exit code means for an operation; nullopt counts as a backup, for which a
// warning is possible. Codes from 128 on are signals.
[[nodiscard]] RunResult BorgResultOf(int exit_code, std::optional<Operation> operation);

// The operation whose progress, as printed for people, this line shows.
[[nodiscard]] std::optional<Operation> BorgOperationInProgress(std::string_view line);

// The operation of a progress record's message id, such as "repository.check".
[[nodiscard]] std::optional<Operation> BorgOperationOf(std::string_view progress_msgid);

// The repository in a message of kCreateBegins, as PublicLocation shows it; empty if it is not
// given in full.
[[nodiscard]] std::string BorgRepositoryOf(std::string_view text);

// A repository's location without user information, keys and query, so that metrics may show it.
// Empty for a location that is not given in full (a relative path).
[[nodiscard]] std::string PublicLocation(std::string_view location);
// The same for a text that may be a location or any other name; a name is returned unchanged.
[[nodiscard]] std::string PublicName(std::string_view name);

}  // namespace backup_exporter
