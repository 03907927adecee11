// Counters of sources and of the whole program: the table counters.
//
// For the ledger's own sources; throws SQLite::Exception. Calls that write are made inside a
// transaction.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/time.h"
#include "ledger/store/database.h"
#include "model/standing.h"

namespace backup_exporter {

// Counters of the whole program.
struct ProgramCounters {
  std::uint64_t future_stamps = 0;   // runs held back because their time is ahead of the clock
  std::uint64_t series_dropped = 0;  // backups refused by the limit
  std::uint64_t clock_jumps = 0;     // steps of the wall clock
};

class CounterStore {
 public:
  explicit CounterStore(Database& database) : database_(database) {}

  [[nodiscard]] std::map<std::string, SourceStanding> Sources();
  // Stores the counters of a source that differ from `before`.
  void SaveSource(const std::string& source, const SourceStanding& before,
                  const SourceStanding& now);

  [[nodiscard]] ProgramCounters Program();
  void Add(const ProgramCounters& counters);

  // When history was last forgotten.
  [[nodiscard]] std::optional<Time> LastForgotten();
  void SetLastForgotten(Time time);

 private:
  void Set(const std::string& source, std::string_view name, std::uint64_t value);

  Database& database_;
};

// Adds the counts of a step of the source.
void AddStep(SourceStanding& to, const FileStep& step);

}  // namespace backup_exporter
