// The counters over all runs ever seen: `totals`, by backup and operation, and the amounts of data
// in `backups`. They outlive the rows of the runs. Throws SQLite::Exception.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "ledger/store/database.h"
#include "model/run.h"

namespace backup_exporter {

enum class RunCounter { kRuns, kFailures, kWarnings };

// Adds 1.
void CountRun(Database& database, RowId backup, Operation operation, RunCounter counter);
// Adds the operation with counters of 0, unless it is known already.
void AddOperation(Database& database, RowId backup, Operation operation);
// Adds those figures of a run of `backup` that are in `after` but not in `before`: each figure of a
// run counts once, when it becomes known.
void CountFigures(Database& database, RowId backup, const Figures& before, const Figures& after);

struct RunTotals {
  std::uint64_t runs = 0;
  std::uint64_t failures = 0;
  std::uint64_t warnings = 0;
  std::uint64_t missed = 0;  // expected occurrences without a success
};
// nullopt: the operation is not known.
[[nodiscard]] std::optional<RunTotals> TotalsOf(Database& database, RowId backup,
                                                Operation operation);
// All known operations of all backups.
[[nodiscard]] std::vector<std::pair<RowId, Operation>> KnownOperations(Database& database);

}  // namespace backup_exporter
