// Runs Debian's restic on small repositories and compares the metrics page with what restic itself
// reports afterwards.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/time.h"
#include "kit/exporter_process.h"
#include "kit/paths.h"
#include "kit/process.h"

namespace backup_exporter {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr unsigned kNobody = 65534;

enum class Capture { kStandardOutput, kBoth };

class Restic : public testing::TestWithParam<Capture> {
 protected:
  // Creating a repository takes seconds, so every test gets a copy of this one. In format 1 the
  // added bytes can be computed exactly: data is not compressed, and every blob takes 32 bytes
  // more.
  static void SetUpTestSuite() {
    template_ = fs::path(testing::TempDir()) / ("restic-template-" + std::to_string(getpid()));
    fs::create_directories(template_);
    ASSERT_EQ(
        RunProcess({"restic", "init", "-q", "--repository-version", "1"},
                   {.environment = {"RESTIC_REPOSITORY=" + (template_ / "repository").string(),
                                    "RESTIC_PASSWORD=right",
                                    "RESTIC_CACHE_DIR=" + (template_ / "cache").string()}}),
        0);
  }
  static void TearDownTestSuite() { fs::remove_all(template_); }

  void SetUp() override {
    std::string path = testing::TempDir() + "/restic-XXXXXX";
    ASSERT_NE(mkdtemp(path.data()), nullptr);
    directory_ = path;
    fs::permissions(directory_, fs::perms(0755));
    fs::copy(template_ / "repository", directory_ / "repository", fs::copy_options::recursive);
    fs::create_directories(directory_ / "data");
    fs::create_directories(directory_ / "logs");
    Write("data/one.bin", std::string(300'000, 'a') + "unlike");
    Write("data/two.txt", "hello");
    Write("config.yaml", "sources:\n  - format: restic\n    path: logs/*.jsonl\n");
  }
  void TearDown() override { fs::remove_all(directory_); }

  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(directory_ / name) << text;
  }
  [[nodiscard]] std::string Path(const std::string& name) const {
    return (directory_ / name).string();
  }
  [[nodiscard]] std::string Log() const { return Path("logs/home.jsonl"); }

  [[nodiscard]] ProcessOptions Options(bool capture) const {
    ProcessOptions options{
        .environment = {"RESTIC_REPOSITORY=" + repository_.value_or(Path("repository")),
                        "RESTIC_PASSWORD=" + password_, "RESTIC_CACHE_DIR=" + Path("cache"),
                        "RESTIC_PROGRESS_FPS=5"},
        .user = user_};
    if (capture) {
      options.output = Log();
      options.errors = GetParam() == Capture::kBoth ? "&1" : "";
    }
    return options;
  }
  [[nodiscard]] int Run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "restic");
    return RunProcess(arguments, Options(true));
  }
  [[nodiscard]] json Ask(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "restic");
    arguments.push_back("--json");
    return json::parse(OutputOf(arguments, Options(false)));
  }
  [[nodiscard]] Page Once() const { return OncePage(kProgram, Path("config.yaml")); }

  // Expects that restic has this many snapshots and that the page agrees with it on the last one,
  // before which the repository had `stored_before` bytes.
  void ExpectAgreement(const Page& page, std::size_t snapshots, std::uint64_t stored_before) const {
    const json list = Ask({"snapshots"});
    ASSERT_EQ(list.size(), snapshots);
    const auto begun = ParseRfc3339(list.back()["time"].get<std::string>());
    ASSERT_TRUE(begun.has_value());
    const double success =
        page.Number("backup_last_success_timestamp_seconds{backup=\"home\",operation=\"backup\"}");
    EXPECT_GE(success, ToSeconds(*begun));
    EXPECT_LE(success, ToSeconds(SystemClock().Now()));
    EXPECT_EQ(page.Number("backup_last_success_processed_bytes{backup=\"home\"}"),
              Ask({"stats", "latest"})["total_size"].get<double>());
    EXPECT_EQ(page.Number("backup_last_success_added_bytes{backup=\"home\"}"),
              static_cast<double>(Stored() - stored_before));
  }
  // The bytes in the repository, counted as in restic's `data_added`.
  [[nodiscard]] std::uint64_t Stored() const {
    const json raw = Ask({"stats", "--mode", "raw-data"});
    return raw["total_size"].get<std::uint64_t>() -
           32 * raw.value("total_blob_count", std::uint64_t{0});
  }
  // Prints one line of the table of cases: the values of the page.
  static void PrintCase(const Page& page) {
    const auto value = [&page](const std::string& series) {
      return page.Find(series).value_or("-");
    };
    std::string reason = "-";
    for (const char* name : {"locked", "auth", "repository_missing", "source_missing",
                             "source_unreadable", "interrupted", "other"}) {
      if (page.Number(
              "backup_last_run_failure_reason{backup=\"home\",operation=\"backup\",reason=\"" +
              std::string(name) + "\"}") == 1) {
        reason = name;
      }
    }
    std::cout << "[ CASE ] " << testing::UnitTest::GetInstance()->current_test_info()->name()
              << " | " << (GetParam() == Capture::kBoth ? "both" : "stdout") << " | result "
              << page.Result("home", "backup") << " | reason " << reason << " | last success "
              << value(
                     "backup_last_success_timestamp_seconds{backup=\"home\",operation=\"backup\"}")
              << " | added " << value("backup_last_success_added_bytes{backup=\"home\"}")
              << " | runs " << value("backup_runs_total{backup=\"home\",operation=\"backup\"}")
              << "\n";
  }
  [[nodiscard]] bool Both() const { return GetParam() == Capture::kBoth; }
  [[nodiscard]] static double LastSuccess(const Page& page) {
    return page.Number(
        "backup_last_success_timestamp_seconds{backup=\"home\",operation=\"backup\"}");
  }
  [[nodiscard]] static double Reason(const Page& page, const std::string& reason) {
    return page.Number(
        "backup_last_run_failure_reason{backup=\"home\",operation=\"backup\",reason=\"" + reason +
        "\"}");
  }
  // restic reports a failure on standard error only, so standard output alone shows no run.
  void ExpectFailure(const std::string& reason) const {
    const Page page = Once();
    PrintCase(page);
    EXPECT_LE(LastSuccess(page), 0);
    if (!Both()) {
      EXPECT_EQ(page.Result("home", "backup"), "");
      return;
    }
    EXPECT_EQ(page.Result("home", "backup"), "failure");
    EXPECT_EQ(Reason(page, reason), 1) << reason;
    EXPECT_EQ(page.Number("backup_consecutive_failures{backup=\"home\",operation=\"backup\"}"), 1);
  }

  static fs::path template_;
  fs::path directory_;
  std::string password_ = "right";
  std::optional<std::string> repository_;
  unsigned user_ = 0;
};

fs::path Restic::template_;

INSTANTIATE_TEST_SUITE_P(Captures, Restic,
                         testing::Values(Capture::kStandardOutput, Capture::kBoth),
                         [](const auto& instance) {
                           return instance.param == Capture::kBoth ? "BothStreams"
                                                                   : "StandardOutput";
                         });

TEST_P(Restic, ASuccessHasTheTimesAndFiguresThatResticReports) {
  ASSERT_EQ(Run({"backup", "--json", Path("data")}), 0);
  const Page page = Once();
  PrintCase(page);
  EXPECT_EQ(page.Result("home", "backup"), "success");
  ExpectAgreement(page, 1, 0);
  EXPECT_EQ(page.Number("backup_last_success_files{backup=\"home\",state=\"new\"}"), 2);
  EXPECT_EQ(
      page.Number("backup_info{backup=\"home\",tool=\"restic\",repository=\"\",source=\"restic\"}"),
      1);
}

TEST_P(Restic, ABackupWithoutChangesIsASuccessWithFewAddedBytes) {
  ASSERT_EQ(Run({"backup", "--json", Path("data")}), 0);
  const std::uint64_t before = Stored();
  ASSERT_EQ(Run({"backup", "--json", Path("data")}), 0);
  const Page page = Once();
  PrintCase(page);
  EXPECT_EQ(page.Result("home", "backup"), "success");
  ExpectAgreement(page, 2, before);
  EXPECT_EQ(page.Number("backup_last_success_files{backup=\"home\",state=\"unmodified\"}"), 2);
}

TEST_P(Restic, TwoRunsInOneFileAreTwoRuns) {
  ASSERT_EQ(Run({"backup", "--json", Path("data")}), 0);
  const std::uint64_t before = Stored();
  Write("data/three.bin", std::string(10'000, 'c'));
  ASSERT_EQ(Run({"backup", "--json", Path("data")}), 0);
  const Page page = Once();
  PrintCase(page);
  ExpectAgreement(page, 2, before);
  EXPECT_EQ(page.Number("backup_runs_total{backup=\"home\",operation=\"backup\"}"), 2);
  EXPECT_EQ(page.Number("backup_added_bytes_total{backup=\"home\"}"),
            static_cast<double>(Stored()));
}

TEST_P(Restic, AFileThatCannotBeReadIsAWarning) {
  ASSERT_EQ(RunProcess({"chown", "-R", "nobody", directory_.string()}), 0)
      << "this test needs root";
  ASSERT_EQ(chmod(Path("data/two.txt").c_str(), 0), 0);
  user_ = kNobody;
  ASSERT_EQ(Run({"backup", "--json", Path("data")}), 3);
  const Page page = Once();
  PrintCase(page);
  ExpectAgreement(page, 1, 0);
  if (!Both()) return;  // restic reports it on standard error only
  EXPECT_EQ(page.Result("home", "backup"), "warning");
  EXPECT_EQ(
      page.Number(
          "backup_last_clean_success_timestamp_seconds{backup=\"home\",operation=\"backup\"}"),
      0);
  EXPECT_EQ(page.Number("backup_last_run_exit_code{backup=\"home\",operation=\"backup\"}"), 3);
  EXPECT_EQ(page.Number("backup_last_run_errors{backup=\"home\",operation=\"backup\"}"), 1);
}

TEST_P(Restic, AWrongPasswordIsAFailure) {
  password_ = "wrong";
  ASSERT_EQ(Run({"backup", "--json", Path("data")}), 1);
  ExpectFailure("auth");
}

TEST_P(Restic, AMissingRepositoryIsAFailure) {
  repository_ = Path("nowhere");
  ASSERT_EQ(Run({"backup", "--json", Path("data")}), 1);
  ExpectFailure("repository_missing");
}

TEST_P(Restic, ALockedRepositoryIsAFailure) {
  // A check has an exclusive lock, and keeps it while it is stopped.
  Process check({"restic", "check"}, Options(false));
  ASSERT_TRUE(Eventually([this] {
    // A lock that is still being written has another name.
    return std::ranges::any_of(
        fs::directory_iterator(directory_ / "repository/locks"),
        [](const auto& file) { return file.path().filename().string().size() == 64; });
  }));
  check.Signal(SIGSTOP);
  ASSERT_EQ(Run({"backup", "--json", Path("data")}), 1);
  ExpectFailure("locked");
}

TEST_P(Restic, MissingSourcesAreAFailure) {
  ASSERT_EQ(Run({"backup", "--json", Path("nothing")}), 1);
  ExpectFailure("source_missing");
}

TEST_P(Restic, OneMissingSourceOfTwoIsAFailureAlthoughResticExitsWithZero) {
  ASSERT_EQ(Run({"backup", "--json", Path("data"), Path("nothing")}), 0);
  const Page page = Once();
  PrintCase(page);
  if (!Both()) return;  // restic reports it on standard error only
  EXPECT_EQ(page.Result("home", "backup"), "failure");
  EXPECT_EQ(Reason(page, "source_missing"), 1);
  EXPECT_EQ(LastSuccess(page), 0);
}

TEST_P(Restic, AFailureAfterASuccessKeepsTheLastSuccess) {
  ASSERT_EQ(Run({"backup", "--json", Path("data")}), 0);
  ExporterProcess exporter(kProgram, Path("config.yaml"), directory_.string());
  ASSERT_TRUE(Eventually([&] { return exporter.Scrape().Result("home", "backup") == "success"; }));
  const double success = LastSuccess(exporter.Scrape());
  password_ = "wrong";
  ASSERT_EQ(Run({"backup", "--json", Path("data")}), 1);
  if (Both()) {
    ASSERT_TRUE(
        Eventually([&] { return exporter.Scrape().Result("home", "backup") == "failure"; }));
  }
  password_ = "right";
  const Page page = exporter.Scrape();
  PrintCase(page);
  EXPECT_EQ(LastSuccess(page), success);
  ExpectAgreement(page, 1, 0);
}

TEST_P(Restic, ATerminatedRunIsInterrupted) {
  ASSERT_EQ(Run({"backup", "--json", Path("data")}), 0);
  ExporterProcess exporter(kProgram, Path("config.yaml"), directory_.string());
  ASSERT_TRUE(Eventually([&] { return exporter.Scrape().Result("home", "backup") == "success"; }));
  const double success = LastSuccess(exporter.Scrape());
  const std::string before = ReadText(Log());
  {
    // restic runs until the pipe is closed.
    std::array<int, 2> pipe_ends{};
    ASSERT_EQ(pipe2(pipe_ends.data(), O_CLOEXEC), 0);
    ProcessOptions options = Options(true);
    options.input = pipe_ends[0];
    Process backup({"restic", "backup", "--json", "--stdin"}, options);
    EXPECT_TRUE(Eventually([&] { return ReadText(Log()).size() > before.size(); }));
    backup.Signal(SIGTERM);
    EXPECT_EQ(backup.Wait(), 128 + SIGTERM);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
  }
  ASSERT_TRUE(
      Eventually([&] { return exporter.Scrape().Result("home", "backup") == "interrupted"; }));
  const Page page = exporter.Scrape();
  PrintCase(page);
  EXPECT_EQ(LastSuccess(page), success);
  EXPECT_EQ(page.Number("backup_runs_total{backup=\"home\",operation=\"backup\"}"), 2);
  EXPECT_EQ(Ask({"snapshots"}).size(), 1U);
}

TEST_P(Restic, CheckAndForgetAreSeparateOperations) {
  ExporterProcess exporter(kProgram, Path("config.yaml"), directory_.string());
  const auto succeeds = [&exporter](const std::string& operation) {
    return Eventually([&] { return exporter.Scrape().Result("home", operation) == "success"; });
  };
  ASSERT_EQ(Run({"backup", "--json", Path("data")}), 0);
  EXPECT_TRUE(succeeds("backup"));
  ASSERT_EQ(Run({"check", "--json"}), 0);
  EXPECT_TRUE(succeeds("check"));
  ASSERT_EQ(Run({"forget", "--json", "--keep-last", "1"}), 0);
  EXPECT_TRUE(succeeds("forget"));
  const Page page = exporter.Scrape();
  for (const char* operation : {"backup", "check", "forget"}) {
    EXPECT_EQ(page.Number("backup_runs_total{backup=\"home\",operation=\"" +
                          std::string(operation) + "\"}"),
              1);
  }
  // If all is read at once, runs without times are counted, but only the last one gets a date.
  const Page once = Once();
  EXPECT_EQ(once.Result("home", "forget"), "success");
  EXPECT_EQ(once.Result("home", "backup"), "");
  EXPECT_EQ(once.Number("backup_runs_total{backup=\"home\",operation=\"backup\"}"), 1);
}

TEST_P(Restic, ADamagedRepositoryFailsTheCheckAndNotTheBackup) {
  ASSERT_EQ(Run({"backup", "--json", Path("data")}), 0);
  ExporterProcess exporter(kProgram, Path("config.yaml"), directory_.string());
  for (const auto& file : fs::recursive_directory_iterator(directory_ / "repository/data")) {
    if (!file.is_regular_file()) continue;
    fs::permissions(file.path(), fs::perms(0600));
    std::fstream pack(file.path(), std::ios::in | std::ios::out);
    pack.seekp(100) << "damage";
  }
  ASSERT_EQ(Run({"check", "--json", "--read-data"}), 1);
  // Standard output alone does not show that the check failed.
  const std::string expected = Both() ? "failure" : "interrupted";
  EXPECT_TRUE(Eventually([&] { return exporter.Scrape().Result("home", "check") == expected; }))
      << exporter.Scrape().text();
  EXPECT_EQ(exporter.Scrape().Result("home", "backup"), "success");
}

TEST_P(Restic, AListingProvesBackupsWithoutALog) {
  ASSERT_EQ(RunProcess({"restic", "backup", Path("data")}, Options(false)), 0);
  const json list = Ask({"snapshots"});
  ASSERT_EQ(Run({"snapshots", "--json"}), 0);
  const Page page = Once();
  EXPECT_EQ(LastSuccess(page), ToSeconds(*ParseRfc3339(list.back()["time"].get<std::string>())));
  EXPECT_EQ(page.Number("backup_last_success_evidence{backup=\"home\",operation=\"backup\","
                        "evidence=\"archive\"}"),
            1);
}

}  // namespace
}  // namespace backup_exporter
