// Runs the real resticprofile with the real restic and compares the metrics page with the status
// file and with what restic itself reports afterwards.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/time.h"
#include "kit/need.h"
#include "kit/paths.h"
#include "kit/restic_fixture.h"

namespace backup_exporter {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class ResticprofileTools : public ResticFixture {
 protected:
  void SetUp() override {
    NEED_TOOLS(MissingTool({"restic", "resticprofile"}));
    ResticFixture::SetUp();
    directory_.Write("right", "right\n");
    directory_.Write("wrong", "wrong\n");
    Configure(
        "sources:\n  - format: resticprofile\n    path: status.json\n    extended_status: true\n");
    Profile();
  }

  // Writes profiles.yaml. `more` are additional keys of the profile; `restic` is the program that
  // resticprofile runs, the real one if empty.
  void Profile(const std::string& more = "", const std::string& restic = "") const {
    directory_.Write("profiles.yaml", "version: \"1\"\nglobal:\n  restic-binary: " +
                                          (restic.empty() ? Program("restic") : restic) +
                                          "\nhome:\n  repository: " + Path("repository") +
                                          "\n  password-file: " + Path(password_) +
                                          "\n  status-file: " + Path("status.json") + "\n" + more +
                                          "  backup:\n    extended-status: true\n    source:\n"
                                          "      - " +
                                          Path("data") + "\n");
  }
  [[nodiscard]] int Command(const std::string& command) const {
    return RunProcess({Program("resticprofile"), "--no-ansi", "--config", Path("profiles.yaml"),
                       "--name", "home", command},
                      Logged("resticprofile.log"));
  }
  [[nodiscard]] json Status(const std::string& section = "backup") const {
    return json::parse(ReadText(Path("status.json")))["profiles"]["home"][section];
  }
  [[nodiscard]] std::string Log() const { return ReadText(Path("resticprofile.log")); }

  [[nodiscard]] Page Once() const { return OncePage(kProgram, Path("config.yaml")); }
  [[nodiscard]] ExporterProcess Serve() const {
    return ExporterProcess(kProgram, Path("config.yaml"), directory_.path());
  }
};

TEST_F(ResticprofileTools, ASuccessHasTheTimesAndFiguresOfTheStatusFileAndOfRestic) {
  const ExporterProcess exporter = Serve();
  ASSERT_EQ(Command("backup"), 0) << Log();
  ASSERT_TRUE(Eventually([&] { return exporter.Scrape().Result("home", "backup") == "success"; }));
  const Page page = exporter.Scrape();
  const json status = Status();
  const json snapshots = Snapshots();
  ASSERT_EQ(snapshots.size(), 1U);
  EXPECT_EQ(LastSuccess(page), Seconds(status["time"]));
  EXPECT_GE(LastSuccess(page), Seconds(snapshots[0]["time"]));
  EXPECT_EQ(page.Number(Series("backup_last_run_duration_seconds")), status["duration"]);
  EXPECT_EQ(Evidence(page), "report");
  const auto figure = [&page](const std::string& name, const std::string& state = "") {
    return page.Number("backup_last_success_" + name + "{backup=\"home\"" +
                       (state.empty() ? "" : ",state=\"" + state + "\"") + "}");
  };
  EXPECT_EQ(figure("added_bytes"), status["bytes_added"]);
  EXPECT_EQ(figure("processed_bytes"), status["bytes_total"]);
  EXPECT_EQ(figure("processed_bytes"), Ask({"stats", "latest"})["total_size"]);
  EXPECT_EQ(figure("processed_files"), status["files_total"]);
  EXPECT_EQ(figure("files", "new"), status["files_new"]);
  EXPECT_EQ(figure("files", "new"), 2);
  EXPECT_EQ(figure("directories", "new"), status["dirs_new"]);
  if (Since(17)) {
    EXPECT_EQ(figure("added_bytes"), snapshots[0]["summary"]["data_added"]);
    EXPECT_EQ(figure("added_stored_bytes"), snapshots[0]["summary"]["data_added_packed"]);
  }
  EXPECT_EQ(page.Number("backup_info{backup=\"home\",tool=\"resticprofile\",repository=\"\","
                        "source=\"resticprofile\"}"),
            1);
}

TEST_F(ResticprofileTools, ABackupWithoutChangesIsASecondRun) {
  const ExporterProcess exporter = Serve();
  ASSERT_EQ(Command("backup"), 0) << Log();
  ASSERT_TRUE(Eventually([&] { return Runs(exporter.Scrape()) == 1; }));
  ASSERT_EQ(Command("backup"), 0) << Log();
  ASSERT_TRUE(Eventually([&] { return Runs(exporter.Scrape()) == 2; }));
  const Page page = exporter.Scrape();
  EXPECT_EQ(LastSuccess(page), Seconds(Status()["time"]));
  EXPECT_EQ(page.Number("backup_last_success_added_bytes{backup=\"home\"}"),
            Status()["bytes_added"]);
  EXPECT_EQ(page.Number("backup_last_success_files{backup=\"home\",state=\"unmodified\"}"), 2);
  EXPECT_EQ(Snapshots().size(), 2U);
}

TEST_F(ResticprofileTools, AWrongPasswordIsAFailureThatKeepsTheLastSuccess) {
  const ExporterProcess exporter = Serve();
  ASSERT_EQ(Command("backup"), 0) << Log();
  ASSERT_TRUE(Eventually([&] { return exporter.Scrape().Result("home", "backup") == "success"; }));
  const double success = LastSuccess(exporter.Scrape());
  password_ = "wrong";
  Profile();
  ASSERT_NE(Command("backup"), 0) << Log();
  ASSERT_TRUE(Eventually([&] { return exporter.Scrape().Result("home", "backup") == "failure"; }));
  const Page page = exporter.Scrape();
  EXPECT_EQ(Reason(page), "auth");
  EXPECT_EQ(LastSuccess(page), success);
  EXPECT_EQ(page.Number(Series("backup_last_failure_timestamp_seconds")),
            Seconds(Status()["time"]));
  EXPECT_EQ(Runs(page), 2);
}

TEST_F(ResticprofileTools, AFileThatCannotBeReadIsAWarning) {
  BecomeNobody();
  ASSERT_NE(Command("backup"), 0) << Log();
  const json snapshots = Snapshots();
  ASSERT_EQ(snapshots.size(), 1U) << Log();
  const Page page = Once();
  EXPECT_EQ(page.Result("home", "backup"), "warning");
  EXPECT_EQ(Reason(page), "");  // the run did not fail
  EXPECT_EQ(LastSuccess(page), Seconds(Status()["time"]));
  EXPECT_EQ(page.Number(Series("backup_last_clean_success_timestamp_seconds")), 0);
  EXPECT_EQ(page.Number(Series("backup_last_run_exit_code")), 3);
}

TEST_F(ResticprofileTools, AMissingSourceIsAFailure) {
  fs::remove_all(Path("data"));
  ASSERT_NE(Command("backup"), 0) << Log();
  const Page page = Once();
  EXPECT_EQ(page.Result("home", "backup"), "failure");
  EXPECT_EQ(Reason(page), "source_missing");
  EXPECT_EQ(LastSuccess(page), 0);
}

TEST_F(ResticprofileTools, ACheckIsASeparateOperation) {
  Profile("  check:\n    read-data: true\n");
  const ExporterProcess exporter = Serve();
  ASSERT_EQ(Command("backup"), 0) << Log();
  ASSERT_EQ(Command("check"), 0) << Log();
  ASSERT_TRUE(Eventually([&] { return exporter.Scrape().Result("home", "check") == "success"; }));
  const double success = LastSuccess(exporter.Scrape(), "check");
  EXPECT_EQ(success, Seconds(Status("check")["time"]));
  Damage();
  ASSERT_NE(Command("check"), 0) << Log();
  ASSERT_TRUE(Eventually([&] { return exporter.Scrape().Result("home", "check") == "failure"; }));
  const Page page = exporter.Scrape();
  EXPECT_EQ(LastSuccess(page, "check"), success);
  EXPECT_EQ(page.Result("home", "backup"), "success");
  EXPECT_EQ(Runs(page), 1);
  EXPECT_EQ(Runs(page, "check"), 2);
}

TEST_F(ResticprofileTools, TheRetentionAfterABackupIsAForget) {
  Profile("  retention:\n    after-backup: true\n    keep-last: 1\n");
  ASSERT_EQ(Command("backup"), 0) << Log();
  ASSERT_EQ(Command("backup"), 0) << Log();
  EXPECT_EQ(Snapshots().size(), 1U);
  const Page page = Once();
  EXPECT_EQ(page.Result("home", "backup"), "success");
  EXPECT_EQ(page.Result("home", "forget"), "success");
  EXPECT_EQ(LastSuccess(page, "forget"), Seconds(Status("retention")["time"]));
  EXPECT_GE(LastSuccess(page, "forget"), LastSuccess(page));
}

TEST_F(ResticprofileTools, ARunInTheStatusFileAndInTheLogOfResticIsCountedOnce) {
  Configure(
      "sources:\n  - format: resticprofile\n    path: status.json\n    extended_status: true\n"
      "    backup: home\n  - format: restic\n    path: logs/*.jsonl\n    backup: home\n");
  directory_.Write("restic", "#!/bin/sh\ncase \" $* \" in\n  *' backup '*) \"" + Program("restic") +
                                 "\" \"$@\" | tee -a " + Path("logs/restic.jsonl") +
                                 " ;;\n  *) exec \"" + Program("restic") + "\" \"$@\" ;;\nesac\n");
  ASSERT_EQ(chmod(Path("restic").c_str(), 0755), 0);
  Profile("", Path("restic"));
  const ExporterProcess exporter = Serve();
  for (int runs = 1; runs <= 2; ++runs) {
    ASSERT_EQ(Command("backup"), 0) << Log();
    ASSERT_TRUE(Eventually([&] {
      const Page page = exporter.Scrape();
      return Runs(page) == runs && page.Number("backup_source_lag_bytes{source=\"restic\"}") == 0 &&
             page.Number("backup_source_records_total{source=\"restic\"}") >= runs &&
             page.Number("backup_source_records_total{source=\"resticprofile\"}") >= runs;
    })) << exporter.Scrape().text();
  }
  EXPECT_NE(ReadText(Path("logs/restic.jsonl")).find("\"summary\""), std::string::npos);
  const Page page = exporter.Scrape();
  EXPECT_EQ(Runs(page), 2);
  EXPECT_EQ(page.Result("home", "backup"), "success");
  EXPECT_EQ(page.Number("backup_last_success_added_bytes{backup=\"home\"}"),
            Status()["bytes_added"]);
  // The same if everything is read at once, in whatever order.
  EXPECT_EQ(Runs(Once()), 2);
}

}  // namespace
}  // namespace backup_exporter
