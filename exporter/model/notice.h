// Notices for monitors, what a monitor subscribes to, and the interface through which delivery gets
// notices from the ledger and reports their outcome.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "model/message.h"
#include "model/run.h"

namespace backup_exporter {

// The state that a notice reports. kResolve: a reported failure is over.
enum class NoticeState { kStart, kFinish, kFail, kLog, kResolve };
inline constexpr int kNoticeStates = 5;
[[nodiscard]] std::string_view Name(NoticeState state);
[[nodiscard]] std::optional<NoticeState> NoticeStateNamed(std::string_view name);

// Why a notice was enqueued.
enum class NoticeCause {
  kRun,        // a run began, ended or changed
  kReminder,   // a reported failure is not over yet
  kMissed,     // no success by the deadline
  kTest,       // sent by `notify`, to test whether the monitor can be reached
  kHeartbeat,  // the exporter is alive
};
inline constexpr int kNoticeCauses = 5;
[[nodiscard]] std::string_view Name(NoticeCause cause);
[[nodiscard]] std::optional<NoticeCause> NoticeCauseNamed(std::string_view name);

// One notification for one monitor.
struct Notice {
  std::int64_t id = 0;  // in the ledger; 0: not stored there
  NoticeState state = NoticeState::kFinish;
  NoticeCause cause = NoticeCause::kRun;
  std::string uid;  // UUID of the run: the same for its start and its end, and for every attempt
  bool closes = false;  // the monitor was, or may have been, sent a start with this uid
  std::string backup;
  Operation operation = Operation::kBackup;
  Time at;  // time of the event that it reports
  // The next members describe the run, as far as known. A run without a result has not ended.
  std::optional<RunResult> result = {};
  std::optional<Reason> reason = {};
  std::string error = {};  // the tool's message; any bytes
  std::optional<int> exit_code = {};
  std::optional<Time> started = {};
  std::optional<Duration> duration = {};
  Figures figures = {};
  std::uint64_t failures = 0;  // in a row, including this one
  // Other failing backups of the subscription ("nas", or "nas check"), for a monitor that shows one
  // status for all of them.
  std::vector<std::string> also_failing = {};
  // Messages of the run at or above the monitor's level, oldest first. Empty for a start.
  std::vector<Message> messages = {};
  std::uint64_t attempts = 0;  // attempts made so far
};

// Which undelivered notices a newer one replaces.
enum class Superseding {
  kNothing,  // none: every notice is sent, in order
  kStarts,   // a start, once its run has ended
  kFails,    // also a failure, once the same backup and operation succeeded
  kStates,   // everything but the newest state of those that share one status
};

// A monitor's subscription: the part of its configuration that decides which notices it gets.
struct Subscription {
  std::string monitor;  // its name
  std::string kind;     // the service's key
  std::set<NoticeState> states;
  std::vector<std::string> backups;  // names, or patterns with * and ?; empty: all
  std::set<Operation> operations;
  std::optional<Level> messages;  // least severe level that is sent; nullopt: no messages
  Superseding superseding = Superseding::kStarts;
  // The service shows one status for all its backups, which is good only while all of them are. By
  // backup, or by operation: its URL contains a placeholder, so each of these has its own status.
  bool one_state = false;
  bool by_backup = false;
  bool by_operation = false;
  bool start_is_good = false;  // a start would show as good: not sent while the last result is bad
  bool recovery = false;       // kResolve is sent if kFinish is not subscribed to
  std::uint64_t after = 1;     // failures in a row before the first one is sent
  std::optional<Duration> remind;
  Duration keep = std::chrono::hours(24 * 7);  // how long delivery of an end is attempted
};

// Why an attempt failed, as metrics name it.
enum class AttemptFailure {
  kDns,
  kConnect,
  kTls,
  kTimeout,
  kHttp4xx,
  kHttp5xx,
  kRateLimited,
  kRejected,  // refused in the body of the answer, or by the program
};
inline constexpr int kAttemptFailures = 8;
[[nodiscard]] std::string_view Name(AttemptFailure failure);  // "dns", "http_4xx"

// Why a notice was dropped.
enum class Dropped { kExpired, kQueueFull, kPermanent, kSuperseded };
inline constexpr int kDropped = 4;
[[nodiscard]] std::string_view Name(Dropped reason);  // "expired", "queue_full"

// Outcome of an attempt to deliver a notice.
struct Delivery {
  enum class Outcome {
    kDelivered,
    kRetry,    // the notice stays in the queue until the next attempt, at `due`
    kRefused,  // another attempt cannot help: kept as a dead letter
  };
  std::int64_t notice = 0;
  Outcome outcome = Outcome::kDelivered;
  AttemptFailure failure = AttemptFailure::kRejected;  // unless delivered
  std::string error = {};                              // for a person; contains no secret
  Time due = {};                                       // of the next attempt, if kRetry
};

// The queue from which delivery gets notices, and to which it reports. Thread-safe; nothing throws.
class NoticeQueue {
 public:
  virtual ~NoticeQueue() = default;
  // The oldest pending notices of a monitor, at most `most`, in order. They are in flight until
  // their outcome is reported, and stay in the queue until they are delivered, refused, superseded
  // or expired.
  [[nodiscard]] virtual std::vector<Notice> Pending(const std::string& monitor,
                                                    std::size_t most) = 0;
  // Reports the outcome of these notices, in the same order.
  virtual void Report(const std::string& monitor, std::span<const Delivery> deliveries,
                      Time now) = 0;
};

}  // namespace backup_exporter
