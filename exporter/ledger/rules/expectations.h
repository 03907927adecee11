// When the next success of an operation is overdue, and which occurrences of its schedule passed
// without one. Pure.
//
// An occurrence is the time at which a run should begin. It is missed when its slack has passed
// without a success that ended after it. The slack of a configured schedule is its grace and the
// time that a run may take; the slack of a learned interval is only the configured grace, if any,
// since the interval itself has a margin. An occurrence that begins in a pause, or whose deadline
// falls into one, is not expected.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/schedule.h"
#include "base/time.h"
#include "model/expectation.h"
#include "model/run.h"
#include "model/standing.h"

namespace backup_exporter {

// Longest time between two occurrences.
[[nodiscard]] Duration LongestGap(const Schedule& schedule);

// Whether an interval is learned from the history of such an operation. Restores and unknown
// operations are not learned: they are started by hand, however often.
[[nodiscard]] bool IsLearned(Operation operation);

struct ExpectationFacts {
  const Expectation* configured = nullptr;  // nullptr: none
  std::optional<Duration> learned;          // interval between runs, by their history
  std::optional<Duration> longest_run;      // longest normal duration
  std::optional<Time> last_success;
  std::vector<PausePeriod> pauses;  // all known pauses, sorted by their end
  std::optional<Watch> watch;       // nullopt: not watched yet
};
// The schedule by which an operation is judged; nullptr: nothing is expected.
[[nodiscard]] std::shared_ptr<const Schedule> ScheduleOf(const ExpectationFacts& facts);
// The expectation; nullopt: nothing is expected.
[[nodiscard]] std::optional<ExpectedStanding> Expect(const ExpectationFacts& facts);
// Occurrences missed since the last success.
[[nodiscard]] std::uint64_t MissedInARow(const ExpectationFacts& facts);
// The pause that covers `now`; nullptr: none. `pauses` are sorted by their end.
[[nodiscard]] const PausePeriod* PauseAt(const std::vector<PausePeriod>& pauses, Time now);

struct Misses {
  std::uint64_t count = 0;
  std::optional<Time> last;  // the last occurrence among them
};
// The occurrences from `expected.next_miss` on that are missed at `now`. At most 5,000 at once.
[[nodiscard]] Misses CountMisses(const Schedule& schedule, const ExpectedStanding& expected,
                                 const std::vector<PausePeriod>& pauses, Time now);

// The configured expectations.
class ConfiguredExpectations {
 public:
  explicit ConfiguredExpectations(std::vector<Expectation> expectations = {})
      : all_(std::move(expectations)) {}

  [[nodiscard]] const std::vector<Expectation>& all() const { return all_; }
  // The expectation of an operation of a backup: the first whose name or pattern matches; nullptr:
  // none.
  [[nodiscard]] const Expectation* Find(const std::string& backup, Operation operation) const;
  // Whether the configuration names the backup, or the operation of it, without a pattern.
  [[nodiscard]] bool Names(const std::string& backup) const;
  [[nodiscard]] bool Names(const std::string& backup, Operation operation) const;
  // Whether the configuration has a schedule for an operation of the backup.
  [[nodiscard]] bool HasSchedule(const std::string& backup) const;

 private:
  std::vector<Expectation> all_;
};

}  // namespace backup_exporter
