// Statistics over the last successful runs of one operation: how often it usually runs, how long it
// usually takes, and how unusual its newest run is. Pure.
//
// Computed per run and not per scrape: PromQL would weight the values of a batch job by how long
// each was the newest.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "model/run.h"

namespace backup_exporter {

// What is compared of a successful run.
struct PastRun {
  std::optional<Duration> duration;
  Figures figures;
};

// One and a half times the longest normal gap between two starts: a longer time without a success
// is unusual. Needs at least 5 starts over at least 14 days, else nullopt. Starts may be in any
// order. The longest gap is not normal but an outage if it is more than four times the median (the
// nights and weekends of a job that runs often are) and occurred only once.
[[nodiscard]] std::optional<Duration> LearnInterval(std::vector<Time> starts);

// The longest of the newest 30 runs. The longest is ignored if it is more than four times the
// median and the only one of its kind, as a first upload is. nullopt: no duration is known.
[[nodiscard]] std::optional<Duration> LongestDuration(std::span<const PastRun> newest_first);
// How long a run may take: twice LongestDuration, and at least an hour more than it. nullopt: fewer
// than 5 durations are known.
[[nodiscard]] std::optional<Duration> LearnMaxDuration(std::span<const PastRun> newest_first);

enum class Quantity { kAddedBytes, kProcessedBytes, kFiles, kFilesChanged, kDuration };
inline constexpr int kQuantities = 5;
[[nodiscard]] std::string_view Name(Quantity quantity);  // "added_bytes", "files"

struct Anomaly {
  Quantity quantity = Quantity::kAddedBytes;
  // Robust z-score: 0.6745 times the difference from the median of the earlier runs, divided by
  // their median absolute deviation or a noise floor, whichever is larger. The noise floor is 5 %
  // of the median, and at least 1 MiB, 10 files or 10 seconds.
  double score = 0;
};
struct Unusual {
  std::uint64_t baseline_runs = 0;  // earlier successes that were compared, at most 30
  // Of the newest success: one for each quantity that it and at least 5 earlier ones have.
  std::vector<Anomaly> anomalies;
};
[[nodiscard]] Unusual FindUnusual(std::span<const PastRun> newest_first);

}  // namespace backup_exporter
