// The table of metrics: name, type, help text, and where the samples come from.
//
// A new metric is one row in families.cc. An unknown value gives no sample, and a family without
// samples is not emitted. Families are built and emitted one by one, since those of a thousand
// backups together are large. exposition.h and page.h render them.
#pragma once

#include <prometheus/metric_family.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "metrics/process_usage.h"
#include "model/source_status.h"
#include "model/standing.h"

namespace backup_exporter {

// The state of the program itself.
struct ProgramStatus {
  bool reload_successful = true;
  std::optional<Time> reloaded;  // when the configuration in use was loaded
  ProcessUsage process;
};

// Duration and success of one collector in this scrape.
struct CollectorRun {
  std::string_view name;
  Duration duration;
  bool success = false;
};

// Each of these functions emits its part of the table, in the order of the table. The sink must not
// keep the family.
using FamilySink = std::function<void(const prometheus::MetricFamily&)>;
void BackupFamilies(const Standings& standings, const FamilySink& sink);
// Covers every source that has a status or a standing.
void SourceFamilies(const std::map<std::string, SourceStatus>& statuses,
                    const std::map<std::string, SourceStanding>& standings, Time now,
                    const FamilySink& sink);
void ExporterFamilies(const ProgramStatus& program, const Standings& standings,
                      const FamilySink& sink);
void ScrapeFamilies(std::span<const CollectorRun> collectors, const FamilySink& sink);

// Whether the source was up at its last check, and that check is at most 30 s old: a source whose
// file system hangs checks nothing.
[[nodiscard]] bool IsUp(const SourceStatus& status, Time now);

// One row of the table.
struct Metric {
  std::string_view name;
  prometheus::MetricType type;
  std::string_view help;
};
// All rows, in order.
[[nodiscard]] std::vector<Metric> AllMetrics();

}  // namespace backup_exporter
