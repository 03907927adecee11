// What other commands read out of a ledger beside a running exporter, without its lock.
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
  bool dead = false;  // given up; kept to be seen
  Time created;
  Time due;      // next attempt; of a dead letter: when it was given up
  Time expires;  // until when it is tried, or kept
  std::uint64_t attempts = 0;
  std::string error;  // of the last attempt
};

// What waits to be told, and what could not be: by monitor, in the order of delivery.
[[nodiscard]] Result<std::vector<PendingNotice>> ReadPending(const std::string& directory);

// The names of all backups.
[[nodiscard]] Result<std::vector<std::string>> ReadBackupNames(const std::string& directory);

// Until when all operations of the backup are paused; nullopt: they are not.
[[nodiscard]] Result<std::optional<Time>> ReadPause(const std::string& directory,
                                                    const std::string& backup, Time now);

}  // namespace backup_exporter
