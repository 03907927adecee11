// Finds out whether the process that wrote a file has ended, for files that existed when the
// program started. Single-threaded.
#pragma once

#include <optional>
#include <set>

#include "base/files.h"
#include "sources/piece.h"

namespace backup_exporter {

class Writers {
 public:
  explicit Writers(const Files& files) : files_(files) {}

  // True only if it is certain: the machine was booted after the file was written, or no process
  // has the file open for writing. All processes are examined once, at the first call.
  [[nodiscard]] bool AreGone(const FileStat& file, const Moment& now);

 private:
  struct Snapshot {
    Time taken;
    std::optional<Time> boot;
    std::optional<std::set<FileIdentity>> open;
  };
  const Files& files_;
  std::optional<Snapshot> snapshot_;
};

}  // namespace backup_exporter
