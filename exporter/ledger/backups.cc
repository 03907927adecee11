#include "ledger/backups.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <filesystem>

namespace backup_exporter {

std::string BackupName(std::string_view pattern, std::string_view path, std::string_view label) {
  const std::filesystem::path file(path);
  const std::string stem = file.stem().string();
  const std::string directory = file.parent_path().filename().string();
  std::string name;
  while (!pattern.empty()) {
    const auto take = [&](std::string_view placeholder, std::string_view value) {
      if (!pattern.starts_with(placeholder)) return false;
      name += value;
      pattern.remove_prefix(placeholder.size());
      return true;
    };
    if (take("{stem}", stem) || take("{dir}", directory) || take("{profile}", label)) continue;
    name += pattern.front();
    pattern.remove_prefix(1);
  }
  return name;
}

bool Feeds(const FoldOptions& source, const std::string& path, const std::string& pattern) {
  return source.backup == pattern &&
         fnmatch(source.pattern.c_str(), path.c_str(), FNM_PATHNAME) == 0;
}

std::string Backups::Clash(RowId backup, const std::string& name, const FoldOptions& source,
                           const std::string& path) {
  SQLite::Statement& feeds = database_.Prepare(
      "SELECT source,path,template FROM feeds WHERE backup=? AND NOT(source=? AND path=?)");
  feeds.bind(1, backup);
  feeds.bind(2, source.source);
  feeds.bind(3, path);
  while (feeds.executeStep()) {
    const auto other = sources_.find(Text(feeds, 0));
    const std::string other_path = Text(feeds, 1);
    if (other == sources_.end() || !Feeds(other->second, other_path, Text(feeds, 2))) continue;
    if (source.backup_configured && other->second.backup_configured) continue;
    return fmt::format(
        "the backup \"{}\" of {} (source {}) is also that of {} (source {}); if both are one "
        "backup, say "
        "so with `backup: {}` at each source, else give them different names with `backup:`",
        name, path, source.source, other_path, other->second.source, name);
  }
  return {};
}

Backups::Answer Backups::Find(const FoldOptions& source, const std::string& path,
                              const std::string& label) {
  const std::string name = BackupName(source.backup, path, label);
  if (name.empty()) {
    return {.refused = fmt::format("{} gives its backup no name; give one with `backup:`", path)};
  }
  SQLite::Statement& find = database_.Prepare("SELECT id FROM backups WHERE name=?");
  find.bind(1, name);
  RowId backup = find.executeStep() ? find.getColumn(0).getInt64() : 0;
  if (backup == 0) {
    SQLite::Statement& count = database_.Prepare("SELECT count(*) FROM backups");
    count.executeStep();
    if (static_cast<std::size_t>(count.getColumn(0).getInt64()) >= most_) return {};
    SQLite::Statement& insert = database_.Prepare("INSERT INTO backups(name) VALUES(?)");
    insert.bind(1, name);
    insert.exec();
    backup = database_.handle().getLastInsertRowid();
  } else if (std::string clash = Clash(backup, name, source, path); !clash.empty()) {
    return {.refused = std::move(clash)};
  }
  SQLite::Statement& seen = database_.Prepare("UPDATE backups SET unseen_days=0 WHERE id=?");
  seen.bind(1, backup);
  seen.exec();
  SQLite::Statement& feed = database_.Prepare(
      "INSERT INTO feeds(backup,source,path,template) VALUES(?,?,?,?) ON "
      "CONFLICT(backup,source,path) DO "
      "UPDATE SET template=excluded.template");
  feed.bind(1, backup);
  feed.bind(2, source.source);
  feed.bind(3, path);
  feed.bind(4, source.backup);
  feed.exec();
  return {.backup = backup, .refused = {}};
}

}  // namespace backup_exporter
