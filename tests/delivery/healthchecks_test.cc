#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <set>

#include "base/utf8.h"
#include "delivery/notice_text.h"
#include "kit/monitors.h"

namespace backup_exporter {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

constexpr char kUuidBlock[] =
    "healthchecks: {ping_url: 'https://hc-ping.com/addffa72-da17-40ae-be9c-ff591afb942a'}";
constexpr char kSlugBlock[] = "healthchecks: {ping_url: 'fqOOd6-F4MMNuCEnzTU01w/db-backups'}";

// A failure with more messages than any limit here allows, in characters of two and three bytes.
Notice WithManyMessages() {
  Notice notice = MakeNotice(NoticeState::kFail);
  for (int i = 0; i < 5000; ++i) {
    notice.messages.push_back({.text = "/srv/Bücher/漢字/" + std::to_string(i)});
  }
  notice.messages.push_back({.level = Level::kError, .text = "Größe überschritten"});
  return notice;
}

const std::vector<Allowed>& AllowedDifferences() {
  static const std::vector<Allowed> allowed{
      {"query rid", "matches the end of a run with its start"},
      {"body", "begins with the description, and logs are sent by default"}};
  return allowed;
}

TEST(Healthchecks, TheRequestsMatchTheRecordings) {
  ExpectGolden("healthchecks", AllowedDifferences());
}

TEST(Watchgoose, TheRequestsMatchTheRecordings) {
  ExpectGolden("watchgoose", AllowedDifferences());
}

TEST(Healthchecks, TheRecordedTextFollowsTheDescription) {
  int compared = 0;
  for (const GoldenCase& golden : GoldenCases("healthchecks")) {
    const std::string recorded = golden.requests.at(0).value("body_text", "");
    const bool has_hooks_lines =
        golden.recording["context"].value("hook_records_in_log", false);  // borgmatic's own lines
    if (recorded.empty() || has_hooks_lines) continue;
    const std::string own = Describe(NoticeOf(golden)) + "\n";
    EXPECT_EQ(RequestsFor(golden).at(0).body, own + recorded) << golden.name;
    ++compared;
  }
  EXPECT_EQ(compared, 4);
}

TEST(Healthchecks, EveryStateHasItsOwnPathAndTheIdOfTheRun) {
  const std::string base = "https://hc-ping.com/addffa72-da17-40ae-be9c-ff591afb942a";
  const std::string rid = "?rid=0d6c1d2e-3a65-4c5b-9d0e-6f8a7b9c0d1e";
  const auto url = [](NoticeState state) { return RequestFor(kUuidBlock, MakeNotice(state)).url; };
  EXPECT_EQ(url(NoticeState::kStart), base + "/start" + rid);
  EXPECT_EQ(url(NoticeState::kLog), base + "/log" + rid);
  EXPECT_EQ(url(NoticeState::kFinish), base + rid);
  EXPECT_EQ(url(NoticeState::kResolve), base + rid);
  EXPECT_EQ(url(NoticeState::kFail), base + "/fail" + rid);
}

TEST(Healthchecks, AHeartbeatIsSentAsASuccessWithoutARunId) {
  const HttpRequest request = RequestFor(kUuidBlock, {.cause = NoticeCause::kHeartbeat});
  EXPECT_EQ(request.url, "https://hc-ping.com/addffa72-da17-40ae-be9c-ff591afb942a");
  EXPECT_THAT(request.body, StartsWith("backup_exporter is running"));
}

TEST(Healthchecks, TheBodyDescribesTheNoticeWithoutALog) {
  EXPECT_EQ(RequestFor(kUuidBlock, MakeNotice(NoticeState::kStart)).body, "");
  EXPECT_THAT(RequestFor(kUuidBlock, MakeNotice(NoticeState::kFail)).body,
              StartsWith("Backup of home failed: repository is already locked"));
  Notice warned = MakeNotice(NoticeState::kFinish);
  warned.result = RunResult::kWarning;
  EXPECT_THAT(RequestFor(kUuidBlock, warned).body, HasSubstr("finished with warnings"));
}

TEST(Healthchecks, LogsAreSentUnlessDisabled) {
  const std::string off = "healthchecks: {ping_url: a/b, send_logs: false}";
  EXPECT_TRUE(MakeMonitor(kUuidBlock).options.sends_messages);
  EXPECT_FALSE(MakeMonitor(off).options.sends_messages);
  EXPECT_THAT(RequestFor(kUuidBlock, WithManyMessages()).body, HasSubstr("/srv/Bücher"));
  EXPECT_THAT(RequestFor(off, WithManyMessages()).body,
              AllOf(StartsWith("Backup of home failed"), Not(HasSubstr("/srv/Bücher"))));
}

TEST(Healthchecks, AUuidOrASlugIsAppendedToTheHostOfTheService) {
  EXPECT_THAT(RequestFor(kSlugBlock, MakeNotice(NoticeState::kStart)).url,
              StartsWith("https://hc-ping.com/fqOOd6-F4MMNuCEnzTU01w/db-backups/start?"));
  EXPECT_THAT(RequestFor("watchgoose: addffa72-da17-40ae-be9c-ff591afb942a",
                         MakeNotice(NoticeState::kStart))
                  .url,
              StartsWith("https://watchgoose.com/addffa72-da17-40ae-be9c-ff591afb942a/start?"));
}

TEST(Healthchecks, AUrlMayEndInASlashAndHaveAQuery) {
  const std::string url =
      RequestFor("healthchecks: {ping_url: 'https://hc.example/ping/k/s/?create=1'}",
                 MakeNotice(NoticeState::kFail))
          .url;
  EXPECT_EQ(url,
            "https://hc.example/ping/k/s/fail?create=1&rid=0d6c1d2e-3a65-4c5b-9d0e-6f8a7b9c0d1e");
}

TEST(Healthchecks, APlaceholderInTheSlugSelectsACheckForEachBackup) {
  const std::string yaml =
      "healthchecks: {ping_url: 'fqOOd6-F4MMNuCEnzTU01w/{backup}-{operation}'}";
  const MadeMonitor made = MakeMonitor(yaml);
  EXPECT_TRUE(made.options.by_backup);
  EXPECT_TRUE(made.options.by_operation);
  Notice notice = MakeNotice(NoticeState::kFail);
  notice.backup = "Office.NAS";
  EXPECT_THAT(RequestFor(yaml, notice).url,
              StartsWith("https://hc-ping.com/fqOOd6-F4MMNuCEnzTU01w/office-nas-backup/fail?"));
}

TEST(Healthchecks, BackupsWhoseNamesDifferOnlyInUmlautsHaveDifferentChecks) {
  std::set<std::string> urls;
  for (const auto* name : {"Büro", "Bäro", "日本", "中国"}) {
    Notice notice = MakeNotice(NoticeState::kFail);
    notice.backup = name;
    urls.insert(RequestFor("healthchecks: {ping_url: 'key/{backup}'}", notice).url);
  }
  EXPECT_EQ(urls.size(), 4U);
}

TEST(Healthchecks, TheHostMayContainAPlaceholder) {
  EXPECT_TRUE(
      MakeMonitor("healthchecks: {ping_url: 'https://{backup}.example/x'}").options.by_backup);
}

TEST(Healthchecks, MissingChecksAreCreatedIfTheUrlHasASlug) {
  const std::string slug = "healthchecks: {ping_url: fqOOd6-F4MMNuCEnzTU01w/x, create_slug: true}";
  EXPECT_THAT(RequestFor(slug, MakeNotice(NoticeState::kStart)).url, EndsWith("&create=1"));
  EXPECT_THAT(MakeMonitor(slug).options.warnings, IsEmpty());
  const std::string uuid =
      "healthchecks: {ping_url: addffa72-da17-40ae-be9c-ff591afb942a/, create_slug: true}";
  EXPECT_THAT(RequestFor(uuid, MakeNotice(NoticeState::kStart)).url, Not(HasSubstr("create=1")));
  EXPECT_THAT(MakeMonitor(uuid).options.warnings,
              ElementsAre(HasSubstr("healthchecks: `create_slug` has no effect")));
}

TEST(Healthchecks, CertificatesAreVerifiedUnlessDisabled) {
  const Notice notice = MakeNotice(NoticeState::kFinish);
  EXPECT_TRUE(RequestFor(kUuidBlock, notice).verify_tls);
  EXPECT_FALSE(RequestFor("healthchecks: {ping_url: a/b, verify_tls: false}", notice).verify_tls);
}

TEST(Healthchecks, TheTextIsLimitedInBytesAndCutBetweenCharacters) {
  for (const int limit : {1, 60, 100, 500, 501, 502, 503, 9999}) {
    const std::string body =
        RequestFor("healthchecks: {ping_url: a/b, ping_body_limit: " + std::to_string(limit) + "}",
                   WithManyMessages())
            .body;
    EXPECT_LE(body.size(), static_cast<std::size_t>(limit));
    EXPECT_EQ(body, ValidUtf8(body));
    EXPECT_TRUE(body.starts_with("B")) << limit;
    if (limit >= 500) {
      EXPECT_THAT(body, AllOf(HasSubstr("\n...\n"), EndsWith("Größe überschritten\n")));
      EXPECT_GT(body.size(), static_cast<std::size_t>(limit) - 100);
    }
  }
}

TEST(Healthchecks, TheLimitDefaultsToThatOfTheServiceAndCanBeDisabled) {
  const Notice notice = WithManyMessages();
  const std::size_t all = LogText(notice, 0).size();
  EXPECT_EQ(RequestFor("healthchecks: {ping_url: a/b, ping_body_limit: 0}", notice).body.size(),
            Describe(notice).size() + 1 + all);
  const auto near = [](std::size_t limit) {
    return AllOf(testing::Le(limit), testing::Gt(limit - 100));
  };
  EXPECT_THAT(RequestFor(kUuidBlock, notice).body.size(), near(100'000));
  EXPECT_THAT(RequestFor("watchgoose: {ping_url: a/b}", notice).body.size(), near(10'000));
}

TEST(Healthchecks, TheLimitThatTheServerReportsIsRespected) {
  MadeMonitor made = MakeMonitor(kUuidBlock);
  FakeTransport transport;
  std::string limit = "10000";
  transport.http = [&](const HttpRequest&) {
    return HttpAnswer{.status = 200, .headers = {{"ping-body-limit", limit}}, .body = "OK"};
  };
  const auto size = [&](NoticeState state) {
    Notice notice = WithManyMessages();
    notice.state = state;
    EXPECT_EQ(made.monitor->Send(notice, transport).outcome, Delivery::Outcome::kDelivered);
    return transport.requests.back().body.size();
  };
  EXPECT_EQ(size(NoticeState::kStart), 0U);
  EXPECT_LE(size(NoticeState::kFail), 10'000U);
  limit = "many";  // an invalid limit is ignored
  EXPECT_GT(size(NoticeState::kFail), 9'900U);
  EXPECT_LE(size(NoticeState::kFail), 10'000U);
  limit = "1000000";  // so is one above the configured limit
  EXPECT_LE(size(NoticeState::kFail), 10'000U);
  EXPECT_GT(size(NoticeState::kFail), 99'900U);
  EXPECT_LE(transport.requests.back().body.size(), 100'000U);
}

TEST(Healthchecks, ATextThatIsTooLongIsSentOnceMoreShortened) {
  MadeMonitor made = MakeMonitor(kUuidBlock);
  FakeTransport transport;
  std::size_t most = 20'000;
  transport.http = [&](const HttpRequest& request) {
    return request.body.size() > most ? HttpAnswer{.status = 413} : GoodAnswer("healthchecks");
  };
  EXPECT_EQ(made.monitor->Send(WithManyMessages(), transport).outcome,
            Delivery::Outcome::kDelivered);
  ASSERT_EQ(transport.requests.size(), 2U);
  EXPECT_EQ(transport.requests[1].url, transport.requests[0].url);
  EXPECT_THAT(transport.requests[1].body,
              AllOf(StartsWith("Backup of home failed"), EndsWith("Größe überschritten\n")));
  most = 0;
  transport.requests.clear();
  EXPECT_EQ(made.monitor->Send(WithManyMessages(), transport).outcome, Delivery::Outcome::kRefused);
  EXPECT_EQ(transport.requests.size(), 2U);
}

TEST(Healthchecks, AShortTextThatIsTooLongIsHalved) {
  MadeMonitor made = MakeMonitor(kUuidBlock);
  FakeTransport transport;
  transport.http = [&](const HttpRequest&) { return HttpAnswer{.status = 413}; };
  (void)made.monitor->Send(MakeNotice(NoticeState::kFail), transport);
  ASSERT_EQ(transport.requests.size(), 2U);
  EXPECT_LE(transport.requests[1].body.size(), transport.requests[0].body.size() / 2);
  EXPECT_THAT(transport.requests[1].body, StartsWith("Backup of home failed"));
}

TEST(Healthchecks, ABadRequestIsShortenedOnlyIfItWasLong) {
  MadeMonitor made = MakeMonitor("healthchecks: {ping_url: a/b, ping_body_limit: 0}");
  FakeTransport transport;
  transport.http = [&](const HttpRequest& request) {
    return request.body.size() > 2'621'440 ? HttpAnswer{.status = 400} : GoodAnswer("healthchecks");
  };
  Notice notice = MakeNotice(NoticeState::kFinish);
  notice.messages.push_back({.text = std::string(3'000'000, 'x')});
  EXPECT_EQ(made.monitor->Send(notice, transport).outcome, Delivery::Outcome::kDelivered);
  EXPECT_EQ(transport.requests.size(), 2U);

  transport.requests.clear();
  transport.http = [&](const HttpRequest&) { return HttpAnswer{.status = 400}; };
  EXPECT_EQ(made.monitor->Send(WithManyMessages(), transport).outcome, Delivery::Outcome::kRefused);
  EXPECT_EQ(transport.requests.size(), 1U);
}

TEST(Healthchecks, OkAndCreatedAreDeliveries) {
  for (const HttpAnswer& answer :
       {HttpAnswer{.status = 200, .body = "OK"}, HttpAnswer{.status = 201, .body = "Created"},
        HttpAnswer{.status = 200, .body = "{\"o", .cut = true}}) {
    EXPECT_EQ(SendResultFor(kUuidBlock, answer).outcome, Delivery::Outcome::kDelivered)
        << answer.body;
  }
}

TEST(Healthchecks, AnAnswerThatIsNotFromTheServiceIsRetried) {
  for (const std::string body :
       {"<html>Log in</html>", R"({"error": "no such route"})", "\n[]", "It works!", ""}) {
    const SendResult result = SendResultFor(kUuidBlock, {.status = 200, .body = body});
    EXPECT_EQ(result.outcome, Delivery::Outcome::kRetry) << body;
    EXPECT_EQ(result.failure, AttemptFailure::kRejected);
    EXPECT_THAT(result.error, HasSubstr("is the URL correct"));
  }
}

TEST(Watchgoose, AnAnswerInJsonIsADelivery) {
  const std::string yaml = "watchgoose: addffa72-da17-40ae-be9c-ff591afb942a";
  EXPECT_EQ(SendResultFor(yaml, {.status = 200, .body = R"({"ok":true})"}).outcome,
            Delivery::Outcome::kDelivered);
  EXPECT_EQ(SendResultFor(yaml, {.status = 200, .body = "<html>Log in</html>"}).outcome,
            Delivery::Outcome::kRetry);
}

TEST(Healthchecks, AnOkWithAnErrorInParenthesesIsNotADelivery) {
  const SendResult unknown = SendResultFor(kUuidBlock, {.status = 200, .body = "OK (not found)"});
  EXPECT_EQ(unknown.outcome, Delivery::Outcome::kRefused);
  EXPECT_THAT(unknown.error, HasSubstr("no check has the UUID"));
  const SendResult many = SendResultFor(kUuidBlock, {.status = 200, .body = "OK (rate limited)"});
  EXPECT_EQ(many.outcome, Delivery::Outcome::kRetry);
  EXPECT_EQ(many.failure, AttemptFailure::kRateLimited);
  EXPECT_EQ(many.pause, std::chrono::minutes(1));
}

TEST(Healthchecks, TheErrorOfARefusalHasAdvice) {
  const auto refusal = [](const std::string& yaml, int status) {
    const SendResult result = SendResultFor(yaml, {.status = status, .body = "not found"});
    EXPECT_EQ(result.outcome, Delivery::Outcome::kRefused);
    EXPECT_EQ(result.failure, AttemptFailure::kHttp4xx);
    return result.error;
  };
  EXPECT_THAT(refusal(kUuidBlock, 404), HasSubstr("no check has the UUID"));
  EXPECT_THAT(refusal(kSlugBlock, 404), HasSubstr("set `create_slug: true`"));
  EXPECT_THAT(refusal("healthchecks: {ping_url: a/b, create_slug: true}", 404),
              HasSubstr("is the ping key in `ping_url` correct"));
  EXPECT_THAT(refusal(kSlugBlock, 409), HasSubstr("several checks have the slug"));
  EXPECT_THAT(refusal(kSlugBlock, 400), HasSubstr("in lower case"));
}

TEST(Healthchecks, TemporaryErrorsAreRetried) {
  for (const int status : {0, 302, 408, 429, 500, 502, 503, 504}) {
    EXPECT_EQ(SendResultFor(kUuidBlock, {.status = status}).outcome, Delivery::Outcome::kRetry)
        << status;
  }
}

TEST(Healthchecks, TooManyRequestsAreRetriedAfterAMinuteUnlessTheServerNamesATime) {
  EXPECT_EQ(SendResultFor(kUuidBlock, {.status = 429}).pause, std::chrono::minutes(1));
  const SendResult with_header =
      SendResultFor(kUuidBlock, {.status = 429, .headers = {{"retry-after", "7"}}});
  EXPECT_EQ(with_header.pause, std::nullopt);
  EXPECT_EQ(with_header.retry_after, "7");
}

TEST(Healthchecks, MistakesInTheBlockAreReported) {
  EXPECT_THAT(MakeMonitor("healthchecks:\n  ping_body_limit: -1\n  send_log: true\n").errors,
              ElementsAre(HasSubstr("needs `ping_url`"), HasSubstr("`ping_body_limit`"),
                          HasSubstr("`send_log`")));
  EXPECT_THAT(MakeMonitor("healthchecks: {ping_url: 'httpx://a/b'}").errors,
              ElementsAre(HasSubstr("`ping_url` must be a URL")));
}

TEST(Healthchecks, TheUrlIsMasked) {
  const MadeMonitor made = MakeMonitor("healthchecks: {ping_url: canary-ping-key/slug}");
  EXPECT_THAT(made.options.mask.Mask("GET https://hc-ping.com/canary-ping-key/other"),
              Not(HasSubstr("canary")));
}

}  // namespace
}  // namespace backup_exporter
