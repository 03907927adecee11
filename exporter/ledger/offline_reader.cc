#include "ledger/offline_reader.h"

#include <utility>

#include "ledger/store/backups.h"
#include "ledger/store/database.h"
#include "ledger/store/expectations.h"
#include "ledger/store/notices.h"
#include "ledger/store/open.h"
#include "ledger/store/schema.h"

namespace backup_exporter {
namespace {

// Calls `read` with the ledger in `directory`, and returns its result or an error.
template <typename T, typename Read>
Result<T> ReadLedger(const std::string& directory, Read read) {
  auto database = OpenReadOnly(directory);
  if (!database) return tl::unexpected(database.error());
  try {
    return read(**database);
  } catch (const std::exception& exception) {
    return FailReading(directory, exception);
  }
}

}  // namespace

Result<std::vector<PendingNotice>> ReadPending(const std::string& directory) {
  constexpr int kFirstWithNotices = 3;  // version of the ledger
  return ReadLedger<std::vector<PendingNotice>>(directory, [](Database& database) {
    std::vector<PendingNotice> pending;
    if (VersionOf(database.handle()) < kFirstWithNotices) return pending;
    for (auto& listed : NoticeStore(database).PendingAndDead()) {
      pending.push_back({.monitor = std::move(listed.monitor),
                         .state = std::string(Name(listed.state)),
                         .backup = std::move(listed.notice.backup),
                         .operation = std::string(Name(listed.notice.operation)),
                         .dead = listed.dead,
                         .created = listed.created,
                         .due = listed.due,
                         .expires = listed.expires,
                         .attempts = listed.attempts,
                         .error = std::move(listed.error)});
    }
    return pending;
  });
}

Result<std::vector<std::string>> ReadBackupNames(const std::string& directory) {
  return ReadLedger<std::vector<std::string>>(
      directory, [](Database& database) { return BackupStore(database).Names(); });
}

Result<std::optional<Time>> ReadPause(const std::string& directory, const std::string& backup,
                                      Time now) {
  return ReadLedger<std::optional<Time>>(directory, [&](Database& database) {
    return ExpectationStore(database).PausedUntil(backup, now);
  });
}

}  // namespace backup_exporter
