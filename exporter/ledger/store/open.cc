#include "ledger/store/open.h"

#include <SQLiteCpp/Backup.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <utility>

#include "base/log.h"
#include "ledger/store/schema.h"

namespace backup_exporter {
namespace {

using Connection = std::unique_ptr<SQLite::Database>;

constexpr int kBusyTimeout = 5000;  // milliseconds

std::string SystemText(int error_number) { return std::strerror(error_number); }

// Only the last directory of the path is made private: the others do not belong to the ledger.
Result<void> CreateDirectory(const std::string& directory) {
  std::error_code failure;
  const bool existed = std::filesystem::is_directory(directory, failure);
  std::filesystem::create_directories(directory, failure);
  if (failure) {
    return Fail(ErrorKind::kIo,
                fmt::format("ledger: cannot create the directory {}: {}; choose another with "
                            "--storage.path",
                            directory, failure.message()));
  }
  if (!existed) {
    std::filesystem::permissions(directory, std::filesystem::perms::owner_all, failure);
  }
  return {};
}

// One exporter per ledger. The kernel releases the lock when the process ends, however it ends.
Result<Descriptor> Lock(const std::string& directory) {
  const std::string path = directory + "/lock";
  Descriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (file.get() < 0) {
    const int error_number = errno;
    return Fail(
        ErrorKind::kIo,
        fmt::format("ledger: cannot write to {}: {}; make it writable for the user that runs "
                    "backup_exporter, or choose another directory with --storage.path",
                    directory, SystemText(error_number)));
  }
  if (flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) {
      return Fail(ErrorKind::kIo,
                  fmt::format("ledger: cannot lock {}: {}", path, SystemText(errno)));
    }
    std::array<char, 32> owner{};
    const ssize_t length = pread(file.get(), owner.data(), owner.size() - 1, 0);
    std::string process(owner.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
    while (!process.empty() && process.back() == '\n') process.pop_back();
    return Fail(
        ErrorKind::kRefused,
        fmt::format("ledger: {} is in use by another backup_exporter{}; stop that one, or choose "
                    "another directory with --storage.path",
                    directory, process.empty() ? "" : " (process " + process + ")"));
  }
  const std::string process = fmt::format("{}\n", getpid());
  // Only for the message above: the lock works without it.
  if (ftruncate(file.get(), 0) == 0) {
    [[maybe_unused]] const ssize_t written = pwrite(file.get(), process.data(), process.size(), 0);
  }
  return file;
}

void SetPragmas(SQLite::Database& connection) {
  connection.setBusyTimeout(kBusyTimeout);
  connection.exec("PRAGMA journal_mode=WAL");
  connection.exec("PRAGMA synchronous=FULL");
  connection.exec("PRAGMA foreign_keys=ON");
}

std::string CreateNew(const std::string& path) {
  std::string fresh = path + ".new";
  std::filesystem::remove(fresh);
  SQLite::Database connection(fresh, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  // SQLite gives the files that it puts beside the ledger the same mode.
  std::filesystem::permissions(
      fresh, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  CreateTables(connection);
  return fresh;
}

// A new ledger gets its name when it is complete, so an empty file of that name is damaged.
void CreateFile(const std::string& path) { std::filesystem::rename(CreateNew(path), path); }

// Throws unless everything was copied: SQLiteCpp does not treat a locked file as an error.
void CopyAll(SQLite::Database& to, SQLite::Database& from) {
  const int result = SQLite::Backup(to, from).executeStep(-1);
  if (result != SQLITE_DONE) throw SQLite::Exception("the ledger was not copied", result);
}

// nullptr: the file is so large that the copy could exhaust the memory.
Connection CopyInMemory(SQLite::Database& file) {
  constexpr std::int64_t kLargest = 256 << 20;  // bytes
  const auto pages = file.execAndGet("PRAGMA page_count").getInt64();
  if (pages * file.execAndGet("PRAGMA page_size").getInt64() > kLargest) return nullptr;
  auto copy = std::make_unique<SQLite::Database>(":memory:", SQLite::OPEN_READWRITE);
  CopyAll(*copy, file);
  copy->exec("PRAGMA foreign_keys=ON");
  CreateViews(*copy);
  return copy;
}

Result<void> CheckFile(SQLite::Database& connection, const std::string& path) {
  const int application = connection.execAndGet("PRAGMA application_id").getInt();
  const int version = VersionOf(connection);
  if (application != kApplicationId) {
    return Fail(ErrorKind::kInvalid,
                fmt::format("ledger: {} is not a ledger of backup_exporter", path));
  }
  if (version > kSchemaVersion) {
    return Fail(ErrorKind::kInvalid,
                fmt::format("ledger: {} was written by a newer backup_exporter (format {}, this "
                            "version supports up to {}); use that version",
                            path, version, kSchemaVersion));
  }
  const std::string check = connection.execAndGet("PRAGMA quick_check(1)").getString();
  if (check != "ok") {
    return Fail(ErrorKind::kInvalid, fmt::format("ledger: {} is damaged ({})", path, check));
  }
  return {};
}

// Renames what exists of a ledger. The files beside it go first: if they stayed, SQLite would take
// them for part of the next ledger.
Result<std::string> SetAside(const std::string& path) {
  std::string aside = fmt::format("{}.damaged", path);
  const std::array<std::string, 3> parts{"-wal", "-shm", ""};
  const auto taken = [&](const std::string& part) { return std::filesystem::exists(aside + part); };
  for (int i = 2; std::ranges::any_of(parts, taken); ++i) {
    aside = fmt::format("{}.damaged-{}", path, i);
  }
  for (const std::string& part : parts) {
    std::error_code failure;
    if (!std::filesystem::exists(path + part, failure)) continue;
    std::filesystem::rename(path + part, aside + part, failure);
    if (failure) {
      return Fail(ErrorKind::kIo, fmt::format("ledger: cannot rename {}{} to {}{}: {}", path, part,
                                              aside, part, failure.message()));
    }
  }
  return aside;
}

// Waits for other processes, which may lock the file for a moment while they read it or recover it
// after a crash.
Connection Connect(const std::string& path) {
  return std::make_unique<SQLite::Database>(path, SQLite::OPEN_READWRITE, kBusyTimeout);
}

void SetCheckpointOnClose(SQLite::Database& connection, bool on) {
  sqlite3_db_config(connection.getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, on ? 0 : 1, nullptr);
}

Result<Connection> OpenInPlace(const std::string& path) {
  auto connection = Connect(path);
  // A file that is refused keeps even the WAL that a crash left beside it.
  SetCheckpointOnClose(*connection, false);
  if (auto sound = CheckFile(*connection, path); !sound) return tl::unexpected(sound.error());
  SetCheckpointOnClose(*connection, true);
  SetPragmas(*connection);
  UpgradeTables(*connection);
  CreateViews(*connection);
  return connection;
}

// Opens a file that has no WAL, so that SQLite does not create one to read it.
Connection ConnectWithoutWal(const std::string& path) {
  std::string uri = "file:";
  for (const char c : path) {
    uri += std::string_view("%?#").find(c) == std::string_view::npos ? std::string(1, c)
                                                                     : fmt::format("%{:02x}", c);
  }
  return std::make_unique<SQLite::Database>(uri + "?immutable=1",
                                            SQLite::OPEN_READONLY | SQLite::OPEN_URI);
}

// For a disk so full that SQLite cannot create the WAL, or its index. nullptr: the file is too
// large.
Result<Connection> OpenCopy(const std::string& path) {
  const bool has_wal = std::filesystem::exists(path + "-wal");
  const auto file = has_wal ? Connect(path) : ConnectWithoutWal(path);
  SetCheckpointOnClose(*file, false);
  // Keeps the index of the WAL in memory. Only for the time of the copy: it shuts out readers.
  file->exec("PRAGMA locking_mode=EXCLUSIVE");
  if (auto sound = CheckFile(*file, path); !sound) return tl::unexpected(sound.error());
  auto copy = CopyInMemory(*file);
  if (copy) UpgradeTables(*copy);
  return copy;
}

struct Opened {
  Connection connection;
  bool in_memory = false;  // it is a copy
};

bool CanWriteBeside(const std::string& path) {
  return access(std::filesystem::path(path).parent_path().c_str(), W_OK) == 0;
}

// Earlier versions created ledgers that every user could read. Where the mode cannot be changed the
// ledger is used as it is.
void MakePrivate(const std::string& path) {
  using std::filesystem::perms;
  for (const char* part : {"", "-wal", "-shm"}) {
    std::error_code ignored;
    std::filesystem::permissions(path + part, perms::group_all | perms::others_all,
                                 std::filesystem::perm_options::remove, ignored);
  }
}

Result<Opened> OpenExisting(const std::string& path) {
  MakePrivate(path);  // first, because SQLite gives the files beside it the same mode
  try {
    auto connection = OpenInPlace(path);
    if (!connection) return tl::unexpected(connection.error());
    return Opened{.connection = std::move(*connection)};
  } catch (const SQLite::Exception& exception) {
    const int code = exception.getErrorCode();
    const bool full = code == SQLITE_FULL || code == SQLITE_IOERR ||
                      (code == SQLITE_CANTOPEN && CanWriteBeside(path));
    if (!full) throw;
    auto copy = OpenCopy(path);
    if (!copy) return tl::unexpected(copy.error());
    if (*copy == nullptr) throw;
    Log().error("ledger: {}: {}; continuing in memory until it can be written", path,
                exception.what());
    return Opened{.connection = std::move(*copy), .in_memory = true};
  }
}

// kInvalid: the file exists and is unusable.
Result<Opened> OpenFile(const std::string& path) {
  try {
    if (!std::filesystem::exists(path)) {
      // If someone moved only the file, SQLite would take the WAL for part of the new one.
      const bool has_wal = std::filesystem::exists(path + "-wal");
      const auto aside = SetAside(path);
      if (!aside) return tl::unexpected(aside.error());
      if (has_wal) Log().warn("ledger: {0}-wal without {0} is kept as {1}-wal", path, *aside);
      CreateFile(path);
    } else if (std::filesystem::file_size(path) == 0) {
      return Fail(ErrorKind::kInvalid, fmt::format("ledger: {} is empty", path));
    }
    return OpenExisting(path);
  } catch (const SQLite::Exception& exception) {
    const int code = exception.getErrorCode();
    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) {
      return Fail(ErrorKind::kInvalid,
                  fmt::format("ledger: {} is damaged ({})", path, exception.what()));
    }
    return Fail(ErrorKind::kIo,
                fmt::format("ledger: cannot open {} for writing: {}; check that it and its "
                            "directory belong to the user that runs backup_exporter",
                            path, exception.what()));
  } catch (const std::filesystem::filesystem_error& error) {
    return Fail(ErrorKind::kIo, fmt::format("ledger: {}", error.what()));
  }
}

// Sets an unusable file aside, and creates a new one.
Result<Opened> Recover(const std::string& path, const Error& why) {
  try {
    CreateNew(path);  // first, so that nothing is renamed if no file can be created
  } catch (const std::exception& exception) {
    return Fail(ErrorKind::kIo,
                fmt::format("ledger: cannot create a new {}: {}; nothing was changed", path,
                            exception.what()));
  }
  const auto aside = SetAside(path);
  if (!aside) return tl::unexpected(aside.error());
  Log().warn("{}; it is kept as {}, and the history starts over", why.message, *aside);
  return OpenFile(path);
}

}  // namespace

LedgerFile::LedgerFile(Descriptor lock, std::string path, Connection connection)
    : lock_(std::move(lock)), path_(std::move(path)), database_(std::move(connection)) {}

Result<std::unique_ptr<LedgerFile>> LedgerFile::Open(const std::string& directory, bool recover) {
  if (directory.empty()) {
    try {
      auto connection = std::make_unique<SQLite::Database>(":memory:", SQLite::OPEN_READWRITE);
      SetPragmas(*connection);
      CreateTables(*connection);
      CreateViews(*connection);
      return std::unique_ptr<LedgerFile>(new LedgerFile(Descriptor(-1), "", std::move(connection)));
    } catch (const SQLite::Exception& exception) {
      return Fail(ErrorKind::kIo, fmt::format("ledger: {}", exception.what()));
    }
  }
  if (auto created = CreateDirectory(directory); !created) return tl::unexpected(created.error());
  auto lock = Lock(directory);
  if (!lock) return tl::unexpected(lock.error());

  const std::string path = directory + "/ledger.db";
  auto opened = OpenFile(path);
  const bool unusable = !opened && opened.error().kind == ErrorKind::kInvalid;
  if (unusable && !recover) {
    return Fail(ErrorKind::kInvalid,
                opened.error().message +
                    "; nothing was changed. To proceed, restore a good copy, without the -wal and "
                    "-shm files of this one beside it, or start once with --storage.recover: that "
                    "sets the file aside, and the history starts over from what the watched files "
                    "still contain");
  }
  if (unusable) opened = Recover(path, opened.error());
  if (!opened) return tl::unexpected(opened.error());
  std::unique_ptr<LedgerFile> file(
      new LedgerFile(std::move(*lock), path, std::move(opened->connection)));
  file->in_memory_ = opened->in_memory;
  file->recovered_ = unusable;
  return file;
}

bool LedgerFile::ToMemory() {
  if (in_memory_) return true;
  auto copy = CopyInMemory(database_.handle());
  if (!copy) return false;
  file_ = database_.Replace(std::move(copy));
  in_memory_ = true;
  return true;
}

void LedgerFile::ToFile() {
  if (!in_memory_) return;
  if (!file_) file_ = Connect(path_);
  SetPragmas(*file_);
  CopyAll(*file_, database_.handle());
  CreateViews(*file_);
  database_.Replace(std::move(file_));
  in_memory_ = false;
}

Result<std::unique_ptr<Database>> OpenReadOnly(const std::string& directory) {
  const std::string path = directory + "/ledger.db";
  std::error_code failure;
  if (!std::filesystem::exists(path, failure)) {
    return Fail(ErrorKind::kNotFound,
                fmt::format("there is no ledger in {}{}; name its directory with --storage.path",
                            directory, failure ? ": " + failure.message() : std::string()));
  }
  try {
    return std::make_unique<Database>(
        std::make_unique<SQLite::Database>(path, SQLite::OPEN_READONLY, kBusyTimeout));
  } catch (const std::exception& exception) {
    return FailReading(directory, exception);
  }
}

tl::unexpected<Error> FailReading(const std::string& directory, const std::exception& exception) {
  return Fail(ErrorKind::kIo, fmt::format("cannot read {}/ledger.db: {}; run this as root, or as "
                                          "the user that runs backup_exporter",
                                          directory, exception.what()));
}

bool IsUnwritable(const SQLite::Exception& exception) {
  const int code = exception.getErrorCode();
  return code == SQLITE_FULL || code == SQLITE_IOERR || code == SQLITE_READONLY;
}

}  // namespace backup_exporter
