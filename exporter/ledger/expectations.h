// What is expected of each backup and operation: by the configuration, else learned from the
// history; when the next success is overdue, and which occurrences passed without one.
//
// An occurrence is when a run should begin. It is missed when its grace, and the time that a run
// may take, are over without a success that ended after it. What falls into a pause is not
// expected.
//
// For the ledger's own sources; throws SQLite::Exception.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ledger/database.h"
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

  // What is expected is watched from now on, if it was not before.
  static void Watch(Database& database, RowId backup, Operation operation, Time now);
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
void SetPause(Database& database, RowId backup, const Pause& pause);

// Longest time between two occurrences.
[[nodiscard]] Duration LongestGap(const Schedule& schedule);

// The last runs of a backup, newest first, without those that were skipped.
[[nodiscard]] std::vector<PastRun> LastRuns(Database& database, RowId backup, Operation operation);

}  // namespace backup_exporter
