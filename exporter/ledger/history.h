// What the last runs of one operation come to: how often it usually runs, how long it usually
// takes, and how unusual the last one was. Pure.
//
// Per run and not per scrape: PromQL weighs the values of a batch job by how long they stood.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "model/run.h"

namespace backup_exporter {

// A success.
struct PastRun {
  std::optional<Duration> duration;
  Figures figures;
};

// The longest normal time from one start to the next, with half of it added: no success for longer
// than this is a surprise. Of at least 5 starts over at least 14 days; nullopt: too few. A gap that
// is four times the median (nights and weekends of a busy job are less rare) counts as an outage,
// unless it came twice.
[[nodiscard]] std::optional<Duration> LearnInterval(std::vector<Time> starts);

// Of the newest 30; one that is alone and four times the median, as a first one may be, is not
// looked at. nullopt: none is known.
[[nodiscard]] std::optional<Duration> LongestDuration(std::span<const PastRun> newest_first);
// How long a run may take, judged by these: twice the longest, and at least an hour more than it.
// nullopt: there are fewer than 5.
[[nodiscard]] std::optional<Duration> LearnMaxDuration(std::span<const PastRun> newest_first);

enum class Quantity { kAddedBytes, kProcessedBytes, kFiles, kFilesChanged, kDuration };
inline constexpr int kQuantities = 5;
[[nodiscard]] std::string_view Name(Quantity quantity);  // "added_bytes", "files"

struct Anomaly {
  Quantity quantity = Quantity::kAddedBytes;
  // Distance from the median of earlier runs in robust deviations (0.6745 times the difference,
  // over the median absolute deviation or what is not worth a word, whichever is more).
  double score = 0;
};
struct Unusual {
  std::uint64_t baseline_runs = 0;  // earlier successes, at most 30
  std::vector<Anomaly> anomalies;   // of the newest success; none before 5 earlier ones
};
[[nodiscard]] Unusual FindUnusual(std::span<const PastRun> newest_first);

}  // namespace backup_exporter
