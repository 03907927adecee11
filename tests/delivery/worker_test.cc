// Labels: threads

#include "delivery/worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "kit/fake_transport.h"

namespace backup_exporter {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::Ge;
using testing::HasSubstr;
using testing::Le;
using testing::Not;
using Outcome = Delivery::Outcome;

constexpr Time kNow{std::chrono::seconds(1'800'000'000)};

class FakeQueue final : public NoticeQueue {
 public:
  std::vector<Notice> pending;
  std::vector<Delivery> reports;

  std::vector<Notice> Pending(const std::string&, std::size_t most) override {
    return {pending.begin(), pending.begin() + static_cast<long>(std::min(most, pending.size()))};
  }
  void Report(const std::string&, std::span<const Delivery> deliveries, Time) override {
    for (const Delivery& delivery : deliveries) {
      reports.push_back(delivery);
      if (delivery.outcome == Outcome::kRetry) continue;
      std::erase_if(pending, [&](const Notice& one) { return one.id == delivery.notice; });
    }
  }
};

// Returns the given results in order, then deliveries.
class FakeMonitor final : public Monitor {
 public:
  std::deque<SendResult> results;
  std::vector<Notice> sent;

  SendResult Send(const Notice& notice, Transport&) override {
    sent.push_back(notice);
    if (results.empty()) return Delivered();
    SendResult result = results.front();
    results.pop_front();
    return result;
  }
};

class WorkerTest : public testing::Test {
 protected:
  void Enqueue(int notices) {
    for (int i = 1; i <= notices; ++i) {
      queue_.pending.push_back({.id = i, .uid = "u", .backup = "home", .at = kNow});
    }
  }
  Worker& worker() {
    if (!worker_) worker_.emplace(monitor_, queue_, transport_, options_);
    return *worker_;
  }
  // Calls the worker at the times that it returns, for this long.
  void RunFor(Duration time) {
    const SteadyTime end = steady_ + time;
    while (steady_ <= end) {
      const SteadyTime next = worker().Step(
          kNow + std::chrono::duration_cast<Duration>(steady_ - SteadyTime()), steady_);
      steady_ = std::max(next, steady_ + 1us);
    }
  }
  // The pause after the next attempt.
  Duration NextPause() {
    const SteadyTime next = worker().Step(kNow, steady_);
    const auto pause = std::chrono::duration_cast<Duration>(next - steady_);
    steady_ = next;
    return pause;
  }

  std::shared_ptr<FakeMonitor> monitor_ = std::make_shared<FakeMonitor>();
  FakeQueue queue_;
  FakeTransport transport_;
  WorkerOptions options_{.monitor = "m", .seed = 1};
  std::optional<Worker> worker_;
  SteadyTime steady_{};
};

TEST_F(WorkerTest, PendingNoticesAreSentInOrder) {
  Enqueue(3);
  RunFor(1s);
  ASSERT_EQ(monitor_->sent.size(), 3U);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(monitor_->sent[static_cast<std::size_t>(i)].id, i + 1);
  EXPECT_TRUE(queue_.pending.empty());
}

TEST_F(WorkerTest, FailuresAreRetriedWithPausesThatDoubleUpToAQuarterOfAnHour) {
  Enqueue(1);
  monitor_->results.assign(20, Retry(AttemptFailure::kConnect, "no"));
  Duration full = 1s;
  for (int i = 0; i < 20; ++i) {
    EXPECT_THAT(NextPause(), AllOf(Ge(full / 2), Le(full)));
    full = std::min<Duration>(full * 2, 15min);
  }
  EXPECT_EQ(full, Duration(15min));
}

TEST_F(WorkerTest, NoNoticeOvertakesOneThatIsRetried) {
  Enqueue(2);
  monitor_->results = {Retry(AttemptFailure::kConnect, "no")};
  RunFor(10s);
  ASSERT_EQ(monitor_->sent.size(), 3U);
  EXPECT_EQ(monitor_->sent[1].id, 1);
  EXPECT_EQ(monitor_->sent[2].id, 2);
}

TEST_F(WorkerTest, ADeliveryResetsThePauses) {
  Enqueue(2);
  monitor_->results = {Retry(AttemptFailure::kConnect, "no"), Retry(AttemptFailure::kConnect, "no"),
                       Delivered(), Retry(AttemptFailure::kConnect, "no")};
  NextPause();
  NextPause();
  NextPause();
  EXPECT_LE(NextPause(), Duration(1s));
}

TEST_F(WorkerTest, APauseIsAsLongAsTheServerAsksForButAtMostAnHour) {
  Enqueue(1);
  const auto with_header = [](const std::string& text) {
    SendResult result = Retry(AttemptFailure::kRateLimited, "slow down");
    result.retry_after = text;
    return result;
  };
  monitor_->results = {with_header("120"), with_header("315360000"),
                       with_header("Fri, 15 Jan 2027 08:10:00 GMT"),
                       with_header("Thu, 01 Jan 1970 00:00:00 GMT"), with_header("soon")};
  EXPECT_EQ(NextPause(), Duration(120s));
  EXPECT_EQ(NextPause(), Duration(1h));
  EXPECT_EQ(NextPause(), Duration(10min));
  EXPECT_LE(NextPause(), Duration(8s));
  EXPECT_LE(NextPause(), Duration(16s));
}

TEST_F(WorkerTest, APauseIsAtLeastThatOfTheService) {
  Enqueue(1);
  SendResult result = Retry(AttemptFailure::kHttp5xx, "no");
  result.pause = 5s;
  monitor_->results = {result};
  EXPECT_EQ(NextPause(), Duration(5s));
}

TEST_F(WorkerTest, ARefusedNoticeIsReportedAndTheNextOneIsSent) {
  Enqueue(2);
  monitor_->results = {Refused(AttemptFailure::kHttp4xx, "HTTP 404")};
  RunFor(1s);
  ASSERT_EQ(queue_.reports.size(), 2U);
  EXPECT_EQ(queue_.reports[0].outcome, Outcome::kRefused);
  EXPECT_EQ(queue_.reports[1].outcome, Outcome::kDelivered);
}

TEST_F(WorkerTest, AnAttemptEndedByAStopIsNotReported) {
  Enqueue(1);
  SendResult stopped = JudgeNetwork(NetworkFailure::kStopped, "stopping");
  monitor_->results = {stopped};
  NextPause();
  EXPECT_TRUE(queue_.reports.empty());
}

TEST_F(WorkerTest, SecretsAreMaskedInTextsAndErrors) {
  SecretMask mask;
  mask.Add("CANARY");
  options_.mask = std::make_shared<const SecretMask>(mask);
  Enqueue(1);
  queue_.pending[0].error = "key CANARY of sftp://me:hunter2@host/x is wrong";
  queue_.pending[0].messages = {{.text = "CANARY"}};
  monitor_->results = {Retry(AttemptFailure::kConnect, "https://x/CANARY")};
  NextPause();
  EXPECT_THAT(monitor_->sent[0].error, AllOf(Not(HasSubstr("CANARY")), Not(HasSubstr("hunter2"))));
  EXPECT_EQ(monitor_->sent[0].messages[0].text, "***");
  EXPECT_EQ(queue_.reports[0].error, "https://x/***");
}

TEST_F(WorkerTest, AHeartbeatIsSentOnTimeWhileAllIsWell) {
  bool well = true;
  options_.heartbeat = 5min;
  options_.is_well = [&] { return well; };
  RunFor(14min);
  EXPECT_EQ(monitor_->sent.size(), 3U);
  EXPECT_EQ(monitor_->sent[0].cause, NoticeCause::kHeartbeat);
  well = false;
  RunFor(20min);
  EXPECT_EQ(monitor_->sent.size(), 3U);
  well = true;
  RunFor(10s);
  EXPECT_EQ(monitor_->sent.size(), 4U) << "soon after all is well again";
}

TEST_F(WorkerTest, AFailedHeartbeatIsRetriedSoon) {
  options_.heartbeat = 5min;
  monitor_->results = {Retry(AttemptFailure::kConnect, "no")};
  RunFor(2s);
  EXPECT_EQ(monitor_->sent.size(), 2U);
}

TEST(RetryAfter, TheHeaderIsANumberOfSecondsOrADate) {
  EXPECT_EQ(ParseRetryAfter("0", kNow), Duration(0));
  EXPECT_EQ(ParseRetryAfter("90", kNow), Duration(90s));
  EXPECT_EQ(ParseRetryAfter("Fri, 15 Jan 2027 08:00:30 GMT", kNow), Duration(30s));
  EXPECT_EQ(ParseRetryAfter("Fri, 15 Jan 2027 07:00:00 GMT", kNow), Duration(0));
  EXPECT_EQ(ParseRetryAfter("", kNow), std::nullopt);
  EXPECT_EQ(ParseRetryAfter("-5", kNow), std::nullopt);
  EXPECT_EQ(ParseRetryAfter("whenever", kNow), std::nullopt);
}

}  // namespace
}  // namespace backup_exporter
