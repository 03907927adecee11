#include "base/config_error.h"

#include <gmock/gmock.h>

namespace backup_exporter {
namespace {

using ::testing::ElementsAre;

TEST(ConfigError, TheDescriptionHasFileLineAndColumn) {
  EXPECT_EQ(Describe({"a.yaml", 3, 14, "wrong"}), "a.yaml:3:14: wrong");
}

TEST(ConfigError, TheDescriptionOmitsAnUnknownLineOrColumn) {
  EXPECT_EQ(Describe({"a.yaml", 3, 0, "wrong"}), "a.yaml:3: wrong");
  EXPECT_EQ(Describe({"a.yaml", 0, 0, "wrong"}), "a.yaml: wrong");
}

TEST(ConfigErrors, SortedErrorsAreInTheOrderOfTheFileWithoutDuplicates) {
  ConfigErrors errors("a.yaml");
  EXPECT_TRUE(errors.empty());
  errors.Add({2, 5}, "third");
  errors.Add({2, 1}, "second");
  errors.Add({2, 5}, "fourth");
  errors.Add({2, 1}, "second");
  errors.Add({}, "first");
  EXPECT_FALSE(errors.empty());
  EXPECT_THAT(
      errors.Sorted(),
      ElementsAre(ConfigError{"a.yaml", 0, 0, "first"}, ConfigError{"a.yaml", 2, 1, "second"},
                  ConfigError{"a.yaml", 2, 5, "third"}, ConfigError{"a.yaml", 2, 5, "fourth"}));
}

}  // namespace
}  // namespace backup_exporter
