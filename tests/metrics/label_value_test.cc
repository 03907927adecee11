#include "metrics/label_value.h"

#include <gtest/gtest.h>

#include <string>

namespace backup_exporter {
namespace {

TEST(LabelValue, ValidTextIsUnchanged) {
  EXPECT_EQ(LabelValue(""), "");
  EXPECT_EQ(LabelValue("home"), "home");
  EXPECT_EQ(LabelValue("größe €\U0001F4BE\U0010FFFF"), "größe €\U0001F4BE\U0010FFFF");
  EXPECT_EQ(LabelValue("a\"b\\c\nd"), "a\"b\\c\nd");  // escaping is the exposition's
}

TEST(LabelValue, EachInvalidByteIsReplaced) {
  EXPECT_EQ(LabelValue("a\xFFz"), "a\uFFFDz");
  EXPECT_EQ(LabelValue("\xFF\xFE"), "\uFFFD\uFFFD");
  EXPECT_EQ(LabelValue("\x80"), "\uFFFD");                      // continuation without a start
  EXPECT_EQ(LabelValue("\xE2\x82"), "\uFFFD\uFFFD");            // cut off
  EXPECT_EQ(LabelValue("\xE2\x82z"), "\uFFFD\uFFFDz");          // broken off
  EXPECT_EQ(LabelValue("\xC0\xAF"), "\uFFFD\uFFFD");            // overlong
  EXPECT_EQ(LabelValue("\xE0\x80\xAF"), "\uFFFD\uFFFD\uFFFD");  // overlong
  EXPECT_EQ(LabelValue("\xF0\x8F\xBF\xBF"), "\uFFFD\uFFFD\uFFFD\uFFFD");  // overlong
  EXPECT_EQ(LabelValue("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");            // surrogate
  EXPECT_EQ(LabelValue("\xF4\x90\x80\x80"), "\uFFFD\uFFFD\uFFFD\uFFFD");  // above U+10FFFF
}

TEST(LabelValue, TextOfExactlyTheLimitIsUnchanged) {
  const std::string longest(128, 'x');
  EXPECT_EQ(LabelValue(longest), longest);
}

TEST(LabelValue, LongTextIsCutAndGetsAHash) {
  const std::string first = LabelValue(std::string(200, 'x') + "1");
  const std::string second = LabelValue(std::string(200, 'x') + "2");
  EXPECT_EQ(first.size(), 128U);
  EXPECT_EQ(first.substr(0, 120), std::string(120, 'x'));
  EXPECT_EQ(first.find_first_not_of("0123456789abcdef", 120), std::string::npos);
  EXPECT_NE(first, second);
  EXPECT_EQ(first, LabelValue(std::string(200, 'x') + "1"));
}

TEST(LabelValue, LongTextIsCutBetweenCodePoints) {
  for (std::size_t before = 0; before < 4; ++before) {
    std::string text(before, 'x');
    for (int i = 0; i < 50; ++i) text += "\U0001F4BE";
    const std::string value = LabelValue(text);
    const std::size_t kept = value.size() - 8;
    EXPECT_EQ((kept - before) % 4, 0U);
    EXPECT_GT(kept, 116U);
    EXPECT_LE(value.size(), 128U);
    EXPECT_EQ(value.substr(0, kept), text.substr(0, kept));
  }
}

TEST(LabelValue, TheLimitAppliesAfterReplacement) {
  EXPECT_EQ(LabelValue(std::string(42, '\xFF')).size(), 126U);
  const std::string cut = LabelValue(std::string(43, '\xFF'));
  EXPECT_EQ(cut.size(), 128U);
  EXPECT_EQ(cut.substr(117, 3), "\uFFFD");
}

TEST(HashedLabelValue, TheHashIsAlwaysAppended) {
  EXPECT_EQ(HashedLabelValue("home").substr(0, 4), "home");
  EXPECT_EQ(HashedLabelValue("home").size(), 12U);
  EXPECT_NE(HashedLabelValue("a\xFE"), HashedLabelValue("a\xFF"));
  EXPECT_EQ(HashedLabelValue("a"), "ae40c292c");  // FNV-1a of "a"
}

}  // namespace
}  // namespace backup_exporter
