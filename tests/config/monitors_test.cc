#include "config/monitors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/config.h"
#include "kit/environment.h"
#include "kit/monitors.h"
#include "kit/temporary_directory.h"

namespace backup_exporter {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr const char* kSources = "sources:\n  - {format: restic, path: /x.jsonl}\n";

class MonitorsTest : public testing::Test {
 protected:
  ConfigurationOrErrors Parse(const std::string& yaml) {
    return ParseConfiguration(kSources + yaml, "config.yaml", directory_.path());
  }
  MonitorsConfig Read(const std::string& yaml) {
    const auto configuration = Parse(yaml);
    EXPECT_TRUE(configuration) << Described(configuration);
    return configuration ? configuration->monitors : MonitorsConfig{};
  }
  std::vector<std::string> Names(const std::string& yaml) {
    std::vector<std::string> names;
    for (const auto& monitor : Read(yaml).monitors) names.push_back(monitor.subscription.monitor);
    return names;
  }
  Subscription One(const std::string& yaml) {
    const MonitorsConfig read = Read(yaml);
    EXPECT_EQ(read.monitors.size(), 1U);
    return read.monitors.empty() ? Subscription{} : read.monitors[0].subscription;
  }
  std::string ErrorsIn(const std::string& yaml) { return Described(Parse(yaml)); }

  TemporaryDirectory directory_;

 private:
  static std::string Described(const ConfigurationOrErrors& configuration) {
    std::string text;
    if (configuration) return text;
    for (const ConfigError& error : configuration.error()) text += Describe(error) + "\n";
    return text;
  }
};

TEST_F(MonitorsTest, AMonitorIsNamedAfterItsServiceUnlessItHasAName) {
  EXPECT_THAT(Names("monitors:\n"
                    "  - ntfy: {topic: a}\n"
                    "  - ntfy: {topic: b}\n"
                    "    name: phone\n"
                    "  - ntfy: {topic: c}\n"),
              ElementsAre("ntfy", "phone", "ntfy-2"));
}

TEST_F(MonitorsTest, AMonitorGetsAllBackupsAndTheUsualOperationsByDefault) {
  const Subscription subscription = One("monitors:\n  - ntfy: {topic: a}\n");
  EXPECT_EQ(subscription.kind, "ntfy");
  EXPECT_THAT(subscription.backups, IsEmpty());
  EXPECT_THAT(subscription.operations,
              UnorderedElementsAre(Operation::kBackup, Operation::kPrune, Operation::kCompact,
                                   Operation::kForget, Operation::kCheck));
  EXPECT_THAT(subscription.states, ElementsAre(NoticeState::kFail));
  EXPECT_EQ(subscription.keep, 7 * 24h);
  EXPECT_FALSE(subscription.recovery);
}

TEST_F(MonitorsTest, OptionsOfAMonitorSelectItsNotices) {
  const Subscription subscription =
      One("monitors:\n"
          "  - ntfy: {topic: a, states: [start, finish]}\n"
          "    backups: [home, 'n*']\n"
          "    operations: [restore]\n"
          "    recovery: true\n    after: 3\n    remind: 24h\n    keep: 2d\n");
  EXPECT_THAT(subscription.backups, ElementsAre("home", "n*"));
  EXPECT_THAT(subscription.operations, ElementsAre(Operation::kRestore));
  EXPECT_THAT(subscription.states, ElementsAre(NoticeState::kStart, NoticeState::kFinish));
  EXPECT_TRUE(subscription.recovery);
  EXPECT_EQ(subscription.after, 3U);
  EXPECT_EQ(subscription.remind, 24h);
  EXPECT_EQ(subscription.keep, 48h);
}

TEST_F(MonitorsTest, BlocksMayBePastedFromBorgmatic) {
  EXPECT_THAT(Names("ntfy:\n  topic: a\nhealthchecks:\n  ping_url: https://hc.example/x\n"),
              ElementsAre("healthchecks", "ntfy"));
  const MonitorsConfig hooks =
      Read("hooks:\n  healthchecks: https://hc.example/x\n  before_backup: [echo]\n");
  ASSERT_EQ(hooks.monitors.size(), 1U);
  EXPECT_THAT(hooks.warnings, ElementsAre(HasSubstr("before_backup")));
}

TEST_F(MonitorsTest, MonitorsAreImportedFromABorgmaticConfiguration) {
  directory_.Write("borgmatic.yaml",
                   "repositories: [{path: x}]\nmonitoring_verbosity: 0\n"
                   "ntfy: {topic: a}\nhooks: {healthchecks: {ping_url: https://hc.example/x}}\n");
  const MonitorsConfig read = Read("monitors:\n  - import: borgmatic.yaml\n    backups: [home]\n");
  ASSERT_EQ(read.monitors.size(), 2U);
  EXPECT_THAT(read.monitors[0].subscription.backups, ElementsAre("home"));
  EXPECT_EQ(read.monitors[1].subscription.messages, Level::kWarning);
}

TEST_F(MonitorsTest, ErrorsInAnImportedFileNameThatFile) {
  directory_.Write("borgmatic.yaml", "ntfy:\n  topicc: a\n");
  EXPECT_THAT(ErrorsIn("monitors:\n  - import: borgmatic.yaml\n"),
              HasSubstr(directory_ / "borgmatic.yaml" + ":2:3: unknown key `topicc`"));
  EXPECT_THAT(ErrorsIn("monitors:\n  - import: nothing.yaml\n"),
              HasSubstr(":4:13: there is no file " + directory_ / "nothing.yaml" +
                        " with a borgmatic configuration: create it, or correct the path\n"));
  directory_.Write("none.yaml", "repositories: []\n");
  EXPECT_THAT(ErrorsIn("monitors:\n  - import: none.yaml\n"), HasSubstr("has no monitors"));
}

TEST_F(MonitorsTest, VariablesOfTheEnvironmentAreReplaced) {
  const ScopedEnvironment environment("BE_TOPIC", "from-the-environment");
  const MonitorsConfig read = Read("monitors:\n  - ntfy: {topic: '${BE_TOPIC}'}\n");
  FakeTransport transport;
  transport.http = [](const HttpRequest&) { return GoodAnswer("ntfy"); };
  ASSERT_EQ(read.monitors[0].monitor->Send({.backup = "home"}, transport).outcome,
            Delivery::Outcome::kDelivered);
  EXPECT_THAT(transport.requests.at(0).body, HasSubstr("from-the-environment"));
  EXPECT_THAT(ErrorsIn("monitors:\n  - ntfy: {topic: '${BE_NONE}'}\n"),
              HasSubstr("config.yaml:4:19: the environment variable BE_NONE is not set"));
}

TEST_F(MonitorsTest, SecretsOfAllMonitorsAreMasked) {
  const MonitorsConfig read = Read(
      "monitors:\n  - ntfy: {topic: a, access_token: CANARY}\n"
      "  - healthchecks: https://hc.example/CANARY-TWO\n");
  EXPECT_EQ(read.mask.Mask("CANARY CANARY-TWO"), "*** ***");
}

TEST_F(MonitorsTest, EveryErrorIsReportedWithItsPosition) {
  const std::string errors = ErrorsIn(
      "monitors:\n"
      "  - backups: [home]\n"
      "  - ntfy: {topic: a}\n"
      "    healthchecks: https://hc.example/x\n"
      "  - ntfy: {topic: a, states: [log]}\n"
      "    operations: [backups]\n"
      "    after: 0\n"
      "    remind: often\n"
      "  - nfty: {topic: a}\n");
  EXPECT_THAT(errors, HasSubstr("config.yaml:4:5: a monitor needs a service: apprise, command"));
  EXPECT_THAT(errors, HasSubstr("a monitor has only one service"));
  EXPECT_THAT(errors, HasSubstr("unknown state `log`: ntfy supports start, finish, fail"));
  EXPECT_THAT(errors, HasSubstr("unknown operation `backups`"));
  EXPECT_THAT(errors, HasSubstr("`after` must be a whole number from 1 to 1000, not `0`"));
  EXPECT_THAT(errors, HasSubstr("`remind` must be a number above 0 with s, m, h or d"));
  EXPECT_THAT(errors, HasSubstr("unknown key `nfty`; did you mean `ntfy`?"));
}

TEST_F(MonitorsTest, AMonitorWithAHeartbeatGetsNoOtherNotices) {
  const MonitorsConfig read =
      Read("monitors:\n  - healthchecks: https://hc.example/x\n    heartbeat: 5m\n");
  ASSERT_EQ(read.monitors.size(), 1U);
  EXPECT_EQ(read.monitors[0].heartbeat, 5min);
  EXPECT_THAT(read.monitors[0].subscription.states, IsEmpty());
  EXPECT_THAT(ErrorsIn("monitors:\n  - healthchecks: https://hc.example/x\n    heartbeat: 5m\n"
                       "    backups: [home]\n"),
              HasSubstr("configure another monitor for the backups"));
  EXPECT_THAT(
      ErrorsIn("monitors:\n  - healthchecks: 'https://hc.example/{backup}'\n    heartbeat: 5m\n"),
      HasSubstr("a `heartbeat` is not about a backup"));
  EXPECT_THAT(ErrorsIn("monitors:\n  - ntfy: {topic: a}\n    heartbeat: 5m\n"),
              HasSubstr("ntfy does not alert when a heartbeat is missing"));
}

TEST_F(MonitorsTest, VerbositySelectsTheMessagesOfANotice) {
  const auto messages = [&](const std::string& yaml) {
    return One(yaml + "healthchecks: https://hc.example/x\n").messages;
  };
  EXPECT_EQ(messages(""), Level::kInfo);
  EXPECT_EQ(messages("monitoring_verbosity: -1\n"), Level::kError);
  EXPECT_EQ(messages("monitoring_verbosity: 2\n"), Level::kDebug);
  EXPECT_THAT(Names("monitoring_verbosity: -2\nntfy: {topic: a}\n"), IsEmpty());
  EXPECT_EQ(One("healthchecks: {ping_url: https://hc.example/x, send_logs: false}\n").messages,
            std::nullopt);
}

TEST_F(MonitorsTest, APlaceholderInTheUrlMeansAStateForEachBackup) {
  EXPECT_FALSE(One("healthchecks: https://hc.example/x\n").by_backup);
  EXPECT_TRUE(One("healthchecks: 'https://hc.example/{backup}'\n").by_backup);
  EXPECT_TRUE(One("healthchecks: 'https://hc.example/{backup}-{operation}'\n").by_operation);
}

}  // namespace
}  // namespace backup_exporter
