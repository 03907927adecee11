// Calendar events of systemd timers (`OnCalendar=`): when such a timer elapses. The syntax is that
// of systemd.time(7), systemd 252.
//
// An expression has weekdays, a date, a time and a zone, each of them optional:
// "Mon..Fri *-*-* 02:30:00 Europe/Berlin". Or it is one of the shorthands minutely, hourly, daily,
// weekly, monthly, quarterly, semiannually, yearly and annually, with or without a zone. Years are
// 1970 to 2199. The default time is midnight.
//
// A local time that is skipped when clocks go forward does not elapse on that day. A local time
// that occurs twice when clocks go back elapses once, at the first occurrence. (systemd may choose
// the second: that depends on mktime.)
//
// One deviation from systemd 252 follows its manual instead of its code. Where a step without an
// end crosses the end of a day, systemd omits the first time of the next day (00:00 of `*:0/7`);
// likewise for seconds in an hour, hours in a month and days in a year.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "base/schedule.h"
#include "base/zone.h"

namespace backup_exporter {

// `zone` is the zone of the host that runs the timer; it applies to expressions that name no zone.
// kInvalid for text that systemd refuses. Also kInvalid: `@1700000000`, which elapses only once,
// and an abbreviation of the host's zone such as CEST.
[[nodiscard]] Result<std::shared_ptr<const Schedule>> ParseCalendar(std::string_view text,
                                                                    const TimeZone& zone);

}  // namespace backup_exporter
