// Status of a source, and the board to which all sources post theirs, for the web pages.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "base/time.h"

namespace backup_exporter {

struct SourceStatus {
  bool up = false;       // its files were found, read and understood
  bool polling = false;  // changes are found by polling only, without inotify
  std::uint64_t files = 0;
  std::uint64_t unreadable_files = 0;
  std::uint64_t lag_bytes = 0;    // not read yet
  std::optional<Time> checked;    // last time the files were checked for changes
  std::optional<Time> last_read;  // last time all files could be read
  std::optional<Time> modified;   // newest modification time among the files
  // Failed reads since the program started, by cause.
  std::uint64_t missing = 0, permission = 0, truncated = 0, too_large = 0, io = 0;
};

// Thread-safe.
class StatusBoard {
 public:
  void Post(const std::string& source, SourceStatus status) {
    const std::lock_guard lock(mutex_);
    statuses_[source] = std::move(status);
  }
  void Remove(const std::string& source) {
    const std::lock_guard lock(mutex_);
    statuses_.erase(source);
  }
  [[nodiscard]] std::map<std::string, SourceStatus> Statuses() const {
    const std::lock_guard lock(mutex_);
    return statuses_;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, SourceStatus> statuses_;  // guarded by mutex_
};

}  // namespace backup_exporter
