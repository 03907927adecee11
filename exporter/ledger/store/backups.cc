#include "ledger/store/backups.h"

#include <tuple>
#include <utility>

namespace backup_exporter {

RowId BackupStore::Find(const std::string& name) {
  return database_.Row<RowId>("SELECT id FROM backups WHERE name=?", name).value_or(0);
}

std::optional<StoredBackup> BackupStore::Load(RowId backup) {
  StoredBackup stored;
  const bool found = database_.ReadInto(
      std::tie(stored.name, stored.added_bytes, stored.added_stored_bytes, stored.processed_bytes),
      "SELECT name,added_bytes,added_stored_bytes,processed_bytes FROM backups WHERE id=?", backup);
  return found ? std::optional(std::move(stored)) : std::nullopt;
}

std::vector<RowId> BackupStore::All() {
  std::vector<RowId> backups;
  for (const RowId backup : database_.Rows<RowId>("SELECT id FROM backups")) {
    backups.push_back(backup);
  }
  return backups;
}

std::vector<std::string> BackupStore::Names() {
  std::vector<std::string> names;
  for (std::string name : database_.Rows<std::string>("SELECT name FROM backups ORDER BY name")) {
    names.push_back(std::move(name));
  }
  return names;
}

std::size_t BackupStore::Count() {
  return database_.Row<std::size_t>("SELECT count(*) FROM backups").value_or(0);
}

RowId BackupStore::Add(const std::string& name) {
  database_.Run("INSERT INTO backups(name) VALUES(?)", name);
  return database_.LastInserted();
}

void BackupStore::MarkSeen(RowId backup) {
  database_.Run("UPDATE backups SET unseen_days=0 WHERE id=?", backup);
}

void BackupStore::CountUnseenDay() {
  database_.Run("UPDATE backups SET unseen_days=unseen_days+1");
}

void BackupStore::RemoveUnseen(std::int64_t days) {
  database_.Run("DELETE FROM backups WHERE unseen_days>?", days);
}

void BackupStore::SaveFeed(RowId backup, const Feed& feed) {
  database_.Run(
      "INSERT INTO feeds(backup,source,path,template,tool,repository) VALUES(?,?,?,?,?,?) ON "
      "CONFLICT(backup,source,path) DO UPDATE SET template=excluded.template, "
      "tool=iif(excluded.tool='',tool,excluded.tool), "
      "repository=iif(excluded.repository='',repository,excluded.repository)",
      backup, feed.source, feed.path, feed.naming, feed.tool, feed.repository);
}

bool BackupStore::IsFedBy(RowId backup, const std::string& source) {
  return database_
      .Row<bool>("SELECT EXISTS(SELECT 1 FROM feeds WHERE backup=? AND source=?)", backup, source)
      .value_or(false);
}

std::vector<Feed> BackupStore::FeedsOf(RowId backup) {
  std::vector<Feed> feeds;
  for (auto&& [source, path, naming, tool, repository] :
       database_.Rows<std::string, std::string, std::string, std::string, std::string>(
           "SELECT source,path,template,tool,repository FROM feeds WHERE backup=? ORDER BY "
           "source,path",
           backup)) {
    feeds.push_back({.source = std::move(source),
                     .path = std::move(path),
                     .naming = std::move(naming),
                     .tool = std::move(tool),
                     .repository = std::move(repository)});
  }
  return feeds;
}

std::vector<BackupStore::FedBackup> BackupStore::FedBy(const std::string& source,
                                                       const std::string& path) {
  std::vector<FedBackup> backups;
  for (auto&& [backup, name, naming] : database_.Rows<RowId, std::string, std::string>(
           "SELECT backup,name,template FROM feeds JOIN backups ON id=backup WHERE source=? AND "
           "path=? ORDER BY backup",
           source, path)) {
    backups.push_back({.backup = backup, .name = std::move(name), .naming = std::move(naming)});
  }
  return backups;
}

}  // namespace backup_exporter
