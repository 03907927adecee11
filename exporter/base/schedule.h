// Recurring due times. base/cron.h parses cron schedules and base/calendar.h systemd calendar
// events.
#pragma once

#include <memory>
#include <optional>

#include "base/time.h"

namespace backup_exporter {

// Immutable, so thread-safe.
class Schedule {
 public:
  virtual ~Schedule() = default;
  // The first due time after `time`; nullopt if there is none.
  [[nodiscard]] virtual std::optional<Time> Next(Time time) const = 0;
  // The first due time at or after `time`, when a pause ends there: for an interval this is `time`
  // itself, for a schedule by the clock its first time that is not before `time`.
  [[nodiscard]] virtual std::optional<Time> Resume(Time time) const = 0;
};

// Due `interval` after the previous time, regardless of clock changes. `interval` must be more than
// 0.
[[nodiscard]] std::shared_ptr<const Schedule> Every(Duration interval);

}  // namespace backup_exporter
