// The table of metrics: name, type, help, and what their samples are made of.
//
// A new metric is one row in families.cc. What is unknown gives no sample, and a family without
// samples is not handed on. Families are built and handed on one by one, since those of a thousand
// backups together are large. Rendering them is left to others (exposition.h, page.h).
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
#include "model/standing.h"
#include "model/source_status.h"

namespace backup_exporter {

// What the program knows of itself.
struct ProgramStatus {
  bool reload_successful = true;
  std::optional<Time> reloaded;  // when the present configuration was taken
};

// How one collector did for this scrape.
struct CollectorRun {
  std::string_view name;
  Duration duration;
  bool success = false;
};

// Each hands on its part of the table, in the table's order.
using FamilySink = std::function<void(const prometheus::MetricFamily&)>;
void BackupFamilies(const Standings& standings, const FamilySink& sink);
// Every source that has a status or a standing.
void SourceFamilies(const std::map<std::string, SourceStatus>& statuses,
                    const std::map<std::string, SourceStanding>& standings, Time now,
                    const FamilySink& sink);
void ExporterFamilies(const ProgramStatus& program, const Standings& standings,
                      const FamilySink& sink);
void ScrapeFamilies(std::span<const CollectorRun> collectors, const FamilySink& sink);

// Whether the source was up the last time it was looked at, and that is not too long ago: one whose
// file system hangs looks at nothing.
[[nodiscard]] bool IsUp(const SourceStatus& status, Time now);

// Every metric there is, in order.
struct Metric {
  std::string_view name;
  prometheus::MetricType type;
  std::string_view help;
};
[[nodiscard]] std::vector<Metric> AllMetrics();

}  // namespace backup_exporter
