#include "metrics/exposition.h"

#include <array>
#include <cassert>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>

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
  constexpr double kLarge = 1e21;  // trailing zeros would suggest more digits than known
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

// `bound` is the upper bound of a histogram's bucket.
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
    // OpenMetrics requires bounds to be floating point numbers.
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

}  // namespace

void AppendFamily(const MetricFamily& family, MetricsFormat format, std::string& text) {
  if (family.metric.empty()) return;
  const bool open_metrics = format == MetricsFormat::kOpenMetrics;
  const bool counter = family.type == MetricType::Counter;
  const bool histogram = family.type == MetricType::Histogram;
  assert(counter || histogram || family.type == MetricType::Gauge);
  std::string_view family_name = family.name;
  if (open_metrics && counter) {
    constexpr std::string_view kSuffix = "_total";
    assert(family_name.ends_with(kSuffix));
    family_name.remove_suffix(kSuffix.size());
  }
  text += "# HELP ";
  text += family_name;
  text += ' ';
  // OpenMetrics requires quotes in help texts to be escaped, the text format forbids it.
  AppendEscaped(family.help, /*quotes_too=*/open_metrics, text);
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

}  // namespace backup_exporter
