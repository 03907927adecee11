// Finds the backup that a record belongs to, by its name, and refuses names that another source
// already uses.
//
// For the ledger's own sources; throws SQLite::Exception. Calls that add backups are made inside a
// transaction.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "ledger/rules/source_rules.h"
#include "ledger/store/backups.h"
#include "ledger/store/database.h"
#include "model/event.h"

namespace backup_exporter {

// Whether a file that reported a backup under the name template `naming` still reports it, as the
// source is configured now.
[[nodiscard]] bool Feeds(const SourceRules& source, const std::string& path,
                         const std::string& naming);

class Backups {
 public:
  // `sources`: the configured sources, by name. They must outlive this. `most`: the largest number
  // of backups.
  Backups(Database& database, const std::map<std::string, SourceRules>& sources, std::size_t most)
      : store_(database), sources_(sources), most_(most) {}

  [[nodiscard]] std::size_t most() const { return most_; }

  struct Answer {
    RowId backup = 0;  // 0: none
    // Why the configuration rules the name out; empty if the limit on backups was reached.
    std::string refused;
  };
  // The backup that a record of the step names. A new backup is added.
  [[nodiscard]] Answer Find(const SourceRules& source, const FileStep& step, const Named& of);
  // The same for a backup that the source has reported before; otherwise 0.
  [[nodiscard]] RowId Known(const SourceRules& source, const FileStep& step, const Named& of);
  // The backup of this name; 0: none.
  [[nodiscard]] RowId ByName(const std::string& name);
  // The backups that the step's file ever reported under the present configuration, except those
  // that `but` names.
  [[nodiscard]] std::vector<RowId> FedBy(const SourceRules& source, const FileStep& step,
                                         const std::vector<Named>& but);

 private:
  // Why the file must not report a backup that other files report; empty if it may.
  [[nodiscard]] std::string Clash(RowId backup, const std::string& name, const SourceRules& source,
                                  const std::string& path);

  BackupStore store_;
  const std::map<std::string, SourceRules>& sources_;
  const std::size_t most_;
};

}  // namespace backup_exporter
