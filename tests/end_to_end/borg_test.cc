// Runs the real borg on small repositories and compares the metrics page with what borg itself
// reports afterwards.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "base/time.h"
#include "kit/borg_fixture.h"
#include "kit/exporter_process.h"
#include "kit/paths.h"
#include "kit/process.h"

namespace backup_exporter {
namespace {

using nlohmann::json;

class BorgTools : public BorgFixture {
 protected:
  void SetUp() override {
    BorgFixture::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    directory_.Write("config.yaml", "sources:\n  - format: borg\n    path: nas.json\n");
  }

  [[nodiscard]] std::string Repository() const { return Path("repository"); }
  [[nodiscard]] std::string Log() const { return Path("nas.json"); }
  [[nodiscard]] Page Once() const { return OncePage(kProgram, Path("config.yaml")); }
  [[nodiscard]] ExporterProcess Serve() const {
    return ExporterProcess(kProgram, Path("config.yaml"), directory_.path());
  }

  // Adds the options with which borg logs everything that it can about a command.
  [[nodiscard]] static std::vector<std::string> Verbose(std::vector<std::string> arguments) {
    const std::vector<std::string> flags{"--log-json", "--show-rc", "--info"};
    arguments.insert(arguments.begin(), flags.begin(), flags.end());
    return arguments;
  }
  // Runs borg with these options and both streams in one file; returns its exit code.
  int RunVerbosely(std::vector<std::string> arguments) const {
    return Borg(Verbose(std::move(arguments)), {.output = Log(), .errors = "&1"});
  }
  int Create(const std::string& archive) const {
    return RunVerbosely({"create", "--json", Repository() + "::" + archive, Path("data")});
  }
};

enum class Capture { kStandardOutput, kBoth };

class BorgCreateTools : public BorgTools, public testing::WithParamInterface<Capture> {
 protected:
  [[nodiscard]] static bool Both() { return GetParam() == Capture::kBoth; }
  int Create(const std::string& archive, std::vector<std::string> sources) const {
    return RunProcess(Command(CreateArguments(archive, std::move(sources))), Streams());
  }
  [[nodiscard]] std::vector<std::string> CreateArguments(const std::string& archive,
                                                         std::vector<std::string> sources) const {
    sources.insert(sources.begin(), {"create", "--json", Repository() + "::" + archive});
    return Both() ? Verbose(std::move(sources)) : sources;
  }
  [[nodiscard]] ProcessOptions Streams() const {
    return Options({.output = Log(), .errors = Both() ? "&1" : ""});
  }
  // The last document that borg printed for an archive, without the text around it.
  [[nodiscard]] json Document() const {
    const std::string text = ReadText(Log());
    const std::size_t begin = text.rfind("{\n    \"archive\"");
    const std::size_t end = text.find("\n}\n", begin);
    if (begin == std::string::npos || end == std::string::npos) return {};
    return json::parse(text.substr(begin, end + 2 - begin), nullptr, /*allow_exceptions=*/false);
  }
  // borg reports a failure on standard error only, so standard output alone shows no run.
  void ExpectFailure(const std::string& reason) const {
    const Page page = Once();
    EXPECT_LE(LastSuccess(page, "nas"), 0);
    if (!Both()) {
      EXPECT_EQ(page.Result("nas", "backup"), "");
      return;
    }
    EXPECT_EQ(page.Result("nas", "backup"), "failure") << page.text();
    EXPECT_EQ(FailureReason(page, "nas"), reason);
    EXPECT_EQ(OperationNumber(page, "backup_consecutive_failures", "nas", "backup"), 1);
    EXPECT_EQ(OperationNumber(page, "backup_last_run_exit_code", "nas", "backup"), 2);
  }
};

INSTANTIATE_TEST_SUITE_P(Captures, BorgCreateTools,
                         testing::Values(Capture::kStandardOutput, Capture::kBoth),
                         [](const auto& instance) {
                           return instance.param == Capture::kBoth ? "BothStreams"
                                                                   : "StandardOutput";
                         });

TEST_P(BorgCreateTools, ASuccessHasTheTimesAndFiguresThatBorgReports) {
  zone_ = "America/New_York";
  directory_.Write("config.yaml",
                   "sources:\n  - format: borg\n    path: nas.json\n"
                   "    timezone: America/New_York\n");
  Initialise(Repository());
  const double before = ToSeconds(SystemClock().Now());
  ASSERT_EQ(Create("one", {Path("data")}), 0);
  const double after = ToSeconds(SystemClock().Now());
  zone_ = "UTC";
  const json archive = NewestArchive(Repository());
  const json created = Document();
  ASSERT_EQ(created["archive"]["id"], archive["id"]) << created;

  // The exporter runs in a different time zone from borg.
  const Page page(OutputOf({kProgram, "once", "--config.file=" + Path("config.yaml")},
                           {.environment = {"TZ=Asia/Tokyo"}}));
  EXPECT_EQ(page.Result("nas", "backup"), "success") << page.text();
  EXPECT_EQ(LastSuccess(page, "nas"), Seconds(archive["end"]));
  EXPECT_GE(LastSuccess(page, "nas"), before - 1);  // borg truncates it to whole seconds
  EXPECT_LE(LastSuccess(page, "nas"), after);
  EXPECT_EQ(LastSuccess(page, "nas"),
            OperationNumber(page, "backup_last_clean_success_timestamp_seconds", "nas", "backup"));
  EXPECT_EQ(SuccessEvidence(page, "nas"), "report");
  EXPECT_EQ(BackupNumber(page, "backup_last_success_added_bytes", "nas"),
            created["archive"]["stats"]["deduplicated_size"].get<double>());
  // `borg info` later reports a smaller size, since it omits the metadata of the files.
  EXPECT_EQ(BackupNumber(page, "backup_last_success_processed_bytes", "nas"),
            created["archive"]["stats"]["original_size"].get<double>());
  EXPECT_EQ(BackupNumber(page, "backup_last_success_processed_files", "nas"),
            archive["stats"]["nfiles"].get<double>());
  EXPECT_EQ(BackupNumber(page, "backup_added_bytes_total", "nas"),
            created["archive"]["stats"]["deduplicated_size"].get<double>());
  EXPECT_EQ(OperationNumber(page, "backup_runs_total", "nas", "backup"), 1);
  EXPECT_EQ(page.Number("backup_info{backup=\"nas\",tool=\"borg\",repository=\"" + Repository() +
                        "\",source=\"borg\"}"),
            1)
      << page.text();
}

TEST_P(BorgCreateTools, TwoRunsInOneFileAreTwoRuns) {
  Initialise(Repository());
  ASSERT_EQ(Create("one", {Path("data")}), 0);
  const double added = Document()["archive"]["stats"]["deduplicated_size"].get<double>();
  directory_.Write("data/three.bin", std::string(10'000, 'c'));
  ASSERT_EQ(Create("two", {Path("data")}), 0);
  const double added_then = Document()["archive"]["stats"]["deduplicated_size"].get<double>();
  const Page page = Once();
  EXPECT_EQ(OperationNumber(page, "backup_runs_total", "nas", "backup"), 2) << page.text();
  EXPECT_EQ(BackupNumber(page, "backup_last_success_added_bytes", "nas"), added_then);
  EXPECT_EQ(BackupNumber(page, "backup_added_bytes_total", "nas"), added + added_then);
}

TEST_P(BorgCreateTools, AFileThatCannotBeReadIsAWarning) {
  Initialise(Repository());
  ASSERT_EQ(chmod(Path("data/two.txt").c_str(), 0), 0);
  ASSERT_EQ(RunProcess(Unprivileged(Command(CreateArguments("one", {Path("data")}))), Streams()),
            1);
  const json archive = NewestArchive(Repository());
  const Page page = Once();
  EXPECT_EQ(LastSuccess(page, "nas"), Seconds(archive["end"]));
  EXPECT_EQ(BackupNumber(page, "backup_last_success_processed_files", "nas"), 1);
  if (!Both()) return;  // borg reports it on standard error only
  EXPECT_EQ(page.Result("nas", "backup"), "warning") << page.text();
  EXPECT_EQ(OperationNumber(page, "backup_last_clean_success_timestamp_seconds", "nas", "backup"),
            0);
  EXPECT_EQ(OperationNumber(page, "backup_last_run_exit_code", "nas", "backup"), 1);
  EXPECT_EQ(OperationNumber(page, "backup_last_run_errors", "nas", "backup"), 1);
}

TEST_P(BorgCreateTools, AWrongPassphraseIsAFailure) {
  Initialise(Repository(), "repokey");
  passphrase_ = "wrong";
  ASSERT_EQ(Create("one", {Path("data")}), 2);
  ExpectFailure("auth");
}

TEST_P(BorgCreateTools, AMissingRepositoryIsAFailure) {
  ASSERT_EQ(Create("one", {Path("data")}), 2);
  ExpectFailure("repository_missing");
}

TEST_P(BorgCreateTools, ALockedRepositoryIsAFailure) {
  Initialise(Repository());
  HeldPipe pipe(Path("pipe"));
  Process holder(Command({"with-lock", Repository(), "cat"}),
                 Options({.input = pipe.reading_end()}));
  ASSERT_TRUE(pipe.WaitForReader());
  ASSERT_EQ(Create("one", {Path("data")}), 2);
  ExpectFailure("locked");
  pipe.Close();
  EXPECT_EQ(holder.Wait(), 0);
}

TEST_P(BorgCreateTools, OneMissingSourceOfTwoIsAFailureAlthoughBorgCreatesAnArchive) {
  Initialise(Repository());
  ASSERT_EQ(Create("one", {Path("data")}), 0);
  const json good = NewestArchive(Repository());
  ASSERT_EQ(Create("two", {Path("data"), Path("nothing")}), 1);
  ASSERT_EQ(NewestArchive(Repository())["name"], "two");
  if (!Both()) return;  // borg reports it on standard error only
  const Page page = Once();
  EXPECT_EQ(page.Result("nas", "backup"), "failure") << page.text();
  EXPECT_EQ(FailureReason(page, "nas"), "source_missing");
  EXPECT_EQ(LastSuccess(page, "nas"), Seconds(good["end"]));
}

TEST_F(BorgTools, AFailureAfterASuccessKeepsTheLastSuccess) {
  Initialise(Repository(), "repokey");
  ASSERT_EQ(Create("one"), 0);
  const ExporterProcess exporter = Serve();
  ASSERT_TRUE(Eventually([&] { return exporter.Scrape().Result("nas", "backup") == "success"; }));
  passphrase_ = "wrong";
  ASSERT_EQ(Create("two"), 2);
  passphrase_ = "right";
  ASSERT_TRUE(Eventually([&] {
    return OperationNumber(exporter.Scrape(), "backup_runs_total", "nas", "backup") == 2;
  })) << exporter.Scrape().text();
  const Page page = exporter.Scrape();
  EXPECT_EQ(page.Result("nas", "backup"), "failure");
  EXPECT_EQ(FailureReason(page, "nas"), "auth");
  EXPECT_EQ(LastSuccess(page, "nas"), Seconds(NewestArchive(Repository())["end"]));
}

TEST_F(BorgTools, AKilledRunIsRunningUntilItIsInterrupted) {
  Initialise(Repository());
  const ExporterProcess exporter = Serve();
  ASSERT_EQ(Create("one"), 0);
  ASSERT_TRUE(Eventually([&] { return exporter.Scrape().Result("nas", "backup") == "success"; }));
  const double success = LastSuccess(exporter.Scrape(), "nas");
  {
    HeldPipe pipe(Path("pipe"));
    Process backup(Command(Verbose({"create", "--progress", "--json", Repository() + "::two",
                                    Path("data"), "-"})),
                   Options({.output = Log(), .errors = "&1", .input = pipe.reading_end()}));
    ASSERT_TRUE(pipe.WaitForReader());
    ASSERT_TRUE(Eventually([&] {
      return OperationNumber(exporter.Scrape(), "backup_running", "nas", "backup") == 1;
    })) << ReadText(Log());
    const Page page = exporter.Scrape();
    EXPECT_GE(OperationNumber(page, "backup_running_activity_timestamp_seconds", "nas", "backup"),
              success);
    EXPECT_GE(OperationNumber(page, "backup_running_start_timestamp_seconds", "nas", "backup"),
              success);
    EXPECT_EQ(page.Result("nas", "backup"), "success");
    backup.Signal(SIGKILL);
    EXPECT_EQ(backup.Wait(), 128 + SIGKILL);
  }
  ASSERT_TRUE(Eventually([&] {
    return exporter.Scrape().Result("nas", "backup") == "interrupted";
  })) << exporter.Scrape().text();
  const Page page = exporter.Scrape();
  EXPECT_EQ(OperationNumber(page, "backup_running", "nas", "backup"), 0);
  EXPECT_EQ(OperationNumber(page, "backup_runs_total", "nas", "backup"), 2);
  EXPECT_EQ(FailureReason(page, "nas"), "interrupted");
  EXPECT_EQ(LastSuccess(page, "nas"), success);

  // The next run removes the stale lock.
  ASSERT_EQ(Create("three"), 0);
  ASSERT_TRUE(Eventually([&] { return exporter.Scrape().Result("nas", "backup") == "success"; }))
      << exporter.Scrape().text() << ReadText(Log());
  EXPECT_EQ(OperationNumber(exporter.Scrape(), "backup_runs_total", "nas", "backup"), 3);
  EXPECT_EQ(LastSuccess(exporter.Scrape(), "nas"), Seconds(NewestArchive(Repository())["end"]));
}

TEST_F(BorgTools, CheckAndPruneAreSeparateOperations) {
  Initialise(Repository());
  ASSERT_EQ(Create("one"), 0);
  ASSERT_EQ(Create("two"), 0);
  ASSERT_EQ(RunVerbosely({"check", Repository()}), 0);
  ASSERT_EQ(RunVerbosely({"prune", "--list", "--keep-last", "1", Repository()}), 0);
  const Page page = Once();
  EXPECT_EQ(OperationNumber(page, "backup_runs_total", "nas", "backup"), 2) << page.text();
  for (const char* operation : {"check", "prune"}) {
    EXPECT_EQ(page.Result("nas", operation), "success") << operation;
    EXPECT_EQ(OperationNumber(page, "backup_runs_total", "nas", operation), 1) << operation;
    EXPECT_GT(LastSuccess(page, "nas", operation), 0) << operation;
  }
  EXPECT_EQ(SuccessEvidence(page, "nas", "check"), "report");
  EXPECT_EQ(Ask({"list", Repository()})["archives"].size(), 1U);
}

TEST_F(BorgTools, ADamagedRepositoryFailsTheCheckAndNotTheBackup) {
  Initialise(Repository());
  ASSERT_EQ(Create("one"), 0);
  Damage(Repository());
  ASSERT_EQ(RunVerbosely({"check", Repository()}), 1);
  const Page page = Once();
  EXPECT_EQ(page.Result("nas", "check"), "failure") << page.text();
  EXPECT_EQ(OperationNumber(page, "backup_runs_total", "nas", "check"), 1);
  EXPECT_LE(LastSuccess(page, "nas", "check"), 0);
  EXPECT_EQ(page.Result("nas", "backup"), "success");
}

// The format is detected: the configuration does not name the tool.
TEST_F(BorgTools, ThePlainTextLogOfBorgReportsTheRun) {
  Initialise(Repository());
  directory_.Write("config.yaml",
                   "sources:\n  - format: auto\n    path: nas.log\n    timezone: UTC\n");
  ASSERT_EQ(Borg({"create", "--info", "--stats", "--show-rc", Repository() + "::one", Path("data")},
                 {.output = Path("nas.log"), .errors = "&1"}),
            0);
  const json archive = NewestArchive(Repository());
  const Page page = Once();
  EXPECT_EQ(page.Result("nas", "backup"), "success") << page.text();
  // borg truncates its times to whole seconds; the modification time of the file is a more precise
  // end of so short a run.
  EXPECT_GE(LastSuccess(page, "nas"), Seconds(archive["end"]));
  EXPECT_LE(LastSuccess(page, "nas"), ToSeconds(SystemClock().Now()));
  EXPECT_EQ(SuccessEvidence(page, "nas"), "report");
  EXPECT_EQ(BackupNumber(page, "backup_last_success_processed_files", "nas"),
            archive["stats"]["nfiles"].get<double>());
  EXPECT_EQ(OperationNumber(page, "backup_runs_total", "nas", "backup"), 1);
  EXPECT_EQ(page.Number("backup_info{backup=\"nas\",tool=\"borg\",repository=\"" + Repository() +
                        "\",source=\"auto\"}"),
            1)
      << page.text();
}

TEST_F(BorgTools, ListingsProveBackupsWithoutALogAndReportSnapshotsAndSizes) {
  Initialise(Repository());
  for (const char* archive : {"nas-1", "nas-2", "nas-3"}) {
    ASSERT_EQ(Borg({"create", Repository() + "::" + archive, Path("data")}), 0);
  }
  const ProcessOptions list{.output = Path("list.json")};
  ASSERT_EQ(Borg({"list", "--json", Repository()}, list), 0);
  const ProcessOptions info{.output = Path("info.json")};
  ASSERT_EQ(Borg({"info", "--json", Repository()}, info), 0);
  directory_.Write(
      "config.yaml",
      "sources:\n"
      "  - {format: borg, path: list.json, backup: nas, complete: true, timezone: UTC}\n"
      "  - {format: borg, path: info.json, backup: nas, timezone: UTC}\n");
  const json archives = Ask({"info", "--last", "3", Repository()})["archives"];
  ASSERT_EQ(archives.size(), 3U);
  const Page page = Once();
  EXPECT_EQ(BackupNumber(page, "backup_snapshots", "nas"), 3) << page.text();
  EXPECT_EQ(BackupNumber(page, "backup_oldest_snapshot_timestamp_seconds", "nas"),
            Seconds(archives[0]["start"]));
  EXPECT_EQ(BackupNumber(page, "backup_newest_snapshot_timestamp_seconds", "nas"),
            Seconds(archives[2]["start"]));
  EXPECT_EQ(page.Result("nas", "backup"), "success");
  // A list has only the start times of archives.
  EXPECT_EQ(LastSuccess(page, "nas"), Seconds(archives[2]["start"]));
  EXPECT_EQ(SuccessEvidence(page, "nas"), "archive");
  const json stats = Ask({"info", Repository()})["cache"]["stats"];
  EXPECT_EQ(page.Number("backup_repository_size_bytes{repository=\"" + Repository() + "\"}"),
            stats["unique_csize"].get<double>());
  EXPECT_EQ(page.Number("backup_repository_original_bytes{repository=\"" + Repository() + "\"}"),
            stats["total_size"].get<double>());
}

TEST_F(BorgTools, AnArchiveShownByInfoIsTheSameRunAsInTheLog) {
  Initialise(Repository());
  ASSERT_EQ(Create("one"), 0);
  ASSERT_EQ(Create("two"), 0);
  ASSERT_EQ(Borg({"info", "--json", "--last", "1", Repository()}, {.output = Path("info.json")}),
            0);
  directory_.Write("config.yaml",
                   "sources:\n"
                   "  - {format: borg, path: nas.json, backup: nas, timezone: UTC}\n"
                   "  - {format: borg, path: info.json, backup: nas, timezone: UTC}\n");
  const Page page = Once();
  EXPECT_EQ(OperationNumber(page, "backup_runs_total", "nas", "backup"), 2) << page.text();
  EXPECT_GE(LastSuccess(page, "nas"), Seconds(NewestArchive(Repository())["end"]));
  EXPECT_LE(LastSuccess(page, "nas"), ToSeconds(SystemClock().Now()));
  EXPECT_EQ(SuccessEvidence(page, "nas"), "archive");
}

}  // namespace
}  // namespace backup_exporter
