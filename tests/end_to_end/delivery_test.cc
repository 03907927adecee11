// Notices from a file to a monitor, by the real program: with kill -9, a dead monitor, a restart.
// Labels: threads

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>

#include "base/http.h"
#include "base/time.h"
#include "delivery/services.h"
#include "kit/environment.h"
#include "kit/exporter_process.h"
#include "kit/faulty_server.h"
#include "kit/http_client.h"
#include "kit/need.h"
#include "kit/paths.h"
#include "kit/process.h"
#include "kit/services.h"
#include "kit/temporary_directory.h"
#include "kit/tools.h"

namespace backup_exporter {
namespace {

using testing::HasSubstr;
using testing::Not;

class DeliveryTest : public testing::Test {
 protected:
  DeliveryTest() { directory_.MakeDirectory("logs"); }

  void Configure(const std::string& monitors) {
    directory_.Write("config.yaml",
                     "sources:\n  - {format: restic, path: logs/*.jsonl}\n" + monitors);
  }
  [[nodiscard]] std::unique_ptr<ExporterProcess> Start() const {
    return std::make_unique<ExporterProcess>(kProgram, directory_ / "config.yaml",
                                             directory_.path());
  }
  // Writes many events at once, in the way of the `event` command.
  void WriteEvents(int first, int count) const {
    std::ofstream spool(directory_ / "ledger/spool/events.jsonl", std::ios::app);
    for (int i = first; i < first + count; ++i) {
      spool << nlohmann::json{{"event", i % 3 == 0 ? "fail" : "finish"},
                              {"backup", fmt::format("b{}", i)},
                              {"operation", "backup"},
                              {"time", ToSeconds(SystemClock().Now())},
                              {"exit_code", i % 3 == 0 ? 1 : 0}}
                   .dump()
            << "\n";
    }
  }
  std::string Command(const std::vector<std::string>& arguments, int code) const {
    std::vector<std::string> command{kProgram, "--config.file=" + (directory_ / "config.yaml"),
                                     "--storage.path=" + (directory_ / "ledger")};
    command.insert(command.end(), arguments.begin(), arguments.end());
    directory_.Write("out", "");
    EXPECT_EQ(RunProcess(command, {.output = directory_ / "out", .errors = "&1"}), code);
    return ReadText(directory_ / "out");
  }
  static std::string Backup(const FaultyServer::Request& request) {
    return nlohmann::json::parse(request.body).at("backup");
  }
  static FaultyServer::Reply Fine(const FaultyServer::Request&) { return {.status = 200}; }

  TemporaryDirectory directory_;
};

TEST_F(DeliveryTest, EventsOfAHookAreSentToTheMonitor) {
  FaultyServer server(Fine);
  Configure("monitors:\n  - webhook: {url: " + server.url() + "/x}\n");
  const auto exporter = Start();
  EXPECT_EQ(Command({"event", "home", "start"}, 0), "");
  ASSERT_TRUE(server.AwaitRequests(1));
  EXPECT_EQ(Command({"event", "home", "fail", "--message", "disk is gone"}, 0), "");
  ASSERT_TRUE(server.AwaitRequests(2));
  const auto requests = server.Requests();
  const auto start = nlohmann::json::parse(requests[0].body);
  const auto fail = nlohmann::json::parse(requests[1].body);
  EXPECT_EQ(start["state"], "start");
  EXPECT_EQ(fail["state"], "fail");
  EXPECT_EQ(fail["backup"], "home");
  EXPECT_THAT(fail["error"].get<std::string>(), HasSubstr("disk is gone"));
  EXPECT_EQ(fail["uid"], start["uid"]);
  EXPECT_TRUE(Eventually([&] {
    return exporter->Scrape().Number("backup_monitor_deliveries_total{monitor=\"webhook\"}") == 2;
  }));
  EXPECT_EQ(exporter->Scrape().Number("backup_monitor_up{monitor=\"webhook\"}"), 1);
}

TEST_F(DeliveryTest, NoEventIsLostWhenTheExporterIsKilledAtAHundredPoints) {
  constexpr int kEvents = 600;
  constexpr int kKills = 100;
  // The monitor does not wait for the kills, so they happen at random points.
  FaultyServer server(Fine);
  Configure("monitors:\n  - webhook: {url: " + server.url() + "/x}\n");
  auto exporter = Start();
  std::mt19937 chance(1);
  int left = kEvents;
  for (int kill = 0; kill < kKills; ++kill) {
    const int more = left / (kKills - kill);
    WriteEvents(kEvents - left, more);
    left -= more;
    const std::size_t reached = server.request_count() + chance() % 6;
    ASSERT_TRUE(server.AwaitRequests(reached)) << "after " << kill << " kills";
    exporter->process().Signal(SIGKILL);
    exporter->process().Wait();
    exporter = Start();
  }
  const auto deliveries = [&] {
    std::map<std::string, int> times;
    for (const auto& request : server.Requests()) ++times[Backup(request)];
    return times;
  };
  EXPECT_TRUE(Eventually([&] { return deliveries().size() == kEvents; })) << deliveries().size();
  int repeated = 0;
  for (const auto& [backup, times] : deliveries()) repeated += times - 1;
  EXPECT_LE(repeated, kKills) << "only notices in flight at a kill may arrive twice";
  EXPECT_EQ(exporter->Stop(), 0);
}

TEST_F(DeliveryTest, ADeadMonitorDelaysNeitherOthersNorTheShutdownAndIsNotifiedLater) {
  constexpr int kEvents = 1000;
  std::atomic<bool> dead = true;
  FaultyServer sick([&](const FaultyServer::Request&) {
    return FaultyServer::Reply{.status = 200, .fault = dead ? Fault::kHang : Fault::kNone};
  });
  FaultyServer healthy(Fine);
  Configure("monitors:\n  - webhook: {url: " + sick.url() +
            "/x}\n  - webhook: {url: " + healthy.url() + "/x}\n");
  auto exporter = Start();
  WriteEvents(0, kEvents);
  ASSERT_TRUE(healthy.AwaitRequests(kEvents));
  ASSERT_TRUE(sick.AwaitRequests(1));
  exporter->process().Signal(SIGTERM);
  EXPECT_EQ(exporter->process().Wait(), 0);
  const std::string pending = Command({"notify", "--pending"}, 0);
  EXPECT_EQ(std::ranges::count(pending, '\n'), kEvents);
  EXPECT_THAT(pending, HasSubstr("webhook finish of b1 (backup), since 2"));
  dead = false;
  const std::size_t before = sick.request_count();
  exporter = Start();
  ASSERT_TRUE(sick.AwaitRequests(before + kEvents));
  EXPECT_TRUE(Eventually([&] {
    return Command({"notify", "--pending"}, 0) == "no pending notices, no dead letters\n";
  }));
}

TEST_F(DeliveryTest, PendingNoticesAndDeadLettersAreListedBesideARunningExporter) {
  FaultyServer server([](const FaultyServer::Request& request) {
    return FaultyServer::Reply{.status = Backup(request) == "b0" ? 404 : 503, .body = "go away"};
  });
  Configure("monitors:\n  - webhook: {url: " + server.url() + "/x}\n    name: hook\n");
  const auto exporter = Start();
  WriteEvents(0, 2);
  ASSERT_TRUE(server.AwaitRequests(2));
  std::string pending;
  EXPECT_TRUE(Eventually([&] {
    pending = Command({"notify", "--pending"}, 0);
    return pending.find("HTTP 503") != pending.npos;
  })) << pending;
  EXPECT_THAT(pending, HasSubstr("hook finish of b1 (backup)"));
  EXPECT_THAT(pending, HasSubstr("hook fail of b0 (backup)"));
  EXPECT_THAT(pending, HasSubstr("dead letter"));
  EXPECT_THAT(pending, HasSubstr("HTTP 404: go away"));
}

TEST_F(DeliveryTest, ATestReportsWhetherAMonitorIsReached) {
  FaultyServer good(Fine);
  FaultyServer bad([](const FaultyServer::Request&) { return FaultyServer::Reply{.status = 500}; });
  Configure("monitors:\n  - webhook: {url: " + good.url() +
            "/x}\n    name: good\n  - webhook: {url: " + bad.url() +
            "/x}\n    name: bad\n  - cronhub: " + good.url() + "/start/1\n    name: check\n");
  EXPECT_EQ(Command({"notify", "--test", "good"}, 0), "good: delivered\n");
  const std::string both = Command({"notify", "--test"}, 1);
  EXPECT_THAT(both, HasSubstr("good: delivered\n"));
  EXPECT_THAT(both,
              HasSubstr("check: delivered; the monitor shows a success until the next run\n"));
  EXPECT_THAT(both, HasSubstr("bad: not delivered (http_5xx, would be retried): HTTP 500\n"));
  EXPECT_THAT(Command({"notify", "--test", "none"}, 2),
              HasSubstr("no monitor is named none; configured monitors: good bad check"));
  EXPECT_EQ(nlohmann::json::parse(good.Requests().at(0).body)["cause"], "test");
}

TEST_F(DeliveryTest, AReloadChangesTheMonitors) {
  FaultyServer one(Fine);
  FaultyServer two(Fine);
  Configure("monitors:\n  - webhook: {url: " + one.url() + "/x}\n");
  const auto exporter = Start();
  WriteEvents(0, 1);
  ASSERT_TRUE(one.AwaitRequests(1));
  Configure("monitors:\n  - webhook: {url: " + two.url() + "/x}\n    name: two\n");
  exporter->process().Signal(SIGHUP);
  ASSERT_TRUE(Eventually([&] {
    return exporter->Scrape().Find("backup_monitor_info{monitor=\"two\",kind=\"webhook\"}") == "1";
  }));
  WriteEvents(1, 1);
  ASSERT_TRUE(two.AwaitRequests(1));
  EXPECT_EQ(one.request_count(), 1U);
}

// Every option that may contain a secret has one that is easy to find, and the service repeats
// every request in its refusal.
TEST_F(DeliveryTest, NoSecretIsDisclosed) {
  std::atomic<bool> refuses = true;
  FaultyServer server([&](const FaultyServer::Request& request) {
    // Only the beginning of an answer is quoted.
    std::string all;
    for (const char* name : {"authorization", "x-token"}) {
      const auto found = request.headers.find(name);
      if (found != request.headers.end()) all += found->second + "\n";
    }
    all += request.target + "\n" + request.body + "\n";
    for (const auto& [name, value] : request.headers) all += name + ": " + value + "\n";
    return FaultyServer::Reply{.status = refuses ? 404 : 503, .body = all};
  });
  const std::string url = server.url();
  const std::string host = url.substr(url.find("//") + 2);
  directory_.Write("token", "CANARYfile\n");
  const std::string monitors = fmt::format(
      R"(monitors:
  - apprise: {{server: '{0}/CANARYapprise', services: [{{url: 'json://CANARYuser:CANARYpass@x/CANARYpath', label: x}}]}}
  - cronhub: '{0}/start/CANARYcronhub'
  - cronitor: '{0}/CANARYcronitor'
  - healthchecks: '{0}/CANARYhealthchecks'
  - loki: {{url: 'http://CANARYloki:CANARYloki2@{1}/push', labels: {{a: b}}}}
  - loki: {{url: '{0}/push', labels: {{a: b}}, username: user, password: CANARYloki3}}
  - ntfy: {{topic: t, server: '{0}', access_token: CANARYntfy}}
  - ntfy: {{topic: t, server: '{0}', username: CANARYntfy2, password: CANARYntfy3}}
  - ntfy: {{topic: t, server: '{0}', access_token_file: token}}
  - pagerduty: {{integration_key: CANARYpagerduty, server: '{0}'}}
  - pushover: {{token: CANARYpushover, user: CANARYpushover2, server: '{0}'}}
  - sentry: {{data_source_name_url: 'http://CANARYsentry@{1}/1', monitor_slug: s}}
  - uptime_kuma: '{0}/CANARYkuma'
  - watchgoose: '{0}/CANARYwatchgoose'
  - webhook: {{url: '{0}/CANARYwebhook?t=CANARYquery', headers: {{X-Token: CANARYheader}}, username: u, password: CANARYbasic}}
  - command: {{command: [sh, -c, 'echo $TOKEN; exit 65'], environment: {{TOKEN: CANARYcommand}}}}
  - zabbix: {{server: '{0}/api', api_key: CANARYzabbix, host: h, key: k}}
  - zabbix: {{server: '{0}/api', username: CANARYzabbix2, password: CANARYzabbix3, host: h, key: k}}
)",
      url, host);
  for (const Service& service : Services()) {
    EXPECT_THAT(monitors, HasSubstr(fmt::format("- {}: ", service.key)))
        << "add " << service.key << " with its secrets to this test";
  }
  Configure(monitors);
  std::string seen = Command({"--config.check"}, 0);
  EXPECT_THAT(seen, HasSubstr("18 monitors"));
  seen += Command({"notify", "--test"}, 1);
  const auto exporter = Start();
  for (const bool refused : {true, false}) {
    refuses = refused;
    const std::string name = refused ? "refused" : "retried";
    EXPECT_EQ(Command({"event", name, "start"}, 0), "");
    EXPECT_EQ(
        Command({"event", name, "fail", "--message", "CANARYntfy is wrong, sftp://u:CANARYurl@h"},
                0),
        "");
    // Every monitor has failed.
    EXPECT_TRUE(Eventually([&] {
      const Page page = exporter->Scrape();
      std::istringstream lines(page.text());
      int down = 0;
      for (std::string line; std::getline(lines, line);) {
        down += line.starts_with("backup_monitor_up{") && line.ends_with("} 0") ? 1 : 0;
      }
      return down == 18;
    })) << exporter->Scrape().text();
    seen += exporter->Scrape().text() + Get(exporter->port(), "/").body +
            Command({"notify", "--pending"}, 0);
  }
  exporter->Stop();
  seen += ReadText(directory_ / "log");
  const std::size_t found = seen.find("CANARY");
  EXPECT_EQ(found, seen.npos) << seen.substr(found < 300 ? 0 : found - 300, 600);
  EXPECT_THAT(seen, HasSubstr("***"));
  for (const auto& [user, password] :
       {std::pair("user", "CANARYloki3"), {"CANARYntfy2", "CANARYntfy3"}, {"u", "CANARYbasic"}}) {
    const std::string header = BasicAuthorization(user, password);
    EXPECT_THAT(seen, Not(HasSubstr(header.substr(header.find(' ') + 1)))) << user;
  }
  for (const auto& request : server.Requests()) {
    EXPECT_THAT(request.body, Not(HasSubstr("CANARYurl"))) << "masked before it leaves";
  }
}

// Real services (kit/services.h).

class MonitorTools : public DeliveryTest {
 protected:
  // Writes a run of each backup, with a message: a failure for every third backup, else a success.
  void WriteRuns(int backups) const {
    std::ofstream spool(directory_ / "ledger/spool/events.jsonl", std::ios::app);
    const double now = ToSeconds(SystemClock().Now());
    for (int i = 0; i < backups; ++i) {
      const auto write = [&](const std::string& event, double time, nlohmann::json more) {
        more.update({{"event", event},
                     {"backup", fmt::format("b{}", i)},
                     {"operation", "backup"},
                     {"time", time}});
        spool << more.dump() << "\n";
      };
      write("start", now + i * 0.001, nlohmann::json::object());
      write("log", now + i * 0.001 + 0.0002, {{"message", fmt::format("message of b{}", i)}});
      if (i % 3 == 0) {
        write("fail", now + i * 0.001 + 0.0005, {{"exit_code", 2}, {"message", "disk is gone"}});
      } else {
        write("finish", now + i * 0.001 + 0.0005, {{"exit_code", 0}});
      }
    }
  }
};

TEST_F(MonitorTools, ALokiServerStoresEveryEventOnceInOrderWithItsLabels) {
  NEED_TOOLS(VictoriaLogsServer::Missing());
  const VictoriaLogsServer server;
  constexpr int kBackups = 50;
  Configure(
      fmt::format("monitors:\n  - loki:\n      url: http://127.0.0.1:{}{}/loki/api/v1/push\n"
                  "      labels: {{app: backups, backup: '{{backup}}'}}\n",
                  server.port(), VictoriaLogsServer::kPushBase));
  const auto exporter = Start();
  WriteRuns(kBackups);
  ASSERT_TRUE(Eventually([&] {
    return exporter->Scrape().Number("backup_monitor_deliveries_total{monitor=\"loki\"}") >=
               2 * kBackups &&
           exporter->Scrape().Number("backup_monitor_queue_length{monitor=\"loki\"}") == 0;
  }));
  std::map<std::string, std::vector<LogLine>> by_backup;
  EXPECT_TRUE(Eventually([&] {
    by_backup.clear();
    for (const LogLine& line : server.Lines()) by_backup[line.labels.at("backup")].push_back(line);
    return by_backup.size() == kBackups &&
           std::ranges::all_of(by_backup, [](const auto& one) { return one.second.size() >= 3; });
  }));
  for (int i = 0; i < kBackups; ++i) {
    const auto& lines = by_backup[fmt::format("b{}", i)];
    std::vector<std::string> texts;
    for (const LogLine& line : lines) {
      texts.push_back(line.line.substr(0, line.line.find(" backup:")));
      EXPECT_EQ(line.labels.at("app"), "backups");
      EXPECT_EQ(line.metadata.at("operation"), "backup");
      EXPECT_EQ(line.metadata.at("run"), lines.front().metadata.at("run"));
    }
    const std::string message = fmt::format("message of b{}", i);
    const std::vector<std::string> bad{"Started", message, "disk is gone", "Failed"};
    const std::vector<std::string> good{"Started", message, "Finished"};
    EXPECT_EQ(texts, i % 3 == 0 ? bad : good) << i;
  }
}

TEST_F(MonitorTools, ZabbixStoresEveryValueWithTheTimeOfItsEvent) {
  NEED_TOOLS(ZabbixServer::Missing());
  const ZabbixServer server;
  server.AddHost("backup-host", {{"backup.status[b0]"}, {"backup.status[b1]"}});
  Configure(
      fmt::format("monitors:\n  - zabbix:\n      server: 127.0.0.1:{}\n"
                  "      host: backup-host\n      key: 'backup.status[{{backup}}]'\n"
                  "      states: [start, finish, fail]\n"
                  "      fail: {{value: 'fail: {{error}}'}}\n",
                  server.port()));
  const auto exporter = Start();
  WriteRuns(2);
  std::vector<ZabbixValue> bad;
  std::vector<ZabbixValue> good;
  EXPECT_TRUE(Eventually([&] {
    bad = server.History("backup-host", "backup.status[b0]");
    good = server.History("backup-host", "backup.status[b1]");
    return !bad.empty() && !good.empty();
  }));
  EXPECT_EQ(bad.back().value, "fail: disk is gone");
  EXPECT_EQ(good.back().value, "finish");
  EXPECT_GT(good.back().ns, bad.back().ns - 1'000'000'000) << "each has its own time";
  EXPECT_TRUE(Eventually([&] {
    const Page page = exporter->Scrape();
    return page.Number("backup_monitor_queue_length{monitor=\"zabbix\"}") == 0 &&
           page.Number("backup_monitor_dropped_total{monitor=\"zabbix\",reason=\"permanent\"}") ==
               0;
  }));
}

TEST_F(MonitorTools, TheProgramAppriseNotifiesItsTarget) {
  const std::string apprise = Tool("apprise");
  NEED_TOOLS(apprise.empty() ? MissingTool({"apprise"}) : "");
  FaultyServer target(Fine);
  const ScopedEnvironment path(
      "PATH", std::filesystem::path(apprise).parent_path().string() + ":" + std::getenv("PATH"));
  Configure(
      fmt::format("monitors:\n  - apprise:\n      services: [{{url: 'json://127.0.0.1:{}/x', "
                  "label: local}}]\n",
                  target.port()));
  EXPECT_EQ(Command({"notify", "--test"}, 0), "apprise: delivered\n");
  const auto exporter = Start();
  WriteRuns(1);
  ASSERT_TRUE(target.AwaitRequests(2));
  const auto body = nlohmann::json::parse(target.Requests().at(1).body);
  EXPECT_EQ(body["title"], "Backup of b0 failed");
  EXPECT_EQ(body["type"], "failure");
  EXPECT_THAT(body["message"].get<std::string>(), HasSubstr("disk is gone"));
}

}  // namespace
}  // namespace backup_exporter
