// What monitors are to be told, and the two narrow interfaces between the ledger, which makes and
// keeps notices, and delivery, which takes them to monitors.
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

// What a monitor hears of a run; kResolve: what was told as failed is well again.
enum class NoticeState { kStart, kFinish, kFail, kLog, kResolve };
inline constexpr int kNoticeStates = 5;
[[nodiscard]] std::string_view Name(NoticeState state);

// Why there is a notice.
enum class NoticeCause {
  kRun,        // of what a run did
  kReminder,   // it is still failing
  kMissed,     // no success came when one was due
  kTest,       // somebody wants to see whether the monitor is reached
  kHeartbeat,  // the exporter works
};
inline constexpr int kNoticeCauses = 5;
[[nodiscard]] std::string_view Name(NoticeCause cause);

// One thing to tell one monitor.
struct Notice {
  std::int64_t id = 0;  // in the ledger; 0: not kept there
  NoticeState state = NoticeState::kFinish;
  NoticeCause cause = NoticeCause::kRun;
  std::string uid;      // UUID of the run: the same at its start and its end, and at every retry
  bool closes = false;  // a start with this uid was told
  std::string backup;
  Operation operation = Operation::kBackup;
  Time at;  // when what it tells of happened
  // Of the run, as far as known. Without a result it has not ended.
  std::optional<RunResult> result = {};
  std::optional<Reason> reason = {};
  std::string error = {};  // the tool's own words; may hold anything
  std::optional<int> exit_code = {};
  std::optional<Time> started = {};
  std::optional<Duration> duration = {};
  Figures figures = {};
  std::uint64_t failures = 0;  // in a row, this one included
  // What else the monitor hears and is not well ("nas", or "nas check"), for a monitor that holds
  // one state for all of it.
  std::vector<std::string> also_failing = {};
  // What was said about the run, oldest first: no less than the monitor's verbosity. Empty at a
  // start.
  std::vector<Message> messages = {};
  std::uint64_t attempts = 0;  // made before
};

// What may take the place of what was not delivered yet.
enum class Superseding {
  kNothing,  // all is told, in order
  kStarts,   // a start is worth nothing once its run has ended
  kFails,    // and a failure nothing once the same backup and operation succeeded
  kStates,   // only the newest state of what shares one state counts
};

// What a monitor hears, and how: the part of its configuration that the ledger needs.
struct Listener {
  std::string monitor;  // its name
  std::string kind;     // the service's key
  std::set<NoticeState> states;
  std::vector<std::string> backups;  // names, or patterns with * and ?; empty: all
  std::set<Operation> operations;
  std::optional<Level> messages;  // the least that is told of what was said; nullopt: nothing
  Superseding superseding = Superseding::kStarts;
  // It shows one state for all that it hears, which is well only while all is. Not so where it has
  // one for each backup, or operation.
  bool one_state = false;
  bool by_backup = false;
  bool by_operation = false;
  bool start_is_good = false;  // a start would show as well: untold while the last result is bad
  bool recovery = false;       // kResolve is told, where kFinish is not
  std::uint64_t after = 1;     // so many failures in a row are told of
  std::optional<Duration> remind;
  Duration keep = std::chrono::hours(24 * 7);  // how long an end is tried
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
  kRejected,  // the answer itself, or the program, says no
};
inline constexpr int kAttemptFailures = 8;
[[nodiscard]] std::string_view Name(AttemptFailure failure);  // "dns", "http_4xx"

// Why a notice was given up.
enum class Dropped { kExpired, kQueueFull, kPermanent, kSuperseded };
inline constexpr int kDropped = 4;
[[nodiscard]] std::string_view Name(Dropped reason);  // "expired", "queue_full"

// What came of trying to deliver a notice.
struct Delivery {
  enum class Outcome {
    kDelivered,
    kRetry,    // it stays, and is tried again at `due`
    kRefused,  // trying again cannot help: kept as a dead letter
  };
  std::int64_t notice = 0;
  Outcome outcome = Outcome::kDelivered;
  AttemptFailure failure = AttemptFailure::kRejected;  // unless delivered
  std::string error = {};                              // for a person; holds no secret
  Time due = {};
};

// Where delivery takes notices from and reports back. Thread-safe; nothing throws.
class NoticeQueue {
 public:
  virtual ~NoticeQueue() = default;
  // The oldest notices that wait for a monitor, at most so many, in order. They stay until they are
  // reported as delivered or refused.
  [[nodiscard]] virtual std::vector<Notice> Waiting(const std::string& monitor,
                                                    std::size_t most) = 0;
  // What came of those, in their order.
  virtual void Report(const std::string& monitor, std::span<const Delivery> deliveries,
                      Time now) = 0;
};

}  // namespace backup_exporter
