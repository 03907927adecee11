// Writes metric families in Prometheus' text format 0.0.4 and in OpenMetrics 1.0.
//
// It replaces the serializer of prometheus-cpp, which does not escape help texts, prints large
// numbers with exponents and does not support OpenMetrics. Families and samples keep their order.
// Whole numbers are printed exactly and without exponent, other numbers with the fewest digits that
// read back the same. Counters, gauges and histograms are supported. Both formats contain the same
// series with the same values.
#pragma once

#include <prometheus/metric_family.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace backup_exporter {

enum class MetricsFormat { kText, kOpenMetrics };
inline constexpr std::size_t kMetricsFormats = 2;

inline constexpr std::string_view kTextContentType = "text/plain; version=0.0.4; charset=utf-8";
inline constexpr std::string_view kOpenMetricsContentType =
    "application/openmetrics-text; version=1.0.0; charset=utf-8";

// The last line of a page in OpenMetrics.
inline constexpr std::string_view kOpenMetricsEnd = "# EOF\n";

// Appends one family to `text`; nothing if the family has no samples. The name of a counter must
// end in `_total`, which OpenMetrics leaves out of the family's name. The caller ends the page.
void AppendFamily(const prometheus::MetricFamily& family, MetricsFormat format, std::string& text);

}  // namespace backup_exporter
