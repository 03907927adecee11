#include "delivery/delivery.h"

#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/log.h"

namespace backup_exporter {

HttpAnswer SystemTransport::Send(const HttpRequest& request) { return client_.Send(request); }
TcpAnswer SystemTransport::Exchange(const TcpRequest& request) { return client_.Exchange(request); }
ChildAnswer SystemTransport::Run(const ChildRequest& request) { return RunChild(request, stop_); }

void SystemTransport::Stop() {
  stop_ = true;
  client_.Stop();
}

struct DeliveryThreads::Bell {
  std::mutex mutex;
  std::condition_variable rang;
  std::uint64_t rings = 0;  // guarded by mutex
  bool stop = false;        // guarded by mutex
};

class DeliveryThreads::One {
 public:
  One(Target target, NoticeQueue& queue, const Clock& clock, Bell& bell)
      : worker_(std::move(target.monitor), queue, transport_, std::move(target.options)),
        thread_([this, &clock, &bell] { Run(clock, bell); }) {}
  ~One() { thread_.join(); }
  One(const One&) = delete;
  One& operator=(const One&) = delete;

  void Stop() { transport_.Stop(); }

 private:
  void Run(const Clock& clock, Bell& bell) {
    try {
      std::unique_lock lock(bell.mutex);
      while (!bell.stop) {
        const std::uint64_t heard = bell.rings;
        lock.unlock();
        const SteadyTime next = worker_.Step(clock.Now(), clock.Steady());
        lock.lock();
        bell.rang.wait_until(lock, next, [&] { return bell.stop || bell.rings != heard; });
      }
    } catch (const std::exception& exception) {
      // Out of memory, or a defect: an exporter that does not tell any more is worse than one that
      // the service manager starts again.
      Log().critical("a monitor's thread failed: {}; stopping", exception.what());
      std::abort();
    }
  }

  SystemTransport transport_;
  Worker worker_;
  std::thread thread_;  // last: it uses the others
};

DeliveryThreads::DeliveryThreads(std::vector<Target> targets, NoticeQueue& queue,
                                 const Clock& clock)
    : bell_(std::make_unique<Bell>()) {
  for (Target& target : targets) {
    threads_.push_back(std::make_unique<One>(std::move(target), queue, clock, *bell_));
  }
}

DeliveryThreads::~DeliveryThreads() {
  {
    const std::lock_guard lock(bell_->mutex);
    bell_->stop = true;
  }
  bell_->rang.notify_all();
  for (const auto& thread : threads_) thread->Stop();
  threads_.clear();
}

void DeliveryThreads::Wake() {
  {
    const std::lock_guard lock(bell_->mutex);
    ++bell_->rings;
  }
  bell_->rang.notify_all();
}

}  // namespace backup_exporter
