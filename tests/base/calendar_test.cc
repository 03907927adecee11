// Calendar events, compared with expected times and with systemd-analyze.
#include "base/calendar.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <sstream>

#include "kit/need.h"
#include "kit/process.h"
#include "kit/schedules.h"
#include "kit/temporary_directory.h"

namespace backup_exporter {
namespace {

using std::chrono::hours;
using Stamps = std::vector<std::string>;

Time At(std::string_view stamp) { return ParseRfc3339(stamp).value(); }

ParsedSchedule Calendar(std::string_view text, const std::string& zone = "UTC") {
  return ParseCalendar(text, TimeZone::Find(zone).value());
}

// The first times after Saturday, 2026-11-21, 12:34:56 UTC.
Stamps After(std::string_view text, int count = 3) {
  return TimesOf(Calendar(text), At("2026-11-21T12:34:56Z"), count);
}

std::string ErrorOf(std::string_view text) {
  const auto schedule = Calendar(text);
  return schedule ? "none" : schedule.error().message;
}

TEST(Calendar, AnExpressionHasWeekdaysADateAndATime) {
  EXPECT_EQ(After("Mon..Wed *-*-* 02:30:15"),
            (Stamps{"2026-11-23T02:30:15Z", "2026-11-24T02:30:15Z", "2026-11-25T02:30:15Z"}));
  EXPECT_EQ(After("sunday,Wed *-12-1..9 8:0"),
            (Stamps{"2026-12-02T08:00:00Z", "2026-12-06T08:00:00Z", "2026-12-09T08:00:00Z"}));
  EXPECT_EQ(After("2027,2028-01-02/14 3,4:00"),
            (Stamps{"2027-01-02T03:00:00Z", "2027-01-02T04:00:00Z", "2027-01-16T03:00:00Z"}));
  EXPECT_EQ(After("28-2..3-1"), (Stamps{"2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z", "never"}));
}

TEST(Calendar, PartsThatAreMissingMeanEveryDayAtMidnight) {
  EXPECT_EQ(After("Mon"),
            (Stamps{"2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z", "2026-12-07T00:00:00Z"}));
  EXPECT_EQ(After("12-24", 2), (Stamps{"2026-12-24T00:00:00Z", "2027-12-24T00:00:00Z"}));
  EXPECT_EQ(After("18:00", 2), (Stamps{"2026-11-21T18:00:00Z", "2026-11-22T18:00:00Z"}));
  EXPECT_EQ(After("Wed, 17:48", 1), Stamps{"2026-11-25T17:48:00Z"});
}

TEST(Calendar, StepsCountFromTheFirstValue) {
  EXPECT_EQ(After("*:5/20"),
            (Stamps{"2026-11-21T12:45:00Z", "2026-11-21T13:05:00Z", "2026-11-21T13:25:00Z"}));
  EXPECT_EQ(After("0..10/4:00"),
            (Stamps{"2026-11-22T00:00:00Z", "2026-11-22T04:00:00Z", "2026-11-22T08:00:00Z"}));
}

TEST(Calendar, FractionsOfSecondsHaveSixDigits) {
  const auto schedule = Calendar("*:*:0.4200005/20.25").value();
  const Time minute = At("2026-11-21T12:34:00Z");
  EXPECT_EQ(schedule->Next(minute), minute + Duration(420'001));
  EXPECT_EQ(schedule->Next(minute + Duration(420'001)), minute + Duration(20'670'001));
  EXPECT_EQ(schedule->Next(minute + Duration(40'920'001)), minute + Duration(60'420'001));
}

TEST(Calendar, DaysMayCountFromTheEndOfTheMonth) {
  EXPECT_EQ(After("*-*~1"),
            (Stamps{"2026-11-30T00:00:00Z", "2026-12-31T00:00:00Z", "2027-01-31T00:00:00Z"}));
  EXPECT_EQ(After("*-02~03", 2), (Stamps{"2027-02-26T00:00:00Z", "2028-02-27T00:00:00Z"}));
  EXPECT_EQ(After("Mon *-05~07/1", 2), (Stamps{"2027-05-31T00:00:00Z", "2028-05-29T00:00:00Z"}))
      << "the last Monday in May";
  EXPECT_EQ(After("*-12~6/4"),
            (Stamps{"2026-12-26T00:00:00Z", "2026-12-30T00:00:00Z", "2027-12-26T00:00:00Z"}));
}

TEST(Calendar, ShorthandsMeanWhatSystemdSays) {
  EXPECT_EQ(After("minutely"), After("*-*-* *:*:00"));
  EXPECT_EQ(After("Hourly"), After("*-*-* *:00:00"));
  EXPECT_EQ(After("daily"), After("*-*-* 00:00:00"));
  EXPECT_EQ(After("weekly"), After("Mon *-*-* 00:00:00"));
  EXPECT_EQ(After("monthly"), After("*-*-01 00:00:00"));
  EXPECT_EQ(After("quarterly"), After("*-01,04,07,10-01 00:00:00"));
  EXPECT_EQ(After("semiannually"), After("*-01,07-01 00:00:00"));
  EXPECT_EQ(After("yearly"), After("*-01-01 00:00:00"));
  EXPECT_EQ(After("annually"), After("*-01-01 00:00:00"));
}

TEST(Calendar, AZoneInTheExpressionOverridesTheZoneOfTheHost) {
  const Time now = At("2026-11-21T12:34:56Z");
  EXPECT_EQ(TimesOf(Calendar("daily", "Asia/Tokyo"), now, 1), Stamps{"2026-11-21T15:00:00Z"});
  EXPECT_EQ(TimesOf(Calendar("daily utc", "Asia/Tokyo"), now, 1), Stamps{"2026-11-22T00:00:00Z"});
  EXPECT_EQ(TimesOf(Calendar("Mon 1:00 Asia/Tokyo"), now, 1), Stamps{"2026-11-22T16:00:00Z"});
}

TEST(Calendar, NextIsAfterTheTimeAndResumeMayBeAtIt) {
  const auto daily = Calendar("daily").value();
  const Time midnight = At("2026-11-22T00:00:00Z");
  EXPECT_EQ(daily->Next(midnight - Duration(1)), midnight);
  EXPECT_EQ(daily->Next(midnight), midnight + hours(24));
  EXPECT_EQ(daily->Resume(midnight), midnight);
  EXPECT_EQ(daily->Resume(midnight + Duration(1)), midnight + hours(24));
}

TEST(Calendar, ADateThatNeverOccursIsNeverDue) {
  EXPECT_EQ(After("*-02-30"), Stamps{"never"});
  EXPECT_EQ(After("2025-*-*"), Stamps{"never"});
  EXPECT_EQ(After("Mon 2027-11-21"), Stamps{"never"});
  EXPECT_EQ(After("2199-12-31", 2), (Stamps{"2199-12-31T00:00:00Z", "never"}));
}

TEST(Calendar, AnErrorSaysWhatIsWrongAndShowsAnExample) {
  const std::string good = "; an example of a calendar event is `Mon..Fri *-*-* 02:30`";
  const std::vector<std::pair<std::string, std::string>> cases{
      {"", "it must not be empty"},
      {"24:00", "the hour must be from 0 to 23, not `24`"},
      {"1:60", "the minute must be from 0 to 59, not `60`"},
      {"1:1:60", "the second must be from 0 to 59, not `60`"},
      {"1:1:59.9999999", "the second must be from 0 to 59, not `59.9999999`"},
      {"1:1:1.", "the second must be from 0 to 59, not `1.`"},
      {"1.5:00", "the hour must be from 0 to 23, not `1.5`"},
      {"*/2:00", "the hour `*/2` must begin with a number, as in `0/2`"},
      {"1,:00", "the hour must be from 0 to 23, not ``"},
      {"*,1:00", "the hour must be from 0 to 23, not `*`"},
      {"5..3:00", "the hour ends before it begins: `5..3`"},
      {"0/0:00", "the hour must have a number above 0 after the `/`, not `0/0`"},
      {"1/23:00", "the hour has no second value: the step of `1/23` is too large"},
      {"*-13-1", "the month must be from 1 to 12, not `13`"},
      {"*-2-32", "the day of the month must be from 1 to 31, not `32`"},
      {"*-2~29", "the day from the end of the month must be from 1 to 28, not `29`"},
      {"2200-1-1", "the year must be from 1970 to 2199, not `2200`"},
      {"1-2-3-4", "`1-2-3-4` is not a date: it has more parts than year, month and day"},
      {"1:2:3:4", "`1:2:3:4` is not a time: it has more parts than hour, minute and second"},
      {"Monda", "`monda` is not a weekday or a range of weekdays from Mon to Sun"},
      {"Sun..Tue", "`sun..tue` is not a weekday or a range of weekdays from Mon to Sun"},
      {"fortnightly", "`fortnightly` is not a weekday or a range of weekdays from Mon to Sun"},
      {"1:00 Mon..Fri 2:00",
       "`Mon..Fri` is not a weekday, date (with `-`), time (with `:`) or zone at this position"},
      {"@1700000000",
       "`@1700000000` is not a weekday, date (with `-`), time (with `:`) or zone at this position"},
  };
  for (const auto& [text, wrong] : cases) EXPECT_EQ(ErrorOf(text), wrong + good);
  EXPECT_EQ(ErrorOf("daily Mars/Olympus").find("unknown time zone `Mars/Olympus`"), 0U);
  EXPECT_EQ(Calendar("24:00").error().kind, ErrorKind::kInvalid);
}

// Each case starts some hours before the clocks change.
struct Change {
  const char* zone;
  const char* from;
  const char* text;
  Stamps times;
};

class CalendarOverChanges : public testing::TestWithParam<Change> {};

TEST_P(CalendarOverChanges, TimersElapseAsUnderSystemdWhenClocksChange) {
  const auto& [zone, from, text, times] = GetParam();
  EXPECT_EQ(TimesOf(Calendar(text, zone), At(from), static_cast<int>(times.size())), times)
      << text << " in " << zone;
}

INSTANTIATE_TEST_SUITE_P(
    OfThreeZones, CalendarOverChanges,
    testing::Values(
        // 02:00 becomes 03:00 at 01:00 UTC.
        Change{"Europe/Berlin",
               "2026-03-29T00:00:00Z",
               "02:30",
               {"2026-03-30T00:30:00Z", "2026-03-31T00:30:00Z"}},
        Change{"Europe/Berlin",
               "2026-03-29T00:00:00Z",
               "*:0/40",
               {"2026-03-29T00:40:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:40:00Z"}},
        // 03:00 becomes 02:00 at 01:00 UTC.
        Change{"Europe/Berlin",
               "2026-10-24T23:30:00Z",
               "02:30",
               {"2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"}},
        Change{"Europe/Berlin",
               "2026-10-24T23:30:00Z",
               "*:0/40",
               {"2026-10-24T23:40:00Z", "2026-10-25T00:00:00Z", "2026-10-25T00:40:00Z",
                "2026-10-25T02:00:00Z"}},
        // In the repeated hour.
        Change{"Europe/Berlin", "2026-10-25T01:10:00Z", "*:0/40", {"2026-10-25T02:00:00Z"}},
        // 02:00 becomes 03:00 at 07:00 UTC.
        Change{"America/New_York",
               "2026-03-08T06:00:00Z",
               "2,3:15",
               {"2026-03-08T07:15:00Z", "2026-03-09T06:15:00Z"}},
        // 02:00 becomes 01:00 at 06:00 UTC.
        Change{"America/New_York",
               "2026-11-01T04:30:00Z",
               "1,2:15",
               {"2026-11-01T05:15:00Z", "2026-11-01T07:15:00Z"}},
        // 02:00 becomes 02:30 at 15:30 UTC.
        Change{"Australia/Lord_Howe",
               "2026-10-03T15:00:00Z",
               "2:10,40",
               {"2026-10-03T15:40:00Z", "2026-10-04T15:10:00Z"}},
        // 02:00 becomes 01:30 at 15:00 UTC.
        Change{"Australia/Lord_Howe",
               "2026-04-04T14:00:00Z",
               "*:0/20",
               {"2026-04-04T14:20:00Z", "2026-04-04T14:40:00Z", "2026-04-04T15:30:00Z"}}));

// A part of a random expression, with numbers from `least` to `most`. `endless`: steps may have no
// end.
std::string RandomPart(Dice& dice, int least, int most, int stars_of_ten, bool endless = false) {
  if (dice.Number(1, 10) <= stars_of_ten) return "*";
  std::string part;
  do {
    const int first = dice.Number(least, most - 1);
    const bool range = dice.OneIn(3);
    part += (part.empty() ? "" : ",") + std::to_string(first);
    if (range) part += fmt::format("..{}", dice.Number(first + 1, most));
    if (range ? dice.OneIn(2) : endless && dice.OneIn(4)) {
      part += fmt::format("/{}", dice.Number(1, std::min(most, 10)));
    }
  } while (dice.OneIn(3));
  return part;
}

std::string RandomWeekdays(Dice& dice) {
  const std::vector<std::string> names{"Mon", "tue", "Wednesday", "Thu", "FRI", "saturday", "Sun"};
  std::string weekdays;
  do {
    const int first = dice.Number(0, 6);
    weekdays += (weekdays.empty() ? "" : ",") + names[static_cast<std::size_t>(first)];
    if (dice.OneIn(3)) {
      weekdays += (dice.OneIn(3) ? "-" : "..") +
                  names[static_cast<std::size_t>(dice.Number(std::min(first + 1, 6), 6))];
    }
  } while (dice.OneIn(2));
  return weekdays + (dice.OneIn(10) ? ", " : " ");
}

std::string RandomDaysFromTheEnd(Dice& dice) {
  return dice.OneIn(2) ? std::to_string(dice.Number(1, 28)) : RandomPart(dice, 1, 7, 1, true);
}

// Avoids two defects of systemd 252. It omits the first time of the next hour, day, month or year
// for steps without an end that do not continue evenly there. In a list of days from the end of a
// month, each further day may be off by 3 days.
std::string RandomCalendar(Dice& dice) {
  if (dice.OneIn(40)) {
    return dice.Choose({"minutely", "hourly", "daily", "weekly", "monthly", "quarterly",
                        "semiannually", "bi-annually", "yearly", "ANNUALLY", "fortnightly"});
  }
  std::string text = dice.OneIn(3) ? RandomWeekdays(dice) : "";
  const bool has_date = dice.OneIn(2);
  if (has_date) {
    if (dice.OneIn(2)) {
      text += (dice.OneIn(6) ? RandomPart(dice, 10, 80, 0) : RandomPart(dice, 2020, 2060, 7, true));
      text += "-";
    }
    text += RandomPart(dice, 1, 12, 4, true);
    text += dice.OneIn(3) ? "~" + RandomDaysFromTheEnd(dice) : "-" + RandomPart(dice, 1, 31, 3);
    text += " ";
  }
  if (!has_date || dice.OneIn(2)) {
    text += dice.OneIn(4) ? dice.Choose({"0/6", "2/2", "0/12", "3/3"}) : RandomPart(dice, 0, 23, 4);
    text +=
        ":" + (dice.OneIn(4) ? dice.Choose({"0/15", "20/20", "0/5"}) : RandomPart(dice, 0, 60, 3));
    if (dice.OneIn(3)) {
      text += ":" + RandomPart(dice, 0, 59, 2);
    } else if (dice.OneIn(3)) {
      text +=
          dice.Choose({":1.5", ":0.1234567..59/7.25", ":3,4.75..50/9.999999", ":5..7", ":0/30"});
    }
    text += " ";
  }
  text += dice.OneIn(5) ? dice.Choose({"UTC", "Asia/Tokyo", "America/New_York"}) : "";
  while (text.ends_with(' ')) text.pop_back();
  return text;
}

// The next times of each expression by systemd-analyze, in UTC and whole seconds; "refused" for an
// expression that it refuses.
std::vector<Stamps> AnswersOfSystemd(const std::string& analyze,
                                     const std::vector<std::string>& texts, Time after, int count,
                                     const std::string& zone) {
  std::string base = FormatUtc(after);
  base.replace(10, 1, " ");
  base.replace(19, 1, " UTC");
  std::vector<std::string> command{analyze, "calendar", "--iterations=" + std::to_string(count),
                                   "--base-time=" + base};
  command.insert(command.end(), texts.begin(), texts.end());
  const TemporaryDirectory directory;
  RunProcess(command, {.environment = {"TZ=" + zone, "LC_ALL=C"},
                       .output = directory / "output",
                       .errors = directory / "errors"});
  const std::string errors = ReadText(directory / "errors");
  std::istringstream output(ReadText(directory / "output"));
  std::vector<Stamps> taken;
  for (std::string line; std::getline(output, line);) {
    const auto has = [&](std::string_view label) { return line.find(label) != line.npos; };
    if (has("Normalized form:")) taken.emplace_back();
    if (!line.ends_with(" UTC") || !(has("Next elapse:") || has("Iter.") || has("(in UTC):"))) {
      continue;
    }
    std::string stamp = line.substr(line.size() - 23, 19);
    stamp[10] = 'T';
    taken.back().push_back(stamp + "Z");
  }
  std::vector<Stamps> answers;
  auto next = taken.begin();
  for (const std::string& text : texts) {
    const auto contains = [&](std::string_view what) {
      return errors.find(fmt::format("{} '{}'", what, text)) != errors.npos;
    };
    if (contains("Failed to parse calendar specification")) {
      answers.push_back({"refused"});
    } else if (contains("Failed to determine next elapse for")) {
      answers.push_back({"lost"});
    } else if (next != taken.end()) {
      answers.push_back(*next++);
    } else {
      ADD_FAILURE() << "no answer about " << text << ": " << errors;
    }
  }
  return answers;
}

// The times before 2037: the date library has no clock changes from then on. In a repeated hour,
// systemd chooses the first or the second occurrence, depending on the state of the C library's
// mktime; the first one is expected here.
Stamps Settled(const Stamps& stamps, const TimeZone& zone) {
  Stamps settled;
  for (const std::string& stamp : stamps) {
    const auto time = ParseRfc3339(stamp);
    if (!time) return stamps;
    const LocalTime shown((*time + zone.PeriodAt(*time).ahead).time_since_epoch());
    if (stamp < "2037") settled.push_back(FormatUtc(zone.At(shown).first));
  }
  return settled;
}

TEST(Calendar, AThousandExpressionsElapseAsUnderSystemd) {
  const std::string analyze = "/usr/bin/systemd-analyze";
  NEED(std::filesystem::exists(analyze) ? "" : "there is no systemd-analyze");
  constexpr std::uint64_t kSeed = 1;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  constexpr int kTimes = 5;
  // Half of them start some hours before a clock change.
  const std::vector<std::pair<std::string, std::string>> places{
      {"UTC", "2026-11-21T12:34:56Z"},
      {"UTC", "2028-02-28T23:59:59Z"},
      {"UTC", "2029-12-31T23:59:00Z"},
      {"Asia/Kolkata", "2031-05-05T05:05:05Z"},
      {"Europe/Berlin", "2026-03-28T12:00:00Z"},
      {"Europe/Berlin", "2026-10-24T12:00:00Z"},
      {"America/New_York", "2026-03-08T01:00:00Z"},
      {"America/New_York", "2026-11-01T01:00:00Z"},
      {"Australia/Lord_Howe", "2026-10-03T12:00:00Z"},
      {"Australia/Lord_Howe", "2026-04-04T12:00:00Z"}};
  Dice dice(kSeed);
  int refused = 0;
  int lost = 0;
  for (const auto& [zone, from] : places) {
    std::vector<std::string> texts;
    for (int i = 0; i < 100; ++i) texts.push_back(RandomCalendar(dice));
    const auto answers = AnswersOfSystemd(analyze, texts, At(from), kTimes, zone);
    ASSERT_EQ(answers.size(), texts.size());
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const auto schedule = Calendar(texts[i], zone);
      Stamps times = schedule ? TimesOf(schedule, At(from), kTimes) : Stamps{"refused"};
      if (times.back() == "never") times.pop_back();
      refused += schedule ? 0 : 1;
      if (answers[i] == Stamps{"lost"}) {
        ++lost;
        continue;
      }
      const auto own = TimeZone::Find(texts[i].substr(texts[i].rfind(' ') + 1));
      const TimeZone used = own ? *own : TimeZone::Find(zone).value();
      EXPECT_EQ(Settled(times, used), Settled(answers[i], used))
          << "`" << texts[i] << "` in " << zone << " after " << from
          << (schedule ? "" : ": " + schedule.error().message);
    }
  }
  EXPECT_LT(refused, 100) << "most should be good";
  EXPECT_LT(lost, 10) << "or little is compared";
}

}  // namespace
}  // namespace backup_exporter
