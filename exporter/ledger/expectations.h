// What is expected of each backup and operation: facts from the tables, for rules/expectations.
//
// For the ledger's own sources; throws SQLite::Exception.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ledger/rules/expectations.h"
#include "ledger/store/database.h"
#include "ledger/store/subject.h"
#include "model/expectation.h"
#include "model/standing.h"

namespace backup_exporter {

class Expectations {
 public:
  explicit Expectations(std::vector<Expectation> configured = {})
      : configured_(std::move(configured)) {}

  [[nodiscard]] const ConfiguredExpectations& configured() const { return configured_; }

  // Adds the backups and operations that the configuration names and the ledger does not have, and
  // watches what it schedules.
  void Declare(Database& database, Time now) const;
  // Completes the standing of a backup's operation, whose last success is known.
  void Complete(Database& database, RowId backup, const std::string& name, Time now,
                OperationStanding& standing) const;
  // Stores the occurrences that are missed at `now`, each once. How many there are in a row since
  // the last success; 0: nothing new. The standing must be complete and expect something.
  [[nodiscard]] std::uint64_t RecordMisses(Database& database, RowId backup,
                                           const std::string& name, Time now,
                                           const OperationStanding& standing) const;

 private:
  ConfiguredExpectations configured_;
};

}  // namespace backup_exporter
