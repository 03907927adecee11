// What borg says in plain words, in log records of --log-json and in borgmatic's log alike.
//
// Source: borg 1.2.4 and 1.4.5 as run; docs/internals/frontends.rst and
// docs/usage/general/return-codes.rst.inc of 1.1 to 2.0. Message ids are stable, wording is not: so
// ids come first, and of texts the fewest possible words.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "model/run.h"

namespace backup_exporter {

enum class BorgWords {
  kNothing,        // says nothing about how a run went
  kCreateBegins,   // Creating archive at "REPOSITORY::ARCHIVE"
  kPruneBegins,    // an archive is kept or pruned
  kDryRun,         // an archive would be pruned
  kCompacted,      // space was freed
  kCheckBegins,    // a part of check
  kCheckClean,     // a part of check found nothing
  kCheckDamaged,   // a part of check found something
  kUnreadable,     // something could not be backed up as it should
  kSourceMissing,  // a path that was to be backed up is not there
  kInterrupted,    // it was told to stop
  kStaleLock,      // the lock of a process that is gone was removed
  kMisused,        // the command line was wrong
};

// How much such a line weighs, where it has no level.
[[nodiscard]] Level LevelOf(BorgWords words);

// By a message's text, whatever its level.
[[nodiscard]] BorgWords BorgWordsOf(std::string_view message);

// Why it failed: by message id ("LockTimeout") where there is one, else by the text.
[[nodiscard]] Reason BorgReasonOf(std::string_view msgid, std::string_view message);
// Why, by exit code alone: BORG_EXIT_CODES=modern (1.4 and later) has one for each error.
[[nodiscard]] std::optional<Reason> BorgReasonOf(int exit_code);

// "terminating with warning status, rc 1" → 1.
[[nodiscard]] std::optional<int> BorgExitCodeOf(std::string_view message);

// That a line, which may name a path that is called anything, is one of --list.
[[nodiscard]] bool IsListed(std::string_view line);

// What an exit code says of an operation; nullopt is taken for a backup, for which a warning is
// possible. Above 128 are signals.
[[nodiscard]] RunResult BorgResultOf(int exit_code, std::optional<Operation> operation);

// What a line of progress for people is of.
[[nodiscard]] std::optional<Operation> BorgOperationInProgress(std::string_view line);

// The operation that progress of this kind ("repository.check") belongs to.
[[nodiscard]] std::optional<Operation> BorgOperationOf(std::string_view progress_msgid);

// The repository in what kCreateBegins says; empty where it is not given in full.
[[nodiscard]] std::string BorgRepositoryOf(std::string_view message);

// A repository's location without user information, keys and query, as metrics may show it. Of
// names that are not given in full (a relative path) nothing.
[[nodiscard]] std::string PublicLocation(std::string_view location);
// The same of what may be a location or any other name: that stays as it is.
[[nodiscard]] std::string PublicName(std::string_view name);

}  // namespace backup_exporter
