// Metrics pages as Debian's python3-prometheus-client reads them, whose parser of OpenMetrics is
// the format's reference.
#pragma once

#include <string>
#include <vector>

#include "metrics/exposition.h"

namespace backup_exporter {

// One JSON list for each family (name without `_total`, type, help) and each sample (name, labels,
// value), in their order. Fails the test where the page does not parse.
[[nodiscard]] std::vector<std::string> ParsedPage(const std::string& page, MetricsFormat format);

}  // namespace backup_exporter
