// Cron schedules: when cron starts a job. The behaviour is that of Debian 12 (cron 3.0pl1):
// crontab(5), cron(8) and, where these are silent, its source.
//
// A schedule has five fields separated by blanks: minute, hour, day of the month, month, day of the
// week (0 to 7; 0 and 7 are Sunday). A field is a list of numbers, ranges and `*`; a range and `*`
// may have a step (`*/15`, `0-30/10`). Months and days of the week may be three-letter names in any
// case. Instead of fields, a schedule may be @hourly, @daily, @midnight, @weekly, @monthly, @yearly
// or @annually.
//
// A job runs on days that match the day of the month or the day of the week. If one of these two
// fields begins with `*` (as `*/2` does), a day must match both.
//
// When clocks change by less than 3 hours, as for daylight saving, a job whose minute or hour
// begins with `*` follows the local time. Any other job runs immediately if its time was skipped,
// and does not run again if its time is repeated. After a change of 3 hours or more, all jobs
// follow the new local time.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "base/schedule.h"
#include "base/zone.h"

namespace backup_exporter {

// `zone` is the zone of the host that runs cron. kInvalid for text that cron refuses, and for text
// that cron accepts but does not run as intended: a range that ends before it begins, text after a
// number. @reboot is kInvalid, too, since it has no time.
[[nodiscard]] Result<std::shared_ptr<const Schedule>> ParseCron(std::string_view text,
                                                                const TimeZone& zone);

}  // namespace backup_exporter
