#include "metrics/exposition.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

namespace backup_exporter {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

std::string In(MetricsFormat format, const std::vector<MetricFamily>& families) {
  std::string text;
  for (const MetricFamily& family : families) AppendFamily(family, format, text);
  return text;
}
std::string Text(const std::vector<MetricFamily>& families) {
  return In(MetricsFormat::kText, families);
}
std::string OpenMetrics(const std::vector<MetricFamily>& families) {
  return In(MetricsFormat::kOpenMetrics, families);
}

MetricFamily Gauge(double value) {
  ClientMetric sample;
  sample.gauge.value = value;
  return {"m", "h", MetricType::Gauge, {sample}};
}

std::string Number(double value) {
  const std::string text = Text({Gauge(value)});
  const std::string before = "# HELP m h\n# TYPE m gauge\nm ";
  EXPECT_EQ(text.substr(0, before.size()), before);
  EXPECT_EQ(text.back(), '\n');
  return text.substr(before.size(), text.size() - before.size() - 1);
}

TEST(Exposition, WholeNumbersArePrintedExactlyAndWithoutExponent) {
  EXPECT_EQ(Number(0), "0");
  EXPECT_EQ(Number(-0.0), "0");
  EXPECT_EQ(Number(1), "1");
  EXPECT_EQ(Number(-17), "-17");
  EXPECT_EQ(Number(1e6), "1000000");
  EXPECT_EQ(Number(9007199254740992.0), "9007199254740992");
  EXPECT_EQ(Number(9007199254740994.0), "9007199254740994");
  EXPECT_EQ(Number(-9007199254740994.0), "-9007199254740994");
  EXPECT_EQ(Number(1152921504606846976.0), "1152921504606846976");    // 2^60
  EXPECT_EQ(Number(9223372036854775808.0), "9223372036854775808");    // 2^63
  EXPECT_EQ(Number(18446744073709551616.0), "18446744073709551616");  // 2^64
}

TEST(Exposition, FractionsArePrintedWithTheFewestDigitsThatReadBackTheSame) {
  EXPECT_EQ(Number(1616603816.831077), "1616603816.831077");
  EXPECT_EQ(Number(0.1), "0.1");
  EXPECT_EQ(Number(1.0 / 3), "0.3333333333333333");
  EXPECT_EQ(Number(-2.5), "-2.5");
  EXPECT_EQ(Number(0.000001), "0.000001");
  EXPECT_EQ(Number(1e-9), "1e-09");
  EXPECT_EQ(Number(1e300), "1e+300");
  for (const double value : {123456.789, 5e-324, 1.7976931348623157e308, 0.1 + 0.2, 1e21, 9.99e20,
                             9007199254740991.0, 4503599627370496.5}) {
    EXPECT_EQ(std::strtod(Number(value).c_str(), nullptr), value);
  }
}

TEST(Exposition, InfinitiesAndNanAreSpelledAsPrometheusExpects) {
  EXPECT_EQ(Number(std::numeric_limits<double>::infinity()), "+Inf");
  EXPECT_EQ(Number(-std::numeric_limits<double>::infinity()), "-Inf");
  EXPECT_EQ(Number(std::numeric_limits<double>::quiet_NaN()), "NaN");
}

TEST(Exposition, TheTextFormatEscapesHelpTextsExceptTheirQuotes) {
  MetricFamily family = Gauge(1);
  family.help = "back\\slash, \"quotes\" and\na line";
  EXPECT_EQ(Text({family}),
            "# HELP m back\\\\slash, \"quotes\" and\\na line\n# TYPE m gauge\nm 1\n");
}

TEST(Exposition, OpenMetricsEscapesTheQuotesOfHelpTexts) {
  MetricFamily family = Gauge(1);
  family.help = "back\\slash, \"quotes\" and\na line";
  EXPECT_EQ(OpenMetrics({family}),
            "# HELP m back\\\\slash, \\\"quotes\\\" and\\na line\n# TYPE m gauge\nm 1\n");
}

TEST(Exposition, LabelValuesAreEscaped) {
  MetricFamily family = Gauge(1);
  family.metric[0].label = {{"a", "back\\slash"}, {"b", "\"quotes\""}, {"c", "a\nline"}, {"d", ""}};
  EXPECT_EQ(Text({family}),
            "# HELP m h\n# TYPE m gauge\n"
            "m{a=\"back\\\\slash\",b=\"\\\"quotes\\\"\",c=\"a\\nline\",d=\"\"} 1\n");
}

TEST(Exposition, ACounterIsPrintedWithItsValue) {
  MetricFamily family{"m_total", "h", MetricType::Counter, {ClientMetric{}}};
  family.metric[0].counter.value = 3;
  EXPECT_EQ(Text({family}), "# HELP m_total h\n# TYPE m_total counter\nm_total 3\n");
}

TEST(Exposition, OpenMetricsNamesTheFamilyOfACounterWithoutItsSuffix) {
  MetricFamily family{"m_total", "h", MetricType::Counter, {ClientMetric{}}};
  family.metric[0].counter.value = 3;
  family.metric[0].label = {{"a", "\"quotes\""}};
  EXPECT_EQ(OpenMetrics({family}),
            "# HELP m h\n# TYPE m counter\nm_total{a=\"\\\"quotes\\\"\"} 3\n");
}

TEST(Exposition, FamiliesKeepTheirOrderAndEmptyOnesAreLeftOut) {
  MetricFamily z = Gauge(1);
  z.name = "z";
  z.metric.push_back(z.metric[0]);
  z.metric[0].label = {{"l", "2"}};
  z.metric[1].label = {{"l", "1"}};
  const MetricFamily empty{"empty", "h", MetricType::Gauge, {}};
  MetricFamily a = Gauge(2);
  a.name = "a";
  EXPECT_EQ(Text({z, empty, a}),
            "# HELP z h\n# TYPE z gauge\nz{l=\"2\"} 1\nz{l=\"1\"} 1\n"
            "# HELP a h\n# TYPE a gauge\na 2\n");
  EXPECT_EQ(Text({}), "");
  EXPECT_EQ(OpenMetrics({empty}), "");
}

}  // namespace
}  // namespace backup_exporter
