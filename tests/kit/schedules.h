// Helpers for tests of schedules.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/schedule.h"

namespace backup_exporter {

using ParsedSchedule = Result<std::shared_ptr<const Schedule>>;

// The first `count` due times after `time`, as "2026-11-21T02:00:00Z". Ends with "never" if there
// are fewer. If parsing failed, only the error.
[[nodiscard]] inline std::vector<std::string> TimesOf(const ParsedSchedule& schedule, Time time,
                                                      int count) {
  if (!schedule) return {schedule.error().message};
  std::vector<std::string> times;
  for (std::optional<Time> next = time; count > 0; --count) {
    next = (*schedule)->Next(*next);
    times.push_back(next ? FormatUtc(*next) : "never");
    if (!next) break;
  }
  return times;
}

// Pseudo-random numbers and choices, the same for the same seed.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}

  // From `least` to `most`, both included.
  int Number(int least, int most) {
    return least + static_cast<int>(engine_() % static_cast<std::uint64_t>(most - least + 1));
  }
  // True with a probability of one in `n`.
  bool OneIn(int n) { return Number(1, n) == 1; }
  std::string Choose(const std::vector<std::string>& words) {
    return words[static_cast<std::size_t>(Number(0, static_cast<int>(words.size()) - 1))];
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace backup_exporter
