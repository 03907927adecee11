#include "base/utf8.h"

#include <gtest/gtest.h>

namespace backup_exporter {
namespace {

TEST(Utf8, BytesThatAreNotUtf8BecomeReplacementCharacters) {
  EXPECT_EQ(ValidUtf8("a\xFFz \u00e4"), "a\uFFFDz \u00e4");
  EXPECT_EQ(ValidUtf8("\xC3"), "\uFFFD");
}

TEST(Utf8, TheBeginningOfATextIsCutBetweenCharacters) {
  EXPECT_EQ(CutBytes("", 4), "");
  EXPECT_EQ(CutBytes("abcd", 4), "abcd");
  EXPECT_EQ(CutBytes("abcde", 4), "abcd");
  for (const std::string character : {"\u00e4", "\u20ac", "\U0001F600"}) {
    for (std::size_t within = 0; within < character.size(); ++within) {
      EXPECT_EQ(CutBytes("ab" + character, 2 + within), "ab");
    }
    EXPECT_EQ(CutBytes("ab" + character, 2 + character.size()), "ab" + character);
  }
}

TEST(Utf8, TheEndOfATextIsCutBetweenCharacters) {
  EXPECT_EQ(LastBytes("abcde", 4), "bcde");
  for (const std::string character : {"\u00e4", "\u20ac", "\U0001F600"}) {
    for (std::size_t within = 0; within < character.size(); ++within) {
      EXPECT_EQ(LastBytes(character + "ab", 2 + within), "ab");
    }
    EXPECT_EQ(LastBytes(character + "ab", 2 + character.size()), character + "ab");
  }
}

TEST(Utf8, BytesThatAreNotUtf8AreCutAtTheLimit) {
  EXPECT_GE(CutBytes(std::string(9000, '\x80'), 4096).size(), 4093U);
  EXPECT_GE(LastBytes(std::string(9000, '\x80'), 4096).size(), 4093U);
}

TEST(Utf8, ALimitInCharactersCountsCodePoints) {
  EXPECT_EQ(CutCharacters("\u00e4\u20acb", 2), "\u00e4\u20ac");
  EXPECT_EQ(CutCharacters("ab", 9), "ab");
}

TEST(Utf8, CutTextEndsWithAnEllipsisThatCounts) {
  EXPECT_EQ(CutWithEllipsis("abcde", 5), "abcde");
  EXPECT_EQ(CutWithEllipsis("abcdef", 5), "ab...");
  EXPECT_EQ(CutWithEllipsis("a\u20acdef", 5), "a...");
  EXPECT_EQ(CutWithEllipsis("abcdef", 3), "...");
}

TEST(Quoted, ControlCharactersAreReplaced) {
  EXPECT_EQ(Quoted("a\x1B[31mb\nc\x7F"), "`a?[31mb?c?`");
  EXPECT_EQ(Quoted("a\u0085b"), "`a?b`");
}

TEST(Quoted, LongTextIsCutBetweenCharacters) {
  const std::string ascii(99, 'x');
  EXPECT_EQ(Quoted(ascii + "y"), "`" + ascii + "y`");
  EXPECT_EQ(Quoted(ascii + "yz"), "`" + ascii + "y…`");
  EXPECT_EQ(Quoted(ascii + "üz"), "`" + ascii + "ü…`");
}

TEST(Control, CharactersThatNoTerminalShouldGetAreControlCharacters) {
  for (const std::string_view text : {"\t", "\n", "\x1F", "\x7F", "\u0080", "\u009F"}) {
    EXPECT_TRUE(IsControl(text, 0)) << Quoted(text);
  }
  for (const std::string_view text : {" ", "~", "\u00A0", "ü", "€"}) {
    EXPECT_FALSE(IsControl(text, 0)) << text;
  }
}

}  // namespace
}  // namespace backup_exporter
