// The page at /metrics: the standings and the program's own state, in the order of the table of
// metrics, in the form that the client asked for.
//
// The page has two parts. The part made from the standings is rendered and compressed once for each
// format, and kept until the standings change. The rest (sources, program, scrape) may change with
// every scrape and is rendered each time. Thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "base/gzip.h"
#include "base/time.h"
#include "metrics/exposition.h"
#include "metrics/families.h"
#include "model/source_status.h"
#include "model/standing.h"

namespace backup_exporter {

// Format and compression of the page.
struct MetricsForm {
  MetricsFormat format = MetricsFormat::kText;
  bool gzip = false;
};

// The page is `backups` followed by `rest`. All scrapes that see the same standings share
// `backups`, the large part, so that many scrapes at once cost no memory; nullptr means that it is
// empty. Of a compressed page, neither part is a gzip file by itself.
struct MetricsBody {
  std::shared_ptr<const std::string> backups;
  std::string rest;
};

class MetricsPage {
 public:
  using StandingsOf = std::function<std::shared_ptr<const Standings>()>;
  using ProgramOf = std::function<ProgramStatus()>;

  // `standings` never returns nullptr. `board` and `clock` must outlive the page. The functions are
  // called by every scrape, on its thread.
  MetricsPage(StandingsOf standings, ProgramOf program, const StatusBoard& board,
              const Clock& clock);

  // A collector that throws is left out, and its backup_exporter_scrape_collector_success is 0.
  [[nodiscard]] MetricsBody Body(MetricsForm form = {});
  // The whole page as one string.
  [[nodiscard]] std::string Render(MetricsForm form = {});

 private:
  // The part made from the standings, in one format; nullptr until it is needed.
  struct Backups {
    std::shared_ptr<const std::string> text;
    std::shared_ptr<const GzipStart> gzip;  // of the text
  };
  // Renders and compresses what the form needs and is not kept yet.
  Backups BackupsIn(MetricsForm form, std::shared_ptr<const Standings> standings);

  const StandingsOf standings_of_;
  const ProgramOf program_of_;
  const StatusBoard& board_;
  const Clock& clock_;

  std::mutex mutex_;                              // guards the members below
  std::shared_ptr<const Standings> rendered_;     // the source of backups_
  std::array<Backups, kMetricsFormats> backups_;  // by format
  std::size_t last_size_ = 0;  // bytes of the last text, an estimate for the next one
};

}  // namespace backup_exporter
