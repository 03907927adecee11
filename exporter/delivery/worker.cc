#include "delivery/worker.h"

#include <curl/curl.h>

#include <algorithm>

#include "base/log.h"
#include "base/parse.h"

namespace backup_exporter {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Duration kFirstPause = seconds(1);
constexpr Duration kLongestPause = minutes(15);
// The longest pause that a server or a service may ask for.
constexpr Duration kLongestRequestedPause = hours(1);
constexpr Duration kIdle = minutes(1);
constexpr Duration kNotWell = seconds(5);  // until the next check whether all is well

SteadyTime After(SteadyTime time, Duration duration) {
  return time + std::chrono::duration_cast<SteadyTime::duration>(duration);
}

}  // namespace

std::optional<Duration> ParseRetryAfter(const std::string& text, Time now) {
  const bool digits =
      !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  constexpr int kTooMany = 1'000'000'000;  // stands for a number with more digits
  if (digits) return seconds(WholeNumber(text).value_or(kTooMany));
  const time_t date = curl_getdate(text.c_str(), nullptr);
  if (date < 0) return std::nullopt;
  return std::max(Time(seconds(date)) - now, Duration(0));
}

Worker::Worker(std::shared_ptr<Monitor> monitor, NoticeQueue& queue, Transport& transport,
               WorkerOptions options)
    : monitor_(std::move(monitor)),
      queue_(queue),
      transport_(transport),
      options_(std::move(options)),
      random_(options_.seed) {}

SteadyTime Worker::Step(Time wall, SteadyTime steady) {
  if (steady < next_attempt_) return next_attempt_;
  std::vector<Notice> notices = queue_.Pending(options_.monitor, monitor_->batch_limit());
  if (!notices.empty()) return Deliver(std::move(notices), wall, steady);
  if (options_.heartbeat) return SendHeartbeat(wall, steady);
  return After(steady, kIdle);
}

SteadyTime Worker::Deliver(std::vector<Notice> notices, Time wall, SteadyTime steady) {
  for (Notice& notice : notices) notice = Masked(std::move(notice));
  const std::vector<SendResult> results = monitor_->SendAll(notices, transport_);
  std::vector<Delivery> deliveries;
  next_attempt_ = steady;
  for (std::size_t i = 0; i < std::min(results.size(), notices.size()); ++i) {
    const SendResult& result = results[i];
    if (result.stopped) break;
    Delivery delivery{.notice = notices[i].id,
                      .outcome = result.outcome,
                      .failure = result.failure,
                      .error = options_.mask->Mask(result.error)};
    if (result.outcome == Delivery::Outcome::kRetry) {
      const Duration pause = NextPause(result, wall);
      delivery.due = wall + pause;
      next_attempt_ = After(steady, pause);
      Log().warn("monitor {}: not delivered, next attempt in {:.0f} s: {}", options_.monitor,
                 ToSeconds(pause), delivery.error);
    } else {
      failures_ = 0;
    }
    if (result.outcome == Delivery::Outcome::kRefused) {
      Log().error("monitor {}: notice of backup {} refused, giving up on it: {}", options_.monitor,
                  notices[i].backup, delivery.error);
    }
    deliveries.push_back(std::move(delivery));
    if (result.outcome == Delivery::Outcome::kRetry) break;
  }
  if (!deliveries.empty()) queue_.Report(options_.monitor, deliveries, wall);
  return next_attempt_;
}

SteadyTime Worker::SendHeartbeat(Time wall, SteadyTime steady) {
  if (steady < next_heartbeat_) return next_heartbeat_;
  // A missing heartbeat raises the alarm. Right after the start of the program, the heartbeat is
  // only late, so the check is repeated soon.
  if (!options_.is_well()) {
    return next_heartbeat_ = After(steady, std::min(kNotWell, *options_.heartbeat));
  }
  next_heartbeat_ = After(steady, *options_.heartbeat);
  const SendResult result = monitor_->Send({.state = NoticeState::kFinish,
                                            .cause = NoticeCause::kHeartbeat,
                                            .at = wall,
                                            .result = RunResult::kSuccess},
                                           transport_);
  if (result.stopped) return next_heartbeat_;
  Delivery delivery{.outcome = result.outcome,
                    .failure = result.failure,
                    .error = options_.mask->Mask(result.error)};
  if (result.outcome == Delivery::Outcome::kDelivered) {
    failures_ = 0;
  } else {
    next_heartbeat_ = After(steady, std::min(NextPause(result, wall), *options_.heartbeat));
    Log().warn("monitor {}: heartbeat not delivered: {}", options_.monitor, delivery.error);
  }
  queue_.Report(options_.monitor, {&delivery, 1}, wall);
  return next_heartbeat_;
}

Duration Worker::NextPause(const SendResult& result, Time wall) {
  constexpr unsigned kDoublings = 10;  // of 1 s exceed the longest pause
  const Duration full =
      std::min(kFirstPause * (1 << std::min(failures_, kDoublings)), kLongestPause);
  ++failures_;
  // Half of the pause is random, so that the exporters of many hosts do not retry all at once.
  Duration pause(
      std::uniform_int_distribution<Duration::rep>(full.count() / 2, full.count())(random_));
  pause = std::max(pause, std::min(result.pause.value_or(Duration(0)), kLongestRequestedPause));
  if (const auto requested = ParseRetryAfter(result.retry_after, wall)) {
    pause = std::max(pause, std::min(*requested, kLongestRequestedPause));
  }
  return pause;
}

Notice Worker::Masked(Notice notice) const {
  notice.error = options_.mask->Mask(std::move(notice.error));
  for (Message& message : notice.messages) {
    message.text = options_.mask->Mask(std::move(message.text));
  }
  return notice;
}

}  // namespace backup_exporter
