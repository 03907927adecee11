#include "ledger/store/database.h"

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
#include <utility>

#include "base/descriptor.h"
#include "base/log.h"
#include "ledger/store/counted_runs.h"

namespace backup_exporter {
namespace {

// "bkup", so that a ledger is known from other SQLite files.
constexpr int kApplicationId = 0x626b7570;
constexpr int kSchemaVersion = 6;
constexpr int kPatience = 5000;  // milliseconds, with others who hold the file

// Times and durations are microseconds (since the Unix epoch, UTC); words are the names
// of model/run.h; what is not known is NULL.
//
//   files       one row a generation of a file: how far it was read, what its decoder remembers
//   backups     what is backed up, with the counters over all its backup runs; unseen_days: since a
//               record spoke of it, counted and not reckoned, so that no step of the clock makes it
//               old
//   feeds       which source and file a backup is heard of from
//   runs        state: open (no end seen), provisional (finished, worse may follow), settled.
//               ended_by: no later than this it ended; ended: it is known when
//   sightings   which files told of a run: a file tells of a run once
//   identities  what a run is recognised by if it is read again; outlives the run's row
//   cursors     per file and backup: the run whose end has not been read, and the one that ended
//               last
//   totals      counters over all runs ever seen
//   counters    everything else that is counted; source is empty for the program itself
//   notices     what monitors are to be told, until it is delivered
// and since version 2
//   progress    how far an open run is; silent: its file would not tell if it ended well
//   listings    the archives that there are, by complete listings; newest: by any
//   repositories  what they hold, by the source that told of it last
//   feeds.tool, feeds.repository: as the file itself names them
// and since version 3
//   entered     when each source did: what ended before is nothing to tell monitors of
//   notices     status: waiting, told (a start whose run goes on), dead (a letter that cannot be
//               delivered); backup and operation: what may be superseded together
//   failing     what monitors were told is failing, and when last
//   tellings    what is counted and known of each monitor
//   messages    what was said of a run, in its order; at: when, by its record
// and since version 4
//   expected    what is watched, since when, and up to which occurrence it was judged; learned: its
//               interval by the history
//   pauses      when nothing is expected; operation is empty for all of them
// and since version 5
//   expected.configured: the interval of the schedule by which it is judged, NULL: a learned one.
//               late: the deadline that passed while the host was down or asleep, which it woke at
//               `woke`
// and since version 6
//   runs_with_archive  makes it cheap to ask whether archives prove the successes of a backup
constexpr const char* kSchema = R"sql(
CREATE TABLE files(
  id INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, path TEXT NOT NULL,
  device INTEGER NOT NULL, inode INTEGER NOT NULL, offset INTEGER NOT NULL,
  prefix_crc INTEGER NOT NULL, modified INTEGER NOT NULL, at_end INTEGER NOT NULL,
  decoder_state TEXT NOT NULL);
CREATE INDEX files_of_source ON files(source);
CREATE TABLE backups(
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, unseen_days INTEGER NOT NULL DEFAULT 0,
  added_bytes INTEGER NOT NULL DEFAULT 0, added_stored_bytes INTEGER NOT NULL DEFAULT 0,
  processed_bytes INTEGER NOT NULL DEFAULT 0);
CREATE TABLE feeds(
  backup INTEGER NOT NULL REFERENCES backups(id) ON DELETE CASCADE, source TEXT NOT NULL,
  path TEXT NOT NULL, template TEXT NOT NULL, PRIMARY KEY(backup, source, path)) WITHOUT ROWID;
CREATE TABLE runs(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  backup INTEGER NOT NULL REFERENCES backups(id) ON DELETE CASCADE,
  operation TEXT NOT NULL, state TEXT NOT NULL, started INTEGER, ended INTEGER, ended_by INTEGER,
  settles_at INTEGER, duration INTEGER, result TEXT, evidence TEXT, exit_code INTEGER, reason TEXT,
  snapshot_id TEXT NOT NULL, message TEXT NOT NULL,
  added_bytes INTEGER, added_stored_bytes INTEGER, processed_bytes INTEGER, processed_files INTEGER,
  files_new INTEGER, files_changed INTEGER, files_unmodified INTEGER, directories_new INTEGER,
  directories_changed INTEGER, directories_unmodified INTEGER, errors INTEGER);
CREATE INDEX runs_by_end ON runs(backup, operation, ended, started);
CREATE INDEX runs_by_order ON runs(backup, operation, ended_by, id);
CREATE INDEX runs_open ON runs(backup, operation) WHERE state='open';
CREATE INDEX runs_held ON runs(settles_at) WHERE settles_at IS NOT NULL;
CREATE TABLE sightings(
  run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE, source TEXT NOT NULL,
  path TEXT NOT NULL, PRIMARY KEY(run, source, path)) WITHOUT ROWID;
CREATE TABLE identities(
  backup INTEGER NOT NULL REFERENCES backups(id) ON DELETE CASCADE, operation TEXT NOT NULL,
  key TEXT NOT NULL, run INTEGER NOT NULL, PRIMARY KEY(backup, operation, key)) WITHOUT ROWID;
CREATE TABLE cursors(
  file INTEGER NOT NULL REFERENCES files(id) ON DELETE CASCADE,
  backup INTEGER NOT NULL REFERENCES backups(id) ON DELETE CASCADE,
  open_run INTEGER, last_run INTEGER, PRIMARY KEY(file, backup)) WITHOUT ROWID;
CREATE TABLE totals(
  backup INTEGER NOT NULL REFERENCES backups(id) ON DELETE CASCADE, operation TEXT NOT NULL,
  runs INTEGER NOT NULL DEFAULT 0, failures INTEGER NOT NULL DEFAULT 0,
  warnings INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(backup, operation)) WITHOUT ROWID;
CREATE TABLE counters(
  source TEXT NOT NULL, name TEXT NOT NULL, value INTEGER NOT NULL,
  PRIMARY KEY(source, name)) WITHOUT ROWID;
CREATE TABLE notices(
  id INTEGER PRIMARY KEY AUTOINCREMENT, monitor TEXT NOT NULL, state TEXT NOT NULL,
  run INTEGER REFERENCES runs(id) ON DELETE SET NULL, created INTEGER NOT NULL,
  due INTEGER NOT NULL, expires INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
  body TEXT NOT NULL);
CREATE INDEX notices_by_turn ON notices(monitor, id);
)sql";

// What version 2 adds.
constexpr const char* kSchema2 = R"sql(
CREATE TABLE progress(
  run INTEGER PRIMARY KEY REFERENCES runs(id) ON DELETE CASCADE, active INTEGER,
  processed INTEGER, expected INTEGER, done REAL, silent INTEGER NOT NULL DEFAULT 0);
CREATE TABLE listings(
  backup INTEGER PRIMARY KEY REFERENCES backups(id) ON DELETE CASCADE, source TEXT NOT NULL,
  archives INTEGER, oldest INTEGER, newest INTEGER);
CREATE TABLE repositories(
  source TEXT NOT NULL, name TEXT NOT NULL, stored INTEGER, original INTEGER, told INTEGER NOT NULL,
  PRIMARY KEY(source, name)) WITHOUT ROWID;
ALTER TABLE feeds ADD COLUMN tool TEXT NOT NULL DEFAULT '';
ALTER TABLE feeds ADD COLUMN repository TEXT NOT NULL DEFAULT '';
)sql";

// What version 3 adds. (No version before it wrote a notice.)
constexpr const char* kSchema3 = R"sql(
CREATE TABLE entered(source TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
DROP TABLE notices;
CREATE TABLE notices(
  id INTEGER PRIMARY KEY AUTOINCREMENT, monitor TEXT NOT NULL, state TEXT NOT NULL,
  status TEXT NOT NULL, backup INTEGER NOT NULL, operation TEXT NOT NULL, run INTEGER NOT NULL,
  created INTEGER NOT NULL, due INTEGER NOT NULL, expires INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0, error TEXT NOT NULL DEFAULT '', body TEXT NOT NULL);
CREATE INDEX notices_by_turn ON notices(monitor, status, id);
CREATE INDEX notices_of_run ON notices(run);
CREATE INDEX notices_by_expiry ON notices(expires);
CREATE TABLE failing(
  monitor TEXT NOT NULL, backup INTEGER NOT NULL REFERENCES backups(id) ON DELETE CASCADE,
  operation TEXT NOT NULL, told INTEGER NOT NULL,
  PRIMARY KEY(monitor, backup, operation)) WITHOUT ROWID;
CREATE TABLE tellings(
  monitor TEXT NOT NULL, name TEXT NOT NULL, value INTEGER NOT NULL,
  PRIMARY KEY(monitor, name)) WITHOUT ROWID;
CREATE TABLE messages(
  id INTEGER PRIMARY KEY AUTOINCREMENT, run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
  at INTEGER, level TEXT NOT NULL, text TEXT NOT NULL);
CREATE INDEX messages_of_run ON messages(run);
)sql";

// What version 4 adds.
constexpr const char* kSchema4 = R"sql(
CREATE TABLE expected(
  backup INTEGER NOT NULL REFERENCES backups(id) ON DELETE CASCADE, operation TEXT NOT NULL,
  since INTEGER NOT NULL, learned INTEGER, judged INTEGER, in_a_row INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY(backup, operation)) WITHOUT ROWID;
CREATE TABLE pauses(
  backup INTEGER NOT NULL REFERENCES backups(id) ON DELETE CASCADE, operation TEXT NOT NULL,
  begins INTEGER NOT NULL, ends INTEGER NOT NULL, reason TEXT NOT NULL,
  PRIMARY KEY(backup, operation)) WITHOUT ROWID;
ALTER TABLE totals ADD COLUMN missed INTEGER NOT NULL DEFAULT 0;
)sql";

// What version 5 changes. (SQLite cannot change a primary key.)
constexpr const char* kSchema5 = R"sql(
ALTER TABLE expected ADD COLUMN configured INTEGER;
ALTER TABLE expected ADD COLUMN late INTEGER;
ALTER TABLE expected ADD COLUMN woke INTEGER;
CREATE TABLE all_pauses(
  backup INTEGER NOT NULL REFERENCES backups(id) ON DELETE CASCADE, operation TEXT NOT NULL,
  begins INTEGER NOT NULL, ends INTEGER NOT NULL, reason TEXT NOT NULL,
  PRIMARY KEY(backup, operation, begins)) WITHOUT ROWID;
INSERT INTO all_pauses SELECT backup,operation,begins,ends,reason FROM pauses;
DROP TABLE pauses;
ALTER TABLE all_pauses RENAME TO pauses;
)sql";

// What version 6 adds.
constexpr const char* kSchema6 = R"sql(
CREATE INDEX runs_with_archive ON runs(backup, operation) WHERE snapshot_id<>'';
)sql";

std::string SystemText(int error_number) { return std::strerror(error_number); }

// One exporter a ledger. The kernel lets go of the lock when the process ends, however it ends.
Result<int> Lock(const std::string& directory) {
  const std::string path = directory + "/lock";
  Descriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (file.get() < 0) {
    const int error_number = errno;
    return Fail(
        ErrorKind::kIo,
        fmt::format("ledger: cannot write in {}: {}; make it writable for the user that runs "
                    "backup_exporter, or name another directory with --storage.path",
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
        fmt::format("ledger: {} is in use by another backup_exporter{}; stop that one, or name "
                    "another directory with --storage.path",
                    directory, process.empty() ? "" : " (process " + process + ")"));
  }
  const std::string process = fmt::format("{}\n", getpid());
  // For the message above only: without it the lock holds all the same.
  if (ftruncate(file.get(), 0) == 0) {
    [[maybe_unused]] const ssize_t written = pwrite(file.get(), process.data(), process.size(), 0);
  }
  return file.Release();
}

void Pragmas(SQLite::Database& handle) {
  handle.setBusyTimeout(kPatience);
  handle.exec("PRAGMA journal_mode=WAL");
  handle.exec("PRAGMA synchronous=FULL");
  handle.exec("PRAGMA foreign_keys=ON");
}

void CreateTables(SQLite::Database& handle) {
  SQLite::Transaction transaction(handle);
  handle.exec(kSchema);
  handle.exec(kSchema2);
  handle.exec(kSchema3);
  handle.exec(kSchema4);
  handle.exec(kSchema5);
  handle.exec(kSchema6);
  handle.exec(fmt::format("PRAGMA application_id={}", kApplicationId));
  handle.exec(fmt::format("PRAGMA user_version={}", kSchemaVersion));
  transaction.commit();
}

std::string MakeFresh(const std::string& path) {
  std::string fresh = path + ".new";
  std::filesystem::remove(fresh);
  SQLite::Database handle(fresh, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  CreateTables(handle);
  return fresh;
}

// A new ledger gets its name when it is complete, so that an empty file under that name is damage.
void CreateFile(const std::string& path) { std::filesystem::rename(MakeFresh(path), path); }

// Throws unless all of it was copied: a file that somebody else holds is no error to SQLiteCpp.
void CopyAll(SQLite::Database& to, SQLite::Database& from) {
  const int result = SQLite::Backup(to, from).executeStep(-1);
  if (result != SQLITE_DONE) throw SQLite::Exception("the ledger was not copied", result);
}

// nullptr: it is so large that the copy would be a danger of its own.
std::unique_ptr<SQLite::Database> CopyInMemory(SQLite::Database& file) {
  constexpr std::int64_t kLargest = 256 << 20;  // bytes
  const auto pages = file.execAndGet("PRAGMA page_count").getInt64();
  if (pages * file.execAndGet("PRAGMA page_size").getInt64() > kLargest) return nullptr;
  auto copy = std::make_unique<SQLite::Database>(":memory:", SQLite::OPEN_READWRITE);
  CopyAll(*copy, file);
  copy->exec("PRAGMA foreign_keys=ON");
  CreateCountedRuns(*copy);
  return copy;
}

void Upgrade(SQLite::Database& handle) {
  // A file that can be read and not written shows itself here, not at the first backup.
  SQLite::Transaction transaction(handle, SQLite::TransactionBehavior::IMMEDIATE);
  const int version = handle.execAndGet("PRAGMA user_version").getInt();
  if (version < 2) handle.exec(kSchema2);
  if (version < 3) handle.exec(kSchema3);
  if (version < 4) handle.exec(kSchema4);
  if (version < 5) handle.exec(kSchema5);
  if (version < 6) handle.exec(kSchema6);
  handle.exec(fmt::format("PRAGMA user_version={}", kSchemaVersion));
  transaction.commit();
}

Result<void> CheckFile(SQLite::Database& handle, const std::string& path) {
  const int application = handle.execAndGet("PRAGMA application_id").getInt();
  const int version = handle.execAndGet("PRAGMA user_version").getInt();
  if (application != kApplicationId) {
    return Fail(ErrorKind::kInvalid,
                fmt::format("ledger: {} is no ledger of backup_exporter", path));
  }
  if (version > kSchemaVersion) {
    return Fail(ErrorKind::kInvalid,
                fmt::format("ledger: {} was written by a newer backup_exporter (format {}, this "
                            "one knows {}), which can go on with it",
                            path, version, kSchemaVersion));
  }
  const std::string verdict = handle.execAndGet("PRAGMA quick_check(1)").getString();
  if (verdict != "ok") {
    return Fail(ErrorKind::kInvalid, fmt::format("ledger: {} is damaged ({})", path, verdict));
  }
  return {};
}

// Keeps what there is of a ledger under another name. What belongs to the file goes first: left
// behind it would be taken for a part of the next one.
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

std::unique_ptr<SQLite::Database> OpenSqlite(const std::string& path) {
  // Somebody who reads beside it may hold it for a moment, also while a crash is recovered from.
  return std::make_unique<SQLite::Database>(path, SQLite::OPEN_READWRITE, kPatience);
}

void SetCheckpointOnClose(SQLite::Database& handle, bool on) {
  sqlite3_db_config(handle.getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, on ? 0 : 1, nullptr);
}

using Handle = std::unique_ptr<SQLite::Database>;

Result<Handle> OpenInPlace(const std::string& path) {
  auto handle = OpenSqlite(path);
  // A file that is refused keeps even the WAL that a crash left beside it.
  SetCheckpointOnClose(*handle, false);
  if (auto sound = CheckFile(*handle, path); !sound) return tl::unexpected(sound.error());
  SetCheckpointOnClose(*handle, true);
  Pragmas(*handle);
  Upgrade(*handle);
  CreateCountedRuns(*handle);
  return handle;
}

// Without a WAL beside it: all there is is in the file, and no other is made to read it.
Handle OpenAlone(const std::string& path) {
  std::string uri = "file:";
  for (const char c : path) {
    uri += std::string_view("%?#").find(c) == std::string_view::npos ? std::string(1, c)
                                                                     : fmt::format("%{:02x}", c);
  }
  return std::make_unique<SQLite::Database>(uri + "?immutable=1",
                                            SQLite::OPEN_READONLY | SQLite::OPEN_URI);
}

// Where the disk is so full that SQLite cannot make the WAL, or its index, beside it. nullptr: it
// is too large.
Result<Handle> OpenCopy(const std::string& path) {
  const bool has_wal = std::filesystem::exists(path + "-wal");
  const auto file = has_wal ? OpenSqlite(path) : OpenAlone(path);
  SetCheckpointOnClose(*file, false);
  // The index is in memory, then. Only as long as the copy takes: nobody can read beside it.
  file->exec("PRAGMA locking_mode=EXCLUSIVE");
  if (auto sound = CheckFile(*file, path); !sound) return tl::unexpected(sound.error());
  auto copy = CopyInMemory(*file);
  if (copy) Upgrade(*copy);
  return copy;
}

struct Opened {
  Handle handle;
  bool in_memory = false;  // it is a copy
};

bool MayWriteBeside(const std::string& path) {
  return access(std::filesystem::path(path).parent_path().c_str(), W_OK) == 0;
}

// kInvalid: it is there, and cannot be used as it is.
Result<Opened> OpenFile(const std::string& path) {
  try {
    if (!std::filesystem::exists(path)) {
      // What was left behind when somebody moved the file would be taken for a part of the new one.
      const bool left = std::filesystem::exists(path + "-wal");
      const auto aside = SetAside(path);
      if (!aside) return tl::unexpected(aside.error());
      if (left) Log().warn("ledger: {0}-wal without {0} is kept as {1}-wal", path, *aside);
      CreateFile(path);
    } else if (std::filesystem::file_size(path) == 0) {
      return Fail(ErrorKind::kInvalid, fmt::format("ledger: {} is empty", path));
    }
    Opened opened;
    Result<Handle> handle;
    try {
      handle = OpenInPlace(path);
    } catch (const SQLite::Exception& exception) {
      const int code = exception.getErrorCode();
      const bool full = code == SQLITE_FULL || code == SQLITE_IOERR ||
                        (code == SQLITE_CANTOPEN && MayWriteBeside(path));
      if (!full) throw;
      handle = OpenCopy(path);
      if (!handle) return tl::unexpected(handle.error());
      if (*handle == nullptr) throw;
      opened.in_memory = true;
      Log().error("ledger: {}: {}; going on in memory until it can be written", path,
                  exception.what());
    }
    if (!handle) return tl::unexpected(handle.error());
    opened.handle = std::move(*handle);
    return opened;
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

}  // namespace

Database::Database(int lock, std::string path, std::unique_ptr<SQLite::Database> handle,
                   bool in_memory)
    : lock_(lock), path_(std::move(path)), handle_(std::move(handle)), in_memory_(in_memory) {}

Database::~Database() {
  statements_.clear();
  handle_.reset();
  file_.reset();
  if (lock_ >= 0) close(lock_);
}

Result<std::unique_ptr<Database>> Database::Open(const std::string& directory, bool recover) {
  if (directory.empty()) {
    try {
      auto handle = std::make_unique<SQLite::Database>(":memory:", SQLite::OPEN_READWRITE);
      Pragmas(*handle);
      CreateTables(*handle);
      CreateCountedRuns(*handle);
      return std::unique_ptr<Database>(new Database(-1, "", std::move(handle), false));
    } catch (const SQLite::Exception& exception) {
      return Fail(ErrorKind::kIo, fmt::format("ledger: {}", exception.what()));
    }
  }

  std::error_code failure;
  std::filesystem::create_directories(directory, failure);
  if (failure) {
    return Fail(ErrorKind::kIo,
                fmt::format("ledger: cannot make the directory {}: {}; name another with "
                            "--storage.path",
                            directory, failure.message()));
  }
  auto lock = Lock(directory);
  if (!lock) return tl::unexpected(lock.error());
  Descriptor held(*lock);

  const std::string path = directory + "/ledger.db";
  auto opened = OpenFile(path);
  const bool useless = !opened && opened.error().kind == ErrorKind::kInvalid;
  if (useless && !recover) {
    return Fail(
        ErrorKind::kInvalid,
        opened.error().message +
            "; nothing was changed. To go on, put back a good copy, with no -wal and -shm of "
            "this one beside it, or start once with --storage.recover: that keeps the file aside, "
            "and the history begins anew "
            "from what the watched files still hold");
  }
  if (useless) {
    try {
      MakeFresh(path);  // first, so that nothing is moved where none can be made
    } catch (const std::exception& exception) {
      return Fail(ErrorKind::kIo,
                  fmt::format("ledger: cannot begin a new {}: {}; nothing was changed", path,
                              exception.what()));
    }
    const auto aside = SetAside(path);
    if (!aside) return tl::unexpected(aside.error());
    Log().warn("{}; it is kept as {}, and the history begins anew", opened.error().message, *aside);
    opened = OpenFile(path);
  }
  if (!opened) return tl::unexpected(opened.error());
  std::unique_ptr<Database> database(
      new Database(held.Release(), path, std::move(opened->handle), opened->in_memory));
  database->recovered_ = useless;
  return database;
}

StatementUse::StatementUse(CachedStatement& cached) : cached_(cached) {
  if (std::exchange(cached.in_use, true)) {
    throw std::logic_error("a statement is already in use: " + cached.statement.getQuery());
  }
}

// Without the reset SQLite could not start its WAL file over, which would grow without a limit, and
// a later write would fail if another process wrote in the meantime.
StatementUse::~StatementUse() {
  cached_.statement.tryReset();
  cached_.in_use = false;
}

void StatementUse::Require(int expected, std::size_t actual, const char* what) const {
  if (std::cmp_equal(expected, actual)) return;
  throw std::logic_error(fmt::format("a statement has {} {}, not {}: {}", expected, what, actual,
                                     cached_.statement.getQuery()));
}

CachedStatement& Database::Cached(std::string_view sql) {
  auto found = statements_.find(sql);
  if (found == statements_.end()) {
    std::string text(sql);
    SQLite::Statement statement(*handle_, text);
    found = statements_.try_emplace(std::move(text), std::move(statement)).first;
  }
  return found->second;
}

SQLite::Statement& Database::Prepare(std::string_view sql) {
  CachedStatement& cached = Cached(sql);
  if (cached.in_use) {
    throw std::logic_error("a statement is already in use: " + cached.statement.getQuery());
  }
  cached.statement.tryReset();
  cached.statement.clearBindings();
  return cached.statement;
}

void Database::Release() {
  for (auto& [sql, cached] : statements_) {
    if (!cached.in_use) cached.statement.tryReset();
  }
}

bool Database::ToMemory() {
  if (in_memory_) return true;
  auto copy = CopyInMemory(*handle_);
  if (!copy) return false;
  statements_.clear();
  file_ = std::exchange(handle_, std::move(copy));
  in_memory_ = true;
  return true;
}

void Database::ToFile() {
  if (!in_memory_) return;
  Release();
  if (!file_) file_ = OpenSqlite(path_);
  Pragmas(*file_);
  CopyAll(*file_, *handle_);
  CreateCountedRuns(*file_);
  statements_.clear();
  handle_ = std::move(file_);
  in_memory_ = false;
}

bool IsUnwritable(const SQLite::Exception& exception) {
  const int code = exception.getErrorCode();
  return code == SQLITE_FULL || code == SQLITE_IOERR || code == SQLITE_READONLY;
}

void Bind(SQLite::Statement& statement, int index, std::optional<std::int64_t> value) {
  value ? statement.bind(index, *value) : statement.bind(index);
}

// Beyond 2^63 (no figure of a real run) the value is held at the largest that SQLite has.
void Bind(SQLite::Statement& statement, int index, std::optional<std::uint64_t> value) {
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  Bind(statement, index,
       value ? std::optional(static_cast<std::int64_t>(std::min(*value, kMost))) : std::nullopt);
}

void Bind(SQLite::Statement& statement, int index, std::optional<Time> value) {
  Bind(statement, index, value ? std::optional(value->time_since_epoch()) : std::nullopt);
}

void Bind(SQLite::Statement& statement, int index, std::optional<Duration> value) {
  Bind(statement, index, value ? std::optional<std::int64_t>(value->count()) : std::nullopt);
}

void Bind(SQLite::Statement& statement, int index, std::optional<double> value) {
  value ? statement.bind(index, *value) : statement.bind(index);
}

void Bind(SQLite::Statement& statement, int index, std::string_view value) {
  statement.bind(index, std::string(value));
}

std::optional<std::int64_t> Integer(SQLite::Statement& statement, int column) {
  const SQLite::Column value = statement.getColumn(column);
  return value.isNull() ? std::nullopt : std::optional<std::int64_t>(value.getInt64());
}

std::optional<double> Real(SQLite::Statement& statement, int column) {
  const SQLite::Column value = statement.getColumn(column);
  return value.isNull() ? std::nullopt : std::optional(value.getDouble());
}

std::optional<std::uint64_t> Count(SQLite::Statement& statement, int column) {
  const auto value = Integer(statement, column);
  return value ? std::optional(static_cast<std::uint64_t>(*value)) : std::nullopt;
}

std::optional<Time> Instant(SQLite::Statement& statement, int column) {
  const auto value = Integer(statement, column);
  return value ? std::optional(Time(Duration(*value))) : std::nullopt;
}

std::string Text(SQLite::Statement& statement, int column) {
  return statement.getColumn(column).getString();
}

}  // namespace backup_exporter
