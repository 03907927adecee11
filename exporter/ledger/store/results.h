// The settled results of a subject that count, in their order: by the latest time at which a run
// can have ended, then by id.
//
// For the ledger's own sources; throws SQLite::Exception.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "ledger/store/database.h"
#include "ledger/store/runs.h"
#include "ledger/store/subject.h"

namespace backup_exporter {

class ResultStore {
 public:
  explicit ResultStore(Database& database) : database_(database) {}

  // Whether a settled run counts: it is no claimed success where archives prove what there is.
  [[nodiscard]] bool Counts(RowId run);
  // The last one that was not skipped.
  [[nodiscard]] std::optional<StoredRun> Last(Subject subject);
  // The last before a settled run that was not skipped.
  [[nodiscard]] std::optional<StoredRun> LastBefore(const StoredRun& run);
  // Whether none that was not skipped comes after a settled run.
  [[nodiscard]] bool IsNewest(const StoredRun& run);
  // Failures in a row up to a settled run, which is one of them.
  [[nodiscard]] std::uint64_t FailuresUpTo(const StoredRun& run);
  // The subjects whose last result is bad, or that miss an expected success.
  [[nodiscard]] std::vector<Subject> FailingOrOverdue();

 private:
  [[nodiscard]] std::optional<StoredRun> Load(std::optional<RowId> run);

  Database& database_;
};

}  // namespace backup_exporter
