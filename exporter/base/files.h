// The door to the file system, so that tests can put faults behind it. Thread-safe as the system
// is. Nothing here ever blocks on a FIFO or a device: only regular files are opened.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace backup_exporter {

// What a file is called by the kernel: device and inode.
using FileIdentity = std::pair<std::uint64_t, std::uint64_t>;

struct FileStat {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::uint64_t links = 0;
  Time modified;

  [[nodiscard]] FileIdentity identity() const { return {device, inode}; }
  bool operator==(const FileStat&) const = default;
};

class File {
 public:
  virtual ~File() = default;
  [[nodiscard]] virtual Result<FileStat> Stat() const = 0;
  // Fills the buffer as far as the file goes; 0 at the end of the file.
  [[nodiscard]] virtual Result<std::size_t> ReadAt(std::uint64_t offset,
                                                   std::span<char> buffer) const = 0;
  // Where the hole ends that `offset` is in: bytes that were never written, and read as NUL. Itself
  // where there is no hole, or the file system does not tell.
  [[nodiscard]] virtual std::uint64_t HoleEnd(std::uint64_t offset) const { return offset; }
};

// What matches a shell pattern, sorted, and which directories could not be searched.
struct PathMatches {
  std::vector<std::string> paths;
  std::vector<std::string> unreadable;
};

class Files {
 public:
  virtual ~Files() = default;
  // kNotFound where there is nothing, kInvalid where it is no regular file, kRefused where
  // permission is missing, kTemporary where the program has too many files open, kIo for the rest
  // (a symbolic link to nothing among it: somebody put it there).
  [[nodiscard]] virtual Result<FileStat> Stat(const std::string& path) const = 0;
  [[nodiscard]] virtual Result<std::unique_ptr<File>> Open(const std::string& path) const = 0;
  [[nodiscard]] virtual PathMatches Glob(const std::string& pattern) const = 0;
  // Names in a directory (without . and ..), sorted.
  [[nodiscard]] virtual Result<std::vector<std::string>> List(
      const std::string& directory) const = 0;
  // Of the file system that a directory is on.
  [[nodiscard]] virtual Result<std::uint64_t> DeviceOf(const std::string& directory) const = 0;
  // FilesOpenForWriting, below.
  [[nodiscard]] virtual std::optional<std::set<FileIdentity>> OpenForWriting() const;
};

class SystemFiles final : public Files {
 public:
  [[nodiscard]] Result<FileStat> Stat(const std::string& path) const override;
  [[nodiscard]] Result<std::unique_ptr<File>> Open(const std::string& path) const override;
  [[nodiscard]] PathMatches Glob(const std::string& pattern) const override;
  [[nodiscard]] Result<std::vector<std::string>> List(const std::string& directory) const override;
  [[nodiscard]] Result<std::uint64_t> DeviceOf(const std::string& directory) const override;
};

// A whole small file as text; kRefused above `limit` bytes.
[[nodiscard]] Result<std::string> ReadWhole(const Files& files, const std::string& path,
                                            std::size_t limit);

// As ReadWhole, of a file that a person has named, with errors in words for them. `what` the file
// is to hold: "the secret".
[[nodiscard]] Result<std::string> ReadNamed(const std::string& path, std::size_t limit,
                                            std::string_view what);

// Why a file could not be read, for a text that names it already.
[[nodiscard]] std::string WithoutPath(const std::string& message, const std::string& path);

// The files that some process has open for writing. nullopt where /proc does not show every
// process, as it does for root alone, outside of containers.
[[nodiscard]] std::optional<std::set<FileIdentity>> FilesOpenForWriting();

}  // namespace backup_exporter
