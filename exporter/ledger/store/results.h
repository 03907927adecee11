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

  // Whether a settled run counts (see Counts in rules/outcome.h).
  [[nodiscard]] bool Counts(RowId run);
  // The last result that is not `skipped`.
  [[nodiscard]] std::optional<StoredRun> Last(Subject subject);
  // The last result before that of a settled run, skipped runs left out.
  [[nodiscard]] std::optional<StoredRun> LastBefore(const StoredRun& run);
  // Whether no result comes after that of a settled run, skipped runs left out.
  [[nodiscard]] bool IsNewest(const StoredRun& run);
  // The number of failures in a row up to this settled run, which is one of them.
  [[nodiscard]] std::uint64_t FailuresUpTo(const StoredRun& run);
  // The subjects whose last result is bad, or that miss an expected success.
  [[nodiscard]] std::vector<Subject> FailingOrOverdue();

 private:
  [[nodiscard]] std::optional<StoredRun> Load(std::optional<RowId> run);

  Database& database_;
};

}  // namespace backup_exporter
