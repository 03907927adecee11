// Time zones: what instant a clock on the wall shows, by the system's tzdata.
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

// What a clock in some zone shows, without saying which.
using LocalTime = std::chrono::local_time<std::chrono::microseconds>;

// "2026-11-21T00:12:47.000000" (borg 1.x) or "2026-11-21 00:26:27,450" (Python's logging): "T" or a
// blank, and up to 6 digits of a fraction after "." or ",", if any. Nothing may follow.
[[nodiscard]] std::optional<LocalTime> ParseLocalTime(std::string_view text);

class TimeZone {
 public:
  TimeZone() = default;  // UTC
  // Empty: the host's, which is $TZ's where that names a zone, else that of /etc/localtime, else
  // UTC, as for the C library. kInvalid for a name that tzdata does not know.
  [[nodiscard]] static Result<TimeZone> Find(const std::string& name);

  // The instants at which clocks show this: twice the same, but in the hour that comes twice when
  // they are set back. What no clock shows, when they are set forward, is read by the time before.
  struct Instants {
    Time first;
    Time second;
  };
  [[nodiscard]] Instants At(LocalTime local) const;

  // From when on, and until when (no longer), clocks are as far ahead of UTC as at `time`. Where
  // that has no beginning or end, it is some tens of thousands of years away.
  struct Period {
    Time begin;
    Time end;
    Duration ahead;
  };
  [[nodiscard]] Period PeriodAt(Time time) const;

 private:
  explicit TimeZone(const date::time_zone* zone) : zone_(zone) {}
  // Of the library's table, which lives as long as the program; nullptr: UTC.
  const date::time_zone* zone_ = nullptr;
};

}  // namespace backup_exporter
