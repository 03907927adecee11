#include "base/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <glob.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <limits>
#include <string_view>

namespace backup_exporter {
namespace {

// FailErrno, but a missing permission is kRefused, so that callers can distinguish it from a
// failing disk.
tl::unexpected<Error> FailOn(std::string_view what, int error_number) {
  auto failure = FailErrno(what, error_number);
  if (error_number == EACCES || error_number == EPERM) failure.value().kind = ErrorKind::kRefused;
  return failure;
}

Time TimeOf(const timespec& stamp) {
  // A file may have any time; one that does not fit is clamped.
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / 1'000'000 / 2;
  const std::int64_t seconds = std::clamp<std::int64_t>(stamp.tv_sec, -kMost, kMost);
  return Time(std::chrono::seconds(seconds)) + std::chrono::microseconds(stamp.tv_nsec / 1000);
}

Result<FileStat> RegularFile(const struct stat& status, const std::string& path) {
  if (!S_ISREG(status.st_mode)) {
    return Fail(ErrorKind::kInvalid, path + ": is a " +
                                         (S_ISDIR(status.st_mode)    ? "directory"
                                          : S_ISFIFO(status.st_mode) ? "FIFO"
                                          : S_ISSOCK(status.st_mode) ? "socket"
                                                                     : "device") +
                                         ", not a regular file");
  }
  return FileStat{.device = status.st_dev,
                  .inode = status.st_ino,
                  .size = static_cast<std::uint64_t>(status.st_size),
                  .links = status.st_nlink,
                  .modified = TimeOf(status.st_mtim)};
}

class SystemFile final : public File {
 public:
  SystemFile(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}
  ~SystemFile() override { ::close(descriptor_); }
  SystemFile(const SystemFile&) = delete;
  SystemFile& operator=(const SystemFile&) = delete;

  Result<FileStat> Stat() const override {
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0) return FailOn("stat " + path_, errno);
    return RegularFile(status, path_);
  }

  Result<std::size_t> ReadAt(std::uint64_t offset, std::span<char> buffer) const override {
    std::size_t filled = 0;
    while (filled < buffer.size()) {
      const ssize_t got = ::pread(descriptor_, buffer.data() + filled, buffer.size() - filled,
                                  static_cast<off_t>(offset + filled));
      if (got == 0) break;
      if (got > 0) {
        filled += static_cast<std::size_t>(got);
      } else if (errno != EINTR) {
        return FailOn("read " + path_, errno);
      }
    }
    return filled;
  }

  std::uint64_t HoleEnd(std::uint64_t offset) const override {
    const off_t data = ::lseek(descriptor_, static_cast<off_t>(offset), SEEK_DATA);
    if (data >= 0) return static_cast<std::uint64_t>(data);
    if (errno != ENXIO) return offset;
    const off_t end = ::lseek(descriptor_, 0, SEEK_END);  // the hole reaches the end of the file
    return std::max(offset, static_cast<std::uint64_t>(std::max<off_t>(end, 0)));
  }

 private:
  int descriptor_;
  std::string path_;
};

// glob(3) passes no context to its error function.
thread_local std::vector<std::string>* unreadable_directories = nullptr;

int AddUnreadable(const char* path, int error_number) {
  if (error_number != ENOENT && error_number != ENOTDIR) unreadable_directories->emplace_back(path);
  return 0;
}

class Directory {
 public:
  explicit Directory(const std::string& path) : stream_(::opendir(path.c_str())) {}
  ~Directory() {
    if (stream_ != nullptr) ::closedir(stream_);
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  [[nodiscard]] bool open() const { return stream_ != nullptr; }
  [[nodiscard]] int descriptor() const { return ::dirfd(stream_); }
  // The next name. nullptr at the end, with errno 0, and after an error.
  [[nodiscard]] const char* Next() {
    errno = 0;
    const dirent* entry = ::readdir(stream_);
    return entry == nullptr ? nullptr : entry->d_name;
  }

 private:
  DIR* stream_;
};

// Adds the files that one process has open for writing. Returns false if they are not visible.
bool AddFilesOf(const std::string& process, std::set<FileIdentity>* found) {
  Directory descriptors("/proc/" + process + "/fd");
  if (!descriptors.open()) return errno == ENOENT || errno == ESRCH;
  while (const char* name = descriptors.Next()) {
    struct stat link {};
    // The permissions of the link itself show how the file was opened.
    if (::fstatat(descriptors.descriptor(), name, &link, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISLNK(link.st_mode) || (link.st_mode & S_IWUSR) == 0) {
      continue;
    }
    struct statx status {};
    // Without a sync: a network file system that hangs must not block this thread.
    if (::statx(descriptors.descriptor(), name, AT_STATX_DONT_SYNC, STATX_TYPE | STATX_INO,
                &status) == 0 &&
        S_ISREG(status.stx_mode)) {
      found->emplace(::makedev(status.stx_dev_major, status.stx_dev_minor), status.stx_ino);
    }
  }
  return true;
}

// In a container, /proc shows only the container's processes, while others may write to its
// volumes.
bool SeesAllProcesses() {
  constexpr ino_t kFirstPidNamespace = 0xEFFFFFFC;
  struct stat status {};
  return ::stat("/proc/self/ns/pid", &status) == 0 && status.st_ino == kFirstPidNamespace &&
         ::access("/proc/1/fd", R_OK) == 0;
}

}  // namespace

std::optional<std::set<FileIdentity>> Files::OpenForWriting() const {
  return FilesOpenForWriting();
}

Result<FileStat> SystemFiles::Stat(const std::string& path) const {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0) return RegularFile(status, path);
  const int error_number = errno;
  if (error_number == ENOENT && ::lstat(path.c_str(), &status) == 0) {
    return Fail(ErrorKind::kIo, path + ": is a dangling symbolic link");
  }
  return FailOn("stat " + path, error_number);
}

Result<std::unique_ptr<File>> SystemFiles::Open(const std::string& path) const {
  // Stat comes first, since merely opening a tape device rewinds it.
  if (auto before = Stat(path); !before) return tl::unexpected(std::move(before.error()));
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (descriptor < 0) return FailOn("open " + path, errno);
  auto file = std::make_unique<SystemFile>(descriptor, path);
  if (auto opened = file->Stat(); !opened) return tl::unexpected(std::move(opened.error()));
  return file;
}

PathMatches SystemFiles::Glob(const std::string& pattern) const {
  PathMatches matches;
  unreadable_directories = &matches.unreadable;
  glob_t found{};
  ::glob(pattern.c_str(), GLOB_NOSORT, AddUnreadable, &found);
  matches.paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  std::sort(matches.paths.begin(), matches.paths.end());
  std::sort(matches.unreadable.begin(), matches.unreadable.end());
  return matches;
}

Result<std::vector<std::string>> SystemFiles::List(const std::string& directory) const {
  Directory stream(directory);
  if (!stream.open()) return FailOn("list " + directory, errno);
  std::vector<std::string> names;
  while (const char* name = stream.Next()) {
    if (std::string_view(name) != "." && std::string_view(name) != "..") names.emplace_back(name);
  }
  if (errno != 0) return FailOn("list " + directory, errno);
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::uint64_t> SystemFiles::DeviceOf(const std::string& directory) const {
  struct stat status {};
  if (::stat(directory.c_str(), &status) != 0) return FailOn("stat " + directory, errno);
  return status.st_dev;
}

Result<std::string> ReadWhole(const Files& files, const std::string& path, std::size_t limit) {
  auto file = files.Open(path);
  if (!file) return tl::unexpected(std::move(file.error()));
  const auto stat = (*file)->Stat();
  if (!stat) return tl::unexpected(stat.error());
  std::string text(std::min<std::uint64_t>(stat->size, limit) + 1, '\0');
  const auto got = (*file)->ReadAt(0, text);
  if (!got) return tl::unexpected(got.error());
  if (*got > limit || stat->size > limit) {
    return Fail(ErrorKind::kRefused,
                path + ": is larger than " + std::to_string(limit) + " bytes, which is the limit");
  }
  text.resize(*got);
  return text;
}

Result<std::string> ReadNamed(const std::string& path, std::size_t limit, std::string_view what) {
  auto text = ReadWhole(SystemFiles{}, path, limit);
  if (text) return text;
  const auto& [kind, message] = text.error();
  if (kind == ErrorKind::kNotFound) {
    return Fail(kind, fmt::format("there is no file {} with {}: create it, or correct the path",
                                  path, what));
  }
  return Fail(kind,
              fmt::format("cannot read {} from {}: {}", what, path, WithoutPath(message, path)));
}

std::string WithoutPath(const std::string& message, const std::string& path) {
  const std::size_t name = message.find(path + ": ");
  return name == message.npos ? message : message.substr(name + path.size() + 2);
}

std::optional<std::set<FileIdentity>> FilesOpenForWriting() {
  if (!SeesAllProcesses()) return std::nullopt;
  Directory processes("/proc");
  if (!processes.open()) return std::nullopt;
  std::set<FileIdentity> found;
  while (const char* name = processes.Next()) {
    if (std::isdigit(static_cast<unsigned char>(*name)) == 0) continue;
    if (!AddFilesOf(name, &found)) return std::nullopt;
  }
  return found;
}

}  // namespace backup_exporter
