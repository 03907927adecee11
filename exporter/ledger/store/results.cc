#include "ledger/store/results.h"

#include <tuple>

namespace backup_exporter {

bool ResultStore::Counts(RowId run) {
  return database_.Row<bool>("SELECT EXISTS(SELECT 1 FROM counted_runs WHERE id=?)", run)
      .value_or(false);
}

std::optional<StoredRun> ResultStore::Load(std::optional<RowId> run) {
  return run ? RunStore(database_).Find(*run) : std::nullopt;
}

std::optional<StoredRun> ResultStore::Last(Subject subject) {
  return Load(database_.Row<RowId>(
      "SELECT id FROM counted_runs WHERE backup=? AND operation=? AND NOT skipped ORDER BY "
      "ended_by DESC,id DESC LIMIT 1",
      subject.backup, subject.operation));
}

std::optional<StoredRun> ResultStore::LastBefore(const StoredRun& run) {
  return Load(database_.Row<RowId>(
      "SELECT id FROM counted_runs WHERE backup=? AND operation=? AND NOT skipped AND "
      "(ended_by,id)<(?,?) ORDER BY ended_by DESC,id DESC LIMIT 1",
      run.backup, run.operation, run.ended_by, run.id));
}

bool ResultStore::IsNewest(const StoredRun& run) {
  return !database_
              .Row<bool>(
                  "SELECT EXISTS(SELECT 1 FROM counted_runs WHERE backup=? AND operation=? AND "
                  "NOT skipped AND (ended_by,id)>(?,?))",
                  run.backup, run.operation, run.ended_by, run.id)
              .value_or(false);
}

std::uint64_t ResultStore::FailuresUpTo(const StoredRun& run) {
  const auto [after, after_id] =
      database_
          .Row<std::optional<Time>, RowId>(
              "SELECT ended_by,id FROM counted_runs WHERE backup=? AND operation=? AND good AND "
              "(ended_by,id)<(?,?) ORDER BY ended_by DESC,id DESC LIMIT 1",
              run.backup, run.operation, run.ended_by, run.id)
          .value_or(std::tuple(std::optional(Time::min()), RowId{0}));
  return database_
      .Row<std::uint64_t>(
          "SELECT count(*) FROM counted_runs WHERE backup=? AND operation=? AND bad AND "
          "(ended_by,id)<=(?,?) AND (ended_by,id)>(?,?)",
          run.backup, run.operation, run.ended_by, run.id, after, after_id)
      .value_or(0);
}

std::vector<Subject> ResultStore::FailingOrOverdue() {
  std::vector<Subject> subjects;
  for (const auto& [backup, operation] : database_.Rows<RowId, Operation>(
           "SELECT backup,operation FROM totals WHERE (SELECT bad FROM counted_runs AS run WHERE "
           "run.backup=totals.backup AND run.operation=totals.operation AND NOT skipped ORDER BY "
           "ended_by DESC,id DESC LIMIT 1) OR EXISTS(SELECT 1 FROM expected WHERE "
           "expected.backup=totals.backup AND expected.operation=totals.operation AND in_a_row>0) "
           "ORDER BY backup,operation")) {
    subjects.push_back({.backup = backup, .operation = operation});
  }
  return subjects;
}

}  // namespace backup_exporter
