// When something is to begin, again and again. What cron writes is read by base/cron.h, what
// systemd's timers write by base/calendar.h.
#pragma once

#include <memory>
#include <optional>

#include "base/time.h"

namespace backup_exporter {

// Schedules never change, so that any thread may ask them.
class Schedule {
 public:
  virtual ~Schedule() = default;
  // The first time after `time`; nullopt: there is none.
  [[nodiscard]] virtual std::optional<Time> Next(Time time) const = 0;
  // The first time from `time` on, where nothing was to begin before it: of an interval that is
  // `time` itself, of a schedule by the clock its first time that is not before it.
  [[nodiscard]] virtual std::optional<Time> Resume(Time time) const = 0;
};

// `interval`, more than 0, after the time before, whatever clocks show.
[[nodiscard]] std::shared_ptr<const Schedule> Every(Duration interval);

}  // namespace backup_exporter
