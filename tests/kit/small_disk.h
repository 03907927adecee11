// A disk of a few megabytes that a test can fill. Only root may mount it.
#pragma once

#include <errno.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

namespace backup_exporter {

class SmallDisk {
 public:
  explicit SmallDisk(std::string path) : path_(std::move(path)) {
    if (::mount("tmpfs", path_.c_str(), "tmpfs", 0, "size=4m,nr_inodes=100") != 0) {
      missing_ = std::string("a tmpfs cannot be mounted: ") + std::strerror(errno);
    }
  }
  ~SmallDisk() {
    if (missing_.empty()) ::umount2(path_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  // Why it could not be mounted; empty if it was.
  [[nodiscard]] const std::string& missing() const { return missing_; }
  void Fill() const {
    std::ofstream file(path_ + "/filler", std::ios::binary);
    const std::string page(4096, 'x');
    while (file.write(page.data(), static_cast<std::streamsize>(page.size())).flush()) {
    }
    ASSERT_EQ(std::filesystem::space(path_).available, 0U);
  }
  // No more files can be created.
  void UseAllInodes() const {
    std::filesystem::create_directory(path_ + "/filler");
    for (int i = 0; std::ofstream(path_ + "/filler/" + std::to_string(i)); ++i) {
    }
    ASSERT_FALSE(std::ofstream(path_ + "/one more"));
  }
  // Nothing can be written.
  void MakeReadOnly() const {
    ASSERT_EQ(::mount("tmpfs", path_.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, "size=4m"), 0);
  }
  void Free() const { std::filesystem::remove_all(path_ + "/filler"); }

 private:
  const std::string path_;
  std::string missing_;
};

}  // namespace backup_exporter
