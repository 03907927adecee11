#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kit/monitors.h"

namespace backup_exporter {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr const char* kBlock = "pagerduty: {integration_key: canary-key}";

nlohmann::json Body(const Notice& notice, const std::string& yaml = kBlock) {
  return nlohmann::json::parse(RequestFor(yaml, notice).body);
}

SendResult SendResultFor(const HttpAnswer& answer) { return SendResultFor(kBlock, answer); }

TEST(Pagerduty, TheRequestsMatchTheRecordings) {
  ExpectGolden("pagerduty", {{"body dedup_key",
                              "allows resolving a failure, and makes failures in a row one alert"},
                             {"body payload.summary", "names the backup and the reason"},
                             {"body payload.component", "the recorded one names another tool"},
                             {"body payload.custom_details.logs: ours", "logs are sent by default"},
                             {"body payload.custom_details.backup", "known values are sent"},
                             {"body payload.custom_details.operation", "known values are sent"},
                             {"body payload.custom_details.result", "known values are sent"},
                             {"body payload.custom_details.text",
                              "has the figures of the run and the number of failures in a row"},
                             {"body payload.custom_details.error", "known values are sent"},
                             {"body payload.custom_details.duration", "known values are sent"}});
}

TEST(Pagerduty, LogsAreSentExactlyWhereTheyWereRecorded) {
  int compared = 0;
  for (const GoldenCase& golden : GoldenCases("pagerduty")) {
    if (golden.yaml.find("send_logs") == std::string::npos || golden.requests.empty()) continue;
    const auto ours = nlohmann::json::parse(RequestsFor(golden).at(0).body);
    EXPECT_EQ(ours["payload"]["custom_details"]["logs"],
              golden.requests[0]["body"]["payload"]["custom_details"]["logs"])
        << golden.name;
    ++compared;
  }
  EXPECT_EQ(compared, 2);
}

TEST(Pagerduty, TheSummaryNamesTheBackupTheHostAndTheReason) {
  const auto payload = Body(MakeNotice(NoticeState::kFail))["payload"];
  EXPECT_EQ(payload["summary"],
            "Backup of home failed on backup-host-1: repository is already locked");
  EXPECT_EQ(payload["timestamp"], "2026-03-01T02:00:07.000000+00:00");
  EXPECT_EQ(payload["custom_details"]["configuration filename"], "/etc/test/config.yaml");
}

TEST(Pagerduty, ARecoveryResolvesTheAlertOfTheFailure) {
  const auto trigger = Body(MakeNotice(NoticeState::kFail));
  Notice well = MakeNotice(NoticeState::kResolve);
  well.uid = "another run";
  const auto resolve = Body(well);
  EXPECT_EQ(trigger["event_action"], "trigger");
  EXPECT_EQ(resolve["event_action"], "resolve");
  EXPECT_EQ(resolve["dedup_key"], trigger["dedup_key"]);
  EXPECT_EQ(resolve["routing_key"], trigger["routing_key"]);
  EXPECT_FALSE(resolve.contains("payload"));
}

TEST(Pagerduty, EachBackupAndOperationHasItsOwnAlert) {
  Notice check = MakeNotice(NoticeState::kFail);
  check.operation = Operation::kCheck;
  Notice other = MakeNotice(NoticeState::kFail);
  other.backup = "nas";
  const auto key = Body(MakeNotice(NoticeState::kFail))["dedup_key"];
  EXPECT_NE(Body(check)["dedup_key"], key);
  EXPECT_NE(Body(other)["dedup_key"], key);
}

TEST(Pagerduty, LongNamesAreCutToTheLimitsAndStayDistinct) {
  Notice one = MakeNotice(NoticeState::kFail);
  one.backup = std::string(600, 'a') + "1";
  one.error = std::string(5000, 'e');
  one.messages = {{.level = Level::kInfo, .text = std::string(20'000, '\x01')}};
  Notice two = one;
  two.backup.back() = '2';
  const auto body = Body(one);
  EXPECT_LE(body["dedup_key"].get<std::string>().size(), 255U);
  EXPECT_NE(body["dedup_key"], Body(two)["dedup_key"]);
  EXPECT_EQ(body["payload"]["summary"].get<std::string>().size(), 1024U);
  EXPECT_EQ(body["payload"]["custom_details"]["logs"].get<std::string>().size(), 10'000U);
  EXPECT_LT(body.dump().size(), 512U << 10);
}

TEST(Pagerduty, InvalidUtf8IsReplaced) {
  Notice notice = MakeNotice(NoticeState::kFail);
  notice.backup = "h\xFFme";
  notice.error = "\xC3";
  EXPECT_THAT(Body(notice)["payload"]["summary"].get<std::string>(), StartsWith("Backup of h"));
}

TEST(Pagerduty, ATestIsSentAsATestAndHasItsOwnAlert) {
  Notice test = MakeNotice(NoticeState::kFail);
  test.cause = NoticeCause::kTest;
  const auto body = Body(test);
  EXPECT_EQ(body["event_action"], "trigger");
  EXPECT_EQ(body["payload"]["severity"], "info");
  EXPECT_THAT(body["payload"]["summary"].get<std::string>(), StartsWith("Test of"));
  EXPECT_NE(body["dedup_key"], Body(MakeNotice(NoticeState::kFail))["dedup_key"]);
}

TEST(Pagerduty, TheAlertOfATestIsResolved) {
  Notice test = MakeNotice(NoticeState::kFail);
  test.cause = NoticeCause::kTest;
  const auto trigger = Body(test);
  test.state = NoticeState::kResolve;
  const auto resolve = Body(test);
  EXPECT_EQ(resolve["event_action"], "resolve");
  EXPECT_EQ(resolve["dedup_key"], trigger["dedup_key"]);
  EXPECT_FALSE(resolve.contains("payload"));
}

TEST(Pagerduty, TheDetailsHaveTheFiguresOfTheRun) {
  Notice notice = MakeNotice(NoticeState::kFail);
  notice.failures = 3;
  EXPECT_THAT(Body(notice)["payload"]["custom_details"]["text"].get<std::string>(),
              HasSubstr("1.5 KiB added, exit code 2, the 3rd failure in a row"));
}

TEST(Pagerduty, RequestsGoToTheConfiguredServer) {
  MadeMonitor made = MakeMonitor(
      "pagerduty: {integration_key: canary-key, server: 'https://events.eu.pagerduty.com/'}");
  FakeTransport transport;
  static_cast<void>(made.monitor->Send(MakeNotice(NoticeState::kFail), transport));
  EXPECT_EQ(transport.requests.at(0).url, "https://events.eu.pagerduty.com/v2/enqueue");
}

TEST(Pagerduty, TheErrorOfARefusalQuotesTheService) {
  const SendResult result = SendResultFor(
      {.status = 400, .body = R"({"status":"invalid event","errors":["no key","no source"]})"});
  EXPECT_EQ(result.outcome, Delivery::Outcome::kRefused);
  EXPECT_EQ(result.error, "HTTP 400: no key; no source");
  EXPECT_THAT(SendResultFor({.status = 403, .body = "no"}).error, HasSubstr("HTTP 403: no"));
}

TEST(Pagerduty, TooManyRequestsAreRetriedAfterHalfAMinute) {
  const SendResult result = SendResultFor({.status = 429});
  EXPECT_EQ(result.outcome, Delivery::Outcome::kRetry);
  EXPECT_EQ(result.pause, std::chrono::seconds(30));
}

TEST(Pagerduty, ARequestIsRetriedWithoutAnAnswerOfTheService) {
  EXPECT_EQ(SendResultFor({.status = 500}).outcome, Delivery::Outcome::kRetry);
  EXPECT_EQ(SendResultFor({.status = 0}).outcome, Delivery::Outcome::kRetry);
  EXPECT_EQ(SendResultFor({.status = 200, .body = "<html>"}).outcome, Delivery::Outcome::kRetry);
}

TEST(Pagerduty, TheKeyIsMasked) {
  EXPECT_THAT(MakeMonitor(kBlock).options.mask.Mask("is canary-key"), Not(HasSubstr("canary")));
}

TEST(Pagerduty, LogsAreSentUnlessDisabled) {
  EXPECT_TRUE(MakeMonitor(kBlock).options.sends_messages);
  EXPECT_FALSE(
      MakeMonitor("pagerduty: {integration_key: x, send_logs: false}").options.sends_messages);
}

TEST(Pagerduty, TheBlockMayBeTheKeyAlone) {
  const MadeMonitor made = MakeMonitor("pagerduty: canary-key");
  EXPECT_THAT(made.errors, ElementsAre());
  EXPECT_THAT(made.options.mask.Mask("canary-key"), Not(HasSubstr("canary")));
}

TEST(Pagerduty, MistakesInTheBlockAreReported) {
  EXPECT_THAT(MakeMonitor("pagerduty:\n  server: nowhere\n  send_logs: perhaps\n").errors,
              ElementsAre(HasSubstr("needs `integration_key`"), HasSubstr("`server` must be a URL"),
                          HasSubstr("`send_logs` must be true or false")));
}

}  // namespace
}  // namespace backup_exporter
