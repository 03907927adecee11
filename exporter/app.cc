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

// How long a source may take to notice that it is to stop, before it is left to itself.
constexpr auto kPatience = seconds(5);
// What waits longer is not held up by a pause between two tries.
constexpr Duration kStuck = std::chrono::minutes(30);
// A difference between the clocks that is more than drift.
constexpr Duration kJump = seconds(2);
// What has not caught up by then after a start hangs.
constexpr std::chrono::hours kMostCatchingUp{1};

Error MistakesAsError(const std::vector<Mistake>& mistakes) {
  std::string text;
  for (const Mistake& mistake : mistakes) {
    if (!text.empty()) text += '\n';
    text += Describe(mistake);
  }
  return {ErrorKind::kInvalid, std::move(text)};
}

// How many files each of so many sources may hold open: half of what the process may is for them
// and their watchers, so that the ledger, monitors and scrapes find some left.
std::size_t OpenFilesOfEach(std::size_t sources) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  constexpr std::size_t kOfAWatcher = 2;
  const std::size_t each = limit.rlim_cur / 2 / sources;
  return each > kOfAWatcher ? each - kOfAWatcher : 1;
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

  // Asks the thread to end, and to commit no more than what it commits now. Does not wait; patience
  // begins here, so that many that hang take no longer than one.
  void AskToStop() {
    if (!state_->ingest->stopped()) asked_ = std::chrono::steady_clock::now();
    state_->ingest->Stop();
    state_->ingest->source().watcher().Wake();
  }

  // A thread that hangs in a system call is left behind; it ends without another commit if the call
  // ever returns.
  ~SourceThread() {
    AskToStop();
    std::unique_lock lock(state_->mutex);
    const bool ended = state_->ended_changed.wait_until(lock, asked_ + kPatience,
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
      // Out of memory, or a defect: an exporter that watches only half of what it should is worse
      // than one that the service manager starts again.
      Log().critical("a source's thread failed: {}; stopping", exception.what());
      std::abort();
    }
    const std::lock_guard lock(state.mutex);
    state.ended = true;
    state.ended_changed.notify_all();
  }

  std::shared_ptr<State> state_;
  SteadyTime asked_;  // to stop
  std::thread thread_;
};

bool IsWell(const Standings& standings, const std::map<std::string, SourceStatus>& statuses,
            Time now) {
  const auto works = [&](const auto& source) {
    const auto status = statuses.find(source.first);
    return status != statuses.end() && IsUp(status->second, now);
  };
  const auto is_stuck = [&](const auto& one) {
    const MonitorStanding& monitor = one.second;
    // What the last attempt refused does not wait. (A heartbeat's own monitor is told no notices.)
    const bool told = std::ranges::any_of(monitor.notices, [](auto count) { return count > 0; });
    if (told && monitor.up == false && monitor.waiting == 0) return true;
    return monitor.oldest && now - *monitor.oldest > kStuck;
  };
  return !standings.full && std::ranges::all_of(standings.sources, works) &&
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
  if (!configuration) return tl::unexpected(MistakesAsError(configuration.error()));
  std::unique_ptr<App> app(new App(options));
  app->storage_path_ = StoragePath(options.storage_path, *configuration);
  auto ledger = Ledger::Open({.directory = app->storage_path_,
                              .recover = options.storage_recover,
                              .history = configuration->retention});
  if (!ledger) return tl::unexpected(ledger.error());
  app->shared_->ledger = std::move(*ledger);
  // There, so that it is watched before the first event comes.
  std::error_code failure;
  std::filesystem::create_directory(SpoolDirectory(app->storage_path_), failure);
  app->last_tick_ = {.wall = app->shared_->clock.Now(), .steady = app->shared_->clock.Steady()};
  app->started_ = app->last_tick_.steady;
  app->status_.reloaded = app->last_tick_.wall;
  app->awake_since_ = BootTime();
  // The port first: nothing is read by a program that cannot serve it.
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
  std::vector<SourceRules> folds;
  for (const SourceConfig& source : sources) folds.push_back(source.fold);
  shared_->ledger->Configure(std::move(folds));
  shared_->ledger->Expect(configuration.expectations, shared_->clock.Now());
  std::vector<Subscription> subscriptions;
  for (const MonitorConfig& monitor : configuration.monitors.monitors) {
    subscriptions.push_back(monitor.subscription);
  }
  shared_->ledger->Subscribe(std::move(subscriptions), shared_->clock.Now());
  std::vector<std::unique_ptr<SourceThread>> workers;
  const std::size_t open_files = OpenFilesOfEach(sources.size());
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
  for (const auto& worker : workers) worker->AskToStop();
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
  delivery_->Wake();  // for what was committed since its first look
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
    refused = MistakesAsError(configuration.error());
  } else if (StoragePath(options_.storage_path, *configuration) != storage_path_) {
    refused =
        Error{ErrorKind::kInvalid,
              fmt::format("{}: the ledger stays in {} until the next start; change storage.path "
                          "back, or restart",
                          options_.config_file, storage_path_)};
  }
  if (refused) {
    Log().error("configuration not reloaded, the old one stays: {}", refused->message);
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
    Log().error("configuration reloaded, but: {}", started.error().message);
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
  // The steady clock stands still while the host sleeps.
  if (drift > kJump) awake_since_ = now.wall;
  const Pulse pulse{.clock_jumps = jumped ? 1U : 0U,
                    // A source that hangs is not to silence all others for ever.
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
  const std::lock_guard lock(mutex_);
  return status_;
}

}  // namespace backup_exporter
