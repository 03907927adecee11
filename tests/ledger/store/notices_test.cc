// How notices are stored: with a version and names; and reading the form before that.

#include "ledger/store/notices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace backup_exporter {
namespace {

using Json = nlohmann::json;

constexpr Time kNow{std::chrono::seconds(1'790'000'000)};

Notice FullNotice() {
  Notice notice{.cause = NoticeCause::kReminder,
                .uid = "0d6c1d2e-3a65-4c5b-9d0e-000000000001",
                .closes = true,
                .backup = "home",
                .operation = Operation::kCheck,
                .at = kNow};
  notice.result = RunResult::kFailure;
  notice.reason = Reason::kNoSpace;
  notice.error = "no space left on device";
  notice.exit_code = 11;
  notice.started = kNow - std::chrono::minutes(2);
  notice.duration = std::chrono::minutes(2);
  notice.figures.added_bytes = 512;
  notice.figures.errors = 3;
  notice.failures = 2;
  notice.also_failing = {"nas", "nas (check)"};
  return notice;
}

void ExpectSame(const Notice& read, const Notice& written) {
  EXPECT_EQ(read.cause, written.cause);
  EXPECT_EQ(read.uid, written.uid);
  EXPECT_EQ(read.closes, written.closes);
  EXPECT_EQ(read.backup, written.backup);
  EXPECT_EQ(read.operation, written.operation);
  EXPECT_EQ(read.at, written.at);
  EXPECT_EQ(read.result, written.result);
  EXPECT_EQ(read.reason, written.reason);
  EXPECT_EQ(read.error, written.error);
  EXPECT_EQ(read.exit_code, written.exit_code);
  EXPECT_EQ(read.started, written.started);
  EXPECT_EQ(read.duration, written.duration);
  EXPECT_EQ(read.figures, written.figures);
  EXPECT_EQ(read.failures, written.failures);
  EXPECT_EQ(read.also_failing, written.also_failing);
}

TEST(StoredNotice, ANoticeIsReadBackAsItWasWritten) {
  ExpectSame(NoticeFromJson(NoticeToJson(FullNotice())), FullNotice());
  const Notice start{.uid = "u", .backup = "home", .at = kNow};
  ExpectSame(NoticeFromJson(NoticeToJson(start)), start);
}

TEST(StoredNotice, ANoticeIsWrittenWithAVersionAndNames) {
  const Json json = Json::parse(NoticeToJson(FullNotice()));
  EXPECT_EQ(json["v"], 1);
  EXPECT_EQ(json["cause"], "reminder");
  EXPECT_EQ(json["operation"], "check");
  EXPECT_EQ(json["result"], "failure");
  EXPECT_EQ(json["reason"], "no_space");
}

TEST(StoredNotice, NoNumberOfAnEnumIsEverWritten) {
  const auto expect_name = [](const Notice& notice, const char* key, std::string_view name) {
    const Json json = Json::parse(NoticeToJson(notice));
    ASSERT_TRUE(json[key].is_string()) << key;
    EXPECT_EQ(json[key].get<std::string>(), name);
  };
  for (int i = 0; i < kNoticeCauses; ++i) {
    const auto cause = static_cast<NoticeCause>(i);
    expect_name({.cause = cause}, "cause", Name(cause));
  }
  for (int i = 0; i < kOperations; ++i) {
    const auto operation = static_cast<Operation>(i);
    expect_name({.operation = operation}, "operation", Name(operation));
  }
  for (int i = 0; i < kRunResults; ++i) {
    const auto result = static_cast<RunResult>(i);
    expect_name({.result = result}, "result", Name(result));
  }
  for (int i = 0; i < kReasons; ++i) {
    const auto reason = static_cast<Reason>(i);
    expect_name({.reason = reason}, "reason", Name(reason));
  }
}

TEST(StoredNotice, TheFormWithoutAVersionIsRead) {
  const std::string old =
      R"old({"added_bytes":512,"also_failing":["nas","nas (check)"],"at":1790000000000000,)old"
      R"("backup":"home","cause":1,"closes":true,"duration":120000000,)"
      R"("error":"no space left on device","errors":3,"exit_code":11,"failures":2,"operation":1,)"
      R"("reason":4,"result":4,"started":1789999880000000,)"
      R"("uid":"0d6c1d2e-3a65-4c5b-9d0e-000000000001"})";
  ExpectSame(NoticeFromJson(old), FullNotice());
}

// The numbers are facts about files that exist. They stay when an enum changes.
TEST(StoredNotice, EveryNumberOfTheFormWithoutAVersionHasItsMeaning) {
  const auto read = [](const char* key, int number) {
    Json json{{"uid", "u"}, {"backup", "b"}, {"at", 0}, {"cause", 0}, {"operation", 0}};
    json[key] = number;
    return NoticeFromJson(json.dump());
  };
  const auto names = [&](const char* key, int count, auto name) {
    std::string all;
    for (int i = 0; i < count; ++i) all += std::string(name(read(key, i))) + " ";
    EXPECT_ANY_THROW((void)read(key, count)) << key;
    return all;
  };
  EXPECT_EQ(names("cause", 5, [](const Notice& notice) { return Name(notice.cause); }),
            "run reminder missed test heartbeat ");
  EXPECT_EQ(names("operation", 8, [](const Notice& notice) { return Name(notice.operation); }),
            "backup check prune forget compact copy restore other ");
  EXPECT_EQ(names("result", 5, [](const Notice& notice) { return Name(*notice.result); }),
            "success skipped warning interrupted failure ");
  EXPECT_EQ(names("reason", 11, [](const Notice& notice) { return Name(*notice.reason); }),
            "locked auth repository_missing network no_space source_missing source_unreadable "
            "interrupted hook timeout other ");
}

TEST(StoredNotice, AnUnknownNameOrVersionIsAnError) {
  Json json = Json::parse(NoticeToJson(FullNotice()));
  json["reason"] = "bad luck";
  EXPECT_THROW((void)NoticeFromJson(json.dump()), std::runtime_error);
  json["reason"] = "auth";
  json["v"] = 2;
  EXPECT_THROW((void)NoticeFromJson(json.dump()), std::runtime_error);
}

}  // namespace
}  // namespace backup_exporter
