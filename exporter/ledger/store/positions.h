// Checkpoints as rows: the table files, with a row for each generation of a file.
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

  // Stores the checkpoint of a step, and sets the id of a new generation.
  void Save(const std::string& source, FileStep& step);
  // The modification time of a file when it was last read, if it was read to its end; else nullopt.
  [[nodiscard]] std::optional<Time> ModifiedAtEnd(RowId file);
  // Removes the checkpoint, and everything that refers to the file.
  void Remove(RowId file);
  // The checkpoints of all files of a source, in the order in which they were first stored.
  [[nodiscard]] std::vector<Checkpoint> CheckpointsOf(const std::string& source);

 private:
  Database& database_;
};

}  // namespace backup_exporter
