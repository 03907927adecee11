// A file system served by a process, which can hang as a network file system does.
#pragma once

#include <string>

#include "kit/process.h"

namespace backup_exporter {

// Mounts a directory at a second path by bindfs. Changes made under the first path cause no inotify
// events under the second. Unmounted by the destructor, even while it hangs.
class FuseMount {
 public:
  FuseMount(const std::string& from, std::string place);
  ~FuseMount();
  FuseMount(const FuseMount&) = delete;
  FuseMount& operator=(const FuseMount&) = delete;

  // Whether this process may mount it: only root may.
  [[nodiscard]] static bool Allowed();

  [[nodiscard]] bool mounted() const { return mounted_; }
  // Blocks every access from now on, or ends that.
  void Hang() const;
  void Resume() const;

 private:
  std::string place_;
  Process server_;
  bool mounted_ = false;
};

}  // namespace backup_exporter
