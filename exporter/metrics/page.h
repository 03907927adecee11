// The page at /metrics: standings and the program's own state, as families in the order of the
// table, in the form that is asked for.
//
// The page of the standings is rendered and compressed once for each format and kept until they
// change; what changes with every scrape (the program's own figures, the sources') is rendered each
// time. Thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "base/gzip.h"
#include "base/time.h"
#include "model/standing.h"
#include "metrics/exposition.h"
#include "metrics/families.h"
#include "model/source_status.h"

namespace backup_exporter {

// How the page is written.
struct MetricsForm {
  MetricsFormat format = MetricsFormat::kText;
  bool gzip = false;
};

// The page in two parts, one after the other. The large one is shared by all scrapes that see the
// same standings, so that a crowd of them costs no memory; nullptr is nothing. Neither part of a
// compressed page is a file by itself.
struct MetricsBody {
  std::shared_ptr<const std::string> backups;
  std::string rest;
};

class MetricsPage {
 public:
  using StandingsOf = std::function<std::shared_ptr<const Standings>()>;
  using ProgramOf = std::function<ProgramStatus()>;

  // `standings` never gives nullptr. `board` and `clock` outlive the page.
  MetricsPage(StandingsOf standings, ProgramOf program, const StatusBoard& board,
              const Clock& clock);

  // What fails (an exception) is left out and shows in backup_exporter_scrape_collector_success.
  [[nodiscard]] MetricsBody Body(MetricsForm form = {});
  // The same in one piece.
  [[nodiscard]] std::string Render(MetricsForm form = {});

 private:
  // The page of the backups in one format; nullptr: nothing yet.
  struct Backups {
    std::shared_ptr<const std::string> text;
    std::shared_ptr<const GzipStart> gzip;  // of the text
  };
  // With what the form takes.
  Backups BackupsIn(MetricsForm form, std::shared_ptr<const Standings> standings);

  const StandingsOf standings_of_;
  const ProgramOf program_of_;
  const StatusBoard& board_;
  const Clock& clock_;

  std::mutex mutex_;                              // guards the rest
  std::shared_ptr<const Standings> rendered_;     // what backups_ was made from
  std::array<Backups, kMetricsFormats> backups_;  // by format
  std::size_t last_size_ = 0;                     // of a text: about what the next one takes
};

}  // namespace backup_exporter
