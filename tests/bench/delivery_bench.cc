// How fast notices go out: from the commit of what happened to the last answer, over HTTP on
// loopback, the ledger on disk.

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

enum class Beside { kNobody, kOneThatIsNotTold, kOneThatHangs };

// Commits `runs` finished runs, each to be told to every monitor, and waits until the healthy ones
// have them all. A monitor beside them has its notices in the ledger too.
void Deliver(benchmark::State& state, int healthy, Beside beside, int runs) {
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
    for (int i = 0; i < healthy + (beside == Beside::kNobody ? 0 : 1); ++i) {
      const std::string url = (i < healthy ? server.url() : silent.url()) + "/x";
      MadeMonitor made = MakeMonitor("webhook: {url: " + url + ", send_logs: false}");
      subscriptions.push_back({.monitor = fmt::format("m{}", i),
                               .states = {NoticeState::kFinish},
                               .operations = {Operation::kBackup}});
      if (i == healthy && beside == Beside::kOneThatIsNotTold) continue;
      targets.push_back({.monitor = std::move(made.monitor),
                         .options = {.monitor = subscriptions.back().monitor}});
    }
    // Runs as far from each other as runs are.
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

void BM_DeliverToOne(benchmark::State& state) { Deliver(state, 1, Beside::kNobody, 5000); }
BENCHMARK(BM_DeliverToOne)->Unit(benchmark::kMillisecond)->UseRealTime()->Iterations(1);

// What a twentieth that hangs costs the others. Its notices are work for the ledger, and to answer
// it would be work for the processors: in both cases there is the former and not the latter.
void BM_DeliverToNineteen(benchmark::State& state) {
  Deliver(state, 19, Beside::kOneThatIsNotTold, 500);
}
BENCHMARK(BM_DeliverToNineteen)->Unit(benchmark::kMillisecond)->UseRealTime()->Iterations(1);
void BM_DeliverToNineteenBesideOneThatHangs(benchmark::State& state) {
  Deliver(state, 19, Beside::kOneThatHangs, 500);
}
BENCHMARK(BM_DeliverToNineteenBesideOneThatHangs)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->Iterations(1);

}  // namespace
}  // namespace backup_exporter
