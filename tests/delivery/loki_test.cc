#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/time.h"
#include "kit/gunzip.h"
#include "kit/monitors.h"

namespace backup_exporter {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

constexpr const char* kBlock = "loki: {url: 'http://loki:3100/loki/api/v1/push', labels: {app: b}}";
constexpr const char* kByBackup =
    "loki: {url: 'http://loki:3100/loki/api/v1/push', labels: {backup: '{backup}'}}";
constexpr const char* kTooOld =
    "entry for stream '{app=\"b\"}' has timestamp too old: 2026-03-01T02:00:07Z";
constexpr const char* kTooFarBehind =
    "entry with timestamp 2026-03-01 02:00:07 ignored, reason: 'entry too far behind, entry "
    "timestamp is: …, oldest acceptable timestamp is: …'";
constexpr const char* kNoMetadata =
    "stream '{app=\"b\"}' includes structured metadata, but this feature is disallowed.";
constexpr auto kDelivered = Delivery::Outcome::kDelivered;
constexpr auto kRetry = Delivery::Outcome::kRetry;
constexpr auto kRefused = Delivery::Outcome::kRefused;

std::string HeaderOf(const HttpRequest& request, std::string_view name) {
  const auto found = std::ranges::find(
      request.headers, name, [](const auto& header) { return std::string_view(header.first); });
  return found == request.headers.end() ? "" : found->second;
}

std::string Text(const HttpRequest& request) {
  if (HeaderOf(request, "Content-Encoding") != "gzip") return request.body;
  return Gunzip(request.body).value_or("not gzip");
}

json Streams(const HttpRequest& request) { return json::parse(Text(request))["streams"]; }

// The values of all streams: [time, line, metadata].
std::vector<json> Values(const HttpRequest& request) {
  std::vector<json> values;
  for (const json& stream : Streams(request)) {
    values.insert(values.end(), stream["values"].begin(), stream["values"].end());
  }
  return values;
}

std::vector<std::string> Lines(const HttpRequest& request) {
  std::vector<std::string> lines;
  for (const json& value : Values(request)) lines.push_back(value[1]);
  return lines;
}

Notice Log(std::vector<Message> messages) {
  Notice notice = MakeNotice(NoticeState::kLog);
  notice.messages = std::move(messages);
  return notice;
}

std::vector<Notice> Finishes(int count) {
  std::vector<Notice> notices;
  for (int i = 0; i < count; ++i) {
    notices.push_back(MakeNotice(NoticeState::kFinish));
    notices.back().id = i + 1;
    notices.back().backup = "b" + std::to_string(i);
    notices.back().at += std::chrono::minutes(i);
  }
  return notices;
}

// A monitor, and a server whose answers are configurable.
struct Rig {
  MadeMonitor made;
  FakeTransport transport;

  explicit Rig(const std::string& yaml = kBlock) : made(MakeMonitor(yaml)) {
    transport.http = [](const HttpRequest&) { return HttpAnswer{.status = 204}; };
  }
  SendResult Send(const Notice& notice) { return made.monitor->Send(notice, transport); }
  std::vector<Delivery::Outcome> SendAll(const std::vector<Notice>& notices) {
    std::vector<Delivery::Outcome> outcomes;
    for (const SendResult& result : made.monitor->SendAll(notices, transport)) {
      outcomes.push_back(result.outcome);
    }
    return outcomes;
  }
  // Refuses requests that contain `text`.
  void Refuse(const std::string& text, int status, const std::string& body) {
    transport.http = [=](const HttpRequest& request) {
      const bool found = Text(request).find(text) != std::string::npos;
      return found ? HttpAnswer{.status = status, .body = body} : HttpAnswer{.status = 204};
    };
  }
};

SendResult SendResultFor(const HttpAnswer& answer) {
  Rig rig;
  rig.transport.http = [&](const HttpRequest&) { return answer; };
  return rig.Send(MakeNotice(NoticeState::kFail));
}

// One line of a stream, as recorded or as ours.
struct GoldenLine {
  json stream;
  std::int64_t nanoseconds = 0;
  std::string text;
};

std::vector<GoldenLine> GoldenLines(const json& streams) {
  std::vector<GoldenLine> lines;
  for (const json& stream : streams) {
    for (const json& value : stream["values"]) {
      lines.push_back({stream["stream"], std::stoll(value[0].get<std::string>()), value[1]});
    }
  }
  return lines;
}

// Compares lines instead of requests: if logs are enabled, the recorded program sends all lines at
// the end of the run, and ours sends each state when it occurs.
TEST(Loki, TheRequestsMatchTheRecordings) {
  std::map<std::string, std::string> allowed{
      {"time", "ours are whole microseconds, with lines numbered within one"},
      {"text", "the line of a state continues with the backup, the result and the reason"},
      {"metadata", "level, backup, operation, run and result"},
      {"logs", "the log is sent by default"}};
  std::set<std::string> needed;
  std::map<std::string, std::vector<GoldenLine>> recorded;
  std::map<std::string, std::vector<GoldenLine>> ours;
  for (const GoldenCase& golden : GoldenCases("loki")) {
    SCOPED_TRACE(golden.name);
    const std::string name = golden.recording["case"];
    for (const json& request : golden.requests) {
      std::ranges::move(GoldenLines(request["body"]["streams"]),
                        std::back_inserter(recorded[name]));
    }
    if (golden.state == "destroy") continue;  // not a state of a run
    const std::vector<HttpRequest> requests = RequestsFor(golden);
    for (const HttpRequest& request : requests) {
      std::ranges::move(GoldenLines(Streams(request)), std::back_inserter(ours[name]));
      for (const json& value : Values(request)) {
        if (value.size() == 3) needed.insert("metadata");
      }
    }
    if (golden.requests.empty()) {
      if (golden.state == "log") needed.insert("logs");
      continue;
    }
    ASSERT_THAT(requests, SizeIs(1));
    EXPECT_THAT(Differences(requests[0], golden.requests[0]), ElementsAre(StartsWith("body ")));
  }
  std::size_t compared = 0;
  for (const auto& [name, lines] : recorded) {
    for (const GoldenLine& line : lines) {
      SCOPED_TRACE(name + ": " + line.text);
      const auto found = std::ranges::find_if(ours[name], [&](const GoldenLine& own) {
        return own.stream == line.stream && own.nanoseconds / 1000 == line.nanoseconds / 1000 &&
               own.text.starts_with(line.text);
      });
      ASSERT_NE(found, ours[name].end());
      ++compared;
      if (found->nanoseconds != line.nanoseconds) needed.insert("time");
      if (found->text == line.text) continue;
      EXPECT_THAT(line.text, testing::AnyOf("Started backup", "Finished backup", "Failed backup"));
      needed.insert("text");
    }
  }
  EXPECT_GT(compared, 20U);
  for (const auto& [difference, reason] : allowed) {
    EXPECT_TRUE(needed.contains(difference)) << "allowed and not needed: " << difference << reason;
  }
}

TEST(Loki, ALineBeginsWithTheRecordedWordsAndDescribesTheNotice) {
  Rig rig;
  for (const NoticeState state :
       {NoticeState::kStart, NoticeState::kFinish, NoticeState::kFail, NoticeState::kResolve}) {
    EXPECT_EQ(rig.Send(MakeNotice(state)).outcome, kDelivered);
  }
  EXPECT_THAT(Lines(rig.transport.requests[0]),
              ElementsAre("Started backup: Backup of home started"));
  EXPECT_THAT(Lines(rig.transport.requests[1]),
              ElementsAre(StartsWith("Finished backup: Backup of home succeeded")));
  EXPECT_THAT(Lines(rig.transport.requests[2]),
              ElementsAre(AllOf(StartsWith("Failed backup: Backup of home failed"),
                                HasSubstr("repository is already locked"))));
  EXPECT_THAT(Lines(rig.transport.requests[3]),
              ElementsAre(StartsWith("Finished backup: Backup of home has recovered")));
}

TEST(Loki, ATestIsNotCalledABackup) {
  Rig rig;
  Notice notice = MakeNotice(NoticeState::kFail);
  notice.cause = NoticeCause::kTest;
  EXPECT_EQ(rig.Send(notice).outcome, kDelivered);
  EXPECT_THAT(Lines(rig.transport.requests[0]), ElementsAre(StartsWith("Test of")));
}

TEST(Loki, MetadataHasLevelBackupOperationRunAndResult) {
  Rig rig;
  EXPECT_EQ(rig.Send(MakeNotice(NoticeState::kFail)).outcome, kDelivered);
  const json metadata = Values(rig.transport.requests[0])[0][2];
  EXPECT_EQ(metadata, (json{{"level", "error"},
                            {"backup", "home"},
                            {"operation", "backup"},
                            {"result", "failure"},
                            {"run", "0d6c1d2e-3a65-4c5b-9d0e-6f8a7b9c0d1e"}}));
}

TEST(Loki, EachMessageIsSentWithItsTimeAndLevel) {
  Rig rig;
  const Notice log = Log({{.at = ParseRfc3339("2026-03-01T02:00:01Z"), .text = "a"},
                          {.at = std::nullopt, .level = Level::kWarning, .text = "b"},
                          {.at = ParseRfc3339("2026-03-01T02:00:01Z"), .text = "c\nd"}});
  EXPECT_EQ(rig.Send(log).outcome, kDelivered);
  const std::vector<json> values = Values(rig.transport.requests[0]);
  ASSERT_THAT(values, SizeIs(3));
  EXPECT_EQ(values[0][0], "1772330401000000001");
  EXPECT_EQ(values[0][1], "a");
  EXPECT_EQ(values[1][0], "1772330401000000002");
  EXPECT_EQ(values[1][1], "c\nd");
  EXPECT_EQ(values[2][0],
            "1772330407000000001");  // a message without a time has that of the notice
  EXPECT_EQ(values[2][2]["level"], "warning");
}

TEST(Loki, ALogIsBetweenAStartAndAnEndOfTheSameTime) {
  Rig rig;
  std::vector<Notice> notices{MakeNotice(NoticeState::kFinish), Log({{.text = "message"}}),
                              MakeNotice(NoticeState::kStart)};
  notices[2].at = notices[0].at;
  EXPECT_THAT(rig.SendAll(notices), ElementsAre(kDelivered, kDelivered, kDelivered));
  EXPECT_THAT(Lines(rig.transport.requests[0]),
              ElementsAre(StartsWith("Started"), "message", StartsWith("Finished")));
}

TEST(Loki, ALogWithoutMessagesSendsNothing) {
  Rig rig;
  EXPECT_EQ(rig.Send(Log({})).outcome, kDelivered);
  EXPECT_THAT(rig.transport.requests, IsEmpty());
}

TEST(Loki, ARetrySendsTheSameBytes) {
  Rig rig;
  std::vector<Notice> notices{MakeNotice(NoticeState::kStart), Log({{.text = "a"}, {.text = "a"}}),
                              MakeNotice(NoticeState::kFail)};
  rig.transport.http = [](const HttpRequest&) { return HttpAnswer{.status = 503}; };
  EXPECT_THAT(rig.SendAll(notices), ElementsAre(kRetry));
  for (Notice& notice : notices) ++notice.attempts;
  EXPECT_THAT(rig.SendAll(notices), ElementsAre(kRetry));
  ASSERT_THAT(rig.transport.requests, SizeIs(2));
  EXPECT_EQ(rig.transport.requests[0].body, rig.transport.requests[1].body);
  EXPECT_THAT(Lines(rig.transport.requests[0]), SizeIs(4));
}

TEST(Loki, PlaceholdersInLabelsMakeSeparateStreams) {
  Rig rig(
      "loki:\n  url: http://l/push\n  labels:\n    backup: '{backup}'\n    what: a {operation}\n"
      "    host: __hostname\n    file: __config\n    path: __config_path\n    x: on __hostname\n");
  EXPECT_THAT(rig.SendAll(Finishes(2)), ElementsAre(kDelivered, kDelivered));
  const json streams = Streams(rig.transport.requests.at(0));
  ASSERT_EQ(streams.size(), 2U);
  EXPECT_EQ(streams[1]["stream"], (json{{"backup", "b1"},
                                        {"what", "a backup"},
                                        {"host", "backup-host-1"},
                                        {"file", "config.yaml"},
                                        {"path", "/etc/test/config.yaml"},
                                        {"x", "on __hostname"}}));
}

TEST(Loki, ABacklogIsSentInOneRequestOldestFirst) {
  Rig rig;
  std::vector<Notice> notices = Finishes(100);
  std::ranges::reverse(notices);
  EXPECT_THAT(rig.SendAll(notices), AllOf(SizeIs(100), Each(kDelivered)));
  ASSERT_THAT(rig.transport.requests, SizeIs(1));
  const std::vector<std::string> lines = Lines(rig.transport.requests[0]);
  EXPECT_THAT(lines, SizeIs(100));
  EXPECT_THAT(lines.front(), HasSubstr("of b0 "));
}

TEST(Loki, ALongRequestIsCompressed) {
  Rig rig;
  EXPECT_EQ(rig.Send(MakeNotice(NoticeState::kFail)).outcome, kDelivered);
  EXPECT_EQ(HeaderOf(rig.transport.requests[0], "Content-Encoding"), "");
  EXPECT_EQ(rig.Send(Log({{.text = std::string(5000, 'x')}})).outcome, kDelivered);
  EXPECT_EQ(HeaderOf(rig.transport.requests[1], "Content-Encoding"), "gzip");
  EXPECT_THAT(Lines(rig.transport.requests[1]), ElementsAre(std::string(5000, 'x')));
  EXPECT_LT(rig.transport.requests[1].body.size(), 1000U);
}

TEST(Loki, ABatchHasNoMoreNoticesThanFitInARequest) {
  Rig rig;
  const std::vector<Notice> notices(12, Log({{.text = std::string(150'000, 'x')}}));
  EXPECT_THAT(rig.SendAll(notices), AllOf(SizeIs(6), Each(kDelivered)));
  ASSERT_THAT(rig.transport.requests, SizeIs(1));
  EXPECT_LT(Text(rig.transport.requests[0]).size(), 1'050'000U);
}

TEST(Loki, ALogThatIsTooLargeForOneRequestIsSentInSeveral) {
  Rig rig;
  EXPECT_EQ(rig.Send(Log(std::vector<Message>(20, {.text = std::string(100'000, 'x')}))).outcome,
            kDelivered);
  ASSERT_THAT(rig.transport.requests, SizeIs(3));
  std::size_t lines = 0;
  for (const HttpRequest& request : rig.transport.requests) lines += Lines(request).size();
  EXPECT_EQ(lines, 20U);
}

TEST(Loki, LinesThatAreTooLongForLokiAreCut) {
  Rig rig;
  std::string text;
  while (text.size() < 300'000) text += "größer ";
  EXPECT_EQ(rig.Send(Log({{.text = text}})).outcome, kDelivered);
  const std::string line =
      Lines(rig.transport.requests[0]).at(0);  // valid UTF-8, otherwise it would not parse
  EXPECT_LE(line.size(), 256'000U);
  EXPECT_GT(line.size(), 255'990U);
  EXPECT_TRUE(line.ends_with("..."));
}

TEST(Loki, TenantAuthorizationAndCertificateAreSent) {
  Rig rig(
      "loki:\n  url: https://l/push\n  labels: {a: b}\n  tenant: t1\n  username: u\n"
      "  password: geheim\n  verify_tls: false\n  tls: {cert_path: c.pem, key_path: /k.pem}\n");
  EXPECT_THAT(rig.made.errors, IsEmpty());
  EXPECT_EQ(rig.Send(MakeNotice(NoticeState::kFail)).outcome, kDelivered);
  const HttpRequest& request = rig.transport.requests[0];
  EXPECT_EQ(HeaderOf(request, "X-Scope-OrgID"), "t1");
  EXPECT_EQ(HeaderOf(request, "Authorization"), "Basic dTpnZWhlaW0=");
  EXPECT_EQ(rig.made.options.mask.Mask("dTpnZWhlaW0="), "***");
  EXPECT_EQ(request.certificate_file, "/etc/test/c.pem");
  EXPECT_EQ(request.key_file, "/k.pem");
  EXPECT_FALSE(request.verify_tls);
}

TEST(Loki, ARefusalIsNotRetried) {
  for (const int status : {400, 401, 403, 404, 413, 422}) {
    const SendResult result = SendResultFor({.status = status, .body = "why"});
    EXPECT_EQ(result.outcome, kRefused) << status;
    EXPECT_THAT(result.error, HasSubstr("why"));
  }
  EXPECT_THAT(SendResultFor({.status = 401}).error, HasSubstr("`tenant`"));
}

TEST(Loki, ARequestIsRetriedIfLokiIsDownOrBusy) {
  for (const int status : {0, 302, 408, 429, 500, 503}) {
    EXPECT_EQ(SendResultFor({.status = status}).outcome, kRetry) << status;
  }
  EXPECT_EQ(SendResultFor({.status = 200, .body = "<html>log in</html>"}).outcome, kRetry);
}

TEST(Loki, BlockedIngestionIsRetriedAfterALongPause) {
  const SendResult result =
      SendResultFor({.status = 260, .body = "ingestion blocked for user fake"});
  EXPECT_EQ(result.outcome, kRetry);
  EXPECT_EQ(result.pause, std::chrono::minutes(15));
}

TEST(Loki, OnlyTheNoticeThatCausesARefusalIsRefused) {
  Rig rig(kByBackup);
  rig.Refuse("b5", 400, "Max entry size exceeded");
  const auto outcomes = rig.SendAll(Finishes(9));
  ASSERT_THAT(outcomes, SizeIs(9));
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    EXPECT_EQ(outcomes[i], i == 5 ? kRefused : kDelivered) << i;
  }
  EXPECT_LT(rig.transport.requests.size(), 10U);
}

TEST(Loki, TheSearchForARefusedNoticeEndsAtARetry) {
  Rig rig(kByBackup);
  rig.transport.http = [&](const HttpRequest&) {
    return HttpAnswer{.status = rig.transport.requests.size() == 1 ? 400 : 503};
  };
  EXPECT_THAT(rig.SendAll(Finishes(8)), ElementsAre(kRetry));
  EXPECT_THAT(rig.transport.requests, SizeIs(2));
}

TEST(Loki, AnErrorThatIsNotInTheLinesRefusesTheWholeBatch) {
  Rig rig;
  rig.transport.http = [](const HttpRequest&) { return HttpAnswer{.status = 401}; };
  EXPECT_THAT(rig.SendAll(Finishes(8)), AllOf(SizeIs(8), Each(kRefused)));
  EXPECT_THAT(rig.transport.requests, SizeIs(1));
}

TEST(Loki, MetadataIsLeftOutIfTheServerDoesNotAcceptIt) {
  Rig rig;
  rig.Refuse("\"level\"", 400, kNoMetadata);
  EXPECT_THAT(rig.SendAll(Finishes(3)), Each(kDelivered));
  ASSERT_THAT(rig.transport.requests, SizeIs(2));
  EXPECT_THAT(Values(rig.transport.requests[1]), AllOf(SizeIs(3), Each(SizeIs(2))));
  EXPECT_THAT(rig.SendAll(Finishes(3)), Each(kDelivered));
  EXPECT_THAT(rig.transport.requests, SizeIs(3));  // it remembers this
}

TEST(Loki, ALineThatIsTooOldIsSentWithTheCurrentTimeInASeparateStream) {
  for (const char* text : {kTooOld, kTooFarBehind}) {
    Rig rig;
    rig.Refuse("\"17723304", 400, text);
    const std::int64_t before = SystemClock().Now().time_since_epoch().count() * 1000;
    EXPECT_EQ(rig.Send(MakeNotice(NoticeState::kFail)).outcome, kDelivered);
    ASSERT_THAT(rig.transport.requests, SizeIs(2));
    const json stream = Streams(rig.transport.requests[1])[0];
    EXPECT_EQ(stream["stream"], (json{{"app", "b"}, {"time_shifted", "true"}}));
    EXPECT_GE(std::stoll(stream["values"][0][0].get<std::string>()), before);
    EXPECT_THAT(stream["values"][0][1].get<std::string>(),
                StartsWith("[true time 2026-03-01T02:00:07.000000Z] Failed backup"));
  }
}

TEST(Loki, ShiftedLinesOfALogKeepTheirOrder) {
  Rig rig;
  rig.Refuse("\"17723304", 400, kTooOld);
  EXPECT_EQ(rig.Send(Log({{.text = "a"}, {.text = "b"}})).outcome, kDelivered);
  const std::vector<json> values = Values(rig.transport.requests.at(1));
  ASSERT_THAT(values, SizeIs(2));
  EXPECT_LT(values[0][0].get<std::string>(), values[1][0].get<std::string>());
  EXPECT_THAT(values[0][1].get<std::string>(), testing::EndsWith("] a"));
}

// Accepts lines as Loki does: none older than a week, and none more than an hour behind the newest
// of its stream. The acceptable lines of a refused request are stored.
struct Store {
  std::map<std::string, std::int64_t> newest;
  std::multiset<std::string> lines;

  HttpAnswer operator()(const HttpRequest& request) {
    using std::chrono::hours;
    std::string errors;
    const auto refuse = [&](std::string_view error, Time oldest) {
      errors +=
          std::string(error) + ", oldest acceptable timestamp is: " + FormatUtc(oldest) + "',\n";
    };
    for (const json& stream : Streams(request)) {
      std::int64_t& newest_here = newest[stream["stream"].dump()];
      for (const json& value : stream["values"]) {
        const std::int64_t time = std::stoll(value[0].get<std::string>());
        const Time at{std::chrono::microseconds(time / 1000)};
        const Time week_ago = SystemClock().Now() - hours(24 * 7);
        const Time hour_before = Time(std::chrono::microseconds(newest_here / 1000)) - hours(1);
        if (at < week_ago) {
          refuse("has timestamp too old", week_ago);
        } else if (at < hour_before) {
          refuse("reason: 'entry too far behind", hour_before);
        } else {
          newest_here = std::max(newest_here, time);
          lines.insert(value[1]);
        }
      }
    }
    return {.status = errors.empty() ? 204 : 400, .body = errors};
  }
};

TEST(Loki, EachLineOfALongBacklogIsStoredOnceAlthoughSomeAreTooOld) {
  Rig rig;
  Store store;
  rig.transport.http = std::ref(store);
  std::vector<Notice> notices = Finishes(20);
  for (std::size_t i = 0; i < notices.size(); ++i) {
    notices[i].at = SystemClock().Now() - std::chrono::hours(12 * (notices.size() - i));
  }
  EXPECT_THAT(rig.SendAll(notices), AllOf(SizeIs(20), Each(kDelivered)));
  EXPECT_THAT(store.lines, SizeIs(20));
  const auto shifted = std::ranges::count_if(
      store.lines, [](const std::string& line) { return line.starts_with("[true time"); });
  EXPECT_EQ(shifted, 7);  // those that are a week old or older
  EXPECT_THAT(rig.transport.requests, SizeIs(2));
}

TEST(Loki, LinesBehindTheirStreamAreSentWithTheCurrentTime) {
  Rig rig;
  Store store;
  rig.transport.http = std::ref(store);
  Notice other = MakeNotice(NoticeState::kFinish);
  other.at = SystemClock().Now();
  EXPECT_EQ(rig.Send(other).outcome, kDelivered);
  EXPECT_EQ(rig.Send(Log({{.at = other.at - std::chrono::hours(3), .text = "behind"},
                          {.at = other.at - std::chrono::minutes(3), .text = "in time"}}))
                .outcome,
            kDelivered);
  EXPECT_THAT(store.lines, SizeIs(3));
  EXPECT_THAT(store.lines, testing::Contains("in time"));
  EXPECT_THAT(store.lines, testing::Contains(testing::EndsWith("] behind")));
}

TEST(Loki, ALineThatIsTooOldAtAnyTimeIsRefused) {
  const SendResult result = SendResultFor({.status = 400, .body = kTooOld});
  EXPECT_EQ(result.outcome, kRefused);
  EXPECT_THAT(result.error, HasSubstr("timestamp too old"));
}

TEST(Loki, ARequestThatIsTooLargeIsSplit) {
  Rig rig;
  rig.transport.http = [](const HttpRequest& request) {
    return HttpAnswer{.status = Text(request).size() > 30'000 ? 413 : 204};
  };
  const std::vector<Notice> notices{Log(std::vector<Message>(8, {.text = std::string(9000, 'x')})),
                                    Log({{.text = std::string(100'000, 'y')}})};
  EXPECT_THAT(rig.SendAll(notices), ElementsAre(kDelivered, kDelivered));
  EXPECT_THAT(Lines(rig.transport.requests.back()),
              ElementsAre(AllOf(SizeIs(16'000), testing::EndsWith("y..."))));
}

TEST(Loki, ALineThatIsTooLargeEvenWhenCutIsRefused) {
  Rig rig;
  rig.Refuse("yyy", 413, "");
  const std::vector<Notice> notices{Log({{.text = "x"}}), Log({{.text = std::string(50'000, 'y')}}),
                                    Log({{.text = "z"}})};
  EXPECT_THAT(rig.SendAll(notices), ElementsAre(kDelivered, kRefused, kDelivered));
}

TEST(Loki, TheLogIsSentUnlessDisabled) {
  EXPECT_TRUE(MakeMonitor(kBlock).options.sends_messages);
  EXPECT_FALSE(MakeMonitor("loki: {url: 'http://l/push', labels: {a: b}, send_logs: false}")
                   .options.sends_messages);
}

TEST(Loki, SecretsAreMasked) {
  const MadeMonitor made = MakeMonitor(
      "loki: {url: 'http://u1:canary-one@l/push', labels: {a: b}, username: canary-two, "
      "password: canary-three}");
  EXPECT_EQ(made.options.mask.Mask("canary-two canary-three"), "*** ***");
  EXPECT_THAT(made.options.mask.Mask("at canary-one"), testing::Not(HasSubstr("canary")));
}

TEST(Loki, AUrlWithoutAPathIsAWarning) {
  EXPECT_THAT(MakeMonitor("loki: {url: 'http://loki:3100', labels: {a: b}}").options.warnings,
              ElementsAre(HasSubstr("/loki/api/v1/push")));
  EXPECT_THAT(MakeMonitor(kBlock).options.warnings, IsEmpty());
}

TEST(Loki, MistakesInTheBlockAreReported) {
  EXPECT_THAT(MakeMonitor("loki: {send_logs: true}").errors,
              ElementsAre(HasSubstr("needs `url`"), HasSubstr("needs `labels`")));
  EXPECT_THAT(MakeMonitor("loki: {url: 'http://l/push', labels: {}}").errors,
              ElementsAre(HasSubstr("at least one label")));
  EXPECT_THAT(
      MakeMonitor("loki:\n  url: http://l/push\n  username: u\n  tls: {cert_path: /c}\n  labels:\n"
                  "    1st: a\n    disk: 5\n    flag: true\n    good: '5'\n    version: 1.2.3\n")
          .errors,
      ElementsAre(HasSubstr("`username` and `password` must be given together"),
                  HasSubstr("`cert_path` and `key_path` must be given together"),
                  HasSubstr("`1st`"), HasSubstr("`disk` must be text: put `5` in quotes"),
                  HasSubstr("`flag`")));
  std::string many = "loki:\n  url: http://l/push\n  labels:\n";
  for (int i = 0; i < 16; ++i) many += "    l" + std::to_string(i) + ": x\n";
  EXPECT_THAT(MakeMonitor(many).errors, ElementsAre(HasSubstr("at most 15")));
  EXPECT_THAT(MakeMonitor("loki: {url: 'http://l/push', labels: {a: b}, tenant: " +
                          std::string(151, 't') + "}")
                  .errors,
              ElementsAre(HasSubstr("`tenant` must be at most 150 bytes")));
}

}  // namespace
}  // namespace backup_exporter
