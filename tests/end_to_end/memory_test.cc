// The memory of the program: large inputs, many names, many reloads.
//
// Labels: serial

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "end_to_end/process_fixture.h"
#include "kit/exporter_process.h"
#include "kit/long_run.h"
#include "kit/need.h"
#include "kit/process.h"
#include "kit/restic_log.h"
#include "kit/sanitizers.h"

namespace backup_exporter {
namespace {

namespace fs = std::filesystem;

using std::chrono::minutes;

using MemoryTest = ProcessFixture;

// A control group whose processes may use this much memory together, kernel memory included. Not
// usable if the system does not permit to create one.
class MemoryGroup {
 public:
  explicit MemoryGroup(std::size_t bytes) {
    const std::string name = fmt::format("/backup_exporter_test.{}", getpid());
    const bool v2 = fs::exists("/sys/fs/cgroup/cgroup.controllers");
    path_ = (v2 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory") + name;
    std::error_code error;
    if (v2) std::ofstream("/sys/fs/cgroup/cgroup.subtree_control") << "+memory";
    if (!fs::create_directory(path_, error)) return;
    std::ofstream limit(path_ + (v2 ? "/memory.max" : "/memory.limit_in_bytes"));
    limit << bytes;
    usable_ = static_cast<bool>(limit.flush());
    if (v2) std::ofstream(path_ + "/memory.swap.max") << 0;
  }
  ~MemoryGroup() {
    EXPECT_TRUE(!usable_ || Eventually([this] { return rmdir(path_.c_str()) == 0; })) << path_;
  }
  MemoryGroup(const MemoryGroup&) = delete;
  MemoryGroup& operator=(const MemoryGroup&) = delete;

  [[nodiscard]] bool usable() const { return usable_; }
  // A shell joins the group by writing its process id to this file.
  [[nodiscard]] std::string members() const { return path_ + "/cgroup.procs"; }

 private:
  std::string path_;
  bool usable_ = false;
};

TEST_F(MemoryTest, AHundredMegabytesInEightThousandFilesAreReadWithThirtyTwoMegabytes) {
#if defined(BACKUP_EXPORTER_ASAN) || defined(BACKUP_EXPORTER_TSAN)
  GTEST_SKIP() << "sanitizers take many times the memory";
#endif
  constexpr int kFiles = 8000;
  const MemoryGroup group(std::size_t{32} << 20);
  NEED(group.usable() ? "" : "the kernel gives us no control group for memory");
  std::string progress;
  while (progress.size() < std::size_t{100} * 1000 * 1000 / kFiles) {
    progress += R"({"message_type":"status","percent_done":0,"total_files":9,"files_done":1})"
                "\n";
  }
  for (int i = 0; i < kFiles; ++i) {
    directory_.MakeDirectory(fmt::format("logs/b{}", i % 20));
    directory_.Write(fmt::format("logs/b{}/{}.jsonl", i % 20, i),
                     progress + ResticSummary(std::chrono::hours(8760) - i * minutes(2)));
  }
  directory_.Write("config.yaml",
                   "sources:\n  - {format: restic, path: logs/*/*.jsonl, backup: '{dir}'}\n");
  const int port = FreePort();
  // The kernel charges code to the group that reads it first. It is read before the shell joins the
  // group, so that the limit holds for the exporter's own memory, whatever ran before.
  Process exporter(
      {"sh", "-c",
       fmt::format("cat $(ldd {0} | grep -o '/[^ ]*') {0} >/dev/null && echo $$ > {1} && exec {2}",
                   kProgram, group.members(), CommandLine(port))},
      {.errors = directory_ / "log"});
  EXPECT_TRUE(Eventually([&] { return Ready(port) || !exporter.Running(); }));
  ASSERT_TRUE(exporter.Running()) << exporter.Wait() << Log();
  const Page page = PageAt(port);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(Runs(page, fmt::format("b{}", i)), kFiles / 20) << i;
  exporter.Signal(SIGTERM);
  EXPECT_EQ(exporter.Wait(), 0);
}

TEST_F(MemoryTest, ALineOfAGigabyteIsSkippedInLittleMemory) {
  {
    std::ofstream log(directory_ / "logs/home.jsonl", std::ios::binary);
    const std::string megabyte(std::size_t{1} << 20, 'x');
    log << ResticSummary(std::chrono::hours(2));
    for (int i = 0; i < 1024; ++i) log << megabyte;
    log << '\n' << ResticSummary(std::chrono::hours(1));
  }
  ExporterProcess exporter = Start();
  const Page page = exporter.Scrape();
  EXPECT_EQ(Runs(page), 2) << "the exporter is ready once all was read";
  EXPECT_EQ(page.Number("backup_source_records_total{source=\"restic\"}"), 2);
  EXPECT_EQ(page.Number("backup_source_skipped_bytes_total{source=\"restic\",reason=\"too_long\"}"),
            double{1 << 30});
#ifndef BACKUP_EXPORTER_ASAN
  EXPECT_LT(Kilobytes(exporter.process().pid(), "VmHWM"), 48U << 10);
#endif
  EXPECT_EQ(exporter.Stop(), 0);
}

TEST_F(MemoryTest, TwentyThousandNamesGiveAThousandBackupsAndACount) {
  constexpr int kNames = 20'000;
  constexpr int kLimit = 1000;
  ExporterProcess exporter = Start();
  {
    std::ofstream spool(directory_ / "ledger/spool/events.jsonl", std::ios::app);
    for (int i = 0; i < kNames; ++i) {
      spool << R"({"event":"finish","exit_code":0,"operation":"backup","time":)"
            << 1'700'000'000 + i << R"(,"backup":"attack-)" << i << "\"}\n";
    }
  }
  EXPECT_TRUE(Eventually([&] {
    return exporter.Scrape().Number("backup_source_records_total{source=\"events\"}") == kNames;
  }));
  const Page page = exporter.Scrape();
  EXPECT_EQ(page.Number("backup_exporter_series_dropped_total{reason=\"limit\"}"), kNames - kLimit);
  const std::string& text = page.text();
  int shown = 0;
  for (std::size_t at = 0; (at = text.find("\nbackup_runs_total{", at)) != text.npos; ++at) ++shown;
  EXPECT_EQ(shown, kLimit);
#ifndef BACKUP_EXPORTER_ASAN
  EXPECT_LT(Kilobytes(exporter.process().pid(), "VmHWM"), 200U << 10);
#endif
  EXPECT_EQ(exporter.Stop(), 0);
}

using ReloadsAtLength = ProcessFixture;

TEST_F(ReloadsAtLength, ReloadsUnderLoadLoseNoRunsAndLeakNothing) {
  const int reloads = HowMany(100, 1000);
  Configure("monitors:\n  - command: {command: [\"true\"]}\n");
  ExporterProcess exporter = Start();
  const pid_t process = exporter.process().pid();
  std::size_t runs = 0;
  const auto write = [&] {
    std::string text;
    for (int line = 0; line < 100; ++line) {
      text += R"({"message_type":"status","percent_done":0,"total_files":9,"files_done":1})"
              "\n";
    }
    text += ResticSummary(std::chrono::hours(24 * 365) - runs * minutes(2));
    directory_.Append("logs/home.jsonl", text);
    ++runs;
  };
  const auto reloaded = [&] {
    const std::string log = Log();
    int count = 0;
    for (std::size_t at = 0; (at = log.find("reloaded: 1 sources", at)) != log.npos; ++at) ++count;
    return count;
  };
  std::size_t files = 0;
  [[maybe_unused]] std::size_t memory = 0;  // unused with sanitizers
  for (int i = 1; i <= reloads; ++i) {
    exporter.process().Signal(SIGHUP);
    const bool done = Eventually([&] {
      write();
      return reloaded() == i;
    });
    EXPECT_TRUE(done) << i;
    if (!done) break;
    if (i != reloads / 2) continue;
    files = OpenFiles(process);
    memory = Kilobytes(process, "VmRSS");
  }
  EXPECT_TRUE(Eventually([&] { return Runs(exporter.Scrape()) == static_cast<double>(runs); }))
      << Runs(exporter.Scrape()) << " of " << runs;
  EXPECT_LE(OpenFiles(process), files + 3) << "a few may be connections";
#ifndef BACKUP_EXPORTER_ASAN  // it keeps freed memory
  EXPECT_LT(Kilobytes(process, "VmRSS"), memory * 3 / 2);
#endif
  EXPECT_EQ(exporter.Stop(), 0);
}

}  // namespace
}  // namespace backup_exporter
