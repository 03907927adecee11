// The work of one monitor's queue, the same for every service: in order, again after a failure with
// growing pauses, nothing secret, and the heartbeat.
//
// Does one thing when it is called, and says when to be called again: time is the caller's.
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
  // Whether there is nothing that a heartbeat would hide.
  std::function<bool()> is_well = [] { return true; };
  std::uint32_t seed = std::random_device()();  // of the jitter
};

class Worker {
 public:
  Worker(std::shared_ptr<Monitor> monitor, NoticeQueue& queue, Transport& transport,
         WorkerOptions options);

  // Tells what waits, as far as one request goes. When to call again, if nothing new comes before.
  [[nodiscard]] SteadyTime Step(Time wall, SteadyTime steady);

 private:
  [[nodiscard]] SteadyTime Deliver(std::vector<Notice> notices, Time wall, SteadyTime steady);
  [[nodiscard]] SteadyTime Beat(Time wall, SteadyTime steady);
  // Before the next attempt; grows with each failure in a row.
  [[nodiscard]] Duration Pause(const SendResult& result, Time wall);
  [[nodiscard]] Notice Masked(Notice notice) const;

  const std::shared_ptr<Monitor> monitor_;
  NoticeQueue& queue_;
  Transport& transport_;
  const WorkerOptions options_;
  std::mt19937 random_;
  unsigned failures_ = 0;  // in a row
  SteadyTime next_{};      // no attempt before
  SteadyTime next_beat_{};
};

// What a Retry-After header (RFC 9110, section 10.2.3) asks for; nullopt: it is none. In the past:
// 0.
[[nodiscard]] std::optional<Duration> ParseRetryAfter(const std::string& text, Time now);

}  // namespace backup_exporter
