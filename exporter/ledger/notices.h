// Notices: created with the runs that they are about, in the same transaction, and kept until they
// are delivered, superseded or expired.
//
// rules/notice_policy decides which notices a monitor is sent. This class gathers the facts for it
// and carries out its decisions. Turning notices into requests is left to delivery/.
//
// For the ledger's own sources; throws SQLite::Exception. One Notices serves one transaction.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "ledger/rules/notice_policy.h"
#include "ledger/store/database.h"
#include "ledger/store/expectations.h"
#include "ledger/store/notices.h"
#include "ledger/store/results.h"
#include "ledger/store/runs.h"
#include "ledger/store/subject.h"
#include "model/notice.h"

namespace backup_exporter {

// State of the ledger outside its tables.
struct NoticeContext {
  std::span<const Subscription> subscriptions;
  // Whether a configured source reports the backup.
  std::function<bool(const std::string& backup)> visible;
  // Whether a worker has the notice, or has reported an outcome that is not stored yet.
  std::function<bool(std::int64_t notice)> in_flight;
};

class Notices {
 public:
  Notices(Database& database, RunStore& runs, const NoticeContext& context, Time now)
      : database_(database),
        runs_(runs),
        results_(database),
        expectations_(database),
        notices_(database),
        context_(context),
        now_(now) {}

  // A run began. Finish enqueues a notice of its start, unless the run has settled by then.
  void Began(RowId run) { began_.push_back(run); }
  // The result of a run settled.
  void Settled(const StoredRun& run) { Ended(run, /*reported_before=*/false); }
  // The result of a settled run changed. Its messages are not sent again.
  void Changed(const StoredRun& run) { Ended(run, /*reported_before=*/true); }
  // A settled success that did not count so far counts from now on. Notices that were withheld for
  // that reason are sent. `was_overdue`: until now, expected successes were missing.
  void Proven(const StoredRun& run, bool was_overdue);
  // A run turned out not to be a run (a dry run), or its outcome will never be known. To be called
  // before its row is removed.
  void Withdrawn(const StoredRun& run);
  // Two runs turned out to be one. To be called before the row of `from` is removed.
  void Merged(RowId from, const StoredRun& into);
  // Expected successes are missing.
  struct Misses {
    Subject subject;
    std::uint64_t before = 0;    // misses in a row that were known before
    std::uint64_t in_a_row = 0;  // misses in a row now, the former included
    std::uint64_t failures = 0;  // failed runs in a row before the first miss
  };
  void Missed(const Misses& misses);
  // To be called at the end of the transaction.
  void Finish();

  // Sends reminders and expires notices.
  void Tick();
  // Whether Tick has anything to do.
  [[nodiscard]] bool TickIsDue();

  // Monitors with new notices.
  [[nodiscard]] const std::set<std::string>& notified() const { return notified_; }

 private:
  // The start notices of one run that are pending or were sent to one monitor. There are several if
  // several files reported the start.
  struct Starts {
    struct One {
      RowId id = 0;
      std::string uid;
      bool delivered = false;
      bool in_flight = false;
      bool open = false;  // delivered, perhaps delivered, or about to be: it must be closed
    };
    std::vector<One> all;

    [[nodiscard]] const One* last_open() const;
  };

  void Ended(const StoredRun& run, bool reported_before);
  // Only closes the run's starts.
  void Close(const StoredRun& run, NoticeReason reason);
  void EnqueueStart(const StoredRun& run, bool run_is_over);
  void CarryOut(const Subscription& subscription, const EndDecision& decision,
                const EndFacts& facts, const StoredRun& run, const Starts& starts,
                const std::vector<std::string>& others_failing);
  void Remind(const Subscription& subscription, Subject subject);

  // The part of the facts that is the same for all subscriptions.
  [[nodiscard]] EndFacts FactsOf(const StoredRun& run);
  [[nodiscard]] Starts StartsOf(const Subscription& subscription, RowId run);
  // Drops the starts of a run that has ended. A start in flight is dropped when its outcome is
  // reported.
  void DropStarts(const Subscription& subscription, const Starts& starts);
  // Drops pending notices that `notice` replaces, or would replace if it were sent. If a dropped
  // notice was to close a start, `notice` closes that start instead.
  void Supersede(const Subscription& subscription, Subject subject, RowId run, Notice& notice,
                 bool sent);
  // Enqueues the end of a run, once for each open start where the monitor keeps a status.
  void EnqueueEnd(const Subscription& subscription, Subject subject, RowId run,
                  const Notice& notice, const Starts& starts);
  void Enqueue(const Subscription& subscription, Subject subject, RowId run, const Notice& notice);

  // --- The content of notices
  [[nodiscard]] Notice AboutRun(const StoredRun& run, NoticeState state);
  [[nodiscard]] Notice AboutMiss(Subject subject);
  // About a subject that is failing or overdue: its last result, or its miss.
  [[nodiscard]] Notice AboutStandingFailure(Subject subject);

  // --- Facts

  // Whether a source that reported the run was configured already when the run ended.
  [[nodiscard]] bool IsWatched(const StoredRun& run);
  [[nodiscard]] bool IsCovered(const Subscription& subscription, Subject subject);
  [[nodiscard]] bool IsFailingOrOverdue(Subject subject);
  [[nodiscard]] bool HasMessages(const Subscription& subscription, RowId run);
  // The other failing or overdue subjects that share the status of `subject`: "nas", "nas (check)".
  // Empty where the monitor shows no status.
  [[nodiscard]] std::vector<std::string> OthersFailing(const Subscription& subscription,
                                                       Subject subject);
  [[nodiscard]] std::string NameOf(RowId backup);

  Database& database_;
  RunStore& runs_;
  ResultStore results_;
  ExpectationStore expectations_;
  NoticeStore notices_;
  const NoticeContext& context_;
  const Time now_;
  std::vector<RowId> began_;
  std::set<RowId> settled_;  // backups with a run that settled now, visible or not yet
  std::set<std::string> notified_;
};

}  // namespace backup_exporter
