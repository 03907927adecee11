#include "metrics/page.h"

#include <chrono>
#include <exception>
#include <utility>
#include <vector>

#include "base/log.h"

namespace backup_exporter {

MetricsPage::MetricsPage(StandingsOf standings, ProgramOf program, const StatusBoard& board,
                         const Clock& clock)
    : standings_of_(std::move(standings)),
      program_of_(std::move(program)),
      board_(board),
      clock_(clock) {}

MetricsBody MetricsPage::Body(MetricsForm form) {
  Backups backups;
  MetricsBody body;
  std::vector<CollectorRun> runs;
  const auto collect = [&](std::string_view name, auto step) {
    const SteadyTime began = clock_.Steady();
    bool success = true;
    const std::size_t before = body.rest.size();
    try {
      step();
    } catch (const std::exception& error) {
      success = false;
      body.rest.resize(before);
      Log().error("metrics: collector {} failed: {}", name, error.what());
    }
    runs.push_back({name, std::chrono::duration_cast<Duration>(clock_.Steady() - began), success});
  };
  const FamilySink append = [&](const prometheus::MetricFamily& family) {
    AppendFamily(family, form.format, body.rest);
  };

  const std::shared_ptr<const Standings> standings = standings_of_();
  collect("backups", [&] { backups = BackupsIn(form, standings); });
  collect("sources",
          [&] { SourceFamilies(board_.Statuses(), standings->sources, clock_.Now(), append); });
  collect("exporter", [&] { ExporterFamilies(program_of_(), *standings, append); });
  ScrapeFamilies(runs, append);
  if (form.format == MetricsFormat::kOpenMetrics) body.rest += kOpenMetricsEnd;
  if (!form.gzip) {
    body.backups = std::move(backups.text);
    return body;
  }
  if (!backups.gzip) backups.gzip = std::make_shared<const GzipStart>(StartGzip({}));
  body.backups = {backups.gzip, &backups.gzip->bytes};
  body.rest = EndGzip(*backups.gzip, body.rest);
  return body;
}

std::string MetricsPage::Render(MetricsForm form) {
  MetricsBody body = Body(form);
  return body.backups ? *body.backups + body.rest : std::move(body.rest);
}

MetricsPage::Backups MetricsPage::BackupsIn(MetricsForm form,
                                            std::shared_ptr<const Standings> standings) {
  const std::lock_guard lock(mutex_);
  if (standings != rendered_) {
    backups_ = {};
    rendered_ = std::move(standings);
  }
  Backups& backups = backups_.at(static_cast<std::size_t>(form.format));
  if (backups.text == nullptr) {
    std::string text;
    text.reserve(last_size_ + last_size_ / 8);
    BackupFamilies(*rendered_, [&](const prometheus::MetricFamily& family) {
      AppendFamily(family, form.format, text);
    });
    last_size_ = text.size();
    backups.text = std::make_shared<const std::string>(std::move(text));
  }
  if (form.gzip && backups.gzip == nullptr) {
    backups.gzip = std::make_shared<const GzipStart>(StartGzip(*backups.text));
  }
  return backups;
}

}  // namespace backup_exporter
