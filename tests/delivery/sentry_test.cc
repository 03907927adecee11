#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kit/monitors.h"

namespace backup_exporter {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string Block(const std::string& dsn, const std::string& slug, const std::string& more = "") {
  return "sentry:\n  data_source_name_url: '" + dsn + "'\n  monitor_slug: '" + slug + "'\n" + more;
}

const std::string& Plain() {
  static const std::string block =
      Block("https://5f80ec@o294220.ingest.us.sentry.io/203069", "nas");
  return block;
}

HttpRequest Sent(const std::string& yaml, const Notice& notice) { return RequestFor(yaml, notice); }

SendResult SendResultFor(const HttpAnswer& answer) { return SendResultFor(Plain(), answer); }

TEST(Sentry, TheRequestsMatchTheRecordings) {
  ExpectGolden("sentry", {{"query check_in_id", "a repeated or late check-in does no harm"},
                          {"query duration", "the service knows only when the check-in arrived"}});
}

TEST(Sentry, EveryStateOfARunHasItsId) {
  const auto url = [](NoticeState state) { return Sent(Plain(), MakeNotice(state)).url; };
  const std::string base =
      "https://o294220.ingest.us.sentry.io/api/203069/cron/nas/5f80ec/?status=";
  const std::string id = "&check_in_id=0d6c1d2e-3a65-4c5b-9d0e-6f8a7b9c0d1e";
  EXPECT_EQ(url(NoticeState::kStart), base + "in_progress" + id);
  EXPECT_EQ(url(NoticeState::kFinish), base + "ok" + id + "&duration=7.000");
  EXPECT_EQ(url(NoticeState::kResolve), base + "ok" + id + "&duration=7.000");
  EXPECT_EQ(url(NoticeState::kFail), base + "error" + id + "&duration=7.000");
}

TEST(Sentry, AHeartbeatIsSentAsASuccessWithoutARunId) {
  EXPECT_THAT(Sent(Plain(), {.cause = NoticeCause::kHeartbeat}).url,
              EndsWith("/cron/nas/5f80ec/?status=ok"));
}

TEST(Sentry, TheConfiguredEnvironmentIsSent) {
  const std::string yaml =
      Block("https://5f80ec@sentry.io/7", "nas", "  environment: 'büro & keller'\n");
  EXPECT_THAT(Sent(yaml, MakeNotice(NoticeState::kFinish)).url,
              HasSubstr("&environment=b%C3%BCro%20%26%20keller&"));
}

TEST(Sentry, EveryFormOfADsnIsAccepted) {
  const auto url = [](const std::string& dsn) {
    return Sent(Block(dsn, "nas"), {.cause = NoticeCause::kHeartbeat}).url;
  };
  EXPECT_EQ(url("https://5f80ec@sentry.example:9000/behind/proxy/7"),
            "https://sentry.example:9000/behind/proxy/api/7/cron/nas/5f80ec/?status=ok");
  EXPECT_EQ(url("http://5f80ec:0ldsecret@sentry.example/7/"),
            "http://sentry.example/api/7/cron/nas/5f80ec/?status=ok");
}

TEST(Sentry, APlaceholderInTheSlugSelectsAMonitorForEachBackup) {
  const std::string yaml = Block("https://5f80ec@sentry.io/7", "{backup}-{operation}");
  const MadeMonitor made = MakeMonitor(yaml);
  EXPECT_TRUE(made.options.by_backup);
  EXPECT_TRUE(made.options.by_operation);
  EXPECT_FALSE(MakeMonitor(Plain()).options.by_backup);
  Notice notice = MakeNotice(NoticeState::kFail);
  notice.backup = "Home NAS";
  EXPECT_THAT(Sent(yaml, notice).url, HasSubstr("/cron/home-nas-backup/5f80ec/"));
}

TEST(Sentry, ASlugIsCutAndEncoded) {
  const auto url = [](const std::string& slug) {
    return Sent(Block("https://5f80ec@sentry.io/7", slug), MakeNotice(NoticeState::kFail)).url;
  };
  EXPECT_THAT(url(std::string(51, 's')), HasSubstr("/cron/" + std::string(50, 's') + "/5f80ec/"));
  EXPECT_THAT(url("my monitor/1"), HasSubstr("/cron/my%20monitor%2F1/5f80ec/"));
}

TEST(Sentry, OnlyTemporaryErrorsAreRetried) {
  EXPECT_EQ(SendResultFor({.status = 202}).outcome, Delivery::Outcome::kDelivered);
  EXPECT_EQ(SendResultFor({.status = 202, .cut = true}).outcome, Delivery::Outcome::kDelivered);
  EXPECT_EQ(SendResultFor({.status = 200, .body = "<html>"}).outcome, Delivery::Outcome::kRetry);
  for (const int status : {0, 302, 408, 429, 500, 503}) {
    EXPECT_EQ(SendResultFor({.status = status}).outcome, Delivery::Outcome::kRetry) << status;
  }
  for (const int status : {400, 401, 403, 404}) {
    const SendResult result = SendResultFor({.status = status});
    EXPECT_EQ(result.outcome, Delivery::Outcome::kRefused) << status;
    EXPECT_THAT(result.error, HasSubstr("is `data_source_name_url` the DSN of the project"));
  }
}

TEST(Sentry, MistakesInTheBlockAreReported) {
  EXPECT_THAT(MakeMonitor("sentry: {environment: production, slug: nas}").errors,
              ElementsAre(HasSubstr("needs `data_source_name_url`"),
                          HasSubstr("needs `monitor_slug`"), HasSubstr("`slug`")));
}

TEST(Sentry, AnInvalidDsnIsAMistakeAndIsNotQuoted) {
  for (const std::string dsn :
       {"https://sentry.io/203069", "https://canary@sentry.io", "https://canary@sentry.io/",
        "canary", "ftp://canary@sentry.io/7", "https://@sentry.io/7"}) {
    EXPECT_THAT(MakeMonitor(Block(dsn, "nas")).errors,
                ElementsAre(AllOf(HasSubstr("`data_source_name_url` must be a DSN"),
                                  StartsWith("2:"), Not(HasSubstr("canary")))))
        << dsn;
  }
}

TEST(Sentry, TheDsnIsMasked) {
  const MadeMonitor made = MakeMonitor(Block("https://canarykey:canarysecret@sentry.io/7", "nas"));
  for (const std::string text :
       {"POST https://sentry.io/api/7/cron/nas/canarykey/", "canarysecret is wrong",
        "https://canarykey:canarysecret@sentry.io/7"}) {
    EXPECT_THAT(made.options.mask.Mask(text), Not(HasSubstr("canary"))) << text;
  }
}

}  // namespace
}  // namespace backup_exporter
