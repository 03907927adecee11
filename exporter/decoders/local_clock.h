// Stamps of tools that print the time of their own zone and do not say which.
//
// The hour that comes twice is resolved by the order of the records: time does not go back within a
// file. For the decoders' own sources; part of what a decoder remembers.
#pragma once

#include <optional>
#include <string_view>

#include "base/time.h"
#include "base/zone.h"

namespace backup_exporter {

class LocalClock {
 public:
  explicit LocalClock(TimeZone zone) : zone_(zone) {}

  // Of a stamp with or without a zone; nullopt where it is none. Its first instant that is not
  // before what was read so far.
  [[nodiscard]] std::optional<Time> Read(std::string_view stamp) const;
  // Of one that is known to be no earlier than `least`.
  [[nodiscard]] std::optional<Time> ReadAfter(std::string_view stamp,
                                              std::optional<Time> least) const;
  // All that it may be: the same twice where there is no doubt.
  [[nodiscard]] std::optional<TimeZone::Instants> Candidates(std::string_view stamp) const;
  // A record of the file was written then: what follows is not earlier.
  void Pass(std::optional<Time> time);

  [[nodiscard]] std::optional<Time> passed() const { return passed_; }
  void set_passed(std::optional<Time> passed) { passed_ = passed; }

 private:
  TimeZone zone_;
  std::optional<Time> passed_;
};

}  // namespace backup_exporter
