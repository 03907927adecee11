// The spool: how commands give events to the exporter, whether or not it is running.
//
// The spool is a file of JSON Lines in the ledger's directory, in the format that decoders/event.cc
// describes. Each call appends one line with a single write under a lock, so that neither
// concurrent calls nor a full disk leave half a line in front of another. A large file is renamed;
// the exporter still reads it.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"

namespace backup_exporter {

struct SpoolEvent {
  std::string event;  // start, finish, fail, log or pause
  std::string backup;
  std::string operation;  // empty: all operations, for a pause
  std::optional<int> exit_code;
  std::string message;        // cut at 4096 bytes
  std::optional<Time> until;  // the end of a pause
};

// Appends an event that happened at `now`. On success the event is on disk. kNotFound if the
// ledger's directory does not exist; the exporter makes it.
[[nodiscard]] Result<void> AppendToSpool(const std::string& storage_path, const SpoolEvent& event,
                                         Time now);

}  // namespace backup_exporter
