#include "ledger/store/totals.h"

#include <tuple>

namespace backup_exporter {

void CountRun(Database& database, RowId backup, Operation operation, RunCounter counter) {
  database.Run(
      "INSERT INTO totals(backup,operation,runs,failures,warnings) VALUES(?,?,?,?,?) "
      "ON CONFLICT(backup,operation) DO UPDATE SET runs=runs+excluded.runs,"
      "failures=failures+excluded.failures,warnings=warnings+excluded.warnings",
      backup, operation, counter == RunCounter::kRuns, counter == RunCounter::kFailures,
      counter == RunCounter::kWarnings);
}

void AddOperation(Database& database, RowId backup, Operation operation) {
  database.Run("INSERT INTO totals(backup,operation) VALUES(?,?) ON CONFLICT DO NOTHING", backup,
               operation);
}

void CountFigures(Database& database, RowId backup, const Figures& before, const Figures& after) {
  const auto learned = [&](std::optional<std::uint64_t> Figures::*figure) {
    return before.*figure ? std::uint64_t{0} : (after.*figure).value_or(0);
  };
  database.Run(
      "UPDATE backups SET added_bytes=added_bytes+?,added_stored_bytes=added_stored_bytes+?,"
      "processed_bytes=processed_bytes+? WHERE id=?",
      learned(&Figures::added_bytes), learned(&Figures::added_stored_bytes),
      learned(&Figures::processed_bytes), backup);
}

std::optional<RunTotals> TotalsOf(Database& database, RowId backup, Operation operation) {
  RunTotals totals;
  const bool found = database.ReadInto(
      std::tie(totals.runs, totals.failures, totals.warnings, totals.missed),
      "SELECT runs,failures,warnings,missed FROM totals WHERE backup=? AND operation=?", backup,
      operation);
  return found ? std::optional(totals) : std::nullopt;
}

std::vector<std::pair<RowId, Operation>> KnownOperations(Database& database) {
  std::vector<std::pair<RowId, Operation>> operations;
  for (const auto& [backup, operation] :
       database.Rows<RowId, Operation>("SELECT backup,operation FROM totals")) {
    operations.emplace_back(backup, operation);
  }
  return operations;
}

}  // namespace backup_exporter
