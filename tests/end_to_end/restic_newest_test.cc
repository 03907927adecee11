// Runs the real restic, Debian's or the newest one, on small repositories and compares the metrics
// page with what restic itself reports afterwards. Where versions differ, a test names the version
// of the change.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <memory>
#include <string>

#include "base/time.h"
#include "kit/paths.h"
#include "kit/restic_fixture.h"

namespace backup_exporter {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class ResticTools : public ResticFixture {
 protected:
  [[nodiscard]] Page Once() const { return OncePage(kProgram, Path("config.yaml")); }
  [[nodiscard]] ExporterProcess Serve() const {
    return ExporterProcess(kProgram, Path("config.yaml"), directory_.path());
  }
  // Expects that the page agrees with restic on the last backup, before which the repository had
  // `stored` bytes.
  void ExpectAgreement(const Page& page, double stored) const {
    const json last = Snapshots().back();
    EXPECT_GE(LastSuccess(page), Seconds(last["time"]));
    EXPECT_LE(LastSuccess(page), ToSeconds(SystemClock().Now()));
    const auto figure = [&page](const std::string& name) {
      return page.Number("backup_last_success_" + name + "{backup=\"home\"}");
    };
    EXPECT_EQ(figure("processed_bytes"),
              Ask({"stats", last["id"].get<std::string>()})["total_size"].get<double>());
    if (!Since(17)) {
      EXPECT_EQ(figure("added_bytes"), Stored() - stored);
      EXPECT_EQ(figure("added_stored_bytes"), -1);
      return;
    }
    const json& summary = last["summary"];
    EXPECT_EQ(figure("added_bytes"), summary["data_added"].get<double>());
    EXPECT_EQ(figure("added_stored_bytes"), summary["data_added_packed"].get<double>());
    if (Since(18)) {
      EXPECT_EQ(LastSuccess(page), Seconds(summary["backup_end"]));
    }
  }
  void ExpectFailure(const std::string& reason) const {
    const Page page = Once();
    EXPECT_EQ(page.Result("home", "backup"), "failure");
    EXPECT_EQ(Reason(page), reason);
    EXPECT_EQ(LastSuccess(page), 0);
    EXPECT_EQ(page.Number(Series("backup_consecutive_failures")), 1);
  }
};

// A backup of a pipe that the test writes to. restic runs until the pipe is closed.
class PipedBackup {
 public:
  PipedBackup(const std::string& program, ProcessOptions options) {
    EXPECT_EQ(pipe2(ends_.data(), O_CLOEXEC), 0);
    EXPECT_EQ(fcntl(ends_[1], F_SETFL, O_NONBLOCK), 0);
    options.input = ends_[0];
    // Signals are ignored if a shell started the test in the background.
    process_ = std::make_unique<Process>(
        std::vector<std::string>{"env", "--default-signal", program, "backup", "--json", "--stdin"},
        options);
  }
  ~PipedBackup() {
    Close();
    close(ends_[0]);
  }
  PipedBackup(const PipedBackup&) = delete;
  PipedBackup& operator=(const PipedBackup&) = delete;

  // Writes this many pseudo-random bytes, which restic can neither compress nor deduplicate.
  void Feed(std::size_t bytes) {
    std::string block;
    while (bytes > 0) {
      if (block.empty()) {
        block.resize(64 * 1024);
        for (char& byte : block) {
          state_ = state_ * 6364136223846793005U + 1442695040888963407U;
          byte = static_cast<char>(state_ >> 56U);
        }
        block.resize(std::min(block.size(), bytes));
      }
      pollfd waiting{ends_[1], POLLOUT, 0};
      ASSERT_EQ(poll(&waiting, 1, 30'000), 1) << "restic does not read";
      const ssize_t written = write(ends_[1], block.data(), block.size());
      if (written < 0) continue;
      block.erase(0, static_cast<std::size_t>(written));
      bytes -= static_cast<std::size_t>(written);
    }
  }
  void Close() {
    if (ends_[1] >= 0) close(ends_[1]);
    ends_[1] = -1;
  }
  [[nodiscard]] Process& process() { return *process_; }

 private:
  std::array<int, 2> ends_{-1, -1};
  std::uint64_t state_ = 1;
  std::unique_ptr<Process> process_;
};

TEST_F(ResticTools, ASuccessHasTheTimesAndFiguresThatResticReports) {
  ASSERT_EQ(Run({"backup", "--json", Path("data")}), 0);
  const Page first = Once();
  EXPECT_EQ(first.Result("home", "backup"), "success");
  EXPECT_EQ(Evidence(first), "report");
  ExpectAgreement(first, 0);
  EXPECT_EQ(first.Number("backup_last_success_files{backup=\"home\",state=\"new\"}"), 2);
  EXPECT_EQ(first.Number("backup_info{backup=\"home\",tool=\"restic\",repository=\"\","
                         "source=\"restic\"}"),
            1);

  const double stored = Stored();
  directory_.Write("data/three.bin", std::string(10'000, 'c'));
  ASSERT_EQ(Run({"backup", "--json", Path("data")}), 0);
  const Page second = Once();
  ExpectAgreement(second, stored);
  EXPECT_EQ(Runs(second), 2);
  EXPECT_EQ(second.Number("backup_last_success_files{backup=\"home\",state=\"unmodified\"}"), 2);
}

TEST_F(ResticTools, TheStoredBytesThatResticReportsAreTheGrowthOfTheRepository) {
  if (!Since(17)) GTEST_SKIP() << "restic reports no stored size before 0.17";
  // restic does not count the fixed part of a pack's end: the 32 bytes that encrypting its header
  // adds, and the length of the header.
  constexpr double kEndOfPack = 32 + 4;
  const auto size = [this] {
    double bytes = 0;
    for (const auto& file : fs::recursive_directory_iterator(Path("repository/data"))) {
      if (file.is_regular_file()) bytes += static_cast<double>(file.file_size()) - kEndOfPack;
    }
    return bytes;
  };
  ASSERT_EQ(Run({"backup", "--json", Path("data")}), 0);
  const double first = size();
  EXPECT_EQ(Once().Number("backup_last_success_added_stored_bytes{backup=\"home\"}"), first);
  directory_.Write("data/three.bin", std::string(10'000, 'c'));
  ASSERT_EQ(Run({"backup", "--json", Path("data")}), 0);
  const Page page = Once();
  EXPECT_EQ(page.Number("backup_last_success_added_stored_bytes{backup=\"home\"}"), size() - first);
  EXPECT_EQ(page.Number("backup_added_stored_bytes_total{backup=\"home\"}"), size());
}

TEST_F(ResticTools, AFileThatCannotBeReadIsAWarning) {
  BecomeNobody();
  ASSERT_EQ(Run({"backup", "--json", Path("data")}), 3);
  const Page page = Once();
  EXPECT_EQ(page.Result("home", "backup"), "warning");
  ExpectAgreement(page, 0);
  EXPECT_EQ(page.Number(Series("backup_last_clean_success_timestamp_seconds")), 0);
  EXPECT_EQ(page.Number(Series("backup_last_run_exit_code")), 3);
  EXPECT_EQ(page.Number(Series("backup_last_run_errors")), 1);
  EXPECT_EQ(page.Number(Series("backup_consecutive_warnings")), 1);
}

TEST_F(ResticTools, AWrongPasswordIsAFailure) {
  password_ = "wrong";
  ASSERT_EQ(Run({"backup", "--json", Path("data")}), Since(17) ? 12 : 1);
  ExpectFailure("auth");
}

TEST_F(ResticTools, AMissingRepositoryIsAFailure) {
  repository_ = Path("nowhere");
  ASSERT_EQ(Run({"backup", "--json", Path("data")}), Since(17) ? 10 : 1);
  ExpectFailure("repository_missing");
}

TEST_F(ResticTools, ALockedRepositoryIsAFailure) {
  const auto lock = Lock();
  ASSERT_EQ(Run({"backup", "--json", Path("data")}), Since(17) ? 11 : 1);
  ExpectFailure("locked");
}

// Before 0.19 restic exits with 0 then.
TEST_F(ResticTools, OneMissingSourceOfTwoIsAFailureWhateverTheExitCode) {
  ASSERT_EQ(Run({"backup", "--json", Path("data"), Path("nothing")}), Since(19) ? 3 : 0);
  ExpectFailure("source_missing");
}

TEST_F(ResticTools, AFailureKeepsTheLastSuccess) {
  ASSERT_EQ(Run({"backup", "--json", Path("data")}), 0);
  const ExporterProcess exporter = Serve();
  ASSERT_TRUE(Eventually([&] { return exporter.Scrape().Result("home", "backup") == "success"; }));
  const double success = LastSuccess(exporter.Scrape());
  password_ = "wrong";
  ASSERT_NE(Run({"backup", "--json", Path("data")}), 0);
  password_ = "right";
  ASSERT_TRUE(Eventually([&] { return exporter.Scrape().Result("home", "backup") == "failure"; }));
  EXPECT_EQ(LastSuccess(exporter.Scrape()), success);
  ExpectAgreement(exporter.Scrape(), 0);
}

TEST_F(ResticTools, ADamagedRepositoryFailsTheCheckAndNotTheBackup) {
  ASSERT_EQ(Run({"backup", "--json", Path("data")}), 0);
  const ExporterProcess exporter = Serve();
  ASSERT_EQ(Run({"check", "--json", "--read-data"}), 0);
  ASSERT_TRUE(Eventually([&] { return exporter.Scrape().Result("home", "check") == "success"; }));
  const double success = LastSuccess(exporter.Scrape(), "check");
  EXPECT_GT(success, 0);
  Damage();
  ASSERT_EQ(Run({"check", "--json", "--read-data"}), 1);
  EXPECT_TRUE(Eventually([&] { return exporter.Scrape().Result("home", "check") == "failure"; }));
  const Page page = exporter.Scrape();
  EXPECT_EQ(LastSuccess(page, "check"), success);
  EXPECT_EQ(Runs(page, "check"), 2);
  EXPECT_EQ(page.Result("home", "backup"), "success");
  EXPECT_EQ(Runs(page), 1);
}

TEST_F(ResticTools, AKilledRunIsRunningUntilItIsInterrupted) {
  const ExporterProcess exporter = Serve();
  const double begin = ToSeconds(SystemClock().Now());
  PipedBackup backup(Program("restic"), Logged("logs/home.jsonl"));
  const std::string active = Series("backup_running_activity_timestamp_seconds");
  const std::string processed = Series("backup_running_processed_bytes");
  ASSERT_TRUE(Eventually([&] {
    const Page page = exporter.Scrape();
    return page.Number(Series("backup_running")) == 1 && page.Number(active) >= begin;
  }));
  // restic counts whole blobs of at most 8 MiB.
  backup.Feed(std::size_t{9} << 20U);
  ASSERT_TRUE(Eventually([&] { return exporter.Scrape().Number(processed) > 0; }));
  const Page early = exporter.Scrape();
  backup.Feed(std::size_t{9} << 20U);
  ASSERT_TRUE(
      Eventually([&] { return exporter.Scrape().Number(processed) > early.Number(processed); }));
  const Page late = exporter.Scrape();
  EXPECT_GT(late.Number(active), early.Number(active));
  EXPECT_LE(late.Number(processed), 18 << 20);
  EXPECT_EQ(late.Number(Series("backup_running")), 1);
  EXPECT_EQ(late.Result("home", "backup"), "");

  backup.process().Signal(SIGKILL);
  EXPECT_EQ(backup.process().Wait(), 128 + SIGKILL);
  ASSERT_TRUE(
      Eventually([&] { return exporter.Scrape().Result("home", "backup") == "interrupted"; }));
  const Page page = exporter.Scrape();
  EXPECT_EQ(page.Number(Series("backup_running")), 0);
  EXPECT_EQ(page.Number(active), 0);
  EXPECT_EQ(page.Find(processed), std::nullopt);
  EXPECT_EQ(Reason(page), "interrupted");
  EXPECT_EQ(LastSuccess(page), 0);
  EXPECT_EQ(Runs(page), 1);
  EXPECT_EQ(Snapshots().size(), 0U);

  ASSERT_EQ(Run({"backup", "--json", Path("data")}), 0);
  ASSERT_TRUE(Eventually([&] { return exporter.Scrape().Result("home", "backup") == "success"; }));
  EXPECT_EQ(Runs(exporter.Scrape()), 2);
}

TEST_F(ResticTools, ARunThatReceivesSigintIsInterrupted) {
  const ExporterProcess exporter = Serve();
  PipedBackup backup(Program("restic"), Logged("logs/home.jsonl"));
  ASSERT_TRUE(Eventually([&] { return exporter.Scrape().Number(Series("backup_running")) == 1; }));
  backup.process().Signal(SIGINT);
  // Since 0.17 restic waits for its input to end.
  EXPECT_TRUE(Eventually(
      [&] { return ReadText(Path("logs/home.jsonl")).find("cleaning up") != std::string::npos; }));
  backup.Close();
  EXPECT_EQ(backup.process().Wait(), 128 + SIGINT);
  ASSERT_TRUE(
      Eventually([&] { return exporter.Scrape().Result("home", "backup") == "interrupted"; }));
  // The last output of restic may look like a run in progress until its process is found to be
  // gone.
  EXPECT_TRUE(Eventually([&] { return exporter.Scrape().Number(Series("backup_running")) == 0; }));
  const Page page = exporter.Scrape();
  EXPECT_EQ(Reason(page), "interrupted");
  EXPECT_EQ(Runs(page), 1);
  EXPECT_EQ(Snapshots().size(), 0U);
}

TEST_F(ResticTools, ABackupOfAPipeIsASuccessOnceThePipeIsClosed) {
  const ExporterProcess exporter = Serve();
  PipedBackup backup(Program("restic"), Logged("logs/home.jsonl"));
  ASSERT_TRUE(Eventually([&] { return exporter.Scrape().Number(Series("backup_running")) == 1; }));
  backup.Feed(100'000);
  backup.Close();
  EXPECT_EQ(backup.process().Wait(), 0);
  ASSERT_TRUE(Eventually([&] { return exporter.Scrape().Result("home", "backup") == "success"; }));
  const Page page = exporter.Scrape();
  EXPECT_EQ(page.Number(Series("backup_running")), 0);
  EXPECT_EQ(page.Number("backup_last_success_processed_bytes{backup=\"home\"}"), 100'000);
  EXPECT_EQ(Runs(page), 1);
}

TEST_F(ResticTools, ACompleteListingReportsTheSnapshotsInTheRepository) {
  Configure(
      "sources:\n  - format: restic\n    path: lists/snapshots.json\n    backup: home\n"
      "    complete: true\n");
  ASSERT_EQ(RunSilently({"backup", Path("data")}), 0);
  directory_.Write("data/two.txt", "good bye");
  ASSERT_EQ(RunSilently({"backup", Path("data")}), 0);
  const json two = Snapshots();
  ASSERT_EQ(two.size(), 2U);
  List({"snapshots"}, "lists/snapshots.json");
  const ExporterProcess exporter = Serve();
  const auto number = [](const Page& page, const std::string& metric) {
    return page.Number("backup_" + metric + "{backup=\"home\"}");
  };
  const Page page = exporter.Scrape();
  EXPECT_EQ(number(page, "snapshots"), 2);
  EXPECT_EQ(number(page, "oldest_snapshot_timestamp_seconds"), Seconds(two[0]["time"]));
  EXPECT_EQ(number(page, "newest_snapshot_timestamp_seconds"), Seconds(two[1]["time"]));
  EXPECT_EQ(Evidence(page), "archive");
  EXPECT_EQ(LastSuccess(page), Seconds(Since(17) ? two[1]["summary"]["backup_end"]  //
                                                 : two[1]["time"]));
  EXPECT_EQ(Runs(page), 2);
  EXPECT_EQ(number(page, "last_success_added_bytes"),
            Since(17) ? two[1]["summary"]["data_added"].get<double>() : -1);

  // A forgotten snapshot is not counted, but its run is.
  ASSERT_EQ(RunSilently({"forget", two[0]["id"].get<std::string>()}), 0);
  List({"snapshots"}, "lists/snapshots.json");
  ASSERT_TRUE(Eventually([&] { return number(exporter.Scrape(), "snapshots") == 1; }));
  const Page later = exporter.Scrape();
  EXPECT_EQ(number(later, "oldest_snapshot_timestamp_seconds"), Seconds(two[1]["time"]));
  EXPECT_EQ(Runs(later), 2);
}

TEST_F(ResticTools, StatisticsReportTheSizeOfTheRepository) {
  Configure(
      "sources:\n  - format: restic\n    path: lists/stats.json\n    backup: home\n"
      "    repository: nas\n    complete: true\n");
  ASSERT_EQ(RunSilently({"backup", Path("data")}), 0);
  List({"stats", "--mode", "raw-data"}, "lists/stats.json");
  const Page page = Once();
  EXPECT_EQ(page.Number("backup_repository_size_bytes{repository=\"nas\"}"),
            Ask({"stats", "--mode", "raw-data"})["total_size"].get<double>());
  EXPECT_GT(page.Number("backup_repository_size_bytes{repository=\"nas\"}"), 0);
  EXPECT_EQ(page.Result("home", "backup"), "");
}

TEST_F(ResticTools, RunsInAListingAndInTheLogAreCountedOnce) {
  Configure(
      "sources:\n  - format: restic\n    path: logs/*.jsonl\n    backup: home\n"
      "  - format: restic\n    path: lists/*.json\n    backup: home\n    complete: true\n");
  ASSERT_EQ(Run({"backup", "--json", Path("data")}), 0);
  const double stored = Stored();
  directory_.Write("data/two.txt", "good bye");
  ASSERT_EQ(Run({"backup", "--json", Path("data")}), 0);
  List({"snapshots"}, "lists/snapshots.json");
  const Page page = Once();
  EXPECT_EQ(Runs(page), 2);
  EXPECT_EQ(page.Number("backup_snapshots{backup=\"home\"}"), 2);
  EXPECT_EQ(Evidence(page), "archive");
  ExpectAgreement(page, stored);
}

TEST_F(ResticTools, ForgetIsASeparateOperation) {
  const ExporterProcess exporter = Serve();
  double backup = 0;
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(Run({"backup", "--json", Path("data")}), 0);
    // A run is counted immediately; its success is shown once the result has settled.
    ASSERT_TRUE(Eventually([&] { return LastSuccess(exporter.Scrape()) > backup; }));
    backup = LastSuccess(exporter.Scrape());
    ASSERT_EQ(Runs(exporter.Scrape()), i + 1);
  }
  ASSERT_EQ(Run({"forget", "--json", "--keep-last", "1"}), 0);
  ASSERT_TRUE(Eventually([&] { return exporter.Scrape().Result("home", "forget") == "success"; }));
  EXPECT_GE(LastSuccess(exporter.Scrape(), "forget"), backup);
  ASSERT_EQ(Run({"forget", "--json", "--keep-last", "1", "--prune"}), 0);
  ASSERT_TRUE(Eventually([&] { return Runs(exporter.Scrape(), "forget") == 2; }));
  const Page page = exporter.Scrape();
  EXPECT_EQ(page.Result("home", "forget"), "success");
  EXPECT_EQ(page.Result("home", "backup"), "success");
  EXPECT_EQ(LastSuccess(page), backup);
  EXPECT_EQ(Runs(page), 2);
  EXPECT_EQ(Snapshots().size(), 1U);
}

// restic's prune writes plain text only.
TEST_F(ResticTools, AFailedPruneIsRecognizedByTheExitCodeThatAScriptAppends) {
  Configure("sources:\n  - format: restic\n    path: logs/home.jsonl\n    operation: prune\n");
  constexpr const char* kScript =
      "\"$@\"\n"
      "code=$?\n"
      "printf '{\"message_type\":\"wrapper_exit\",\"code\":%d,\"time\":%d}\\n' \"$code\" "
      "\"$(date +%s)\"\n"
      "exit \"$code\"\n";
  const auto lock = Lock();
  const double begin = ToSeconds(SystemClock().Now());
  ASSERT_EQ(RunProcess({"sh", "-c", kScript, "sh", Program("restic"), "prune", "--json"},
                       Logged("logs/home.jsonl")),
            Since(17) ? 11 : 1);
  const Page page = Once();
  EXPECT_EQ(page.Result("home", "prune"), "failure");
  EXPECT_EQ(Reason(page, "prune"), "locked");
  EXPECT_GE(page.Number(Series("backup_last_failure_timestamp_seconds", "prune")),
            begin - 1);  // `date` truncates to seconds
  EXPECT_EQ(Runs(page, "prune"), 1);
}

}  // namespace
}  // namespace backup_exporter
