// Preloaded into the program, ends it at one of its calls, as kill -9 or a power cut would.
//
// It counts, over all threads, the calls that change files below one directory, and those that send
// to one port of this host. A power cut may lose everything that was not synced: bytes written to a
// file, sector by sector and in any order; the growth of a file; the newest names of a directory.
// Synced data stays: disks that do not honour a sync are not modelled. Nor are calls that neither
// the program nor SQLite makes there (writev, mmap of lasting files).
//
// Environment:
//   POWER_DIRECTORY  real path of the directory; files are created in it alone
//   POWER_SCRATCH    a directory beside it, on the same file system, for unlinked files and for
//                    `calls`: the count so far, 8 bytes in the byte order of the machine
//   POWER_POINT      the number of the call to end at; 0: calls are only counted
//   POWER_AFTERWARDS 1: the power is cut after the program ended by itself
//   POWER_SEED       decides whether it ends before, within or after the call, and what a power cut
//                    loses
//   POWER_CUT        1: a power cut; else a kill
//   POWER_PORT       the port
//
// System calls are made directly, so that the wrappers of other libraries are not needed.

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace {

constexpr off_t kSector = 512;

// A change of a file's bytes.
struct Change {
  off_t offset;
  std::string before;  // shorter if the file ended
  std::string after;
  off_t size_before;
  off_t size_after;
};

struct File {
  std::string path;  // one of its names
  std::vector<Change> unsynced;
};

// A change of a name.
struct Naming {
  enum class Kind { kMade, kMoved, kGone } kind;
  std::string path;
  std::string from;   // of kMoved
  std::string grave;  // a link to the file that had the path before; empty: there was none
};

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::uint64_t NumberOf(const char* name) {
  return std::strtoull(Variable(name).c_str(), nullptr, 10);
}

template <typename... Arguments>
long Call(long number, Arguments... arguments) {
  return syscall(number, arguments...);
}

int Open(const std::string& path, int flags) {
  return static_cast<int>(Call(SYS_openat, AT_FDCWD, path.c_str(), flags | O_CLOEXEC, 0600));
}

off_t SizeOf(int file) {
  struct stat status {};
  return fstat(file, &status) == 0 ? status.st_size : 0;
}

std::string Read(int file, off_t offset, std::size_t size) {
  std::string bytes(size, '\0');
  const ssize_t got = pread(file, bytes.data(), size, offset);
  bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return bytes;
}

void Put(int file, off_t offset, const char* bytes, std::size_t size) {
  Call(SYS_pwrite64, file, bytes, size, offset);
}

void Resize(int file, off_t size) { Call(SYS_ftruncate, file, size); }

std::string PathOf(int file) {
  std::array<char, 4096> path{};
  const std::string link = "/proc/self/fd/" + std::to_string(file);
  const ssize_t length = readlink(link.c_str(), path.data(), path.size());
  return {path.data(), length > 0 ? static_cast<std::size_t>(length) : 0};
}

std::string Absolute(int directory, const char* path) {
  return *path == '/' || directory == AT_FDCWD ? path : PathOf(directory) + "/" + path;
}

std::string DirectoryOf(const std::string& path) { return path.substr(0, path.rfind('/')); }

bool Exists(const std::string& path) {
  struct stat status {};
  return lstat(path.c_str(), &status) == 0;
}

class Power {
 public:
  static Power& Get() {
    static Power* power = new Power;  // needed until the last thread ends
    return *power;
  }

  bool Watches(const std::string& path) const {
    return !directory_.empty() && path.starts_with(directory_ + "/");
  }
  bool WatchesPort(int socket) const {
    sockaddr_in peer{};
    socklen_t length = sizeof peer;
    return port_ != 0 && getpeername(socket, reinterpret_cast<sockaddr*>(&peer), &length) == 0 &&
           peer.sin_family == AF_INET && ntohs(peer.sin_port) == port_;
  }

  // One call of the program. Calls of other threads wait until it is done.
  class Turn {
   public:
    explicit Turn(Power& power) : power_(power), lock_(power.mutex_) {
      is_last_ = ++*power.calls_ == power.point_;
      if (is_last_ && power.phase_ == 0) power.End();
    }
    ~Turn() {
      if (is_last_) power_.End();
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    // How many of the call's bytes are written before the program ends.
    [[nodiscard]] std::size_t Part(std::size_t size) const {
      return is_last_ && power_.phase_ == 1 ? size / 2 : size;
    }

   private:
    Power& power_;
    const std::lock_guard<std::mutex> lock_;
    bool is_last_;
  };

  void Afterwards() {
    if (cut_afterwards_) Cut();
  }

  // Only the thread with the turn may call the following.

  void Changed(int file, const std::string& path, Change change) {
    if (IsPassing(path)) return;
    struct stat status {};
    if (fstat(file, &status) != 0) return;
    File& changed = files_[{status.st_dev, status.st_ino}];
    if (changed.path.empty()) changed.path = path;
    changed.unsynced.push_back(std::move(change));
  }
  void Synced(int file, const std::string& path) {
    struct stat status {};
    if (fstat(file, &status) != 0) return;
    if (S_ISDIR(status.st_mode)) names_.erase(path);
    const auto known = files_.find({status.st_dev, status.st_ino});
    if (known != files_.end()) known->second.unsynced.clear();
  }
  void Named(Naming naming) {
    if (!IsPassing(naming.path)) names_[DirectoryOf(naming.path)].push_back(std::move(naming));
  }
  // Links the file that has this name, before it loses the name.
  std::string Bury(const std::string& path) {
    struct stat status {};
    if (lstat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
    std::string grave = scratch_ + "/grave." + std::to_string(graves_++);
    if (link(path.c_str(), grave.c_str()) != 0) return {};
    const auto known = files_.find({status.st_dev, status.st_ino});
    if (known != files_.end()) known->second.path = grave;
    return grave;
  }
  void Moved(const std::string& from, const std::string& to) {
    for (auto& [identity, file] : files_) {
      if (file.path == from) file.path = to;
    }
  }

 private:
  Power()
      : directory_(Variable("POWER_DIRECTORY")),
        scratch_(Variable("POWER_SCRATCH")),
        point_(NumberOf("POWER_POINT")),
        chance_(NumberOf("POWER_SEED")),
        cut_(Variable("POWER_CUT") == "1"),
        cut_afterwards_(Variable("POWER_AFTERWARDS") == "1"),
        port_(static_cast<std::uint16_t>(NumberOf("POWER_PORT"))) {
    phase_ = chance_() % 3;
    const int file = Open(scratch_ + "/calls", O_RDWR | O_CREAT);
    if (file < 0) std::abort();
    Resize(file, sizeof *calls_);
    void* shared = mmap(nullptr, sizeof *calls_, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (shared == MAP_FAILED) std::abort();
    calls_ = static_cast<std::atomic<std::uint64_t>*>(shared);
  }

  // SQLite rebuilds the index into its WAL when a database is opened.
  static bool IsPassing(const std::string& path) { return path.ends_with("-shm"); }

  void End() {
    if (cut_) Cut();
    kill(getpid(), SIGKILL);
    for (;;) pause();
  }

  void Cut() {
    // All unsynced changes are lost, or some, or none.
    kept_of_4_ = std::array{0, 1, 2, 3, 4}[chance_() % 5];
    for (const auto& [identity, file] : files_) Lose(file);
    for (auto& [directory, namings] : names_) Lose(namings);
    std::error_code ignored;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_, ignored)) {
      if (IsPassing(entry.path())) Call(SYS_unlinkat, AT_FDCWD, entry.path().c_str(), 0);
    }
  }
  bool IsKept() { return static_cast<int>(chance_() % 4) < kept_of_4_; }

  void Lose(const File& file) {
    const int opened = file.unsynced.empty() ? -1 : Open(file.path, O_RDWR);
    if (opened < 0) return;
    for (auto change = file.unsynced.rbegin(); change != file.unsynced.rend(); ++change) {
      Put(opened, change->offset, change->before.data(), change->before.size());
      Resize(opened, change->size_before);
    }
    for (const Change& change : file.unsynced) {
      const off_t end = change.offset + static_cast<off_t>(change.after.size());
      for (off_t at = change.offset; at < end;) {
        const off_t next = std::min((at / kSector + 1) * kSector, end);
        if (IsKept()) {
          Put(opened, at, change.after.data() + (at - change.offset),
              static_cast<std::size_t>(next - at));
        }
        at = next;
      }
      // A file may grow although the bytes were not written.
      const off_t size = SizeOf(opened);
      const bool is_shorter = change.size_after < change.size_before;
      if ((is_shorter || change.size_after > size) && IsKept()) Resize(opened, change.size_after);
    }
    const off_t synced = file.unsynced.front().size_before;
    if (SizeOf(opened) > synced && !IsKept()) Resize(opened, synced);
  }

  // Changes of a directory are kept in order, as its journal has them.
  void Lose(std::vector<Naming>& namings) {
    std::size_t kept = 0;
    while (kept < namings.size() && IsKept()) ++kept;
    for (; namings.size() > kept; namings.pop_back()) {
      const Naming& naming = namings.back();
      const char* path = naming.path.c_str();
      if (naming.kind == Naming::Kind::kMoved) {
        Call(SYS_renameat2, AT_FDCWD, path, AT_FDCWD, naming.from.c_str(), 0);
      }
      if (naming.kind == Naming::Kind::kMade && Call(SYS_unlinkat, AT_FDCWD, path, 0) != 0) {
        Call(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
      }
      if (!naming.grave.empty()) link(naming.grave.c_str(), path);
    }
  }

  const std::string directory_;
  const std::string scratch_;
  const std::uint64_t point_;
  std::mt19937_64 chance_;
  const bool cut_;
  const bool cut_afterwards_;
  const std::uint16_t port_;
  std::uint64_t phase_;
  std::atomic<std::uint64_t>* calls_;
  std::mutex mutex_;  // guards what follows
  std::map<std::pair<dev_t, ino_t>, File> files_;
  std::map<std::string, std::vector<Naming>> names_;  // unsynced, by directory
  int graves_ = 0;
  int kept_of_4_ = 0;
};

ssize_t Write(int file, const std::string& path, const char* bytes, std::size_t size,
              off_t offset) {
  Power& power = Power::Get();
  const Power::Turn turn(power);
  const std::size_t part = turn.Part(size);
  Change change{.offset = offset,
                .before = Read(file, offset, part),
                .after = std::string(bytes, part),
                .size_before = SizeOf(file),
                .size_after = 0};
  const ssize_t written = Call(SYS_pwrite64, file, bytes, part, offset);
  if (written < 0) return written;
  change.after.resize(static_cast<std::size_t>(written));
  change.size_after = SizeOf(file);
  power.Changed(file, path, std::move(change));
  return written;
}

int Truncate(int file, off_t size) {
  Power& power = Power::Get();
  const std::string path = PathOf(file);
  if (!power.Watches(path)) return static_cast<int>(Call(SYS_ftruncate, file, size));
  const Power::Turn turn(power);
  const off_t before = SizeOf(file);
  const std::string lost =
      before > size ? Read(file, size, static_cast<std::size_t>(before - size)) : "";
  const long done = Call(SYS_ftruncate, file, size);
  if (done == 0) {
    power.Changed(
        file, path,
        {.offset = size, .before = lost, .after = "", .size_before = before, .size_after = size});
  }
  return static_cast<int>(done);
}

int Sync(long call, int file) {
  Power& power = Power::Get();
  const std::string path = PathOf(file);
  // Syncs of the directory itself count, too.
  if (!power.Watches(path + "/")) return static_cast<int>(Call(call, file));
  const Power::Turn turn(power);
  const long done = Call(call, file);
  if (done == 0) power.Synced(file, path);
  return static_cast<int>(done);
}

int OpenAt(int directory, const char* name, int flags, mode_t mode) {
  Power& power = Power::Get();
  const std::string path = Absolute(directory, name);
  const auto open_it = [&] {
    return static_cast<int>(Call(SYS_openat, directory, name, flags, mode));
  };
  if ((flags & O_CREAT) == 0 || !power.Watches(path) || Exists(path)) return open_it();
  const Power::Turn turn(power);
  const int file = open_it();
  if (file >= 0) power.Named({.kind = Naming::Kind::kMade, .path = path, .from = "", .grave = ""});
  return file;
}

mode_t ModeOf(int flags, va_list arguments) {
  return (flags & (O_CREAT | __O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

int UnlinkAt(int directory, const char* name, int flags) {
  Power& power = Power::Get();
  const std::string path = Absolute(directory, name);
  const auto unlink_it = [&] {
    return static_cast<int>(Call(SYS_unlinkat, directory, name, flags));
  };
  if (!power.Watches(path) || !Exists(path)) return unlink_it();
  const Power::Turn turn(power);
  std::string grave = power.Bury(path);
  const int done = unlink_it();
  if (done == 0) {
    power.Named({.kind = Naming::Kind::kGone, .path = path, .from = "", .grave = std::move(grave)});
  }
  return done;
}

int RenameAt(int from_directory, const char* from, int to_directory, const char* to) {
  Power& power = Power::Get();
  const std::string source = Absolute(from_directory, from);
  const std::string target = Absolute(to_directory, to);
  const auto rename_it = [&] {
    return static_cast<int>(Call(SYS_renameat2, from_directory, from, to_directory, to, 0));
  };
  if (!power.Watches(target)) return rename_it();
  const Power::Turn turn(power);
  std::string grave = power.Bury(target);
  const int done = rename_it();
  if (done == 0) {
    power.Moved(source, target);
    power.Named(
        {.kind = Naming::Kind::kMoved, .path = target, .from = source, .grave = std::move(grave)});
  }
  return done;
}

int MakeDirectoryAt(int directory, const char* name, mode_t mode) {
  Power& power = Power::Get();
  const std::string path = Absolute(directory, name);
  const auto make_it = [&] { return static_cast<int>(Call(SYS_mkdirat, directory, name, mode)); };
  if (!power.Watches(path) || Exists(path)) return make_it();
  const Power::Turn turn(power);
  const int done = make_it();
  if (done == 0) power.Named({.kind = Naming::Kind::kMade, .path = path, .from = "", .grave = ""});
  return done;
}

[[gnu::destructor]] void Afterwards() { Power::Get().Afterwards(); }

}  // namespace

extern "C" {

ssize_t pwrite64(int file, const void* bytes, std::size_t size, off64_t offset) {
  const std::string path = PathOf(file);
  if (!Power::Get().Watches(path)) return Call(SYS_pwrite64, file, bytes, size, offset);
  return Write(file, path, static_cast<const char*>(bytes), size, offset);
}
ssize_t pwrite(int file, const void* bytes, std::size_t size, off_t offset) {
  return pwrite64(file, bytes, size, offset);
}
ssize_t write(int file, const void* bytes, std::size_t size) {
  const std::string path = PathOf(file);
  if (!Power::Get().Watches(path)) return Call(SYS_write, file, bytes, size);
  const bool appends = (fcntl(file, F_GETFL) & O_APPEND) != 0;
  const off_t at = appends ? SizeOf(file) : lseek(file, 0, SEEK_CUR);
  const ssize_t written = Write(file, path, static_cast<const char*>(bytes), size, at);
  if (written > 0) lseek(file, at + written, SEEK_SET);
  return written;
}

int ftruncate(int file, off_t size) noexcept { return Truncate(file, size); }
int ftruncate64(int file, off64_t size) noexcept { return Truncate(file, size); }
int fsync(int file) { return Sync(SYS_fsync, file); }
int fdatasync(int file) { return Sync(SYS_fdatasync, file); }

int open(const char* name, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = ModeOf(flags, arguments);
  va_end(arguments);
  return OpenAt(AT_FDCWD, name, flags, mode);
}
int open64(const char* name, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = ModeOf(flags, arguments);
  va_end(arguments);
  return OpenAt(AT_FDCWD, name, flags | O_LARGEFILE, mode);
}
int openat(int directory, const char* name, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = ModeOf(flags, arguments);
  va_end(arguments);
  return OpenAt(directory, name, flags, mode);
}

int unlink(const char* name) noexcept { return UnlinkAt(AT_FDCWD, name, 0); }
int unlinkat(int directory, const char* name, int flags) noexcept {
  return UnlinkAt(directory, name, flags);
}
int remove(const char* name) noexcept {
  struct stat status {};
  const bool is_directory = lstat(name, &status) == 0 && S_ISDIR(status.st_mode);
  return UnlinkAt(AT_FDCWD, name, is_directory ? AT_REMOVEDIR : 0);
}
int rename(const char* from, const char* to) noexcept {
  return RenameAt(AT_FDCWD, from, AT_FDCWD, to);
}
int renameat(int from_directory, const char* from, int to_directory, const char* to) noexcept {
  return RenameAt(from_directory, from, to_directory, to);
}
int mkdir(const char* name, mode_t mode) noexcept { return MakeDirectoryAt(AT_FDCWD, name, mode); }
int mkdirat(int directory, const char* name, mode_t mode) noexcept {
  return MakeDirectoryAt(directory, name, mode);
}

ssize_t send(int socket, const void* bytes, std::size_t size, int flags) {
  Power& power = Power::Get();
  const auto send_it = [&](std::size_t part) {
    return Call(SYS_sendto, socket, bytes, part, flags, nullptr, 0);
  };
  if (!power.WatchesPort(socket)) return send_it(size);
  const Power::Turn turn(power);
  return send_it(turn.Part(size));
}

}  // extern "C"
