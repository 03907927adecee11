#include <fmt/format.h>
#include <gmock/gmock.h>

#include <string>

#include "kit/decoding.h"
#include "kit/event_text.h"

namespace backup_exporter {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Decoded DecodeOf(const std::string& lines) {
  const auto decoder = MakeDecoder("event");
  return DecodeLines(*decoder, lines);
}

// A record of this kind with more members, as `backup_exporter event` writes it.
std::string EventRecord(const std::string& kind, const std::string& members = "") {
  return fmt::format(
      R"({{"backup":"home","event":"{}","operation":"backup","time":1795216385.25{}}})", kind,
      members);
}

std::vector<std::string> Events(const std::string& lines) {
  return EventTexts(DecodeOf(lines).events);
}

TEST(EventDecoder, AStartRecordStartsARun) {
  EXPECT_THAT(Events(EventRecord("start")),
              ElementsAre("\"home\" started backup at=2026-11-20T23:13:05.250000Z"));
}

TEST(EventDecoder, AnExitCodeIsEvidenceAndWithoutOneAResultIsAClaim) {
  EXPECT_THAT(Events(EventRecord("finish", R"(,"exit_code":0)") + "\n" + EventRecord("finish")),
              ElementsAre("\"home\" finished backup success evidence=exit_code final "
                          "end=2026-11-20T23:13:05.250000Z exit_code=0",
                          "\"home\" finished backup success evidence=claim final "
                          "end=2026-11-20T23:13:05.250000Z"));
}

TEST(EventDecoder, AFailureHasTheMessageOfTheRecord) {
  EXPECT_THAT(Events(EventRecord("fail", R"(,"message":"the disk is gone")")),
              ElementsAre("\"home\" finished backup failure evidence=claim final "
                          "end=2026-11-20T23:13:05.250000Z reason=other "
                          "message=\"the disk is gone\"",
                          "\"home\" noted error at=2026-11-20T23:13:05.250000Z "
                          "\"the disk is gone\""));
}

TEST(EventDecoder, TheWorseOfKindAndExitCodeIsTheResult) {
  const auto runs = [](const std::string& line) { return RunTexts(RunsIn(DecodeOf(line).events)); };
  EXPECT_THAT(runs(EventRecord("finish", R"(,"exit_code":3)")),
              ElementsAre("backup failure other"));
  EXPECT_THAT(runs(EventRecord("fail", R"(,"exit_code":0)")), ElementsAre("backup failure other"));
  for (const char* kind : {"finish", "fail"}) {
    EXPECT_THAT(runs(EventRecord(kind, R"(,"exit_code":143)")),
                ElementsAre("backup interrupted interrupted"))
        << kind;
  }
}

TEST(EventDecoder, ALogRecordIsAMessage) {
  EXPECT_THAT(Events(EventRecord("log", R"(,"message":"half of it")")),
              ElementsAre("\"home\" noted info at=2026-11-20T23:13:05.250000Z \"half of it\""));
}

TEST(EventDecoder, EachRecordNamesItsBackupAndOperation) {
  EXPECT_THAT(
      Events(R"({"event":"start","backup":"db","operation":"prune","time":1795216385})"
             "\n" +
             EventRecord("start")),
      ElementsAre("\"db\" started prune at=2026-11-20T23:13:05Z", HasSubstr("\"home\" started")));
}

TEST(EventDecoder, RecordsWithoutARequiredMemberAreCounted) {
  for (const char* line : {
           R"({"event":"start","operation":"backup","time":1795216385})",
           R"({"event":"start","backup":"","operation":"backup","time":1795216385})",
           R"({"event":"start","backup":"home","time":1795216385})",
           R"({"event":"start","backup":"home","operation":"backup"})",
       }) {
    const Decoded decoded = DecodeOf(line);
    EXPECT_EQ(CountsText(decoded.counts), "records=1 parse_errors=1") << line;
    EXPECT_THAT(decoded.events, IsEmpty()) << line;
  }
}

TEST(EventDecoder, RecordsWithAnImpossibleMemberAreCounted) {
  for (
      const char* line : {
          R"({"event":7,"backup":"home","operation":"backup","time":1795216385})",
          R"({"event":"start","backup":["home"],"operation":"backup","time":1795216385})",
          R"({"event":"start","backup":"home","operation":"nonsense","time":1795216385})",
          R"({"event":"start","backup":"home","operation":"backup","time":"now"})",
          R"({"event":"start","backup":"home","operation":"backup","time":0})",
          R"({"event":"start","backup":"home","operation":"backup","time":-1})",
          R"({"event":"finish","backup":"home","operation":"backup","time":1795216385,"exit_code":"0"})",
          R"({"event":"finish","backup":"home","operation":"backup","time":1795216385,"exit_code":0.5})",
          R"({"event":"fail","backup":"home","operation":"backup","time":1795216385,"message":1})",
          "[]",
          "7",
          "null",
          "text",
          "{",
          R"({"event":"start","backup":"ho)",
      }) {
    const Decoded decoded = DecodeOf(line);
    EXPECT_EQ(CountsText(decoded.counts), "records=1 parse_errors=1") << line;
    EXPECT_THAT(decoded.events, IsEmpty()) << line;
  }
}

TEST(EventDecoder, UnknownKindsAndMembersAreCounted) {
  const Decoded kind = DecodeOf(EventRecord("pause"));
  EXPECT_EQ(CountsText(kind.counts), "records=1 unknown_messages=1");
  EXPECT_THAT(kind.events, IsEmpty());
  const Decoded member = DecodeOf(EventRecord("start", R"(,"host":"web1","user":0)"));
  EXPECT_EQ(CountsText(member.counts), "records=1 unknown_fields=2");
  EXPECT_THAT(member.events, SizeIs(1));
}

TEST(EventDecoder, DecodingContinuesAfterACutRecord) {
  const Decoded decoded =
      DecodeOf(EventRecord("start").substr(0, 30) + "\n" + EventRecord("finish"));
  EXPECT_EQ(CountsText(decoded.counts), "records=2 parse_errors=1");
  EXPECT_THAT(EventTexts(decoded.events), ElementsAre(HasSubstr("finished backup success")));
}

TEST(EventDecoder, TheDecoderHasNoState) {
  const auto decoder = MakeDecoder("event");
  EXPECT_THAT(DecodeLines(*decoder, EventRecord("start")).events, SizeIs(1));
  EXPECT_EQ(decoder->Save(), "");
}

}  // namespace
}  // namespace backup_exporter
