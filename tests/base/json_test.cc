#include "base/json.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <limits>
#include <string>

namespace backup_exporter {
namespace {

TEST(ParseJson, OnlyWholeDocumentsAreAccepted) {
  EXPECT_TRUE(ParseJson(R"({"a":1})"));
  EXPECT_TRUE(ParseJson(" [1, 2] \n"));
  for (const char* text : {"", " ", "{", R"({"a":1)", R"({"a":1}x)", R"({"a":1} {"b":2})", "[1,]",
                           "nul", "'a'", R"({"a":NaN})", R"({"a":Infinity})", "{\"a\":\"\n\"}"}) {
    EXPECT_FALSE(ParseJson(text)) << text;
  }
}

TEST(ParseJson, NumbersThatDoNotFitInADoubleAreRefused) {
  EXPECT_FALSE(ParseJson(R"({"a":1e999})"));
  EXPECT_TRUE(ParseJson(R"({"a":1e300})"));
}

TEST(ParseJson, InvalidUnicodeIsRefused) {
  EXPECT_FALSE(ParseJson("{\"a\":\"\xff\"}"));
  EXPECT_FALSE(ParseJson("{\"a\":\"\xc0\xaf\"}"));
  EXPECT_TRUE(ParseJson(R"({"a":"\ud83d\ude00"})"));
}

// Python writes the bytes of a name that is not UTF-8 like this.
TEST(ParseJson, AnUnpairedSurrogateBecomesTheReplacementCharacter) {
  const auto text = [](std::string_view json) { return Members(*ParseJson(json)).Text("a"); };
  EXPECT_EQ(text(R"({"a":"\ud800"})"), "\uFFFD");
  EXPECT_EQ(text(R"({"a":"mi\udcffssing"})"), "mi\uFFFDssing");
  EXPECT_EQ(text(R"({"a":"\udc00\ud800"})"), "\uFFFD\uFFFD");
  EXPECT_EQ(text(R"({"a":"\ud83d\ude00 \udc80"})"), "\U0001F600 \uFFFD");
  EXPECT_EQ(text(R"({"a":"\\udc80\udc80"})"), "\\udc80\uFFFD")
      << "the first one is an escaped backslash";
  EXPECT_FALSE(ParseJson(R"({"a":"\udc8"})"));
}

TEST(ParseJson, TheLastOfDuplicateKeysWins) {
  const auto json = ParseJson(R"({"a":1,"\u0061":2})");
  ASSERT_TRUE(json);
  EXPECT_EQ(Members(*json).Count("a"), 2U);
}

TEST(ParseJson, DeepNestingIsRefused) {
  const auto nested = [](std::size_t levels) {
    return std::string(levels, '[') + std::string(levels, ']');
  };
  EXPECT_TRUE(ParseJson(nested(90)));
  EXPECT_FALSE(ParseJson(nested(110)));
  EXPECT_FALSE(ParseJson(nested(100'000)));
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
  EXPECT_FALSE(ParseJson(objects));
  EXPECT_FALSE(ParseJson(objects + "1" + std::string(100'000, '}')));
}

// 64 KiB is the longest answer that is read from a service. Threads of the program may have small
// stacks.
TEST(ParseJson, DeepNestingIsRefusedWithinAStackOf1MiB) {
  pthread_attr_t attributes;
  ASSERT_EQ(pthread_attr_init(&attributes), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, 1 << 20), 0);
  bool refused = false;
  pthread_t thread{};
  const auto parse = [](void* argument) -> void* {
    constexpr std::size_t kSize = 64 << 10;
    const std::string open(kSize, '[');
    const std::string closed = std::string(kSize / 2, '[') + std::string(kSize / 2, ']');
    *static_cast<bool*>(argument) = !ParseJson(open) && !ParseJson(closed);
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, parse, &refused), 0);
  ASSERT_EQ(pthread_join(thread, nullptr), 0);
  ASSERT_EQ(pthread_attr_destroy(&attributes), 0);
  EXPECT_TRUE(refused);
}

Json Parsed(std::string_view text) {
  const auto json = ParseJson(text);
  EXPECT_TRUE(json) << text;
  return json.value_or(Json());
}

TEST(Members, AMemberOfTheWrongTypeIsUnsound) {
  for (const char* value :
       {"-1", "1.5", "18446744073709551616", "\"1\"", "true", "[]", "{}", "1e3"}) {
    const Json json = Parsed(std::string(R"({"a":)") + value + "}");
    Members members(json);
    EXPECT_EQ(members.Count("a"), std::nullopt) << value;
    EXPECT_FALSE(members.Sound()) << value;
  }
  for (const char* value : {"1", "true", "[]", "{}"}) {
    const Json json = Parsed(std::string(R"({"a":)") + value + "}");
    Members members(json);
    EXPECT_EQ(members.Text("a"), "") << value;
    EXPECT_FALSE(members.Sound()) << value;
  }
  for (const char* value : {"\"\"", "null", "0"}) {
    const Json json = Parsed(std::string(R"({"a":)") + value + "}");
    Members members(json);
    EXPECT_EQ(members.Boolean("a"), std::nullopt) << value;
    EXPECT_EQ(members.Sound(), std::string_view(value) == "null") << value;
  }
  const Json json = Parsed(R"({"a":"1"})");
  Members members(json);
  EXPECT_EQ(members.Number("a"), std::nullopt);
  EXPECT_FALSE(members.Sound());
}

TEST(Members, AnAbsentOrNullMemberIsUnknownAndSound) {
  const Json json = Parsed(R"({"a":null})");
  Members members(json);
  for (const char* key : {"a", "b"}) {
    EXPECT_EQ(members.Count(key), std::nullopt);
    EXPECT_EQ(members.Integer(key), std::nullopt);
    EXPECT_EQ(members.Number(key), std::nullopt);
    EXPECT_EQ(members.Boolean(key), std::nullopt);
    EXPECT_EQ(members.Text(key), "");
    EXPECT_EQ(members.Stamp(key), std::nullopt);
  }
  EXPECT_TRUE(members.Sound());
}

TEST(Members, CountsHave64Bits) {
  const Json json = Parsed(R"({"a":18446744073709551615,"b":9007199254740993})");
  Members members(json);
  EXPECT_EQ(members.Count("a"), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(members.Count("b"), 9007199254740993U);
  EXPECT_TRUE(members.Sound());
}

TEST(Members, IntegersOutOfRangeAreUnsound) {
  const Json json = Parsed(
      R"({"a":-2147483648,"b":2147483647,"c":2147483648,"d":-2147483649,"e":18446744073709551615,"f":1.0})");
  Members members(json);
  EXPECT_EQ(members.Integer("a"), std::numeric_limits<int>::min());
  EXPECT_EQ(members.Integer("b"), std::numeric_limits<int>::max());
  EXPECT_TRUE(members.Sound());
  for (const char* key : {"c", "d", "e", "f"}) {
    Members odd(json);
    EXPECT_EQ(odd.Integer(key), std::nullopt) << key;
    EXPECT_FALSE(odd.Sound()) << key;
  }
}

TEST(Members, TimesHaveAZoneAndTheYear1IsUnknown) {
  const Json json = Parsed(
      R"({"a":"2026-11-21T02:00:02.5+01:00","never":"0001-01-01T00:00:00Z","b":"2026-11-21"})");
  Members members(json);
  EXPECT_TRUE(members.Stamp("a"));
  EXPECT_EQ(members.Stamp("never"), std::nullopt);
  EXPECT_TRUE(members.Sound());
  EXPECT_EQ(members.Stamp("b"), std::nullopt);
  EXPECT_FALSE(members.Sound());
}

TEST(Members, UnknownMembersAreCounted) {
  const Json json = Parsed(R"({"a":1,"b":2,"c":3})");
  EXPECT_EQ(Members(json).Unknown({"b", "x"}), 2U);
}

TEST(Members, TimesThatARunCannotHaveAreUnknown) {
  const auto json = ParseJson(R"({"at":1795255202.5,"took":1.5,"never":0,"far":9223372036854.0,)"
                              R"("back":-1,"long":1e9,"text":"1"})");
  ASSERT_TRUE(json);
  Members members(*json);
  EXPECT_EQ(members.EpochSeconds("at"), Time(Duration(1795255202500000)));
  EXPECT_EQ(members.Seconds("took"), Duration(1500000));
  EXPECT_EQ(members.Seconds("never"), Duration(0));
  for (const char* key : {"never", "far", "back", "absent"}) {
    EXPECT_EQ(members.EpochSeconds(key), std::nullopt) << key;
  }
  for (const char* key : {"back", "long", "absent"}) {
    EXPECT_EQ(members.Seconds(key), std::nullopt) << key;
  }
  EXPECT_TRUE(members.Sound());
  EXPECT_EQ(members.EpochSeconds("text"), std::nullopt);
  EXPECT_FALSE(members.Sound());
}

}  // namespace
}  // namespace backup_exporter
