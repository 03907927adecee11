#include "base/parse.h"

#include <gmock/gmock.h>

namespace backup_exporter {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Parse, SplittingKeepsEmptyParts) {
  EXPECT_THAT(Split("a,b", ','), ElementsAre("a", "b"));
  EXPECT_THAT(Split(",a,", ','), ElementsAre("", "a", ""));
  EXPECT_THAT(Split("", ','), ElementsAre(""));
}

TEST(Parse, SplittingAtBlanksLeavesNoEmptyParts) {
  EXPECT_THAT(SplitAtBlanks(" a \t b "), ElementsAre("a", "b"));
  EXPECT_THAT(SplitAtBlanks(" \t"), IsEmpty());
}

TEST(Parse, AnIntegerMayBeNegativeAndMustFit) {
  EXPECT_EQ(ParseInteger("-17"), -17);
  EXPECT_EQ(ParseInteger("9223372036854775807"), 9223372036854775807);
  for (const char* text : {"", "-", "+1", " 1", "1 ", "1.0", "0x1F", "9223372036854775808"}) {
    EXPECT_EQ(ParseInteger(text), std::nullopt) << text;
  }
}

TEST(Parse, AWholeNumberHasOneToNineDigits) {
  EXPECT_EQ(WholeNumber("0"), 0);
  EXPECT_EQ(WholeNumber("007"), 7);
  EXPECT_EQ(WholeNumber("999999999"), 999'999'999);
  for (const char* text : {"", "-1", "+1", "1s", "1000000000"}) {
    EXPECT_EQ(WholeNumber(text), std::nullopt) << text;
  }
}

TEST(Parse, OnlyAsciiLettersAreLowered) { EXPECT_EQ(Lower("AZaz09-ÄÖ"), "azaz09-ÄÖ"); }

}  // namespace
}  // namespace backup_exporter
