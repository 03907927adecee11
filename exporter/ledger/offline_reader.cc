#include "ledger/offline_reader.h"

#include <fmt/format.h>

#include <filesystem>

#include "ledger/store/database.h"
#include "ledger/store/notices.h"

namespace backup_exporter {

namespace {

constexpr int kPatience = 5000;  // milliseconds

// Hands the ledger to what reads it.
template <typename Read>
Result<void> Open(const std::string& directory, Read read) {
  const std::string path = directory + "/ledger.db";
  std::error_code failure;
  if (!std::filesystem::exists(path, failure)) {
    return Fail(ErrorKind::kNotFound,
                fmt::format("there is no ledger in {}{}; name its directory with --storage.path",
                            directory, failure ? ": " + failure.message() : std::string()));
  }
  try {
    SQLite::Database handle(path, SQLite::OPEN_READONLY, kPatience);
    read(handle);
  } catch (const std::exception& exception) {
    return Fail(ErrorKind::kIo, fmt::format("cannot read {}: {}; run this as root, or as the user "
                                            "that runs backup_exporter",
                                            path, exception.what()));
  }
  return {};
}

}  // namespace

Result<std::vector<PendingNotice>> ReadPending(const std::string& directory) {
  constexpr int kWithNotices = 3;  // the format's version
  std::vector<PendingNotice> pending;
  const auto read = Open(directory, [&](SQLite::Database& handle) {
    if (handle.execAndGet("PRAGMA user_version").getInt() < kWithNotices) return;
    SQLite::Statement select(
        handle,
        "SELECT monitor,state,status,created,due,expires,attempts,error,body FROM notices WHERE "
        "status IN ('waiting','dead') ORDER BY monitor,status DESC,id");
    while (select.executeStep()) {
      const Notice notice = NoticeFromJson(Text(select, 8));
      pending.push_back({.monitor = Text(select, 0),
                         .state = Text(select, 1),
                         .backup = notice.backup,
                         .operation = std::string(Name(notice.operation)),
                         .dead = Text(select, 2) == "dead",
                         .created = Instant(select, 3).value_or(Time()),
                         .due = Instant(select, 4).value_or(Time()),
                         .expires = Instant(select, 5).value_or(Time()),
                         .attempts = Count(select, 6).value_or(0),
                         .error = Text(select, 7)});
    }
  });
  if (!read) return tl::unexpected(read.error());
  return pending;
}

Result<std::vector<std::string>> ReadBackupNames(const std::string& directory) {
  std::vector<std::string> names;
  const auto read = Open(directory, [&](SQLite::Database& handle) {
    SQLite::Statement select(handle, "SELECT name FROM backups ORDER BY name");
    while (select.executeStep()) names.push_back(Text(select, 0));
  });
  if (!read) return tl::unexpected(read.error());
  return names;
}

Result<std::optional<Time>> ReadPause(const std::string& directory, const std::string& backup,
                                      Time now) {
  std::optional<Time> ends;
  const auto read = Open(directory, [&](SQLite::Database& handle) {
    SQLite::Statement select(handle,
                             "SELECT max(ends) FROM pauses JOIN backups ON backups.id=backup WHERE "
                             "name=? AND operation='' AND begins<=? AND ends>?");
    select.bind(1, backup);
    Bind(select, 2, std::optional(now));
    Bind(select, 3, std::optional(now));
    if (select.executeStep()) ends = Instant(select, 0);
  });
  if (!read) return tl::unexpected(read.error());
  return ends;
}

}  // namespace backup_exporter
