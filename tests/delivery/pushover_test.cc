#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kit/monitors.h"

namespace backup_exporter {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kHead = "pushover:\n  token: canary-token\n  user: canary-user\n";

// The form of the request, with & at both ends.
std::string Form(const Notice& notice, const std::string& more = "") {
  return "&" + RequestFor(kHead + more, notice).body + "&";
}

SendResult SendResultFor(const HttpAnswer& answer) { return SendResultFor(kHead, answer); }

std::vector<std::string> MistakesOf(const std::string& more) {
  return MakeMonitor(kHead + more).errors;
}

TEST(Pushover, TheRequestsMatchTheRecordings) {
  ExpectGolden(
      "pushover",
      {{"body timestamp", "the time of the event, not of the delivery"},
       {"body message: ours Backup of home", "the recorded default is a single word"},
       {"body title: ours Backup of home", "the recorded default is that of the application"}});
}

TEST(Pushover, TheMessageNamesTheBackupAndHasTheTimeOfTheEvent) {
  const std::string form = Form(MakeNotice(NoticeState::kFail));
  EXPECT_THAT(form, HasSubstr("&title=Backup+of+home+failed&"));
  EXPECT_THAT(form, HasSubstr("repository+is+already+locked"));
  EXPECT_THAT(form, HasSubstr("&timestamp=1772330407&"));
}

TEST(Pushover, PlaceholdersInConfiguredTextsAreReplaced) {
  Notice notice = MakeNotice(NoticeState::kFail);
  notice.backup = "My NAS";
  const std::string form =
      Form(notice,
           "  fail:\n    message: '{result}'\n    title: '{backup}'\n"
           "    url: 'https://x.example/{backup}'\n    url_title: 'see {backup}'\n");
  EXPECT_THAT(form, AllOf(HasSubstr("&message=failure&"), HasSubstr("&title=My+NAS&"),
                          HasSubstr("&url=https%3A%2F%2Fx.example%2Fmy-nas&"),
                          HasSubstr("&url_title=see+My+NAS&")));
}

TEST(Pushover, ValuesAreEscapedInAnHtmlMessage) {
  Notice notice = MakeNotice(NoticeState::kFail);
  notice.error = "<b> & co";
  const std::string block = "  fail: {message: '<i>{error}</i>', title: '{error}', html: true}\n";
  const std::string form = Form(notice, block);
  EXPECT_THAT(form, HasSubstr("%3Ci%3E%26lt%3Bb%26gt%3B+%26amp%3B+co%3C%2Fi%3E&"));
  EXPECT_THAT(form, HasSubstr("&title=%3Cb%3E+%26+co&"));
}

TEST(Pushover, ABlankMessageIsReplaced) {
  Notice notice = MakeNotice(NoticeState::kFinish);
  EXPECT_THAT(Form(notice, "  finish: {message: '{error}'}\n"),
              HasSubstr("&message=Backup+of+home+succeeded"));
}

TEST(Pushover, BooleansMayBeSpeltInAnyUsualWay) {
  const Notice notice = MakeNotice(NoticeState::kFail);
  for (const std::string value : {"true", "True", "TRUE"}) {
    EXPECT_THAT(Form(notice, "  fail: {html: " + value + "}\n"), HasSubstr("&html=1&"));
  }
  EXPECT_THAT(Form(notice, "  fail: {html: False, monospace: true}\n"),
              AllOf(HasSubstr("&html=0&"), HasSubstr("&monospace=1&")));
  EXPECT_THAT(MistakesOf("  fail: {html: 'True'}\n"),
              ElementsAre(HasSubstr("`html` must be true or false, without quotes")));
}

TEST(Pushover, ARecoveryIsSentWithTheTextsOfAFinish) {
  EXPECT_THAT(Form(MakeNotice(NoticeState::kResolve), "  finish: {message: fine again}\n"),
              HasSubstr("&message=fine+again&"));
}

TEST(Pushover, ATestIsSentAsATest) {
  Notice test = MakeNotice(NoticeState::kFail);
  test.cause = NoticeCause::kTest;
  const std::string form = Form(test, "  fail: {message: all is lost, priority: 2}\n");
  EXPECT_THAT(form, AllOf(HasSubstr("&message=Test+of+"), Not(HasSubstr("priority"))));
}

TEST(Pushover, TextsAreLimitedInCharactersAndNotInBytes) {
  Notice notice = MakeNotice(NoticeState::kFail);
  notice.backup.clear();
  for (int i = 0; i < 2000; ++i) notice.backup += "ü";
  const std::string form =
      Form(notice, "  fail: {message: '{backup}', title: '{backup}', url_title: '{backup}'}\n");
  const auto characters = [&](const std::string& field) {
    const std::size_t at = form.find("&" + field + "=") + field.size() + 2;
    return (form.find('&', at) - at) / 6;
  };
  EXPECT_EQ(characters("message"), 1024U);
  EXPECT_EQ(characters("title"), 250U);
  EXPECT_EQ(characters("url_title"), 100U);
}

TEST(Pushover, AnEmergencyHasDefaultTimes) {
  EXPECT_THAT(Form(MakeNotice(NoticeState::kFail), "  fail: {priority: 2}\n"),
              HasSubstr("&priority=2&expire=600&retry=30&"));
}

TEST(Pushover, RequestsGoToTheConfiguredServer) {
  MadeMonitor made = MakeMonitor(std::string(kHead) + "  server: http://127.0.0.1:1/\n");
  FakeTransport transport;
  static_cast<void>(made.monitor->Send(MakeNotice(NoticeState::kFail), transport));
  EXPECT_EQ(transport.requests.at(0).url, "http://127.0.0.1:1/1/messages.json");
}

TEST(Pushover, ARefusalIsNotRetried) {
  for (const int status : {400, 401, 404, 408, 413, 429}) {
    EXPECT_EQ(SendResultFor({.status = status}).outcome, Delivery::Outcome::kRefused) << status;
  }
  const SendResult inside =
      SendResultFor({.status = 200, .body = R"({"status":0,"errors":["user is invalid"]})"});
  EXPECT_EQ(inside.outcome, Delivery::Outcome::kRefused);
  EXPECT_EQ(inside.error, "HTTP 200: user is invalid");
}

TEST(Pushover, AStatusOfOneIsADeliveryAndSoIsASuccessWhoseBodyIsCut) {
  EXPECT_EQ(SendResultFor({.status = 200, .body = R"({"status":1,"request":"r"})"}).outcome,
            Delivery::Outcome::kDelivered);
  EXPECT_EQ(SendResultFor({.status = 200, .body = R"({"status":0,"err)", .cut = true}).outcome,
            Delivery::Outcome::kDelivered);
}

TEST(Pushover, ARetryWaitsAtLeastFiveSeconds) {
  for (const HttpAnswer& answer : {HttpAnswer{.status = 500}, HttpAnswer{.status = 0},
                                   HttpAnswer{.status = 200, .body = "<html>login"}}) {
    const SendResult result = SendResultFor(answer);
    EXPECT_EQ(result.outcome, Delivery::Outcome::kRetry) << answer.status;
    EXPECT_EQ(result.pause, std::chrono::seconds(5)) << answer.status;
  }
}

TEST(Pushover, SecretsAreMasked) {
  const MadeMonitor made = MakeMonitor(kHead);
  EXPECT_THAT(made.options.mask.Mask("canary-token canary-user"), Not(HasSubstr("canary")));
}

TEST(Pushover, MistakesInTheBlockAreReported) {
  EXPECT_THAT(MistakesOf("  start: {expire: 600}\n"
                         "  finish: {priority: 3, sound: ''}\n"
                         "  fail: {priority: 2, retry: 10, expire: 20000}\n"),
              ElementsAre(HasSubstr("`expire` requires `priority: 2`"),
                          HasSubstr("`priority` must be a whole number from -2 to 2"),
                          HasSubstr("`sound` must not be empty"),
                          HasSubstr("`retry` must be a whole number from 30 to 10800"),
                          HasSubstr("`expire` must be a whole number from 1 to 10800")));
  EXPECT_THAT(
      MistakesOf("  fail: {html: true, monospace: true, titel: x}\n"),
      ElementsAre(HasSubstr("cannot be used together"), HasSubstr("did you mean `title`?")));
  EXPECT_THAT(MakeMonitor("pushover: {}").errors,
              ElementsAre(HasSubstr("needs `token`"), HasSubstr("needs `user`")));
}

}  // namespace
}  // namespace backup_exporter
