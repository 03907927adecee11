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

}  // namespace
}  // namespace backup_exporter
