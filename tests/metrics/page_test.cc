// Labels: threads
#include "metrics/page.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "kit/gunzip.h"
#include "kit/parsed_page.h"
#include "kit/paths.h"
#include "metrics/label_value.h"

namespace backup_exporter {
namespace {

using std::chrono::seconds;

constexpr MetricsForm kText{MetricsFormat::kText};
constexpr MetricsForm kOpenMetrics{MetricsFormat::kOpenMetrics};
constexpr MetricsForm kGzip{MetricsFormat::kText, true};
constexpr MetricsForm kOpenMetricsGzip{MetricsFormat::kOpenMetrics, true};
constexpr std::array kForms{kText, kOpenMetrics, kGzip, kOpenMetricsGzip};

constexpr Time kNow{seconds(1'800'000'000)};

class StandingClock final : public Clock {
 public:
  [[nodiscard]] Time Now() const override { return kNow; }
  [[nodiscard]] SteadyTime Steady() const override { return SteadyTime(seconds(steady++ * step)); }

  std::int64_t step = 0;  // seconds between two calls
  mutable std::atomic<std::int64_t> steady = 0;
};

// A page with everything that it is made from.
class PageTest : public testing::Test {
 protected:
  std::shared_ptr<const Standings> standings = std::make_shared<Standings>();
  ProgramStatus program;
  StatusBoard board;
  StandingClock clock;
  MetricsPage page{[this] { return standings; }, [this] { return program; }, board, clock};
};

std::shared_ptr<BackupStanding> Backup(const std::string& name) {
  auto backup = std::make_shared<BackupStanding>();
  backup->name = name;
  backup->tool = "restic";
  backup->source = "logs";
  return backup;
}

// Gives every row of the table a sample, and some labels values that need escaping.
std::shared_ptr<const Standings> Everything() {
  auto standings = std::make_shared<Standings>();

  auto home = Backup("home");
  home->repository = "sftp:nas:/srv/restic";
  home->added_bytes = 4'503'599'627'370'497;
  home->added_stored_bytes = 123'456'789'012;
  home->processed_bytes = 1'000'000;
  OperationStanding backup;
  backup.last_start = Time(Duration(1'799'990'000'123'456));
  backup.last_run = LastRun{Time(Duration(1'799'990'100'831'077)), RunResult::kWarning, 3,
                            Duration(100'707'621), 2};
  backup.last_success = backup.last_run->end;
  backup.last_success_evidence = Evidence::kReport;
  backup.last_clean_success = Time(seconds(1'799'900'000));
  backup.last_failure = Time(seconds(1'799'800'000));
  backup.last_failure_reason = Reason::kNetwork;
  backup.consecutive_warnings = 1;
  backup.running = RunningRun{.start = Time(seconds(1'799'999'000)),
                              .active = Time(seconds(1'799'999'990)),
                              .processed_bytes = 250,
                              .expected_bytes = 1000,
                              .done = 0.25};
  backup.expected = ExpectedStanding{.origin = Origin::kConfigured,
                                     .interval = seconds(86'400),
                                     .deadline = Time(seconds(1'800'090'000))};
  backup.paused = PauseStanding{.until = Time(seconds(1'800'000'000)), .reason = "new disk"};
  backup.max_duration = seconds(21'600);
  backup.missed = 7;
  backup.runs = 12;
  backup.failures = 2;
  backup.warnings = 3;
  std::uint64_t figure = 1;
  for (const FigureField& field : kFigureFields) {
    backup.last_success_figures.*field.member = figure;
    figure *= 10;
  }
  OperationStanding check;
  check.operation = Operation::kCheck;
  check.last_run = LastRun{Time(seconds(1'799'000'000)), RunResult::kFailure, 1, {}, {}};
  check.last_failure = check.last_run->end;
  check.last_failure_reason = Reason::kRepositoryMissing;
  check.consecutive_failures = 4;
  check.runs = 4;
  check.failures = 4;
  home->operations = {backup, check};
  home->archives = 30;
  home->oldest_archive = Time(seconds(1'797'000'000));
  home->newest_archive = backup.last_success;
  home->unusual = {.baseline_runs = 30,
                   .anomalies = {{Quantity::kAddedBytes, -6.745}, {Quantity::kDuration, 0}}};
  standings->repositories["nas"] = {.stored_bytes = 5'000'000, .original_bytes = 90'000'000};
  standings->backups.push_back(home);

  auto odd = Backup("odd \"name\" \\ of\ntwo lines \xFF");
  odd->tool = "borg";
  odd->operations.emplace_back();
  standings->backups.push_back(odd);

  SourceStanding logs;
  logs.counts = {
      .records = 1000, .parse_errors = 1, .text = 20, .unknown_messages = 3, .unknown_fields = 4};
  logs.skipped = {.too_long = 20'000'000, .nul = 4096, .cut_off = 300};
  standings->sources = {{"logs", logs}, {"new", {}}};

  MonitorStanding monitor{.kind = "ntfy",
                          .up = false,
                          .notices = {1, 2, 3, 4, 5},
                          .deliveries = 6,
                          .failures = {1, 2, 3, 4, 5, 6, 7, 8},
                          .dropped = {1, 2, 3, 4},
                          .pending = 9,
                          .oldest = kNow - seconds(30),
                          .last_success = kNow - seconds(40)};
  monitor.delays = {1, 2, 3, 4, 5, 5, 5, 5};
  monitor.delays_count = 6;
  monitor.delays_total = std::chrono::milliseconds(90'000'500);
  standings->monitors = {{"phone", monitor}};

  standings->committed = Time(Duration(1'799'999'999'500'000));
  standings->errors = 1;
  standings->future_stamps = 2;
  standings->clock_jumps = 5;
  standings->full = true;
  standings->series_dropped = 3;
  return standings;
}

SourceStatus EverythingOfASource() {
  SourceStatus status;
  status.up = true;
  status.polling = true;
  status.files = 7;
  status.unreadable_files = 1;
  status.lag_bytes = 12'345;
  status.checked = kNow - seconds(5);
  status.last_read = kNow - seconds(60);
  status.modified = kNow - seconds(70);
  status.missing = 1;
  status.permission = 2;
  status.truncated = 3;
  status.too_large = 4;
  status.io = 5;
  return status;
}

// Replaces the values that differ between builds.
std::string WithoutBuild(const std::string& page) {
  static const std::regex kBuild(R"(backup_exporter_build_info\{version="[^"]+",revision="[^"]+",)"
                                 R"(branch="[^"]+",compiler="[^"]+"\})");
  return std::regex_replace(
      page, kBuild,
      R"(backup_exporter_build_info{version="V",revision="R",branch="B",compiler="C"})");
}

std::string ReadFile(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

TEST_F(PageTest, ThePageEqualsTheGoldenPages) {
  standings = Everything();
  program = {.reload_successful = false,
             .reloaded = Time(seconds(1'799'000'000)),
             .process = {.cpu_time = Duration(12'340'000),
                         .open_fds = 25,
                         .max_fds = 1024,
                         .virtual_bytes = 1'234'567'890,
                         .max_virtual_bytes = ~std::uint64_t{0},
                         .resident_bytes = 12'345'678,
                         .started = Time(Duration(1'799'000'000'250'000))}};
  board.Post("logs", EverythingOfASource());
  for (const auto& [form, name] :
       {std::pair(kText, "full.prom"), std::pair(kOpenMetrics, "full.openmetrics")}) {
    const std::string golden = std::string(kTestdataDir) + "/metrics/" + name;
    const std::string text = WithoutBuild(page.Render(form));
    if (std::getenv("RENEW_GOLDEN") != nullptr) std::ofstream(golden) << text;
    EXPECT_EQ(text, ReadFile(golden));
  }
}

TEST(GoldenPage, EveryMetricIsThereInTheOrderOfTheTable) {
  const std::string text = ReadFile(std::string(kTestdataDir) + "/metrics/full.prom");
  std::size_t at = 0;
  for (const Metric& metric : AllMetrics()) {
    const std::size_t found = text.find("\n# TYPE " + std::string(metric.name) + " ", at);
    ASSERT_NE(found, std::string::npos) << metric.name << " is not there, or not in its place";
    at = found;
  }
}

TEST(GoldenPage, PromtoolHasNoComplaints) {
  const std::string command =
      "promtool check metrics < '" + std::string(kTestdataDir) + "/metrics/full.prom' 2>&1";
  FILE* promtool = popen(command.c_str(), "r");
  ASSERT_NE(promtool, nullptr);
  std::string output;
  std::array<char, 4096> buffer{};
  while (std::fgets(buffer.data(), buffer.size(), promtool) != nullptr) output += buffer.data();
  EXPECT_EQ(pclose(promtool), 0) << "is promtool installed?";
  EXPECT_EQ(output, "");
}

TEST(GoldenPage, BothFormatsContainTheSameSeriesAndValues) {
  const std::string path = std::string(kTestdataDir) + "/metrics/full";
  const auto parsed = ParsedPage(ReadFile(path + ".openmetrics"), MetricsFormat::kOpenMetrics);
  EXPECT_GT(parsed.size(), 150U);
  EXPECT_EQ(parsed, ParsedPage(ReadFile(path + ".prom"), MetricsFormat::kText));
}

// Names that a parser may mistake for the end of a value, of the labels, of a line or of the page.
TEST_F(PageTest, BothFormatsContainTheSameValuesWhateverTheLabels) {
  const std::vector<std::string> names{"",
                                       "\"",
                                       "\\",
                                       "\\\"",
                                       "\\\\",
                                       "\n",
                                       "\\n",
                                       "a\r\nb",
                                       "\t \v\f",
                                       "}",
                                       "\"} 1\n",
                                       "\"} 1 # {a=\"b\"} 2",
                                       "# EOF",
                                       "\n# EOF\n",
                                       "a=\"b\",c",
                                       ",",
                                       " spaces ",
                                       "{}",
                                       "größe",
                                       "\U0001F4BE",
                                       "\u2028",
                                       "\x7F",
                                       "\x01",
                                       std::string("a\0b", 3),
                                       "\xFF",
                                       "\u202Eright to left\u200F",
                                       std::string(300, '"'),
                                       std::string(64 << 10, '\\')};
  auto hostile = std::make_shared<Standings>();
  for (const std::string& name : names) {
    auto backup = Backup(name);
    backup->tool = backup->repository = backup->source = name;
    backup->operations.emplace_back().runs = 7;
    hostile->backups.push_back(std::move(backup));
    board.Post(name, EverythingOfASource());
  }
  standings = hostile;
  const auto parsed = ParsedPage(page.Render(kOpenMetrics), MetricsFormat::kOpenMetrics);
  EXPECT_EQ(parsed, ParsedPage(page.Render(kText), MetricsFormat::kText));
  for (const std::string& name : names) {
    const nlohmann::json sample{
        "backup_runs_total", {{"backup", LabelValue(name)}, {"operation", "backup"}}, "7.0"};
    EXPECT_EQ(
        std::ranges::count(parsed, sample,
                           [](const std::string& line) { return nlohmann::json::parse(line); }),
        1)
        << sample;
  }
}

TEST_F(PageTest, RenderReturnsBothPartsAndEachEndsWithANewline) {
  standings = Everything();
  const MetricsBody body = page.Body();
  ASSERT_NE(body.backups, nullptr);
  EXPECT_EQ(page.Render(), *body.backups + body.rest);
  EXPECT_TRUE(body.backups->ends_with('\n'));
  EXPECT_TRUE(body.rest.ends_with('\n'));
}

TEST_F(PageTest, OnlyAnOpenMetricsPageEndsWithEof) {
  EXPECT_TRUE(page.Render(kOpenMetrics).ends_with("\n# EOF\n"));
  EXPECT_EQ(page.Render(kText).find("# EOF"), std::string::npos);
}

TEST_F(PageTest, TheCompressedPageContainsTheSameText) {
  for (const auto& shown : {std::make_shared<const Standings>(), Everything()}) {
    standings = shown;
    for (int i = 0; i < 2; ++i) {  // the second time from the kept text
      EXPECT_EQ(Gunzip(page.Render(kGzip)), page.Render(kText));
      EXPECT_EQ(Gunzip(page.Render(kOpenMetricsGzip)), page.Render(kOpenMetrics));
    }
  }
  EXPECT_LT(page.Render(kGzip).size(), page.Render(kText).size() / 4);
}

TEST_F(PageTest, ThePageExistsBeforeTheFirstBackup) {
  EXPECT_TRUE(page.Render().starts_with("# HELP backup_exporter_build_info "));
}

TEST_F(PageTest, ScrapesOfTheSameStandingsShareTheirText) {
  for (const MetricsForm form : kForms) {
    standings = Everything();
    const auto first = page.Body(form).backups;
    for (const MetricsForm other : kForms) (void)page.Body(other);
    EXPECT_EQ(page.Body(form).backups, first);
    standings = Everything();
    const auto second = page.Body(form).backups;
    EXPECT_NE(second, first);
    EXPECT_EQ(*second, *first);
  }
}

TEST_F(PageTest, ABackupDisappearsWithTheStandingsThatContainedIt) {
  auto both = std::make_shared<Standings>();
  both->backups = {Backup("gone"), Backup("home")};
  standings = both;
  EXPECT_NE(page.Render().find("backup=\"gone\""), std::string::npos);
  auto one = std::make_shared<Standings>();
  one->backups = {Backup("home")};
  standings = one;
  const std::string text = page.Render();
  EXPECT_EQ(text.find("backup=\"gone\""), std::string::npos);
  EXPECT_NE(text.find("backup=\"home\""), std::string::npos);
}

TEST_F(PageTest, SourcesAndProgramAreUpToDateInEveryScrape) {
  (void)page.Render();
  board.Post("logs", EverythingOfASource());
  program.reload_successful = false;
  const std::string text = page.Render();
  EXPECT_NE(text.find("backup_source_up{source=\"logs\"} 1\n"), std::string::npos);
  EXPECT_NE(text.find("backup_exporter_config_last_reload_successful 0\n"), std::string::npos);
}

TEST_F(PageTest, TheDurationOfEachCollectorIsShown) {
  clock.step = 2;
  const std::string text = page.Render();
  for (const std::string collector : {"backups", "sources", "exporter"}) {
    EXPECT_NE(
        text.find("backup_exporter_scrape_duration_seconds{collector=\"" + collector + "\"} 2\n"),
        std::string::npos);
    EXPECT_NE(
        text.find("backup_exporter_scrape_collector_success{collector=\"" + collector + "\"} 1\n"),
        std::string::npos);
  }
}

TEST(FailingCollector, ACollectorThatThrowsIsLeftOutAndReportedAsFailed) {
  StatusBoard board;
  board.Post("logs", EverythingOfASource());
  const StandingClock clock;
  MetricsPage page([] { return Everything(); },
                   []() -> ProgramStatus { throw std::runtime_error("no status"); }, board, clock);
  const std::string text = page.Render();
  EXPECT_NE(text.find("backup_runs_total{"), std::string::npos);
  EXPECT_NE(text.find("backup_source_up{"), std::string::npos);
  EXPECT_EQ(text.find("backup_exporter_build_info"), std::string::npos);
  EXPECT_NE(text.find("backup_exporter_scrape_collector_success{collector=\"exporter\"} 0\n"),
            std::string::npos);
  EXPECT_NE(text.find("backup_exporter_scrape_collector_success{collector=\"backups\"} 1\n"),
            std::string::npos);
  EXPECT_EQ(Gunzip(page.Render(kGzip)), text);
}

TEST(ConcurrentScrapes, EveryScrapeSeesAWholePageWhileStandingsChange) {
  std::mutex mutex;
  auto standings = std::make_shared<const Standings>();
  const auto present = [&] {
    const std::lock_guard lock(mutex);
    return standings;
  };
  StatusBoard board;
  const StandingClock clock;
  MetricsPage page(
      present, [] { return ProgramStatus(); }, board, clock);
  std::atomic<int> broken = 0;
  {
    std::vector<std::jthread> scrapes;
    for (const MetricsForm form : kForms) {
      scrapes.emplace_back([&, form](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
          std::string text = page.Render(form);
          if (form.gzip) text = Gunzip(text).value_or("");
          // Either both or neither.
          const bool first = text.find("backup_info{backup=\"first\"") != std::string::npos;
          const bool second = text.find("backup_info{backup=\"second\"") != std::string::npos;
          if (first != second || !text.ends_with('\n')) ++broken;
        }
      });
    }
    for (int i = 0; i < 200; ++i) {
      auto next = std::make_shared<Standings>();
      if (i % 2 == 0) next->backups = {Backup("first"), Backup("second")};
      {
        const std::lock_guard lock(mutex);
        standings = std::move(next);
      }
      board.Post("logs", EverythingOfASource());
    }
  }
  EXPECT_EQ(broken, 0);
}

}  // namespace
}  // namespace backup_exporter
