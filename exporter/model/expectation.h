// Expectations: when an operation of a backup should run and how long it may take, as configured;
// its pauses; and how the ledger watches it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/pattern.h"
#include "base/schedule.h"
#include "base/time.h"
#include "model/run.h"

namespace backup_exporter {

inline constexpr Duration kDefaultGrace = std::chrono::hours(1);

// An expectation as configured.
struct Expectation {
  std::string backup;  // a name, or a pattern with * and ?
  Operation operation = Operation::kBackup;
  std::shared_ptr<const Schedule> schedule;  // nullptr: learned from its history, unless `never`
  bool never = false;                        // not scheduled: never overdue
  std::optional<Duration> grace;             // how late a start may be
  std::optional<Duration> max_duration;      // how long a run may take

  // Whether `backup` is a name and not a pattern: then the backup exists before its first run.
  [[nodiscard]] bool names_one() const { return !IsPattern(backup); }
};

// A time in which nothing is expected.
struct PausePeriod {
  Time begins;
  Time ends;
  std::string reason;
};

// How an operation is watched.
struct Watch {
  Time since;                          // earlier occurrences are not counted
  std::optional<Duration> learned;     // interval learned from runs that have been forgotten since
  std::optional<Duration> configured;  // interval of the schedule in use; nullopt: a learned one
  std::optional<Time> judged;          // the last occurrence that was counted as missed
  std::uint64_t in_a_row = 0;          // misses since the last success
  std::optional<Time> late;            // the deadline that passed while the host was down or asleep
  std::optional<Time> woke;            // when the host woke after that
};

}  // namespace backup_exporter
