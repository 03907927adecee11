// Tells that files may have changed. Only waits and hands over names; what did change is the
// source's to find out. What inotify cannot see (network and overlay file systems) the source's
// sweep finds.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/time.h"

namespace backup_exporter {

struct Change {
  std::string path;  // directory/name
  // A writer closed it (IN_CLOSE_WRITE), and nothing was written to it since.
  bool closed = false;
  // Of the names that its file had since the last call, the first, where that was another one.
  std::string moved_from = {};
  // Its file came and was written to since the last call: what is gone again nobody has seen.
  bool created = false;
  bool written = false;
};

struct Changes {
  // Every path once; those that were moved first, in the order in which they left their first name.
  std::vector<Change> files;
  bool look_at_all = false;  // the queue overflowed, or a directory came, went or moved
};

class Watcher {
 public:
  virtual ~Watcher() = default;
  // Watches exactly these directories from now on; one that was replaced by another of its name is
  // watched anew. False if some that exist could not be watched (limits of the system, permission):
  // changes there are found by looking only.
  virtual bool Watch(const std::vector<std::string>& directories) = 0;
  // Blocks until there is a change, until `until`, or until Wake.
  virtual void Wait(SteadyTime until) = 0;
  // What came since the last call. Never blocks.
  [[nodiscard]] virtual Changes Take() = 0;
  // Ends a Wait, from any thread; one that has not begun yet ends at once.
  virtual void Wake() = 0;
};

// Where inotify is not to be had (limits), the watcher still waits and wakes, and sees nothing.
[[nodiscard]] std::unique_ptr<Watcher> MakeInotifyWatcher();

}  // namespace backup_exporter
