#include "base/utf8.h"

#include <gtest/gtest.h>

namespace backup_exporter {
namespace {

TEST(Utf8, BytesThatAreNoneBecomeReplacementCharacters) {
  EXPECT_EQ(ValidUtf8("a\xFFz \u00e4"), "a\uFFFDz \u00e4");
  EXPECT_EQ(ValidUtf8("\xC3"), "\uFFFD");
}

TEST(Utf8, TheBeginningKeepsWhatFitsAndCutsNoCharacterInTwo) {
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

TEST(Utf8, TheEndKeepsWhatFitsAndCutsNoCharacterInTwo) {
  EXPECT_EQ(LastBytes("abcde", 4), "bcde");
  for (const std::string character : {"\u00e4", "\u20ac", "\U0001F600"}) {
    for (std::size_t within = 0; within < character.size(); ++within) {
      EXPECT_EQ(LastBytes(character + "ab", 2 + within), "ab");
    }
    EXPECT_EQ(LastBytes(character + "ab", 2 + character.size()), character + "ab");
  }
}

TEST(Utf8, WhatIsNoTextKeepsItsLength) {
  EXPECT_GE(CutBytes(std::string(9000, '\x80'), 4096).size(), 4093U);
  EXPECT_GE(LastBytes(std::string(9000, '\x80'), 4096).size(), 4093U);
}

TEST(Utf8, CharactersAreCounted) {
  EXPECT_EQ(CutCharacters("\u00e4\u20acb", 2), "\u00e4\u20ac");
  EXPECT_EQ(CutCharacters("ab", 9), "ab");
}

}  // namespace
}  // namespace backup_exporter
