#include "ledger/retention.h"

#include <algorithm>
#include <vector>

#include "ledger/store/backups.h"
#include "ledger/store/counted_runs.h"
#include "ledger/store/expectations.h"
#include "ledger/store/repositories.h"
#include "ledger/store/runs.h"
#include "ledger/store/totals.h"

namespace backup_exporter {
namespace {

void RememberLearnedIntervals(Database& database, const StandingsCache& standings) {
  ExpectationStore store(database);
  for (const auto& [backup, standing] : standings.backups()) {
    for (const OperationStanding& operation : standing->operations) {
      const auto& expected = operation.expected;
      if (!expected || expected->origin != Origin::kLearned) continue;
      store.RememberInterval({.backup = backup, .operation = operation.operation},
                             expected->interval);
    }
  }
}

// Forgets settled runs that ended before `end`, except those that the standing depends on: the last
// of each kind, and those since the last success, since their rows are counted.
void ForgetRuns(Database& database, Time end) {
  RunStore store(database);
  for (const auto& [backup, operation] : KnownOperations(database)) {
    CountedRunStore runs(database, backup, operation);
    const RunOrder clean = runs.LastOrder(Counted::kClean);
    const Time counted = std::min(runs.LastOrder(Counted::kGood).ended_by,
                                  clean.run != 0 ? clean.ended_by : Time::max());
    std::vector<RowId> shown;
    for (const auto& run : {runs.LastRun(), runs.Last(Counted::kGood), runs.Last(Counted::kClean),
                            runs.Last(Counted::kBad)}) {
      if (run) shown.push_back(run->id);
    }
    store.Forget(backup, operation, std::min(end, counted), shown,
                 store.LastStart(backup, operation));
  }
}

}  // namespace

bool IsForgettingDue(std::optional<Time> last, Time now) {
  return !last || std::chrono::abs(now - *last) >= std::chrono::days(1);
}

void ForgetHistory(Database& database, const Retention& retention, const Expectations& expectations,
                   const StandingsCache& standings, Time now) {
  const Time end = now - retention.history;
  RememberLearnedIntervals(database, standings);
  ForgetRuns(database, end);
  ExpectationStore(database).ForgetPauses(end);
  ForgetRepositories(database, end);

  BackupStore backups(database);
  backups.CountUnseenDay();
  for (const auto& [backup, standing] : standings.backups()) {
    if (expectations.configured().HasSchedule(standing->name)) backups.MarkSeen(backup);
  }
  backups.RemoveUnseen(retention.discovered_backups.count());
  expectations.Declare(database, now);
}

}  // namespace backup_exporter
