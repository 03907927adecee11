// Merging an event about the end of a run into what is known of that run: the worst result, the
// best figures, the strongest evidence. Pure.
//
// ledger/run_matching decides which run an event belongs to. Storing, counting and notifying are
// left to ledger/fold.
#pragma once

#include <optional>

#include "base/time.h"
#include "model/event.h"
#include "model/stored_run.h"

namespace backup_exporter {

// A run that ended further ahead of the clock than this is held back until its time has come.
inline constexpr Duration kMostAhead = std::chrono::minutes(5);

// Facts besides the run and the event.
struct MergeFacts {
  Time now;
  Time end_by;                         // upper bound of the end of runs in the file that was read
  std::optional<Time> end = {};        // when the run ended, by its file, if the event has no clock
  bool warnings_are_failures = false;  // as configured for the source
};

struct Merged {
  StoredRun run;  // its id and backup are unchanged; an open run becomes provisional
  // The event changes nothing, and need not be stored: a guess is no better than the end that was
  // inferred before.
  bool ignored = false;
  bool first_result = false;  // the run had no result before: it is counted from now on
  bool held_back = false;     // its time is ahead of the clock, for the first time
  // The result of a settled run changed, to the worse or because its end had only been inferred.
  bool revised = false;
  bool failed = false;  // if `revised`: the result is bad, and was not before
  bool warned = false;  // if `revised`: the result is a warning
};

// `run`: the run as known before; a new one has no result.
[[nodiscard]] Merged Merge(StoredRun run, const RunFinished& event, const MergeFacts& facts);

}  // namespace backup_exporter
