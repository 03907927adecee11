// Backups as rows: the tables backups and feeds.
//
// For the ledger's own sources; throws SQLite::Exception. Calls that write are made inside a
// transaction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ledger/store/database.h"

namespace backup_exporter {

// A file of a source that reports a backup.
struct Feed {
  std::string source;
  std::string path;
  std::string naming;      // how the backup was named
  std::string tool;        // as the file shows it; empty: unknown
  std::string repository;  // as the file names it; empty: unknown
};

struct StoredBackup {
  std::string name;
  // Sums over all backup runs.
  std::uint64_t added_bytes = 0;
  std::uint64_t added_stored_bytes = 0;
  std::uint64_t processed_bytes = 0;
};

class BackupStore {
 public:
  explicit BackupStore(Database& database) : database_(database) {}

  [[nodiscard]] RowId Find(const std::string& name);  // 0: there is none
  [[nodiscard]] std::optional<StoredBackup> Load(RowId backup);
  [[nodiscard]] std::vector<RowId> All();
  [[nodiscard]] std::vector<std::string> Names();  // sorted
  [[nodiscard]] std::size_t Count();
  RowId Add(const std::string& name);

  // Sets the number of unseen days of a backup to 0: a record named it.
  void MarkSeen(RowId backup);
  // Adds one to the unseen days of every backup.
  void CountUnseenDay();
  // Removes the backups with more than `days` unseen days, and everything that belongs to them.
  void RemoveUnseen(std::int64_t days);

  // Stores that a file reports a backup. An empty tool or repository stays as it was.
  void SaveFeed(RowId backup, const Feed& feed);
  [[nodiscard]] bool IsFedBy(RowId backup, const std::string& source);
  // Sorted by source and path.
  [[nodiscard]] std::vector<Feed> FeedsOf(RowId backup);
  struct FedBackup {
    RowId backup = 0;
    std::string name;
    std::string naming;
  };
  // The backups that a file reported, sorted by id.
  [[nodiscard]] std::vector<FedBackup> FedBy(const std::string& source, const std::string& path);

 private:
  Database& database_;
};

}  // namespace backup_exporter
