// Schedules by interval, which do not depend on the time of day.
#include "base/schedule.h"

#include <gtest/gtest.h>

namespace backup_exporter {
namespace {

constexpr Time kNow{std::chrono::seconds(1'800'000'000)};

TEST(Every, TheNextTimeIsAnIntervalLater) {
  const auto schedule = Every(std::chrono::hours(6));
  EXPECT_EQ(schedule->Next(kNow), kNow + std::chrono::hours(6));
  EXPECT_EQ(Every(Duration(1))->Next(kNow), kNow + Duration(1));
}

TEST(Every, ResumingIsDueImmediately) {
  EXPECT_EQ(Every(std::chrono::hours(6))->Resume(kNow), kNow);
}

TEST(Every, NoTimeIsDueBeyondTheRangeOfTime) {
  const auto schedule = Every(std::chrono::hours(6));
  EXPECT_EQ(schedule->Next(Time::max() - std::chrono::hours(6)), Time::max());
  EXPECT_EQ(schedule->Next(Time::max() - std::chrono::hours(5)), std::nullopt);
}

}  // namespace
}  // namespace backup_exporter
