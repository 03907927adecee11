// The alerts from the log of a backup to their receiver, with the real Prometheus and the real
// Alertmanager.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/time.h"
#include "kit/alertmanager_server.h"
#include "kit/exporter_process.h"
#include "kit/faulty_server.h"
#include "kit/need.h"
#include "kit/paths.h"
#include "kit/process.h"
#include "kit/prometheus_server.h"
#include "kit/restic_log.h"
#include "kit/temporary_directory.h"

namespace backup_exporter {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;
// The states that the receiver was sent, in order, by "ALERT of BACKUP" (or monitor).
using Notifications = std::map<std::string, std::vector<std::string>>;

std::string Failure() {
  return json{{"message_type", "exit_error"}, {"code", 11}, {"message", "repository is locked"}}
             .dump() +
         "\n";
}

void Replace(std::string& text, const std::string& from, const std::string& to) {
  ASSERT_THAT(text, HasSubstr(from));
  for (std::size_t at = 0; (at = text.find(from, at)) != text.npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
}

// The rules with shorter waits: a second instead of the 15 minutes of `for` and `keep_firing_for`,
// which the tests of the rules cover, and of the hour that a notice may wait. Nothing else is
// changed; the 10 minutes of BackupExporterAbsent stay, since Prometheus scrapes first within them.
std::string ImpatientRules() {
  std::string rules = ReadText(std::string(kSourceDir) + "/rules/backup.rules.yml");
  Replace(rules, "for: 15m", "for: 1s");  // keep_firing_for too
  Replace(rules, "queue_oldest_timestamp_seconds > 0) > 3600",
          "queue_oldest_timestamp_seconds > 0) > 1");
  return rules;
}

class AlertsTest : public testing::Test {
 protected:
  void SetUp() override {
    NEED(AlertmanagerServer::Missing());
    directory_.MakeDirectory("logs");
    directory_.Write("config.yaml",
                     "sources:\n  - {format: restic, path: logs/*.jsonl}\n"
                     "backups:\n  - {name: '*', every: 1d}\n"
                     "monitors:\n  - webhook: {url: " +
                         monitor_.url() + "/}\n");
    directory_.Write("backup.rules.yml", ImpatientRules());
  }

  void Start() {
    exporter_ =
        std::make_unique<ExporterProcess>(kProgram, directory_ / "config.yaml", directory_.path());
    alertmanager_ = std::make_unique<AlertmanagerServer>(directory_, receiver_.url() + "/");
    prometheus_ = std::make_unique<PrometheusServer>(
        directory_, std::map<std::string, int>{{"backup_exporter", exporter_->port()}},
        PrometheusOptions{.rule_files = {directory_ / "backup.rules.yml"},
                          .alertmanager = alertmanager_->port()});
  }

  // Waits until these are all notifications since the start.
  void ExpectNotifications(const Notifications& expected) const {
    EXPECT_TRUE(Eventually([&] { return Received() == expected; }))
        << testing::PrintToString(Received());
  }
  [[nodiscard]] Notifications Received() const {
    Notifications received;
    for (const auto& request : receiver_.Requests()) {
      const json body = json::parse(request.body);
      for (const json& alert : body.at("alerts")) {
        const json& labels = alert.at("labels");
        received[fmt::format("{} of {}", labels.at("alertname").get<std::string>(),
                             labels.value("backup", labels.value("monitor", "")))]
            .push_back(alert.at("status"));
      }
    }
    return received;
  }

  TemporaryDirectory directory_;
  std::atomic<bool> down_ = false;
  FaultyServer monitor_{[this](const FaultyServer::Request&) {
    return FaultyServer::Reply{.status = down_ ? 503 : 200};
  }};
  FaultyServer receiver_{[](const FaultyServer::Request&) { return FaultyServer::Reply{}; }};
  std::unique_ptr<ExporterProcess> exporter_;
  std::unique_ptr<AlertmanagerServer> alertmanager_;
  std::unique_ptr<PrometheusServer> prometheus_;
};

TEST_F(AlertsTest, AlertsArriveForFaultsOnlyAndAreResolvedAfterTheirRepair) {
  directory_.Write("logs/fine.jsonl", ResticSummary(std::chrono::hours(1)));
  directory_.Write("logs/failing.jsonl", ResticSummary(std::chrono::hours(2)));
  directory_.Write("logs/late.jsonl", ResticSummary(std::chrono::hours(72)));
  ASSERT_NO_FATAL_FAILURE(Start());
  ASSERT_FALSE(HasFailure());
  // All servers are ready after this. The back-off of the monitor is still short then.
  ExpectNotifications({{"BackupOverdue of late", {"firing"}}, {"BackupWatchdog of ", {"firing"}}});
  down_ = true;
  directory_.Append("logs/failing.jsonl", Failure());
  ExpectNotifications({{"BackupFailed of failing", {"firing"}},
                       {"BackupOverdue of late", {"firing"}},
                       {"BackupDeliveryStuck of webhook", {"firing"}},
                       {"BackupWatchdog of ", {"firing"}}});
  down_ = false;
  directory_.Append("logs/failing.jsonl", ResticSummary({}));
  directory_.Append("logs/late.jsonl", ResticSummary({}));
  ExpectNotifications({{"BackupFailed of failing", {"firing", "resolved"}},
                       {"BackupOverdue of late", {"firing", "resolved"}},
                       {"BackupDeliveryStuck of webhook", {"firing", "resolved"}},
                       {"BackupWatchdog of ", {"firing"}}});
  for (const auto& request : receiver_.Requests()) {
    EXPECT_THAT(request.body, Not(HasSubstr("error expanding template")));
  }
}

}  // namespace
}  // namespace backup_exporter
