// When a timer of systemd would elapse: calendar events as systemd.time(7) of systemd 252 has them.
//
// "Mon..Fri *-*-* 02:30:00 Europe/Berlin": weekdays, date, time and zone, each of which may be left
// out; or minutely, hourly, daily, weekly, monthly, quarterly, semiannually, yearly, annually, with
// a zone or without. Years are 1970 to 2199. Without a time it is midnight.
//
// Where clocks are set forward past a time, it does not come that day; where they are set back, it
// comes once, the first time (systemd may take the second, as mktime happens to answer).
//
// One thing is as the manual has it, and not as systemd 252 does it: where a step without an end
// goes past the last minute of a day, systemd leaves out the first time of the next (00:00 of
// `*:0/7`); so too with seconds and the hour, hours and the month, days and the year.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "base/schedule.h"
#include "base/zone.h"

namespace backup_exporter {

// `zone` is for expressions that name none: the one of the machine that runs the timer. kInvalid
// for what systemd refuses; also for `@1700000000`, which comes once, and for abbreviations of the
// machine's zone (CEST).
[[nodiscard]] Result<std::shared_ptr<const Schedule>> ParseCalendar(std::string_view text,
                                                                    const TimeZone& zone);

}  // namespace backup_exporter
