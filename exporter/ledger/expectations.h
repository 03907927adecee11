// Expectations of each backup and operation: reads the facts for rules/expectations from the
// tables, and stores its decisions.
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

  // Adds the backups and operations that the configuration names and the ledger does not have yet,
  // and starts watching those with a configured schedule.
  void Declare(Database& database, Time now) const;
  // Fills in the expectation, pause and misses of an operation's standing. Its last success must be
  // set already.
  void Complete(Database& database, RowId backup, const std::string& name, Time now,
                OperationStanding& standing) const;
  // Stores the occurrences that have been missed by `now`, each once. Returns the number of misses
  // in a row since the last success; 0 if none is new. The standing must be complete, with an
  // expectation.
  [[nodiscard]] std::uint64_t RecordMisses(Database& database, RowId backup,
                                           const std::string& name, Time now,
                                           const OperationStanding& standing) const;

 private:
  ConfiguredExpectations configured_;
};

}  // namespace backup_exporter
