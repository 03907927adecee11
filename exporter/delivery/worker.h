// Delivers the queue of one monitor, in the same way for every service: in order, with back-off
// after failures, with secrets masked. Also sends the heartbeat.
//
// A call sends one batch, or one heartbeat, and returns the time of the next call. It does not
// wait.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>

#include "base/secret.h"
#include "base/time.h"
#include "delivery/monitor.h"
#include "model/notice.h"

namespace backup_exporter {

struct WorkerOptions {
  std::string monitor;  // its name
  std::shared_ptr<const SecretMask> mask = std::make_shared<const SecretMask>();
  std::optional<Duration> heartbeat = {};
  // Whether all is well. While it is not, no heartbeat is sent, since it would hide the problem.
  std::function<bool()> is_well = [] { return true; };
  std::uint32_t seed = std::random_device()();  // of the jitter
};

// Used by one thread.
class Worker {
 public:
  // `queue` and `transport` must outlive this.
  Worker(std::shared_ptr<Monitor> monitor, NoticeQueue& queue, Transport& transport,
         WorkerOptions options);

  // Sends the oldest pending notices, as many as fit in one batch. Returns when to call it again
  // unless new notices arrive before.
  [[nodiscard]] SteadyTime Step(Time wall, SteadyTime steady);

 private:
  [[nodiscard]] SteadyTime Deliver(std::vector<Notice> notices, Time wall, SteadyTime steady);
  [[nodiscard]] SteadyTime SendHeartbeat(Time wall, SteadyTime steady);
  // Time until the next attempt. Grows with each failure in a row.
  [[nodiscard]] Duration NextPause(const SendResult& result, Time wall);
  [[nodiscard]] Notice Masked(Notice notice) const;

  const std::shared_ptr<Monitor> monitor_;
  NoticeQueue& queue_;
  Transport& transport_;
  const WorkerOptions options_;
  std::mt19937 random_;
  unsigned failures_ = 0;        // in a row
  SteadyTime next_attempt_{};    // none before
  SteadyTime next_heartbeat_{};  // none before
};

// The pause that a Retry-After header (RFC 9110, section 10.2.3) asks for; 0 if it names a date in
// the past. nullopt: the text is not valid.
[[nodiscard]] std::optional<Duration> ParseRetryAfter(const std::string& text, Time now);

}  // namespace backup_exporter
