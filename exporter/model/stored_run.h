// A run as the ledger stores it. A plain value that the ledger's rules and its tables share.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/time.h"
#include "model/run.h"

namespace backup_exporter {

enum class RunState {
  kOpen,         // it has started; its end was not read
  kProvisional,  // it has ended; a worse result may still be read
  kSettled,      // its result changes only for the worse
};

struct StoredRun {
  std::int64_t id = 0;  // 0: not stored yet
  std::int64_t backup = 0;
  Operation operation = Operation::kBackup;
  RunState state = RunState::kOpen;
  std::optional<Time> started;
  std::optional<Time> ended;
  std::optional<Time> ended_by;    // upper bound of the end; equals `ended` where that is known
  std::optional<Time> settles_at;  // held back until then, since it is dated ahead of the clock
  std::optional<Duration> duration;
  std::optional<RunResult> result;
  std::optional<Evidence> evidence;  // nullopt: the end was inferred
  std::optional<int> exit_code;
  std::optional<Reason> reason;
  std::string snapshot_id;  // empty: none is known
  std::string message;      // at most kMostMessage bytes; any bytes
  Figures figures;
};

// The values of a successful run that are compared with those of other runs.
struct PastRun {
  std::optional<Duration> duration;
  Figures figures;
};

}  // namespace backup_exporter
