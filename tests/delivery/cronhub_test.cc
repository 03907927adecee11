#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kit/monitors.h"

namespace backup_exporter {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

HttpRequest Sent(const std::string& url, const Notice& notice) {
  return RequestFor("cronhub: '" + url + "'", notice);
}

SendResult SendResultFor(const HttpAnswer& answer) {
  return SendResultFor("cronhub: https://cronhub.io/ping/1f5e3410", answer);
}

TEST(Cronhub, TheRequestsMatchTheRecordings) { ExpectGolden("cronhub", {}); }

TEST(Cronhub, EveryStateIsAVerbInThePath) {
  for (const std::string url :
       {"https://c.example/start/1f5e?k=1", "https://c.example/ping/1f5e?k=1"}) {
    const auto url_for = [&](NoticeState state) { return Sent(url, MakeNotice(state)).url; };
    EXPECT_EQ(url_for(NoticeState::kStart), "https://c.example/start/1f5e?k=1");
    EXPECT_EQ(url_for(NoticeState::kFinish), "https://c.example/finish/1f5e?k=1");
    EXPECT_EQ(url_for(NoticeState::kResolve), "https://c.example/finish/1f5e?k=1");
    EXPECT_EQ(url_for(NoticeState::kFail), "https://c.example/fail/1f5e?k=1");
  }
}

TEST(Cronhub, EveryVerbInTheUrlIsReplaced) {
  EXPECT_EQ(Sent("https://c.example/ping/start/1f5e", MakeNotice(NoticeState::kFail)).url,
            "https://c.example/fail/fail/1f5e");
}

TEST(Cronhub, AHeartbeatIsSentAsASuccess) {
  EXPECT_EQ(Sent("https://c.example/ping/1f5e", {.cause = NoticeCause::kHeartbeat}).url,
            "https://c.example/finish/1f5e");
}

TEST(Cronhub, APlaceholderInTheUrlSelectsAMonitorForEachBackup) {
  EXPECT_TRUE(MakeMonitor("cronhub: 'https://c.example/ping/{backup}'").options.by_backup);
  Notice notice = MakeNotice(NoticeState::kFail);
  notice.backup = "ping";
  EXPECT_EQ(Sent("https://c.example/ping/{backup}/x", notice).url, "https://c.example/fail/ping/x");
}

TEST(Cronhub, AWarningSaysThatTheServiceHasClosed) {
  EXPECT_THAT(MakeMonitor("cronhub: https://cronhub.io/ping/1f5e3410").options.warnings,
              ElementsAre(HasSubstr("has closed")));
  const SendResult result = SendResultFor({.status = 404});
  EXPECT_EQ(result.outcome, Delivery::Outcome::kRefused);
  EXPECT_THAT(result.error, HasSubstr("Cronhub has closed"));
}

TEST(Cronhub, OnlyTemporaryErrorsAreRetried) {
  for (const int status : {0, 302, 408, 429, 500, 503}) {
    EXPECT_EQ(SendResultFor({.status = status}).outcome, Delivery::Outcome::kRetry) << status;
  }
  EXPECT_EQ(SendResultFor({.status = 400}).outcome, Delivery::Outcome::kRefused);
  EXPECT_EQ(SendResultFor({.status = 200, .body = "<html>"}).outcome, Delivery::Outcome::kRetry);
  EXPECT_EQ(SendResultFor({.status = 200, .cut = true}).outcome, Delivery::Outcome::kDelivered);
}

TEST(Cronhub, AUrlWithoutAVerbIsAMistake) {
  EXPECT_THAT(MakeMonitor("cronhub: {ping_url: 'https://cronhub.io/1f5e3410'}").errors,
              ElementsAre(HasSubstr("`ping_url` must contain /start/ or /ping/")));
  EXPECT_THAT(MakeMonitor("cronhub: {}").errors,
              ElementsAre(EndsWith("which contains /start/ or /ping/")));
}

TEST(Cronhub, TheUrlIsMasked) {
  const MadeMonitor made = MakeMonitor("cronhub: https://cronhub.io/ping/canary-uuid");
  EXPECT_THAT(made.options.mask.Mask("GET https://cronhub.io/fail/canary-uuid"),
              Not(HasSubstr("canary")));
}

}  // namespace
}  // namespace backup_exporter
