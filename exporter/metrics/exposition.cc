#include "metrics/exposition.h"

#include <array>
#include <cassert>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <ostream>

namespace backup_exporter {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

void AppendEscaped(std::string_view text, bool quotes_too, std::string& out) {
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && quotes_too) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
}

void AppendNumber(double value, std::string& out) {
  if (std::isnan(value)) {
    out += "NaN";
    return;
  }
  if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
    return;
  }
  constexpr double kExact = 9007199254740992;  // 2^53: up to here whole numbers are exact
  constexpr double kLarge = 1e21;              // from here on zeros would only look like digits
  constexpr double kSmall = 1e-6;
  std::array<char, 32> digits{};
  const double size = std::abs(value);
  std::to_chars_result end{};
  if (size <= kExact && value == std::trunc(value)) {
    end = std::to_chars(digits.begin(), digits.end(), static_cast<std::int64_t>(value));
  } else if (size >= kSmall && size < kLarge) {
    end = std::to_chars(digits.begin(), digits.end(), value, std::chars_format::fixed);
  } else {
    end = std::to_chars(digits.begin(), digits.end(), value);
  }
  out.append(digits.begin(), end.ptr);
}

// `bound`: of a histogram's bucket.
void AppendSample(const std::string& name, const ClientMetric& sample, double value,
                  std::string& out, std::optional<double> bound = {}) {
  out += name;
  char before = '{';
  for (const ClientMetric::Label& label : sample.label) {
    out += before;
    out += label.name;
    out += "=\"";
    AppendEscaped(label.value, true, out);
    out += '"';
    before = ',';
  }
  if (bound) {
    out += before;
    out += "le=\"";
    AppendNumber(*bound, out);
    // OpenMetrics has bounds as floating point numbers.
    if (*bound == std::trunc(*bound) && !std::isinf(*bound)) out += ".0";
    out += '"';
  }
  if (bound || !sample.label.empty()) out += '}';
  out += ' ';
  AppendNumber(value, out);
  out += '\n';
}

void AppendHistogram(const std::string& name, const ClientMetric& sample, std::string& out) {
  const ClientMetric::Histogram& histogram = sample.histogram;
  for (const ClientMetric::Bucket& bucket : histogram.bucket) {
    AppendSample(name + "_bucket", sample, static_cast<double>(bucket.cumulative_count), out,
                 bucket.upper_bound);
  }
  AppendSample(name + "_sum", sample, histogram.sample_sum, out);
  AppendSample(name + "_count", sample, static_cast<double>(histogram.sample_count), out);
}

// `family_name` is what the help and the type are of; help texts are not in quotes, and whether
// theirs are escaped is up to the format.
void AppendFamily(const MetricFamily& family, std::string_view family_name, bool escape_quotes,
                  std::string& text) {
  if (family.metric.empty()) return;
  const bool counter = family.type == MetricType::Counter;
  const bool histogram = family.type == MetricType::Histogram;
  assert(counter || histogram || family.type == MetricType::Gauge);
  text += "# HELP ";
  text += family_name;
  text += ' ';
  AppendEscaped(family.help, escape_quotes, text);
  text += "\n# TYPE ";
  text += family_name;
  text += counter ? " counter\n" : histogram ? " histogram\n" : " gauge\n";
  for (const ClientMetric& sample : family.metric) {
    if (histogram) {
      AppendHistogram(family.name, sample, text);
      continue;
    }
    AppendSample(family.name, sample, counter ? sample.counter.value : sample.gauge.value, text);
  }
}

}  // namespace

void TextSerializer::Append(const MetricFamily& family, std::string& text) {
  AppendFamily(family, family.name, /*escape_quotes=*/false, text);
}

void TextSerializer::Serialize(std::ostream& out, const std::vector<MetricFamily>& families) const {
  std::string text;
  for (const MetricFamily& family : families) Append(family, text);
  out << text;
}

void OpenMetricsSerializer::Append(const MetricFamily& family, std::string& text) {
  constexpr std::string_view kSuffix = "_total";
  std::string_view name = family.name;
  if (family.type == MetricType::Counter) {
    assert(name.ends_with(kSuffix));
    name.remove_suffix(kSuffix.size());
  }
  AppendFamily(family, name, /*escape_quotes=*/true, text);
}

void OpenMetricsSerializer::Serialize(std::ostream& out,
                                      const std::vector<MetricFamily>& families) const {
  std::string text;
  for (const MetricFamily& family : families) Append(family, text);
  out << text << kOpenMetricsEnd;
}

}  // namespace backup_exporter
