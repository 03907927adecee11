#include "delivery/worker.h"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>

#include "base/log.h"

namespace backup_exporter {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Duration kFirstPause = seconds(1);
constexpr Duration kLongestPause = minutes(15);
// A server may ask for more patience than ours, within bounds.
constexpr Duration kMostPatience = hours(1);
constexpr Duration kIdle = minutes(1);
constexpr Duration kNotWell = seconds(5);  // until the next look

SteadyTime After(SteadyTime time, Duration duration) {
  return time + std::chrono::duration_cast<SteadyTime::duration>(duration);
}

}  // namespace

std::optional<Duration> ParseRetryAfter(const std::string& text, Time now) {
  const bool digits =
      !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  if (digits) {
    constexpr std::int64_t kMost = 1'000'000'000;
    std::int64_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    return seconds(error == std::errc() ? std::min(count, kMost) : kMost);
  }
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
  if (steady < next_) return next_;
  std::vector<Notice> notices = queue_.Waiting(options_.monitor, monitor_->most());
  if (!notices.empty()) return Deliver(std::move(notices), wall, steady);
  if (options_.heartbeat) return Beat(wall, steady);
  return After(steady, kIdle);
}

SteadyTime Worker::Deliver(std::vector<Notice> notices, Time wall, SteadyTime steady) {
  for (Notice& notice : notices) notice = Masked(std::move(notice));
  const std::vector<SendResult> results = monitor_->SendAll(notices, transport_);
  std::vector<Delivery> deliveries;
  next_ = steady;
  for (std::size_t i = 0; i < std::min(results.size(), notices.size()); ++i) {
    const SendResult& result = results[i];
    if (result.stopped) break;
    Delivery delivery{.notice = notices[i].id,
                      .outcome = result.outcome,
                      .failure = result.failure,
                      .error = options_.mask->Mask(result.error)};
    if (result.outcome == Delivery::Outcome::kRetry) {
      const Duration pause = Pause(result, wall);
      delivery.due = wall + pause;
      next_ = After(steady, pause);
      Log().warn("monitor {}: not delivered, will be tried again in {:.0f} s: {}", options_.monitor,
                 ToSeconds(pause), delivery.error);
    } else {
      failures_ = 0;
    }
    if (result.outcome == Delivery::Outcome::kRefused) {
      Log().error("monitor {}: refused, a notice of {} is given up: {}", options_.monitor,
                  notices[i].backup, delivery.error);
    }
    deliveries.push_back(std::move(delivery));
    if (result.outcome == Delivery::Outcome::kRetry) break;
  }
  if (!deliveries.empty()) queue_.Report(options_.monitor, deliveries, wall);
  return next_;
}

SteadyTime Worker::Beat(Time wall, SteadyTime steady) {
  if (steady < next_beat_) return next_beat_;
  // The silence is what tells; but a beat that is late by a start of the program is none.
  if (!options_.is_well()) {
    return next_beat_ = After(steady, std::min(kNotWell, *options_.heartbeat));
  }
  next_beat_ = After(steady, *options_.heartbeat);
  const SendResult result = monitor_->Send({.state = NoticeState::kFinish,
                                            .cause = NoticeCause::kHeartbeat,
                                            .at = wall,
                                            .result = RunResult::kSuccess},
                                           transport_);
  if (result.stopped) return next_beat_;
  Delivery delivery{.outcome = result.outcome,
                    .failure = result.failure,
                    .error = options_.mask->Mask(result.error)};
  if (result.outcome == Delivery::Outcome::kDelivered) {
    failures_ = 0;
  } else {
    next_beat_ = After(steady, std::min(Pause(result, wall), *options_.heartbeat));
    Log().warn("monitor {}: the heartbeat did not arrive: {}", options_.monitor, delivery.error);
  }
  queue_.Report(options_.monitor, {&delivery, 1}, wall);
  return next_beat_;
}

Duration Worker::Pause(const SendResult& result, Time wall) {
  constexpr unsigned kDoublings = 10;  // 1 s to more than the longest
  const Duration full =
      std::min(kFirstPause * (1 << std::min(failures_, kDoublings)), kLongestPause);
  ++failures_;
  // Half of it is chance, so that the exporters of a hundred hosts do not come back as one.
  Duration pause(
      std::uniform_int_distribution<Duration::rep>(full.count() / 2, full.count())(random_));
  pause = std::max(pause, std::min(result.pause.value_or(Duration(0)), kMostPatience));
  if (const auto asked = ParseRetryAfter(result.retry_after, wall)) {
    pause = std::max(pause, std::min(*asked, kMostPatience));
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
