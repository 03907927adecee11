// Access to the file system behind an interface, so that tests can inject faults.
//
// Only regular files are opened, so no call blocks on a FIFO or a device. Errors are kNotFound
// where the file does not exist, kInvalid where it is not a regular file, kRefused where permission
// is missing, kTemporary where the process has too many files open, and kIo for the rest. A
// dangling symbolic link is kIo: it was made on purpose, so the file is not merely absent.
// SystemFiles is thread-safe.
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

// Device and inode: identifies a file while it exists, whatever its names are.
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
  // Returns the number of bytes read: less than the buffer's size only at the end of the file.
  [[nodiscard]] virtual Result<std::size_t> ReadAt(std::uint64_t offset,
                                                   std::span<char> buffer) const = 0;
  // The end of the hole at `offset`. A hole is a range that was never written and reads as NUL.
  // Returns `offset` where there is no hole or the file system does not report holes.
  [[nodiscard]] virtual std::uint64_t HoleEnd(std::uint64_t offset) const { return offset; }
};

// The paths that match a shell pattern, and the directories that could not be searched; both
// sorted.
struct PathMatches {
  std::vector<std::string> paths;
  std::vector<std::string> unreadable;
};

class Files {
 public:
  virtual ~Files() = default;
  [[nodiscard]] virtual Result<FileStat> Stat(const std::string& path) const = 0;
  [[nodiscard]] virtual Result<std::unique_ptr<File>> Open(const std::string& path) const = 0;
  [[nodiscard]] virtual PathMatches Glob(const std::string& pattern) const = 0;
  // The names in a directory, sorted, without "." and "..".
  [[nodiscard]] virtual Result<std::vector<std::string>> List(
      const std::string& directory) const = 0;
  // The device number of the file system that contains a directory.
  [[nodiscard]] virtual Result<std::uint64_t> DeviceOf(const std::string& directory) const = 0;
  // As FilesOpenForWriting. Virtual so that a test can override it.
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

// The content of a whole file; kRefused if it has more than `limit` bytes.
[[nodiscard]] Result<std::string> ReadWhole(const Files& files, const std::string& path,
                                            std::size_t limit);

// The same for a file that the user named, with errors that advise the user. `what` describes the
// file's content: "the secret".
[[nodiscard]] Result<std::string> ReadNamed(const std::string& path, std::size_t limit,
                                            std::string_view what);

// `message` without "PATH: " in it, for a text that already names the file.
[[nodiscard]] std::string WithoutPath(const std::string& message, const std::string& path);

// The files that any process has open for writing. nullopt unless /proc shows every process, which
// it does only for root and outside a container.
[[nodiscard]] std::optional<std::set<FileIdentity>> FilesOpenForWriting();

}  // namespace backup_exporter
