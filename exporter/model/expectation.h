// The configured expectation for a backup: when an operation succeeds, and how long it takes.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/pattern.h"
#include "base/schedule.h"
#include "base/time.h"
#include "model/run.h"

namespace backup_exporter {

inline constexpr Duration kDefaultGrace = std::chrono::hours(1);

// As configured.
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

}  // namespace backup_exporter
