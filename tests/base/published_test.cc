// Labels: threads

#include "base/published.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace backup_exporter {
namespace {

TEST(Published, AValueIsThereBeforeTheFirstStore) {
  const Published<int> number;
  ASSERT_NE(number.Load(), nullptr);
  EXPECT_EQ(*number.Load(), 0);
}

TEST(Published, AReaderKeepsTheValueThatItLoaded) {
  Published<int> number;
  number.Store(std::make_shared<const int>(1));
  const auto loaded = number.Load();
  number.Store(std::make_shared<const int>(2));
  EXPECT_EQ(*loaded, 1);
  EXPECT_EQ(*number.Load(), 2);
}

TEST(Published, AReplacedValueIsDestroyedWhenItsLastReaderIsDone) {
  Published<int> number;
  const auto first = std::make_shared<const int>(1);
  number.Store(first);
  auto loaded = number.Load();
  number.Store(std::make_shared<const int>(2));
  EXPECT_EQ(first.use_count(), 2);
  loaded.reset();
  EXPECT_EQ(first.use_count(), 1);
}

TEST(Published, ReadersSeeWholeValuesWhileAnotherThreadReplacesThem) {
  constexpr int kLast = 1000;
  Published<std::vector<int>> numbers;
  numbers.Store(std::make_shared<const std::vector<int>>(3, 0));
  std::thread writer([&] {
    for (int i = 1; i <= kLast; ++i) {
      numbers.Store(std::make_shared<const std::vector<int>>(3, i));
    }
  });
  int seen = 0;
  while (seen < kLast) {
    const auto loaded = numbers.Load();
    EXPECT_EQ(*loaded, std::vector<int>(3, loaded->front()));
    EXPECT_GE(loaded->front(), seen);
    seen = loaded->front();
  }
  writer.join();
}

}  // namespace
}  // namespace backup_exporter
