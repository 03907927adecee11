#include "base/units.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <tuple>

namespace backup_exporter {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;

TEST(Units, BytesHaveOneDecimalFromAKibibyteOn) {
  EXPECT_EQ(BytesText(0), "0 B");
  EXPECT_EQ(BytesText(312), "312 B");
  EXPECT_EQ(BytesText(1023), "1023 B");
  EXPECT_EQ(BytesText(1024), "1.0 KiB");
  EXPECT_EQ(BytesText(1536), "1.5 KiB");
  EXPECT_EQ(BytesText(3ULL << 29), "1.5 GiB");
}

TEST(Units, BytesThatRoundTo1024OfAUnitAreOneOfTheNext) {
  // 1023.95 of each unit is where one decimal would print 1024.0.
  EXPECT_EQ(BytesText(1'048'524), "1023.9 KiB");
  EXPECT_EQ(BytesText(1'048'525), "1.0 MiB");
  EXPECT_EQ(BytesText(1'048'575), "1.0 MiB");
  EXPECT_EQ(BytesText(1'048'576), "1.0 MiB");
  for (const auto& [power, unit, next] :
       {std::tuple(30, "MiB", "GiB"), {40, "GiB", "TiB"}, {50, "TiB", "PiB"}, {60, "PiB", "EiB"}}) {
    const std::uint64_t whole = 1ULL << power;
    EXPECT_EQ(BytesText(whole - (whole >> 14)), std::string("1023.9 ") + unit);
    EXPECT_EQ(BytesText(whole - 1), std::string("1.0 ") + next);
    EXPECT_EQ(BytesText(whole), std::string("1.0 ") + next);
  }
  EXPECT_EQ(BytesText(std::numeric_limits<std::uint64_t>::max()), "16.0 EiB");
}

TEST(Units, DurationsGetCoarserAsTheyGetLonger) {
  EXPECT_EQ(DurationText(0s), "0.0 s");
  EXPECT_EQ(DurationText(400ms), "0.4 s");
  EXPECT_EQ(DurationText(12s), "12 s");
  EXPECT_EQ(DurationText(2min), "2 min");
  EXPECT_EQ(DurationText(62min), "1 h 2 min");
  EXPECT_EQ(DurationText(26h), "26 h 0 min");
}

TEST(Units, DurationsThatRoundUpToTheNextFormHaveThatForm) {
  EXPECT_EQ(DurationText(9'949ms), "9.9 s");
  EXPECT_EQ(DurationText(9'950ms), "10 s");
  EXPECT_EQ(DurationText(9'999ms), "10 s");
  EXPECT_EQ(DurationText(10s), "10 s");
  EXPECT_EQ(DurationText(119'499ms), "119 s");
  EXPECT_EQ(DurationText(119'500ms), "2 min");
  EXPECT_EQ(DurationText(59min + 29s), "59 min");
  EXPECT_EQ(DurationText(59min + 31s), "1 h 0 min");
  EXPECT_EQ(DurationText(119min + 31s), "2 h 0 min");
}

TEST(Units, ApproximateDurationsAreWholeUnitsRoundedDown) {
  EXPECT_EQ(ApproximateDurationText(0s), "0 min");
  EXPECT_EQ(ApproximateDurationText(59s), "0 min");
  EXPECT_EQ(ApproximateDurationText(1h - 1us), "59 min");
  EXPECT_EQ(ApproximateDurationText(1h), "1 h");
  EXPECT_EQ(ApproximateDurationText(48h - 1us), "47 h");
  EXPECT_EQ(ApproximateDurationText(48h), "2 d");
  EXPECT_EQ(ApproximateDurationText(days(3) - 1us), "2 d");
}

}  // namespace
}  // namespace backup_exporter
