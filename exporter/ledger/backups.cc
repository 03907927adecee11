#include "ledger/backups.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <set>

#include "ledger/rules/backup_name.h"

namespace backup_exporter {

namespace {

// How the backups of a step are named, as the table `feeds` stores it.
std::string NamingOf(const SourceRules& source, std::string_view pattern) {
  std::string naming(pattern);
  if (source.match) naming.append("\n").append(source.match->pattern());
  return naming;
}

// The name template of the source, else that of the format of the step's file.
const std::string& PatternOf(const SourceRules& source, const FileStep& step) {
  return source.backup.empty() ? step.naming : source.backup;
}

}  // namespace

bool Feeds(const SourceRules& source, const std::string& path, const std::string& naming) {
  // Without a configured template, the template is that of the file's format, as it was stored.
  const std::string pattern =
      source.backup.empty() ? naming.substr(0, naming.find('\n')) : source.backup;
  return NamingOf(source, pattern) == naming &&
         fnmatch(source.pattern.c_str(), path.c_str(), FNM_PATHNAME) == 0;
}

std::string Backups::Clash(RowId backup, const std::string& name, const SourceRules& source,
                           const std::string& path) {
  for (const Feed& feed : store_.FeedsOf(backup)) {
    if (feed.source == source.source && feed.path == path) continue;
    const auto other = sources_.find(feed.source);
    if (other == sources_.end() || !Feeds(other->second, feed.path, feed.naming)) continue;
    if (source.backup_configured && other->second.backup_configured) continue;
    if (source.names_backup || other->second.names_backup) continue;
    // A file and an earlier generation of it, under its rotated name.
    if (other->first == source.source && WithoutRotation(feed.path) == WithoutRotation(path)) {
      continue;
    }
    return fmt::format(
        "the backup \"{}\" of {} (source {}) is also that of {} (source {}); if both are one "
        "backup, set `backup: {}` at each source, else give them different names with `backup:`",
        name, path, source.source, feed.path, other->second.source, name);
  }
  return {};
}

Backups::Answer Backups::Find(const SourceRules& source, const FileStep& step, const Named& of) {
  const std::string& path = step.position.path;
  const std::string& pattern = PatternOf(source, step);
  const std::string name = BackupName(pattern, source.match.get(), path, of);
  if (name.empty()) {
    const std::string why =
        source.match ? fmt::format("does not match `match: {}`, so it ", source.match->pattern())
                     : "";
    return {.refused =
                fmt::format("{} {}gives its backup no name; set one with `backup:`", path, why)};
  }
  RowId backup = store_.Find(name);
  if (backup == 0) {
    if (store_.Count() >= most_) return {};
    backup = store_.Add(name);
  } else if (std::string clash = Clash(backup, name, source, path); !clash.empty()) {
    return {.refused = std::move(clash)};
  }
  store_.MarkSeen(backup);
  store_.SaveFeed(backup, {.source = source.source,
                           .path = path,
                           .naming = NamingOf(source, pattern),
                           .tool = step.tool,
                           .repository = of.repository});
  return {.backup = backup, .refused = {}};
}

RowId Backups::Known(const SourceRules& source, const FileStep& step, const Named& of) {
  const RowId backup =
      store_.Find(BackupName(PatternOf(source, step), source.match.get(), step.position.path, of));
  return backup != 0 && store_.IsFedBy(backup, source.source) ? backup : 0;
}

RowId Backups::ByName(const std::string& name) { return store_.Find(name); }

std::vector<RowId> Backups::FedBy(const SourceRules& source, const FileStep& step,
                                  const std::vector<Named>& but) {
  const std::string& path = step.position.path;
  std::set<std::string> excluded;
  for (const Named& of : but) {
    excluded.insert(BackupName(PatternOf(source, step), source.match.get(), path, of));
  }
  std::vector<RowId> backups;
  for (const BackupStore::FedBackup& fed : store_.FedBy(source.source, path)) {
    if (Feeds(source, path, fed.naming) && !excluded.contains(fed.name)) {
      backups.push_back(fed.backup);
    }
  }
  return backups;
}

}  // namespace backup_exporter
