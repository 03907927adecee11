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

constexpr char kBlock[] = "cronitor: {ping_url: 'https://cronitor.link/p/3f9b1c0d2e/nas'}";

SendResult SendResultFor(const HttpAnswer& answer) { return SendResultFor(kBlock, answer); }

TEST(Cronitor, TheRequestsMatchTheRecordings) {
  ExpectGolden("cronitor", {{"query series", "identifies the run"},
                            {"query stamp", "the time of the event, however late it is sent"},
                            {"query metric", "the duration of the run"},
                            {"query status_code", "the exit code"},
                            {"query message", "which backup, what happened and why"},
                            {"query host", "the host"}});
}

TEST(Cronitor, EveryStateHasItsOwnPath) {
  const auto url = [](NoticeState state) { return RequestFor(kBlock, MakeNotice(state)).url; };
  const std::string base = "https://cronitor.link/p/3f9b1c0d2e/nas";
  EXPECT_THAT(url(NoticeState::kStart), StartsWith(base + "/run?"));
  EXPECT_THAT(url(NoticeState::kFinish), StartsWith(base + "/complete?"));
  EXPECT_THAT(url(NoticeState::kFail), StartsWith(base + "/fail?"));
  EXPECT_THAT(url(NoticeState::kResolve), StartsWith(base + "/ok?"));
}

TEST(Cronitor, TheUrlHasTheTimeOfTheEventAndTheKnownValuesOfTheRun) {
  Notice notice = MakeNotice(NoticeState::kFail);
  notice.at += std::chrono::milliseconds(250);
  EXPECT_EQ(RequestFor(kBlock, notice).url,
            "https://cronitor.link/p/3f9b1c0d2e/nas/fail?"
            "series=0d6c1d2e-3a65-4c5b-9d0e-6f8a7b9c0d1e&stamp=1772330407.250&"
            "metric=duration%3A7.000&status_code=2&"
            "message=Backup%20of%20home%20failed%3A%20repository%20is%20already%20locked.%20"
            "2026-03-01T02%3A00%3A07Z%2C%20after%207.0%20s%2C%201.5%20KiB%20added%2C%20"
            "exit%20code%202.&host=backup-host-1");
}

TEST(Cronitor, UnknownValuesAreNotSent) {
  const std::string url = RequestFor(kBlock, {.cause = NoticeCause::kHeartbeat}).url;
  EXPECT_THAT(url, HasSubstr("/complete?stamp="));
  for (const char* field : {"series", "metric", "status_code"}) {
    EXPECT_THAT(url, Not(HasSubstr(field)));
  }
}

TEST(Cronitor, TheMessageIsCutBetweenCharacters) {
  Notice notice = MakeNotice(NoticeState::kFail);
  for (int i = 0; i < 200; ++i) notice.also_failing.emplace_back("Büro-漢字");
  const std::string url = RequestFor(kBlock, notice).url;
  const std::size_t begin = url.find("message=") + 8;
  std::string message;
  for (std::size_t i = begin; url[i] != '&'; ++i) {
    message +=
        url[i] == '%' ? static_cast<char>(std::stoi(url.substr(i + 1, 2), nullptr, 16)) : url[i];
    if (url[i] == '%') i += 2;
  }
  EXPECT_LE(message.size(), 1000U);
  EXPECT_GT(message.size(), 996U);
  EXPECT_EQ(message, ValidUtf8(message));
}

TEST(Cronitor, AUrlMayEndInASlashAndHaveAQuery) {
  EXPECT_THAT(RequestFor("cronitor: {ping_url: 'https://cronitor.link/p/k/n/?env=prod&state=run'}",
                         MakeNotice(NoticeState::kFinish))
                  .url,
              StartsWith("https://cronitor.link/p/k/n/complete?env=prod&series="));
}

TEST(Cronitor, APlaceholderInTheUrlSelectsAMonitorForEachBackup) {
  const std::string yaml = "cronitor: 'https://cronitor.link/p/3f9b1c0d2e/{backup}'";
  EXPECT_TRUE(MakeMonitor(yaml).options.by_backup);
  EXPECT_THAT(RequestFor(yaml, MakeNotice(NoticeState::kFinish)).url, HasSubstr("/home/complete?"));
}

TEST(Cronitor, OnlyTemporaryErrorsAreRetried) {
  for (const int status : {0, 302, 408, 429, 500, 503}) {
    EXPECT_EQ(SendResultFor({.status = status}).outcome, Delivery::Outcome::kRetry) << status;
  }
  for (const int status : {400, 401, 403, 404}) {
    const SendResult result = SendResultFor({.status = status});
    EXPECT_EQ(result.outcome, Delivery::Outcome::kRefused) << status;
    EXPECT_THAT(result.error, EndsWith("does the monitor still exist?"));
  }
  EXPECT_EQ(SendResultFor({.status = 200, .body = "<html>"}).outcome, Delivery::Outcome::kRetry);
  EXPECT_EQ(SendResultFor({.status = 200, .cut = true}).outcome, Delivery::Outcome::kDelivered);
}

TEST(Cronitor, MistakesInTheBlockAreReported) {
  EXPECT_THAT(MakeMonitor("cronitor: {send_logs: true}").errors,
              ElementsAre(HasSubstr("needs `ping_url`"), HasSubstr("`send_logs`")));
  EXPECT_THAT(MakeMonitor("cronitor: d3x0c1").errors,
              ElementsAre(HasSubstr("`ping_url` must be a URL")));
}

TEST(Cronitor, TheUrlIsMasked) {
  const MadeMonitor made = MakeMonitor("cronitor: {ping_url: 'https://cronitor.link/canary'}");
  EXPECT_THAT(made.options.mask.Mask("GET https://cronitor.link/canary/run"),
              Not(HasSubstr("canary")));
}

}  // namespace
}  // namespace backup_exporter
