// Statistics over the last successful runs of one operation: how often it usually runs, how long it
// usually takes, and how unusual its newest run is. Pure.
//
// Computed per run and not per scrape: PromQL would weight the values of a batch job by how long
// each was the newest.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/time.h"
#include "model/run.h"
#include "model/standing.h"
#include "model/stored_run.h"

namespace backup_exporter {

// One and a half times the longest normal gap between two starts: a longer time without a success
// is unusual. Needs at least 5 starts over at least 14 days, else nullopt. Starts may be in any
// order. A gap of more than four times the median that occurred only once counts as an outage and
// is ignored. (The nights and weekends of a frequent job are such long gaps, too, but occur
// repeatedly.)
[[nodiscard]] std::optional<Duration> LearnInterval(std::vector<Time> starts);

// The longest duration among the newest 30 runs. One that is more than four times the median and
// the only such one, as a first upload is, is ignored. nullopt: no duration is known.
[[nodiscard]] std::optional<Duration> LongestDuration(std::span<const PastRun> newest_first);
// How long a run may take: twice LongestDuration, and at least an hour more than it. nullopt: fewer
// than 5 durations are known.
[[nodiscard]] std::optional<Duration> LearnMaxDuration(std::span<const PastRun> newest_first);

// Compares the newest run with the earlier ones. See Unusual for the ranges.
[[nodiscard]] Unusual FindUnusual(std::span<const PastRun> newest_first);

}  // namespace backup_exporter
