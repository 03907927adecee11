#include "ledger/backups.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <set>

#include "ledger/rules/backup_name.h"

namespace backup_exporter {

namespace {

// How a step's backups are named, as the table keeps it.
std::string NamingOf(const SourceRules& source, std::string_view pattern) {
  std::string naming(pattern);
  if (source.match) naming.append("\n").append(source.match->pattern());
  return naming;
}

// The configured template, else that of the format that the step's file has.
const std::string& PatternOf(const SourceRules& source, const FileStep& step) {
  return source.backup.empty() ? step.naming : source.backup;
}

}  // namespace

bool Feeds(const SourceRules& source, const std::string& path, const std::string& naming) {
  // Where the configuration names no template the file's format does, and that stays as it is.
  const std::string pattern =
      source.backup.empty() ? naming.substr(0, naming.find('\n')) : source.backup;
  return NamingOf(source, pattern) == naming &&
         fnmatch(source.pattern.c_str(), path.c_str(), FNM_PATHNAME) == 0;
}

std::string Backups::Clash(RowId backup, const std::string& name, const SourceRules& source,
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
    if (source.names_backup || other->second.names_backup) continue;
    // A file and its rotated self.
    if (other->first == source.source && WithoutRotation(other_path) == WithoutRotation(path)) {
      continue;
    }
    return fmt::format(
        "the backup \"{}\" of {} (source {}) is also that of {} (source {}); if both are one "
        "backup, say "
        "so with `backup: {}` at each source, else give them different names with `backup:`",
        name, path, source.source, other_path, other->second.source, name);
  }
  return {};
}

Backups::Answer Backups::Find(const SourceRules& source, const FileStep& step, const Named& of) {
  const std::string& path = step.position.path;
  const std::string& pattern = PatternOf(source, step);
  const std::string name = BackupName(pattern, source.match.get(), path, of);
  if (name.empty()) {
    const std::string why =
        source.match ? fmt::format("does not match `match: {}`, so it", source.match->pattern())
                     : "";
    return {.refused = fmt::format("{} {}gives its backup no name; give one with `backup:`", path,
                                   why.empty() ? "" : why + " ")};
  }
  RowId backup = ByName(name);
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
  // What the file does not name this time stays as it was named before.
  SQLite::Statement& feed = database_.Prepare(
      "INSERT INTO feeds(backup,source,path,template,tool,repository) VALUES(?,?,?,?,?,?) ON "
      "CONFLICT(backup,source,path) DO UPDATE SET template=excluded.template, "
      "tool=iif(excluded.tool='',tool,excluded.tool), "
      "repository=iif(excluded.repository='',repository,excluded.repository)");
  feed.bind(1, backup);
  feed.bind(2, source.source);
  feed.bind(3, path);
  feed.bind(4, NamingOf(source, pattern));
  feed.bind(5, step.tool);
  feed.bind(6, of.repository);
  feed.exec();
  return {.backup = backup, .refused = {}};
}

RowId Backups::Known(const SourceRules& source, const FileStep& step, const Named& of) {
  SQLite::Statement& find = database_.Prepare(
      "SELECT id FROM backups WHERE name=? AND EXISTS(SELECT 1 FROM feeds WHERE backup=id AND "
      "source=?)");
  find.bind(1, BackupName(PatternOf(source, step), source.match.get(), step.position.path, of));
  find.bind(2, source.source);
  return find.executeStep() ? find.getColumn(0).getInt64() : 0;
}

RowId Backups::ByName(const std::string& name) {
  SQLite::Statement& find = database_.Prepare("SELECT id FROM backups WHERE name=?");
  find.bind(1, name);
  return find.executeStep() ? find.getColumn(0).getInt64() : 0;
}

std::vector<RowId> Backups::FedBy(const SourceRules& source, const FileStep& step,
                                  const std::vector<Named>& but) {
  std::set<std::string> left_out;
  for (const Named& of : but) {
    left_out.insert(
        BackupName(PatternOf(source, step), source.match.get(), step.position.path, of));
  }
  SQLite::Statement& feeds = database_.Prepare(
      "SELECT backup,template,name FROM feeds JOIN backups ON id=backup WHERE source=? AND path=? "
      "ORDER BY backup");
  feeds.bind(1, source.source);
  feeds.bind(2, step.position.path);
  std::vector<RowId> backups;
  while (feeds.executeStep()) {
    if (!Feeds(source, step.position.path, Text(feeds, 1)) || left_out.contains(Text(feeds, 2))) {
      continue;
    }
    backups.push_back(feeds.getColumn(0).getInt64());
  }
  return backups;
}

}  // namespace backup_exporter
