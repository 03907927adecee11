#include "metrics/page.h"

#include <chrono>
#include <exception>
#include <utility>
#include <vector>

#include "base/log.h"
#include "metrics/exposition.h"

namespace backup_exporter {

MetricsPage::MetricsPage(StandingsOf standings, ProgramOf program, const StatusBoard& board,
                         const Clock& clock)
    : standings_of_(std::move(standings)),
      program_of_(std::move(program)),
      board_(board),
      clock_(clock) {}

MetricsBody MetricsPage::Body() {
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
    TextSerializer::Append(family, body.rest);
  };

  const std::shared_ptr<const Standings> standings = standings_of_();
  collect("backups", [&] { body.backups = BackupsText(standings); });
  collect("sources",
          [&] { SourceFamilies(board_.Statuses(), standings->sources, clock_.Now(), append); });
  collect("exporter", [&] { ExporterFamilies(program_of_(), *standings, append); });
  ScrapeFamilies(runs, append);
  return body;
}

std::string MetricsPage::Render() {
  MetricsBody body = Body();
  return body.backups ? *body.backups + body.rest : std::move(body.rest);
}

std::shared_ptr<const std::string> MetricsPage::BackupsText(
    std::shared_ptr<const Standings> standings) {
  const std::lock_guard lock(mutex_);
  if (backups_ == nullptr || standings != rendered_) {
    std::string text;
    if (backups_) text.reserve(backups_->size() + backups_->size() / 8);
    BackupFamilies(*standings, [&](const prometheus::MetricFamily& family) {
      TextSerializer::Append(family, text);
    });
    backups_ = std::make_shared<const std::string>(std::move(text));
    rendered_ = std::move(standings);
  }
  return backups_;
}

}  // namespace backup_exporter
