// Which backup a record belongs to: names by template, the sources that feed each, and clashes.
//
// For the ledger's own sources; throws SQLite::Exception.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/store/database.h"
#include "ledger/ledger.h"
#include "model/event.h"

namespace backup_exporter {

// Whether a source, as configured, feeds a backup through this path, named in this way.
[[nodiscard]] bool Feeds(const SourceRules& source, const std::string& path,
                         const std::string& naming);

class Backups {
 public:
  Backups(Database& database, const std::map<std::string, SourceRules>& sources, std::size_t most)
      : database_(database), sources_(sources), most_(most) {}

  // How many there may be.
  [[nodiscard]] std::size_t most() const { return most_; }

  struct Answer {
    RowId backup = 0;  // 0: it has no place
    std::string
        refused;  // why the name cannot be used as configured; empty where only the limit says no
  };
  // The backup that a step names so, made if it is new.
  [[nodiscard]] Answer Find(const SourceRules& source, const FileStep& step, const Named& of);
  // The same if the source has told of it before; 0: it has not.
  [[nodiscard]] RowId Known(const SourceRules& source, const FileStep& step, const Named& of);
  // The backup of this name; 0: there is none.
  [[nodiscard]] RowId ByName(const std::string& name);
  // Every backup that the step's file has told of under the present configuration, but for those
  // named so.
  [[nodiscard]] std::vector<RowId> FedBy(const SourceRules& source, const FileStep& step,
                                         const std::vector<Named>& but);

 private:
  [[nodiscard]] std::string Clash(RowId backup, const std::string& name, const SourceRules& source,
                                  const std::string& path);

  Database& database_;
  const std::map<std::string, SourceRules>& sources_;
  const std::size_t most_;
};

}  // namespace backup_exporter
