// Metric families as Prometheus' text format 0.0.4 and as OpenMetrics 1.0.
//
// prometheus-cpp's own serializer does not escape help texts, prints large numbers with exponents
// and knows no OpenMetrics. Here families and samples stay in the order they come in, whole numbers
// print exactly and without exponent, others with as few digits as read back the same. Only
// counters and gauges. Both formats have the same series with the same values.
#pragma once

#include <prometheus/metric_family.h>
#include <prometheus/serializer.h>

#include <cstddef>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace backup_exporter {

enum class MetricsFormat { kText, kOpenMetrics };
inline constexpr std::size_t kMetricsFormats = 2;

inline constexpr std::string_view kTextContentType = "text/plain; version=0.0.4; charset=utf-8";
inline constexpr std::string_view kOpenMetricsContentType =
    "application/openmetrics-text; version=1.0.0; charset=utf-8";

// The last line of a page in OpenMetrics.
inline constexpr std::string_view kOpenMetricsEnd = "# EOF\n";

class TextSerializer final : public prometheus::Serializer {
 public:
  // A family without samples is left out.
  static void Append(const prometheus::MetricFamily& family, std::string& text);

  using Serializer::Serialize;
  void Serialize(std::ostream& out,
                 const std::vector<prometheus::MetricFamily>& families) const override;
};

// A counter's name ends in `_total`; its family's in OpenMetrics does not.
class OpenMetricsSerializer final : public prometheus::Serializer {
 public:
  // The same; the end of the page is left to the caller.
  static void Append(const prometheus::MetricFamily& family, std::string& text);

  using Serializer::Serialize;
  // With its end.
  void Serialize(std::ostream& out,
                 const std::vector<prometheus::MetricFamily>& families) const override;
};

}  // namespace backup_exporter
