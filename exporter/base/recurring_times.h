// Times that a clock on the wall shows again and again: what expressions of cron and of systemd
// come down to, and what becomes of them where clocks are set forward or back. Leaves the reading
// of expressions to base/cron.h and base/calendar.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/schedule.h"
#include "base/zone.h"

namespace backup_exporter {

// `first`, and each `step` from it up to `last`.
struct Steps {
  std::int64_t first = 0;
  std::int64_t last = 0;
  std::int64_t step = 1;
};

// A set of numbers below 64: bit 3 is 3.
using Bits = std::uint64_t;
[[nodiscard]] Bits BitsOf(const std::vector<Steps>& steps);

struct RecurringTimes {
  std::vector<Steps> years;  // empty: all
  Bits months = 0;           // from 1
  Bits days = 0;             // from 1: of the month; `backwards`: 1 is its last
  Bits weekdays = 0;         // 0: Sunday
  Bits hours = 0;
  Bits minutes = 0;
  std::vector<Steps> micros;  // microseconds of the minute; at least one
  bool backwards = false;
  bool either = false;  // a day needs to be one of `days` or one of `weekdays`, not both

  // The first that is not before `from`; nullopt: none comes until the end of 2199, which is as far
  // as systemd looks. Decided by whole months and days, so that what never comes is soon known.
  [[nodiscard]] std::optional<LocalTime> Next(LocalTime from) const;

 private:
  [[nodiscard]] bool HasDay(unsigned day, unsigned last_day, unsigned weekday) const;
  [[nodiscard]] std::optional<Duration> NextOfDay(Duration from) const;
};

// What a change of the clocks does to the times that are left out or come twice.
enum class ClockChange {
  kFollow,   // left out, and twice: as clocks show them
  kOnce,     // left out, and the first of the two
  kCatchUp,  // due as soon as clocks are set, and the first of the two; but only where they are set
             // by less than 3 hours, else as kFollow
};

// Times before 1970 are read as its beginning.
[[nodiscard]] std::shared_ptr<const Schedule> ByTheClock(RecurringTimes times, const TimeZone& zone,
                                                         ClockChange change);

}  // namespace backup_exporter
