#include "base/pattern.h"

#include <gtest/gtest.h>

namespace backup_exporter {
namespace {

TEST(Pattern, StarsAndQuestionMarksMatchTextAndBytes) {
  EXPECT_TRUE(Fits("home", "home"));
  EXPECT_FALSE(Fits("home", "homes"));
  EXPECT_FALSE(Fits("homes", "home"));
  EXPECT_TRUE(Fits("db-*", "db-"));
  EXPECT_TRUE(Fits("db-*", "db-main/1"));
  EXPECT_FALSE(Fits("db-*", "old-db-main"));
  EXPECT_TRUE(Fits("*a*ab", "xaaxaab"));
  EXPECT_FALSE(Fits("*a*ab", "xaaxaabc"));
  EXPECT_TRUE(Fits("h?me*", "home"));
  EXPECT_FALSE(Fits("h?me", "hme"));
  EXPECT_TRUE(Fits("*", ""));
  EXPECT_TRUE(Fits("**", "any"));
  EXPECT_FALSE(Fits("?", ""));
}

TEST(Pattern, OtherCharactersMatchThemselves) {
  EXPECT_TRUE(Fits("home[1]", "home[1]"));
  EXPECT_FALSE(Fits("home[1]", "home1"));
  EXPECT_TRUE(Fits("a\\b", "a\\b"));
  EXPECT_TRUE(IsPattern("a*"));
  EXPECT_FALSE(IsPattern("home[1]"));
}

}  // namespace
}  // namespace backup_exporter
