// Local times in the hour that occurs twice.
#include "decoders/local_clock.h"

#include <gtest/gtest.h>

namespace backup_exporter {
namespace {

Time At(std::string_view stamp) { return ParseRfc3339(stamp).value(); }

class LocalClocks : public testing::Test {
 protected:
  LocalClock clock_{TimeZone::Find("Europe/Berlin").value()};
  // On 2026-10-25 at 03:00 clocks are set back to 02:00.
  const Time first_ = At("2026-10-25T00:30:00Z");
  const Time second_ = At("2026-10-25T01:30:00Z");
};

TEST_F(LocalClocks, AnAmbiguousTimeIsTheFirstInstantAtFirst) {
  EXPECT_EQ(clock_.Parse("2026-10-25T02:30:00.000000"), first_);
}

TEST_F(LocalClocks, AnAmbiguousTimeIsTheSecondInstantOnceARecordIsLater) {
  clock_.Advance(At("2026-10-25T00:45:00Z"));
  EXPECT_EQ(clock_.Parse("2026-10-25 02:30:00,000"), second_);
  EXPECT_EQ(clock_.Parse("2026-10-25 02:46:00,000"), At("2026-10-25T00:46:00Z"));
}

TEST_F(LocalClocks, AMissingFractionOfASecondDoesNotMatter) {
  clock_.Advance(first_ + std::chrono::milliseconds(900));
  EXPECT_EQ(clock_.Parse("2026-10-25T02:30:00"), first_);
}

TEST_F(LocalClocks, AnEarlierRecordDoesNotSetTheClockBack) {
  clock_.Advance(second_);
  clock_.Advance(first_);
  EXPECT_EQ(clock_.latest(), second_);
}

// The clock was set back by hand, or the zone is wrong.
TEST_F(LocalClocks, ATimeBeforeAllRecordsIsTheFirstInstant) {
  clock_.Advance(At("2026-12-01T00:00:00Z"));
  EXPECT_EQ(clock_.Parse("2026-10-25T02:30:00"), first_);
  EXPECT_EQ(clock_.Parse("2026-11-01T02:30:00"), At("2026-11-01T01:30:00Z"));
}

TEST_F(LocalClocks, ATimeWithAZoneIsExact) {
  EXPECT_EQ(clock_.Parse("2026-10-25T02:30:00.123456-05:00"), At("2026-10-25T07:30:00.123456Z"));
  EXPECT_FALSE(clock_.Parse("yesterday"));
}

}  // namespace
}  // namespace backup_exporter
