// What is expected of a backup: how often an operation of it succeeds, and how long that takes.
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
  std::shared_ptr<const Schedule> schedule;  // nullptr: learned from what runs, unless `never`
  bool never = false;                        // nobody waits for it
  std::optional<Duration> grace;             // until a start is late
  std::optional<Duration> max_duration;      // how long a run may take

  // Whether it is of one backup, which is there before it ever ran.
  [[nodiscard]] bool names_one() const { return !IsPattern(backup); }
};

}  // namespace backup_exporter
