// Cron schedules, compared with expected times, with a model of the main loop of Debian's cron, and
// with python3-croniter.
#include "base/cron.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <sstream>

#include "kit/need.h"
#include "kit/process.h"
#include "kit/schedules.h"
#include "kit/temporary_directory.h"

namespace backup_exporter {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using Stamps = std::vector<std::string>;

Time At(std::string_view stamp) { return ParseRfc3339(stamp).value(); }

ParsedSchedule Cron(std::string_view text, const std::string& zone = "UTC") {
  return ParseCron(text, TimeZone::Find(zone).value());
}

// The first times after Saturday, 2026-11-21, 12:34:56 UTC.
Stamps After(std::string_view text, int count = 3) {
  return TimesOf(Cron(text), At("2026-11-21T12:34:56Z"), count);
}

std::string ErrorOf(std::string_view text) {
  const auto schedule = Cron(text);
  return schedule ? "none" : schedule.error().message;
}

TEST(Cron, FieldsHaveNumbersListsRangesAndSteps) {
  EXPECT_EQ(After("30 2 * * *"),
            (Stamps{"2026-11-22T02:30:00Z", "2026-11-23T02:30:00Z", "2026-11-24T02:30:00Z"}));
  EXPECT_EQ(After("*/15 * * * *"),
            (Stamps{"2026-11-21T12:45:00Z", "2026-11-21T13:00:00Z", "2026-11-21T13:15:00Z"}));
  EXPECT_EQ(After("0-30/10,45 13 * * *"),
            (Stamps{"2026-11-21T13:00:00Z", "2026-11-21T13:10:00Z", "2026-11-21T13:20:00Z"}));
  EXPECT_EQ(After("05 03,1 * * *"),
            (Stamps{"2026-11-22T01:05:00Z", "2026-11-22T03:05:00Z", "2026-11-23T01:05:00Z"}));
  EXPECT_EQ(After("\t0  0 1 */100 * ", 2),
            (Stamps{"2027-01-01T00:00:00Z", "2028-01-01T00:00:00Z"}));
}

TEST(Cron, NamesMayBeInAnyCase) {
  EXPECT_EQ(After("0 0 1 jan-MAR *"), After("0 0 1 1-3 *"));
  EXPECT_EQ(After("0 0 * * Mon,wed-FRI"), After("0 0 * * 1,3-5"));
}

TEST(Cron, SundayIsBothDay0AndDay7) {
  const Stamps sundays{"2026-11-22T00:00:00Z", "2026-11-29T00:00:00Z", "2026-12-06T00:00:00Z"};
  for (const char* text : {"0 0 * * 0", "0 0 * * 7", "0 0 * * sun", "0 0 * * */7", "@weekly"}) {
    EXPECT_EQ(After(text), sundays) << text;
  }
  EXPECT_EQ(After("0 0 * * 6-7"),
            (Stamps{"2026-11-22T00:00:00Z", "2026-11-28T00:00:00Z", "2026-11-29T00:00:00Z"}));
}

TEST(Cron, ADayMatchesEitherFieldUnlessOneBeginsWithAStar) {
  EXPECT_EQ(After("0 0 1 * 1"),
            (Stamps{"2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z", "2026-12-01T00:00:00Z"}));
  EXPECT_EQ(After("0 0 1 * *", 2), (Stamps{"2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"}));
  EXPECT_EQ(After("0 0 */2 * 1"),
            (Stamps{"2026-11-23T00:00:00Z", "2026-12-07T00:00:00Z", "2026-12-21T00:00:00Z"}))
      << "Mondays on odd days";
  EXPECT_EQ(After("0 0 13 * */5"),
            (Stamps{"2026-12-13T00:00:00Z", "2027-06-13T00:00:00Z", "2027-08-13T00:00:00Z"}))
      << "a 13th on Sunday or Friday";
  EXPECT_EQ(After("0 0 1,* * 1", 2), (Stamps{"2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z"}))
      << "does not begin with it";
}

TEST(Cron, ShorthandsMeanWhatCronSays) {
  EXPECT_EQ(After("@hourly"), After("0 * * * *"));
  EXPECT_EQ(After("@daily"), After("0 0 * * *"));
  EXPECT_EQ(After("@midnight"), After("0 0 * * *"));
  EXPECT_EQ(After("@monthly"), After("0 0 1 * *"));
  EXPECT_EQ(After("@yearly"), After("0 0 1 1 *"));
  EXPECT_EQ(After("@annually"), After("0 0 1 1 *"));
}

TEST(Cron, NextIsAfterTheTimeAndResumeMayBeAtIt) {
  const auto daily = Cron("@daily").value();
  const Time midnight = At("2026-11-22T00:00:00Z");
  EXPECT_EQ(daily->Next(midnight - Duration(1)), midnight);
  EXPECT_EQ(daily->Next(midnight), midnight + hours(24));
  EXPECT_EQ(daily->Resume(midnight), midnight);
  EXPECT_EQ(daily->Resume(midnight + Duration(1)), midnight + hours(24));
}

TEST(Cron, ADateThatNeverOccursIsNeverDue) {
  EXPECT_EQ(After("0 0 30 2 *"), Stamps{"never"});
  EXPECT_EQ(After("* * 31 2,4,6,9,11 *"), Stamps{"never"});
  EXPECT_EQ(After("0 0 30 2 1", 1), Stamps{"2027-02-01T00:00:00Z"}) << "but Mondays do";
  EXPECT_EQ(TimesOf(Cron("0 0 30 2 *", "Europe/Berlin"), At("2026-11-21T12:34:56Z"), 1),
            Stamps{"never"});
}

TEST(Cron, ALeapDayIsDueInLeapYears) {
  EXPECT_EQ(After("0 0 29 2 *", 2), (Stamps{"2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"}));
  EXPECT_EQ(TimesOf(Cron("0 0 29 2 *"), At("2096-03-01T00:00:00Z"), 1),
            Stamps{"2104-02-29T00:00:00Z"});
  EXPECT_EQ(TimesOf(Cron("0 0 29 2 */7", "Europe/Berlin"), At("2088-03-01T00:00:00Z"), 1),
            Stamps{"2128-02-28T23:00:00Z"})
      << "on a Sunday";
}

TEST(Cron, NoTimeIsDueAfterTheYear2199) {
  for (const char* zone : {"UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"}) {
    const auto hourly = Cron("@hourly", zone).value();
    EXPECT_EQ(hourly->Next(At("2200-01-05T00:00:00Z")), std::nullopt) << zone;
    EXPECT_EQ(hourly->Next(Time::max()), std::nullopt) << zone;
    EXPECT_EQ(hourly->Resume(Time::max()), std::nullopt) << zone;
    EXPECT_LE(hourly->Next(Time::min()), Time(hours(1))) << zone;
    EXPECT_LE(hourly->Resume(Time::min()), Time(hours(1))) << zone;
  }
}

TEST(Cron, AnErrorSaysWhatIsWrongAndShowsAnExample) {
  const std::string good =
      "; an example of a cron schedule is `30 2 * * 1-5` (at 02:30 from Monday to Friday)";
  const std::vector<std::pair<std::string, std::string>> cases{
      {"60 * * * *", "the minute must be from 0 to 59, not `60`"},
      {"* 24 * * *", "the hour must be from 0 to 23, not `24`"},
      {"* * 0 * *", "the day of the month must be from 1 to 31, not `0`"},
      {"* * * 13 *", "the month must be from 1 to 12, or a name such as jan, not `13`"},
      {"* * * anj *", "the month must be from 1 to 12, or a name such as jan, not `anj`"},
      {"* * * january *", "the month must be from 1 to 12, or a name such as jan, not `january`"},
      {"* * * * 8", "the day of the week must be from 0 to 7, or a name such as sun, not `8`"},
      {"* -1 * * *", "the hour must be from 0 to 23, not ``"},
      {"1,,2 * * * *", "the minute must be from 0 to 59, not ``"},
      {"5x * * * *", "the minute must be from 0 to 59, not `5x`"},
      {"** * * * *", "the minute must be from 0 to 59, not `**`"},
      {"99999999999 * * * *", "the minute must be from 0 to 59, not `99999999999`"},
      {"* * * * fri-sun", "the day of the week ends before it begins: `fri-sun`"},
      {"5/10 * * * *",
       "the minute may have a step only after `*` or a range (`5-59/…`), not `5/10`"},
      {"*/0 * * * *", "the minute must have a number above 0 after the `/`, not `*/0`"},
      {"*/ * * * *", "the minute must have a number above 0 after the `/`, not `*/`"},
  };
  for (const auto& [text, wrong] : cases) EXPECT_EQ(ErrorOf(text), wrong + good);
  EXPECT_EQ(ErrorOf("0 2 * *"),
            "a cron schedule has 5 fields (minute, hour, day of the month, month, day of the "
            "week), not 4; an example is `30 2 * * 1-5` (at 02:30 from Monday to Friday)");
  EXPECT_EQ(ErrorOf(""), ErrorOf(" "));
  EXPECT_EQ(ErrorOf("@fortnightly").find("`@fortnightly` is not one of cron's shorthands"), 0U);
  EXPECT_EQ(ErrorOf("@reboot").find("`@reboot` means the start of the host"), 0U);
  EXPECT_EQ(Cron("@reboot").error().kind, ErrorKind::kInvalid);
}

// Each case starts some hours before the clocks change.
struct Change {
  const char* zone;
  const char* from;
  const char* text;
  Stamps times;
};

class CronOverChanges : public testing::TestWithParam<Change> {};

TEST_P(CronOverChanges, JobsStartAsUnderDebiansCronWhenClocksChange) {
  const auto& [zone, from, text, times] = GetParam();
  EXPECT_EQ(TimesOf(Cron(text, zone), At(from), static_cast<int>(times.size())), times)
      << text << " in " << zone;
}

// 02:00 becomes 03:00 at 01:00 UTC.
constexpr const char* kBerlinForward = "2026-03-29T00:00:00Z";
// 03:00 becomes 02:00 at 01:00 UTC.
constexpr const char* kBerlinBack = "2026-10-24T23:30:00Z";
// 02:00 becomes 03:00 at 07:00 UTC.
constexpr const char* kNewYorkForward = "2026-03-08T06:00:00Z";
// 02:00 becomes 01:00 at 06:00 UTC.
constexpr const char* kNewYorkBack = "2026-11-01T04:30:00Z";
// 02:00 becomes 02:30 at 15:30 UTC.
constexpr const char* kLordHoweForward = "2026-10-03T15:00:00Z";
// 02:00 becomes 01:30 at 15:00 UTC.
constexpr const char* kLordHoweBack = "2026-04-04T14:00:00Z";

INSTANTIATE_TEST_SUITE_P(
    OfFixedTimes, CronOverChanges,
    testing::Values(
        Change{"Europe/Berlin",
               kBerlinForward,
               "30 2 * * *",
               {"2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"}},
        Change{"Europe/Berlin",
               kBerlinForward,
               "0,30 2-3 * * *",
               {"2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z", "2026-03-30T00:00:00Z"}},
        Change{"Europe/Berlin",
               kBerlinForward,
               "0 3 * * *",
               {"2026-03-29T01:00:00Z", "2026-03-30T01:00:00Z"}},
        Change{"Europe/Berlin",
               kBerlinForward,
               "30 2 29 3 *",
               {"2026-03-29T01:00:00Z", "2027-03-29T00:30:00Z"}},
        Change{"Europe/Berlin",
               kBerlinBack,
               "30 2 * * *",
               {"2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"}},
        Change{"Europe/Berlin",
               kBerlinBack,
               "0,30 2,3 * * *",
               {"2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z", "2026-10-25T02:00:00Z"}},
        Change{"Europe/Berlin", "2026-10-25T01:10:00Z", "30 2 * * *", {"2026-10-26T01:30:00Z"}},
        Change{"America/New_York",
               kNewYorkForward,
               "15 2 * * *",
               {"2026-03-08T07:00:00Z", "2026-03-09T06:15:00Z"}},
        Change{"America/New_York",
               kNewYorkBack,
               "15 1 * * *",
               {"2026-11-01T05:15:00Z", "2026-11-02T06:15:00Z"}},
        Change{"Australia/Lord_Howe",
               kLordHoweForward,
               "10 2 * * *",
               {"2026-10-03T15:30:00Z", "2026-10-04T15:10:00Z"}},
        Change{"Australia/Lord_Howe",
               kLordHoweForward,
               "40 2 * * *",
               {"2026-10-03T15:40:00Z", "2026-10-04T15:40:00Z"}},
        Change{"Australia/Lord_Howe",
               kLordHoweBack,
               "0,20,40 1-2 * * *",
               {"2026-04-04T14:20:00Z", "2026-04-04T14:40:00Z", "2026-04-04T15:30:00Z",
                "2026-04-04T15:50:00Z"}}));

INSTANTIATE_TEST_SUITE_P(
    OfWildcards, CronOverChanges,
    testing::Values(
        Change{"Europe/Berlin",
               kBerlinForward,
               "*/30 * * * *",
               {"2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"}},
        Change{"Europe/Berlin", kBerlinForward, "* 2 * * *", {"2026-03-30T00:00:00Z"}},
        Change{"Europe/Berlin", kBerlinForward, "30 */2 * * *", {"2026-03-29T02:30:00Z"}},
        Change{"Europe/Berlin",
               kBerlinBack,
               "@hourly",
               {"2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z"}},
        Change{"Europe/Berlin",
               kBerlinBack,
               "*/40 2 * * *",
               {"2026-10-25T00:00:00Z", "2026-10-25T00:40:00Z", "2026-10-25T01:00:00Z",
                "2026-10-25T01:40:00Z", "2026-10-26T01:00:00Z"}},
        Change{"America/New_York",
               kNewYorkForward,
               "15 * * * *",
               {"2026-03-08T06:15:00Z", "2026-03-08T07:15:00Z"}},
        Change{"America/New_York",
               kNewYorkBack,
               "15 * * * *",
               {"2026-11-01T05:15:00Z", "2026-11-01T06:15:00Z", "2026-11-01T07:15:00Z"}},
        Change{"Australia/Lord_Howe",
               kLordHoweForward,
               "*/20 * * * *",
               {"2026-10-03T15:10:00Z", "2026-10-03T15:40:00Z", "2026-10-03T16:00:00Z"}},
        Change{"Australia/Lord_Howe",
               kLordHoweBack,
               "45 * * * *",
               {"2026-04-04T14:45:00Z", "2026-04-04T15:15:00Z", "2026-04-04T16:15:00Z"}}));

// A change by 3 hours, in Antarctica, is not daylight saving to cron: skipped times are not due,
// and repeated times are due twice only after a change back by more than 3 hours.
INSTANTIATE_TEST_SUITE_P(OfTimeZones, CronOverChanges,
                         testing::Values(Change{"Antarctica/Casey",
                                                "2016-10-21T12:00:00Z",
                                                "30 1 * * *",
                                                {"2016-10-22T14:30:00Z"}},
                                         Change{"Antarctica/Casey",
                                                "2018-03-10T14:00:00Z",
                                                "30 2 * * *",
                                                {"2018-03-10T15:30:00Z", "2018-03-11T18:30:00Z"}}));

// A field of a random expression, with numbers from `least` to `most`.
std::string RandomField(Dice& dice, int least, int most, int stars_of_ten) {
  if (dice.Number(1, 10) <= stars_of_ten) {
    return dice.OneIn(3) ? fmt::format("*/{}", dice.Number(1, most)) : "*";
  }
  std::string field;
  do {
    const int first = dice.Number(least, most);
    field += (field.empty() ? "" : ",") + std::to_string(first);
    if (!dice.OneIn(3)) continue;
    field += "-" + std::to_string(dice.Number(first, most));
    if (dice.OneIn(2)) field += "/" + std::to_string(dice.Number(1, 10));
  } while (dice.OneIn(3));
  return field;
}

// The main loop of cron.c in Debian's cron 3.0pl1, which wakes up each minute. `schedule` is the
// expression in UTC; its times are used as local times of `zone`.
Stamps RunsOfCron(const Schedule& schedule, bool wild, const TimeZone& zone, Time from,
                  Time until) {
  Stamps runs;
  const auto clock = [&](Time time) {
    return std::chrono::floor<minutes>(time + zone.PeriodAt(time).ahead);
  };
  auto virtual_time = clock(from);
  for (Time time = from + minutes(1); time < until; time += minutes(1)) {
    bool due = false;
    const auto find_jobs = [&](auto minute, bool do_wild, bool do_fixed) {
      if (wild ? do_wild : do_fixed) due = due || schedule.Resume(minute) == Time(minute);
    };
    const auto running = clock(time);
    const auto difference = running - virtual_time;
    if (difference > hours(3) || difference <= -hours(3)) {
      virtual_time = running;
      find_jobs(running, true, true);
    } else if (difference > minutes(5)) {
      find_jobs(running, true, false);
      while (virtual_time < running) find_jobs(virtual_time += minutes(1), false, true);
    } else if (difference > minutes(0)) {
      while (virtual_time < running) find_jobs(virtual_time += minutes(1), true, true);
    } else {
      find_jobs(running, true, false);
    }
    if (due) runs.push_back(FormatUtc(time));
  }
  return runs;
}

TEST(Cron, JobsStartAsInDebiansMainLoopWhenClocksChange) {
  constexpr std::uint64_t kSeed = 2;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  Dice dice(kSeed);
  const std::vector<std::pair<std::string, std::string>> changes{
      {"Europe/Berlin", "2026-03-29"},       {"Europe/Berlin", "2026-10-25"},
      {"America/New_York", "2026-03-08"},    {"America/New_York", "2026-11-01"},
      {"Australia/Lord_Howe", "2026-10-03"}, {"Australia/Lord_Howe", "2026-04-04"},
      {"America/Havana", "2026-03-08"},      {"America/Havana", "2026-11-01"},
      {"Antarctica/Casey", "2016-10-21"},    {"Antarctica/Casey", "2018-03-10"},
      {"Antarctica/Troll", "2026-03-29"},    {"Antarctica/Troll", "2026-10-25"},
      {"Pacific/Apia", "2011-12-30"}};
  for (int i = 0; i < 100; ++i) {
    const std::string minute = RandomField(dice, 0, 59, 2);
    const std::string hour = RandomField(dice, 0, 4, 2);
    const std::string text = minute + " " + hour + " * * *";
    const bool wild = minute.starts_with('*') || hour.starts_with('*');
    for (const auto& [zone, day] : changes) {
      const Time from = At(day + "T00:00:00Z") - hours(2);
      const Time until = from + hours(28);
      const auto schedule = Cron(text, zone).value();
      Stamps runs;
      for (auto next = schedule->Next(from); next && *next < until; next = schedule->Next(*next)) {
        runs.push_back(FormatUtc(*next));
      }
      ASSERT_EQ(runs,
                RunsOfCron(*Cron(text).value(), wild, TimeZone::Find(zone).value(), from, until))
          << text << " in " << zone;
    }
  }
}

// For each line, "EXPRESSION|SECONDS", prints the next five times. To croniter, a day may match
// either field unless one of them is `*` or has all values; then only the other one counts. So it
// is given an equivalent expression. Prints "unknown" for two defects: from February it misses
// March 1 if the days go up to 29 or more, and it ignores weekdays if no day of the month can
// occur.
constexpr const char* kCroniter = R"(
import datetime, sys
from croniter import croniter, CroniterBadDateError
for line in open(sys.argv[1]):
    text, start = line.rstrip("\n").split("|")
    fields = text.split()
    either = not (fields[2].startswith("*") or fields[4].startswith("*"))
    days, weekdays = (croniter.expand(text)[0][i] for i in (2, 4))
    if days != ["*"] and min(days) < 29 <= max(days):
        print("unknown")
        continue
    if either and ["*"] in (days, weekdays):
        fields[2] = fields[4] = "*"
    times = croniter(" ".join(fields), datetime.datetime.utcfromtimestamp(int(start)),
                     day_or=either)
    try:
        for _ in range(5):
            print(times.get_next(datetime.datetime).strftime("%Y-%m-%dT%H:%M:%SZ"), end=" ")
        print()
    except CroniterBadDateError:
        print("unknown" if either else "never ")
)";

TEST(Cron, AThousandExpressionsAreDueAsInCroniter) {
  const std::string python = "/usr/bin/python3";
  NEED(RunProcess({python, "-c", "import croniter"}) == 0 ? "" : "there is no python3-croniter");
  constexpr std::uint64_t kSeed = 1;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  Dice dice(kSeed);
  std::vector<std::pair<std::string, Time>> cases;
  std::string lines;
  for (int i = 0; i < 1200; ++i) {
    std::string text =
        fmt::format("{} {} {} {} {}", RandomField(dice, 0, 59, 2), RandomField(dice, 0, 23, 3),
                    RandomField(dice, 1, dice.OneIn(4) ? 31 : 28, 5), RandomField(dice, 1, 12, 6),
                    RandomField(dice, 0, 7, 5));
    const Time start{std::chrono::seconds(dice.Number(1'600'000'000, 2'100'000'000))};
    lines += fmt::format("{}|{}\n", text, start.time_since_epoch() / std::chrono::seconds(1));
    cases.emplace_back(std::move(text), start);
  }
  const TemporaryDirectory directory;
  directory.Write("cases", lines);
  std::istringstream answers(OutputOf({python, "-c", kCroniter, directory / "cases"}));
  int known = 0;
  for (const auto& [text, start] : cases) {
    std::string answer;
    ASSERT_TRUE(std::getline(answers, answer)) << "croniter ended before " << text;
    if (answer == "unknown") continue;
    ++known;
    std::string times;
    for (const std::string& time : TimesOf(Cron(text), start, 5)) times += time + " ";
    EXPECT_EQ(times, answer) << text << " after " << FormatUtc(start);
  }
  EXPECT_GE(known, 1000);
}

}  // namespace
}  // namespace backup_exporter
