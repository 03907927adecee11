// Stamps without a zone, in the hour that comes twice.
#include "decoders/local_clock.h"

#include <gtest/gtest.h>

namespace backup_exporter {
namespace {

Time At(std::string_view stamp) { return ParseRfc3339(stamp).value(); }

class Clocks : public testing::Test {
 protected:
  LocalClock clock_{TimeZone::Find("Europe/Berlin").value()};
  // In the night of 2026-10-25, at 03:00, clocks were set back to 02:00.
  const Time first_ = At("2026-10-25T00:30:00Z");
  const Time second_ = At("2026-10-25T01:30:00Z");
};

TEST_F(Clocks, ReadTheHourThatComesTwiceForTheFirstOneAtFirst) {
  EXPECT_EQ(clock_.Read("2026-10-25T02:30:00.000000"), first_);
}

TEST_F(Clocks, ReadItForTheSecondOnceTimeHasPassed) {
  clock_.Pass(At("2026-10-25T00:45:00Z"));
  EXPECT_EQ(clock_.Read("2026-10-25 02:30:00,000"), second_);
  EXPECT_EQ(clock_.Read("2026-10-25 02:46:00,000"), At("2026-10-25T00:46:00Z"));
}

TEST_F(Clocks, MindNoSecondThatWasCutOff) {
  clock_.Pass(first_ + std::chrono::milliseconds(900));
  EXPECT_EQ(clock_.Read("2026-10-25T02:30:00"), first_);
}

TEST_F(Clocks, DoNotGoBackForAnEarlierRecord) {
  clock_.Pass(second_);
  clock_.Pass(first_);
  EXPECT_EQ(clock_.passed(), second_);
}

// Somebody set the clock, or the zone is wrong: then there is no better answer than the plain one.
TEST_F(Clocks, ReadWhatIsBeforeAllThatPassedAsItStands) {
  clock_.Pass(At("2026-12-01T00:00:00Z"));
  EXPECT_EQ(clock_.Read("2026-10-25T02:30:00"), first_);
  EXPECT_EQ(clock_.Read("2026-11-01T02:30:00"), At("2026-11-01T01:30:00Z"));
}

TEST_F(Clocks, TakeAStampWithAZoneAtItsWord) {
  EXPECT_EQ(clock_.Read("2026-10-25T02:30:00.123456-05:00"), At("2026-10-25T07:30:00.123456Z"));
  EXPECT_FALSE(clock_.Read("yesterday"));
}

}  // namespace
}  // namespace backup_exporter
