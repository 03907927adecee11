// The spool is one file of lines to which each call appends one, in the form that decoders/event.cc
// describes. Appending is a single write under a lock, so that neither calls at the same time nor a
// full disk leave half a line before another one. A file that has grown large is put aside, where
// the exporter still reads it.

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
#include "base/time.h"
#include "base/utf8.h"
#include "commands/commands.h"

namespace backup_exporter {
namespace {

constexpr off_t kLargest = 16 << 20;
constexpr std::size_t kLongestMessage = 4096;

Error SystemError(const std::string& what) {
  return {ErrorKind::kIo, fmt::format("{}: {}", what, std::strerror(errno))};
}

std::string Line(const EventOptions& event, Time now) {
  nlohmann::json json{{"event", event.event}, {"backup", event.backup}, {"time", ToSeconds(now)}};
  if (!event.operation.empty()) json["operation"] = event.operation;
  if (event.until) json["until"] = ToSeconds(*event.until);
  if (event.exit_code) json["exit_code"] = *event.exit_code;
  if (!event.message.empty()) json["message"] = CutBytes(event.message, kLongestMessage);
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

// What root makes there belongs to whom the ledger's directory belongs: the exporter must read it.
void HandOver(int file, const struct stat& owner) {
  struct stat made {};
  if (geteuid() != 0 || fstat(file, &made) != 0 || made.st_uid != 0) return;
  [[maybe_unused]] const int done = fchown(file, owner.st_uid, owner.st_gid);
}

constexpr const char* kFile = "events.jsonl";
constexpr const char* kAside = "events.1.jsonl";

// The spool's file, locked. No link is followed: the folder may belong to somebody else than root.
Result<Descriptor> OpenLocked(int spool, const std::string& path, const struct stat& owner) {
  for (;;) {
    Descriptor file(
        openat(spool, kFile, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0660));
    if (file.get() < 0) return tl::unexpected(SystemError("cannot write " + path));
    if (flock(file.get(), LOCK_EX) != 0) {
      return tl::unexpected(SystemError("cannot lock " + path));
    }
    struct stat opened {};
    struct stat there {};
    if (fstat(file.get(), &opened) != 0) return tl::unexpected(SystemError(path));
    // Another call may have put it aside while this one waited.
    const bool same =
        fstatat(spool, kFile, &there, AT_SYMLINK_NOFOLLOW) == 0 && there.st_ino == opened.st_ino;
    if (same && opened.st_size < kLargest) {
      HandOver(file.get(), owner);
      return file;
    }
    if (same && renameat(spool, kFile, spool, kAside) != 0) {
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
  // Whatever left a line unfinished: it does not take this one along.
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

Result<void> Leave(const std::string& storage, const std::string& line) {
  struct stat owner {};
  if (stat(storage.c_str(), &owner) != 0) {
    return Fail(ErrorKind::kNotFound,
                fmt::format("{}: {}; the exporter makes this directory when it first starts. Name "
                            "another with --storage.path, or the configuration with --config.file",
                            storage, std::strerror(errno)));
  }
  const std::string path = SpoolDirectory(storage);
  if (mkdir(path.c_str(), 0770) != 0 && errno != EEXIST) {
    return tl::unexpected(SystemError("cannot make " + path));
  }
  const Descriptor spool(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (spool.get() < 0) return tl::unexpected(SystemError("cannot open " + path));
  HandOver(spool.get(), owner);
  if (auto left = Append(spool.get(), path + "/" + kFile, line, owner); !left) return left;
  // The names outlast a power cut, too, where the file system can do that.
  const Descriptor above(open(storage.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (const int directory : {spool.get(), above.get()}) {
    [[maybe_unused]] const int synced = fsync(directory);
  }
  return {};
}

}  // namespace

int LeaveEvent(const AppOptions& options, const EventOptions& event) {
  Configuration configuration;
  if (options.storage_path.empty()) {
    auto loaded = LoadConfiguration(options.config_file);
    if (!loaded) {
      for (const ConfigError& error : loaded.error()) {
        fmt::print(stderr, "{}\n", Describe(error));
      }
      fmt::print(stderr, "the event was not left: where the ledger is, --storage.path says too\n");
      return kMisused;
    }
    configuration = std::move(*loaded);
  }
  const auto left =
      Leave(StoragePath(options.storage_path, configuration), Line(event, SystemClock().Now()));
  if (left) return kFine;
  fmt::print(stderr, "the event was not left: {}\n", left.error().message);
  return kFailed;
}

}  // namespace backup_exporter
