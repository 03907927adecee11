#include "app.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>

#include "base/build_info.h"
#include "base/log.h"

namespace backup_exporter {
namespace {

using std::chrono::seconds;

// How long a source may take to stop before its thread is detached.
constexpr auto kStopTimeout = seconds(5);
// A notice that has been pending for longer than this shows a problem with the monitor.
constexpr Duration kStuck = std::chrono::minutes(30);
// A difference between the clocks that is not just drift.
constexpr Duration kJump = seconds(2);
// A source that has not caught up this long after the start hangs.
constexpr std::chrono::hours kMostCatchingUp{1};

Error AsOneError(const std::vector<ConfigError>& errors) {
  std::string text;
  for (const ConfigError& error : errors) {
    if (!text.empty()) text += '\n';
    text += Describe(error);
  }
  return {ErrorKind::kInvalid, std::move(text)};
}

// The number of files that each of this many sources may have open. Half of the process's limit is
// for sources and their watchers; the rest is for the ledger, monitors and scrapes.
std::size_t OpenFilesPerSource(std::size_t sources) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  constexpr std::size_t kPerWatcher = 2;
  const std::size_t each = limit.rlim_cur / 2 / sources;
  return each > kPerWatcher ? each - kPerWatcher : 1;
}

}  // namespace

// The thread of one source.
class App::SourceThread {
 public:
  SourceThread(std::shared_ptr<Shared> shared, std::unique_ptr<Ingest> ingest)
      : state_(std::make_shared<State>()) {
    state_->shared = std::move(shared);
    state_->ingest = std::move(ingest);
    thread_ = std::thread([state = state_] { Run(*state); });
  }

  // Asks the thread to stop; it makes no commit after the current one. Does not wait. The timeout
  // starts here, so that stopping many threads that hang takes no longer than stopping one.
  void RequestStop() {
    if (!state_->ingest->stopped()) stop_requested_ = std::chrono::steady_clock::now();
    state_->ingest->Stop();
    state_->ingest->source().watcher().Wake();
  }

  // Waits for the thread. A thread that hangs in a system call is detached; it ends without another
  // commit if the call ever returns.
  ~SourceThread() {
    RequestStop();
    std::unique_lock lock(state_->mutex);
    const bool ended = state_->ended_changed.wait_until(lock, stop_requested_ + kStopTimeout,
                                                        [this] { return state_->ended; });
    lock.unlock();
    ended ? thread_.join() : thread_.detach();
  }
  SourceThread(const SourceThread&) = delete;
  SourceThread& operator=(const SourceThread&) = delete;

  [[nodiscard]] bool caught_up() const { return state_->caught_up; }

 private:
  struct State {
    std::shared_ptr<Shared> shared;  // declared first: outlives the ingest that refers to it
    std::unique_ptr<Ingest> ingest;
    std::atomic<bool> caught_up = false;
    std::mutex mutex;
    std::condition_variable ended_changed;
    bool ended = false;  // guarded by mutex
  };

  static void Run(State& state) {
    try {
      while (!state.ingest->stopped()) {
        const Clock& clock = state.shared->clock;
        const SteadyTime next = state.ingest->Step({.wall = clock.Now(), .steady = clock.Steady()});
        state.caught_up = state.ingest->caught_up();
        if (!state.ingest->stopped()) state.ingest->source().Wait(next);
      }
    } catch (const std::exception& exception) {
      // Out of memory, or a defect. An exporter that reads only some of its sources is worse than
      // one that the service manager restarts.
      Log().critical("the thread of a source failed: {}; aborting", exception.what());
      std::abort();
    }
    const std::lock_guard lock(state.mutex);
    state.ended = true;
    state.ended_changed.notify_all();
  }

  std::shared_ptr<State> state_;
  SteadyTime stop_requested_;
  std::thread thread_;
};

bool IsWell(const Standings& standings, const std::map<std::string, SourceStatus>& statuses,
            Time now) {
  const auto is_up = [&](const auto& source) {
    const auto status = statuses.find(source.first);
    return status != statuses.end() && IsUp(status->second, now);
  };
  const auto is_stuck = [&](const auto& named) {
    const MonitorStanding& monitor = named.second;
    // A notice that the last attempt refused is not pending. (A monitor with a heartbeat gets
    // none.)
    const bool has_notices =
        std::ranges::any_of(monitor.notices, [](auto count) { return count > 0; });
    if (has_notices && monitor.up == false && monitor.pending == 0) return true;
    return monitor.oldest && now - *monitor.oldest > kStuck;
  };
  return !standings.full && std::ranges::all_of(standings.sources, is_up) &&
         std::ranges::none_of(standings.monitors, is_stuck);
}

std::string StoragePath(const std::string& flag, const Configuration& configuration) {
  if (!flag.empty()) return flag;
  if (configuration.storage_path) return *configuration.storage_path;
  const char* state_directory = std::getenv("STATE_DIRECTORY");
  return state_directory != nullptr && *state_directory != '\0' ? state_directory
                                                                : "/var/lib/backup_exporter";
}

App::App(AppOptions options) : options_(std::move(options)), shared_(std::make_shared<Shared>()) {}

App::~App() {
  web_.reset();
  StopSources();
  StopDelivery();
}

Result<std::unique_ptr<App>> App::Start(const AppOptions& options) {
  auto configuration = LoadConfiguration(options.config_file);
  if (!configuration) return tl::unexpected(AsOneError(configuration.error()));
  std::unique_ptr<App> app(new App(options));
  app->storage_path_ = StoragePath(options.storage_path, *configuration);
  auto ledger = Ledger::Open({.directory = app->storage_path_, .recover = options.storage_recover});
  if (!ledger) return tl::unexpected(ledger.error());
  app->shared_->ledger = std::move(*ledger);
  // Created now, so that it is watched before the first event.
  std::error_code failure;
  std::filesystem::create_directory(SpoolDirectory(app->storage_path_), failure);
  app->last_tick_ = {.wall = app->shared_->clock.Now(), .steady = app->shared_->clock.Steady()};
  app->started_ = app->last_tick_.steady;
  app->status_.reloaded = app->last_tick_.wall;
  app->awake_since_ = BootTime();
  // The port comes first: a program that cannot serve must not read.
  if (auto web = app->StartWeb(); !web) return tl::unexpected(web.error());
  if (auto sources = app->StartSources(*configuration); !sources)
    return tl::unexpected(sources.error());
  app->StartDelivery(*configuration);
  return app;
}

Result<void> App::StartWeb() {
  page_ =
      std::make_unique<MetricsPage>([this] { return shared_->ledger->standings(); },
                                    [this] { return Status(); }, shared_->board, shared_->clock);
  auto web = WebServer::Start(options_.web,
                              {.metrics = [this](MetricsForm form) { return page_->Body(form); },
                               .standings = [this] { return shared_->ledger->standings(); },
                               .sources = [this] { return shared_->board.Statuses(); },
                               .ready = [this] { return Ready(); }});
  if (!web) return tl::unexpected(web.error());
  web_ = std::move(*web);
  return {};
}

Result<void> App::StartSources(const Configuration& configuration) {
  std::vector<SourceConfig> sources = configuration.sources;
  sources.push_back(EventSource(storage_path_));
  std::vector<SourceRules> rules;
  for (const SourceConfig& source : sources) rules.push_back(source.rules);
  shared_->ledger->Configure(std::move(rules));
  shared_->ledger->Retain(configuration.retention);
  shared_->ledger->Expect(configuration.expectations, shared_->clock.Now());
  std::vector<Subscription> subscriptions;
  for (const MonitorConfig& monitor : configuration.monitors.monitors) {
    subscriptions.push_back(monitor.subscription);
  }
  shared_->ledger->Subscribe(std::move(subscriptions), shared_->clock.Now());
  std::vector<std::unique_ptr<SourceThread>> workers;
  const std::size_t open_files = OpenFilesPerSource(sources.size());
  for (SourceConfig& source : sources) {
    std::size_t& most = source.ingest.input.max_open_files;
    most = std::min(most, open_files);
    auto ingest = Ingest::Create(source.ingest, shared_->files, MakeInotifyWatcher(),
                                 *shared_->ledger, shared_->board);
    if (!ingest) return tl::unexpected(ingest.error());
    workers.push_back(std::make_unique<SourceThread>(shared_, std::move(*ingest)));
  }
  const std::lock_guard lock(mutex_);
  workers_ = std::move(workers);
  return {};
}

void App::StopSources() {
  std::vector<std::unique_ptr<SourceThread>> workers;
  {
    const std::lock_guard lock(mutex_);
    workers.swap(workers_);
  }
  for (const auto& worker : workers) worker->RequestStop();
}

void App::StartDelivery(const Configuration& configuration) {
  const auto mask = std::make_shared<const SecretMask>(configuration.monitors.mask);
  std::vector<Target> targets;
  for (const MonitorConfig& monitor : configuration.monitors.monitors) {
    targets.push_back({.monitor = monitor.monitor,
                       .options = {.monitor = monitor.subscription.monitor,
                                   .mask = mask,
                                   .heartbeat = monitor.heartbeat,
                                   .is_well = [this] {
                                     return IsWell(*shared_->ledger->standings(),
                                                   shared_->board.Statuses(), shared_->clock.Now());
                                   }}});
  }
  delivery_ =
      std::make_unique<DeliveryThreads>(std::move(targets), *shared_->ledger, shared_->clock);
  shared_->ledger->OnNotices([delivery = delivery_.get()] { delivery->Wake(); });
  delivery_->Wake();  // for notices committed before OnNotices was set
  for (const std::string& warning : configuration.monitors.warnings) Log().warn("{}", warning);
}

void App::StopDelivery() {
  if (shared_->ledger) shared_->ledger->OnNotices({});
  delivery_.reset();
}

void App::Reload() {
  auto configuration = LoadConfiguration(options_.config_file);
  std::optional<Error> refused;
  if (!configuration) {
    refused = AsOneError(configuration.error());
  } else if (StoragePath(options_.storage_path, *configuration) != storage_path_) {
    refused =
        Error{ErrorKind::kInvalid,
              fmt::format("{}: the ledger stays in {} until the exporter restarts; restart it, or "
                          "change storage.path back",
                          options_.config_file, storage_path_)};
  }
  if (refused) {
    Log().error("configuration not reloaded, keeping the old one: {}", refused->message);
    const std::lock_guard lock(mutex_);
    status_.reload_successful = false;
    return;
  }
  StopSources();
  StopDelivery();
  for (const auto& [name, status] : shared_->board.Statuses()) shared_->board.Remove(name);
  const auto started = StartSources(*configuration);
  StartDelivery(*configuration);
  const std::lock_guard lock(mutex_);
  status_.reload_successful = started.has_value();
  if (!started) {
    Log().error("configuration reloaded with an error: {}", started.error().message);
    return;
  }
  status_.reloaded = shared_->clock.Now();
  Log().info("configuration reloaded: {} sources, {} monitors", configuration->sources.size(),
             configuration->monitors.monitors.size());
}

void App::Tick() {
  const Moment now{.wall = shared_->clock.Now(), .steady = shared_->clock.Steady()};
  const Duration drift = (now.wall - last_tick_.wall) -
                         std::chrono::duration_cast<Duration>(now.steady - last_tick_.steady);
  last_tick_ = now;
  const bool jumped = std::chrono::abs(drift) > kJump;
  if (jumped) Log().warn("the clock jumped by {:.0f} s", ToSeconds(drift));
  // The steady clock stops while the host is suspended.
  if (drift > kJump) awake_since_ = now.wall;
  const Pulse pulse{
      .clock_jumps = jumped ? 1U : 0U,
      // One source that hangs must not keep missed runs of all others from being noticed.
      .caught_up = Ready() || now.steady - started_ > kMostCatchingUp,
      .awake_since = awake_since_};
  if (auto done = shared_->ledger->Tick(now.wall, pulse); !done) {
    Log().error("{}", done.error().message);
  }
}

bool App::Ready() const {
  const std::lock_guard lock(mutex_);
  return !workers_.empty() &&
         std::ranges::all_of(workers_, [](const auto& worker) { return worker->caught_up(); });
}

ProgramStatus App::Status() const {
  const ProcessUsage process = process_.Read();
  const std::lock_guard lock(mutex_);
  ProgramStatus status = status_;
  status.process = process;
  return status;
}

}  // namespace backup_exporter
