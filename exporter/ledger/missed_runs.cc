#include "ledger/missed_runs.h"

#include <algorithm>

#include "ledger/store/expectations.h"

namespace backup_exporter {

Duration GraceOf(const ExpectedStanding& expected) {
  return std::max(expected.slack, Duration(kDefaultGrace));
}

bool IsStuck(const RunningRun& run, const std::optional<Duration>& max_duration, Time now) {
  constexpr std::chrono::hours kMostSilence{24};
  if (run.start && max_duration) return now - *run.start >= *max_duration;
  const auto seen = run.active ? run.active : run.start;
  return !seen || now - *seen >= kMostSilence;
}

bool IsLate(const OperationStanding& standing, Time now, const Pulse& pulse) {
  const ExpectedStanding& expected = *standing.expected;
  if (!pulse.caught_up || standing.paused || !expected.next_miss) return false;
  if (now < *expected.next_miss) return false;
  return !standing.running || IsStuck(*standing.running, standing.max_duration, now);
}

namespace {

void AddDue(Subject subject, const OperationStanding& standing, Time now, const Pulse& pulse,
            DueExpectations& due) {
  if (standing.paused && standing.paused->until <= now) due.backups.insert(subject.backup);
  if (!standing.expected) return;
  if (!standing.expected->watched) due.unwatched.push_back(subject);
  if (!IsLate(standing, now, pulse)) return;
  // The grace is given once for each deadline: otherwise a host that sleeps every night would never
  // miss one.
  auto woke = standing.expected->woke;
  const Duration grace = GraceOf(*standing.expected);
  if (!woke && pulse.awake_since && *pulse.awake_since <= now) {
    woke = pulse.awake_since;
    if (now < *woke + grace) due.late.push_back(subject);
  }
  if (!woke || now >= *woke + grace) due.missed.push_back(subject);
}

}  // namespace

DueExpectations FindDue(const BackupStandings& standings, Time now, const Pulse& pulse) {
  DueExpectations due;
  for (const auto& [backup, standing] : standings) {
    for (const OperationStanding& operation : standing->operations) {
      AddDue({.backup = backup, .operation = operation.operation}, operation, now, pulse, due);
    }
    // After a step of the clock, everything that depends on the time is read again.
    if (pulse.clock_jumps > 0) due.backups.insert(backup);
  }
  for (const auto* subjects : {&due.unwatched, &due.late, &due.missed}) {
    for (const Subject& subject : *subjects) due.backups.insert(subject.backup);
  }
  return due;
}

void StoreDue(Database& database, const Expectations& expectations, const StandingsCache& standings,
              const DueExpectations& due, Time now, const Pulse& pulse, Notices& notices) {
  ExpectationStore store(database);
  if (pulse.clock_jumps > 0) store.ForgetAfter(now);
  for (const Subject& subject : due.unwatched) {
    const ExpectedStanding& expected = *standings.Find(subject.backup, subject.operation)->expected;
    const bool is_configured = expected.origin == Origin::kConfigured;
    store.StartWatching(subject, now,
                        is_configured ? std::optional(expected.interval) : std::nullopt);
  }
  for (const Subject& subject : due.late) {
    store.Excuse(subject, *standings.Find(subject.backup, subject.operation)->expected->next_miss,
                 *pulse.awake_since);
  }
  for (const Subject& subject : due.missed) {
    const OperationStanding& before = *standings.Find(subject.backup, subject.operation);
    const std::string& name = standings.backups().at(subject.backup)->name;
    const std::uint64_t in_a_row =
        expectations.RecordMisses(database, subject.backup, name, now, before);
    notices.Missed({.subject = subject,
                    .before = before.missed_in_a_row,
                    .in_a_row = in_a_row,
                    .failures = before.consecutive_failures});
  }
}

}  // namespace backup_exporter
