// Rows about expectations: the tables expected and pauses, and the runs from which intervals and
// durations are learned.
//
// For the ledger's own sources; throws SQLite::Exception. Calls that write are made inside a
// transaction.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ledger/store/database.h"
#include "ledger/store/subject.h"
#include "model/expectation.h"
#include "model/stored_run.h"

namespace backup_exporter {

// Nothing is expected of a backup (and of `operation` only, if there is one) until `ends`.
struct Pause {
  std::optional<Operation> operation;
  Time begins;
  Time ends;
  std::string reason;
};

class ExpectationStore {
 public:
  explicit ExpectationStore(Database& database) : database_(database) {}

  // Adds the backup and its operation if they are new. The backup counts as seen today.
  RowId Declare(const std::string& backup, Operation operation);

  // --- What is watched

  [[nodiscard]] std::optional<Watch> FindWatch(Subject subject);
  [[nodiscard]] std::vector<Subject> Watched();
  // Watches from `now` on, unless it is watched under a schedule of this interval already (nullopt:
  // a learned interval).
  void StartWatching(Subject subject, Time now, const std::optional<Duration>& configured);
  void StopWatching(Subject subject);
  // The deadline `late` passed while the host was down or asleep until `woke`.
  void Excuse(Subject subject, Time late, Time woke);
  // What was judged under a clock ahead of `now` is to be judged again.
  void ForgetAfter(Time now);
  // Keeps a learned interval for when its runs are forgotten.
  void RememberInterval(Subject subject, Duration learned);

  // --- Misses

  // `count` more occurrences are missed, `last` being the newest; now there are `in_a_row`.
  void RecordMisses(Subject subject, std::uint64_t count, std::uint64_t in_a_row, Time last);
  [[nodiscard]] std::uint64_t MissedInARow(Subject subject);
  // A success ended: it makes up for what was missed before.
  void MakeUp(Subject subject, Time ended);

  // --- Pauses

  // Prolongs or shortens a pause that covers `pause.begins`, else adds one. A pause that ends where
  // it begins ends those that cover that time: all of them, unless it is of one operation.
  void SetPause(RowId backup, const Pause& pause);
  // All that concern the subject, by their end.
  [[nodiscard]] std::vector<PausePeriod> PausesOf(Subject subject);
  [[nodiscard]] bool IsPausedAfter(Subject subject, Time time);
  // The end of the last pause of all operations of a backup that covers `now`; nullopt: none.
  [[nodiscard]] std::optional<Time> PausedUntil(const std::string& backup, Time now);
  // Removes pauses that ended before `end`.
  void ForgetPauses(Time end);

  // --- The history to learn from

  // When runs that were not skipped began, in any order: as many as show a habit.
  [[nodiscard]] std::vector<Time> Starts(Subject subject);
  // The newest successes that count, newest first: one more than are compared with the newest.
  [[nodiscard]] std::vector<PastRun> LastSuccesses(Subject subject);

 private:
  [[nodiscard]] std::vector<Time> StartsSince(Subject subject, Time from, std::int64_t most);

  Database& database_;
};

}  // namespace backup_exporter
