// When cron would start a job: crontab(5) and cron(8) of Debian 12 (cron 3.0pl1), to the letter of
// its source.
//
// Five fields with blanks between them: minute, hour, day of the month, month, day of the week (0
// to 7, Sunday is both). A field is a list of numbers, ranges and `*`; the latter two may have a
// step (`*/15`, `0-30/10`). Months and days of the week may be names of three letters, whatever
// their case.
// Or one of @hourly, @daily, @midnight, @weekly, @monthly, @yearly and @annually.
//
// A job comes on the days of the month and also on the days of the week; but where one of the two
// fields begins with `*` (so does `*/2`), only on days that are in both.
//
// Where minute or hour begins with `*`, jobs go by what clocks show. Others are started at once
// when clocks are set forward past their time, and not again when they are set back; changes by 3
// hours and more are no daylight saving, and all jobs go by the new time.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "base/schedule.h"
#include "base/zone.h"

namespace backup_exporter {

// `zone`: of the machine that runs cron. kInvalid for what cron refuses, and for what it takes and
// never starts as meant: a range that ends before it begins, more text after a number. So is
// @reboot, which has no time.
[[nodiscard]] Result<std::shared_ptr<const Schedule>> ParseCron(std::string_view text,
                                                                const TimeZone& zone);

}  // namespace backup_exporter
