// Reads a ledger beside a running exporter, without its lock. For the command line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace backup_exporter {

struct PendingNotice {
  std::string monitor;
  std::string state;  // Name(NoticeState)
  std::string backup;
  std::string operation;
  bool dead = false;  // a dead letter
  Time created;
  Time due;      // of the next attempt; of a dead letter: when it became one
  Time expires;  // when attempts end; of a dead letter: when it is removed
  std::uint64_t attempts = 0;
  std::string error;  // of the last attempt
};

// Pending notices and dead letters, by monitor, in the order of delivery.
[[nodiscard]] Result<std::vector<PendingNotice>> ReadPending(const std::string& directory);

// The names of all backups.
[[nodiscard]] Result<std::vector<std::string>> ReadBackupNames(const std::string& directory);

// The time until which all operations of the backup are paused; nullopt: they are not paused.
[[nodiscard]] Result<std::optional<Time>> ReadPause(const std::string& directory,
                                                    const std::string& backup, Time now);

}  // namespace backup_exporter
