// Expected successes that did not come: which deadlines passed, and what is stored about them.
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

// How long a run may be late after the host woke.
[[nodiscard]] Duration GraceOf(const ExpectedStanding& expected);
// Whether an open run is not expected to end any more: it has run for `max_duration`, or without
// that, was silent for 24 hours (as the Prometheus rules have it).
[[nodiscard]] bool IsStuck(const RunningRun& run, const std::optional<Duration>& max_duration,
                           Time now);
// Whether the deadline of an operation that is expected has passed without a success.
[[nodiscard]] bool IsLate(const OperationStanding& standing, Time now, const Pulse& pulse);

// Changes of expectations that only the passing of time brings.
struct DueExpectations {
  std::vector<Subject> unwatched;  // to be watched: newly expected, or under another schedule
  std::vector<Subject> late;       // to be excused: the host was down or asleep
  std::vector<Subject> missed;     // to be counted as missed
  std::set<RowId> backups;         // with any of these, or a pause that is over

  [[nodiscard]] bool empty() const { return backups.empty(); }
};
[[nodiscard]] DueExpectations FindDue(const BackupStandings& standings, Time now,
                                      const Pulse& pulse);

// Stores these changes, and enqueues notices of what was missed. `standings` are those that `due`
// was found in. To be called inside a transaction; throws SQLite::Exception.
void StoreDue(Database& database, const Expectations& expectations, const StandingsCache& standings,
              const DueExpectations& due, Time now, const Pulse& pulse, Notices& notices);

}  // namespace backup_exporter
