// What the program knows of the host when it gives the ledger a tick.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"

namespace backup_exporter {

struct Pulse {
  std::uint64_t clock_jumps = 0;  // steps of the wall clock since the last pulse
  // Everything that was written before was read, so a run that is not known did not happen.
  bool caught_up = true;
  // The host was down or asleep until then. A deadline that passed meanwhile is extended once, by
  // the grace of its expectation.
  std::optional<Time> awake_since = {};
};

}  // namespace backup_exporter
