// File systems that tests mount over directories of their own.
#pragma once

#include <sys/mount.h>

#include <cerrno>
#include <string>

namespace backup_exporter {

// Mounted until Unmount or the destructor. Only root may mount; if the kernel refuses, `mounted` is
// false and the test should be skipped.
class Mount {
 public:
  // An empty tmpfs.
  explicit Mount(std::string place) : Mount("tmpfs", std::move(place), "tmpfs", 0) {}
  // A bind mount of `from`.
  Mount(const std::string& from, std::string place) : Mount(from, std::move(place), "", MS_BIND) {}
  Mount(const std::string& from, std::string place, const char* type, unsigned long flags,
        const std::string& options = "")
      : place_(std::move(place)),
        mounted_(::mount(from.c_str(), place_.c_str(), type, flags, options.c_str()) == 0) {}
  ~Mount() { Unmount(); }
  Mount(const Mount&) = delete;
  Mount& operator=(const Mount&) = delete;

  [[nodiscard]] bool mounted() const { return mounted_; }
  // At once, even while files there are open.
  void Unmount() {
    if (mounted_) ::umount2(place_.c_str(), MNT_DETACH);
    mounted_ = false;
  }

 private:
  std::string place_;
  bool mounted_;
};

}  // namespace backup_exporter
