// Converts the local times that tools print without a zone.
//
// The hour that occurs twice when clocks are set back is resolved by the order of the records: time
// does not go backwards within a file. Part of a decoder's state. For decoders only.
#pragma once

#include <optional>
#include <string_view>

#include "base/time.h"
#include "base/zone.h"

namespace backup_exporter {

class LocalClock {
 public:
  explicit LocalClock(TimeZone zone) : zone_(zone) {}

  // The instant of a time with or without a zone: the first that is not before the latest record.
  // nullopt if the text is not a time.
  [[nodiscard]] std::optional<Time> Parse(std::string_view text) const;
  // The same for a time that is known to be no earlier than `least`.
  [[nodiscard]] std::optional<Time> ParseAfter(std::string_view text,
                                               std::optional<Time> least) const;
  // All instants that the time can mean: the same one twice if it is not ambiguous.
  [[nodiscard]] std::optional<TimeZone::Instants> Candidates(std::string_view text) const;
  // A record was written at `time`; those after it are not earlier. Earlier times are ignored.
  void Advance(std::optional<Time> time);

  // The time of the latest record, if any had one.
  [[nodiscard]] std::optional<Time> latest() const { return latest_; }
  void set_latest(std::optional<Time> latest) { latest_ = latest; }

 private:
  TimeZone zone_;
  std::optional<Time> latest_;
};

}  // namespace backup_exporter
