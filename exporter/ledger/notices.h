// Which notices there are: made with the runs they tell of, in the same transaction, and kept until
// they are delivered, superseded or expired.
//
// What each monitor hears is said by its Subscription. How a notice becomes a request is
// delivery's. For the ledger's own sources; throws SQLite::Exception. One Notices serves one
// transaction.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/store/database.h"
#include "ledger/run_store.h"
#include "model/notice.h"

namespace backup_exporter {

// What the ledger knows besides its tables.
struct NoticeContext {
  std::span<const Subscription> subscriptions;
  // Whether a backup is one that a configured source feeds.
  std::function<bool(const std::string& backup)> visible;
  // Whether a worker has a notice in hand, or had it and its report is not stored yet.
  std::function<bool(std::int64_t notice)> in_flight;
};

class Notices {
 public:
  Notices(Database& database, RunStore& store, const NoticeContext& context, Time now)
      : database_(database), store_(store), context_(context), now_(now) {}

  // A run began. It is told at the end of the transaction, if it has not ended by then.
  void Began(RowId run) { began_.push_back(run); }
  // A run's verdict holds.
  void Settled(const StoredRun& run) { End(run, /*again=*/false); }
  // It changed after that. What was said of the run is not told again.
  void Changed(const StoredRun& run) { End(run, /*again=*/true); }
  // A run is none (a dry run), or nothing is known of it. To be called before its row is removed.
  void Withdrawn(const StoredRun& run);
  // Two runs are one. To be called before the row of `from` is removed.
  void Merged(RowId from, const StoredRun& into);
  // Expected successes did not come: `in_a_row` by now, of which `before` were known, after so many
  // failures.
  struct Misses {
    RowId backup = 0;
    Operation operation = Operation::kBackup;
    std::uint64_t before = 0;
    std::uint64_t in_a_row = 0;
    std::uint64_t failures = 0;
  };
  void Missed(const Misses& missed);
  // To be called at the end of the transaction.
  void Finish();

  // Reminders, and what has expired.
  void Tick();
  // Whether Tick has anything to do.
  [[nodiscard]] bool TickIsDue();

  // Monitors with new notices.
  [[nodiscard]] const std::set<std::string>& told() const { return told_; }

 private:
  // The notice of a run's beginning. Two files may have told of it, each on its own.
  struct Start {
    std::int64_t id = 0;
    std::string uid;
    bool waits = false;
    bool in_flight = false;
    bool told = false;  // it was, may have been or will be delivered: it is to be closed
  };

  void End(const StoredRun& run, bool again);
  void TellBeginning(const StoredRun& run, bool only_where_all_is_told);
  void TellEnd(const Subscription& subscription, const StoredRun& run, bool again);
  // Tells the state that holds without the run, where its start was told.
  void Close(const Subscription& subscription, const StoredRun& run);

  [[nodiscard]] std::vector<Start> StartsOf(const Subscription& subscription, RowId run);
  // Their run has ended. What a worker has in hand is let go when it reports.
  void Remove(const Subscription& subscription, std::span<const Start> starts);
  void Remind(const Subscription& subscription, RowId backup, Operation operation);
  void Drop(std::int64_t notice, const std::string& monitor, Dropped reason);
  // Drops what a notice takes the place of, or would if it were told. A start that one of these was
  // to close is the notice's to close from then on; what this cannot close stays.
  void Supersede(const Subscription& subscription, const StoredRun& run, Notice& notice,
                 bool is_told);
  // An end, for each of the starts that it closes.
  void InsertEnd(const Subscription& subscription, const Notice& notice, const StoredRun& run,
                 std::span<const Start> starts);
  void Insert(const Subscription& subscription, const Notice& notice, const StoredRun& run);
  // Gives up the oldest notice that waits, where there are too many.
  void Bound(const std::string& monitor, std::int64_t newest);
  [[nodiscard]] Notice About(const StoredRun& run, NoticeState state);
  [[nodiscard]] Notice AboutMissed(RowId backup, Operation operation);

  // Whether a source tells of the run that was watched when it ended.
  [[nodiscard]] bool IsPresent(const StoredRun& run);
  [[nodiscard]] bool Hears(const Subscription& subscription, const StoredRun& run);
  // How many expected successes did not come since the last one.
  [[nodiscard]] std::uint64_t MissedInARow(RowId backup, Operation operation);
  [[nodiscard]] bool IsPaused(RowId backup, Operation operation);
  // Whether the last run was bad, or none came when it was due.
  [[nodiscard]] bool IsFailing(RowId backup, Operation operation);
  [[nodiscard]] bool HasMessages(const Subscription& subscription, RowId run);
  [[nodiscard]] bool IsLast(const StoredRun& run);
  [[nodiscard]] std::uint64_t FailuresUpTo(const StoredRun& run);
  // What a subscription hears in the state that it shares with the run, and is not well; without
  // what the run is of.
  [[nodiscard]] std::vector<std::string> OthersFailing(const Subscription& subscription,
                                                       const StoredRun& run);
  [[nodiscard]] std::string NameOf(RowId backup);
  [[nodiscard]] std::optional<StoredRun> LastOf(RowId backup, Operation operation);
  // Whether what the run is of, or what shares its state, was told as failing.
  void SetTold(const Subscription& subscription, const StoredRun& run);
  void ClearTold(const Subscription& subscription, const StoredRun& run);
  [[nodiscard]] bool WasTold(const Subscription& subscription, const StoredRun& run);

  Database& database_;
  RunStore& store_;
  const NoticeContext& context_;
  const Time now_;
  std::vector<RowId> began_;
  std::set<RowId> settled_;  // backups; one that is new is not visible yet
  std::set<std::string> told_;
};

// Whether `name` is one of these names and patterns (* and ?), or there are none.
[[nodiscard]] bool IsHeard(const std::string& name, std::span<const std::string> patterns);

}  // namespace backup_exporter
