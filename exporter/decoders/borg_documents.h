// Reads the JSON documents that borg prints with --json, and that borgmatic passes on in arrays.
//
// Source: borg 1.2.4 and 1.4.5 as run; src/borg/archiver.py and helpers/parseformat.py of 1.1 to
// 1.4, and the documented shapes of 2.0. A document names neither command nor version, so it is
// recognised by its keys. For decoders only.
#pragma once

#include <optional>
#include <vector>

#include "base/json.h"
#include "decoders/local_clock.h"
#include "model/event.h"

namespace backup_exporter {

enum class BorgDocument {
  kNone,        // not a document of borg
  kCreated,     // create, import-tar: an archive was made
  kArchives,    // info or list: existing archives
  kRepository,  // info of a repository
  kDryRun,
  kIrrelevant,  // known, and shows nothing about a run (prune of 2.0, files, differences)
};
[[nodiscard]] BorgDocument BorgDocumentOf(const Json& json);

// The names of the repository in a document. Only borgmatic (1.8.6 and later) adds a label.
[[nodiscard]] Named BorgNameOf(const Json& document);

// The run in a document of kCreated, and advances `clock` to its end. borg prints the same document
// whether or not there were warnings. nullopt if a member has the wrong type.
[[nodiscard]] std::optional<RunFinished> ReadCreated(const Json& document, LocalClock& clock);

// The archives in a document of kArchives, in order, and after them their number. Returns false and
// leaves out the number if an archive has the wrong shape. `series` is the BorgSeriesOf the
// archives that were made or listed before, and is set if empty; archives of another series are
// marked as `among_others`.
bool ReadArchives(const Json& document, const LocalClock& clock, std::string* series,
                  std::vector<decltype(Event::what)>* events);

// The name that the archives of one series share: without the date or number at its end.
[[nodiscard]] std::string BorgSeriesOf(std::string_view archive);

// The size of the repository, which 1.x prints in all documents but listings; else nullopt.
[[nodiscard]] std::optional<RepositoryMeasured> ReadRepository(const Json& document);

}  // namespace backup_exporter
