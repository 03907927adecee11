// Neither a stop nor a crash nor a second start changes what is recorded.
// Labels: threads

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <utility>
#include <vector>

#include "kit/exporter_process.h"
#include "kit/paths.h"
#include "kit/process.h"
#include "kit/restic_log.h"
#include "kit/temporary_directory.h"

namespace backup_exporter {
namespace {

namespace fs = std::filesystem;

constexpr const char* kConfig =
    "sources:\n"
    "  - format: restic\n    path: logs/*.jsonl\n"
    "  - format: resticprofile\n    path: profiles/*.json\n";

class Restart : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(fs::path(directory_.path()) / "logs");
    fs::create_directories(fs::path(directory_.path()) / "profiles");
    directory_.Write("config.yaml", kConfig);
  }
  [[nodiscard]] std::string Path(const std::string& name) const {
    return directory_.path() + "/" + name;
  }
  [[nodiscard]] ExporterProcess Start(const std::string& ledger,
                                      std::vector<std::string> more = {}) const {
    fs::create_directories(Path(ledger));
    return {kProgram, Path("config.yaml"), Path(ledger), std::move(more)};
  }

  TemporaryDirectory directory_;
};

TEST_F(Restart, ARestartChangesNoValue) {
  const fs::path data(kTestdataDir);
  fs::copy_file(data / "resticprofile/documented.json", Path("profiles/status.json"));
  for (const char* name :
       {"backup-success-then-wrong-password", "backup-unreadable", "backup-killed"}) {
    fs::copy_file(data / "restic/0.14.0" / (std::string(name) + ".both.jsonl"),
                  Path("logs/" + std::string(name) + ".jsonl"));
  }
  // Long ago, so that every result has settled.
  for (const auto& file : fs::directory_iterator(Path("logs"))) {
    fs::last_write_time(file, fs::file_time_type::clock::now() - std::chrono::hours(1));
  }
  ExporterProcess first = Start("one");
  const std::string before = first.Scrape().Lasting();
  EXPECT_EQ(first.Stop(), 0);
  ExporterProcess second = Start("one");
  EXPECT_EQ(second.Scrape().Lasting(), before);
  EXPECT_NE(before.find("backup_last_success_timestamp_seconds{backup=\"web\""), std::string::npos);
}

TEST_F(Restart, KillsDuringACatchUpLeadToTheSameValuesAsAnUninterruptedRun) {
  const std::size_t runs = WriteResticLog(Path("logs/home.jsonl"), std::size_t{100} << 20);
  const std::string undisturbed = Start("undisturbed").Scrape().Lasting();
  EXPECT_NE(undisturbed.find("backup_runs_total{backup=\"home\",operation=\"backup\"} " +
                             std::to_string(runs)),
            std::string::npos);

  fs::create_directories(Path("killed"));
  std::vector<std::string> command{kProgram, "--config.file=" + Path("config.yaml"),
                                   "--storage.path=" + Path("killed/ledger"),
                                   "--web.listen-address=127.0.0.1:0"};
  const std::uintmax_t size = fs::file_size(Path("logs/home.jsonl"));
  const auto position = [&]() -> std::uintmax_t {
    const std::string answer =
        OutputOf({"sh", "-c",
                  "sqlite3 -readonly '" + Path("killed/ledger/ledger.db") +
                      "' 'SELECT coalesce(max(offset),0) FROM files' || echo 0"});
    return std::stoull(answer);
  };
  // Each process is killed as soon as it has committed something more.
  int unfinished = 0;
  for (std::uintmax_t before = 0; before < size;) {
    Process exporter(command, {});
    EXPECT_TRUE(Eventually([&] { return position() > before; }));
    exporter.Signal(SIGKILL);
    EXPECT_EQ(exporter.Wait(), 128 + SIGKILL);
    before = position();
    unfinished += before < size ? 1 : 0;
  }
  EXPECT_GT(unfinished, 0) << "no process was killed before the end of the log";
  EXPECT_EQ(Start("killed").Scrape().Lasting(), undisturbed);
}

TEST_F(Restart, ASecondExporterOnTheSameLedgerExitsAndTheFirstRunsOn) {
  ExporterProcess first = Start("one");
  const std::string errors = Path("second");
  EXPECT_EQ(RunProcess({kProgram, "--config.file=" + Path("config.yaml"),
                        "--storage.path=" + Path("one/ledger"), "--web.listen-address=127.0.0.1:0"},
                       {.errors = errors}),
            2);
  EXPECT_NE(ReadText(errors).find("is in use by another backup_exporter (process " +
                                  std::to_string(first.process().pid()) + ")"),
            std::string::npos)
      << ReadText(errors);
  EXPECT_TRUE(first.process().Running());
}

// faults.md 53, 75
TEST_F(Restart, AnUnusableLedgerIsRefusedWithOneLineAndSetAsideOnRequest) {
  EXPECT_EQ(Start("good").Stop(), 0);
  const std::string good = ReadText(Path("good/ledger/ledger.db"));
  std::string newer = good;
  newer[63] = 99;  // the last byte of SQLite's user_version
  for (const auto& [bytes, why] : {std::pair(std::string(), "is empty"),
                                   {std::string(good.size(), '\0'), "is "},
                                   {std::string(good.size(), 'x'), "is damaged"},
                                   {good.substr(0, good.size() / 2), "is damaged"},
                                   {newer, "newer backup_exporter (format 99"}}) {
    fs::remove_all(Path("bad"));
    fs::create_directories(Path("bad/ledger"));
    directory_.Write("bad/ledger/ledger.db", bytes);
    fs::remove(Path("errors"));
    EXPECT_EQ(
        RunProcess({kProgram, "--config.file=" + Path("config.yaml"),
                    "--storage.path=" + Path("bad/ledger"), "--web.listen-address=127.0.0.1:0"},
                   {.errors = Path("errors")}),
        2);
    const std::string output = ReadText(Path("errors"));
    EXPECT_NE(output.find(why), std::string::npos) << output;
    EXPECT_EQ(std::ranges::count(output, '\n'), 1) << output;
    EXPECT_TRUE(ReadText(Path("bad/ledger/ledger.db")) == bytes) << why;

    EXPECT_EQ(Start("bad", {"--storage.recover"}).Stop(), 0) << why;
    EXPECT_TRUE(ReadText(Path("bad/ledger/ledger.db.damaged")) == bytes) << why;
  }
}

}  // namespace
}  // namespace backup_exporter
