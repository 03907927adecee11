#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "kit/monitors.h"

namespace backup_exporter {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::UnorderedElementsAre;

nlohmann::json Body(const std::string& yaml, const Notice& notice) {
  return nlohmann::json::parse(RequestFor(yaml, notice).body);
}

SendResult SendResultFor(const HttpAnswer& answer) {
  return SendResultFor("ntfy: {topic: x}", answer);
}

TEST(Ntfy, TheRequestsMatchTheRecordings) {
  ExpectGolden("ntfy", {{"body title", "the recorded default names another tool"},
                        {"body message", "so does the message"},
                        {"body tags", "so does the tag"},
                        {"body sequence_id", "newer servers show a repeated message once"}});
}

TEST(Ntfy, TheMessageNamesTheBackupAndDescribesTheNotice) {
  const auto body = Body("ntfy: {topic: x}", MakeNotice(NoticeState::kFail));
  EXPECT_EQ(body["title"], "Backup of home failed");
  EXPECT_THAT(body["message"].get<std::string>(), HasSubstr("repository is already locked"));
}

TEST(Ntfy, ABlankMessageIsReplaced) {
  const std::string fail = "ntfy: {topic: x, fail: {priority: max, message: '{added_bytes} '}}";
  Notice notice = MakeNotice(NoticeState::kFail);
  notice.figures = {};
  const auto body = Body(fail, notice);
  EXPECT_EQ(body["title"], "Backup of home failed");
  EXPECT_THAT(body["message"].get<std::string>(), HasSubstr("repository is already locked"));
  EXPECT_EQ(body["priority"], 5);
}

TEST(Ntfy, ATestIsSentAsATest) {
  Notice test = MakeNotice(NoticeState::kFinish);
  test.cause = NoticeCause::kTest;
  const auto body = Body("ntfy: {topic: x, finish: {title: fine, message: all is saved}}", test);
  EXPECT_EQ(body["title"], "Test of backup_exporter");
  EXPECT_THAT(body["message"].get<std::string>(), HasSubstr("notices arrive"));
}

TEST(Ntfy, ARequestIsSmallEnoughForTheServer) {
  for (const std::string part : {"x", "\"", "größer", "\xFF"}) {
    Notice notice = MakeNotice(NoticeState::kFail);
    notice.backup.clear();
    for (int i = 0; i < 5000; ++i) notice.backup += part;
    const std::string text =
        RequestFor("ntfy: {topic: x, fail: {title: '{backup}', message: '{backup}'}}", notice).body;
    EXPECT_LT(text.size(), 8192U) << part;
    const auto body = nlohmann::json::parse(text);
    EXPECT_LE(body["title"].get<std::string>().size(), 250U);
    EXPECT_GT(body["title"].get<std::string>().size(), 240U);
    EXPECT_LE(body["message"].get<std::string>().size(), 4096U);
    EXPECT_GT(body["message"].get<std::string>().size(), 3500U) << part;
  }
}

TEST(Ntfy, UserNameAndPasswordAreMaskedInTheirEncodedForm) {
  const MadeMonitor made =
      MakeMonitor("ntfy: {topic: x, username: canary-user, password: canary-word}");
  EXPECT_EQ(made.options.mask.Mask("Y2FuYXJ5LXVzZXI6Y2FuYXJ5LXdvcmQ="), "***");
}

TEST(Ntfy, AQuotedAnswerIsCutBetweenWords) {
  for (const std::string quote : {" ", "\""}) {
    const SendResult result =
        SendResultFor({.status = 404, .body = std::string(190, 'a') + quote + "canary-secret"});
    EXPECT_EQ(result.error, "HTTP 404: " + std::string(190, 'a'));
  }
}

TEST(Ntfy, ASecretMustBeOneLine) {
  const std::string path = testing::TempDir() + "ntfy_secret";
  const std::string yaml = "ntfy: {topic: x, access_token_file: " + path + "}";
  std::ofstream(path) << "token\r\n\n";
  FakeTransport transport;
  static_cast<void>(MakeMonitor(yaml).monitor->Send(MakeNotice(NoticeState::kFail), transport));
  EXPECT_THAT(transport.requests.at(0).headers, Contains(Pair("Authorization", "Bearer token")));
  for (const char* secret : {"to\nken", "to\x7Fken", "\n\n"}) {
    std::ofstream(path) << secret;
    EXPECT_THAT(MakeMonitor(yaml).errors, ElementsAre(HasSubstr("must be one line")));
    EXPECT_THAT(
        MakeMonitor("ntfy: {topic: x, access_token: '{credential file " + path + "}'}").errors,
        ElementsAre(HasSubstr("must be one line")));
  }
}

TEST(Ntfy, PlaceholdersInConfiguredTextsAreReplaced) {
  const auto body = Body("ntfy:\n  topic: x\n  fail:\n    title: '{backup}: {result}'\n",
                         MakeNotice(NoticeState::kFail));
  EXPECT_EQ(body["title"], "home: failure");
  EXPECT_THAT(body["message"].get<std::string>(), HasSubstr("repository is already locked"));
}

TEST(Ntfy, ARecoveryIsSentWithTheTextsOfAFinish) {
  const auto body =
      Body("ntfy: {topic: x, finish: {message: fine again}}", MakeNotice(NoticeState::kResolve));
  EXPECT_EQ(body["message"], "fine again");
}

TEST(Ntfy, ARefusalIsNotRetried) {
  for (const int status : {400, 401, 403, 404, 413}) {
    EXPECT_EQ(SendResultFor({.status = status}).outcome, Delivery::Outcome::kRefused) << status;
  }
}

TEST(Ntfy, TooManyRequestsAreRetriedAfterAMinuteAndAnExhaustedQuotaAfterAnHour) {
  const SendResult many = SendResultFor({.status = 429, .body = R"({"code":42901})"});
  EXPECT_EQ(many.outcome, Delivery::Outcome::kRetry);
  EXPECT_EQ(many.pause, std::chrono::minutes(1));
  EXPECT_EQ(SendResultFor({.status = 429, .body = R"({"code":42908})"}).pause,
            std::chrono::hours(1));
}

TEST(Ntfy, MistakesInTheBlockAreReported) {
  EXPECT_THAT(
      MakeMonitor("ntfy:\n  username: u\n  fail:\n    priority: 7\n").errors,
      UnorderedElementsAre(HasSubstr("`username` and `password` must be given together"),
                           HasSubstr("needs `topic`"), HasSubstr("`priority` must be max")));
}

}  // namespace
}  // namespace backup_exporter
