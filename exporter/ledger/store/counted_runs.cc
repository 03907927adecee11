#include "ledger/store/counted_runs.h"

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "ledger/store/runs.h"

namespace backup_exporter {
namespace {

std::string_view ConditionOf(Counted kind) {
  switch (kind) {
    case Counted::kAny:
      return "1";
    case Counted::kNotSkipped:
      return "NOT skipped";
    case Counted::kGood:
      return "good";
    case Counted::kClean:
      return "clean";
    case Counted::kBad:
      return "bad";
    case Counted::kWarning:
      return "good AND NOT clean";
  }
  return "0";
}

// A query for runs of one kind. Its first two parameters are backup and operation.
std::string Query(std::string_view columns, Counted kind, std::string_view rest) {
  return fmt::format("SELECT {} FROM counted_runs WHERE backup=? AND operation=? AND {} {}",
                     columns, ConditionOf(kind), rest);
}

}  // namespace

bool ArchivesProve(Database& database, RowId backup, Operation operation) {
  return database
      .Row<bool>(
          "SELECT EXISTS(SELECT 1 FROM runs WHERE backup=? AND operation=? AND snapshot_id<>'')",
          backup, operation)
      .value_or(false);
}

std::optional<Time> LastSuccess(Database& database, RowId backup, Operation operation) {
  return database.Row<Time>(
      "SELECT ended FROM counted_runs WHERE backup=? AND operation=? AND good AND ended IS NOT "
      "NULL ORDER BY ended DESC LIMIT 1",
      backup, operation);
}

std::optional<StoredRun> CountedRunStore::Last(Counted kind) {
  const auto id = database_.Row<RowId>(
      Query("id", kind, "AND ended IS NOT NULL ORDER BY ended DESC, id DESC LIMIT 1"), backup_,
      operation_);
  return id ? RunStore(database_).Find(*id) : std::nullopt;
}

std::optional<StoredRun> CountedRunStore::LastRun() {
  auto last = Last(Counted::kAny);
  if (!last || last->result != RunResult::kSkipped) return last;
  auto before = Last(Counted::kNotSkipped);
  return before && *before->result > RunResult::kSkipped ? before : last;
}

RunOrder CountedRunStore::LastOrder(Counted kind) {
  RunOrder order;
  static_cast<void>(database_.ReadInto(
      std::tie(order.ended_by, order.run),
      Query("ended_by,id", kind, "ORDER BY ended_by DESC, id DESC LIMIT 1"), backup_, operation_));
  return order;
}

std::uint64_t CountedRunStore::CountSince(Counted reset, Counted kind) {
  const RunOrder order = LastOrder(reset);
  return database_
      .Row<std::uint64_t>(Query("count(*)", kind, "AND (ended_by,id)>(?,?)"), backup_, operation_,
                          order.ended_by, order.run)
      .value_or(0);
}

}  // namespace backup_exporter
