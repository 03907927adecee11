#include "metrics/families.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "metrics/exposition.h"

namespace backup_exporter {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

constexpr Time kNow{seconds(1'800'000'000)};

// The lines of the samples that `families` emits, without help and type.
template <typename Families>
std::vector<std::string> Samples(Families families) {
  std::string text;
  families([&](const prometheus::MetricFamily& family) {
    AppendFamily(family, MetricsFormat::kText, text);
  });
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with('#')) lines.push_back(line);
  }
  return lines;
}

Standings With(std::vector<BackupStanding> backups) {
  Standings standings;
  for (BackupStanding& backup : backups) {
    standings.backups.push_back(std::make_shared<const BackupStanding>(std::move(backup)));
  }
  return standings;
}

BackupStanding Home(std::vector<OperationStanding> operations) {
  BackupStanding home;
  home.name = "home";
  home.tool = "restic";
  home.repository = "nas";
  home.source = "logs";
  home.operations = std::move(operations);
  return home;
}

std::vector<std::string> BackupSamples(const Standings& standings) {
  return Samples([&](const FamilySink& sink) { BackupFamilies(standings, sink); });
}

std::vector<std::string> SourceSamples(const std::map<std::string, SourceStatus>& statuses,
                                       const std::map<std::string, SourceStanding>& standings) {
  return Samples([&](const FamilySink& sink) { SourceFamilies(statuses, standings, kNow, sink); });
}

TEST(AllMetrics, EveryMetricHasAUniqueNameAMatchingTypeAndAHelpText) {
  std::set<std::string_view> names;
  for (const Metric& metric : AllMetrics()) {
    SCOPED_TRACE(metric.name);
    EXPECT_TRUE(names.insert(metric.name).second);
    EXPECT_EQ(metric.name.ends_with("_total"), metric.type == prometheus::MetricType::Counter);
    EXPECT_FALSE(metric.help.empty());
    if (metric.name.starts_with("process_")) continue;  // texts of client libraries
    EXPECT_TRUE(std::regex_match(std::string(metric.name), std::regex("backup_[a-z]+(_[a-z]+)*")));
    EXPECT_FALSE(metric.help.ends_with('.'));
  }
  EXPECT_GE(names.size(), 50U);
}

TEST(BackupFamilies, NoBackupsGiveNoSamples) { EXPECT_THAT(BackupSamples({}), IsEmpty()); }

TEST(BackupFamilies, UnknownValuesGiveNoSamples) {
  EXPECT_THAT(
      BackupSamples(With({Home({OperationStanding()})})),
      ElementsAre(
          R"(backup_info{backup="home",tool="restic",repository="nas",source="logs"} 1)",
          R"(backup_last_success_timestamp_seconds{backup="home",operation="backup"} 0)",
          R"(backup_last_clean_success_timestamp_seconds{backup="home",operation="backup"} 0)",
          R"(backup_last_failure_timestamp_seconds{backup="home",operation="backup"} 0)",
          R"(backup_consecutive_failures{backup="home",operation="backup"} 0)",
          R"(backup_consecutive_warnings{backup="home",operation="backup"} 0)",
          R"(backup_runs_total{backup="home",operation="backup"} 0)",
          R"(backup_run_failures_total{backup="home",operation="backup"} 0)",
          R"(backup_run_warnings_total{backup="home",operation="backup"} 0)",
          R"(backup_added_bytes_total{backup="home"} 0)",
          R"(backup_added_stored_bytes_total{backup="home"} 0)",
          R"(backup_processed_bytes_total{backup="home"} 0)",
          R"(backup_running{backup="home",operation="backup"} 0)",
          R"(backup_running_start_timestamp_seconds{backup="home",operation="backup"} 0)",
          R"(backup_running_activity_timestamp_seconds{backup="home",operation="backup"} 0)",
          R"(backup_baseline_runs{backup="home"} 0)"));
}

TEST(BackupFamilies, TheExpectationAndTheDeadlineAreShown) {
  OperationStanding runs;
  runs.expected =
      ExpectedStanding{.origin = Origin::kLearned, .interval = seconds(60), .deadline = kNow};
  runs.paused = PauseStanding{.until = kNow};
  runs.max_duration = seconds(30);
  EXPECT_THAT(
      BackupSamples(With({Home({runs})})),
      IsSupersetOf(
          {R"(backup_expected_interval_seconds{backup="home",operation="backup"} 60)",
           R"(backup_deadline_timestamp_seconds{backup="home",operation="backup"} 1800000000)",
           R"(backup_expectation_info{backup="home",operation="backup",origin="learned"} 1)",
           R"(backup_paused{backup="home",operation="backup"} 1)",
           R"(backup_max_duration_seconds{backup="home",operation="backup"} 30)",
           R"(backup_runs_missed_total{backup="home",operation="backup"} 0)"}));
}

TEST(BackupFamilies, AnOperationThatIsNeverExpectedIsShownAsSuch) {
  OperationStanding runs;
  runs.never_expected = true;
  EXPECT_THAT(
      BackupSamples(With({Home({runs})})),
      Contains(R"(backup_expectation_info{backup="home",operation="backup",origin="never"} 1)"));
}

TEST(BackupFamilies, TheProgressOfARunIsShown) {
  OperationStanding runs;
  runs.running = RunningRun{.start = kNow - seconds(60),
                            .active = kNow - seconds(1),
                            .processed_bytes = 250,
                            .expected_bytes = 1000,
                            .done = 0.25};
  const auto samples = BackupSamples(With({Home({runs})}));
  EXPECT_THAT(
      samples,
      IsSupersetOf(
          {R"(backup_running{backup="home",operation="backup"} 1)",
           R"(backup_running_start_timestamp_seconds{backup="home",operation="backup"} 1799999940)",
           R"(backup_running_activity_timestamp_seconds{backup="home",operation="backup"} 1799999999)",
           R"(backup_running_progress_ratio{backup="home",operation="backup"} 0.25)",
           R"(backup_running_processed_bytes{backup="home",operation="backup"} 250)",
           R"(backup_running_expected_bytes{backup="home",operation="backup"} 1000)"}));
  runs.running = RunningRun{};
  EXPECT_THAT(BackupSamples(With({Home({runs})})),
              Not(Contains(StartsWith("backup_running_start"))))
      << "the start is unknown";
}

TEST(BackupFamilies, SnapshotsAndRepositorySizesAreShown) {
  BackupStanding home = Home({});
  home.archives = 3;
  home.oldest_archive = kNow - seconds(300);
  home.newest_archive = kNow - seconds(100);
  Standings standings = With({home});
  standings.repositories["nas"] = {.stored_bytes = 7'000, .original_bytes = 9'000};
  standings.repositories["usb"] = {.stored_bytes = 5, .original_bytes = {}};
  EXPECT_THAT(BackupSamples(standings),
              IsSupersetOf({R"(backup_snapshots{backup="home"} 3)",
                            R"(backup_oldest_snapshot_timestamp_seconds{backup="home"} 1799999700)",
                            R"(backup_newest_snapshot_timestamp_seconds{backup="home"} 1799999900)",
                            R"(backup_repository_size_bytes{repository="nas"} 7000)",
                            R"(backup_repository_size_bytes{repository="usb"} 5)",
                            R"(backup_repository_original_bytes{repository="nas"} 9000)"}));
}

TEST(BackupFamilies, UnknownPartsOfAKnownRunGiveNoSamples) {
  OperationStanding runs;
  runs.last_run = LastRun{kNow, RunResult::kWarning, {}, {}, {}};
  const auto samples = BackupSamples(With({Home({runs})}));
  EXPECT_THAT(samples, Contains(StartsWith("backup_last_run_timestamp_seconds{")));
  EXPECT_THAT(samples, Not(Contains(StartsWith("backup_last_run_exit_code"))));
  EXPECT_THAT(samples, Not(Contains(StartsWith("backup_last_run_duration_seconds"))));
  EXPECT_THAT(samples, Not(Contains(StartsWith("backup_last_run_errors"))));
}

TEST(BackupFamilies, ZeroIsShownAndUnknownIsNot) {
  OperationStanding runs;
  runs.last_run = LastRun{kNow, RunResult::kSuccess, 0, Duration(0), 0};
  runs.last_success_figures.added_bytes = 0;
  runs.last_success_figures.files_changed = 0;
  const auto samples = BackupSamples(With({Home({runs})}));
  EXPECT_THAT(
      samples,
      IsSupersetOf({R"(backup_last_run_exit_code{backup="home",operation="backup"} 0)",
                    R"(backup_last_run_duration_seconds{backup="home",operation="backup"} 0)",
                    R"(backup_last_run_errors{backup="home",operation="backup"} 0)",
                    R"(backup_last_success_added_bytes{backup="home"} 0)",
                    R"(backup_last_success_files{backup="home",state="changed"} 0)"}));
  EXPECT_THAT(samples, Not(Contains(StartsWith("backup_last_success_processed_bytes"))));
  EXPECT_THAT(samples, Not(Contains(R"(backup_last_success_files{backup="home",state="new"} 0)")));
}

TEST(BackupFamilies, FractionsOfSecondsAreKept) {
  OperationStanding runs;
  runs.last_success = Time(Duration(1'616'603'816'831'077));
  runs.last_run = LastRun{*runs.last_success, RunResult::kSuccess, {}, milliseconds(1250), {}};
  EXPECT_THAT(
      BackupSamples(With({Home({runs})})),
      IsSupersetOf(
          {R"(backup_last_success_timestamp_seconds{backup="home",operation="backup"} 1616603816.831077)",
           R"(backup_last_run_duration_seconds{backup="home",operation="backup"} 1.25)"}));
}

TEST(BackupFamilies, FiguresOfOtherOperationsAreNotShown) {
  OperationStanding check;
  check.operation = Operation::kCheck;
  check.last_success = kNow;
  check.last_success_figures.added_bytes = 5;
  check.last_success_figures.processed_files = 6;
  BackupStanding home = Home({check});
  home.added_bytes = 7;
  const auto samples = BackupSamples(With({home}));
  EXPECT_THAT(samples, Contains(R"(backup_runs_total{backup="home",operation="check"} 0)"));
  EXPECT_THAT(samples, Not(Contains(StartsWith("backup_last_success_added_bytes"))));
  EXPECT_THAT(samples, Not(Contains(StartsWith("backup_last_success_processed_files"))));
  EXPECT_THAT(samples, Not(Contains(StartsWith("backup_added_bytes_total"))));
}

TEST(BackupFamilies, AFailureWithoutAReasonHasTheReasonOther) {
  OperationStanding runs;
  EXPECT_THAT(BackupSamples(With({Home({runs})})),
              Not(Contains(StartsWith("backup_last_run_failure_reason"))));
  runs.last_failure = kNow;
  const auto samples = BackupSamples(With({Home({runs})}));
  EXPECT_THAT(
      samples,
      IsSupersetOf(
          {R"(backup_last_run_failure_reason{backup="home",operation="backup",reason="other"} 1)",
           R"(backup_last_run_failure_reason{backup="home",operation="backup",reason="locked"} 0)"}));
}

TEST(BackupFamilies, ExactlyOneMemberOfAClosedSetIsOne) {
  OperationStanding runs;
  runs.last_run = LastRun{kNow, RunResult::kInterrupted, {}, {}, {}};
  std::vector<std::string> results;
  for (const std::string& sample : BackupSamples(With({Home({runs})}))) {
    if (sample.starts_with("backup_last_run_result{")) {
      results.push_back(sample.substr(sample.find("result=\"")));
    }
  }
  EXPECT_THAT(results, UnorderedElementsAre(R"(result="success"} 0)", R"(result="skipped"} 0)",
                                            R"(result="warning"} 0)", R"(result="interrupted"} 1)",
                                            R"(result="failure"} 0)"));
}

TEST(BackupFamilies, BackupsWithEqualLabelValuesStayDistinct) {
  BackupStanding first = Home({});
  first.name = "a\xFE";
  BackupStanding second = first;
  second.name = "a\xFF";
  EXPECT_THAT(
      BackupSamples(With({first, second})),
      ElementsAre(
          "backup_info{backup=\"a\uFFFD\",tool=\"restic\",repository=\"nas\",source=\"logs\"} 1",
          testing::ContainsRegex("backup_info\\{backup=\"a\uFFFD[0-9a-f]+\",")));
}

TEST(SourceFamilies, ASourceThatWasNeverCheckedIsDown) {
  EXPECT_THAT(
      SourceSamples({}, {{"logs", {}}}),
      ElementsAre(
          R"(backup_source_up{source="logs"} 0)",
          R"(backup_source_read_bytes_total{source="logs"} 0)",
          R"(backup_source_record_bytes_total{source="logs"} 0)",
          R"(backup_source_records_total{source="logs"} 0)",
          R"(backup_source_records_decoded_total{source="logs"} 0)",
          R"(backup_source_parse_errors_total{source="logs"} 0)",
          R"(backup_source_records_ignored_total{source="logs",reason="text"} 0)",
          R"(backup_source_records_ignored_total{source="logs",reason="unknown_message"} 0)",
          R"(backup_source_records_ignored_total{source="logs",reason="unknown_field"} 0)",
          R"(backup_source_skipped_bytes_total{source="logs",reason="too_long"} 0)",
          R"(backup_source_skipped_bytes_total{source="logs",reason="nul"} 0)",
          R"(backup_source_skipped_bytes_total{source="logs",reason="cut_off"} 0)",
          R"(backup_source_read_errors_total{source="logs",reason="missing"} 0)",
          R"(backup_source_read_errors_total{source="logs",reason="permission"} 0)",
          R"(backup_source_read_errors_total{source="logs",reason="truncated"} 0)",
          R"(backup_source_read_errors_total{source="logs",reason="too_large"} 0)",
          R"(backup_source_read_errors_total{source="logs",reason="io"} 0)"));
}

TEST(SourceFamilies, ZerosOfTheLastCheckAreShown) {
  SourceStatus status;
  status.checked = kNow;
  EXPECT_THAT(SourceSamples({{"logs", status}}, {}),
              IsSupersetOf({R"(backup_source_up{source="logs"} 0)",
                            R"(backup_source_look_timestamp_seconds{source="logs"} 1800000000)",
                            R"(backup_source_files{source="logs"} 0)",
                            R"(backup_source_unreadable_files{source="logs"} 0)",
                            R"(backup_source_polling{source="logs"} 0)",
                            R"(backup_source_lag_bytes{source="logs"} 0)"}));
}

TEST(SourceFamilies, SourcesOfTheBoardAndOfTheLedgerAreMerged) {
  const auto samples = SourceSamples({{"a", {}}, {"b", {}}}, {{"b", {}}, {"c", {}}});
  EXPECT_THAT(std::vector(samples.begin(), samples.begin() + 3),
              ElementsAre(R"(backup_source_up{source="a"} 0)", R"(backup_source_up{source="b"} 0)",
                          R"(backup_source_up{source="c"} 0)"));
}

TEST(IsUp, ASourceIsUpOnlyIfItsLastCheckIsRecent) {
  SourceStatus status;
  status.up = true;
  EXPECT_FALSE(IsUp(status, kNow));
  status.checked = kNow;
  EXPECT_TRUE(IsUp(status, kNow));
  EXPECT_TRUE(IsUp(status, kNow + seconds(30)));
  EXPECT_FALSE(IsUp(status, kNow + seconds(30) + Duration(1)));
  status.up = false;
  EXPECT_FALSE(IsUp(status, kNow));
}

TEST(IsUp, ACheckDatedInTheFutureIsNotTrusted) {
  SourceStatus status;
  status.up = true;
  status.checked = kNow;
  EXPECT_TRUE(IsUp(status, kNow - seconds(1)));
  EXPECT_FALSE(IsUp(status, kNow - seconds(3600)));
}

TEST(ExporterFamilies, UnknownTimesGiveNoSamples) {
  const auto samples = Samples([](const FamilySink& sink) { ExporterFamilies({}, {}, sink); });
  EXPECT_THAT(samples, Contains("backup_exporter_config_last_reload_successful 1"));
  EXPECT_THAT(
      samples,
      Not(Contains(StartsWith("backup_exporter_config_last_reload_success_timestamp_seconds"))));
  EXPECT_THAT(samples,
              Not(Contains(StartsWith("backup_exporter_ledger_commit_timestamp_seconds"))));
}

// Names, types and help texts of client_golang's process collector, which dashboards expect.
TEST(ProcessFamilies, TheStandardMetricsOfClientLibrariesAreShown) {
  const ProgramStatus program{.process = {.cpu_time = milliseconds(1250),
                                          .open_fds = 12,
                                          .max_fds = 1024,
                                          .virtual_bytes = 3000,
                                          .max_virtual_bytes = 5000,
                                          .resident_bytes = 2000,
                                          .started = Time(milliseconds(1'700'000'000'250))}};
  std::string text;
  ExporterFamilies(program, {}, [&](const prometheus::MetricFamily& family) {
    if (family.name.starts_with("process_")) AppendFamily(family, MetricsFormat::kText, text);
  });
  EXPECT_EQ(text,
            "# HELP process_cpu_seconds_total Total user and system CPU time spent in seconds.\n"
            "# TYPE process_cpu_seconds_total counter\n"
            "process_cpu_seconds_total 1.25\n"
            "# HELP process_open_fds Number of open file descriptors.\n"
            "# TYPE process_open_fds gauge\n"
            "process_open_fds 12\n"
            "# HELP process_max_fds Maximum number of open file descriptors.\n"
            "# TYPE process_max_fds gauge\n"
            "process_max_fds 1024\n"
            "# HELP process_virtual_memory_bytes Virtual memory size in bytes.\n"
            "# TYPE process_virtual_memory_bytes gauge\n"
            "process_virtual_memory_bytes 3000\n"
            "# HELP process_virtual_memory_max_bytes Maximum amount of virtual memory available in "
            "bytes.\n"
            "# TYPE process_virtual_memory_max_bytes gauge\n"
            "process_virtual_memory_max_bytes 5000\n"
            "# HELP process_resident_memory_bytes Resident memory size in bytes.\n"
            "# TYPE process_resident_memory_bytes gauge\n"
            "process_resident_memory_bytes 2000\n"
            "# HELP process_start_time_seconds Start time of the process since unix epoch in "
            "seconds.\n"
            "# TYPE process_start_time_seconds gauge\n"
            "process_start_time_seconds 1700000000.25\n");
}

TEST(ProcessFamilies, UnknownValuesGiveNoSamples) {
  const auto samples = Samples([](const FamilySink& sink) { ExporterFamilies({}, {}, sink); });
  EXPECT_THAT(samples, Not(Contains(StartsWith("process_"))));
}

TEST(MonitorFamilies, QueueDeliveriesAndFailuresOfAMonitorAreShown) {
  Standings standings;
  MonitorStanding monitor{.kind = "ntfy", .up = true, .deliveries = 3, .pending = 2};
  monitor.notices[static_cast<std::size_t>(NoticeState::kFail)] = 4;
  monitor.failures[static_cast<std::size_t>(AttemptFailure::kDns)] = 5;
  monitor.dropped[static_cast<std::size_t>(Dropped::kExpired)] = 6;
  monitor.oldest = Time(seconds(1000));
  monitor.delays = {0, 1, 1, 1, 3, 3, 3, 3};
  monitor.delays_count = 3;
  monitor.delays_total = seconds(61);
  standings.monitors["phone"] = monitor;
  EXPECT_THAT(
      BackupSamples(standings),
      IsSupersetOf<std::string>(
          {"backup_monitor_info{monitor=\"phone\",kind=\"ntfy\"} 1",
           "backup_monitor_up{monitor=\"phone\"} 1",
           "backup_monitor_notices_total{monitor=\"phone\",state=\"fail\"} 4",
           "backup_monitor_notices_total{monitor=\"phone\",state=\"resolve\"} 0",
           "backup_monitor_deliveries_total{monitor=\"phone\"} 3",
           "backup_monitor_attempt_failures_total{monitor=\"phone\",reason=\"dns\"} 5",
           "backup_monitor_dropped_total{monitor=\"phone\",reason=\"expired\"} 6",
           "backup_monitor_queue_length{monitor=\"phone\"} 2",
           "backup_monitor_queue_oldest_timestamp_seconds{monitor=\"phone\"} 1000",
           "backup_monitor_last_success_timestamp_seconds{monitor=\"phone\"} 0",
           "backup_monitor_delivery_duration_seconds_bucket{monitor=\"phone\",le=\"0.1\"} 0",
           "backup_monitor_delivery_duration_seconds_bucket{monitor=\"phone\",le=\"600.0\"} 3",
           "backup_monitor_delivery_duration_seconds_bucket{monitor=\"phone\",le=\"+Inf\"} 3",
           "backup_monitor_delivery_duration_seconds_sum{monitor=\"phone\"} 61",
           "backup_monitor_delivery_duration_seconds_count{monitor=\"phone\"} 3"}));
}

}  // namespace
}  // namespace backup_exporter
