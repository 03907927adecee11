// The state of the host and the sources at a tick, as App passes it to the ledger.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"

namespace backup_exporter {

struct Pulse {
  std::uint64_t clock_jumps = 0;  // steps of the wall clock since the last pulse
  // The sources have been read to their end, so a run that the ledger does not have did not happen.
  // Also true if a source hangs for too long.
  bool caught_up = true;
  // When the host last booted or woke up. A deadline that passed while it was down or asleep is
  // extended once, by the grace of its expectation.
  std::optional<Time> awake_since = {};
};

}  // namespace backup_exporter
