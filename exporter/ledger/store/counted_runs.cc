#include "ledger/store/counted_runs.h"

#include <fmt/format.h>

#include <string>

#include "ledger/rules/outcome.h"

namespace backup_exporter {
namespace {

// Names have no quotes in them.
std::string IsOneOf(bool (*predicate)(RunResult)) {
  return fmt::format("result IN ('{}')", fmt::join(ResultsThat(predicate), "','"));
}

}  // namespace

void CreateCountedRuns(SQLite::Database& handle) {
  handle.exec(fmt::format(
      "CREATE TEMP VIEW IF NOT EXISTS counted_runs AS "
      "SELECT run.*, {0} AS good, {1} AS bad, {2} AS clean, {3} AS skipped FROM main.runs AS run "
      "WHERE state='settled' AND (evidence IS NOT '{4}' OR NOT {0} OR NOT EXISTS("
      "SELECT 1 FROM main.runs AS proof WHERE proof.backup=run.backup AND "
      "proof.operation=run.operation AND proof.snapshot_id<>''))",
      IsOneOf(IsGood), IsOneOf(IsBad), IsOneOf(IsClean), IsOneOf(IsSkipped),
      Name(Evidence::kClaim)));
}

bool ArchivesProve(Database& database, RowId backup, Operation operation) {
  return database
      .Row<bool>(
          "SELECT EXISTS(SELECT 1 FROM runs WHERE backup=? AND operation=? AND snapshot_id<>'')",
          backup, operation)
      .value();
}

std::optional<Time> LastSuccess(Database& database, RowId backup, Operation operation) {
  return database.Row<Time>(
      "SELECT ended FROM counted_runs WHERE backup=? AND operation=? AND good AND ended IS NOT "
      "NULL "
      "ORDER BY ended DESC LIMIT 1",
      backup, operation);
}

}  // namespace backup_exporter
