// Archives and repositories as rows: the tables listings (the archives of each backup) and
// repositories (sizes, by the source that reported them). Throws SQLite::Exception.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "ledger/store/database.h"
#include "model/event.h"

namespace backup_exporter {

// Stores a listing. A complete one, which contains all archives of the backup, replaces the stored
// listing. An incomplete one only moves the time of the newest archive forward.
void SaveListing(Database& database, RowId backup, const std::string& source, bool complete,
                 const ArchivesCounted& listing);

// Stores the size of a repository. Sizes that the event does not have stay as they were. `name`:
// the repository; empty: it is named like the backup. Returns false, and stores nothing, if the
// repository is new and there are `most` already.
[[nodiscard]] bool SaveRepository(Database& database, RowId backup, const std::string& source,
                                  const std::string& name, const RepositoryMeasured& measured,
                                  Time at, std::size_t most);

// The archives of a backup.
struct StoredListing {
  std::string source;                     // that reported the archives
  std::optional<std::uint64_t> archives;  // by complete listings
  std::optional<Time> oldest;             // by complete listings
  std::optional<Time> newest;             // by any
};
[[nodiscard]] std::optional<StoredListing> ListingOf(Database& database, RowId backup);

// The size of a repository, as one source reported it.
struct StoredRepository {
  std::string source;
  std::string name;
  std::optional<std::uint64_t> stored_bytes;
  std::optional<std::uint64_t> original_bytes;
};
// In the order in which they were reported.
[[nodiscard]] std::vector<StoredRepository> Repositories(Database& database);
// Removes repositories that were reported before `end`.
void ForgetRepositories(Database& database, Time end);

}  // namespace backup_exporter
