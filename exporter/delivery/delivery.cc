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

// Shared by all threads.
struct DeliveryThreads::WakeUp {
  std::mutex mutex;
  std::condition_variable changed;
  std::uint64_t calls = 0;  // of Wake; guarded by mutex
  bool stop = false;        // guarded by mutex
};

class DeliveryThreads::MonitorThread {
 public:
  MonitorThread(Target target, NoticeQueue& queue, const Clock& clock, WakeUp& wake_up)
      : worker_(std::move(target.monitor), queue, transport_, std::move(target.options)),
        thread_([this, &clock, &wake_up] { Run(clock, wake_up); }) {}
  ~MonitorThread() { thread_.join(); }
  MonitorThread(const MonitorThread&) = delete;
  MonitorThread& operator=(const MonitorThread&) = delete;

  void Stop() { transport_.Stop(); }

 private:
  void Run(const Clock& clock, WakeUp& wake_up) {
    try {
      std::unique_lock lock(wake_up.mutex);
      while (!wake_up.stop) {
        const std::uint64_t calls = wake_up.calls;
        lock.unlock();
        const SteadyTime next = worker_.Step(clock.Now(), clock.Steady());
        lock.lock();
        wake_up.changed.wait_until(lock, next,
                                   [&] { return wake_up.stop || wake_up.calls != calls; });
      }
    } catch (const std::exception& exception) {
      // Out of memory, or a defect. An exporter that no longer notifies is worse than one that the
      // service manager restarts.
      Log().critical("a delivery thread failed, aborting: {}", exception.what());
      std::abort();
    }
  }

  SystemTransport transport_;
  Worker worker_;
  std::thread thread_;  // last: it uses the others
};

DeliveryThreads::DeliveryThreads(std::vector<Target> targets, NoticeQueue& queue,
                                 const Clock& clock)
    : wake_up_(std::make_unique<WakeUp>()) {
  for (Target& target : targets) {
    threads_.push_back(std::make_unique<MonitorThread>(std::move(target), queue, clock, *wake_up_));
  }
}

DeliveryThreads::~DeliveryThreads() {
  {
    const std::lock_guard lock(wake_up_->mutex);
    wake_up_->stop = true;
  }
  wake_up_->changed.notify_all();
  for (const auto& thread : threads_) thread->Stop();
  threads_.clear();
}

void DeliveryThreads::Wake() {
  {
    const std::lock_guard lock(wake_up_->mutex);
    ++wake_up_->calls;
  }
  wake_up_->changed.notify_all();
}

}  // namespace backup_exporter
