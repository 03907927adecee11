#include "ledger/store/repositories.h"

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
             "INSERT INTO repositories(source,name,stored,original,told) "
             "SELECT ?1, iif(?2='',name,?2), ?3, ?4, ?5 FROM backups WHERE id=?6 AND "
             "(SELECT count(*) FROM repositories)<?7 "
             "ON CONFLICT(source,name) DO UPDATE SET stored=coalesce(excluded.stored,stored),"
             "original=coalesce(excluded.original,original),told=excluded.told",
             source, name, measured.stored_bytes, measured.original_bytes, at, backup, most) > 0;
}

}  // namespace backup_exporter
