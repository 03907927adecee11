// The JSON documents that borg prints with --json, and that borgmatic hands on in arrays.
//
// Source: borg 1.2.4 and 1.4.5 as run; src/borg/archiver.py and helpers/parseformat.py of 1.1 to
// 1.4, and the documented shapes of 2.0. A document names no command and no version: it is known by
// its keys. For the decoders' own sources.
#pragma once

#include <optional>
#include <vector>

#include "base/json.h"
#include "decoders/local_clock.h"
#include "model/event.h"

namespace backup_exporter {

enum class BorgDocument {
  kNone,        // no document of borg's
  kCreated,     // create, import-tar: an archive was made
  kArchives,    // info or list: archives that there are
  kRepository,  // info of a repository
  kDryRun,
  kSilent,  // known, and without a word on how a run went (prune of 2.0, files, differences)
};
[[nodiscard]] BorgDocument BorgDocumentOf(const Json& json);

// How it names what it is about; the label is borgmatic's (1.8.6 and later).
[[nodiscard]] Named BorgNameOf(const Json& document);

// Of kCreated. The same document is printed whether or not there were warnings. nullopt where a
// member has the wrong type.
[[nodiscard]] std::optional<RunFinished> ReadCreated(const Json& document, LocalClock& clock);

// Of kArchives: what it lists, in order, and the sum of it, which is left out where an archive has
// the wrong shape: false then. `series` is what the archives listed before were called but for
// their dates; those of another series are among others.
bool ReadArchives(const Json& document, const LocalClock& clock, std::string* series,
                  std::vector<decltype(Event::what)>* events);

// What the archives of one series share: the name without the date or number at its end.
[[nodiscard]] std::string BorgSeriesOf(std::string_view archive);

// The repository's own figures, which 1.x has in every document but listings.
[[nodiscard]] std::optional<RepositoryMeasured> ReadRepository(const Json& document);

}  // namespace backup_exporter
