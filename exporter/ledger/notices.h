// Notices: created with the runs that they are about, in the same transaction, and kept until they
// are delivered, superseded or expired.
//
// What a monitor is sent is decided in rules/notice_policy. This gathers the facts and carries the
// decisions out. How a notice becomes a request is delivery's concern.
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

// What the ledger knows besides its tables.
struct NoticeContext {
  std::span<const Subscription> subscriptions;
  // Whether a configured source feeds the backup.
  std::function<bool(const std::string& backup)> visible;
  // Whether a worker has the notice, or has reported it and the outcome is not stored yet.
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

  // A run began. Its start is enqueued by Finish, unless it has ended by then.
  void Began(RowId run) { began_.push_back(run); }
  // The result of a run settled.
  void Settled(const StoredRun& run) { Ended(run, /*reported_before=*/false); }
  // The result of a settled run changed. Its messages are not sent again.
  void Changed(const StoredRun& run) { Ended(run, /*reported_before=*/true); }
  // A settled success that did not count does now. What was withheld for that is sent.
  // `was_overdue`: until now, expected successes were missing.
  void Proven(const StoredRun& run, bool was_overdue);
  // A run turned out to be none (a dry run), or nothing is known about it. To be called before its
  // row is removed.
  void Withdrawn(const StoredRun& run);
  // Two runs turned out to be one. To be called before the row of `from` is removed.
  void Merged(RowId from, const StoredRun& into);
  // Expected successes are missing: `in_a_row` now, `before` of which were known, after so many
  // failures in a row.
  struct Misses {
    Subject subject;
    std::uint64_t before = 0;
    std::uint64_t in_a_row = 0;
    std::uint64_t failures = 0;
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
  // The starts of one run that are in the queue or were sent to one monitor. There are several if
  // several files reported the start.
  struct Starts {
    struct One {
      RowId id = 0;
      std::string uid;
      bool delivered = false;
      bool in_flight = false;
      bool open = false;  // it was, may have been or will be delivered, and so is to be closed
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
  // Drops starts of a run that has ended. One that is in flight is dropped when it is reported.
  void DropStarts(const Subscription& subscription, const Starts& starts);
  // Drops pending notices that `notice` replaces, or would replace if it were sent. If a dropped
  // one was to close a start, `notice` closes that start.
  void Supersede(const Subscription& subscription, Subject subject, RowId run, Notice& notice,
                 bool sent);
  // Enqueues the end of a run, once for each open start where the monitor keeps a status.
  void EnqueueEnd(const Subscription& subscription, Subject subject, RowId run,
                  const Notice& notice, const Starts& starts);
  void Enqueue(const Subscription& subscription, Subject subject, RowId run, const Notice& notice);

  // --- The content of notices
  [[nodiscard]] Notice AboutRun(const StoredRun& run, NoticeState state);
  [[nodiscard]] Notice AboutMiss(Subject subject);
  // Of a subject that is failing or overdue.
  [[nodiscard]] Notice AboutStandingFailure(Subject subject);

  // --- Facts
  // Whether a configured source watched when the run ended.
  [[nodiscard]] bool IsWatched(const StoredRun& run);
  [[nodiscard]] bool IsCovered(const Subscription& subscription, Subject subject);
  [[nodiscard]] bool IsFailingOrOverdue(Subject subject);
  [[nodiscard]] bool HasMessages(const Subscription& subscription, RowId run);
  // What is failing or overdue and shares the subject's status, without the subject: "nas",
  // "nas (check)". Empty where the monitor shows no status.
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
  std::set<RowId> settled_;  // backups; a new one is not visible yet
  std::set<std::string> notified_;
};

}  // namespace backup_exporter
