// Instants, and the clocks they come from.
//
// Wall time is held in whole microseconds since the Unix epoch, which is what fits a metric's
// double without loss and covers the years 0001 to 9999. Finer digits of an input are cut off.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace backup_exporter {

using Time = std::chrono::sys_time<std::chrono::microseconds>;
using Duration = std::chrono::microseconds;
using SteadyTime = std::chrono::steady_clock::time_point;

// RFC 3339 date-time with its offset ("2026-11-21T02:00:02.631602195+01:00", "…Z"). A stamp without
// zone, out of range, or in the year 0001 (how Go prints "never") is no time: nullopt. Second 60 is
// read as the second after 59.
[[nodiscard]] std::optional<Time> ParseRfc3339(std::string_view text);

// "2026-11-21T01:00:02Z": UTC, whole seconds, for logs and pages.
[[nodiscard]] std::string FormatUtc(Time time);
// "2026-11-21T01:00:02.631602Z": all of it, which ParseRfc3339 reads back.
[[nodiscard]] std::string FormatExactUtc(Time time);

// "90s", "5m", "24h", "7d": more than 0.
[[nodiscard]] std::optional<std::chrono::seconds> ParseSpan(std::string_view text);

// Seconds since the epoch, as metrics carry them.
[[nodiscard]] double ToSeconds(Time time);
[[nodiscard]] double ToSeconds(Duration duration);
// What others wrote as seconds. nullopt for what no run has: a time that is not after the epoch or
// beyond the year 9999, a duration that is negative or 10^9 s (31 years) and more. Sums and
// differences of a few of them do not overflow.
[[nodiscard]] std::optional<Time> TimeFromSeconds(double seconds);
[[nodiscard]] std::optional<Duration> DurationFromSeconds(double seconds);

// The two clocks of the machine. Thread-safe. Tests hand over one that they turn by hand.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Time Now() const = 0;
  [[nodiscard]] virtual SteadyTime Steady() const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] Time Now() const override;
  [[nodiscard]] SteadyTime Steady() const override;
};

// When the kernel started, by the wall clock as it stands now; nullopt where /proc does not tell.
[[nodiscard]] std::optional<Time> BootTime();

}  // namespace backup_exporter
