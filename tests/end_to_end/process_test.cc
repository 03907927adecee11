// The program as a process among others: signals, standard streams, limits on files and memory.

#include "kit/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <regex>

#include "base/descriptor.h"
#include "kit/exporter_process.h"
#include "kit/faulty_server.h"
#include "kit/http_client.h"
#include "kit/long_run.h"
#include "kit/need.h"
#include "kit/paths.h"
#include "kit/restic_log.h"
#include "kit/temporary_directory.h"

namespace backup_exporter {
namespace {

namespace fs = std::filesystem;

using std::chrono::minutes;

using testing::HasSubstr;

class ProcessTest : public testing::Test {
 protected:
  ProcessTest() {
    directory_.MakeDirectory("logs");
    directory_.MakeDirectory("ledger");
    Configure("");
  }

  void Configure(const std::string& more) const {
    directory_.Write("config.yaml", "sources:\n  - {format: restic, path: logs/*.jsonl}\n" + more);
  }
  [[nodiscard]] ExporterProcess Start() const {
    return {kProgram, directory_ / "config.yaml", directory_.path()};
  }
  // The same, for a shell to start it; it serves on that port and writes no log of its own.
  [[nodiscard]] std::string CommandLine(int port) const {
    return fmt::format("{} --config.file={} --storage.path={} --web.listen-address=127.0.0.1:{}",
                       kProgram, directory_ / "config.yaml", directory_ / "ledger", port);
  }
  [[nodiscard]] std::string Log() const { return ReadText(directory_ / "log"); }
  static double Runs(const Page& page, const std::string& backup = "home") {
    return page.Number("backup_runs_total{backup=\"" + backup + "\",operation=\"backup\"}");
  }
  static Page PageAt(int port) {
    Page page(Get(port, "/metrics").body);
    EXPECT_EQ(page.NotConserved(), "");
    return page;
  }
  static bool Ready(int port) { return Get(port, "/-/ready").status == 200; }

  TemporaryDirectory directory_;
};

// Signals.

TEST_F(ProcessTest, SignalsThatMeanNothingAreIgnored) {
  ExporterProcess exporter = Start();
  for (const int number : {SIGPIPE, SIGUSR1, SIGUSR2}) exporter.process().Signal(number);
  directory_.Append("logs/home.jsonl", ResticSummary(std::chrono::hours(1)));
  EXPECT_TRUE(Eventually([&] { return Runs(exporter.Scrape()) == 1; }));
  EXPECT_EQ(exporter.Stop(), 0);
}

TEST_F(ProcessTest, AskedToStopAgainAndAgainItEndsCleanly) {
  FaultyServer dead(
      [](const FaultyServer::Request&) { return FaultyServer::Reply{.fault = Fault::kHang}; });
  Configure("monitors:\n  - webhook: {url: " + dead.url() + "/x}\n");
  int runs = 0;
  for (const int number : {SIGTERM, SIGINT}) {
    SCOPED_TRACE(number);
    const std::size_t heard = dead.request_count();
    ExporterProcess exporter = Start();
    directory_.Append("logs/home.jsonl", ResticSummary(std::chrono::seconds(0)));
    ASSERT_TRUE(dead.AwaitRequests(heard + 1));
    ++runs;
    ASSERT_TRUE(Eventually([&] { return Runs(exporter.Scrape()) == runs; }));
    while (exporter.process().Running()) exporter.process().Signal(number);
    EXPECT_EQ(exporter.process().Wait(), 0);
    EXPECT_EQ(Runs(Start().Scrape()), runs) << "as it was left";
  }
}

TEST_F(ProcessTest, AReloadThatIsRefusedSaysWhereAndChangesNothing) {
  directory_.Append("logs/home.jsonl", ResticSummary(std::chrono::hours(1)));
  ExporterProcess exporter = Start();
  directory_.Write("config.yaml",
                   "sources:\n  - {format: restic, path: logs/*.jsonl, bakcup: x}\n");
  exporter.process().Signal(SIGHUP);
  ASSERT_TRUE(Eventually([&] {
    return exporter.Scrape().Number("backup_exporter_config_last_reload_successful") == 0;
  }));
  EXPECT_THAT(Log(), HasSubstr("keeping the old one: "));
  EXPECT_THAT(Log(), HasSubstr("config.yaml:2:42: unknown key `bakcup`"));
  directory_.Append("logs/home.jsonl", ResticSummary(minutes(1)));
  EXPECT_TRUE(Eventually([&] { return Runs(exporter.Scrape()) == 2; }));
}

using ReloadsAtLength = ProcessTest;

TEST_F(ReloadsAtLength, UnderLoadLoseNothingAndLeaveNothingBehind) {
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
  [[maybe_unused]] std::size_t memory = 0;  // not with sanitizers
  for (int i = 1; i <= reloads; ++i) {
    exporter.process().Signal(SIGHUP);
    const bool taken = Eventually([&] {
      write();
      return reloaded() == i;
    });
    EXPECT_TRUE(taken) << i;
    if (!taken) break;
    if (i != reloads / 2) continue;
    files = OpenFiles(process);
    memory = Kilobytes(process, "VmRSS");
  }
  EXPECT_TRUE(Eventually([&] { return Runs(exporter.Scrape()) == static_cast<double>(runs); }))
      << Runs(exporter.Scrape()) << " of " << runs;
  EXPECT_LE(OpenFiles(process), files + 3) << "but for a connection or two";
#ifndef __SANITIZE_ADDRESS__  // which keeps what was freed
  EXPECT_LT(Kilobytes(process, "VmRSS"), memory * 3 / 2);
#endif
  EXPECT_EQ(exporter.Stop(), 0);
}

// Standard streams.

TEST_F(ProcessTest, GoesOnWithItsStandardStreamsClosed) {
  const int port = FreePort();
  Process exporter({"sh", "-c", "exec " + CommandLine(port) + " <&- >&- 2>&-"}, {});
  ASSERT_TRUE(Eventually([&] { return Ready(port); }));
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    EXPECT_EQ(fs::read_symlink(fmt::format("/proc/{}/fd/{}", exporter.pid(), stream)), "/dev/null")
        << "nothing else is written to in its place";
  }
  directory_.Append("logs/home.jsonl", ResticSummary(std::chrono::hours(1)));
  exporter.Signal(SIGHUP);
  EXPECT_TRUE(Eventually([&] { return Runs(PageAt(port)) == 1; }));
  exporter.Signal(SIGTERM);
  EXPECT_EQ(exporter.Wait(), 0);
}

// As under a wrapper that stopped reading.
TEST_F(ProcessTest, GoesOnWhileNobodyReadsItsLogAndSaysHowMuchOfItWasLost) {
  const std::string path = directory_ / "unread";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  const Descriptor pipe(open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  std::array<char, 4096> junk{};
  while (write(pipe.get(), junk.data(), junk.size()) > 0) {
  }
  const int port = FreePort();
  Process exporter({"sh", "-c", "exec " + CommandLine(port)}, {.errors = path});
  ASSERT_TRUE(Eventually([&] { return Ready(port); }));
  const auto reload = [&](double successful) {
    exporter.Signal(SIGHUP);
    return Eventually([&] {
      return PageAt(port).Number("backup_exporter_config_last_reload_successful") == successful;
    });
  };
  // Each with a line for the log.
  for (int i = 0; i < 3; ++i) {
    directory_.Write("config.yaml", "nonsense\n");
    EXPECT_TRUE(reload(0));
    Configure("");
    EXPECT_TRUE(reload(1));
  }
  directory_.Append("logs/home.jsonl", ResticSummary(std::chrono::hours(1)));
  EXPECT_TRUE(Eventually([&] { return Runs(PageAt(port)) == 1; }));

  while (read(pipe.get(), junk.data(), junk.size()) > 0) {
  }
  directory_.Write("config.yaml", "nonsense\n");
  EXPECT_TRUE(reload(0));
  std::string log;
  EXPECT_TRUE(Eventually([&] {
    const ssize_t length = read(pipe.get(), junk.data(), junk.size());
    if (length > 0) log.append(junk.data(), static_cast<std::size_t>(length));
    return log.find("not reloaded") != log.npos;
  }));
  std::smatch lost;
  ASSERT_TRUE(std::regex_search(log, lost, std::regex("\"([0-9]+) lines were dropped"))) << log;
  EXPECT_GE(std::stoi(lost[1]), 7) << "of the start and of six reloads";
  exporter.Signal(SIGTERM);
  EXPECT_EQ(exporter.Wait(), 0);
}

TEST_F(ProcessTest, GoesOnWhenTheReaderOfItsLogIsGone) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
  { const Descriptor gone(ends[0]); }
  const Descriptor input(ends[1]);
  const int port = FreePort();
  // The pipe comes as standard input, which is free.
  Process exporter({"sh", "-c", "exec " + CommandLine(port) + " 2>&0"}, {.input = input.get()});
  ASSERT_TRUE(Eventually([&] { return Ready(port); }));
  directory_.Append("logs/home.jsonl", ResticSummary(std::chrono::hours(1)));
  exporter.Signal(SIGHUP);
  EXPECT_TRUE(Eventually([&] { return Runs(PageAt(port)) == 1; }));
  exporter.Signal(SIGTERM);
  EXPECT_EQ(exporter.Wait(), 0);
}

// Limits.

TEST_F(ProcessTest, WithSixtyFourOpenFilesItReadsTwoHundredAndIsScraped) {
  constexpr int kFiles = 200;
  constexpr int kRounds = 3;
  for (int i = 0; i < kFiles; ++i) {
    directory_.Append(fmt::format("logs/b{}.jsonl", i), ResticSummary(std::chrono::hours(100)));
  }
  const int port = FreePort();
  Process exporter({"sh", "-c", "ulimit -n 64; exec " + CommandLine(port)},
                   {.errors = directory_ / "log"});
  ASSERT_TRUE(Eventually([&] { return Ready(port); })) << Log();
  for (int round = 1; round < kRounds; ++round) {
    for (int i = 0; i < kFiles; ++i) {
      directory_.Append(fmt::format("logs/b{}.jsonl", i),
                        ResticSummary(std::chrono::hours(100 - round)));
    }
    const double all = kFiles * (round + 1);
    EXPECT_TRUE(Eventually([&] {
      return PageAt(port).Number("backup_source_records_total{source=\"restic\"}") == all;
    })) << Log();
    // As many at once as a small installation ever has, while the files are held open.
    std::vector<Connection> others;
    for (int i = 0; i < 8; ++i) {
      others.emplace_back(port);
      others.back().Send("GET /metrics HTTP/1.1\r\nHost: x\r\n");
    }
    EXPECT_EQ(Get(port, "/metrics").status, 200);
  }
  const Page page = PageAt(port);
  for (int i = 0; i < kFiles; ++i) {
    EXPECT_EQ(Runs(page, fmt::format("b{}", i)), kRounds) << i;
  }
  EXPECT_EQ(page.Number("backup_source_records_total{source=\"restic\"}"), kFiles * kRounds)
      << "none was read again from its beginning";
  EXPECT_EQ(page.Number("backup_source_unreadable_files{source=\"restic\"}"), 0);
  EXPECT_EQ(page.Number("backup_source_up{source=\"restic\"}"), 1);
  exporter.Signal(SIGTERM);
  EXPECT_EQ(exporter.Wait(), 0);
}

// A directory of the kernel's for a group of processes that have so much memory together, with what
// the kernel keeps for them; empty where this system does not let us have one.
class MemoryGroup {
 public:
  explicit MemoryGroup(std::size_t bytes) {
    const std::string name = fmt::format("/backup_exporter_test.{}", getpid());
    const bool second = fs::exists("/sys/fs/cgroup/cgroup.controllers");
    path_ = (second ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory") + name;
    std::error_code error;
    if (second) std::ofstream("/sys/fs/cgroup/cgroup.subtree_control") << "+memory";
    if (!fs::create_directory(path_, error)) return;
    std::ofstream limit(path_ + (second ? "/memory.max" : "/memory.limit_in_bytes"));
    limit << bytes;
    usable_ = static_cast<bool>(limit.flush());
    if (second) std::ofstream(path_ + "/memory.swap.max") << 0;
  }
  ~MemoryGroup() {
    EXPECT_TRUE(!usable_ || Eventually([this] { return rmdir(path_.c_str()) == 0; })) << path_;
  }
  MemoryGroup(const MemoryGroup&) = delete;
  MemoryGroup& operator=(const MemoryGroup&) = delete;

  [[nodiscard]] bool usable() const { return usable_; }
  // For a shell to join.
  [[nodiscard]] std::string members() const { return path_ + "/cgroup.procs"; }

 private:
  std::string path_;
  bool usable_ = false;
};

TEST_F(ProcessTest, ReadsAHundredMegabytesOfEightThousandFilesInThirtyTwo) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
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
  Process exporter(
      {"sh", "-c", fmt::format("echo $$ > {} && exec {}", group.members(), CommandLine(port))},
      {.errors = directory_ / "log"});
  EXPECT_TRUE(Eventually([&] { return Ready(port) || !exporter.Running(); }));
  ASSERT_TRUE(exporter.Running()) << exporter.Wait() << Log();
  const Page page = PageAt(port);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(Runs(page, fmt::format("b{}", i)), kFiles / 20) << i;
  exporter.Signal(SIGTERM);
  EXPECT_EQ(exporter.Wait(), 0);
}

// Content that would take memory.

TEST_F(ProcessTest, ALineOfAGigabyteIsPassedOverInLittleMemory) {
  {
    std::ofstream log(directory_ / "logs/home.jsonl", std::ios::binary);
    const std::string megabyte(std::size_t{1} << 20, 'x');
    log << ResticSummary(std::chrono::hours(2));
    for (int i = 0; i < 1024; ++i) log << megabyte;
    log << '\n' << ResticSummary(std::chrono::hours(1));
  }
  ExporterProcess exporter = Start();
  const Page page = exporter.Scrape();
  EXPECT_EQ(Runs(page), 2) << "it is ready when all was read";
  EXPECT_EQ(page.Number("backup_source_records_total{source=\"restic\"}"), 2);
  EXPECT_EQ(page.Number("backup_source_skipped_bytes_total{source=\"restic\",reason=\"too_long\"}"),
            double{1 << 30});
#ifndef __SANITIZE_ADDRESS__
  EXPECT_LT(Kilobytes(exporter.process().pid(), "VmHWM"), 48U << 10);
#endif
  EXPECT_EQ(exporter.Stop(), 0);
}

TEST_F(ProcessTest, TwentyThousandNamesAreAThousandBackupsAndACounter) {
  constexpr int kNames = 20'000;
  constexpr int kMost = 1000;
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
  EXPECT_EQ(page.Number("backup_exporter_series_dropped_total{reason=\"limit\"}"), kNames - kMost);
  const std::string& text = page.text();
  int shown = 0;
  for (std::size_t at = 0; (at = text.find("\nbackup_runs_total{", at)) != text.npos; ++at) ++shown;
  EXPECT_EQ(shown, kMost);
#ifndef __SANITIZE_ADDRESS__
  EXPECT_LT(Kilobytes(exporter.process().pid(), "VmHWM"), 200U << 10);
#endif
  EXPECT_EQ(exporter.Stop(), 0);
}

}  // namespace
}  // namespace backup_exporter
