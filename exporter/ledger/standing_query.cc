#include "ledger/standing_query.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>

#include "ledger/run_store.h"
#include "ledger/store/expectations.h"

namespace backup_exporter {
namespace {

// Which runs of the view counted_runs; SQL text.
constexpr std::string_view kAny = "1";
constexpr std::string_view kGood = "good";
constexpr std::string_view kClean = "clean";
constexpr std::string_view kBad = "bad";
constexpr std::string_view kWarning = "good AND NOT clean";
constexpr std::string_view kNotSkipped = "NOT skipped";

// A place in the order of runs: those without a known time stand where they were read.
struct Order {
  std::int64_t ended_by = std::numeric_limits<std::int64_t>::min();
  RowId run = 0;
};

class Query {
 public:
  Query(Database& database, RowId backup, std::string operation)
      : database_(database), backup_(backup), operation_(std::move(operation)) {}

  // The last run that counts as one: what was skipped never stands in front of something worse.
  std::optional<StoredRun> LastRun() {
    auto last = Last(kAny);
    if (!last || last->result != RunResult::kSkipped) return last;
    auto before = Last(kNotSkipped);
    return before && *before->result > RunResult::kSkipped ? before : last;
  }

  // The last of the settled runs with such a result whose end is known.
  std::optional<StoredRun> Last(std::string_view results) {
    SQLite::Statement& statement = Prepare(
        "SELECT id", results, " AND ended IS NOT NULL ORDER BY ended DESC, id DESC LIMIT 1");
    if (!statement.executeStep()) return std::nullopt;
    return RunStore(database_).Find(statement.getColumn(0).getInt64());
  }

  // How many settled runs of one kind came after the last of another.
  std::uint64_t Since(std::string_view reset, std::string_view results) {
    const Order order = LastOrder(reset);
    SQLite::Statement& statement =
        Prepare("SELECT count(*)", results, " AND (ended_by,id)>(?3,?4)");
    statement.bind(3, order.ended_by);
    statement.bind(4, order.run);
    statement.executeStep();
    return static_cast<std::uint64_t>(statement.getColumn(0).getInt64());
  }

  Order LastOrder(std::string_view results) {
    SQLite::Statement& statement =
        Prepare("SELECT ended_by,id", results, " ORDER BY ended_by DESC, id DESC LIMIT 1");
    if (!statement.executeStep()) return {};
    return {statement.getColumn(0).getInt64(), statement.getColumn(1).getInt64()};
  }

  // The run under way that began last.
  std::optional<RunningRun> Running() {
    SQLite::Statement& statement = database_.Prepare(
        "SELECT started,active,processed,expected,done FROM runs LEFT JOIN progress ON run=id "
        "WHERE backup=?1 AND operation=?2 AND state='open' ORDER BY started DESC, id DESC LIMIT 1");
    statement.bind(1, backup_);
    statement.bind(2, operation_);
    if (!statement.executeStep()) return std::nullopt;
    return RunningRun{.start = Instant(statement, 0),
                      .active = Instant(statement, 1),
                      .processed_bytes = Count(statement, 2),
                      .expected_bytes = Count(statement, 3),
                      .done = Real(statement, 4)};
  }

  std::optional<Time> LastStart() {
    SQLite::Statement& statement = database_.Prepare(
        "SELECT max(started) FROM runs WHERE backup=?1 AND operation=?2 AND settles_at IS NULL");
    statement.bind(1, backup_);
    statement.bind(2, operation_);
    statement.executeStep();
    return Instant(statement, 0);
  }

 private:
  SQLite::Statement& Prepare(std::string_view what, std::string_view results,
                             std::string_view rest) {
    std::string sql(what);
    sql.append(" FROM counted_runs WHERE backup=?1 AND operation=?2 AND ").append(results);
    sql.append(rest);
    SQLite::Statement& statement = database_.Prepare(sql);
    statement.bind(1, backup_);
    statement.bind(2, operation_);
    return statement;
  }

  Database& database_;
  RowId backup_;
  std::string operation_;
};

OperationStanding QueryOperation(Database& database, RowId backup, Operation operation) {
  Query query(database, backup, std::string(Name(operation)));
  OperationStanding standing{.operation = operation, .last_start = query.LastStart()};
  if (const auto run = query.LastRun()) {
    standing.last_run = LastRun{.end = *run->ended,
                                .result = *run->result,
                                .exit_code = run->exit_code,
                                .duration = run->duration,
                                .errors = run->figures.errors};
  }
  standing.running = query.Running();
  if (const auto run = query.Last(kGood)) {
    standing.last_success = run->ended;
    standing.last_success_evidence = run->evidence;
    standing.last_success_figures = run->figures;
  }
  if (const auto run = query.Last(kClean)) standing.last_clean_success = run->ended;
  if (const auto run = query.Last(kBad)) {
    standing.last_failure = run->ended;
    standing.last_failure_reason = run->reason.value_or(Reason::kOther);
  }
  standing.consecutive_failures = query.Since(kGood, kBad);
  standing.consecutive_warnings = query.Since(kClean, kWarning);
  return standing;
}

}  // namespace

std::string_view Name(Origin origin) {
  return origin == Origin::kConfigured ? "configured" : "learned";
}

BackupStanding QueryStanding(Database& database, const Expectations& expectations, RowId backup,
                             Time now) {
  BackupStanding standing;
  {
    SQLite::Statement& statement = database.Prepare(
        "SELECT name,added_bytes,added_stored_bytes,processed_bytes FROM backups WHERE id=?");
    statement.bind(1, backup);
    if (!statement.executeStep()) return standing;
    standing.name = Text(statement, 0);
    standing.added_bytes = Count(statement, 1).value_or(0);
    standing.added_stored_bytes = Count(statement, 2).value_or(0);
    standing.processed_bytes = Count(statement, 3).value_or(0);
  }
  {
    SQLite::Statement& statement =
        database.Prepare("SELECT archives,oldest,newest,source FROM listings WHERE backup=?");
    statement.bind(1, backup);
    if (statement.executeStep()) {
      standing.archives = Count(statement, 0);
      standing.oldest_archive = Instant(statement, 1);
      standing.newest_archive = Instant(statement, 2);
      standing.listed_by = Text(statement, 3);
    }
  }
  for (int i = 0; i < kOperations; ++i) {
    const auto operation = static_cast<Operation>(i);
    SQLite::Statement& statement = database.Prepare(
        "SELECT runs,failures,warnings,missed FROM totals WHERE backup=?1 AND operation=?2 AND "
        "(runs>0 OR ?3 OR EXISTS(SELECT 1 FROM runs WHERE backup=?1 AND operation=?2))");
    statement.bind(1, backup);
    Bind(statement, 2, Name(operation));
    statement.bind(3, expectations.configured().Names(standing.name, operation) ? 1 : 0);
    if (!statement.executeStep()) continue;
    const std::uint64_t runs = Count(statement, 0).value_or(0);
    const std::uint64_t failures = Count(statement, 1).value_or(0);
    const std::uint64_t warnings = Count(statement, 2).value_or(0);
    const std::uint64_t missed = Count(statement, 3).value_or(0);
    OperationStanding& known =
        standing.operations.emplace_back(QueryOperation(database, backup, operation));
    known.runs = runs;
    known.failures = failures;
    known.warnings = warnings;
    known.missed = missed;
    expectations.Complete(database, backup, standing.name, now, known);
  }
  standing.unusual = FindUnusual(ExpectationStore(database).LastSuccesses({.backup = backup}));
  return standing;
}

void ForgetRuns(Database& database, Time cutoff) {
  std::vector<std::pair<RowId, std::string>> operations;
  SQLite::Statement& all = database.Prepare("SELECT backup,operation FROM totals");
  while (all.executeStep()) operations.emplace_back(all.getColumn(0).getInt64(), Text(all, 1));
  for (const auto& [backup, operation] : operations) {
    Query query(database, backup, operation);
    // What came after the last success counts in rows, and the last of each kind is shown.
    const std::int64_t old = cutoff.time_since_epoch().count();
    const Order clean = query.LastOrder(kClean);
    const std::int64_t end =
        std::min({old, query.LastOrder(kGood).ended_by, clean.run != 0 ? clean.ended_by : old});
    const std::array shown{query.LastRun(), query.Last(kGood), query.Last(kClean),
                           query.Last(kBad)};
    const std::optional<Time> last_start = query.LastStart();
    SQLite::Statement& forget = database.Prepare(
        "DELETE FROM runs WHERE backup=? AND operation=? AND state='settled' AND ended_by<? "
        "AND (started IS NULL OR started<>?) AND id NOT IN (?,?,?,?)");
    int index = 0;
    forget.bind(++index, backup);
    forget.bind(++index, operation);
    forget.bind(++index, end);
    Bind(forget, ++index, last_start);
    for (const auto& run : shown) forget.bind(++index, run ? run->id : 0);
    forget.exec();
  }
}

}  // namespace backup_exporter
