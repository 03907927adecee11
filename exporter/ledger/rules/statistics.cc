#include "ledger/rules/statistics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace backup_exporter {
namespace {

using std::chrono::hours;

// Fewer runs, or runs over a shorter time, show no habit.
constexpr std::size_t kLeastRuns = 5;
constexpr std::chrono::days kLeastSpan{14};
// Older runs are not compared.
constexpr std::size_t kMostRuns = 30;

// A value above this many medians is an exception, if there is only one such value.
constexpr int kExceptionalMedians = 4;

// Smallest differences that matter, however steady the runs are.
constexpr double kBytesFloor = 1 << 20;
constexpr double kFilesFloor = 10;
constexpr double kSecondsFloor = 10;
constexpr double kFloorOfMedian = 0.05;  // as a fraction of the median
// The median absolute deviation of a normal distribution, in standard deviations.
constexpr double kMadOfNormal = 0.6745;

// `values` must not be empty.
double Median(std::vector<double> values) {
  const std::size_t half = values.size() / 2;
  std::ranges::sort(values);
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

// The durations of the newest runs, sorted.
std::vector<Duration> Durations(std::span<const PastRun> newest_first) {
  std::vector<Duration> durations;
  for (const PastRun& run : newest_first.first(std::min(newest_first.size(), kMostRuns))) {
    if (run.duration) durations.push_back(*run.duration);
  }
  std::ranges::sort(durations);
  return durations;
}

// The largest value, or the second largest if the largest is an exception. `sorted` must not be
// empty.
Duration LargestNormal(const std::vector<Duration>& sorted) {
  const bool has_exception =
      sorted.size() > 2 && sorted.back() > kExceptionalMedians * sorted[sorted.size() / 2];
  return has_exception ? sorted[sorted.size() - 2] : sorted.back();
}

std::optional<double> AsNumber(const std::optional<std::uint64_t>& figure) {
  return figure ? std::optional(static_cast<double>(*figure)) : std::nullopt;
}

std::optional<double> Value(const PastRun& run, Quantity quantity) {
  switch (quantity) {
    case Quantity::kAddedBytes:
      return AsNumber(run.figures.added_bytes);
    case Quantity::kProcessedBytes:
      return AsNumber(run.figures.processed_bytes);
    case Quantity::kFiles:
      return AsNumber(run.figures.processed_files);
    case Quantity::kFilesChanged:
      return AsNumber(run.figures.files_changed);
    case Quantity::kDuration:
      return run.duration ? std::optional(ToSeconds(*run.duration)) : std::nullopt;
  }
  return std::nullopt;
}

double NoiseFloor(Quantity quantity, double median) {
  double least = 0;
  switch (quantity) {
    case Quantity::kAddedBytes:
    case Quantity::kProcessedBytes:
      least = kBytesFloor;
      break;
    case Quantity::kFiles:
    case Quantity::kFilesChanged:
      least = kFilesFloor;
      break;
    case Quantity::kDuration:
      least = kSecondsFloor;
      break;
  }
  return std::max(kFloorOfMedian * median, least);
}

// See Anomaly::score. `earlier` must not be empty.
double RobustScore(Quantity quantity, double value, std::vector<double> earlier) {
  const double median = Median(earlier);
  for (double& past : earlier) past = std::abs(past - median);
  const double deviation = std::max(Median(std::move(earlier)), NoiseFloor(quantity, median));
  return kMadOfNormal * (value - median) / deviation;
}

}  // namespace

std::optional<Duration> LearnInterval(std::vector<Time> starts) {
  std::ranges::sort(starts);
  if (starts.size() < kLeastRuns || starts.back() - starts.front() < kLeastSpan) return {};
  std::vector<Duration> gaps;
  for (std::size_t i = 1; i < starts.size(); ++i) gaps.push_back(starts[i] - starts[i - 1]);
  std::ranges::sort(gaps);
  return LargestNormal(gaps) * 3 / 2;
}

std::optional<Duration> LongestDuration(std::span<const PastRun> newest_first) {
  const std::vector<Duration> durations = Durations(newest_first);
  if (durations.empty()) return std::nullopt;
  return LargestNormal(durations);
}

std::optional<Duration> LearnMaxDuration(std::span<const PastRun> newest_first) {
  const std::vector<Duration> durations = Durations(newest_first);
  if (durations.size() < kLeastRuns) return std::nullopt;
  const Duration longest = LargestNormal(durations);
  return std::max<Duration>(2 * longest, longest + hours(1));
}

Unusual FindUnusual(std::span<const PastRun> newest_first) {
  Unusual unusual;
  if (newest_first.empty()) return unusual;
  const auto earlier = newest_first.subspan(1, std::min(newest_first.size() - 1, kMostRuns));
  unusual.baseline_runs = earlier.size();
  for (int i = 0; i < kQuantities; ++i) {
    const auto quantity = static_cast<Quantity>(i);
    const auto value = Value(newest_first.front(), quantity);
    std::vector<double> values;
    for (const PastRun& run : earlier) {
      if (const auto past = Value(run, quantity)) values.push_back(*past);
    }
    if (!value || values.size() < kLeastRuns) continue;
    unusual.anomalies.push_back({quantity, RobustScore(quantity, *value, std::move(values))});
  }
  return unusual;
}

}  // namespace backup_exporter
