// The published standings: the visible part of the ledger, read from its tables and cached until it
// changes.
//
// Reading and publishing are separate steps, so that nothing is published before its transaction
// has committed. All functions but `published` are called under the ledger's mutex. Reading throws
// SQLite::Exception.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>

#include "base/published.h"
#include "base/time.h"
#include "ledger/expectations.h"
#include "ledger/rules/source_rules.h"
#include "ledger/store/database.h"
#include "model/notice.h"
#include "model/standing.h"

namespace backup_exporter {

// The standing of a backup, from its runs and expectations. Source, tool and repository are left
// empty.
[[nodiscard]] BackupStanding QueryStanding(Database& database, const Expectations& expectations,
                                           RowId backup, Time now);

using BackupStandings = std::map<RowId, std::shared_ptr<const BackupStanding>>;

class StandingsCache {
 public:
  // The references must outlive the cache. `sources`: the configured sources, by name.
  StandingsCache(Database& database, const std::map<std::string, SourceRules>& sources,
                 const Expectations& expectations)
      : database_(database), sources_(sources), expectations_(expectations) {}

  // Reads everything but the monitors.
  void ReadAll(Time now);
  // Reads these backups, those that are unread, and the repositories.
  void Read(const std::set<RowId>& backups, Time now);
  // Whether backups are out of date because reading them failed. Until they are read they stand as
  // they were read last.
  [[nodiscard]] bool has_unread() const { return all_unread_ || !unread_.empty(); }
  void ReadMonitors(std::span<const Subscription> subscriptions);

  // The visible backups: those that a configured source reports, or that the configuration expects.
  [[nodiscard]] const BackupStandings& backups() const { return backups_; }
  [[nodiscard]] bool IsVisible(const std::string& name) const { return by_name_.contains(name); }
  // nullptr: the backup is not visible, or has no such operation.
  [[nodiscard]] const OperationStanding* Find(RowId backup, Operation operation) const;

  // Publishes the standings that were read, together with the values in `rest` that are not read
  // here.
  void Publish(Standings rest);
  // The standings that were published last. Thread-safe.
  [[nodiscard]] std::shared_ptr<const Standings> published() const;

 private:
  void Update(RowId backup, Time now);
  // nullptr: the backup is not visible.
  [[nodiscard]] std::shared_ptr<const BackupStanding> Query(RowId backup, Time now);
  [[nodiscard]] std::map<std::string, RepositoryStanding> QueryRepositories();

  Database& database_;
  const std::map<std::string, SourceRules>& sources_;
  const Expectations& expectations_;
  BackupStandings backups_;
  std::map<std::string, std::shared_ptr<const BackupStanding>> by_name_;
  std::map<std::string, RepositoryStanding> repositories_;
  std::map<std::string, MonitorStanding> monitors_;
  std::set<RowId> unread_;  // backups that could not be read since they changed
  bool all_unread_ = false;
  Published<Standings> published_;
};

}  // namespace backup_exporter
