// A day without network, in simulated time: notices that still matter arrive in order. None arrives
// twice, unless an answer was lost.
// Labels: heavy

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "delivery/worker.h"
#include "kit/fake_transport.h"
#include "kit/ledger_fixture.h"

namespace backup_exporter {
namespace {

// Shared by all monitors. It is up or down, and loses some answers.
struct Network {
  bool up = false;
  unsigned lost_of_100 = 0;
  std::mt19937 chance{1};
};

// Records the notices that arrive.
class Server final : public Monitor {
 public:
  explicit Server(Network& network) : network_(network) {}
  std::vector<Notice> arrived;
  std::map<std::int64_t, int> times;  // by notice
  std::uint64_t lost = 0;

  SendResult Send(const Notice& notice, Transport&) override {
    if (!network_.up) return Retry(AttemptFailure::kDns, "no network");
    if (times[notice.id]++ == 0) arrived.push_back(notice);
    if (network_.chance() % 100 >= network_.lost_of_100) return Delivered();
    ++lost;
    return Retry(AttemptFailure::kTimeout, "no answer");
  }

 private:
  Network& network_;
};

class OutageTest : public LedgerTest {
 protected:
  static constexpr int kBackups = 10;
  static constexpr int kRounds = 500;  // of a start and an end of each backup: 10,000 events

  OutageTest() {
    options_.directory.clear();  // storing on disk is covered by the ledger's tests
    for (int i = 0; i < kBackups; ++i) {
      const std::string name = fmt::format("b{}", i);
      sources_.push_back(SourceOf(name, name));
      files_.emplace_back(fmt::format("/{}/x.log", name));
    }
    Reopen();
    for (const auto& [name, superseding] :
         std::map<std::string, Superseding>{{"all", Superseding::kNothing},
                                            {"ends", Superseding::kStarts},
                                            {"pages", Superseding::kFails},
                                            {"state", Superseding::kStates}}) {
      Subscription subscription{
          .monitor = name,
          .states = {NoticeState::kStart, NoticeState::kFinish, NoticeState::kFail},
          .operations = {Operation::kBackup},
          .superseding = superseding};
      if (name == "pages") subscription.states = {NoticeState::kFail};
      if (name == "pages") subscription.recovery = true;
      if (name == "state") subscription.one_state = true;
      subscriptions_.push_back(subscription);
      servers_[name] = std::make_shared<Server>(network_);
      workers_[name] = std::make_unique<Worker>(servers_[name], ledger(), transport_,
                                                WorkerOptions{.monitor = name, .seed = 1});
    }
    now_ = Night(1);
    ledger().Subscribe(subscriptions_, now_);
  }
  void TearDown() override {}  // nothing is stored that could be checked after a restart

  // Runs the workers until `end`.
  void RunUntil(Time end) {
    for (; now_ < end; now_ += 30s) {
      steady_ += 30s;
      for (auto& [name, worker] : workers_) {
        for (int i = 0; i < 5000 && worker->Step(now_, steady_) <= steady_; ++i) {
        }
      }
    }
  }
  void Rounds(int count, Duration each) {
    for (int round = 0; round < count; ++round) {
      for (std::size_t i = 0; i < kBackups; ++i) {
        Apply(files_[i], {Started{.at = now_}});
      }
      now_ += 60s;
      steady_ += 60s;
      for (std::size_t i = 0; i < kBackups; ++i) {
        // Each backup fails in rounds of its own; all are good at the end.
        const bool fails = (static_cast<std::size_t>(round) + i) % 7 == 0 && round + 1 < count;
        Apply(files_[i], {Finished(fails ? kFailure : kSuccess).At(now_).Whole()});
        ends_.push_back(fmt::format("b{} {}", i, fails ? "fail" : "finish"));
      }
      RunUntil(now_ + each - 60s);
    }
  }
  static std::vector<std::string> Summaries(const std::vector<Notice>& notices) {
    std::vector<std::string> summaries;
    for (const Notice& notice : notices) {
      summaries.push_back(fmt::format("{} {}", notice.backup, Name(notice.state)));
    }
    return summaries;
  }

  Network network_;
  FakeTransport transport_;
  std::vector<TestFile> files_;
  std::vector<Subscription> subscriptions_;
  std::map<std::string, std::shared_ptr<Server>> servers_;
  std::map<std::string, std::unique_ptr<Worker>> workers_;
  std::vector<std::string> ends_;  // in order
  SteadyTime steady_{};
};

TEST_F(OutageTest, AfterADayWithoutNetworkEveryNoticeThatStillMattersArrivesInOrder) {
  network_.lost_of_100 = 10;
  Rounds(kRounds, std::chrono::floor<std::chrono::seconds>(Duration(24h) / kRounds));
  for (const auto& [name, server] : servers_) EXPECT_TRUE(server->arrived.empty());
  network_.up = true;
  RunUntil(now_ + 24h);

  for (const auto& [name, server] : servers_) {
    SCOPED_TRACE(name);
    EXPECT_TRUE(ledger().Pending(name, 1).empty());
    std::uint64_t more = 0;
    for (const auto& [id, times] : server->times) more += static_cast<std::uint64_t>(times) - 1;
    EXPECT_EQ(more, server->lost) << "sent twice although the answer arrived";
  }
  // Every notice: a start and an end of every run.
  EXPECT_EQ(servers_["all"]->arrived.size(), 2U * kBackups * kRounds);
  Tick();
  EXPECT_EQ(ledger().standings()->monitors.at("all").dropped, (MonitorStanding{}.dropped));
  // Only the ends: the starts were superseded.
  EXPECT_EQ(Summaries(servers_["ends"]->arrived), ends_);
  // No failure that is over is sent, only its recovery.
  for (const Notice& notice : servers_["pages"]->arrived) {
    EXPECT_EQ(notice.state, NoticeState::kResolve);
  }
  // One status: only the newest notice.
  EXPECT_EQ(Summaries(servers_["state"]->arrived), std::vector<std::string>{"b9 finish"});
}

TEST_F(OutageTest, DeliveryContinuesWithinTheLongestPauseAfterAnOutage) {
  Rounds(100, 5min);
  network_.up = true;
  RunUntil(now_ + 15min + 30s);
  for (const auto& [name, server] : servers_) EXPECT_FALSE(server->arrived.empty()) << name;
}

}  // namespace
}  // namespace backup_exporter
