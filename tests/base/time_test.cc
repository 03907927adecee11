#include "base/time.h"

#include <gtest/gtest.h>

#include <cmath>

namespace backup_exporter {
namespace {

std::optional<std::int64_t> Micros(std::string_view text) {
  const auto time = ParseRfc3339(text);
  if (!time) return std::nullopt;
  return time->time_since_epoch().count();
}

TEST(Time, Rfc3339MayHaveAnOffsetAndAFraction) {
  EXPECT_EQ(Micros("2021-03-24T16:36:56.831077Z"), 1616603816831077);
  EXPECT_EQ(Micros("1970-01-01T01:00:00+01:00"), 0);
  EXPECT_EQ(Micros("1970-01-01T14:00:00.5+14:00"), 500000);
  EXPECT_EQ(Micros("1969-12-31T19:00:00-05:00"), 0);
  EXPECT_EQ(Micros("2026-11-21T02:00:02.631602195+01:00"), 1795222802631602);
}

TEST(Time, ALeapSecondIsTheSecondAfterIt) {
  EXPECT_EQ(Micros("2016-12-31T23:59:60Z"), Micros("2017-01-01T00:00:00Z"));
}

TEST(Time, TheZeroTimeOfGoIsNoTime) { EXPECT_EQ(Micros("0001-01-01T00:00:00Z"), std::nullopt); }

TEST(Time, ATextThatIsNotAnInstantIsRefused) {
  for (const char* text : {"", "2026-11-21", "2026-11-21T02:00:02", "2026-11-21T02:00:02.Z",
                           "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-11-21T24:00:00Z",
                           "2026-11-21T02:61:00Z", "2026-11-21T02:00:61Z", "2026-11-21T02:00:02Zx",
                           "2026-11-21T02:00:02+1:00", "2026-11-21T02:00:02+25:00",
                           "26-11-21T02:00:02Z", "2026-1 -21T02:00:02Z", "+026-11-21T02:00:02Z"}) {
    EXPECT_EQ(Micros(text), std::nullopt) << text;
  }
}

TEST(Time, TheYear9999IsInRange) { EXPECT_EQ(Micros("9999-12-31T23:59:59Z"), 253402300799000000); }

TEST(Time, TimesArePrintedInUtc) {
  EXPECT_EQ(FormatUtc(*ParseRfc3339("2026-11-21T02:00:02.6+01:00")), "2026-11-21T01:00:02Z");
}

TEST(Time, OnlySecondsThatARunCanHaveAreConverted) {
  EXPECT_EQ(TimeFromSeconds(1795255202.5), Time(Duration(1795255202500000)));
  EXPECT_EQ(TimeFromSeconds(253402300799), ParseRfc3339("9999-12-31T23:59:59Z"));
  for (const double seconds : {0.0, -1.0, 253402300800.0, 1e300, -1e300, std::nan("")}) {
    EXPECT_EQ(TimeFromSeconds(seconds), std::nullopt) << seconds;
  }
  EXPECT_EQ(DurationFromSeconds(1.5), Duration(1500000));
  EXPECT_EQ(DurationFromSeconds(0), Duration(0));
  for (const double seconds : {-1e-6, 1e9, 1e300, std::nan("")}) {
    EXPECT_EQ(DurationFromSeconds(seconds), std::nullopt) << seconds;
  }
}

TEST(Time, TheHostBootedInThePast) {
  const auto boot = BootTime();
  ASSERT_TRUE(boot.has_value());
  EXPECT_LT(*boot, SystemClock().Now());
}

}  // namespace
}  // namespace backup_exporter
