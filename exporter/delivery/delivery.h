// Notices to monitors, with a thread for each monitor: one that hangs delays itself, and nobody
// else.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "delivery/monitor.h"
#include "delivery/worker.h"

namespace backup_exporter {

// Over the network, and with real programs.
class SystemTransport final : public Transport {
 public:
  explicit SystemTransport(HttpLimits limits = {}) : client_(limits) {}
  [[nodiscard]] HttpAnswer Send(const HttpRequest& request) override;
  [[nodiscard]] TcpAnswer Exchange(const TcpRequest& request) override;
  [[nodiscard]] ChildAnswer Run(const ChildRequest& request) override;
  // Ends what is under way within a second, and all that is asked later at once.
  void Stop();

 private:
  HttpClient client_;
  std::atomic<bool> stop_ = false;
};

// What there is to tell and whom.
struct Target {
  std::shared_ptr<Monitor> monitor;
  WorkerOptions options;
};

class DeliveryThreads {
 public:
  // Both must outlive this.
  DeliveryThreads(std::vector<Target> targets, NoticeQueue& queue, const Clock& clock);
  // Returns within seconds: what is under way is given up, and tried again after the next start.
  ~DeliveryThreads();
  DeliveryThreads(const DeliveryThreads&) = delete;
  DeliveryThreads& operator=(const DeliveryThreads&) = delete;

  // There may be something new to tell. Does not wait; any thread may call it.
  void Wake();

 private:
  class One;
  struct Bell;
  std::unique_ptr<Bell> bell_;
  std::vector<std::unique_ptr<One>> threads_;
};

}  // namespace backup_exporter
