// The commands `event`, `pause` and `resume`, beside a running exporter and while it is down.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>

#include "base/time.h"
#include "kit/exporter_process.h"
#include "kit/paths.h"
#include "kit/process.h"
#include "kit/temporary_directory.h"

namespace backup_exporter {
namespace {

namespace fs = std::filesystem;

constexpr unsigned kNobody = 65534;

class EventCommand : public testing::Test {
 protected:
  void SetUp() override {
    directory_.MakeDirectory("logs");
    directory_.MakeDirectory("ledger");
    directory_.Write("config.yaml", "sources:\n  - format: restic\n    path: logs/*.jsonl\n");
  }

  [[nodiscard]] std::string Path(const std::string& name) const { return directory_ / name; }
  [[nodiscard]] ExporterProcess Start() const {
    return ExporterProcess(kProgram, Path("config.yaml"), directory_.path());
  }
  [[nodiscard]] std::vector<std::string> Command(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(),
                     {binary_, "--storage.path=" + Path("ledger"), std::string("event")});
    return arguments;
  }
  // Runs the command `event`; returns its exit code.
  [[nodiscard]] int RunEvent(std::vector<std::string> arguments, unsigned user = 0) const {
    return RunProcess(Command(std::move(arguments)), {.errors = Path("errors"), .user = user});
  }
  // Expects this exit code, and standard error to contain all of `texts`.
  void ExpectRefusal(std::vector<std::string> command, int code,
                     const std::vector<std::string>& texts, unsigned user = 0) const {
    std::error_code none;
    fs::remove(Path("errors"), none);
    EXPECT_EQ(RunProcess(std::move(command), {.errors = Path("errors"), .user = user}), code);
    const std::string printed = ReadText(Path("errors"));
    for (const std::string& text : texts) {
      EXPECT_NE(printed.find(text), std::string::npos) << text << " is not in: " << printed;
    }
  }
  // Prepares for an exporter that runs as the user nobody, who may have no access to the checkout.
  void GiveToNobody() {
    ASSERT_EQ(geteuid(), 0U) << "this test needs root";
    fs::copy_file(kProgram, Path("backup_exporter"));
    binary_ = Path("backup_exporter");
    ASSERT_EQ(RunProcess({"chown", "-R", "nobody:nogroup", directory_.path()}), 0);
  }

  static std::string Series(const std::string& metric, const std::string& backup = "home",
                            const std::string& operation = "backup") {
    return metric + "{backup=\"" + backup + "\",operation=\"" + operation + "\"}";
  }
  static std::string EvidenceOf(const Page& page) {
    for (const char* evidence : {"claim", "exit_code", "report", "archive"}) {
      if (page.Number("backup_last_success_evidence{backup=\"home\",operation=\"backup\","
                      "evidence=\"" +
                      std::string(evidence) + "\"}") == 1) {
        return evidence;
      }
    }
    return {};
  }
  static double LastSuccess(const Page& page) {
    return page.Number(Series("backup_last_success_timestamp_seconds"));
  }
  static double Runs(const Page& page) { return page.Number(Series("backup_runs_total")); }
  static bool Shows(const ExporterProcess& exporter, const std::function<bool(const Page&)>& what) {
    return Eventually([&] { return what(exporter.Scrape()); });
  }

  TemporaryDirectory directory_;
  std::string binary_ = kProgram;
};

TEST_F(EventCommand, StartAndFinishRecordARun) {
  const ExporterProcess exporter = Start();
  const double before = ToSeconds(SystemClock().Now());
  ASSERT_EQ(RunEvent({"home", "start"}), 0);
  ASSERT_TRUE(
      Shows(exporter, [](const Page& page) { return page.Number(Series("backup_running")) == 1; }));
  const Page running = exporter.Scrape();
  EXPECT_GE(running.Number(Series("backup_running_start_timestamp_seconds")), before);
  EXPECT_EQ(running.Result("home", "backup"), "");

  ASSERT_EQ(RunEvent({"home", "finish", "--exit-code", "0"}), 0);
  ASSERT_TRUE(
      Shows(exporter, [](const Page& page) { return page.Result("home", "backup") == "success"; }));
  const Page page = exporter.Scrape();
  EXPECT_EQ(page.Number(Series("backup_running")), 0);
  EXPECT_EQ(Runs(page), 1);
  EXPECT_EQ(EvidenceOf(page), "exit_code");
  EXPECT_EQ(page.Number(Series("backup_last_run_exit_code")), 0);
  EXPECT_GE(LastSuccess(page), running.Number(Series("backup_running_start_timestamp_seconds")));
  EXPECT_LE(LastSuccess(page), ToSeconds(SystemClock().Now()));
  EXPECT_EQ(page.Number("backup_info{backup=\"home\",tool=\"other\",repository=\"\","
                        "source=\"events\"}"),
            1);
}

TEST_F(EventCommand, EventsAreReadByAnExporterThatStartsLater) {
  ASSERT_EQ(RunEvent({"home", "start"}), 0);
  ASSERT_EQ(RunEvent({"home", "finish", "--exit-code", "0"}), 0);
  ASSERT_EQ(RunEvent({"db", "start", "--operation", "check"}), 0);
  const ExporterProcess exporter = Start();
  const Page page = exporter.Scrape();
  EXPECT_EQ(page.Result("home", "backup"), "success");
  EXPECT_EQ(Runs(page), 1);
  EXPECT_EQ(page.Number(Series("backup_running", "db", "check")), 1);
}

TEST_F(EventCommand, FinishWithoutAnExitCodeIsAClaim) {
  const ExporterProcess exporter = Start();
  ASSERT_EQ(RunEvent({"home", "finish"}), 0);
  ASSERT_TRUE(
      Shows(exporter, [](const Page& page) { return page.Result("home", "backup") == "success"; }));
  const Page page = exporter.Scrape();
  EXPECT_EQ(EvidenceOf(page), "claim");
  EXPECT_GT(LastSuccess(page), 0);
  EXPECT_EQ(page.Find(Series("backup_last_run_exit_code")), std::nullopt);
}

TEST_F(EventCommand, AFailureKeepsTheLastSuccess) {
  const ExporterProcess exporter = Start();
  ASSERT_EQ(RunEvent({"home", "finish", "--exit-code", "0"}), 0);
  ASSERT_TRUE(Shows(exporter, [](const Page& page) { return LastSuccess(page) > 0; }));
  const double success = LastSuccess(exporter.Scrape());
  ASSERT_EQ(RunEvent({"home", "fail", "--message", "the disk is gone"}), 0);
  ASSERT_TRUE(
      Shows(exporter, [](const Page& page) { return page.Result("home", "backup") == "failure"; }));
  const Page page = exporter.Scrape();
  EXPECT_EQ(LastSuccess(page), success);
  EXPECT_EQ(page.Number(Series("backup_consecutive_failures")), 1);
  EXPECT_GT(page.Number(Series("backup_last_failure_timestamp_seconds")), success);
  EXPECT_EQ(Runs(page), 2);
}

TEST_F(EventCommand, FinishWithANonZeroExitCodeIsAFailure) {
  const ExporterProcess exporter = Start();
  ASSERT_EQ(RunEvent({"home", "start"}), 0);
  ASSERT_EQ(RunEvent({"home", "finish", "--exit-code", "2"}), 0);
  ASSERT_TRUE(
      Shows(exporter, [](const Page& page) { return page.Result("home", "backup") == "failure"; }));
  EXPECT_EQ(exporter.Scrape().Number(Series("backup_last_run_exit_code")), 2);
  EXPECT_EQ(LastSuccess(exporter.Scrape()), 0);
  ASSERT_EQ(RunEvent({"home", "start"}), 0);
  ASSERT_EQ(RunEvent({"home", "finish", "--exit-code", "143"}), 0);
  EXPECT_TRUE(Shows(
      exporter, [](const Page& page) { return page.Result("home", "backup") == "interrupted"; }));
}

TEST_F(EventCommand, LogShowsThatTheRunIsActiveAndDoesNotEndIt) {
  const ExporterProcess exporter = Start();
  ASSERT_EQ(RunEvent({"home", "start"}), 0);
  ASSERT_TRUE(
      Shows(exporter, [](const Page& page) { return page.Number(Series("backup_running")) == 1; }));
  const std::string active = Series("backup_running_activity_timestamp_seconds");
  const double before = exporter.Scrape().Number(active);
  ASSERT_EQ(RunEvent({"home", "log", "--message", "the dump is done \xff \"quoted\"\n{}"}), 0);
  EXPECT_TRUE(Shows(exporter, [&](const Page& page) { return page.Number(active) > before; }));
  const Page page = exporter.Scrape();
  EXPECT_EQ(page.Number(Series("backup_running")), 1);
  EXPECT_EQ(page.Result("home", "backup"), "");
  EXPECT_EQ(page.Number("backup_source_parse_errors_total{source=\"events\"}"), 0);
  // A message without a run is ignored.
  ASSERT_EQ(RunEvent({"other", "log", "--message", "hello"}), 0);
  EXPECT_TRUE(Shows(exporter, [](const Page& later) {
    return later.Number("backup_source_records_total{source=\"events\"}") == 3;
  }));
  EXPECT_EQ(exporter.Scrape().Find(Series("backup_runs_total", "other")), std::nullopt);
}

TEST_F(EventCommand, OperationsHaveSeparateRuns) {
  const ExporterProcess exporter = Start();
  ASSERT_EQ(RunEvent({"home", "start"}), 0);
  ASSERT_EQ(RunEvent({"home", "start", "--operation", "prune"}), 0);
  ASSERT_EQ(RunEvent({"home", "fail", "--operation", "prune"}), 0);
  ASSERT_TRUE(
      Shows(exporter, [](const Page& page) { return page.Result("home", "prune") == "failure"; }));
  const Page page = exporter.Scrape();
  EXPECT_EQ(page.Number(Series("backup_running")), 1);
  EXPECT_EQ(page.Number(Series("backup_running", "home", "prune")), 0);
}

TEST_F(EventCommand, AClaimDoesNotMoveTheLastSuccessWhereArchivesAreListed) {
  fs::copy_file(fs::path(kTestdataDir) / "restic/0.18-documented/backup-success.stdout.jsonl",
                Path("logs/home.jsonl"));
  const ExporterProcess exporter = Start();
  ASSERT_TRUE(
      Shows(exporter, [](const Page& page) { return page.Result("home", "backup") == "success"; }));
  const Page archived = exporter.Scrape();
  ASSERT_EQ(EvidenceOf(archived), "report");
  ASSERT_GT(LastSuccess(archived), 0);

  ASSERT_EQ(RunEvent({"home", "finish"}), 0);
  ASSERT_TRUE(Shows(exporter, [&](const Page& page) { return Runs(page) == Runs(archived) + 1; }));
  const Page claimed = exporter.Scrape();
  EXPECT_EQ(LastSuccess(claimed), LastSuccess(archived));
  EXPECT_EQ(EvidenceOf(claimed), "report");
  EXPECT_EQ(claimed.Number(Series("backup_last_run_timestamp_seconds")), LastSuccess(archived));

  // Nor does a claim hide a failure.
  ASSERT_EQ(RunEvent({"home", "fail"}), 0);
  ASSERT_TRUE(
      Shows(exporter, [](const Page& page) { return page.Result("home", "backup") == "failure"; }));
  const double runs = Runs(exporter.Scrape());
  ASSERT_EQ(RunEvent({"home", "start"}), 0);
  ASSERT_EQ(RunEvent({"home", "finish"}), 0);
  ASSERT_TRUE(Shows(exporter, [&](const Page& page) { return Runs(page) == runs + 1; }));
  EXPECT_EQ(exporter.Scrape().Result("home", "backup"), "failure");

  // An exit code is stronger evidence than a claim.
  ASSERT_EQ(RunEvent({"home", "finish", "--exit-code", "0"}), 0);
  ASSERT_TRUE(Shows(exporter, [](const Page& page) { return EvidenceOf(page) == "exit_code"; }));
  EXPECT_GT(LastSuccess(exporter.Scrape()), LastSuccess(archived));
}

TEST_F(EventCommand, AnEventIsCountedOnceHoweverOftenTheExporterStarts) {
  ASSERT_EQ(RunEvent({"home", "finish", "--exit-code", "0"}), 0);
  ASSERT_EQ(RunEvent({"home", "fail"}), 0);
  ExporterProcess first = Start();
  const Page before = first.Scrape();
  EXPECT_EQ(Runs(before), 2);
  EXPECT_EQ(first.Stop(), 0);
  ExporterProcess second = Start();
  EXPECT_EQ(second.Scrape().Lasting(), before.Lasting());
  second.process().Signal(SIGKILL);
  second.process().Wait();
  const ExporterProcess third = Start();
  EXPECT_EQ(third.Scrape().Lasting(), before.Lasting());
}

TEST_F(EventCommand, ConcurrentCallsLoseNoEvent) {
  constexpr int kCalls = 20;
  const ExporterProcess exporter = Start();
  std::vector<std::unique_ptr<Process>> calls;
  for (int i = 0; i < kCalls; ++i) {
    // Longer than a single write to a pipe or stream.
    calls.push_back(
        std::make_unique<Process>(Command({"job-" + std::to_string(i), "finish", "--exit-code", "0",
                                           "--message", std::string(20'000, 'a')}),
                                  ProcessOptions{.errors = Path("errors")}));
  }
  for (const auto& call : calls) EXPECT_EQ(call->Wait(), 0) << ReadText(Path("errors"));
  EXPECT_TRUE(Shows(exporter, [](const Page& page) {
    for (int i = 0; i < kCalls; ++i) {
      if (page.Number(Series("backup_runs_total", "job-" + std::to_string(i))) != 1) return false;
    }
    return true;
  }));
  const Page page = exporter.Scrape();
  EXPECT_EQ(page.Number("backup_source_records_total{source=\"events\"}"), kCalls);
  EXPECT_EQ(page.Number("backup_source_parse_errors_total{source=\"events\"}"), 0);
}

TEST_F(EventCommand, AnUnfinishedLineDoesNotSwallowTheNextEvent) {
  ASSERT_EQ(RunEvent({"home", "start"}), 0);
  std::ofstream(Path("ledger/spool/events.jsonl"), std::ios::app) << "{\"event\":\"fin";
  ASSERT_EQ(RunEvent({"home", "finish", "--exit-code", "0"}), 0);
  const ExporterProcess exporter = Start();
  const Page page = exporter.Scrape();
  EXPECT_EQ(page.Result("home", "backup"), "success");
  EXPECT_EQ(page.Number("backup_source_parse_errors_total{source=\"events\"}"), 1);
}

TEST_F(EventCommand, ALargeSpoolIsRenamedAndStillReadOnce) {
  ASSERT_EQ(RunEvent({"home", "fail"}), 0);
  {
    std::ofstream spool(Path("ledger/spool/events.jsonl"), std::ios::app);
    const std::string line(1023, ' ');
    for (int i = 0; i < 16 * 1024; ++i) spool << line << '\n';
  }
  ASSERT_EQ(RunEvent({"home", "finish", "--exit-code", "0"}), 0);
  EXPECT_LT(fs::file_size(Path("ledger/spool/events.jsonl")), 1000U);
  const ExporterProcess exporter = Start();
  const Page page = exporter.Scrape();
  EXPECT_EQ(page.Result("home", "backup"), "success");
  EXPECT_EQ(Runs(page), 2);
}

TEST_F(EventCommand, ALongMessageIsCutBetweenCharacters) {
  std::string characters;
  for (int i = 0; i < 3000; ++i) characters += "\u00e4";
  // 4096 bytes would end in the middle of a character.
  ASSERT_EQ(RunEvent({"home", "log", "--message", "a" + characters}), 0);
  const std::string kept = "a" + characters.substr(0, 2 * 2047);
  EXPECT_NE(ReadText(Path("ledger/spool/events.jsonl")).find("\"" + kept + "\""),
            std::string::npos);
}

TEST_F(EventCommand, TheLedgerIsFoundByTheConfiguration) {
  directory_.Write("config.yaml",
                   "sources:\n  - format: restic\n    path: logs/*.jsonl\n"
                   "storage:\n  path: ledger\n");
  ASSERT_EQ(RunProcess({kProgram, "event", "home", "fail", "--config.file=" + Path("config.yaml")}),
            0);
  EXPECT_EQ(OncePage(kProgram, Path("config.yaml")).Result("home", "backup"), "failure");
}

TEST_F(EventCommand, AMissingLedgerDirectoryIsReportedWithAdvice) {
  fs::remove_all(Path("ledger"));
  ExpectRefusal(Command({"home", "start"}), 1,
                {"not recorded", Path("ledger"), "when it first starts", "--storage.path"});
  ExpectRefusal({kProgram, "event", "home", "start", "--config.file=" + Path("nowhere.yaml")}, 2,
                {"not recorded", "nowhere.yaml", "--config.file", "--storage.path"});
}

TEST_F(EventCommand, MissingPermissionForTheSpoolIsReported) {
  ASSERT_EQ(geteuid(), 0U) << "this test needs root";
  GiveToNobody();
  ASSERT_EQ(RunEvent({"home", "start"}), 0);
  const std::string spool = Path("ledger/spool");
  ASSERT_EQ(chown(spool.c_str(), 0, 0), 0);
  ASSERT_EQ(chmod(spool.c_str(), 0700), 0);
  const std::string before = ReadText(spool + "/events.jsonl");
  ExpectRefusal(Command({"home", "finish"}), 1, {"not recorded", spool, "Permission denied"},
                kNobody);
  EXPECT_EQ(ReadText(spool + "/events.jsonl"), before);
}

TEST_F(EventCommand, InvalidArgumentsAreReported) {
  ExpectRefusal(Command({"home", "begin"}), 2, {"begin", "start", "finish", "fail", "log"});
  ExpectRefusal(Command({"home"}), 2, {"EVENT"});
  ExpectRefusal(Command({}), 2, {"NAME"});
  ExpectRefusal(Command({"", "start"}), 2, {"NAME"});
  ExpectRefusal(Command({"home", "start", "--operation", "nonsense"}), 2,
                {"--operation", "nonsense", "backup", "check", "prune", "restore"});
  ExpectRefusal(Command({"home", "finish", "--exit-code", "256"}), 2, {"--exit-code", "256"});
  ExpectRefusal(Command({"home", "finish", "--exit-code", "no"}), 2, {"--exit-code", "no"});
  EXPECT_FALSE(fs::exists(Path("ledger/spool")));
}

TEST_F(EventCommand, EventsOfRootAreReadByAnExporterOfAnotherUser) {
  GiveToNobody();
  // Root creates the spool that the exporter will read.
  ASSERT_EQ(RunEvent({"home", "finish", "--exit-code", "0"}), 0);
  const ExporterProcess exporter(binary_, Path("config.yaml"), directory_.path(), {}, kNobody);
  EXPECT_EQ(exporter.Scrape().Result("home", "backup"), "success");
  EXPECT_EQ(exporter.Scrape().Number("backup_source_up{source=\"events\"}"), 1);
  // The exporter's own user and then root may append to the same file.
  ASSERT_EQ(RunEvent({"db", "fail"}, kNobody), 0) << ReadText(Path("errors"));
  ASSERT_EQ(RunEvent({"mail", "fail"}), 0);
  EXPECT_TRUE(Shows(exporter, [](const Page& page) {
    return page.Result("db", "backup") == "failure" && page.Result("mail", "backup") == "failure";
  }));
}

TEST_F(EventCommand, ABackupIsPausedAndResumed) {
  const auto command = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {binary_, "--storage.path=" + Path("ledger")});
    return arguments;
  };
  const ExporterProcess exporter = Start();
  ASSERT_EQ(RunEvent({"home", "finish"}), 0);
  ASSERT_TRUE(Shows(exporter, [](const Page& page) { return Runs(page) == 1; }));
  const auto paused = [&](double value) {
    return Shows(exporter,
                 [&](const Page& page) { return page.Number(Series("backup_paused")) == value; });
  };
  ExpectRefusal(command({"pause", "hom", "--for", "8h"}), 2,
                {"no backup hom; known backups: home"});
  ASSERT_EQ(RunProcess(command({"pause", "home", "--for", "8h", "--reason", "new disk"})), 0);
  EXPECT_TRUE(paused(1)) << "a backup without an expectation can be paused, too";
  ExpectRefusal(command({"resume", "home", "--operation", "backup"}), 2,
                {"all operations of home are paused until"});
  ASSERT_EQ(RunProcess(command({"resume", "home"})), 0);
  EXPECT_TRUE(Shows(exporter, [](const Page& page) {
    return page.text().find("backup_paused{") == std::string::npos;
  }));
}

}  // namespace
}  // namespace backup_exporter
