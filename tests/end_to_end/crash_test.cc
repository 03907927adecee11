// The real program is ended at every kind of call that changes its ledger or sends to a monitor, by
// a kill and by a power cut. After a restart the ledger is as if that had not happened (faults.md
// 54, 61 to 63).

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <regex>
#include <set>
#include <sstream>

#include "base/time.h"
#include "kit/exporter_process.h"
#include "kit/faulty_server.h"
#include "kit/http_client.h"
#include "kit/long_run.h"
#include "kit/paths.h"
#include "kit/power.h"
#include "kit/process.h"
#include "kit/restic_log.h"
#include "kit/sanitizers.h"
#include "kit/temporary_directory.h"

namespace backup_exporter {
namespace {

namespace fs = std::filesystem;
using std::chrono::hours;
using std::chrono::minutes;

#ifdef BACKUP_EXPORTER_ASAN
constexpr int kPointsInCi = 25;  // the program starts slowly with the sanitizer
#else
constexpr int kPointsInCi = 100;
#endif

// A monitor of many exporters, distinguished by the path of their requests.
class Monitor {
 public:
  Monitor()
      : server_([this](const FaultyServer::Request& request) { return Record(request); },
                {.keep_requests = false}) {}

  [[nodiscard]] int port() const { return server_.port(); }
  [[nodiscard]] std::string url(const std::string& exporter) const {
    return server_.url() + "/" + exporter;
  }
  // The identities of received notices, by the notices' text; one for each time it was received.
  using Notices = std::map<std::string, std::vector<std::string>>;
  [[nodiscard]] Notices Received(const std::string& exporter) const {
    const std::lock_guard lock(mutex_);
    const auto found = received_.find("/" + exporter);
    return found == received_.end() ? Notices() : found->second;
  }

 private:
  FaultyServer::Reply Record(const FaultyServer::Request& request) {
    const auto notice = nlohmann::json::parse(request.body);
    std::string text;
    for (const char* key : {"backup", "operation", "state", "result", "time", "error"}) {
      text += notice.value(key, "") + " ";
    }
    const std::lock_guard lock(mutex_);
    received_[request.target][text].push_back(notice.at("uid"));
    return {.status = 200};
  }

  mutable std::mutex mutex_;
  std::map<std::string, Notices> received_;
  FaultyServer server_;  // last, so that its threads end first
};

std::string Texts(const Monitor::Notices& notices) {
  std::string all;
  for (const auto& [text, identities] : notices) all += text + "\n";
  return all;
}

// The sum of all series whose line begins with `head`.
double Sum(const Page& page, const std::string& head) {
  std::istringstream lines(page.text());
  double sum = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(head)) sum += std::stod(line.substr(line.rfind(' ')));
  }
  return sum;
}

// What a crash must not change, except for the metrics of monitors.
std::string Lasting(const Page& page) {
  static const std::regex kMonitors("^(# (HELP|TYPE) )?backup_monitor_");
  std::istringstream lines(page.Lasting());
  std::string lasting;
  for (std::string line; std::getline(lines, line);) {
    if (!std::regex_search(line, kMonitors)) lasting += line + "\n";
  }
  return lasting;
}

// The lines that only one of the pages has.
std::string Difference(const std::string& before, const std::string& after) {
  const auto lines = [](const std::string& text) {
    std::istringstream stream(text);
    std::set<std::string> all;
    for (std::string line; std::getline(stream, line);) all.insert(line);
    return all;
  };
  std::vector<std::string> different;
  std::ranges::set_symmetric_difference(lines(before), lines(after), std::back_inserter(different));
  return fmt::format("{}", fmt::join(different, "\n"));
}

enum class End { kKill, kPowerCut };

class CrashesAtLength : public testing::Test {
 protected:
  CrashesAtLength() {
    directory_.MakeDirectory("logs");
    directory_.MakeDirectory("profiles");
    directory_.MakeDirectory("begin/ledger");
  }

  // Creates a ledger whose sources were added two days ago and whose WAL is almost full, so that a
  // few commits cause a WAL checkpoint and restart the WAL.
  void BeginWithAnOldLedger() {
    is_notified_ = true;
    EXPECT_EQ(ExporterProcess(kProgram, Config("begin"), directory_ / "begin").Stop(), 0);
    constexpr std::uintmax_t kAlmostFull = 985 * (4096 + 24);  // SQLite's limit: 1000 frames
    const std::string path = directory_ / "begin/ledger/ledger.db";
    SQLite::Database ledger(path, SQLite::OPEN_READWRITE);
    sqlite3_db_config(ledger.getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    ledger.exec("PRAGMA wal_autocheckpoint=0; PRAGMA synchronous=OFF");
    ledger.exec(fmt::format("UPDATE entered SET at=at-{}", Duration(hours(48)).count()));
    while (fs::file_size(path + "-wal") < kAlmostFull) ledger.exec("UPDATE entered SET at=at+1");
  }
  // Writes logs and events, old enough for their results to settle at once.
  void LeaveRuns() const {
    const Time now = SystemClock().Now();
    directory_.Write("logs/home.jsonl",
                     ResticSummary(hours(5)) + "Fatal: wrong password\n" + ResticSummary(hours(3)));
    directory_.Write("logs/nas.jsonl",
                     R"({"message_type":"exit_error","code":11,"message":"already locked"})"
                     "\n");
    for (const char* log : {"logs/home.jsonl", "logs/nas.jsonl"}) {
      directory_.SetModified(log, now - hours(2));
    }
    const auto section = [&](bool success, Duration ago) {
      return nlohmann::json{{"success", success},
                            {"time", FormatExactUtc(now - ago)},
                            {"error", success ? "" : "exit status 1"},
                            {"duration", 3}};
    };
    directory_.Write(
        "profiles/status.json",
        nlohmann::json{
            {"profiles",
             {{"mail", {{"backup", section(true, hours(4))}, {"check", section(false, hours(1))}}},
              {"web", {{"backup", section(false, hours(2))}}}}}}
            .dump());
    directory_.SetModified("profiles/status.json", now - minutes(30));
    std::string events;
    const auto leave = [&](const char* event, const char* backup, Duration ago) {
      events += nlohmann::json{{"event", event},
                               {"backup", backup},
                               {"operation", "backup"},
                               {"time", ToSeconds(now - ago)}}
                    .dump() +
                "\n";
    };
    leave("finish", "one", minutes(50));
    leave("fail", "two", minutes(40));
    leave("start", "going", minutes(20));
    directory_.MakeDirectory("begin/ledger/spool");
    directory_.Write("begin/ledger/spool/events.jsonl", events);
  }

  std::string Config(const std::string& name) const {
    directory_.Write("config.yaml",
                     "sources:\n  - {format: restic, path: logs/*.jsonl}\n"
                     "  - {format: resticprofile, path: profiles/*.json}\n"
                     "monitors:\n  - webhook: {url: " +
                         monitor_.url(name) + ", states: [start, finish, fail]}\n");
    return directory_ / "config.yaml";
  }
  // Prepares a directory with the first ledger, for one test run of that name.
  void Place(const std::string& name) const {
    fs::remove_all(directory_ / "place");
    fs::create_directories(directory_ / "place/scratch");
    fs::create_directories(directory_ / "place/disk");
    fs::copy(directory_ / "begin/ledger", directory_ / "place/disk/ledger",
             fs::copy_options::recursive);
    const fs::path events = "ledger/spool/events.jsonl";
    if (fs::exists(fs::path(directory_ / "begin") / events)) {
      fs::last_write_time(fs::path(directory_ / "place/disk") / events,
                          fs::last_write_time(fs::path(directory_ / "begin") / events));
    }
    Config(name);
  }

  // Runs the program until it is done. Returns the page, and the counts of notices ever enqueued.
  std::string RunToEnd(const std::string& name) const {
    ExporterProcess exporter(kProgram, directory_ / "config.yaml", directory_ / "place/disk");
    EXPECT_TRUE(Eventually([&] { return Texts(monitor_.Received(name)) == expected_; }));
    std::string page = Lasting(exporter.Scrape());
    EXPECT_EQ(exporter.Stop(), 0);
    EXPECT_EQ(Texts(monitor_.Received(name)), expected_);
    SQLite::Database ledger(directory_ / "place/disk/ledger/ledger.db");
    EXPECT_EQ(ledger.execAndGet("PRAGMA integrity_check").getString(), "ok");
    SQLite::Statement made(ledger,
                           "SELECT name,value FROM monitor_counters WHERE name LIKE 'notices %'");
    while (made.executeStep()) {
      page += made.getColumn(0).getString() + " " + made.getColumn(1).getString() + "\n";
    }
    return page;
  }

  // Runs the program until that call, or until it is done if it makes fewer. Returns whether it was
  // ended.
  bool Crash(const std::string& name, std::uint64_t point, std::uint64_t seed, End end) const {
    const std::string log = directory_ / "place/log";
    Process exporter({kProgram, "--config.file=" + (directory_ / "config.yaml"),
                      "--storage.path=" + (directory_ / "place/disk/ledger"),
                      "--web.listen-address=127.0.0.1:0"},
                     {.environment = PowerEnvironment({.shim = kPowerShim,
                                                       .directory = directory_ / "place/disk",
                                                       .scratch = directory_ / "place/scratch",
                                                       .port = monitor_.port(),
                                                       .point = point,
                                                       .seed = seed,
                                                       .cut = end == End::kPowerCut}),
                      .errors = log});
    const auto is_done = [&] {
      const std::regex kPort(R"(\(port ([0-9]+)\))");
      const std::string text = ReadText(log);
      std::smatch match;
      return Texts(monitor_.Received(name)) == expected_ && std::regex_search(text, match, kPort) &&
             Get(std::stoi(match[1]), "/-/ready").status == 200;
    };
    EXPECT_TRUE(Eventually([&] { return !exporter.Running() || is_done(); }))
        << ReadText(log) << Texts(monitor_.Received(name));
    exporter.Signal(SIGTERM);
    const int code = exporter.Wait();
    EXPECT_TRUE(code == 0 || code == 128 + SIGKILL) << code << ReadText(log);
    return code != 0;
  }

  // Runs the program without ending it at a call, as RunToEnd.
  std::string RunUndisturbed() {
    Place("first");
    {
      ExporterProcess exporter(kProgram, directory_ / "config.yaml", directory_ / "place/disk");
      const Page page = exporter.Scrape();
      EXPECT_EQ(page.Number("backup_runs_total{backup=\"home\",operation=\"backup\"}"), 3);
      const double runs = Sum(page, "backup_runs_total{") + Sum(page, "backup_running{");
      EXPECT_TRUE(Eventually([&] {
        return static_cast<double>(monitor_.Received("first").size()) == (is_notified_ ? runs : 0);
      }));
      exporter.process().Signal(SIGKILL);
      exporter.process().Wait();
    }
    expected_ = Texts(monitor_.Received("first"));
    // The ledger was not closed; a WAL checkpoint restarted the WAL.
    const auto wal_head = [&](const std::string& place) {
      constexpr std::size_t kHead = 32;
      return ReadText(directory_ / place + "/ledger/ledger.db-wal").substr(0, kHead);
    };
    EXPECT_NE(wal_head("place/disk"), wal_head("begin"));
    Place("second");
    return RunToEnd("second");
  }

  // Ends the program at calls spread over all calls of a run, and compares the page of the next
  // run.
  void CrashEverywhere(End end, int points, std::optional<int> most_repeats) {
    const std::string undisturbed = RunUndisturbed();
    Place("counted");
    ASSERT_FALSE(Crash("counted", 0, 0, end));
    const std::uint64_t calls = CallsCounted(directory_ / "place/scratch");
    ASSERT_GT(calls, 50U);
    int ended = 0;
    for (int i = 0; i < points; ++i) {
      const auto seed = static_cast<std::uint64_t>(i);
      const std::uint64_t point = 1 + seed * calls / static_cast<std::uint64_t>(points);
      SCOPED_TRACE(fmt::format("ended at call {} of about {}, seed {}", point, calls, seed));
      const std::string name = fmt::format("run-{}", i);
      Place(name);
      ended += Crash(name, point, seed, end) ? 1 : 0;
      EXPECT_EQ(Difference(undisturbed, RunToEnd(name)), "");
      int repeats = 0;
      for (const auto& [text, identities] : monitor_.Received(name)) {
        EXPECT_LE(identities.size(), 2U) << text;
        // Otherwise it was sent before it was stored durably.
        EXPECT_EQ(identities.front(), identities.back()) << text;
        repeats += static_cast<int>(identities.size()) - 1;
      }
      EXPECT_LE(repeats, most_repeats.value_or(repeats));
      if (HasFailure()) return;
    }
    EXPECT_GT(ended, points * 8 / 10) << "too few runs were ended";
    fmt::print("{} runs, {} of them ended at one of about {} calls\n", points, ended, calls);
  }

  TemporaryDirectory directory_;
  Monitor monitor_;
  bool is_notified_ = false;  // of all runs, since the ledger is older than they are; else of none
  std::string expected_;      // the texts of the notices that the monitor must receive in a run
};

// A notice whose response was lost is sent once more.
TEST_F(CrashesAtLength, AKillAtAnyCallLosesNothing) {
  BeginWithAnOldLedger();
  LeaveRuns();
  CrashEverywhere(End::kKill, HowMany(kPointsInCi, 1000), 1);
}

// A stored delivery is not synced, so after a power cut the notice may be sent once more.
TEST_F(CrashesAtLength, APowerCutAtAnyCallLosesNothing) {
  BeginWithAnOldLedger();
  LeaveRuns();
  CrashEverywhere(End::kPowerCut, HowMany(kPointsInCi, 1000), std::nullopt);
}

TEST_F(CrashesAtLength, AKillWhileTheLedgerIsCreatedLosesNothing) {
  LeaveRuns();
  CrashEverywhere(End::kKill, HowMany(kPointsInCi / 4, 500), 0);
}

TEST_F(CrashesAtLength, APowerCutWhileTheLedgerIsCreatedLosesNothing) {
  LeaveRuns();
  CrashEverywhere(End::kPowerCut, HowMany(kPointsInCi / 4, 500), 0);
}

TEST(PowerCut, AnEventAcceptedByTheCommandSurvivesAPowerCut) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    const TemporaryDirectory directory;
    for (const char* name : {"disk/ledger", "scratch"}) directory.MakeDirectory(name);
    ASSERT_EQ(RunProcess({kProgram, "--storage.path=" + (directory / "disk/ledger"), "event",
                          "home", "fail", "--message", "disk is gone"},
                         {.environment = PowerEnvironment({.shim = kPowerShim,
                                                           .directory = directory / "disk",
                                                           .scratch = directory / "scratch",
                                                           .seed = seed,
                                                           .cut_afterwards = true})}),
              0);
    EXPECT_NE(ReadText(directory / "disk/ledger/spool/events.jsonl").find("disk is gone"),
              std::string::npos);
  }
}

}  // namespace
}  // namespace backup_exporter
