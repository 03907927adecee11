// A directory for the files of one test, removed with its content at the end.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "base/time.h"

namespace backup_exporter {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string path = std::filesystem::temp_directory_path() / "backup_exporter.XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) std::abort();
    path_ = path;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

  // Replaces the content; the file keeps its inode.
  void Write(const std::string& name, std::string_view text) const {
    Put(name, text, std::ios::trunc);
  }
  void Append(const std::string& name, std::string_view text) const {
    Put(name, text, std::ios::app);
  }
  void Rename(const std::string& from, const std::string& to) const {
    std::filesystem::rename(*this / from, *this / to);
  }
  void Truncate(const std::string& name, std::uintmax_t size) const {
    std::filesystem::resize_file(*this / name, size);
  }
  void Remove(const std::string& name) const {
    ASSERT_TRUE(std::filesystem::remove(*this / name)) << name;
  }
  void MakeDirectory(const std::string& name) const {
    std::filesystem::create_directories(*this / name);
  }
  void SetModified(const std::string& name, Time time) const {
    const auto since = time.time_since_epoch();
    const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
    const timespec stamp{
        seconds.count(),
        std::chrono::duration_cast<std::chrono::nanoseconds>(since - seconds).count()};
    const timespec stamps[2] = {stamp, stamp};
    ASSERT_EQ(::utimensat(AT_FDCWD, (*this / name).c_str(), stamps, 0), 0) << name;
  }

 private:
  void Put(const std::string& name, std::string_view text, std::ios::openmode mode) const {
    std::ofstream file(*this / name, std::ios::binary | mode);
    file << text;
    ASSERT_TRUE(file.flush()) << name;
  }

  std::string path_;
};

}  // namespace backup_exporter
