// Sends notices to monitors, with one thread per monitor: a monitor that hangs delays only its own
// notices.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "delivery/monitor.h"
#include "delivery/worker.h"

namespace backup_exporter {

// Sends requests over the network, and runs real programs.
class SystemTransport final : public Transport {
 public:
  explicit SystemTransport(HttpLimits limits = {}) : client_(limits) {}
  [[nodiscard]] HttpAnswer Send(const HttpRequest& request) override;
  [[nodiscard]] TcpAnswer Exchange(const TcpRequest& request) override;
  [[nodiscard]] ChildAnswer Run(const ChildRequest& request) override;
  // Ends the request in progress within a second. Every later request fails immediately. Any thread
  // may call it.
  void Stop();

 private:
  HttpClient client_;
  std::atomic<bool> stop_ = false;
};

// A monitor, and how its worker delivers to it.
struct Target {
  std::shared_ptr<Monitor> monitor;
  WorkerOptions options;
};

class DeliveryThreads {
 public:
  // `queue` and `clock` must outlive this.
  DeliveryThreads(std::vector<Target> targets, NoticeQueue& queue, const Clock& clock);
  // Returns within seconds. Requests in progress are abandoned; their notices stay in the queue.
  ~DeliveryThreads();
  DeliveryThreads(const DeliveryThreads&) = delete;
  DeliveryThreads& operator=(const DeliveryThreads&) = delete;

  // Lets the workers look for new notices. Does not wait; any thread may call it.
  void Wake();

 private:
  class MonitorThread;
  struct WakeUp;
  std::unique_ptr<WakeUp> wake_up_;
  std::vector<std::unique_ptr<MonitorThread>> threads_;
};

}  // namespace backup_exporter
