#include "ledger/expectations.h"

#include "ledger/rules/statistics.h"
#include "ledger/store/expectations.h"

namespace backup_exporter {

void Expectations::Declare(Database& database, Time now) const {
  ExpectationStore store(database);
  for (const Expectation& one : configured_.all()) {
    if (!one.names_one()) continue;
    const RowId backup = store.Declare(one.backup, one.operation);
    if (!one.schedule) continue;
    store.StartWatching({.backup = backup, .operation = one.operation}, now,
                        LongestGap(*one.schedule));
  }
}

void Expectations::Complete(Database& database, RowId backup, const std::string& name, Time now,
                            OperationStanding& standing) const {
  ExpectationStore store(database);
  const Subject subject{.backup = backup, .operation = standing.operation};
  const std::vector<PastRun> successes = store.LastSuccesses(subject);
  const Expectation* configured = configured_.Find(name, standing.operation);
  ExpectationFacts facts{.configured = configured,
                         .longest_run = LongestDuration(successes),
                         .last_success = standing.last_success,
                         .pauses = store.PausesOf(subject),
                         .watch = store.FindWatch(subject)};
  const bool is_scheduled = configured != nullptr && configured->schedule;
  if (!is_scheduled && IsLearned(standing.operation)) {
    facts.learned = LearnInterval(store.Starts(subject));
    if (!facts.learned && facts.watch) facts.learned = facts.watch->learned;
  }
  standing.never_expected = configured != nullptr && configured->never;
  standing.max_duration = configured != nullptr && configured->max_duration
                              ? configured->max_duration
                              : LearnMaxDuration(successes);
  if (const PausePeriod* pause = PauseAt(facts.pauses, now)) {
    standing.paused = PauseStanding{.until = pause->ends, .reason = pause->reason};
  }
  standing.expected = Expect(facts);
  standing.missed_in_a_row = MissedInARow(facts);
}

std::uint64_t Expectations::RecordMisses(Database& database, RowId backup, const std::string& name,
                                         Time now, const OperationStanding& standing) const {
  ExpectationStore store(database);
  const Subject subject{.backup = backup, .operation = standing.operation};
  const auto schedule = ScheduleOf({.configured = configured_.Find(name, standing.operation),
                                    .learned = standing.expected->interval});
  const Misses misses = CountMisses(*schedule, *standing.expected, store.PausesOf(subject), now);
  if (!misses.last) return 0;
  const std::uint64_t in_a_row = standing.missed_in_a_row + misses.count;
  store.RecordMisses(subject, misses.count, in_a_row, *misses.last);
  return in_a_row;
}

}  // namespace backup_exporter
