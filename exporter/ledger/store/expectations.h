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

// A pause of a backup: no run is expected from `begins` until `ends`. It applies to one operation,
// or to all (nullopt).
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

  // --- Watched operations

  [[nodiscard]] std::optional<Watch> FindWatch(Subject subject);
  [[nodiscard]] std::vector<Subject> Watched();
  // Watches the subject from `now` on, unless it is already watched with this interval.
  // `configured`: the longest gap of the configured schedule; nullopt: the interval is learned.
  void StartWatching(Subject subject, Time now, const std::optional<Duration>& configured);
  void StopWatching(Subject subject);
  // Records that the deadline `late` passed while the host was down or asleep, until `woke`.
  void Excuse(Subject subject, Time late, Time woke);
  // Undoes judgements dated after `now`, which were made under a clock that was ahead: these
  // occurrences are judged again.
  void ForgetAfter(Time now);
  // Stores a learned interval, which outlives the runs that it was learned from.
  void RememberInterval(Subject subject, Duration learned);

  // --- Misses

  // `count` more occurrences are missed, `last` being the newest; now there are `in_a_row`.
  void RecordMisses(Subject subject, std::uint64_t count, std::uint64_t in_a_row, Time last);
  [[nodiscard]] std::uint64_t MissedInARow(Subject subject);
  // A success ended. It resets the misses in a row that came before it.
  void MakeUp(Subject subject, Time ended);

  // --- Pauses

  // Changes the end of a pause of the same operation that covers `pause.begins`; adds a pause if
  // there is none. A `pause` that ends when it begins ends the pauses that cover this time: those
  // of its operation, or, without an operation, all.
  void SetPause(RowId backup, const Pause& pause);
  // All pauses that apply to the subject, sorted by their end.
  [[nodiscard]] std::vector<PausePeriod> PausesOf(Subject subject);
  [[nodiscard]] bool IsPausedAfter(Subject subject, Time time);
  // The end of the last pause of all operations of a backup that covers `now`; nullopt: none.
  [[nodiscard]] std::optional<Time> PausedUntil(const std::string& backup, Time now);
  // Removes pauses that ended before `end`.
  void ForgetPauses(Time end);

  // --- The history to learn from

  // Start times of settled runs that were not skipped, in any order: the newest 100, or those of
  // four weeks if there are more, so that four weekends are among them.
  [[nodiscard]] std::vector<Time> Starts(Subject subject);
  // The newest successes that count, newest first: the newest, and the 30 that it is compared with.
  [[nodiscard]] std::vector<PastRun> LastSuccesses(Subject subject);

 private:
  [[nodiscard]] std::vector<Time> StartsSince(Subject subject, Time from, std::int64_t most);

  Database& database_;
};

}  // namespace backup_exporter
