// Instants, durations and clocks.
//
// A Time is in whole microseconds since the Unix epoch: a double represents it without loss, and it
// covers the years 0001 to 9999. Finer digits of an input are dropped.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace backup_exporter {

using Time = std::chrono::sys_time<std::chrono::microseconds>;
using Duration = std::chrono::microseconds;
using SteadyTime = std::chrono::steady_clock::time_point;

// Parses an RFC 3339 date-time with its offset: "2026-11-21T02:00:02.631602195+01:00", "…Z". Second
// 60 is the second after 59. nullopt without an offset, out of range, and for the year 0001, which
// is how Go prints "never".
[[nodiscard]] std::optional<Time> ParseRfc3339(std::string_view text);

// "2026-11-21T01:00:02Z": UTC in whole seconds, for logs and pages.
[[nodiscard]] std::string FormatUtc(Time time);
// "2026-11-21T01:00:02.631602Z": all digits; ParseRfc3339 returns the same Time.
[[nodiscard]] std::string FormatExactUtc(Time time);

// Parses "90s", "5m", "24h" or "7d". nullopt for any other text and unless more than 0.
[[nodiscard]] std::optional<std::chrono::seconds> ParseSpan(std::string_view text);

// Seconds since the epoch, as metrics carry them.
[[nodiscard]] double ToSeconds(Time time);
[[nodiscard]] double ToSeconds(Duration duration);
// Convert seconds from an input. nullopt outside the range of real runs: a time must be after the
// epoch and before the year 10000, a duration at least 0 and below 10^9 s (31 years). Sums and
// differences of a few such values do not overflow.
[[nodiscard]] std::optional<Time> TimeFromSeconds(double seconds);
[[nodiscard]] std::optional<Duration> DurationFromSeconds(double seconds);

// The wall clock and the steady clock of the host. Thread-safe. Tests use one that they set.
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

// When the kernel started, by the current wall clock; nullopt if /proc/stat does not have it.
[[nodiscard]] std::optional<Time> BootTime();

}  // namespace backup_exporter
