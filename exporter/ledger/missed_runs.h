// Missed runs: finds deadlines that passed without a success, and stores the misses.
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "base/time.h"
#include "ledger/expectations.h"
#include "ledger/notices.h"
#include "ledger/rules/pulse.h"
#include "ledger/standings.h"
#include "ledger/store/database.h"
#include "ledger/store/subject.h"
#include "model/standing.h"

namespace backup_exporter {

// How late a success may be after the host booted or woke, if its deadline passed while the host
// was down or asleep.
[[nodiscard]] Duration GraceOf(const ExpectedStanding& expected);
// Whether an open run counts as stuck: it has run for at least `max_duration`, or, without that
// limit, has shown no activity for 24 hours. The Prometheus rules use the same limits.
[[nodiscard]] bool IsStuck(const RunningRun& run, const std::optional<Duration>& max_duration,
                           Time now);
// Whether the deadline of an expected operation has passed without a success.
[[nodiscard]] bool IsLate(const OperationStanding& standing, Time now, const Pulse& pulse);

// Changes of expectations that are due by the clock.
struct DueExpectations {
  std::vector<Subject> unwatched;  // to be watched: newly expected, or on a changed schedule
  std::vector<Subject> late;       // to be excused: the host was down or asleep
  std::vector<Subject> missed;     // to be counted as missed
  std::set<RowId> backups;  // those with any of these changes, or with a pause that has ended

  [[nodiscard]] bool empty() const { return backups.empty(); }
};
[[nodiscard]] DueExpectations FindDue(const BackupStandings& standings, Time now,
                                      const Pulse& pulse);

// Stores these changes, and enqueues notices about the misses. `standings` are those that `due` was
// found in. To be called inside a transaction; throws SQLite::Exception.
void StoreDue(Database& database, const Expectations& expectations, const StandingsCache& standings,
              const DueExpectations& due, Time now, const Pulse& pulse, Notices& notices);

}  // namespace backup_exporter
