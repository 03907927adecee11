// Retention: once a day, the ledger forgets everything older than configured.
//
// Counters and the identities of runs are kept, so that a forgotten run that is read again is not
// counted twice. For ledger.cc.
#pragma once

#include <chrono>
#include <optional>

#include "base/time.h"
#include "ledger/expectations.h"
#include "ledger/standings.h"
#include "ledger/store/database.h"

namespace backup_exporter {

struct Retention {
  // How long runs, past pauses and sizes of repositories are kept. The last run of each kind is
  // always kept.
  std::chrono::seconds history = std::chrono::days(400);
  // How long a backup is kept after the last record that named it, unless the configuration expects
  // it.
  std::chrono::days discovered_backups{90};
};

// Whether a day has passed since history was forgotten last, in either direction of the clock.
[[nodiscard]] bool IsForgettingDue(std::optional<Time> last, Time now);

// Forgets history that is too old. Learned intervals are stored before the runs that they were
// learned from are removed. To be called inside a transaction; throws SQLite::Exception.
void ForgetHistory(Database& database, const Retention& retention, const Expectations& expectations,
                   const StandingsCache& standings, Time now);

}  // namespace backup_exporter
