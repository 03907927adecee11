// The serving program: builds every part, owns it, and starts and stops its threads.
//
// There is one thread per source and one per monitor, civetweb has its own, and the caller's thread
// handles signals and timers. All public functions are for the caller's thread only.
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
  bool storage_recover = false;  // rename a ledger that cannot be used and start with a new one
  WebOptions web;
};

class App {
 public:
  // Loads the configuration, opens the ledger, listens and starts reading. After an error no thread
  // is running. Errors in the configuration are all in the message, one per line.
  [[nodiscard]] static Result<std::unique_ptr<App>> Start(const AppOptions& options);
  ~App();
  App(const App&) = delete;
  App& operator=(const App&) = delete;

  // Loads the configuration again. If it has an error, logs it and keeps the old configuration.
  void Reload();
  // Does what is due by the clock: detects clock jumps and lets the ledger do the same. To be
  // called about once a second.
  void Tick();
  [[nodiscard]] const std::vector<int> ports() const { return web_->ports(); }

 private:
  // State that the threads share. A thread that hangs in a file system keeps it alive.
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
  // Starts the monitors' threads and makes the ledger wake them.
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
  std::unique_ptr<DeliveryThreads> delivery_;  // used by the caller's thread only
  Moment last_tick_;
  SteadyTime started_;
  std::optional<Time> awake_since_;  // when the host last booted or woke up

  mutable std::mutex mutex_;  // guards workers_ and status_
  std::vector<std::unique_ptr<SourceThread>> workers_;
  ProgramStatus status_;

  std::unique_ptr<WebServer> web_;  // last, so that it stops before the members that it uses
};

// Whether all configured sources, the ledger and the monitors work; heartbeats report this. A
// source without a status was not read yet and does not count as working.
[[nodiscard]] bool IsWell(const Standings& standings,
                          const std::map<std::string, SourceStatus>& statuses, Time now);

// The ledger's directory, by the rules of AppOptions::storage_path. `flag` is --storage.path.
[[nodiscard]] std::string StoragePath(const std::string& flag, const Configuration& configuration);

}  // namespace backup_exporter
