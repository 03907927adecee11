// The counters over all runs ever seen: `totals`, by backup and operation, and the amounts of data
// in `backups`. They outlive the rows of the runs. Throws SQLite::Exception.
#pragma once

#include "ledger/store/database.h"
#include "model/run.h"

namespace backup_exporter {

enum class RunCounter { kRuns, kFailures, kWarnings };

// Adds 1.
void CountRun(Database& database, RowId backup, Operation operation, RunCounter counter);
// Makes the operation known, with counters of 0, if it is not yet.
void AddOperation(Database& database, RowId backup, Operation operation);
// Adds the figures that became known of a run of `backup`: each figure counts once for a run, when
// it is known for the first time.
void CountFigures(Database& database, RowId backup, const Figures& before, const Figures& after);

}  // namespace backup_exporter
