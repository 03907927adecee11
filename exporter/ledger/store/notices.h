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

// How long dead letters are kept, for people to see.
inline constexpr std::chrono::days kDeadLettersKept{30};

// A notice as its row stores it: JSON with a version, and names instead of the numbers of enums. It
// leaves out what has a column of its own or is looked up: id, state, attempts, messages.
[[nodiscard]] std::string NoticeToJson(const Notice& notice);
// Also reads the form without a version, which revisions before this one wrote. Throws
// std::runtime_error for anything else.
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

  // Adds a pending notice, due at `now`. Its id.
  RowId Insert(const std::string& monitor, Subject subject, RowId run, const Notice& notice,
               Time now, Time expires);
  // Removes it, and counts it as dropped.
  void Drop(RowId notice, const std::string& monitor, Dropped reason);
  void Remove(RowId notice);

  // A start of a run that is not a dead letter.
  struct Start {
    RowId id = 0;
    std::string uid;
    bool delivered = false;
    bool attempted = false;  // an attempt failed; only the answer may have been lost
  };
  // In the order in which they were added.
  [[nodiscard]] std::vector<Start> StartsOf(RowId run, const std::string& monitor);
  // Makes the starts of a run those of another. Whether there were any.
  bool MoveStarts(RowId from, RowId into);

  // A pending notice that is no start.
  struct Pending {
    RowId id = 0;
    NoticeState state = NoticeState::kFinish;
    RowId run = 0;
    NoticeCause cause = NoticeCause::kRun;
    std::string uid;
    bool closes = false;
  };
  [[nodiscard]] std::vector<Pending> PendingIn(const StatusScope& scope);
  // The newest pending notice that is one too many if at most `most` may be pending; nullopt: there
  // is none. `newest` is the newest id of all.
  [[nodiscard]] std::optional<RowId> OneTooMany(const std::string& monitor, RowId newest,
                                                std::int64_t most);

  // For a worker.
  struct Queued {
    Notice notice;  // without messages
    RowId run = 0;
  };
  // The oldest pending notices, in order.
  [[nodiscard]] std::vector<Queued> Oldest(const std::string& monitor, std::int64_t most);
  // For a person.
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

  // Makes all notices due. Starts that may have been in flight when the program ended count as
  // attempted.
  void RetryAll(Time now);
  [[nodiscard]] bool HasExpired(Time now);
  // Makes expired pending notices dead letters, and removes expired dead letters.
  void Expire(Time now);

  // --- Failures that a monitor was sent and that are not over

  void RememberFailure(const std::string& monitor, Subject subject, Time now);
  void ForgetFailures(const StatusScope& scope);
  [[nodiscard]] bool WasSentFailure(const StatusScope& scope);
  // Those that were sent, or sent again, at `time` or before.
  [[nodiscard]] std::vector<Subject> FailuresSentBy(const std::string& monitor, Time time);

  // --- Sources: since when notices are made of their runs

  void EnterSource(const std::string& source, Time now);
  // Whether a source that has reported a run was entered by `ended`; nullopt: at any time.
  [[nodiscard]] bool WasWatched(RowId run, std::optional<Time> ended);

  // Empty: there is no such backup.
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
