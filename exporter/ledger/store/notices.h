// Rows about notices and monitors: the tables notices, failing, monitor_counters and entered.
//
// For the ledger's own sources; throws SQLite::Exception. Calls that write are made inside a
// transaction.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/store/database.h"
#include "ledger/store/subject.h"
#include "model/notice.h"
#include "model/standing.h"

namespace backup_exporter {

// How long dead letters are kept, so that people can see them.
inline constexpr std::chrono::days kDeadLettersKept{30};

// A notice as its row stores it: JSON with a version, and names instead of the numbers of enums.
// The JSON leaves out values that have a column of their own or are looked up: id, state, attempts,
// messages.
[[nodiscard]] std::string NoticeToJson(const Notice& notice);
// Also reads the form without a version, which earlier versions of this program wrote. Throws
// std::runtime_error for any other text.
[[nodiscard]] Notice NoticeFromJson(const std::string& text);

// The subjects that share a monitor's status with `subject`, which is one of them.
struct StatusScope {
  std::string monitor;
  Subject subject;
  bool one_backup = true;     // only those of the same backup
  bool one_operation = true;  // only those of the same operation
};

class NoticeStore {
 public:
  explicit NoticeStore(Database& database) : database_(database) {}

  // --- Notices

  // Adds a pending notice, due at `now`. Returns its id.
  RowId Insert(const std::string& monitor, Subject subject, RowId run, const Notice& notice,
               Time now, Time expires);
  // Removes a notice, and counts it as dropped for this reason.
  void Drop(RowId notice, const std::string& monitor, Dropped reason);
  void Remove(RowId notice);

  // A start notice that is not a dead letter.
  struct Start {
    RowId id = 0;
    std::string uid;
    bool delivered = false;
    bool attempted = false;  // an attempt failed, but the service may have received it
  };
  // The start notices of a run for a monitor, in the order in which they were added.
  [[nodiscard]] std::vector<Start> StartsOf(RowId run, const std::string& monitor);
  // Assigns the start notices of one run to another. Returns whether there were any.
  bool MoveStarts(RowId from, RowId into);

  // A pending notice, except of a start.
  struct Pending {
    RowId id = 0;
    NoticeState state = NoticeState::kFinish;
    RowId run = 0;
    NoticeCause cause = NoticeCause::kRun;
    std::string uid;
    bool closes = false;
  };
  [[nodiscard]] std::vector<Pending> PendingIn(const StatusScope& scope);
  // The pending notice to drop if more than `most` are pending: the one just older than the newest
  // `most`. nullopt: there are not too many. `newest` is the newest id of all notices.
  [[nodiscard]] std::optional<RowId> OneTooMany(const std::string& monitor, RowId newest,
                                                std::int64_t most);

  // A notice as its worker gets it.
  struct Queued {
    Notice notice;  // without messages
    RowId run = 0;
  };
  // The oldest pending notices, in order.
  [[nodiscard]] std::vector<Queued> Oldest(const std::string& monitor, std::int64_t most);
  // A notice as the command line lists it.
  struct Listed {
    std::string monitor;
    NoticeState state = NoticeState::kFinish;
    Notice notice;  // without id, state, attempts and messages
    bool dead = false;
    Time created;
    Time due;
    Time expires;
    std::uint64_t attempts = 0;
    std::string error;  // of the last attempt
  };
  // Pending notices and dead letters, by monitor, in the order of delivery.
  [[nodiscard]] std::vector<Listed> PendingAndDead();
  // Stores the outcome of an attempt that was made at `now`.
  void RecordDelivery(const Subscription& subscription, const Delivery& delivery, Time now);

  // Makes all pending notices due at `now`. Starts that may have been in flight when the program
  // ended count as attempted.
  void RetryAll(Time now);
  [[nodiscard]] bool HasExpired(Time now);
  // Makes expired pending notices dead letters, and removes expired dead letters.
  void Expire(Time now);

  // --- Failures that a monitor was sent and that are not over

  void RememberFailure(const std::string& monitor, Subject subject, Time now);
  void ForgetFailures(const StatusScope& scope);
  [[nodiscard]] bool WasSentFailure(const StatusScope& scope);
  // The failures that were last sent at `time` or before.
  [[nodiscard]] std::vector<Subject> FailuresSentBy(const std::string& monitor, Time time);

  // --- Sources: runs that ended before their source was configured are not reported

  // Stores that the source is configured since `now`, unless it was before.
  void EnterSource(const std::string& source, Time now);
  // Whether a source that reported the run was entered by `ended`; nullopt: whether one was entered
  // at all.
  [[nodiscard]] bool WasWatched(RowId run, std::optional<Time> ended);

  // The name of a backup; empty if there is no such backup.
  [[nodiscard]] std::string BackupName(RowId backup);

  // --- Counters of monitors, by name: "notices fail", "dropped expired", "up"

  void Count(const std::string& monitor, std::string_view name, std::int64_t add = 1);
  void Set(const std::string& monitor, std::string_view name, std::int64_t value);
  [[nodiscard]] MonitorStanding Standing(const Subscription& subscription);

 private:
  void RecordFailedAttempt(const Subscription& subscription, const Delivery& delivery, Time now,
                           bool is_stale_start);
  void CountDelay(const std::string& monitor, Duration delay);

  Database& database_;
};

}  // namespace backup_exporter
