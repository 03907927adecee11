#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "kit/monitors.h"

namespace backup_exporter {
namespace {

using enum Delivery::Outcome;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;

constexpr const char* kBlock = "webhook:\n  url: https://x.example/hook\n";

HttpRequest Sent(const Notice& notice, const std::string& more = "") {
  return RequestFor(kBlock + more, notice);
}

nlohmann::json Body(const Notice& notice, const std::string& more = "") {
  return nlohmann::json::parse(Sent(notice, more).body);
}

SendResult SendResultFor(const HttpAnswer& answer) { return SendResultFor(kBlock, answer); }

TEST(Webhook, TheWholeNoticeIsSentAsJson) {
  Notice notice = MakeNotice(NoticeState::kFail);
  notice.also_failing = {"nas"};
  notice.messages = {{.at = notice.at, .level = Level::kWarning, .text = "changed"},
                     {.level = Level::kError, .text = "locked"}};
  const HttpRequest request = Sent(notice);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.url, "https://x.example/hook");
  EXPECT_THAT(request.headers, ElementsAre(Pair("Content-Type", "application/json")));
  auto body = nlohmann::json::parse(request.body);
  EXPECT_THAT(body["text"].get<std::string>(), HasSubstr("already locked"));
  body.erase("text");
  EXPECT_EQ(body, nlohmann::json::parse(R"({
    "state": "fail", "cause": "run", "title": "Backup of home failed",
    "time": "2026-03-01T02:00:07.000000Z", "uid": "0d6c1d2e-3a65-4c5b-9d0e-6f8a7b9c0d1e",
    "backup": "home", "operation": "backup", "result": "failure",
    "error": "repository is already locked", "reason": "locked", "exit_code": 2,
    "started": "2026-03-01T02:00:00.000000Z", "duration_seconds": 7.0, "added_bytes": 1536,
    "failures": 1, "also_failing": ["nas"],
    "messages": [{"time": "2026-03-01T02:00:07.000000Z", "level": "warning", "text": "changed"},
                 {"level": "error", "text": "locked"}]})"));
}

TEST(Webhook, OtherFailingBackupsAreListedOnce) {
  Notice notice = MakeNotice(NoticeState::kFail);
  notice.error.clear();
  notice.reason.reset();
  notice.result = RunResult::kSuccess;
  notice.also_failing = {"nas"};
  const auto text = Body(notice)["text"].get<std::string>();
  EXPECT_THAT(text, HasSubstr("Failing: nas."));
  EXPECT_EQ(text.find("nas"), text.rfind("nas"));
}

TEST(Webhook, ANoticeWithoutABackupHasNoValuesOfOne) {
  for (const NoticeCause cause : {NoticeCause::kHeartbeat, NoticeCause::kTest}) {
    const auto body = Body({.cause = cause, .at = MakeNotice(NoticeState::kFinish).at});
    EXPECT_EQ(body["state"], "finish");
    EXPECT_EQ(body["cause"], cause == NoticeCause::kTest ? "test" : "heartbeat");
    EXPECT_FALSE(body.contains("backup"));
    EXPECT_FALSE(body.contains("result"));
    EXPECT_FALSE(body.contains("uid"));
  }
}

TEST(Webhook, ErrorsAndTheNewestMessagesAreKeptIfNotAllFit) {
  Notice notice = MakeNotice(NoticeState::kFail);
  notice.messages.push_back({.level = Level::kError, .text = "first error"});
  for (int i = 0; i < 30; ++i) notice.messages.push_back({.text = std::string(20'000, 'x')});
  notice.messages.push_back({.text = "newest"});
  const auto messages = Body(notice)["messages"];
  ASSERT_EQ(messages.size(), 11U);
  EXPECT_EQ(messages.front()["text"], "first error");
  EXPECT_EQ(messages[1]["text"].get<std::string>().size(), 10'000U);
  EXPECT_EQ(messages.back()["text"], "newest");
}

TEST(Webhook, NoMessagesAreSentIfDisabled) {
  EXPECT_TRUE(MakeMonitor(kBlock).options.sends_messages);
  const std::string off = "  send_logs: false\n";
  EXPECT_FALSE(MakeMonitor(kBlock + off).options.sends_messages);
  EXPECT_FALSE(Body(MakeNotice(NoticeState::kFail), off).contains("messages"));
}

TEST(Webhook, AConfiguredMapIsSentAsJsonWithItsTypes) {
  const std::string body =
      "  body:\n    text: '{backup}: {error}'\n    priority: 5\n    '5': '5'\n    on: true\n"
      "    none:\n    added: '{added_bytes}'\n    list: ['{added_bytes} bytes', {a: '{result}'}]\n";
  Notice notice = MakeNotice(NoticeState::kFail);
  notice.error = R"(say "no")";
  EXPECT_EQ(Body(notice, body), nlohmann::json::parse(R"({
    "text": "home: say \"no\"", "priority": 5, "5": "5", "on": true, "none": null, "added": 1536,
    "list": ["1536 bytes", {"a": "failure"}]})"));
  notice.figures = {};
  EXPECT_TRUE(Body(notice, body)["added"].is_null());
}

TEST(Webhook, AConfiguredTextIsSentWithItsPlaceholdersReplaced) {
  const HttpRequest request =
      Sent(MakeNotice(NoticeState::kFail), "  body: \"{backup} {result}\\n{other}\"\n");
  EXPECT_EQ(request.body, "home failure\n{other}");
  EXPECT_THAT(request.headers, Contains(Pair("Content-Type", "text/plain; charset=utf-8")));
}

TEST(Webhook, ValuesAreEscapedInAConfiguredTextThatIsJson) {
  Notice notice = MakeNotice(NoticeState::kFail);
  notice.error = "say \"no\" \\";
  notice.backup = "h\xFFme";
  const std::string object =
      "  body: '{\"text\": \"{error} {backup}\", \"added\": {added_bytes}}'\n";
  EXPECT_EQ(Body(notice, object),
            nlohmann::json({{"text", "say \"no\" \\ h\uFFFDme"}, {"added", 1536}}));
  EXPECT_EQ(Body(notice, "  headers: {Content-Type: application/JSON}\n  body: '\"{error}\"'\n"),
            "say \"no\" \\");
  for (const char* text : {"{error}", "[{error}] failed"}) {
    const auto body = Sent(notice, "  body: '" + std::string(text) + "'\n").body;
    EXPECT_THAT(body, HasSubstr("say \"no\" \\"));
  }
}

TEST(Webhook, AGetRequestHasNoBody) {
  const HttpRequest request = Sent(MakeNotice(NoticeState::kFail), "  method: GET\n");
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.body, "");
  EXPECT_THAT(request.headers, IsEmpty());
}

TEST(Webhook, PlaceholdersInUrlAndHeadersAreReplacedAndCannotAddAHeader) {
  MadeMonitor made = MakeMonitor(
      "webhook:\n  url: 'https://x.example/{backup}?why={error}'\n"
      "  headers: {X-Backup: 'of {backup}', Content-Type: text/csv}\n  verify_tls: false\n");
  EXPECT_TRUE(made.options.by_backup);
  Notice notice = MakeNotice(NoticeState::kFail);
  notice.backup = "My\r\nX-Evil: 1";
  FakeTransport transport;
  static_cast<void>(made.monitor->Send(notice, transport));
  const HttpRequest& request = transport.requests.at(0);
  EXPECT_EQ(request.url, "https://x.example/my-x-evil-1?why=repository%20is%20already%20locked");
  EXPECT_THAT(request.headers,
              ElementsAre(Pair("X-Backup", "of MyX-Evil: 1"), Pair("Content-Type", "text/csv")));
  EXPECT_FALSE(request.verify_tls);
}

TEST(Webhook, UserNameAndPasswordAreSentAsBasicAuthentication) {
  EXPECT_THAT(
      Sent(MakeNotice(NoticeState::kFail), "  username: Aladdin\n  password: 'open sesame'\n")
          .headers,
      Contains(Pair("Authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")));
}

TEST(Webhook, Every2xxIsADelivery) {
  for (const int status : {200, 201, 202, 204}) {
    EXPECT_EQ(SendResultFor({.status = status, .body = "<html>"}).outcome, kDelivered) << status;
  }
  for (const int status : {400, 401, 404, 413}) {
    EXPECT_EQ(SendResultFor({.status = status}).outcome, kRefused) << status;
  }
  for (const int status : {0, 302, 408, 429, 500, 503}) {
    EXPECT_EQ(SendResultFor({.status = status}).outcome, kRetry) << status;
  }
}

TEST(Webhook, SecretsAreMasked) {
  const std::string path = testing::TempDir() + "webhook_secret";
  std::ofstream(path) << "canary-file\n";
  const MadeMonitor made = MakeMonitor(
      "webhook:\n  url: https://x.example/canary-path?t=canary-query\n"
      "  headers: {Authorization: Bearer canary-bearer, X-Token: '{credential file " +
      path + "}', X-Other_file: " + path + "}\n");
  ASSERT_THAT(made.errors, IsEmpty());
  for (const std::string secret : {"canary-path", "canary-query", "canary-bearer", "canary-file"}) {
    EXPECT_THAT(made.options.mask.Mask("is " + secret), Not(HasSubstr("canary")));
  }
  FakeTransport transport;
  static_cast<void>(made.monitor->Send(MakeNotice(NoticeState::kFail), transport));
  EXPECT_THAT(transport.requests.at(0).headers, Contains(Pair("X-Token", "canary-file")));
  EXPECT_THAT(transport.requests.at(0).headers, Contains(Pair("X-Other", "canary-file")));
  const MadeMonitor basic =
      MakeMonitor(std::string(kBlock) + "  username: canary-user\n  password: canary-word\n");
  EXPECT_THAT(basic.options.mask.Mask("canary-user canary-word"), Not(HasSubstr("canary")));
  EXPECT_EQ(basic.options.mask.Mask("Y2FuYXJ5LXVzZXI6Y2FuYXJ5LXdvcmQ="), "***");
}

TEST(Webhook, MistakesInTheBlockAreReported) {
  EXPECT_THAT(MakeMonitor("webhook: {method: FETCH, username: x, body: [1]}").errors,
              ElementsAre(HasSubstr("needs `url`"), HasSubstr("`method` must be POST, PUT"),
                          HasSubstr("must be given together"), HasSubstr("`body` must be text")));
  EXPECT_THAT(
      MakeMonitor(std::string(kBlock) +
                  "  method: GET\n  body: x\n  headers: {'X Y': 1, Authorization: x}\n"
                  "  username: u\n  password: p\n")
          .errors,
      ElementsAre(HasSubstr("a GET request has no `body`"), HasSubstr("`X Y` is not a valid name"),
                  HasSubstr("`Authorization` and `username` cannot be used together")));
}

}  // namespace
}  // namespace backup_exporter
