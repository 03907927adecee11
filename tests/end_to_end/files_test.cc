// Files and file systems change under the real program: every run of a log is counted exactly once.

#include <dirent.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/time.h"
#include "kit/environment.h"
#include "kit/exporter_process.h"
#include "kit/faulty_server.h"
#include "kit/fuse_mount.h"
#include "kit/http_client.h"
#include "kit/need.h"
#include "kit/paths.h"
#include "kit/process.h"
#include "kit/restic_log.h"
#include "kit/temporary_directory.h"

namespace backup_exporter {
namespace {

namespace fs = std::filesystem;
using std::chrono::minutes;

constexpr unsigned kNobody = 65534;

class FilesUnderTheProgram : public testing::Test {
 protected:
  FilesUnderTheProgram() {
    directory_.MakeDirectory("logs");
    directory_.MakeDirectory("ledger");
    Configure("sources:\n  - {format: restic, path: logs/*.jsonl, backup: home}\n");
  }

  void Configure(const std::string& text) const { directory_.Write("config.yaml", text); }
  void Start(const std::string& binary = kProgram, unsigned user = 0) {
    exporter_.reset();
    exporter_ = std::make_unique<ExporterProcess>(
        binary, directory_ / "config.yaml", directory_.path(), std::vector<std::string>{}, user);
  }
  // A line with a run of its own.
  std::string Line() { return ResticSummary(minutes(10) + minutes(2) * ++lines_); }
  [[nodiscard]] double Runs() const {
    return exporter_->Scrape().Number("backup_runs_total{backup=\"home\",operation=\"backup\"}");
  }
  [[nodiscard]] double OfSource(const std::string& family,
                                const std::string& source = "restic") const {
    return exporter_->Scrape().Number(fmt::format("{}{{source=\"{}\"}}", family, source));
  }
  [[nodiscard]] bool CountsRuns(double count) const {
    return Eventually([&] { return Runs() == count; });
  }
  // Deleted log files that the program has open.
  [[nodiscard]] int OpenDeletedFiles() const {
    const std::string descriptors = fmt::format("/proc/{}/fd", exporter_->process().pid());
    int count = 0;
    for (const auto& entry : fs::directory_iterator(descriptors)) {
      std::error_code gone;
      const std::string target = fs::read_symlink(entry.path(), gone);
      count += target.starts_with(directory_ / "logs") && target.ends_with("(deleted)") ? 1 : 0;
    }
    return count;
  }
  // The program's peak memory, in bytes.
  [[nodiscard]] std::uint64_t Memory() const {
    const std::string status = ReadText(fmt::format("/proc/{}/status", exporter_->process().pid()));
    return std::stoull(status.substr(status.find("VmHWM:") + 6)) * 1024;
  }

  TemporaryDirectory directory_;
  std::unique_ptr<ExporterProcess> exporter_;
  int lines_ = 0;
};

TEST_F(FilesUnderTheProgram, FilesRotatedWhileTheyAreWrittenLoseNothing) {
  Start();
  const std::string status = R"({"message_type":"status","percent_done":0.5})"
                             "\n";
  int lines = 0;
  for (int rotation = 0; rotation < 20; ++rotation) {
    std::ofstream log(directory_ / "logs/a.jsonl", std::ios::app);
    for (int i = 0; i < 1000; ++i) {
      log << (i % 100 == 99 ? Line() : status) << std::flush;
      ++lines;
    }
    for (int old = rotation; old > 0; --old) {
      directory_.Rename(fmt::format("logs/a.jsonl.{}", old),
                        fmt::format("logs/a.jsonl.{}", old + 1));
    }
    directory_.Rename("logs/a.jsonl", "logs/a.jsonl.1");
    log << Line() << std::flush;  // after the rotation
    ++lines;
  }
  EXPECT_TRUE(CountsRuns(lines_)) << Runs();
  EXPECT_EQ(OfSource("backup_source_records_total"), lines);
}

TEST_F(FilesUnderTheProgram, AFileTruncatedToHalfCountsNoRunTwice) {
  const std::string first = Line() + Line();
  directory_.Write("logs/a.jsonl", first + Line() + Line());
  Start();
  EXPECT_TRUE(CountsRuns(4));
  directory_.Truncate("logs/a.jsonl", first.size());
  directory_.Append("logs/a.jsonl", Line());
  EXPECT_TRUE(CountsRuns(5)) << Runs();
  EXPECT_EQ(OfSource("backup_source_records_total"), 7) << "read again from its beginning";
}

TEST_F(FilesUnderTheProgram, AFileWithTwoWritersThatDoNotAppendCountsEachRunOnce) {
  std::ofstream one(directory_ / "logs/a.jsonl");
  std::ofstream two(directory_ / "logs/a.jsonl", std::ios::in | std::ios::out);
  one << Line() << Line() << Line() << std::flush;
  Start();
  EXPECT_TRUE(CountsRuns(3));
  two << Line() << std::flush;  // over the first line
  EXPECT_TRUE(CountsRuns(4)) << Runs();
  one << Line() << std::flush;
  EXPECT_TRUE(CountsRuns(5)) << Runs();
  two << Line() << Line() << Line() << Line()
      << std::flush;  // the last of them after the first writer's
  EXPECT_TRUE(CountsRuns(9)) << Runs();
  one << R"({"message_type":"summary","files_new":1,"fi)" << std::flush;  // over the last line
  EXPECT_TRUE(Eventually([&] { return OfSource("backup_source_parse_errors_total") == 1; }));
  EXPECT_EQ(Runs(), 9);
}

TEST_F(FilesUnderTheProgram, ACopyOfAFileCountsNoRunTwice) {
  directory_.Write("logs/a.jsonl", Line() + Line());
  Start();
  EXPECT_TRUE(CountsRuns(2));
  fs::copy_file(directory_ / "logs/a.jsonl", directory_ / "logs/b.jsonl");
  EXPECT_TRUE(Eventually([&] { return OfSource("backup_source_records_total") == 4; }));
  EXPECT_EQ(OfSource("backup_source_files"), 2);
  EXPECT_EQ(Runs(), 2);
}

TEST_F(FilesUnderTheProgram, AnUnreadDeletedFileIsReadToItsEndAndClosed) {
  directory_.Write("logs/a.jsonl", Line());
  Start();
  EXPECT_TRUE(CountsRuns(1));
  exporter_->process().Signal(SIGSTOP);
  const std::size_t runs = WriteResticLog(directory_ / "logs/a.jsonl", std::size_t{100} << 20);
  directory_.Remove("logs/a.jsonl");
  exporter_->process().Signal(SIGCONT);
  EXPECT_TRUE(CountsRuns(static_cast<double>(runs + 1))) << Runs();
  EXPECT_TRUE(Eventually([&] { return OpenDeletedFiles() == 0; })) << "its disk space is free";
}

TEST_F(FilesUnderTheProgram, AFileWithAHoleOfTenGigabytesIsReadAfterTheHole) {
  directory_.Write("logs/a.jsonl", Line());
  Start();
  EXPECT_TRUE(CountsRuns(1));
  const std::uint64_t before = Memory();
  directory_.Truncate("logs/a.jsonl", std::uintmax_t{10} << 30);
  directory_.Append("logs/a.jsonl", Line());
  EXPECT_TRUE(CountsRuns(2));
  EXPECT_LT(Memory(), before + (std::uint64_t{64} << 20));
}

TEST_F(FilesUnderTheProgram, AStatusFileRestoredFromABackupChangesNothing) {
  Configure("sources:\n  - {format: resticprofile, path: logs/*.json}\n");
  const Time now = *ParseRfc3339(FormatUtc(SystemClock().Now()));
  const auto status = [](Time time) {
    const nlohmann::json backup{{"success", true}, {"time", FormatUtc(time)}, {"duration", 5}};
    return nlohmann::json{{"version", 1}, {"profiles", {{"home", {{"backup", backup}}}}}}.dump();
  };
  const auto last_success = [&] {
    return exporter_->Scrape().Number(
        "backup_last_success_timestamp_seconds{backup=\"home\",operation=\"backup\"}");
  };
  directory_.Write("logs/status.json", status(now - minutes(10)));
  Start();
  EXPECT_EQ(last_success(), ToSeconds(now - minutes(10)));
  directory_.Write("logs/status.json", status(now - minutes(1000)));
  EXPECT_TRUE(
      Eventually([&] { return OfSource("backup_source_records_total", "resticprofile") == 2; }));
  EXPECT_EQ(last_success(), ToSeconds(now - minutes(10)));
  directory_.Write("logs/status.json", status(now));
  EXPECT_TRUE(Eventually([&] { return last_success() == ToSeconds(now); }));
}

TEST_F(FilesUnderTheProgram, UnreadableFilesDoNotDelayOthers) {
  Configure("sources:\n  - {format: restic, path: 'logs/*/a.jsonl', backup: home}\n");
  for (int i = 0; i < 10; ++i) {
    directory_.MakeDirectory(fmt::format("logs/{}", i));
    directory_.Write(fmt::format("logs/{}/a.jsonl", i), Line());
  }
  // Root may read everything.
  const bool root = ::geteuid() == 0;
  if (root) {
    ASSERT_EQ(::chmod(directory_.path().c_str(), 0755), 0);
    ASSERT_EQ(::chown((directory_ / "ledger").c_str(), kNobody, kNobody), 0);
    directory_.Write("log", "");
    ASSERT_EQ(::chown((directory_ / "log").c_str(), kNobody, kNobody), 0);
  }
  Start(kProgram, root ? kNobody : 0);
  EXPECT_TRUE(CountsRuns(10));
  EXPECT_EQ(OfSource("backup_source_up"), 1);

  ASSERT_EQ(::chmod((directory_ / "logs/3").c_str(), 0), 0);
  ASSERT_EQ(::chmod((directory_ / "logs/4/a.jsonl").c_str(), 0200), 0);
  EXPECT_TRUE(Eventually([&] { return OfSource("backup_source_up") == 0; }));
  for (int i = 0; i < 10; ++i) {
    if (i != 3) directory_.Append(fmt::format("logs/{}/a.jsonl", i), Line());
  }
  EXPECT_TRUE(CountsRuns(19)) << Runs() << ": open files are read on";
  EXPECT_EQ(OfSource("backup_source_unreadable_files"), 1);

  Start(kProgram, root ? kNobody : 0);
  for (int i : {4, 5}) directory_.Append(fmt::format("logs/{}/a.jsonl", i), Line());
  EXPECT_TRUE(CountsRuns(20));
  EXPECT_TRUE(Eventually([&] { return OfSource("backup_source_unreadable_files") == 2; }));
  EXPECT_EQ(OfSource("backup_source_up"), 0);

  ASSERT_EQ(::chmod((directory_ / "logs/3").c_str(), 0755), 0);
  ASSERT_EQ(::chmod((directory_ / "logs/4/a.jsonl").c_str(), 0644), 0);
  directory_.Append("logs/3/a.jsonl", Line());
  EXPECT_TRUE(CountsRuns(22)) << Runs();
  EXPECT_TRUE(Eventually([&] { return OfSource("backup_source_up") == 1; }));
  EXPECT_EQ(OfSource("backup_source_records_total"), 22) << "none was read again";
}

TEST_F(FilesUnderTheProgram, FilesAreFoundByPollingWhenInotifyIsLimited) {
  const char* set_a_limit = "echo 0 >/proc/sys/user/max_inotify_watches";
  NEED(RunProcess({"unshare", "-Ur", "sh", "-c", set_a_limit}) == 0
           ? ""
           : "the kernel gives no user namespace with limits of its own");
  for (const char* limit : {"max_inotify_instances", "max_inotify_watches"}) {
    // In a user namespace of its own, so that the limit affects no other process.
    directory_.Write("limited", fmt::format("#!/bin/sh\n"
                                            "exec unshare -Ur sh -c 'echo 0 >/proc/sys/user/{} && "
                                            "exec \"$@\"' sh {} \"$@\"\n",
                                            limit, kProgram));
    ASSERT_EQ(::chmod((directory_ / "limited").c_str(), 0755), 0);
    Start(directory_ / "limited");
    EXPECT_EQ(OfSource("backup_source_polling"), 1) << limit;
    directory_.Append("logs/a.jsonl", Line());
    EXPECT_TRUE(CountsRuns(lines_)) << limit;
    EXPECT_EQ(OfSource("backup_source_up"), 1);
  }
  Start();
  EXPECT_EQ(OfSource("backup_source_polling"), 0);
}

class HangingFiles : public FilesUnderTheProgram {
 protected:
  void SetUp() override {
    NEED(FuseMount::Allowed() ? "" : "only root may mount");
    directory_.MakeDirectory("disk");
    directory_.MakeDirectory("mounted");
    server_ = std::make_unique<FuseMount>(directory_ / "disk", directory_ / "mounted");
    NEED(server_->mounted() ? "" : "bindfs did not start");
  }
  void TearDown() override {
    if (server_) server_->Resume();
    exporter_.reset();
  }

  std::unique_ptr<FuseMount> server_;
};

TEST_F(HangingFiles, AHangingFileSystemAffectsOnlyItsOwnSources) {
  // At exit the leak sanitizer waits for all threads, including hanging ones.
  const ScopedEnvironment no_leaks("ASAN_OPTIONS", "detect_leaks=0");
  FaultyServer monitor([](const auto&) { return FaultyServer::Reply{.status = 200}; });
  constexpr int kFar = 8;  // enough that waiting for one after the other would be noticed
  std::string sources =
      "sources:\n  - {name: near, format: restic, path: logs/*.jsonl, backup: home}\n";
  for (int i = 0; i < kFar; ++i) {
    sources += fmt::format("  - {{name: far{0}, format: restic, path: mounted/{0}*.jsonl}}\n", i);
    directory_.Write(fmt::format("disk/{}.jsonl", i), Line());
  }
  Configure(sources + "monitors:\n  - webhook: {url: " + monitor.url() + "/x}\n");
  Start();
  EXPECT_EQ(OfSource("backup_source_up", "near"), 1);
  EXPECT_EQ(OfSource("backup_source_up", "far7"), 1);
  EXPECT_EQ(OfSource("backup_source_records_total", "far7"), 1);
  // Restarted, so that no file is open there: closing a file on FUSE waits for its server, too, and
  // the kernel closes all files of a process that ends.
  EXPECT_EQ(exporter_->Stop(), 0);
  Start();

  server_->Hang();
  const auto are_blind = [&] {
    const Page page = exporter_->Scrape();
    for (int i = 0; i < kFar; ++i) {
      if (page.Number(fmt::format("backup_source_up{{source=\"far{}\"}}", i)) != 0) return false;
    }
    return true;
  };
  EXPECT_TRUE(Eventually(are_blind) || Eventually(are_blind)) << "after about half a minute";
  EXPECT_EQ(OfSource("backup_source_up", "near"), 1);
  directory_.Append("logs/a.jsonl", ResticSummary(Duration(0)));
  EXPECT_TRUE(CountsRuns(1)) << "the other source goes on";
  EXPECT_TRUE(monitor.AwaitRequests(1)) << "and so does delivery";
  exporter_->process().Signal(SIGTERM);
  ASSERT_TRUE(Eventually([&] { return !exporter_->process().Running(); }));
  EXPECT_EQ(exporter_->process().Wait(), 0);
}

TEST_F(HangingFiles, FilesOfAFileServerAreReadWithoutEventsAndAfterItsRestart) {
  Configure("sources:\n  - {format: restic, path: mounted/*.jsonl, backup: home}\n");
  directory_.Write("disk/a.jsonl", Line());
  Start();
  EXPECT_TRUE(CountsRuns(1));
  directory_.Append("disk/a.jsonl", Line());
  EXPECT_TRUE(CountsRuns(2) || CountsRuns(2)) << "by the next sweep";

  // Another server: files opened through the first one cannot be read any more.
  server_.reset();
  server_ = std::make_unique<FuseMount>(directory_ / "disk", directory_ / "mounted");
  directory_.Append("disk/a.jsonl", Line());
  EXPECT_TRUE(CountsRuns(3) || CountsRuns(3));
  EXPECT_EQ(OfSource("backup_source_records_total"), 3);
  EXPECT_EQ(OfSource("backup_source_up"), 1);
}

}  // namespace
}  // namespace backup_exporter
