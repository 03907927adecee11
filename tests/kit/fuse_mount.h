// A file system that depends on a process, as one of a server does, and hangs as that may.
#pragma once

#include <string>

#include "kit/process.h"

namespace backup_exporter {

// A directory that is at another place, too, by bindfs: what happens to the files where they are is
// told to nobody there. Unmounted at the end, whatever its state.
class FuseMount {
 public:
  FuseMount(const std::string& from, std::string place);
  ~FuseMount();
  FuseMount(const FuseMount&) = delete;
  FuseMount& operator=(const FuseMount&) = delete;

  // Only root may mount.
  [[nodiscard]] static bool Allowed();

  [[nodiscard]] bool mounted() const { return mounted_; }
  // Whatever is asked of it waits from now on, or is answered again.
  void Hang() const;
  void GoOn() const;

 private:
  std::string place_;
  Process server_;
  bool mounted_ = false;
};

}  // namespace backup_exporter
