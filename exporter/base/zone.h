// Time zones: which instant a local time is, by the system's tzdata.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace date {
class time_zone;
}

namespace backup_exporter {

// A date and time in an unnamed zone.
using LocalTime = std::chrono::local_time<std::chrono::microseconds>;

// Parses "2026-11-21T00:12:47.000000" (borg 1.x) or "2026-11-21 00:26:27,450" (Python's logging):
// "T" or a blank between date and time, then optionally "." or "," with 1 to 6 digits. nullopt for
// any other text, also if more text follows.
[[nodiscard]] std::optional<LocalTime> ParseLocalTime(std::string_view text);

class TimeZone {
 public:
  TimeZone() = default;  // UTC
  // The zone of this name; kInvalid if tzdata does not have it. An empty name is the host's zone:
  // $TZ if that names a zone, otherwise /etc/localtime, otherwise UTC, like the C library.
  [[nodiscard]] static Result<TimeZone> Find(const std::string& name);

  // The instants at which local clocks show `local`. Both are the same, except in the hour that is
  // repeated when clocks go back. A time that is skipped when clocks go forward is converted with
  // the offset before the change.
  struct Instants {
    Time first;
    Time second;
  };
  [[nodiscard]] Instants At(LocalTime local) const;

  // A period, from `begin` to before `end`, in which local clocks are `ahead` of UTC. A period
  // without beginning or end has one that is tens of thousands of years away.
  struct Period {
    Time begin;
    Time end;
    Duration ahead;
  };
  // The period that contains `time`.
  [[nodiscard]] Period PeriodAt(Time time) const;

 private:
  explicit TimeZone(const date::time_zone* zone) : zone_(zone) {}
  // In the library's table, which lives as long as the program. nullptr: UTC.
  const date::time_zone* zone_ = nullptr;
};

}  // namespace backup_exporter
