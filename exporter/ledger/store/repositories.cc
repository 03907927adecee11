#include "ledger/store/repositories.h"

#include <tuple>
#include <utility>

namespace backup_exporter {

void SaveListing(Database& database, RowId backup, const std::string& source, bool complete,
                 const ArchivesCounted& listing) {
  if (complete) {
    database.Run(
        "INSERT INTO listings(backup,archives,oldest,newest,source) VALUES(?,?,?,?,?) ON "
        "CONFLICT(backup) DO UPDATE SET archives=excluded.archives,oldest=excluded.oldest,"
        "newest=excluded.newest,source=excluded.source",
        backup, listing.archives, listing.oldest, listing.newest, source);
  } else {
    database.Run(
        "INSERT INTO listings(backup,newest,source) VALUES(?,?,?) ON CONFLICT(backup) DO UPDATE "
        "SET newest=max(coalesce(newest,excluded.newest),coalesce(excluded.newest,newest))",
        backup, listing.newest, source);
  }
}

bool SaveRepository(Database& database, RowId backup, const std::string& source,
                    const std::string& name, const RepositoryMeasured& measured, Time at,
                    std::size_t most) {
  return database.Run(
             "INSERT INTO repositories(source,name,stored,original,reported) "
             "SELECT ?1, iif(?2='',name,?2), ?3, ?4, ?5 FROM backups WHERE id=?6 AND "
             "((SELECT count(*) FROM repositories)<?7 OR EXISTS("
             "SELECT 1 FROM repositories WHERE source=?1 AND name=iif(?2='',backups.name,?2))) "
             "ON CONFLICT(source,name) DO UPDATE SET stored=coalesce(excluded.stored,stored),"
             "original=coalesce(excluded.original,original),reported=excluded.reported",
             source, name, measured.stored_bytes, measured.original_bytes, at, backup, most) > 0;
}

std::optional<StoredListing> ListingOf(Database& database, RowId backup) {
  StoredListing listing;
  const bool found = database.ReadInto(
      std::tie(listing.source, listing.archives, listing.oldest, listing.newest),
      "SELECT source,archives,oldest,newest FROM listings WHERE backup=?", backup);
  return found ? std::optional(std::move(listing)) : std::nullopt;
}

std::vector<StoredRepository> Repositories(Database& database) {
  std::vector<StoredRepository> repositories;
  using Size = std::optional<std::uint64_t>;
  for (auto&& [source, name, stored, original] :
       database.Rows<std::string, std::string, Size, Size>(
           "SELECT source,name,stored,original FROM repositories ORDER BY reported")) {
    repositories.push_back({.source = std::move(source),
                            .name = std::move(name),
                            .stored_bytes = stored,
                            .original_bytes = original});
  }
  return repositories;
}

void ForgetRepositories(Database& database, Time end) {
  database.Run("DELETE FROM repositories WHERE reported<?", end);
}

}  // namespace backup_exporter
