// Queries on the view `counted_runs`: the settled runs that count, as rules/outcome.h defines it.
//
// The view's columns are those of `runs`, and `good`, `bad`, `clean` and `skipped`, each 0 or 1. A
// query that names backup and operation uses the indexes of `runs`. Throws SQLite::Exception.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"
#include "ledger/store/database.h"
#include "model/run.h"
#include "model/stored_run.h"

namespace backup_exporter {

// Whether some run of this backup and operation has an archive, so that a claim does not count as a
// success.
[[nodiscard]] bool ArchivesProve(Database& database, RowId backup, Operation operation);

// The end of the last run that counts as a success and whose end is known.
[[nodiscard]] std::optional<Time> LastSuccess(Database& database, RowId backup,
                                              Operation operation);

enum class Counted { kAny, kNotSkipped, kGood, kClean, kBad, kWarning };

// The order of runs: by the latest time at which they can have ended, then by id.
struct RunOrder {
  Time ended_by = Time::min();
  RowId run = 0;
};

// The runs of one operation of one backup.
class CountedRunStore {
 public:
  CountedRunStore(Database& database, RowId backup, Operation operation)
      : database_(database), backup_(backup), operation_(operation) {}

  // The last run of this kind whose end is known.
  [[nodiscard]] std::optional<StoredRun> Last(Counted kind);
  // The last run of any kind whose end is known; a skipped run never hides a worse one before it.
  [[nodiscard]] std::optional<StoredRun> LastRun();
  // The place of the last run of this kind in the order; before all runs if there is none.
  [[nodiscard]] RunOrder LastOrder(Counted kind);
  // The number of runs of `kind` after the last run of `reset`.
  [[nodiscard]] std::uint64_t CountSince(Counted reset, Counted kind);

 private:
  Database& database_;
  RowId backup_;
  Operation operation_;
};

}  // namespace backup_exporter
