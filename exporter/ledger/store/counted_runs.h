// The view `counted_runs`: the settled runs that count, as rules/outcome.h defines it.
//
// Columns: those of `runs`, and `good`, `bad`, `clean` and `skipped`, each 0 or 1. A query that
// names backup and operation uses the indexes of `runs`; the index runs_with_archive keeps the
// test for archives cheap. Throws SQLite::Exception.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <optional>

#include "base/time.h"
#include "ledger/store/database.h"
#include "model/run.h"

namespace backup_exporter {

// Creates the view for this handle only, so that it always matches the code. To be called once
// for each handle after its tables exist.
void CreateCountedRuns(SQLite::Database& handle);

// Whether some run of this backup and operation has an archive, so that a claim is no success.
[[nodiscard]] bool ArchivesProve(Database& database, RowId backup, Operation operation);

// When the last run ended that counts as a success and whose end is known.
[[nodiscard]] std::optional<Time> LastSuccess(Database& database, RowId backup,
                                              Operation operation);

}  // namespace backup_exporter
