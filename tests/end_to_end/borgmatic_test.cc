// Runs the real borgmatic with the real borg on small repositories and compares the metrics page
// with what borg itself reports afterwards.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/time.h"
#include "kit/borg_fixture.h"
#include "kit/exporter_process.h"
#include "kit/need.h"
#include "kit/paths.h"
#include "kit/process.h"
#include "kit/tools.h"

namespace backup_exporter {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class BorgmaticTools : public BorgFixture {
 protected:
  void SetUp() override {
    NEED(MissingTool({"borg", "borgmatic"}));
    BorgFixture::SetUp();
    old_ = ToolVersion("borgmatic").starts_with("1.");
    directory_.Write("config.yaml",
                     "sources:\n  - {format: borgmatic, path: borgmatic.log, timezone: UTC}\n");
  }

  // The name of a repository: its label, or its path for versions without labels.
  [[nodiscard]] std::string Name(const std::string& repository) const {
    return old_ ? Path(repository) : repository;
  }
  // Writes a configuration with the usual keys and `more`, as JSON, which is valid YAML. Versions
  // before 2.0 get the keys in sections.
  void Configure(const std::vector<std::string>& repositories, const json& more = {}) const {
    json keys{{"source_directories", {Path("data")}},
              {"local_path", Tool("borg")},
              {"keep_secondly", 10},
              {"repositories", json::array()},
              {"checks", json::array()}};
    for (const std::string& name : repositories) {
      keys["repositories"].push_back(old_ ? json(Path(name))
                                          : json{{"path", Path(name)}, {"label", name}});
    }
    for (const char* check : {"repository", "archives"}) {
      keys["checks"].push_back(old_ ? json(check) : json{{"name", check}});
    }
    keys.update(more.is_null() ? json::object() : more);
    if (old_) {
      json sections;
      for (const auto& [key, value] : keys.items()) {
        sections[SectionOf(key)][key] = value;
      }
      keys = sections;
    }
    directory_.Write("borgmatic.yaml", keys.dump(1));
  }
  [[nodiscard]] static std::string SectionOf(const std::string& key) {
    if (key.starts_with("keep_")) return "retention";
    if (key == "checks") return "consistency";
    if (key == "before_backup") return "hooks";
    return key == "encryption_passphrase" ? "storage" : "location";
  }

  [[nodiscard]] std::vector<std::string> Borgmatic(std::vector<std::string> arguments) const {
    const std::vector<std::string> head{Tool("borgmatic"),
                                        "--config",
                                        Path("borgmatic.yaml"),
                                        "--log-file",
                                        Path("borgmatic.log"),
                                        "--log-file-verbosity",
                                        "1"};
    arguments.insert(arguments.begin(), head.begin(), head.end());
    return arguments;
  }
  int Run(std::vector<std::string> arguments, const std::string& output = "") const {
    return RunProcess(Borgmatic(std::move(arguments)),
                      Options({.output = output.empty() ? "" : Path(output)}));
  }

  [[nodiscard]] Page Once() const { return OncePage(kProgram, Path("config.yaml")); }
  [[nodiscard]] ExporterProcess Serve() const {
    return ExporterProcess(kProgram, Path("config.yaml"), directory_.path());
  }
  // Expects a success of the only run, which ended with the archive or, by the log, a little later.
  void ExpectAgreement(const Page& page, const std::string& repository) const {
    const std::string backup = Name(repository);
    EXPECT_EQ(page.Result(backup, "backup"), "success") << page.text();
    EXPECT_EQ(OperationNumber(page, "backup_runs_total", backup, "backup"), 1);
    EXPECT_GE(LastSuccess(page, backup), Seconds(NewestArchive(Path(repository))["end"]));
    EXPECT_LE(LastSuccess(page, backup), ToSeconds(SystemClock().Now()));
    EXPECT_EQ(SuccessEvidence(page, backup), "report");
  }
  void ExpectFailure(const std::string& backup, const std::string& reason) const {
    const Page page = Once();
    EXPECT_EQ(page.Result(backup, "backup"), "failure") << page.text();
    EXPECT_EQ(FailureReason(page, backup), reason);
    EXPECT_EQ(OperationNumber(page, "backup_runs_total", backup, "backup"), 1);
    EXPECT_LE(LastSuccess(page, backup), 0);
  }
  // Runs a backup that succeeds, then kills a second one by a signal: it must be interrupted and
  // the last success must stay.
  void ExpectInterruption(int number, bool whole_group);

  bool old_ = false;
};

TEST_F(BorgmaticTools, EveryRepositoryIsASeparateBackup) {
  Initialise(Path("a"));
  Initialise(Path("b"));
  Configure({"a", "b"});
  ASSERT_EQ(Run({"create"}), 0);
  const Page page = Once();
  for (const char* repository : {"a", "b"}) {
    ExpectAgreement(page, repository);
    EXPECT_NE(page.text().find("backup_info{backup=\"" + Name(repository) +
                               "\",tool=\"borgmatic\",repository=\""),
              std::string::npos)
        << page.text();
  }
}

TEST_F(BorgmaticTools, AMissingRepositoryFailsAndTheOtherRepositorySucceeds) {
  Initialise(Path("a"));
  Configure({"a", "b"});
  ASSERT_EQ(Run({"create"}), 1);
  ExpectAgreement(Once(), "a");
  ExpectFailure(Name("b"), "repository_missing");
}

TEST_F(BorgmaticTools, RunsInTheDocumentsAndInTheLogAreCountedOnce) {
  Initialise(Path("a"));
  Initialise(Path("b"));
  Configure({"a", "b"});
  ASSERT_EQ(Run({"create", "--json"}, "created.json"), 0);
  directory_.Write(
      "config.yaml",
      "sources:\n"
      "  - {format: borgmatic, path: borgmatic.log, backup: '{label}', timezone: UTC}\n"
      "  - {format: borgmatic, path: created.json, backup: '{label}', timezone: UTC}\n");
  // Since borgmatic 2.0 the documents contain the labels; before, they contain the paths, as does
  // the log.
  const json documents =
      json::parse(ReadText(Path("created.json")), nullptr, /*allow_exceptions=*/false);
  ASSERT_EQ(documents.size(), 2U) << documents;
  const Page page = Once();
  for (const std::size_t index : {0U, 1U}) {
    const std::string repository = index == 0 ? "a" : "b";
    const json& archive = documents[index]["archive"];
    ASSERT_EQ(archive["id"], NewestArchive(Path(repository))["id"]);
    ExpectAgreement(page, repository);
    EXPECT_EQ(BackupNumber(page, "backup_last_success_added_bytes", Name(repository)),
              archive["stats"]["deduplicated_size"].get<double>());
    EXPECT_EQ(BackupNumber(page, "backup_added_bytes_total", Name(repository)),
              archive["stats"]["deduplicated_size"].get<double>());
    EXPECT_EQ(BackupNumber(page, "backup_last_success_processed_files", Name(repository)),
              archive["stats"]["nfiles"].get<double>());
  }
}

TEST_F(BorgmaticTools, EveryDefaultActionIsASeparateOperation) {
  Initialise(Path("a"));
  Configure({"a"});
  ASSERT_EQ(Run({}), 0);
  const Page page = Once();
  ExpectAgreement(page, "a");
  for (const char* operation : {"prune", "compact", "check"}) {
    EXPECT_EQ(page.Result(Name("a"), operation), "success") << operation << page.text();
    EXPECT_EQ(OperationNumber(page, "backup_runs_total", Name("a"), operation), 1);
  }
}

TEST_F(BorgmaticTools, AFileThatCannotBeReadIsAWarning) {
  Initialise(Path("a"));
  Configure({"a"});
  ASSERT_EQ(chmod(Path("data/two.txt").c_str(), 0), 0);
  // Newer versions of borgmatic treat borg's warning as an error.
  ASSERT_EQ(RunProcess(Unprivileged(Borgmatic({"create"})), Options()), old_ ? 0 : 1);
  const json archive = NewestArchive(Path("a"));
  const Page page = Once();
  EXPECT_EQ(page.Result(Name("a"), "backup"), "warning") << page.text();
  EXPECT_GE(LastSuccess(page, Name("a")), Seconds(archive["end"]));
  EXPECT_EQ(
      OperationNumber(page, "backup_last_clean_success_timestamp_seconds", Name("a"), "backup"), 0);
}

TEST_F(BorgmaticTools, AWrongPassphraseIsAFailure) {
  Initialise(Path("a"), "repokey");
  Configure({"a"}, {{"encryption_passphrase", "wrong"}});
  ASSERT_EQ(Run({"create"}), 1);
  ExpectFailure(Name("a"), "auth");
}

TEST_F(BorgmaticTools, ALockedRepositoryIsAFailure) {
  Initialise(Path("a"));
  Configure({"a"});
  HeldPipe pipe(Path("pipe"));
  Process holder(Command({"with-lock", Path("a"), "cat"}), Options({.input = pipe.reading_end()}));
  ASSERT_TRUE(pipe.WaitForReader());
  ASSERT_EQ(Run({"create"}), 1);
  ExpectFailure(Name("a"), "locked");
  pipe.Close();
  EXPECT_EQ(holder.Wait(), 0);
}

TEST_F(BorgmaticTools, OneMissingSourceOfTwoIsAFailureWhateverTheExitCode) {
  Initialise(Path("a"));
  Configure({"a"}, {{"source_directories", {Path("data"), Path("nothing")}}});
  // borgmatic 1 creates an archive of the other source and exits with 0.
  ASSERT_EQ(Run({"create"}), old_ ? 0 : 1);
  ExpectFailure(Name("a"), "source_missing");
}

TEST_F(BorgmaticTools, AListingProvesTheLastBackup) {
  Initialise(Path("a"));
  Configure({"a"});
  // borgmatic finds only archives that are named as it names them.
  ASSERT_EQ(Borg({"create", Path("a") + "::{hostname}-1", Path("data")}), 0);
  ASSERT_EQ(Borg({"create", Path("a") + "::{hostname}-2", Path("data")}), 0);
  ASSERT_EQ(Run({"info", "--archive", "latest", "--json"}, "info.json"), 0);
  directory_.Write("config.yaml",
                   "sources:\n  - {format: borgmatic, path: info.json, timezone: UTC}\n");
  const Page page = Once();
  EXPECT_EQ(page.Result(Name("a"), "backup"), "success") << page.text();
  EXPECT_EQ(LastSuccess(page, Name("a")), Seconds(NewestArchive(Path("a"))["end"]));
  EXPECT_EQ(SuccessEvidence(page, Name("a")), "archive");
}

TEST_F(BorgmaticTools, ARunInTheLogAndInTheListingOfBorgIsCountedOnce) {
  Initialise(Path("a"));
  Configure({"a"});
  ASSERT_EQ(Run({"create"}), 0);
  ASSERT_EQ(Borg({"info", "--json", "--last", "1", Path("a")}, {.output = Path("info.json")}), 0);
  directory_.Write(
      "config.yaml",
      "sources:\n"
      "  - {format: borgmatic, path: borgmatic.log, backup: '{label}', timezone: UTC}\n"
      "  - {format: borg, path: info.json, backup: '" +
          Name("a") + "', timezone: UTC}\n");
  const Page page = Once();
  EXPECT_EQ(OperationNumber(page, "backup_runs_total", Name("a"), "backup"), 1) << page.text();
  EXPECT_EQ(page.Result(Name("a"), "backup"), "success");
  EXPECT_EQ(SuccessEvidence(page, Name("a")), "archive");
  EXPECT_EQ(BackupNumber(page, "backup_last_success_processed_files", Name("a")),
            NewestArchive(Path("a"))["stats"]["nfiles"].get<double>());
}

TEST_F(BorgmaticTools, ADamagedRepositoryFailsTheCheckAndNotTheBackup) {
  Initialise(Path("a"));
  Configure({"a"});
  ASSERT_EQ(Run({"create"}), 0);
  Damage(Path("a"));
  ASSERT_EQ(Run({"check"}), 1);
  const Page page = Once();
  EXPECT_EQ(page.Result(Name("a"), "check"), "failure") << page.text();
  EXPECT_LE(LastSuccess(page, Name("a"), "check"), 0);
  ExpectAgreement(page, "a");
}

void BorgmaticTools::ExpectInterruption(int number, bool whole_group) {
  Initialise(Path("a"));
  Configure({"a"});
  const ExporterProcess exporter = Serve();
  const auto result = [&] { return exporter.Scrape().Result(Name("a"), "backup"); };
  ASSERT_EQ(Run({"create"}), 0);
  ASSERT_TRUE(Eventually([&] { return result() == "success"; })) << exporter.Scrape().text();
  const double success = LastSuccess(exporter.Scrape(), Name("a"));
  {
    HeldPipe pipe(Path("pipe"));
    Configure({"a"},
              {{"source_directories", {Path("data"), Path("pipe")}}, {"read_special", true}});
    // In a session of its own, since borgmatic forwards signals to its process group.
    std::vector<std::string> command = Borgmatic({"create"});
    command.insert(command.begin(), "setsid");
    Process backup(command, Options());
    ASSERT_TRUE(pipe.WaitForReader());
    EXPECT_TRUE(Eventually([&] {
      return OperationNumber(exporter.Scrape(), "backup_running", Name("a"), "backup") == 1;
    })) << ReadText(Path("borgmatic.log"));
    const Page page = exporter.Scrape();
    EXPECT_GE(
        OperationNumber(page, "backup_running_activity_timestamp_seconds", Name("a"), "backup"),
        success);
    EXPECT_EQ(kill(whole_group ? -backup.pid() : backup.pid(), number), 0);
    EXPECT_EQ(backup.Wait(), 128 + number);
  }
  ASSERT_TRUE(Eventually([&] { return result() == "interrupted"; })) << exporter.Scrape().text();
  const Page page = exporter.Scrape();
  EXPECT_EQ(OperationNumber(page, "backup_running", Name("a"), "backup"), 0);
  EXPECT_EQ(OperationNumber(page, "backup_runs_total", Name("a"), "backup"), 2);
  EXPECT_EQ(LastSuccess(page, Name("a")), success);
}

TEST_F(BorgmaticTools, ATerminatedRunIsInterrupted) {
  ExpectInterruption(SIGTERM, /*whole_group=*/false);
}

TEST_F(BorgmaticTools, AKilledRunIsInterrupted) {
  ExpectInterruption(SIGKILL, /*whole_group=*/true);
}

TEST_F(BorgmaticTools, AHookThatExitsWith75SkipsTheRunAndKeepsTheLastSuccess) {
  Initialise(Path("a"));
  Configure({"a"});
  const ExporterProcess exporter = Serve();
  const auto result = [&] { return exporter.Scrape().Result(Name("a"), "backup"); };
  ASSERT_EQ(Run({"create"}), 0);
  ASSERT_TRUE(Eventually([&] { return result() == "success"; })) << exporter.Scrape().text();
  const double success = LastSuccess(exporter.Scrape(), Name("a"));
  if (old_) {
    Configure({"a"}, {{"before_backup", {"exit 75"}}});
  } else {
    Configure({"a"}, {{"commands", json::array({{{"before", "action"},
                                                 {"when", json::array({"create"})},
                                                 {"run", json::array({"exit 75"})}}})}});
  }
  ASSERT_EQ(Run({"create"}), 0);
  ASSERT_TRUE(Eventually([&] { return result() == "skipped"; })) << exporter.Scrape().text();
  EXPECT_EQ(LastSuccess(exporter.Scrape(), Name("a")), success);
  EXPECT_EQ(Ask({"list", Path("a")})["archives"].size(), 1U);
}

TEST_F(BorgmaticTools, ACheckMarkerDatesTheLastSuccessfulCheck) {
  if (old_) GTEST_SKIP() << "borgmatic writes such markers since 1.9";
  Initialise(Path("a"));
  Configure({"a"});
  ASSERT_EQ(Run({"create", "check"}), 0);
  const fs::path checks = Path("home/state/borgmatic/checks");
  ASSERT_TRUE(fs::exists(checks));
  struct stat marker {};
  for (const auto& file : fs::recursive_directory_iterator(checks)) {
    if (file.path().filename() == "repository") {
      ASSERT_EQ(stat(file.path().c_str(), &marker), 0);
    }
  }
  ASSERT_GT(marker.st_mtim.tv_sec, 0);
  directory_.Write("config.yaml",
                   "sources:\n  - format: borgmatic-checks\n"
                   "    path: home/state/borgmatic/checks/*/repository\n    backup: a\n");
  const Page page = Once();
  EXPECT_EQ(page.Result("a", "check"), "success") << page.text();
  EXPECT_NEAR(LastSuccess(page, "a", "check"),
              static_cast<double>(marker.st_mtim.tv_sec) +
                  static_cast<double>(marker.st_mtim.tv_nsec) / 1e9,
              1e-3);
}

}  // namespace
}  // namespace backup_exporter
