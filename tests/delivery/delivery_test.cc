// Labels: threads

#include "delivery/delivery.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <map>
#include <mutex>

#include "kit/faulty_server.h"
#include "kit/monitors.h"

namespace backup_exporter {
namespace {

// Pending notices by monitor, as the ledger keeps them.
class SharedQueue final : public NoticeQueue {
 public:
  void Enqueue(const std::string& monitor, std::int64_t id) {
    const std::lock_guard lock(mutex_);
    Notice notice = MakeNotice(NoticeState::kFail);
    notice.id = id;
    pending_[monitor].push_back(notice);
  }
  std::vector<Notice> Pending(const std::string& monitor, std::size_t most) override {
    const std::lock_guard lock(mutex_);
    const std::vector<Notice>& all = pending_[monitor];
    const auto count = static_cast<std::ptrdiff_t>(std::min(most, all.size()));
    return {all.begin(), all.begin() + count};
  }
  void Report(const std::string& monitor, std::span<const Delivery> deliveries, Time) override {
    const std::lock_guard lock(mutex_);
    for (const Delivery& delivery : deliveries) {
      if (delivery.outcome != Delivery::Outcome::kDelivered) continue;
      std::erase_if(pending_[monitor],
                    [&](const Notice& one) { return one.id == delivery.notice; });
    }
    changed_.notify_all();
  }
  // False: some are still pending after half a minute.
  bool AwaitEmpty(const std::string& monitor) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30),
                             [&] { return pending_[monitor].empty(); });
  }
  std::size_t pending(const std::string& monitor) {
    const std::lock_guard lock(mutex_);
    return pending_[monitor].size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::vector<Notice>> pending_;
};

Target TargetAt(const FaultyServer& server, const std::string& name) {
  MadeMonitor made = MakeMonitor("webhook: {url: '" + server.url() + "'}");
  return {.monitor = std::move(made.monitor), .options = {.monitor = name}};
}

TEST(DeliveryThreads, AMonitorThatHangsDelaysNeitherOthersNorTheEnd) {
  const FaultyServer hanging(
      [](const FaultyServer::Request&) { return FaultyReply{.fault = Fault::kHang}; });
  const FaultyServer good([](const FaultyServer::Request&) { return FaultyReply{}; });
  SharedQueue queue;
  for (int id = 1; id <= 3; ++id) {
    queue.Enqueue("hanging", id);
    queue.Enqueue("good", id);
  }
  const SystemClock clock;
  {
    const DeliveryThreads threads({TargetAt(hanging, "hanging"), TargetAt(good, "good")}, queue,
                                  clock);
    EXPECT_TRUE(hanging.AwaitRequests(1));
    EXPECT_TRUE(queue.AwaitEmpty("good"));
  }
  EXPECT_EQ(good.request_count(), 3U);
  EXPECT_EQ(hanging.request_count(), 1U);
  EXPECT_EQ(queue.pending("hanging"), 3U);
}

TEST(DeliveryThreads, WakeSendsNewNoticesImmediately) {
  const FaultyServer server([](const FaultyServer::Request&) { return FaultyReply{}; });
  SharedQueue queue;
  queue.Enqueue("m", 1);
  const SystemClock clock;
  DeliveryThreads threads({TargetAt(server, "m")}, queue, clock);
  EXPECT_TRUE(queue.AwaitEmpty("m"));
  // Without a call of Wake, the worker would look again only after a minute.
  queue.Enqueue("m", 2);
  threads.Wake();
  EXPECT_TRUE(queue.AwaitEmpty("m"));
  EXPECT_EQ(server.request_count(), 2U);
}

}  // namespace
}  // namespace backup_exporter
