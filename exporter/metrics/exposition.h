// Metric families as Prometheus' text format 0.0.4.
//
// prometheus-cpp's own serializer does not escape help texts and prints large numbers with
// exponents. Here families and samples stay in the order they come in, whole numbers print exactly
// and without exponent, others with as few digits as read back the same. Only counters and gauges.
#pragma once

#include <prometheus/metric_family.h>
#include <prometheus/serializer.h>

#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace backup_exporter {

inline constexpr std::string_view kTextContentType = "text/plain; version=0.0.4; charset=utf-8";

class TextSerializer final : public prometheus::Serializer {
 public:
  // A family without samples is left out.
  static void Append(const prometheus::MetricFamily& family, std::string& text);

  using Serializer::Serialize;
  void Serialize(std::ostream& out,
                 const std::vector<prometheus::MetricFamily>& families) const override;
};

}  // namespace backup_exporter
