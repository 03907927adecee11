// The program as one thing: builds every part once, owns it, starts and stops the threads.
//
// One thread per source, one per monitor, civetweb's own for the web, and the caller's for signals
// and timers.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/files.h"
#include "base/result.h"
#include "base/time.h"
#include "config/config.h"
#include "delivery/delivery.h"
#include "ingest/ingest.h"
#include "ledger/ledger.h"
#include "metrics/page.h"
#include "model/source_status.h"
#include "web/server.h"

namespace backup_exporter {

struct AppOptions {
  std::string config_file;
  std::string storage_path;  // empty: the configuration's, else $STATE_DIRECTORY, else the default
  bool storage_recover = false;  // keep aside a ledger that cannot be used, and begin a new one
  WebOptions web;
};

class App {
 public:
  // Loads the configuration, opens the ledger, listens and starts reading. After an error nothing
  // runs. All mistakes of the configuration are in the message, a line each.
  [[nodiscard]] static Result<std::unique_ptr<App>> Start(const AppOptions& options);
  ~App();
  App(const App&) = delete;
  App& operator=(const App&) = delete;

  // Takes the configuration anew; on any mistake the old one stays, and the log says why.
  void Reload();
  // What is due by the clock; to be called about once a second.
  void Tick();
  [[nodiscard]] const std::vector<int> ports() const { return web_->ports(); }

 private:
  // What the threads share. A thread that hangs in a dead file system keeps it alive.
  struct Shared {
    std::unique_ptr<Ledger> ledger;
    StatusBoard board;
    SystemFiles files;
    SystemClock clock;
  };
  class SourceThread;

  explicit App(AppOptions options);
  [[nodiscard]] Result<void> StartSources(const Configuration& configuration);
  void StopSources();
  // Replaces whom the ledger tells.
  void StartDelivery(const Configuration& configuration);
  void StopDelivery();
  [[nodiscard]] Result<void> StartWeb();
  [[nodiscard]] bool Ready() const;
  [[nodiscard]] ProgramStatus Status() const;

  const AppOptions options_;
  std::string storage_path_;
  std::shared_ptr<Shared> shared_;
  const ProcessUsageReader process_;
  std::unique_ptr<MetricsPage> page_;
  std::unique_ptr<DeliveryThreads> delivery_;  // main alone touches it
  Moment last_tick_;
  SteadyTime started_;
  std::optional<Time> awake_since_;  // the host was down or asleep until then

  mutable std::mutex mutex_;  // guards the rest, but for web_, which main alone touches
  std::vector<std::unique_ptr<SourceThread>> workers_;
  ProgramStatus status_;

  std::unique_ptr<WebServer> web_;  // last: stops before what it shows is gone
};

// Whether all configured sources, the ledger and the queues work: what a heartbeat says. A source
// without a status was not looked at yet.
[[nodiscard]] bool IsWell(const Standings& standings,
                          const std::map<std::string, SourceStatus>& statuses, Time now);

// The ledger's directory by the rules of AppOptions::storage_path.
[[nodiscard]] std::string StoragePath(const std::string& flag, const Configuration& configuration);

}  // namespace backup_exporter
