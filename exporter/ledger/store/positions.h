// How far each file was read: the table files.
//
// For the ledger's own sources; throws SQLite::Exception. Calls that write are made inside a
// transaction.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "ledger/store/database.h"
#include "model/event.h"
#include "model/record.h"

namespace backup_exporter {

class PositionStore {
 public:
  explicit PositionStore(Database& database) : database_(database) {}

  // Stores the position and decoder state of a step, and sets the id of a new file.
  void Save(const std::string& source, FileStep& step);
  // The modification time that a file had when it was last read, if that was to its end.
  [[nodiscard]] std::optional<Time> ModifiedAtEnd(RowId file);
  // With everything that refers to the file.
  void Remove(RowId file);
  // All files of a source, in the order in which they were first stored.
  [[nodiscard]] std::vector<Checkpoint> CheckpointsOf(const std::string& source);

 private:
  Database& database_;
};

}  // namespace backup_exporter
