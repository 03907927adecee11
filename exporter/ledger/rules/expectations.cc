#include "ledger/rules/expectations.h"

#include <algorithm>

#include "base/pattern.h"

namespace backup_exporter {
namespace {

using std::chrono::days;

// A bound on the search. Even a schedule of every minute is followed for more than three days.
constexpr int kMostOccurrences = 5000;
constexpr days kLongEnough{500};

bool Contains(const PausePeriod& pause, Time time) {
  return pause.begins <= time && time < pause.ends;
}

// The first occurrence after `time` that no pause excuses.
std::optional<Time> NextExpected(const Schedule& schedule, Time time, Duration slack,
                                 const std::vector<PausePeriod>& pauses) {
  auto next = schedule.Next(time);
  while (next) {
    const auto excuse = std::ranges::find_if(pauses, [&](const PausePeriod& pause) {
      return Contains(pause, *next) || Contains(pause, *next + slack);
    });
    if (excuse == pauses.end()) break;
    next = schedule.Resume(excuse->ends);
  }
  return next;
}

bool HasConfiguredSchedule(const ExpectationFacts& facts) {
  return facts.configured != nullptr && facts.configured->schedule != nullptr;
}

Duration SlackOf(const ExpectationFacts& facts) {
  const Duration none(0);
  if (HasConfiguredSchedule(facts)) {
    // An occurrence is the start of a run, so the time that the run takes is added.
    return facts.configured->grace.value_or(kDefaultGrace) +
           facts.configured->max_duration.value_or(facts.longest_run.value_or(none));
  }
  return facts.configured != nullptr ? facts.configured->grace.value_or(none) : none;
}

}  // namespace

Duration LongestGap(const Schedule& schedule) {
  // Starts at a fixed day, so that the result does not depend on the present day.
  const Time from = std::chrono::sys_days(std::chrono::year(2024) / 1 / 1);
  Duration longest{0};
  auto before = schedule.Next(from);
  for (int i = 0; before && i < kMostOccurrences; ++i) {
    const auto next = schedule.Next(*before);
    if (!next) break;
    longest = std::max(longest, Duration(*next - *before));
    if (*next - from > kLongEnough) break;
    before = next;
  }
  return longest;
}

bool IsLearned(Operation operation) {
  return operation != Operation::kRestore && operation != Operation::kOther;
}

std::shared_ptr<const Schedule> ScheduleOf(const ExpectationFacts& facts) {
  if (facts.configured != nullptr && facts.configured->never) return nullptr;
  if (HasConfiguredSchedule(facts)) return facts.configured->schedule;
  return facts.learned ? Every(*facts.learned) : nullptr;
}

std::optional<ExpectedStanding> Expect(const ExpectationFacts& facts) {
  const auto schedule = ScheduleOf(facts);
  if (!schedule) return std::nullopt;
  const bool is_configured = HasConfiguredSchedule(facts);
  ExpectedStanding expected{
      .origin = is_configured ? Origin::kConfigured : Origin::kLearned,
      .interval = is_configured ? LongestGap(*schedule) : *facts.learned,
      .slack = SlackOf(facts),
  };
  const std::optional<Watch>& watch = facts.watch;
  std::optional<Time> anchor = facts.last_success;
  if (!anchor && watch) anchor = watch->since;
  if (!anchor) return expected;
  if (const auto next = NextExpected(*schedule, *anchor, expected.slack, facts.pauses)) {
    expected.deadline = *next + expected.slack;
  }
  if (!watch) return expected;
  // After a change of the schedule, occurrences before the change are not counted.
  expected.watched =
      watch->configured == (is_configured ? std::optional(expected.interval) : std::nullopt);
  if (!expected.watched) return expected;
  const Time from = std::max({*anchor, watch->since, watch->judged.value_or(watch->since)});
  if (const auto next = NextExpected(*schedule, from, expected.slack, facts.pauses)) {
    expected.next_miss = *next + expected.slack;
    if (watch->late == expected.next_miss) expected.woke = watch->woke;
  }
  return expected;
}

std::uint64_t MissedInARow(const ExpectationFacts& facts) {
  if (!facts.watch || !ScheduleOf(facts)) return 0;
  const bool made_up = facts.watch->judged && facts.last_success >= facts.watch->judged;
  return made_up ? 0 : facts.watch->in_a_row;
}

const PausePeriod* PauseAt(const std::vector<PausePeriod>& pauses, Time now) {
  return !pauses.empty() && Contains(pauses.back(), now) ? &pauses.back() : nullptr;
}

Misses CountMisses(const Schedule& schedule, const ExpectedStanding& expected,
                   const std::vector<PausePeriod>& pauses, Time now) {
  Misses misses;
  if (!expected.next_miss) return misses;
  std::optional<Time> occurrence = *expected.next_miss - expected.slack;
  while (occurrence && *occurrence + expected.slack <= now && misses.count < kMostOccurrences) {
    misses.last = occurrence;
    ++misses.count;
    occurrence = NextExpected(schedule, *occurrence, expected.slack, pauses);
  }
  return misses;
}

const Expectation* ConfiguredExpectations::Find(const std::string& backup,
                                                Operation operation) const {
  const auto found = std::ranges::find_if(all_, [&](const Expectation& one) {
    return one.operation == operation && Fits(one.backup, backup);
  });
  return found == all_.end() ? nullptr : &*found;
}

bool ConfiguredExpectations::Names(const std::string& backup) const {
  return std::ranges::any_of(
      all_, [&](const Expectation& one) { return one.names_one() && one.backup == backup; });
}

bool ConfiguredExpectations::Names(const std::string& backup, Operation operation) const {
  const Expectation* configured = Find(backup, operation);
  return configured != nullptr && configured->names_one();
}

bool ConfiguredExpectations::HasSchedule(const std::string& backup) const {
  for (int i = 0; i < kOperations; ++i) {
    const Expectation* configured = Find(backup, static_cast<Operation>(i));
    if (configured != nullptr && configured->schedule) return true;
  }
  return false;
}

}  // namespace backup_exporter
