// The alerts from a backup's log to whom they wake, by the real Prometheus and the real
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
// By "alert of backup (or monitor)": what was told of it, in that order.
using Told = std::map<std::string, std::vector<std::string>>;

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

// The rules as they are, but for the waits of states (15 minutes before and after, which their own
// tests cover), and for how long a notice may wait (an hour). No other figure is changed, and not
// the 10 minutes of BackupExporterAbsent, within which Prometheus scrapes for the first time.
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

  // All that was told since the start, after a while.
  void ExpectTold(const Told& told) const {
    EXPECT_TRUE(Eventually([&] { return WhatWasTold() == told; }))
        << testing::PrintToString(WhatWasTold());
  }
  [[nodiscard]] Told WhatWasTold() const {
    Told told;
    for (const auto& request : receiver_.Requests()) {
      const json body = json::parse(request.body);
      for (const json& alert : body.at("alerts")) {
        const json& labels = alert.at("labels");
        told[fmt::format("{} of {}", labels.at("alertname").get<std::string>(),
                         labels.value("backup", labels.value("monitor", "")))]
            .push_back(alert.at("status"));
      }
    }
    return told;
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

TEST_F(AlertsTest, ArriveForWhatIsWrongAndForNothingElseAndAreResolvedWhenItIsMended) {
  directory_.Write("logs/fine.jsonl", ResticSummary(std::chrono::hours(1)));
  directory_.Write("logs/failing.jsonl", ResticSummary(std::chrono::hours(2)));
  directory_.Write("logs/late.jsonl", ResticSummary(std::chrono::hours(72)));
  ASSERT_NO_FATAL_FAILURE(Start());
  ASSERT_FALSE(HasFailure());
  // Until all of them are awake; then the monitor's pauses, which grow, are still short.
  ExpectTold({{"BackupOverdue of late", {"firing"}}, {"BackupWatchdog of ", {"firing"}}});
  down_ = true;
  directory_.Append("logs/failing.jsonl", Failure());
  ExpectTold({{"BackupFailed of failing", {"firing"}},
              {"BackupOverdue of late", {"firing"}},
              {"BackupDeliveryStuck of webhook", {"firing"}},
              {"BackupWatchdog of ", {"firing"}}});
  down_ = false;
  directory_.Append("logs/failing.jsonl", ResticSummary({}));
  directory_.Append("logs/late.jsonl", ResticSummary({}));
  ExpectTold({{"BackupFailed of failing", {"firing", "resolved"}},
              {"BackupOverdue of late", {"firing", "resolved"}},
              {"BackupDeliveryStuck of webhook", {"firing", "resolved"}},
              {"BackupWatchdog of ", {"firing"}}});
  for (const auto& request : receiver_.Requests()) {
    EXPECT_THAT(request.body, Not(HasSubstr("error expanding template")));
  }
}

}  // namespace
}  // namespace backup_exporter
