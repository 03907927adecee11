#include "decoders/local_clock.h"

#include <algorithm>

namespace backup_exporter {

std::optional<Time> LocalClock::Read(std::string_view stamp) const {
  return ReadAfter(stamp, passed_);
}

std::optional<Time> LocalClock::ReadAfter(std::string_view stamp, std::optional<Time> least) const {
  const auto instants = Candidates(stamp);
  if (!instants) return std::nullopt;
  // Whole seconds are cut off, not rounded: a stamp may be up to one before its time.
  const bool back = least && instants->first < *least - std::chrono::seconds(1);
  // A clock that was set by hand may be behind either way.
  return back && instants->second >= *least - std::chrono::seconds(1) ? instants->second
                                                                      : instants->first;
}

std::optional<TimeZone::Instants> LocalClock::Candidates(std::string_view stamp) const {
  if (const auto exact = ParseRfc3339(stamp)) return TimeZone::Instants{*exact, *exact};
  const auto local = ParseLocalTime(stamp);
  return local ? std::optional(zone_.At(*local)) : std::nullopt;
}

void LocalClock::Pass(std::optional<Time> time) {
  if (time) passed_ = passed_ ? std::max(*passed_, *time) : *time;
}

}  // namespace backup_exporter
