// Reports that files may have changed. A watcher only waits and returns names; the source finds out
// what has changed. Changes that inotify cannot see (network and overlay file systems) are found by
// the source's sweeps.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/time.h"

namespace backup_exporter {

struct Change {
  std::string path;  // directory/name
  // A writer closed the file (IN_CLOSE_WRITE), and nothing was written to it since.
  bool closed = false;
  // The first name that the file had since the last call, if it differs from `path`.
  std::string moved_from = {};
  // The file appeared, and was written to, since the last call. If it is already gone again, its
  // bytes are lost.
  bool created = false;
  bool written = false;
};

struct Changes {
  // Every path once; moved files first, in the order in which they left their first name.
  std::vector<Change> files;
  // The queue overflowed, or a directory appeared, vanished or moved: all paths must be checked.
  bool needs_sweep = false;
};

// Single-threaded, except for Wake.
class Watcher {
 public:
  virtual ~Watcher() = default;
  // Watches exactly these directories from now on. A directory that was replaced by another one of
  // its name is watched anew. False if an existing directory cannot be watched (system limits,
  // permission): its changes must be found by polling.
  virtual bool Watch(const std::vector<std::string>& directories) = 0;
  // Blocks until there is a change, until `until`, or until Wake.
  virtual void Wait(SteadyTime until) = 0;
  // Returns and clears the changes since the last call. Never blocks.
  [[nodiscard]] virtual Changes Drain() = 0;
  // Ends a Wait, or the next one if none is in progress. Thread-safe.
  virtual void Wake() = 0;
};

// Without inotify (system limits) the watcher still waits and wakes, but Watch returns false.
[[nodiscard]] std::unique_ptr<Watcher> MakeInotifyWatcher();

}  // namespace backup_exporter
