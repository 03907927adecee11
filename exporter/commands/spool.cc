#include "commands/spool.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/descriptor.h"
#include "base/utf8.h"
#include "config/config.h"

namespace backup_exporter {
namespace {

constexpr off_t kLargestFile = 16 << 20;
constexpr std::size_t kLongestMessage = 4096;
constexpr const char* kFile = "events.jsonl";
constexpr const char* kOldFile = "events.1.jsonl";

Error SystemError(const std::string& what) {
  return {ErrorKind::kIo, fmt::format("{}: {}", what, std::strerror(errno))};
}

std::string LineOf(const SpoolEvent& event, Time now) {
  nlohmann::json json{{"event", event.event}, {"backup", event.backup}, {"time", ToSeconds(now)}};
  if (!event.operation.empty()) json["operation"] = event.operation;
  if (event.until) json["until"] = ToSeconds(*event.until);
  if (event.exit_code) json["exit_code"] = *event.exit_code;
  if (!event.message.empty()) json["message"] = CutBytes(event.message, kLongestMessage);
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

// Gives a file that root made to the owner of the ledger's directory: the exporter must read it.
void HandOver(int file, const struct stat& owner) {
  struct stat made {};
  if (geteuid() != 0 || fstat(file, &made) != 0 || made.st_uid != 0) return;
  [[maybe_unused]] const int done = fchown(file, owner.st_uid, owner.st_gid);
}

// Opens and locks the spool's file. Symbolic links are not followed, since root may write to a
// directory of another user.
Result<Descriptor> OpenLocked(int spool, const std::string& path, const struct stat& owner) {
  for (;;) {
    Descriptor file(
        openat(spool, kFile, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0660));
    if (file.get() < 0) return tl::unexpected(SystemError("cannot write " + path));
    if (flock(file.get(), LOCK_EX) != 0) {
      return tl::unexpected(SystemError("cannot lock " + path));
    }
    struct stat opened {};
    struct stat named {};
    if (fstat(file.get(), &opened) != 0) return tl::unexpected(SystemError(path));
    // Another call may have renamed the file while this one waited for the lock.
    const bool same =
        fstatat(spool, kFile, &named, AT_SYMLINK_NOFOLLOW) == 0 && named.st_ino == opened.st_ino;
    if (same && opened.st_size < kLargestFile) {
      HandOver(file.get(), owner);
      return file;
    }
    if (same && renameat(spool, kFile, spool, kOldFile) != 0) {
      return tl::unexpected(SystemError("cannot rename " + path));
    }
  }
}

Result<void> Append(int spool, const std::string& path, std::string line,
                    const struct stat& owner) {
  const auto file = OpenLocked(spool, path, owner);
  if (!file) return tl::unexpected(file.error());
  struct stat before {};
  if (fstat(file->get(), &before) != 0) return tl::unexpected(SystemError(path));
  // An unfinished line must not swallow this one.
  char last = '\n';
  if (before.st_size > 0 && pread(file->get(), &last, 1, before.st_size - 1) == 1 && last != '\n') {
    line.insert(0, "\n");
  }
  const ssize_t written = write(file->get(), line.data(), line.size());
  if (written != static_cast<ssize_t>(line.size())) {
    if (written >= 0) errno = ENOSPC;
    const Error error = SystemError("cannot write " + path);
    [[maybe_unused]] const int undone = ftruncate(file->get(), before.st_size);
    return tl::unexpected(error);
  }
  if (fsync(file->get()) != 0) return tl::unexpected(SystemError("cannot sync " + path));
  return {};
}

}  // namespace

Result<void> AppendToSpool(const std::string& storage_path, const SpoolEvent& event, Time now) {
  struct stat owner {};
  if (stat(storage_path.c_str(), &owner) != 0) {
    return Fail(ErrorKind::kNotFound,
                fmt::format("{}: {}; the exporter creates this directory when it first starts. If "
                            "the ledger is elsewhere, use --storage.path or --config.file",
                            storage_path, std::strerror(errno)));
  }
  const std::string path = SpoolDirectory(storage_path);
  if (mkdir(path.c_str(), 0770) != 0 && errno != EEXIST) {
    return tl::unexpected(SystemError("cannot create " + path));
  }
  const Descriptor spool(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (spool.get() < 0) return tl::unexpected(SystemError("cannot open " + path));
  HandOver(spool.get(), owner);
  auto appended = Append(spool.get(), path + "/" + kFile, LineOf(event, now), owner);
  if (!appended) return appended;
  // The names survive a power failure, too, on file systems that support this.
  const Descriptor above(open(storage_path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (const int directory : {spool.get(), above.get()}) {
    [[maybe_unused]] const int synced = fsync(directory);
  }
  return {};
}

}  // namespace backup_exporter
