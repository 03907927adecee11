#include "base/mistake.h"

#include <gmock/gmock.h>

namespace backup_exporter {
namespace {

using ::testing::ElementsAre;

TEST(Mistake, IsDescribedWithFileLineAndColumn) {
  EXPECT_EQ(Describe({"a.yaml", 3, 14, "wrong"}), "a.yaml:3:14: wrong");
}

TEST(Mistake, IsDescribedWithoutThePlaceItHasNot) {
  EXPECT_EQ(Describe({"a.yaml", 3, 0, "wrong"}), "a.yaml:3: wrong");
  EXPECT_EQ(Describe({"a.yaml", 0, 0, "wrong"}), "a.yaml: wrong");
}

TEST(Mistakes, ComeInTheOrderOfTheFileAndEachOnce) {
  Mistakes mistakes("a.yaml");
  EXPECT_TRUE(mistakes.empty());
  mistakes.Add({2, 5}, "third");
  mistakes.Add({2, 1}, "second");
  mistakes.Add({2, 5}, "fourth");
  mistakes.Add({2, 1}, "second");
  mistakes.Add({}, "first");
  EXPECT_FALSE(mistakes.empty());
  EXPECT_THAT(mistakes.Sorted(),
              ElementsAre(Mistake{"a.yaml", 0, 0, "first"}, Mistake{"a.yaml", 2, 1, "second"},
                          Mistake{"a.yaml", 2, 5, "third"}, Mistake{"a.yaml", 2, 5, "fourth"}));
}

TEST(Quoted, ReplacesControlCharacters) {
  EXPECT_EQ(Quoted("a\x1B[31mb\nc\x7F"), "`a?[31mb?c?`");
  EXPECT_EQ(Quoted("a\u0085b"), "`a?b`");
}

TEST(Quoted, CutsLongTextBetweenCharacters) {
  const std::string ascii(99, 'x');
  EXPECT_EQ(Quoted(ascii + "y"), "`" + ascii + "y`");
  EXPECT_EQ(Quoted(ascii + "yz"), "`" + ascii + "y…`");
  EXPECT_EQ(Quoted(ascii + "üz"), "`" + ascii + "ü…`");
}

TEST(Control, IsWhatNoTerminalShouldGet) {
  for (const std::string_view text : {"\t", "\n", "\x1F", "\x7F", "\u0080", "\u009F"}) {
    EXPECT_TRUE(IsControl(text, 0)) << Quoted(text);
  }
  for (const std::string_view text : {" ", "~", "\u00A0", "ü", "€"}) {
    EXPECT_FALSE(IsControl(text, 0)) << text;
  }
}

}  // namespace
}  // namespace backup_exporter
