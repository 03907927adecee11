// Parses metrics pages with Debian's python3-prometheus-client. Its OpenMetrics parser is the
// reference implementation of the format.
#pragma once

#include <string>
#include <vector>

#include "metrics/exposition.h"

namespace backup_exporter {

// One JSON list for each family (name without `_total`, type, help) and each sample (name, labels,
// value), in the order of the page. Fails the test if the page does not parse.
[[nodiscard]] std::vector<std::string> ParsedPage(const std::string& page, MetricsFormat format);

}  // namespace backup_exporter
