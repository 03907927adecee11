// Standings out of the tables. For the ledger's own sources; throws SQLite::Exception.
#pragma once

#include "ledger/backups.h"
#include "ledger/store/database.h"
#include "ledger/expectations.h"
#include "ledger/standing.h"

namespace backup_exporter {

// How a backup stands by its settled runs, and by what is expected of it; source, tool and
// repository are left empty.
[[nodiscard]] BackupStanding QueryStanding(Database& database, const Expectations& expectations,
                                           RowId backup, Time now);

// Forgets settled runs that ended before `cutoff`, save those that a standing rests on.
void ForgetRuns(Database& database, Time cutoff);

}  // namespace backup_exporter
