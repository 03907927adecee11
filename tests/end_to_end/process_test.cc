// The program as a process: signals, standard streams, the limit on open files.
//
// Labels: threads

#include "kit/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <regex>

#include "base/descriptor.h"
#include "end_to_end/process_fixture.h"
#include "kit/exporter_process.h"
#include "kit/faulty_server.h"
#include "kit/http_client.h"
#include "kit/restic_log.h"

namespace backup_exporter {
namespace {

namespace fs = std::filesystem;

using std::chrono::minutes;

using testing::HasSubstr;

using ProcessTest = ProcessFixture;

// Signals.

TEST_F(ProcessTest, SignalsWithoutAMeaningAreIgnored) {
  ExporterProcess exporter = Start();
  for (const int number : {SIGPIPE, SIGUSR1, SIGUSR2}) exporter.process().Signal(number);
  directory_.Append("logs/home.jsonl", ResticSummary(std::chrono::hours(1)));
  EXPECT_TRUE(Eventually([&] { return Runs(exporter.Scrape()) == 1; }));
  EXPECT_EQ(exporter.Stop(), 0);
}

TEST_F(ProcessTest, RepeatedStopSignalsEndTheProgramCleanly) {
  FaultyServer dead(
      [](const FaultyServer::Request&) { return FaultyServer::Reply{.fault = Fault::kHang}; });
  Configure("monitors:\n  - webhook: {url: " + dead.url() + "/x}\n");
  int runs = 0;
  for (const int number : {SIGTERM, SIGINT}) {
    SCOPED_TRACE(number);
    const std::size_t before = dead.request_count();
    ExporterProcess exporter = Start();
    directory_.Append("logs/home.jsonl", ResticSummary(std::chrono::seconds(0)));
    ASSERT_TRUE(dead.AwaitRequests(before + 1));
    ++runs;
    ASSERT_TRUE(Eventually([&] { return Runs(exporter.Scrape()) == runs; }));
    while (exporter.process().Running()) exporter.process().Signal(number);
    EXPECT_EQ(exporter.process().Wait(), 0);
    EXPECT_EQ(Runs(Start().Scrape()), runs) << "kept over the restart";
  }
}

TEST_F(ProcessTest, ARefusedReloadReportsTheMistakeAndChangesNothing) {
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

// Standard streams.

TEST_F(ProcessTest, TheProgramRunsWithItsStandardStreamsClosed) {
  const int port = FreePort();
  Process exporter({"sh", "-c", "exec " + CommandLine(port) + " <&- >&- 2>&-"}, {});
  ASSERT_TRUE(Eventually([&] { return Ready(port); }));
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    EXPECT_EQ(fs::read_symlink(fmt::format("/proc/{}/fd/{}", exporter.pid(), stream)), "/dev/null")
        << "no other file may get its number";
  }
  directory_.Append("logs/home.jsonl", ResticSummary(std::chrono::hours(1)));
  exporter.Signal(SIGHUP);
  EXPECT_TRUE(Eventually([&] { return Runs(PageAt(port)) == 1; }));
  exporter.Signal(SIGTERM);
  EXPECT_EQ(exporter.Wait(), 0);
}

// A wrapper that has stopped reading looks like this.
TEST_F(ProcessTest, TheProgramGoesOnWhileItsLogIsNotReadAndReportsLostLines) {
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
  // Each reload writes a line to the log.
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
  EXPECT_GE(std::stoi(lost[1]), 7) << "from the start and from six reloads";
  exporter.Signal(SIGTERM);
  EXPECT_EQ(exporter.Wait(), 0);
}

TEST_F(ProcessTest, TheProgramGoesOnAfterTheReaderOfItsLogHasExited) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
  { const Descriptor gone(ends[0]); }
  const Descriptor input(ends[1]);
  const int port = FreePort();
  // The pipe is passed as standard input, which is otherwise unused.
  Process exporter({"sh", "-c", "exec " + CommandLine(port) + " 2>&0"}, {.input = input.get()});
  ASSERT_TRUE(Eventually([&] { return Ready(port); }));
  directory_.Append("logs/home.jsonl", ResticSummary(std::chrono::hours(1)));
  exporter.Signal(SIGHUP);
  EXPECT_TRUE(Eventually([&] { return Runs(PageAt(port)) == 1; }));
  exporter.Signal(SIGTERM);
  EXPECT_EQ(exporter.Wait(), 0);
}

// Limits.

TEST_F(ProcessTest, TwoHundredFilesAreReadWithALimitOfSixtyFourDescriptors) {
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
    // As many concurrent scrapes as a small installation has, while the files are open.
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
      << "no file was read again from its start";
  EXPECT_EQ(page.Number("backup_source_unreadable_files{source=\"restic\"}"), 0);
  EXPECT_EQ(page.Number("backup_source_up{source=\"restic\"}"), 1);
  exporter.Signal(SIGTERM);
  EXPECT_EQ(exporter.Wait(), 0);
}

}  // namespace
}  // namespace backup_exporter
