// Local times and the instants that they mean.
#include "base/zone.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace backup_exporter {
namespace {

Time At(std::string_view stamp) { return ParseRfc3339(stamp).value(); }

LocalTime Local(std::string_view text) { return ParseLocalTime(text).value(); }

TEST(ParseLocalTime, TimesOfBorgAndPythonAreParsed) {
  const LocalTime whole = Local("2026-11-21T00:12:47");
  EXPECT_EQ(Local("2026-11-21T00:12:47.000000"), whole);
  EXPECT_EQ(Local("2026-11-21 00:12:47,450"), whole + std::chrono::milliseconds(450));
  EXPECT_EQ(Local("2026-11-21 00:12:47.000001"), whole + std::chrono::microseconds(1));
}

TEST(ParseLocalTime, OtherTextsAreRefused) {
  for (const char* text :
       {"", "2026-11-21", "2026-11-21T00:12", "2026-02-30T00:00:00", "2026-11-21T24:00:00",
        "2026-11-21T00:60:00", "2026-11-21T00:00:61", "2026-11-21T00:00:00.",
        "2026-11-21T00:00:00Z", "2026-11-21T00:00:00.1234567", "2026-11-21_00:00:00",
        "26-11-21T00:00:00", "2026-11-21T00:00:00 ", "-026-11-21T00:00:00"}) {
    EXPECT_FALSE(ParseLocalTime(text)) << text;
  }
}

// Both clock changes of three zones, one of them in the southern hemisphere.
struct Change {
  const char* zone;
  const char* before;  // local and UTC, an hour before the clock change
  const char* before_utc;
  const char* at;  // in the skipped or repeated hour
  const char* first_utc;
  const char* second_utc;
  const char* after;
  const char* after_utc;
};

class DaylightSaving : public testing::TestWithParam<Change> {};

TEST_P(DaylightSaving, LocalTimesAreConvertedAroundClockChanges) {
  const Change& change = GetParam();
  const TimeZone zone = TimeZone::Find(change.zone).value();
  const auto instants = zone.At(Local(change.at));
  EXPECT_EQ(instants.first, At(change.first_utc));
  EXPECT_EQ(instants.second, At(change.second_utc));
  for (const auto& [local, utc] :
       {std::pair(change.before, change.before_utc), std::pair(change.after, change.after_utc)}) {
    EXPECT_EQ(zone.At(Local(local)).first, At(utc)) << local;
    EXPECT_EQ(zone.At(Local(local)).second, At(utc)) << local;
  }
}

INSTANTIATE_TEST_SUITE_P(
    OfThreeZones, DaylightSaving,
    testing::Values(Change{"Europe/Berlin", "2026-03-29T01:30:00", "2026-03-29T00:30:00Z",
                           "2026-03-29T02:30:00", "2026-03-29T01:30:00Z", "2026-03-29T01:30:00Z",
                           "2026-03-29T03:30:00", "2026-03-29T01:30:00Z"},
                    Change{"Europe/Berlin", "2026-10-25T01:30:00", "2026-10-24T23:30:00Z",
                           "2026-10-25T02:30:00", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z",
                           "2026-10-25T03:30:00", "2026-10-25T02:30:00Z"},
                    Change{"America/New_York", "2026-03-08T01:30:00", "2026-03-08T06:30:00Z",
                           "2026-03-08T02:30:00", "2026-03-08T07:30:00Z", "2026-03-08T07:30:00Z",
                           "2026-03-08T03:30:00", "2026-03-08T07:30:00Z"},
                    Change{"America/New_York", "2026-11-01T00:30:00", "2026-11-01T04:30:00Z",
                           "2026-11-01T01:30:00", "2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z",
                           "2026-11-01T02:30:00", "2026-11-01T07:30:00Z"},
                    Change{"Australia/Lord_Howe", "2026-10-04T01:45:00", "2026-10-03T15:15:00Z",
                           "2026-10-04T02:15:00", "2026-10-03T15:45:00Z", "2026-10-03T15:45:00Z",
                           "2026-10-04T02:45:00", "2026-10-03T15:45:00Z"},
                    Change{"Australia/Lord_Howe", "2026-04-05T01:15:00", "2026-04-04T14:15:00Z",
                           "2026-04-05T01:45:00", "2026-04-04T14:45:00Z", "2026-04-04T15:15:00Z",
                           "2026-04-05T02:15:00", "2026-04-04T15:45:00Z"}));

TEST(TimeZone, TheDefaultZoneIsUtc) {
  EXPECT_EQ(TimeZone().At(Local("2026-11-21T00:12:47")).first, At("2026-11-21T00:12:47Z"));
}

TEST(TimeZone, APeriodLastsFromOneClockChangeToTheNext) {
  const TimeZone berlin = TimeZone::Find("Europe/Berlin").value();
  for (const char* in_summer :
       {"2026-03-29T01:00:00Z", "2026-07-01T00:00:00Z", "2026-10-25T00:59:59.999999Z"}) {
    const auto period = berlin.PeriodAt(At(in_summer));
    EXPECT_EQ(period.begin, At("2026-03-29T01:00:00Z")) << in_summer;
    EXPECT_EQ(period.end, At("2026-10-25T01:00:00Z")) << in_summer;
    EXPECT_EQ(period.ahead, std::chrono::hours(2)) << in_summer;
  }
  for (const char* name : {"", "UTC"}) {
    const TimeZone utc = *name == '\0' ? TimeZone() : TimeZone::Find(name).value();
    const auto period = utc.PeriodAt(At("2026-07-01T00:00:00Z"));
    EXPECT_LT(period.begin, At("0002-01-01T00:00:00Z"));
    EXPECT_GT(period.end, At("9999-12-31T23:59:59Z"));
    EXPECT_EQ(period.ahead, Duration(0));
  }
}

TEST(TimeZone, TheHostsZoneIsTheOneThatTzNames) {
  const char* before = std::getenv("TZ");
  const std::string kept = before == nullptr ? "" : before;
  for (const char* name : {"Asia/Tokyo", ":Asia/Tokyo"}) {
    setenv("TZ", name, 1);
    EXPECT_EQ(TimeZone::Find("").value().At(Local("2026-11-21T09:00:00")).first,
              At("2026-11-21T00:00:00Z"))
        << name;
  }
  setenv("TZ", "No/Such_Zone", 1);
  EXPECT_TRUE(TimeZone::Find("")) << "then the system's";
  before == nullptr ? unsetenv("TZ") : setenv("TZ", kept.c_str(), 1);
}

TEST(TimeZone, AnUnknownZoneIsAnError) {
  const auto zone = TimeZone::Find("Mars/Olympus");
  ASSERT_FALSE(zone);
  EXPECT_EQ(zone.error().kind, ErrorKind::kInvalid);
  EXPECT_NE(zone.error().message.find("Europe/Berlin or UTC"), std::string::npos);
}

}  // namespace
}  // namespace backup_exporter
