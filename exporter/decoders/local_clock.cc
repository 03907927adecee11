#include "decoders/local_clock.h"

#include <algorithm>

namespace backup_exporter {

std::optional<Time> LocalClock::Parse(std::string_view text) const {
  return ParseAfter(text, latest_);
}

std::optional<Time> LocalClock::ParseAfter(std::string_view text, std::optional<Time> least) const {
  const auto instants = Candidates(text);
  if (!instants) return std::nullopt;
  // Fractions of a second may be cut off, so the text may be up to a second early.
  const bool back = least && instants->first < *least - std::chrono::seconds(1);
  // After a clock was set by hand, neither instant may be late enough.
  return back && instants->second >= *least - std::chrono::seconds(1) ? instants->second
                                                                      : instants->first;
}

std::optional<TimeZone::Instants> LocalClock::Candidates(std::string_view text) const {
  if (const auto exact = ParseRfc3339(text)) return TimeZone::Instants{*exact, *exact};
  const auto local = ParseLocalTime(text);
  return local ? std::optional(zone_.At(*local)) : std::nullopt;
}

void LocalClock::Advance(std::optional<Time> time) {
  if (time) latest_ = latest_ ? std::max(*latest_, *time) : *time;
}

}  // namespace backup_exporter
