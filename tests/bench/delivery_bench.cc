// Measures deliveries: from the commit of runs to the last answer of the monitors, over HTTP on
// loopback, with the ledger on disk.

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <thread>

#include "delivery/delivery.h"
#include "delivery/services.h"
#include "kit/faulty_server.h"
#include "kit/monitors.h"
#include "kit/temporary_directory.h"
#include "ledger/ledger.h"

namespace backup_exporter {
namespace {

// A monitor besides the healthy ones. Notices are enqueued for it, too: `kUnsent` has no worker,
// and `kHanging` never answers.
enum class Extra { kNone, kUnsent, kHanging };

// Commits `runs` finished runs with a notice of each for every monitor, and waits until the healthy
// monitors have received all of theirs.
void Deliver(benchmark::State& state, int healthy, Extra extra, int runs) {
  for (auto _ : state) {
    state.PauseTiming();
    const TemporaryDirectory directory;
    FaultyServer server([](const FaultyServer::Request&) { return FaultyServer::Reply{}; },
                        {.keep_requests = false});
    FaultyServer silent(
        [](const FaultyServer::Request&) { return FaultyServer::Reply{.fault = Fault::kHang}; },
        {.keep_requests = false});
    auto ledger = Ledger::Open({.directory = directory.path()});
    (*ledger)->Configure({{.source = "log", .pattern = "/log/*", .backup = "{stem}"}});
    const SystemClock clock;
    std::vector<Subscription> subscriptions;
    std::vector<Target> targets;
    for (int i = 0; i < healthy + (extra == Extra::kNone ? 0 : 1); ++i) {
      const std::string url = (i < healthy ? server.url() : silent.url()) + "/x";
      MadeMonitor made = MakeMonitor("webhook: {url: " + url + ", send_logs: false}");
      subscriptions.push_back({.monitor = fmt::format("m{}", i),
                               .states = {NoticeState::kFinish},
                               .operations = {Operation::kBackup}});
      if (i == healthy && extra == Extra::kUnsent) continue;
      targets.push_back({.monitor = std::move(made.monitor),
                         .options = {.monitor = subscriptions.back().monitor}});
    }
    // The runs are a minute apart, as real runs may be.
    const Time begin = clock.Now() - std::chrono::hours(24 * 5);
    (*ledger)->Subscribe(std::move(subscriptions), begin);
    auto threads = std::make_unique<DeliveryThreads>(std::move(targets), **ledger, clock);
    (*ledger)->OnNotices([&] { threads->Wake(); });
    FileStep step;
    step.position.path = "/log/home.log";
    step.position.modified = clock.Now() + std::chrono::hours(1);
    step.at_end = true;
    for (int i = 0; i < runs; ++i) {
      step.events.push_back({.what = RunFinished{.operation = Operation::kBackup,
                                                 .result = RunResult::kSuccess,
                                                 .end = begin + i * std::chrono::minutes(1),
                                                 .snapshot_id = fmt::format("{:08x}", i),
                                                 .final = true}});
    }
    state.ResumeTiming();
    if (!(*ledger)->Commit("log", {&step, 1}, clock.Now())) state.SkipWithError("not committed");
    if (!server.AwaitRequests(static_cast<std::size_t>(healthy) * static_cast<std::size_t>(runs))) {
      state.SkipWithError("not delivered");
    }
    state.PauseTiming();
    (*ledger)->OnNotices({});
    threads.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * healthy * runs);
}

void BM_DeliverToOne(benchmark::State& state) { Deliver(state, 1, Extra::kNone, 5000); }
BENCHMARK(BM_DeliverToOne)->Unit(benchmark::kMillisecond)->UseRealTime()->Iterations(1);

// The ratio of these two is the cost of a hanging monitor for 19 others. Both enqueue notices for a
// twentieth monitor, which is work for the ledger, and neither has to process its answers.
void BM_DeliverToNineteen(benchmark::State& state) { Deliver(state, 19, Extra::kUnsent, 500); }
BENCHMARK(BM_DeliverToNineteen)->Unit(benchmark::kMillisecond)->UseRealTime()->Iterations(1);
void BM_DeliverToNineteenBesideOneThatHangs(benchmark::State& state) {
  Deliver(state, 19, Extra::kHanging, 500);
}
BENCHMARK(BM_DeliverToNineteenBesideOneThatHangs)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->Iterations(1);

}  // namespace
}  // namespace backup_exporter
