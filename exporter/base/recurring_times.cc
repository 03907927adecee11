#include "base/recurring_times.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace backup_exporter {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::minutes;

constexpr std::chrono::year kLastYear{2199};
// After the end of that year in every zone.
constexpr Time kEnd = std::chrono::sys_days((kLastYear + std::chrono::years(1)) / 1 / 3);

bool Has(Bits bits, unsigned number) { return (bits >> number & 1) != 0; }

// The first number in the set that is not below `from`; 64 if there is none.
unsigned FirstOf(Bits bits, unsigned from) {
  return from > 63 ? 64 : static_cast<unsigned>(std::countr_zero(bits >> from << from));
}

std::optional<std::int64_t> FirstOf(const std::vector<Steps>& all, std::int64_t from) {
  std::optional<std::int64_t> first;
  for (const Steps& steps : all) {
    const std::int64_t distance = std::max<std::int64_t>(from - steps.first, 0);
    const std::int64_t number = steps.first + (distance + steps.step - 1) / steps.step * steps.step;
    if (number <= steps.last && (!first || number < *first)) first = number;
  }
  return first;
}

class ClockSchedule final : public Schedule {
 public:
  ClockSchedule(RecurringTimes times, const TimeZone& zone, ClockChange change)
      : times_(std::move(times)), zone_(zone), change_(change) {}

  [[nodiscard]] std::optional<Time> Next(Time time) const override {
    return Resume(std::min(time, kEnd) + microseconds(1));
  }
  [[nodiscard]] std::optional<Time> Resume(Time time) const override;

 private:
  RecurringTimes times_;
  TimeZone zone_;
  ClockChange change_;
};

// Searches one period between clock changes after another: within it, each local time occurs once.
std::optional<Time> ClockSchedule::Resume(Time time) const {
  Time from = std::max(time, Time());
  while (from < kEnd) {
    const auto now = zone_.PeriodAt(from);
    const auto before = zone_.PeriodAt(now.begin - microseconds(1));
    const LocalTime old_clock((now.begin + before.ahead).time_since_epoch());
    const LocalTime new_clock((now.begin + now.ahead).time_since_epoch());
    const Duration forward = new_clock - old_clock;
    const bool follows =
        change_ == ClockChange::kFollow ||
        (change_ == ClockChange::kCatchUp && (forward < -hours(3) || forward >= hours(3)));

    LocalTime local((from + now.ahead).time_since_epoch());
    if (!follows) local = std::max(local, old_clock);
    if (!follows && change_ == ClockChange::kCatchUp && from == now.begin) {
      const auto skipped = times_.Next(old_clock);
      if (skipped && *skipped < new_clock) return from;
    }
    const auto next = times_.Next(local);
    if (!next) return std::nullopt;
    const Time due(next->time_since_epoch() - now.ahead);
    if (due < now.end) return due;
    // No due time is skipped here: offsets from UTC differ by less than two days.
    from = std::max(now.end, due - days(2));
  }
  return std::nullopt;
}

}  // namespace

Bits BitsOf(const std::vector<Steps>& steps) {
  Bits bits = 0;
  for (const auto& [first, last, step] : steps) {
    for (std::int64_t number = first; number <= last; number += step) bits |= Bits{1} << number;
  }
  return bits;
}

bool RecurringTimes::HasDay(unsigned day, unsigned last_day, unsigned weekday) const {
  const bool by_date = Has(days, backwards ? last_day + 1 - day : day);
  const bool by_weekday = Has(weekdays, weekday);
  return either ? by_date || by_weekday : by_date && by_weekday;
}

std::optional<Duration> RecurringTimes::NextOfDay(Duration from) const {
  const std::chrono::hh_mm_ss clock(from);
  const auto this_hour = static_cast<unsigned>(clock.hours().count());
  const auto this_minute = static_cast<unsigned>(clock.minutes().count());
  const Duration into_minute = clock.seconds() + clock.subseconds();
  for (unsigned hour = FirstOf(hours, this_hour); hour < 24; hour = FirstOf(hours, hour + 1)) {
    const bool is_this_hour = hour == this_hour;
    for (unsigned minute = FirstOf(minutes, is_this_hour ? this_minute : 0); minute < 60;
         minute = FirstOf(minutes, minute + 1)) {
      const bool is_now = is_this_hour && minute == this_minute;
      if (const auto micro = FirstOf(micros, is_now ? into_minute.count() : 0)) {
        return std::chrono::hours(hour) + std::chrono::minutes(minute) + microseconds(*micro);
      }
    }
  }
  return std::nullopt;
}

std::optional<LocalTime> RecurringTimes::Next(LocalTime from) const {
  using std::chrono::local_days;
  const local_days today = floor<std::chrono::days>(from);
  const std::chrono::year_month_day date(today);
  for (auto month = date.year() / date.month(); month.year() <= kLastYear;
       month += std::chrono::months(1)) {
    const int year = static_cast<int>(month.year());
    if (!years.empty() && FirstOf(years, year) != year) {
      month = month.year() / std::chrono::December;
      continue;
    }
    if (!Has(months, static_cast<unsigned>(month.month()))) continue;
    const local_days first(month / 1);
    const auto last_day = static_cast<unsigned>((month / std::chrono::last).day());
    const unsigned offset = std::chrono::weekday(first).c_encoding() + 6;
    const bool is_this_month = month == date.year() / date.month();
    for (unsigned day = is_this_month ? static_cast<unsigned>(date.day()) : 1; day <= last_day;
         ++day) {
      if (!HasDay(day, last_day, (offset + day) % 7)) continue;
      const local_days midnight = first + std::chrono::days(day - 1);
      const auto time = NextOfDay(midnight == today ? from - today : Duration(0));
      if (time) return midnight + *time;
    }
  }
  return std::nullopt;
}

std::shared_ptr<const Schedule> ByTheClock(RecurringTimes times, const TimeZone& zone,
                                           ClockChange change) {
  return std::make_shared<ClockSchedule>(std::move(times), zone, change);
}

}  // namespace backup_exporter
