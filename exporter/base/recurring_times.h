// Recurring local times, the common form of cron schedules and systemd calendar events, and how
// they behave when clocks go forward or back. Parsing is left to base/cron.h and base/calendar.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/schedule.h"
#include "base/zone.h"

namespace backup_exporter {

// first, first + step, first + 2 * step … up to `last`.
struct Steps {
  std::int64_t first = 0;
  std::int64_t last = 0;
  std::int64_t step = 1;
};

// A set of numbers below 64: bit n is set if n is in it.
using Bits = std::uint64_t;
[[nodiscard]] Bits BitsOf(const std::vector<Steps>& steps);

struct RecurringTimes {
  std::vector<Steps> years;  // empty: every year
  Bits months = 0;           // 1 to 12
  Bits days = 0;             // 1 to 31; counted from the end of the month if `backwards`
  Bits weekdays = 0;         // 0 to 6, 0 is Sunday
  Bits hours = 0;
  Bits minutes = 0;
  std::vector<Steps> micros;  // microseconds in the minute; must not be empty
  bool backwards = false;     // day 1 is the last day of the month
  bool either = false;        // a day must be in `days` or in `weekdays`; otherwise in both

  // The first time that is not before `from`. nullopt if there is none until the end of 2199, which
  // is systemd's limit. Whole months and days are skipped, so that nullopt is found quickly.
  [[nodiscard]] std::optional<LocalTime> Next(LocalTime from) const;

 private:
  [[nodiscard]] bool HasDay(unsigned day, unsigned last_day, unsigned weekday) const;
  [[nodiscard]] std::optional<Duration> NextOfDay(Duration from) const;
};

// What happens to a local time that a clock change skips or repeats.
enum class ClockChange {
  kFollow,   // skipped: not due; repeated: due twice
  kOnce,     // skipped: not due; repeated: due at the first occurrence
  kCatchUp,  // skipped: due immediately after the change; repeated: due at the first occurrence.
             // Like kFollow for changes of 3 hours or more
};

// A schedule that is due at these local times of `zone`. It treats a time before 1970 as the
// beginning of 1970.
[[nodiscard]] std::shared_ptr<const Schedule> ByTheClock(RecurringTimes times, const TimeZone& zone,
                                                         ClockChange change);

}  // namespace backup_exporter
