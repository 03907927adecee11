// Which backup a record belongs to: names by template, the sources that feed each, and clashes.
//
// For the ledger's own sources; throws SQLite::Exception.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "ledger/database.h"
#include "ledger/ledger.h"

namespace backup_exporter {

using RowId = std::int64_t;

// The template with {stem} (file name without its last extension), {dir} (name of its directory)
// and {profile} (the record's label) filled in; anything else stays as it stands. Templates come
// checked from config/.
[[nodiscard]] std::string BackupName(std::string_view pattern, std::string_view path,
                                     std::string_view label);

// Whether a source, as configured, feeds a backup through this path, named by this template.
[[nodiscard]] bool Feeds(const FoldOptions& source, const std::string& path,
                         const std::string& pattern);

class Backups {
 public:
  Backups(Database& database, const std::map<std::string, FoldOptions>& sources, std::size_t most)
      : database_(database), sources_(sources), most_(most) {}

  struct Answer {
    RowId backup = 0;  // 0: it has no place
    std::string
        refused;  // why the name cannot be used as configured; empty where only the limit says no
  };
  // The backup, made if it is new.
  [[nodiscard]] Answer Find(const FoldOptions& source, const std::string& path,
                            const std::string& label);

 private:
  [[nodiscard]] std::string Clash(RowId backup, const std::string& name, const FoldOptions& source,
                                  const std::string& path);

  Database& database_;
  const std::map<std::string, FoldOptions>& sources_;
  const std::size_t most_;
};

}  // namespace backup_exporter
