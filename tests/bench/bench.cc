// Measures catching up and scrapes, and compares them with other programs and libraries ("peers")
// that do similar work.
//
// Run by scripts/bench. Quote medians, and ratios within one run: machines differ, and their speed
// drifts.

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <prometheus/text_serializer.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "ingest/ingest.h"
#include "kit/http_client.h"
#include "kit/restic_log.h"
#include "kit/temporary_directory.h"
#include "ledger/ledger.h"
#include "metrics/families.h"
#include "metrics/page.h"
#include "web/server.h"

namespace backup_exporter {
namespace {

constexpr std::size_t kLogBytes = std::size_t{300} << 20;

// The path of a log of 300 MB, written once for all benchmarks that read it.
const std::string& Log() {
  static const TemporaryDirectory directory;
  static const std::string path = [] {
    std::string file = directory.path() + "/home.jsonl";
    WriteResticLog(file, kLogBytes);
    return file;
  }();
  return path;
}

// The path of a log as borg writes it with --log-json --list --progress --json, both streams in one
// file.
const std::string& BorgLog() {
  static const TemporaryDirectory directory;
  static const std::string path = [] {
    std::string file = directory.path() + "/nas.log";
    std::ofstream out(file);
    for (int run = 0; static_cast<std::size_t>(out.tellp()) < kLogBytes / 3; ++run) {
      const int time = 1'700'000'000 + run * 3600;
      out << fmt::format(
                 R"({{"type": "log_message", "time": {}.5, "message": "Creating archive at \"/r::a\"", )"
                 R"("levelname": "INFO", "name": "borg.archiver"}})",
                 time)
          << '\n';
      for (int i = 0; i < 20'000; ++i) {
        out << fmt::format(
                   R"({{"type": "file_status", "status": "A", "path": "/srv/data/folder/file-{:06}.txt"}})",
                   i)
            << '\n';
        if (i % 100 != 0) continue;
        out << fmt::format(
                   R"({{"original_size": {0}, "compressed_size": {0}, "deduplicated_size": {0}, )"
                   R"("nfiles": {0}, "path": "srv/data", "time": {1}.5, "type": "archive_progress", )"
                   R"("finished": false}})",
                   i, time + i / 100)
            << '\n';
      }
      out << fmt::format(
          "{{\n    \"archive\": {{\n        \"duration\": 300.0,\n        \"end\": "
          "\"{}\",\n        \"id\": \"{:064x}\",\n        \"name\": \"a\",\n        "
          "\"start\": \"{}\",\n        \"stats\": {{\n            \"deduplicated_size\": "
          "5,\n            \"nfiles\": 20000,\n            \"original_size\": 9\n        }}\n    "
          "}},\n    \"repository\": {{\n        \"location\": \"/r\"\n    }}\n}}\n",
          FormatUtc(Time(std::chrono::seconds(time + 300))), run,
          FormatUtc(Time(std::chrono::seconds(time))));
    }
    return file;
  }();
  return path;
}

void SetBytes(benchmark::State& state, const std::string& path) {
  state.SetBytesProcessed(state.iterations() *
                          static_cast<std::int64_t>(std::filesystem::file_size(path)));
}

// Catches up with all files of the pattern: reads, frames and decodes them, and commits their
// events to a ledger on disk.
void CatchUpOnce(const char* name, const std::string& pattern, const std::string& storage) {
  const Format& format = *FormatNamed(name);
  auto ledger = Ledger::Open({.directory = storage + "/ledger"});
  (*ledger)->Configure(
      {{.source = name, .tool = std::string(format.tool), .pattern = pattern, .backup = "home"}});
  SystemFiles files;
  SystemClock clock;
  StatusBoard board;
  IngestOptions options;
  options.input.name = options.format = name;
  options.input.pattern = pattern;
  options.input.framing = format.framing;
  auto ingest = Ingest::Create(options, files, MakeInotifyWatcher(), **ledger, board);
  while (!(*ingest)->caught_up()) (*ingest)->Step({.wall = clock.Now(), .steady = clock.Steady()});
  benchmark::DoNotOptimize((*ledger)->standings());
}

void CatchUp(benchmark::State& state, const char* name, const std::string& path) {
  for (auto _ : state) {
    const TemporaryDirectory storage;
    CatchUpOnce(name, path, storage.path());
  }
  SetBytes(state, path);
}

// From a start until all files are read: ten thousand that match, in a directory of a hundred
// thousand. `again`: with a ledger that already has their checkpoints.
void StartAmongAHundredThousand(benchmark::State& state, bool again) {
  const TemporaryDirectory logs;
  for (int i = 0; i < 100'000; ++i) {
    std::ofstream log(logs.path() + fmt::format("/{}.{}", i, i % 10 == 0 ? "jsonl" : "txt"));
    if (i % 10 == 0) log << ResticSummary(std::chrono::minutes(i));
  }
  const std::string path = logs.path() + "/*.jsonl";
  for (auto _ : state) {
    state.PauseTiming();
    const TemporaryDirectory storage;
    if (again) CatchUpOnce("restic", path, storage.path());
    state.ResumeTiming();
    CatchUpOnce("restic", path, storage.path());
  }
}
void StartAmongAHundredThousand(benchmark::State& state) {
  StartAmongAHundredThousand(state, /*again=*/false);
}
BENCHMARK(StartAmongAHundredThousand)->Unit(benchmark::kMillisecond)->UseRealTime()->Iterations(1);
void StartAgainAmongAHundredThousand(benchmark::State& state) {
  StartAmongAHundredThousand(state, /*again=*/true);
}
BENCHMARK(StartAgainAmongAHundredThousand)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->Iterations(1);

void CatchUpRestic(benchmark::State& state) { CatchUp(state, "restic", Log()); }
BENCHMARK(CatchUpRestic)->Unit(benchmark::kMillisecond)->UseRealTime();

void CatchUpBorg(benchmark::State& state) { CatchUp(state, "borg", BorgLog()); }
BENCHMARK(CatchUpBorg)->Unit(benchmark::kMillisecond)->UseRealTime();

// A peer: wc counts the lines of restic's log.
void CountLines(benchmark::State& state) {
  const std::string command = "wc -l < " + Log() + " > /dev/null";
  for (auto _ : state) benchmark::DoNotOptimize(std::system(command.c_str()));
  SetBytes(state, Log());
}
BENCHMARK(CountLines)->Unit(benchmark::kMillisecond)->UseRealTime();

// A peer: the JSON library parses every line, and the result is discarded.
void ParseEveryLine(benchmark::State& state) {
  for (auto _ : state) {
    std::ifstream file(Log());
    for (std::string line; std::getline(file, line);) {
      benchmark::DoNotOptimize(nlohmann::json::parse(line, nullptr, false));
    }
  }
  SetBytes(state, Log());
}
BENCHMARK(ParseEveryLine)->Unit(benchmark::kMillisecond)->UseRealTime();

// Serves a page of about a thousand series, from 21 backups.
class Served {
 public:
  Served() {
    auto standings = std::make_shared<Standings>();
    for (int i = 0; i < 21; ++i) {
      auto backup = std::make_shared<BackupStanding>();
      backup->name = fmt::format("backup-{:03}", i);
      backup->tool = "restic";
      backup->source = "restic";
      OperationStanding operation{
          .last_start = Time(std::chrono::seconds(1'795'000'000 + i)),
          .last_run = LastRun{.end = Time(std::chrono::seconds(1'795'000'100 + i)),
                              .result = RunResult::kSuccess,
                              .exit_code = 0,
                              .duration = std::chrono::seconds(100),
                              .errors = 0},
          .last_success = Time(std::chrono::seconds(1'795'000'100 + i)),
          .last_success_evidence = Evidence::kReport,
          .last_failure = Time(std::chrono::seconds(1'794'000'000)),
          .last_failure_reason = Reason::kNetwork};
      for (const FigureField& field : kFigureFields)
        operation.last_success_figures.*field.member = 123456789 + i;
      backup->operations.push_back(operation);
      standings->backups.push_back(std::move(backup));
    }
    standings_ = std::move(standings);
    page_ = std::make_unique<MetricsPage>([this] { return standings_; },
                                          [] { return ProgramStatus{}; }, board_, clock_);
    server_ = *WebServer::Start({.listen_addresses = {"127.0.0.1:0"}},
                                {.metrics = [this](MetricsForm form) { return page_->Body(form); },
                                 .standings = [this] { return standings_; },
                                 .sources = [this] { return board_.Statuses(); },
                                 .ready = [] { return true; }});
  }
  // Renders the page of a new snapshot, as after every commit.
  std::string Render(MetricsForm form) {
    standings_ = std::make_shared<Standings>(*standings_);
    return page_->Render(form);
  }
  [[nodiscard]] int port() const { return server_->ports().front(); }
  [[nodiscard]] const Standings& standings() const { return *standings_; }

 private:
  std::shared_ptr<const Standings> standings_;
  StatusBoard board_;
  SystemClock clock_;
  std::unique_ptr<MetricsPage> page_;
  std::unique_ptr<WebServer> server_;
};

// The number of series on a page.
double Series(const std::string& page) {
  double series = 0;
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) series += line.starts_with('#') ? 0 : 1;
  return series;
}

void Scrape(benchmark::State& state) {
  Served served;
  std::string body;
  for (auto _ : state) body = Get(served.port(), "/metrics").body;
  state.counters["series"] = Series(body);
  state.counters["bytes"] = static_cast<double>(body.size());
}
BENCHMARK(Scrape)->Unit(benchmark::kMicrosecond)->UseRealTime();

// With the headers that Prometheus sends.
void ScrapeCompressed(benchmark::State& state) {
  Served served;
  std::string body;
  for (auto _ : state) {
    body = Get(served.port(), "/metrics",
               "Accept: application/openmetrics-text;version=1.0.0\r\nAccept-Encoding: gzip\r\n")
               .body;
  }
  state.counters["bytes"] = static_cast<double>(body.size());
}
BENCHMARK(ScrapeCompressed)->Unit(benchmark::kMicrosecond)->UseRealTime();

void RenderAfterAChange(benchmark::State& state) {
  Served served;
  std::string body;
  for (auto _ : state) body = served.Render({});
  state.counters["series"] = Series(body);
}
BENCHMARK(RenderAfterAChange)->Unit(benchmark::kMicrosecond);

void CompressAfterAChange(benchmark::State& state) {
  Served served;
  std::string body;
  for (auto _ : state) body = served.Render({MetricsFormat::kOpenMetrics, /*gzip=*/true});
  state.counters["bytes"] = static_cast<double>(body.size());
}
BENCHMARK(CompressAfterAChange)->Unit(benchmark::kMicrosecond);

// A peer: prometheus-cpp's own serializer on the same families.
void RenderByPrometheusCpp(benchmark::State& state) {
  Served served;
  std::vector<prometheus::MetricFamily> families;
  BackupFamilies(served.standings(),
                 [&](const prometheus::MetricFamily& family) { families.push_back(family); });
  std::string body;
  for (auto _ : state) {
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, families);
    body = out.str();
  }
  state.counters["series"] = Series(body);
}
BENCHMARK(RenderByPrometheusCpp)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace backup_exporter
