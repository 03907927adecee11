// The saved form of decoder states: version, names, and states that earlier releases saved.

#include "decoders/saved_state.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "decoders/old_state.h"
#include "kit/decoding.h"
#include "kit/event_text.h"
#include "kit/paths.h"

namespace backup_exporter {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// A state from before versions, unchanged.
std::optional<Json> Unchanged(const Json& old) { return old; }

TEST(SavedState, OnlyTimesThatCanBeSavedAreRestored) {
  for (const char* text :
       {"0002-01-01T00:00:00Z", "2026-11-21T02:00:02.631602Z", "9999-12-31T23:59:59.999999Z"}) {
    const auto time = ParseRfc3339(text);
    ASSERT_TRUE(time) << text;
    StateWriter saved;
    saved.Add("at", time);
    const Json object = saved.Take();
    StateReader reader(object);
    EXPECT_EQ(reader.Instant("at"), time) << text;
    EXPECT_TRUE(reader.Sound()) << text;
  }
  for (const Json& other : {Json("1"), Json(1.5), Json(253402300800000000),
                            Json(std::numeric_limits<std::int64_t>::max()),
                            Json(std::numeric_limits<std::int64_t>::min()),
                            Json(std::numeric_limits<std::uint64_t>::max())}) {
    const Json object{{"at", other}};
    StateReader reader(object);
    EXPECT_EQ(reader.Instant("at"), std::nullopt) << other;
    EXPECT_FALSE(reader.Sound()) << other;
  }
  const Json object{{"at", nullptr}};
  StateReader reader(object);
  EXPECT_EQ(reader.Instant("at"), std::nullopt);
  EXPECT_TRUE(reader.Sound());
}

TEST(SavedState, DefaultValuesAreLeftOut) {
  StateWriter saved;
  saved.Add("time", std::optional<Time>());
  saved.Add("unknown", std::optional<std::uint64_t>());
  saved.Add("zero", std::uint64_t{0});
  saved.Add("false", false);
  saved.Add("text", "");
  saved.Add("operation", std::optional<Operation>());
  saved.AddJson("list", Json::array());
  EXPECT_TRUE(saved.empty());
  saved.Add("known", std::optional<std::uint64_t>(0));
  saved.Add("operation", std::optional(Operation::kPrune));
  EXPECT_EQ(saved.Text(), R"({"known":0,"operation":"prune","v":1})");
}

TEST(SavedState, AnUnknownNameIsUnsound) {
  const Json object{{"operation", "defragment"}, {"result", 2}, {"reason", "locked"}};
  StateReader operation(object);
  EXPECT_EQ(operation.OperationIn("operation"), std::nullopt);
  EXPECT_FALSE(operation.Sound());
  StateReader result(object);
  EXPECT_EQ(result.ResultIn("result"), std::nullopt);
  EXPECT_FALSE(result.Sound());
  StateReader reason(object);
  EXPECT_EQ(reason.ReasonIn("reason"), Reason::kLocked);
  EXPECT_TRUE(reason.Sound());
}

TEST(SavedState, OnlyThePresentVersionIsRead) {
  EXPECT_TRUE(ReadState(R"({"v":1,"a":2})", Unchanged));
  EXPECT_TRUE(ReadState(R"({"a":2})", Unchanged)) << "from before versions";
  for (const char* other :
       {R"({"v":2,"a":2})", R"({"v":0})", R"({"v":"1"})", R"({"v":null})", R"({"v":1)", "", "x"}) {
    EXPECT_FALSE(ReadState(other, Unchanged)) << other;
  }
}

// Every state that a decoder saves during the recorded runs.
std::vector<std::string> StatesDuring(const Capture& run, std::string_view format) {
  std::vector<std::string> states;
  const auto decoder = MakeDecoder(format);
  Decoded out;
  for (const Record& record : RecordsOf(run.text, FormatNamed(format)->framing)) {
    decoder->Decode(record, out);
    if (std::string state = decoder->Save(); !state.empty()) states.push_back(std::move(state));
  }
  return states;
}

// Whether a member that holds a name is a number anywhere in `json`, or an array holds a number.
bool HasEnumNumber(const Json& json) {
  if (json.is_array()) {
    return std::ranges::any_of(
        json, [](const Json& item) { return item.is_number() || HasEnumNumber(item); });
  }
  if (!json.is_object()) return false;
  for (const auto& [key, value] : json.items()) {
    const bool name = key == "phase" || key == "operation" || key == "result" || key == "reason" ||
                      key == "level" || key == "format" || (key == "state" && !value.is_string());
    if ((name && value.is_number()) || HasEnumNumber(value)) return true;
  }
  return false;
}

TEST(SavedState, EveryDecoderSavesAVersionAndNamesInsteadOfNumbers) {
  std::size_t states = 0;
  for (const Capture& run : RecordedRuns()) {
    for (const std::string_view format : {std::string_view(run.format), std::string_view("auto")}) {
      for (const std::string& state : StatesDuring(run, format)) {
        const auto json = ParseJson(state);
        ASSERT_TRUE(json && json->is_object()) << state;
        ASSERT_EQ(json->value("v", 0), 1) << state;
        ASSERT_FALSE(HasEnumNumber(*json)) << state;
        ++states;
      }
    }
  }
  EXPECT_GT(states, 5000U);
}

TEST(SavedState, AStateOfAnotherVersionStartsAfresh) {
  std::size_t states = 0;
  for (const Capture& run : RecordedRuns()) {
    for (const std::string_view format : {std::string_view(run.format), std::string_view("auto")}) {
      const std::vector<std::string> saved = StatesDuring(run, format);
      if (saved.empty()) continue;
      std::string state = saved[saved.size() / 2];
      const std::size_t version = state.rfind(R"("v":1)");
      ASSERT_NE(version, std::string::npos) << state;
      state.replace(version, 5, R"("v":2)");
      const auto decoder = MakeDecoder(format);
      decoder->Restore(state);
      EXPECT_EQ(decoder->Save(), "") << state;
      ++states;
    }
  }
  EXPECT_GT(states, 500U);
}

// ---- States without a version, as ledgers up to schema 5 hold them ----

struct OldState {
  std::string format;
  Capture capture;
  std::size_t records = 0;  // that were decoded before the state was saved
  std::string state;
};

// testdata/decoder_states/FORMAT.jsonl: states that the program saved within captures before states
// had versions, one per line. One line for each combination of phase, operation, result and the
// like.
std::vector<OldState> OldStatesOf(const std::string& format) {
  const std::filesystem::path testdata(kTestdataDir);
  std::vector<OldState> states;
  const std::string text = ReadText(testdata / "decoder_states" / (format + ".jsonl"));
  for (const Record& line : LinesOf(text)) {
    const auto json = ParseJson(line.bytes);
    EXPECT_TRUE(json) << line.bytes;
    if (!json) continue;
    const std::filesystem::path path = testdata / json->at("capture").get<std::string>();
    states.push_back({.format = format,
                      .capture = {.format = format, .path = path, .text = ReadText(path)},
                      .records = json->at("records").get<std::size_t>(),
                      .state = json->at("state").get<std::string>()});
  }
  return states;
}

class OldDecoderState : public testing::TestWithParam<const char*> {};

TEST_P(OldDecoderState, DecodingContinuesFromItAsIfUninterrupted) {
  const std::vector<OldState> states = OldStatesOf(GetParam());
  EXPECT_GT(states.size(), 20U);
  for (const auto& [format, capture, count, state] : states) {
    SCOPED_TRACE(fmt::format("{} after {} records: {}", capture.path.string(), count, state));
    const std::vector<Record> records = RecordsOf(capture.text, FormatNamed(format)->framing);
    ASSERT_LE(count, records.size());
    const auto whole = MakeDecoder(format);
    Decoded before;
    for (std::size_t i = 0; i < count; ++i) whole->Decode(records[i], before);
    const auto restored = MakeDecoder(format);
    restored->Restore(state);
    ASSERT_EQ(restored->Save(), whole->Save());
    Decoded expected;
    Decoded found;
    for (std::size_t i = count; i < records.size(); ++i) {
      whole->Decode(records[i], expected);
      restored->Decode(records[i], found);
    }
    ASSERT_EQ(EventTexts(WithoutProgress(found.events)),
              EventTexts(WithoutProgress(expected.events)));
    ASSERT_EQ(CountsText(found.counts), CountsText(expected.counts));
    ASSERT_EQ(restored->Save(), whole->Save());
  }
}

INSTANTIATE_TEST_SUITE_P(All, OldDecoderState,
                         testing::Values("restic", "borg", "borgmatic", "auto"),
                         [](const auto& test) { return std::string(test.param); });

// The numbers in these states never change, whatever becomes of the enums.
constexpr auto kOldOperations = {"backup",  "check", "prune",   "forget",
                                 "compact", "copy",  "restore", "other"};
constexpr auto kOldResults = {"success", "skipped", "warning", "interrupted", "failure"};
constexpr auto kOldReasons = {"locked",
                              "auth",
                              "repository_missing",
                              "network",
                              "no_space",
                              "source_missing",
                              "source_unreadable",
                              "interrupted",
                              "hook",
                              "timeout",
                              "other"};

TEST(OldStates, TheNumbersOfAResticStateHaveFixedMeanings) {
  const auto member = [](const char* key, int phase, int operation, int result) {
    const Json old = Json::array({phase, operation, 0, 0, 0, 0, 0, 0, result, false, false});
    const auto state = ConvertResticState(old);
    return state ? state->value(key, "") : "no state";
  };
  int phase = 0;
  for (const char* name : {"idle", "open", "stopping", "reported", "failed", "dry_run"}) {
    EXPECT_EQ(member("phase", phase++, 0, 0), name);
  }
  int operation = 0;
  for (const char* name : kOldOperations) EXPECT_EQ(member("operation", 1, operation++, 0), name);
  int result = 0;
  for (const char* name : kOldResults) EXPECT_EQ(member("result", 1, 0, result++), name);
  EXPECT_EQ(member("operation", 1, -1, 0), "") << "unknown";
  EXPECT_EQ(member("phase", 6, 0, 0), "no state");
  EXPECT_EQ(member("phase", -1, 0, 0), "no state");
  EXPECT_EQ(member("phase", 1, 8, 0), "no state");
  EXPECT_EQ(member("phase", 1, 0, 5), "no state");
}

TEST(OldStates, TheNumbersOfABorgStateHaveFixedMeanings) {
  int phase = 0;
  for (const char* name : {"idle", "hinted", "open", "reported", "failed"}) {
    EXPECT_EQ(ConvertBorgState(Json::object({{"phase", phase++}}))->at("phase"), name);
  }
  EXPECT_FALSE(ConvertBorgState(Json::object({{"phase", phase}})));
}

TEST(OldStates, TheNumbersOfABorgmaticStateHaveFixedMeanings) {
  const auto member = [](const char* key, int state, int result, int reason) {
    const Json action = Json::object({{"state", state}, {"result", result}, {"reason", reason}});
    const auto converted =
        ConvertBorgmaticState(Json::object({{"actions", Json::array({action})}}));
    return converted ? converted->at("actions").at(0).value(key, "") : "no state";
  };
  int state = 0;
  for (const char* name : {"open", "retrying", "ended", "reported"}) {
    EXPECT_EQ(member("state", state++, 0, 0), name);
  }
  int result = 0;
  for (const char* name : kOldResults) EXPECT_EQ(member("result", 0, result++, 0), name);
  int reason = 0;
  for (const char* name : kOldReasons) EXPECT_EQ(member("reason", 0, 0, reason++), name);
  EXPECT_EQ(member("state", 4, 0, 0), "no state");
  EXPECT_EQ(member("state", 0, 5, 0), "no state");
  EXPECT_EQ(member("state", 0, 0, 11), "no state");
}

// States from before messages were kept.
TEST(OldStates, TheOldestResticStatesHaveNoMessages) {
  const auto decoder = MakeDecoder("restic");
  decoder->Restore("[1,0,5,2,200005,0,0,0,0,true,false]");
  EXPECT_THAT(decoder->Save(), HasSubstr(R"("phase":"open")"));
  EXPECT_THAT(decoder->Save(), Not(HasSubstr("messages")));
}

}  // namespace
}  // namespace backup_exporter
