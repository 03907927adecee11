// Statistics over the last runs: intervals, durations, anomaly scores.
#include "ledger/rules/statistics.h"

#include <gmock/gmock.h>

#include <random>

namespace backup_exporter {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Optional;

constexpr Time kMonday = std::chrono::sys_days(std::chrono::year(2026) / 11 / 2);

std::vector<Time> EveryDay(int count, const std::function<bool(Time)>& runs = {}) {
  std::vector<Time> starts;
  for (int i = 0; i < count; ++i) {
    const Time at = kMonday + days(i) + 2h;
    if (!runs || runs(at)) starts.push_back(at);
  }
  return starts;
}

bool IsWeekday(Time at) {
  const std::chrono::weekday day(std::chrono::floor<days>(at));
  return day != std::chrono::Saturday && day != std::chrono::Sunday;
}

TEST(LearnInterval, TheIntervalIsOneAndAHalfTimesTheLongestNormalGap) {
  EXPECT_THAT(LearnInterval(EveryDay(15)), Optional(36h));
  EXPECT_THAT(LearnInterval(EveryDay(15, IsWeekday)), Optional(108h)) << "over the weekend";
}

TEST(LearnInterval, AnIntervalNeedsFiveRunsOverFourteenDays) {
  EXPECT_EQ(LearnInterval({}), std::nullopt);
  EXPECT_EQ(LearnInterval(EveryDay(14)), std::nullopt) << "thirteen days";
  EXPECT_EQ(LearnInterval({kMonday, kMonday + days(7), kMonday + days(14), kMonday + days(21)}),
            std::nullopt);
  EXPECT_THAT(LearnInterval({kMonday, kMonday + days(7), kMonday + days(14), kMonday + days(21),
                             kMonday + days(28)}),
              Optional(Duration(days(7)) * 3 / 2));
}

TEST(LearnInterval, AnOutageIsNotANormalGap) {
  std::vector<Time> starts = EveryDay(10);
  for (const Time at : EveryDay(10)) starts.push_back(at + days(30));
  EXPECT_THAT(LearnInterval(starts), Optional(36h));
}

TEST(LearnInterval, NightsAndWeekendsOfABusyJobAreNormalGaps) {
  std::vector<Time> starts;
  for (Time at = kMonday; at < kMonday + days(15); at += 1h) {
    const auto hour = at - std::chrono::floor<days>(at);
    if (IsWeekday(at) && hour >= 8h && hour <= 18h) starts.push_back(at);
  }
  EXPECT_THAT(LearnInterval(starts), Optional(Duration(62h) * 3 / 2));
}

TEST(LearnInterval, StartsMayBeInAnyOrder) {
  std::vector<Time> starts = EveryDay(20);
  std::shuffle(starts.begin(), starts.end(), std::mt19937(1));
  EXPECT_THAT(LearnInterval(starts), Optional(36h));
}

PastRun OneRun(std::optional<Duration> duration, std::optional<std::uint64_t> added = {}) {
  return {.duration = duration, .figures = {.added_bytes = added}};
}

TEST(LearnMaxDuration, TheMaximumIsTwiceTheLongestOfTheLastSuccesses) {
  std::vector<PastRun> runs(4, OneRun(1h));
  EXPECT_EQ(LearnMaxDuration(runs), std::nullopt) << "four runs are too few";
  runs.push_back(OneRun(3h));
  EXPECT_THAT(LearnMaxDuration(runs), Optional(6h));
  EXPECT_THAT(LongestDuration(runs), Optional(3h));
}

TEST(LearnMaxDuration, AFirstUploadIsNotANormalDuration) {
  std::vector<PastRun> runs(10, OneRun(1h));
  runs.push_back(OneRun(120h));
  EXPECT_THAT(LongestDuration(runs), Optional(1h));
  EXPECT_THAT(LearnMaxDuration(runs), Optional(2h));
  EXPECT_THAT(LongestDuration(std::vector{OneRun(120h)}), Optional(120h))
      << "there is no other run";
}

TEST(LearnMaxDuration, TheMaximumIsAtLeastAnHourAboveTheLongest) {
  EXPECT_THAT(LearnMaxDuration(std::vector<PastRun>(5, OneRun(1min))), Optional(61min));
}

TEST(LearnMaxDuration, OnlyTheNewestThirtyRunsAreCompared) {
  std::vector<PastRun> runs(30, OneRun(2h));
  runs.push_back(OneRun(20h));
  EXPECT_THAT(LearnMaxDuration(runs), Optional(4h));
}

// Scores of added bytes, rounded.
std::vector<int> Scores(const std::vector<PastRun>& newest_first) {
  std::vector<int> scores;
  for (const Anomaly& anomaly : FindUnusual(newest_first).anomalies) {
    if (anomaly.quantity == Quantity::kAddedBytes) {
      scores.push_back(static_cast<int>(std::lround(anomaly.score * 100)));
    }
  }
  return scores;
}

std::vector<PastRun> Adding(std::initializer_list<std::uint64_t> mebibytes_newest_first) {
  std::vector<PastRun> runs;
  for (const std::uint64_t amount : mebibytes_newest_first)
    runs.push_back(OneRun({}, amount << 20));
  return runs;
}

TEST(Unusual, TheScoreIsInRobustDeviationsFromTheMedian) {
  // Median 100, and half of the runs are within 10 of it.
  EXPECT_THAT(Scores(Adding({200, 80, 90, 100, 110, 120})), ElementsAre(675));
  EXPECT_THAT(Scores(Adding({0, 80, 90, 100, 110, 120})), ElementsAre(-675));
  EXPECT_THAT(Scores(Adding({100, 80, 90, 100, 110, 120})), ElementsAre(0));
}

TEST(Unusual, TheDeviationIsAtLeastTheNoiseFloor) {
  EXPECT_THAT(Scores(Adding({2, 1, 1, 1, 1, 1})), ElementsAre(67))
      << "the deviation is at least 1 MiB";
  EXPECT_THAT(Scores(Adding({1050, 1000, 1000, 1000, 1000, 1000})), ElementsAre(67))
      << "the deviation is at least 5 % of the median";
}

TEST(Unusual, AScoreNeedsFiveEarlierRuns) {
  EXPECT_THAT(Scores(Adding({200, 90, 100, 100, 110})), IsEmpty());
  EXPECT_EQ(FindUnusual(Adding({200, 90, 100, 100, 110})).baseline_runs, 4U);
  EXPECT_EQ(FindUnusual({}).baseline_runs, 0U);
}

TEST(Unusual, AtMostThirtyEarlierRunsAreCompared) {
  EXPECT_EQ(FindUnusual(std::vector<PastRun>(50, OneRun({}, 1))).baseline_runs, 30U);
}

TEST(Unusual, EachKnownQuantityHasAScore) {
  PastRun run = OneRun(1h, 100);
  run.figures.processed_bytes = 1;
  run.figures.processed_files = 2;
  run.figures.files_changed = 3;
  const Unusual unusual = FindUnusual(std::vector<PastRun>(6, run));
  std::vector<std::string_view> names;
  for (const Anomaly& anomaly : unusual.anomalies) names.push_back(Name(anomaly.quantity));
  EXPECT_THAT(names,
              ElementsAre("added_bytes", "processed_bytes", "files", "files_changed", "duration"));
}

}  // namespace
}  // namespace backup_exporter
