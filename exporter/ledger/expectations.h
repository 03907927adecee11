// What is expected of each backup and operation: by the configuration, else learned from the
// history; when the next success is overdue, and which occurrences passed without one.
//
// An occurrence is when a run should begin. It is missed when its slack is over (its grace and the
// time that a run may take; of a learned one, which has some added already, only a grace that is
// configured) without a success that ended after it. What begins in a pause, or would be missed in
// one, is not expected.
//
// For the ledger's own sources; throws SQLite::Exception.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ledger/store/database.h"
#include "ledger/run_store.h"
#include "ledger/standing.h"
#include "model/expectation.h"

namespace backup_exporter {

class Expectations {
 public:
  explicit Expectations(std::vector<Expectation> configured = {})
      : configured_(std::move(configured)) {}

  // Whether the configuration names the backup, or an operation of it.
  [[nodiscard]] bool Names(const std::string& backup) const;
  [[nodiscard]] bool Names(const std::string& backup, Operation operation) const;
  // Makes the backups and operations that the configuration names and the ledger does not know.
  void Declare(Database& database, Time now) const;

  // Completes a standing whose last success and run under way are known.
  void Complete(Database& database, RowId backup, const std::string& name, Time now,
                OperationStanding& standing) const;

  // Whether the backup, or an operation of it, is expected by the configuration.
  [[nodiscard]] bool Wants(const std::string& backup) const;

  // What is expected is watched from now on, if it was not before by a schedule of this interval
  // (nullopt: by a learned one).
  static void Watch(Database& database, RowId backup, Operation operation, Time now,
                    const std::optional<Duration>& configured);
  // It is late because the host was down or asleep until `woke`.
  static void Excuse(Database& database, RowId backup, Operation operation, Time late, Time woke);
  // What was judged by a clock that was ahead is to be judged again.
  static void ForgetAhead(Database& database, Time now);
  // What was learned of it, for when the history does not tell any more.
  static void Remember(Database& database, RowId backup, Operation operation, Duration learned);
  // All that is watched.
  [[nodiscard]] static std::vector<std::pair<RowId, Operation>> Watched(Database& database);
  // Forgets that it was.
  static void Unwatch(Database& database, RowId backup, Operation operation);
  // Counts the occurrences whose deadline passed without a success until now, each once. How many
  // there are in a row since the last success; 0: nothing new.
  [[nodiscard]] std::uint64_t CountMissed(Database& database, RowId backup, const std::string& name,
                                          Time now, const OperationStanding& standing) const;

 private:
  [[nodiscard]] const Expectation* Of(const std::string& backup, Operation operation) const;

  std::vector<Expectation> configured_;
};

// A success ended: what was missed before it is made up for.
void MakeUp(Database& database, RowId backup, Operation operation, Time ended);

// Nothing is expected of the backup (and of this operation only, if one is given) until `ends`.
struct Pause {
  std::optional<Operation> operation;
  Time begins;
  Time ends;
  std::string reason;
};
// One that goes on is prolonged or cut short. One that ends when it begins ends those that go on:
// all of them, unless it is of one operation.
void SetPause(Database& database, RowId backup, const Pause& pause);

// Longest time between two occurrences.
[[nodiscard]] Duration LongestGap(const Schedule& schedule);

// The newest successes of a backup, newest first: one more than are compared with the last.
[[nodiscard]] std::vector<PastRun> LastSuccesses(Database& database, RowId backup,
                                                 Operation operation);

}  // namespace backup_exporter
