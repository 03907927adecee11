#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/utf8.h"
#include "kit/monitors.h"

namespace backup_exporter {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr char kBlock[] = "uptime_kuma: {push_url: 'https://kuma.example/api/push/abcd1234'}";
constexpr char kOk[] = R"({"ok":true})";

HttpRequest Sent(const std::string& yaml, const Notice& notice) { return RequestFor(yaml, notice); }

SendResult SendResultFor(const HttpAnswer& answer) { return SendResultFor(kBlock, answer); }

TEST(UptimeKuma, TheRequestsMatchTheRecordings) {
  ExpectGolden("uptime_kuma", {{"query msg", "names the backup, the event and the reason"},
                               {"query ping", "the duration, which the service shows as a graph"}});
}

TEST(UptimeKuma, EveryStateIsSentAsUpOrDown) {
  const auto url = [](NoticeState state) { return Sent(kBlock, MakeNotice(state)).url; };
  const std::string base = "https://kuma.example/api/push/abcd1234?";
  EXPECT_EQ(url(NoticeState::kStart),
            base + "status=up&msg=Backup%20of%20home%20started.%202026-03-01T02%3A00%3A00Z.");
  EXPECT_THAT(url(NoticeState::kFinish),
              StartsWith(base + "status=up&msg=Backup%20of%20home%20suc"));
  EXPECT_THAT(url(NoticeState::kResolve),
              StartsWith(base + "status=up&msg=Backup%20of%20home%20has%20recovered"));
  EXPECT_THAT(url(NoticeState::kFail),
              StartsWith(base + "status=down&msg=Backup%20of%20home%20fa"));
  EXPECT_THAT(url(NoticeState::kFail), EndsWith("&ping=7000"));
}

TEST(UptimeKuma, AHeartbeatIsSentAsUp) {
  const std::string url = Sent(kBlock, {.cause = NoticeCause::kHeartbeat}).url;
  EXPECT_THAT(url, HasSubstr("?status=up&msg=backup_exporter%20is%20running"));
  EXPECT_THAT(url, Not(HasSubstr("ping=")));
}

TEST(UptimeKuma, ADurationIsLimitedToWhatTheServiceAccepts) {
  Notice notice = MakeNotice(NoticeState::kFinish);
  notice.duration = std::chrono::hours(24 * 365 * 10);
  EXPECT_THAT(Sent(kBlock, notice).url, EndsWith("&ping=100000000000"));
  notice.duration = -std::chrono::seconds(1);
  EXPECT_THAT(Sent(kBlock, notice).url, EndsWith("&ping=0"));
}

TEST(UptimeKuma, TheMessageIsLimitedInCharacters) {
  Notice notice = MakeNotice(NoticeState::kStart);
  notice.backup.clear();
  // "Backup of " has 10 characters, which leaves 190.
  std::string encoded;
  for (int i = 0; i < 100; ++i) {
    notice.backup += "漢字";
    if (i < 95) encoded += "%E6%BC%A2%E5%AD%97";
  }
  EXPECT_THAT(Sent(kBlock, notice).url, EndsWith("&msg=Backup%20of%20" + encoded));
}

TEST(UptimeKuma, AnErrorIsCutSoThatTheRestOfTheMessageFits) {
  Notice notice = MakeNotice(NoticeState::kFail);
  for (int i = 0; i < 100; ++i) notice.error += "größer ";
  notice.also_failing = {"nas"};
  const std::string url = Sent(kBlock, notice).url;
  EXPECT_THAT(url, HasSubstr("failed%3A%20repository%20is%20already%20locked"));
  EXPECT_THAT(url, HasSubstr("2026-03-01T02%3A00%3A07Z%2C%20after%207"));
  EXPECT_THAT(url, HasSubstr("%20Failing%3A%20nas.&ping="));
  notice.also_failing = {std::string(300, 'n')};
  EXPECT_THAT(Sent(kBlock, notice).url,
              HasSubstr("failed%3A%20repository%20is%20already%20locked"));
}

TEST(UptimeKuma, TheUrlMayBeCopiedFromTheService) {
  EXPECT_THAT(
      Sent("uptime_kuma: 'https://kuma.example/api/push/abcd1234/?status=up&msg=OK&ping=&k=1'",
           MakeNotice(NoticeState::kFail))
          .url,
      StartsWith("https://kuma.example/api/push/abcd1234?k=1&status=down&msg=Backup"));
}

TEST(UptimeKuma, CertificatesAreVerifiedUnlessDisabled) {
  const Notice notice = MakeNotice(NoticeState::kFinish);
  EXPECT_TRUE(Sent(kBlock, notice).verify_tls);
  EXPECT_FALSE(
      Sent("uptime_kuma: {push_url: 'https://k.example/x', verify_tls: false}", notice).verify_tls);
}

TEST(UptimeKuma, APlaceholderInTheUrlSelectsAMonitorForEachBackup) {
  const std::string yaml = "uptime_kuma: {push_url: 'https://kuma.example/api/push/{backup}'}";
  EXPECT_TRUE(MakeMonitor(yaml).options.by_backup);
  EXPECT_THAT(Sent(yaml, MakeNotice(NoticeState::kFail)).url, HasSubstr("/push/home?"));
}

TEST(UptimeKuma, OnlyAnAnswerWithOkIsADelivery) {
  EXPECT_EQ(SendResultFor({.status = 200, .body = kOk}).outcome, Delivery::Outcome::kDelivered);
  for (const std::string body :
       {R"({"ok":false,"msg":"x"})", R"({"ok":"true"})", R"([true])", "OK", "", "<html></html>"}) {
    const SendResult result = SendResultFor({.status = 200, .body = body});
    EXPECT_EQ(result.outcome, Delivery::Outcome::kRetry) << body;
    EXPECT_EQ(result.failure, AttemptFailure::kRejected);
    EXPECT_THAT(result.error, HasSubstr("is the URL correct"));
  }
}

TEST(UptimeKuma, TheStatusDecidesIfTheBodyIsCut) {
  EXPECT_EQ(SendResultFor({.status = 200, .body = R"({"ok":t)", .cut = true}).outcome,
            Delivery::Outcome::kDelivered);
}

TEST(UptimeKuma, ATemporaryErrorIsDistinguishedFromAWrongToken) {
  const SendResult wrong = SendResultFor(
      {.status = 404, .body = R"({"ok":false,"msg":"Monitor not found or not active."})"});
  EXPECT_EQ(wrong.outcome, Delivery::Outcome::kRefused);
  EXPECT_EQ(wrong.failure, AttemptFailure::kHttp4xx);
  EXPECT_THAT(wrong.error, HasSubstr("is the token in `push_url` correct"));
  for (const std::string body :
       {R"({"ok":false,"msg":"SQLITE_BUSY: database is locked"})", R"({"ok":false,"msg":7})",
        "404 page not found", "<html>not found or not active</html>", ""}) {
    EXPECT_EQ(SendResultFor({.status = 404, .body = body}).outcome, Delivery::Outcome::kRetry)
        << body;
  }
}

TEST(UptimeKuma, OnlyTemporaryErrorsAreRetried) {
  for (const int status : {0, 302, 408, 429, 500, 502, 503}) {
    EXPECT_EQ(SendResultFor({.status = status}).outcome, Delivery::Outcome::kRetry) << status;
  }
  for (const int status : {400, 401, 403}) {
    EXPECT_EQ(SendResultFor({.status = status}).outcome, Delivery::Outcome::kRefused) << status;
  }
}

TEST(UptimeKuma, MistakesInTheBlockAreReported) {
  EXPECT_THAT(MakeMonitor("uptime_kuma:\n  verify_tls: maybe\n  states: [log]\n").errors,
              ElementsAre(HasSubstr("needs `push_url`"), HasSubstr("`verify_tls`"),
                          HasSubstr("unknown state `log`")));
}

TEST(UptimeKuma, TheUrlIsMasked) {
  const MadeMonitor made = MakeMonitor("uptime_kuma: https://kuma.example/api/push/canary12");
  EXPECT_THAT(made.options.mask.Mask("no answer from /api/push/canary12?status=up"),
              Not(HasSubstr("canary")));
}

}  // namespace
}  // namespace backup_exporter
