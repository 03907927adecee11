// Events into runs: which run a record speaks of, what its verdict is, and when it holds.
//
// The rules of the design ("Identity of a run", "Verdicts settle", "When a run happened") live
// here. For the ledger's own sources; throws SQLite::Exception. One Fold serves one transaction.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/time.h"
#include "ledger/backups.h"
#include "ledger/store/database.h"
#include "ledger/ledger.h"
#include "ledger/notices.h"
#include "ledger/run_store.h"
#include "model/event.h"

namespace backup_exporter {

class Fold {
 public:
  Fold(Database& database, Backups& backups, const NoticeContext& context, Time now)
      : database_(database),
        backups_(backups),
        store_(database),
        notices_(database, store_, context, now),
        now_(now) {}

  // Takes a step in. False, with `step.refused` saying why: the step has no place as things are
  // configured; what it wrote must be rolled back.
  [[nodiscard]] bool Take(const SourceRules& source, FileStep& step);
  // Releases verdicts that were held back because they were stamped ahead of the clock.
  void ReleaseHeld();

  // What monitors are to be told. Its Finish is to be called before the commit.
  [[nodiscard]] Notices& notices() { return notices_; }

  // Backups whose standing may have changed.
  [[nodiscard]] const std::set<RowId>& touched() const { return touched_; }
  // Runs held back, and events without a place among the backups.
  [[nodiscard]] std::uint64_t future_stamps() const { return future_stamps_; }
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

 private:
  // Where an event stands.
  struct Place {
    const SourceRules& source;
    const FileStep& step;
    RowId backup;
    Named of;  // how the record names it
    // For a record without a clock: when its run ended, if its file tells; and what it cannot be
    // after.
    std::optional<Time> end;
    Time end_by;
    // Modification time of the file when it was last read to its end, before this step and event.
    std::optional<Time> before;
  };

  // Stores the position. Answers with `Place::before`.
  std::optional<Time> SavePosition(const SourceRules& source, FileStep& step);
  void Take(const Place& place, const RunStarted& event);
  void Take(const Place& place, const RunProgress& event);
  void Take(const Place& place, const RunFinished& event);
  void Take(const Place& place, const RunWithdrawn& event);
  void Take(const Place& place, const ArchiveListed& event);
  void Take(const Place& place, const ArchivesCounted& event);
  void Take(const Place& place, const RepositoryMeasured& event);
  void Take(const Place& place, const RunNoted& event);
  void Take(const Place& place, const FailedUnnamed& event);
  void Take(const Place& place, const ExpectationPaused& event);
  // Forgets a run. What was said of it, and to whom, goes to the one that it turned out to be, if
  // there is one.
  void Remove(const StoredRun& run, const std::optional<StoredRun>& is);
  // Stores what the step noted.
  void StoreNotes();
  // What the end of the file says about its runs: when a failure was, that nothing follows, that
  // their process is gone.
  void TakeEnd(const Place& place);

  // The run that a record speaks of, if it speaks of one that began in its file.
  std::optional<StoredRun> OpenRun(const Place& place, const Cursor& cursor,
                                   std::optional<Operation> operation);
  // The file grew: its open runs are alive.
  void NoteActivity(const Place& place);

  // A run that was read before under this identity. nullopt: none; id 0: one that was forgotten
  // since.
  std::optional<StoredRun> ByIdentity(RowId backup, Operation operation,
                                      const std::string& snapshot_id, std::optional<Time> end);
  // A run that another file tells of, at the same time.
  std::optional<StoredRun> ByOverlap(const Place& place, Operation operation,
                                     std::optional<Time> start, std::optional<Time> end,
                                     const std::string& snapshot_id);
  // Makes what the event says part of the run: worst result, best figures, strongest evidence.
  void Merge(const Place& place, const RunFinished& event, StoredRun& run);
  void MergeResult(const RunFinished& event, RunResult result, StoredRun& run);
  void HoldBackFuture(const Place& place, StoredRun& run);
  void RememberIdentity(const RunFinished& event, const StoredRun& run);
  // An open run is over without a word, at `ended` if that is known, else no later than `ended_by`.
  void Interrupt(std::optional<RowId> run, std::optional<Time> ended, Time ended_by);
  void Settle(std::optional<RowId> run);
  void SettleNow(StoredRun& run);
  void CountRun(const StoredRun& run, std::string_view column);
  void CountFigures(RowId backup, const Figures& before, const Figures& after);

  Database& database_;
  Backups& backups_;
  RunStore store_;
  Notices notices_;
  const Time now_;
  std::set<RowId> touched_;
  std::map<RowId, std::vector<Message>> noted_;  // by run; of the step under way
  std::uint64_t future_stamps_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace backup_exporter
