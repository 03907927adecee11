// From events to runs: one handler for each kind of event.
//
// run_matching decides which run an event belongs to, and rules/merge combines all that is known
// about that run. The fold connects both with the tables: it stores runs, settles them, counts
// them, and reports them to Notices. For the ledger's own sources; throws SQLite::Exception. One
// Fold serves one transaction.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/time.h"
#include "ledger/backups.h"
#include "ledger/notices.h"
#include "ledger/run_matching.h"
#include "ledger/store/database.h"
#include "ledger/store/runs.h"
#include "model/event.h"

namespace backup_exporter {

class Fold {
 public:
  Fold(Database& database, Backups& backups, const NoticeContext& context, Time now)
      : database_(database),
        backups_(backups),
        store_(database),
        matching_(store_),
        notices_(database, store_, context, now),
        now_(now) {}

  // Applies the events of a step, and stores its checkpoint. Returns false, with the reason in
  // `step.refused`, if the configuration rules out the step's backup; the caller must then roll
  // back what was written.
  [[nodiscard]] bool Apply(const SourceRules& source, FileStep& step);
  // Settles runs that were held back because they were dated ahead of the clock, once the clock has
  // caught up.
  void ReleaseHeld();

  // The notices about these runs. notices().Finish() must be called before the commit.
  [[nodiscard]] Notices& notices() { return notices_; }

  // Backups whose standing may have changed.
  [[nodiscard]] const std::set<RowId>& touched() const { return touched_; }
  // The number of runs held back, and of events dropped because there are too many backups.
  [[nodiscard]] std::uint64_t future_stamps() const { return future_stamps_; }
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

 private:
  void ApplyEvents(const SourceRules& source, const FileStep& step, std::map<Named, RowId>& backups,
                   std::optional<Time> before);
  // The backup of an event that does not create one; 0: there is none.
  RowId KnownBackup(const SourceRules& source, const FileStep& step, const Event& event);

  void OnEvent(const EventContext& context, const Event& event);
  void OnStarted(const EventContext& context, const RunStarted& event);
  void OnProgress(const EventContext& context, const RunProgress& event);
  void OnFinished(const EventContext& context, const RunFinished& event);
  void OnWithdrawn(const EventContext& context);
  void OnArchiveListed(const EventContext& context, const ArchiveListed& event);
  void OnRepositoryMeasured(const EventContext& context, const RepositoryMeasured& event);
  void OnNoted(const EventContext& context, const RunNoted& event);
  void OnFailedUnnamed(const EventContext& context, const FailedUnnamed& event);

  // The file grew, which shows that its open run is alive.
  void OnActivity(const EventContext& context);
  // The file was read to its end, or is gone. Dates failures, settles runs about which no more
  // records can follow, and marks runs whose process is gone as interrupted.
  void OnFileState(const EventContext& context);

  // Merges the event into the run, and stores, counts and reports what changed.
  void MergeEnd(const EventContext& context, const RunFinished& event, StoredRun& run);
  // Marks an open run as interrupted, at `ended` if that is known, else at `ended_by` or before.
  void Interrupt(std::optional<RowId> run, std::optional<Time> ended, Time ended_by);
  void Settle(std::optional<RowId> run);
  void SettleNow(StoredRun& run);
  // Deletes a run. Its messages and notices move to `replacement`, the run that it turned out to
  // be, if there is one.
  void Remove(const StoredRun& run, const std::optional<StoredRun>& replacement);
  // Stores the messages of the step.
  void StoreMessages();
  std::optional<StoredRun> Find(const std::optional<RowId>& run);

  Database& database_;
  Backups& backups_;
  RunStore store_;
  RunMatching matching_;
  Notices notices_;
  const Time now_;
  std::set<RowId> touched_;
  std::map<RowId, std::vector<Message>> messages_;  // by run; of the present step, not stored yet
  std::uint64_t future_stamps_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace backup_exporter
