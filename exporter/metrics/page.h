// The page at /metrics: standings and the program's own state, as families in the order of the
// table, in text format 0.0.4.
//
// The page of the standings is rendered once and kept until they change; what changes with every
// scrape (the program's own figures, the sources') is rendered each time. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "base/time.h"
#include "ledger/standing.h"
#include "metrics/families.h"
#include "model/source_status.h"

namespace backup_exporter {

// The page in two parts, one after the other. The large one is shared by all scrapes that see the
// same standings, so that a crowd of them costs no memory; nullptr is nothing.
struct MetricsBody {
  std::shared_ptr<const std::string> backups;
  std::string rest;  // ends in a newline
};

class MetricsPage {
 public:
  using StandingsOf = std::function<std::shared_ptr<const Standings>()>;
  using ProgramOf = std::function<ProgramStatus()>;

  // `standings` never gives nullptr. `board` and `clock` outlive the page.
  MetricsPage(StandingsOf standings, ProgramOf program, const StatusBoard& board,
              const Clock& clock);

  // What fails (an exception) is left out and shows in backup_exporter_scrape_collector_success.
  [[nodiscard]] MetricsBody Body();
  // The same in one piece.
  [[nodiscard]] std::string Render();

 private:
  std::shared_ptr<const std::string> BackupsText(std::shared_ptr<const Standings> standings);

  const StandingsOf standings_of_;
  const ProgramOf program_of_;
  const StatusBoard& board_;
  const Clock& clock_;

  std::mutex mutex_;                            // guards the rest
  std::shared_ptr<const Standings> rendered_;   // what backups_ was made from
  std::shared_ptr<const std::string> backups_;  // nullptr: nothing yet
};

}  // namespace backup_exporter
