#include "web/negotiation.h"

#include <gtest/gtest.h>

#include <string>

namespace backup_exporter {
namespace {

constexpr auto kText = MetricsFormat::kText;
constexpr auto kOpenMetrics = MetricsFormat::kOpenMetrics;

struct FormatCase {
  std::string_view accept;
  MetricsFormat format;
};

void ExpectFormats(std::initializer_list<FormatCase> cases) {
  for (const FormatCase& c : cases) {
    EXPECT_EQ(NegotiatedForm(c.accept, "").format, c.format) << c.accept;
  }
}

struct CodingCase {
  std::string_view accept_encoding;
  bool gzip;
};

void ExpectCodings(std::initializer_list<CodingCase> cases) {
  for (const CodingCase& c : cases) {
    EXPECT_EQ(NegotiatedForm("", c.accept_encoding).gzip, c.gzip) << c.accept_encoding;
  }
}

TEST(Negotiation, RealClientsGetTheFormatThatTheyPrefer) {
  ExpectFormats({
      // Prometheus 2.42, and Grafana Agent, which is built from it.
      {"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;"
       "q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
       kOpenMetrics},
      // Prometheus 2.53 with native histograms.
      {"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;"
       "q=0.6,application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;"
       "version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
       kOpenMetrics},
      // Prometheus 3.
      {"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
       "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;"
       "escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
       kOpenMetrics},
      // The same with `PrometheusText0.0.4` as the first of its scrape protocols.
      {"text/plain;version=0.0.4;q=0.6,application/openmetrics-text;version=1.0.0;"
       "escaping=allow-utf-8;q=0.5,*/*;q=0.2",
       kText},
      // Older versions of Prometheus 2, which do not support 1.0.0.
      {"application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
       kText},
      // Prometheus 1.
      {"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;"
       "q=0.7,text/plain;version=0.0.4;q=0.3,application/json;schema=\"prometheus/telemetry\";"
       "version=0.0.2;q=0.2,*/*;q=0.1",
       kText},
      {"text/plain;version=0.0.4;q=1,*/*;q=0.1", kText},  // VictoriaMetrics
      {"*/*", kText},                                     // curl
      {"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
       kText},  // Firefox
      {"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;"
       "q=0.8,application/signed-exchange;v=b3;q=0.7",
       kText},                                                          // Chromium
      {"text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", kText},  // Java
  });
  ExpectCodings({
      {"gzip", true},                     // Prometheus
      {"deflate, gzip, br, zstd", true},  // curl --compressed, browsers
      {"gzip, x-gzip, deflate", true},    // Java
      {"identity", false},                // Python's urllib
  });
}

TEST(Negotiation, TheHigherQualityWins) {
  ExpectFormats({
      {"application/openmetrics-text;version=1.0.0;q=0.501,text/plain;q=0.5", kOpenMetrics},
      {"application/openmetrics-text;version=1.0.0;q=0.499,text/plain;q=0.5", kText},
      {"application/openmetrics-text;version=1.0.0;q=0.001", kOpenMetrics},
      {"application/openmetrics-text;version=1.0.0;q=0", kText},
      {"application/openmetrics-text;version=1.0.0;q=0.000", kText},
      {"text/plain;q=0, application/openmetrics-text;version=1.0.0;q=0.1", kOpenMetrics},
      {"text/plain, application/openmetrics-text;version=1.0.0;q=1.000", kText},  // equal quality
      {"application/openmetrics-text;version=1.0.0, text/plain", kText},
  });
  ExpectCodings({{"gzip;q=0.5, identity;q=0.4", true},
                 {"gzip;q=0.4, identity;q=0.5", false},
                 {"gzip;q=0.4, identity", false},
                 {"identity, gzip", true},
                 {"gzip;q=0.001", true},
                 {"gzip;q=0", false},
                 {"gzip;q=0.0", false}});
}

TEST(Negotiation, TheMostSpecificRangeDecides) {
  ExpectFormats({
      {"application/*", kOpenMetrics},
      {"application/*, text/*;q=0.9", kOpenMetrics},
      {"application/*;q=0.9, text/*", kText},
      {"*/*;q=0.1, application/*;q=0.2", kOpenMetrics},
      {"*/*, application/*;q=0.2", kText},
      {"application/openmetrics-text", kOpenMetrics},
      {"application/openmetrics-text;q=0, application/*", kText},
      {"application/openmetrics-text;version=1.0.0;q=0.1, application/openmetrics-text, "
       "text/plain;q=0.5",
       kText},
      {"*/*;q=0.1, application/openmetrics-text;version=1.0.0;q=0", kText},
      {"*/*, text/plain;q=0.5", kOpenMetrics},
      {"*/*, text/plain;version=1.0.0;q=0.5", kText},
      {"*/*, text/plain;version=0.0.4;q=0.5", kOpenMetrics},
  });
  ExpectCodings({{"*", true},
                 {"*;q=0.5", true},
                 {"*, gzip;q=0", false},
                 {"*;q=0, gzip", true},
                 {"gzip;q=0.5, *;q=0.8", false},  // * includes identity
                 {"gzip;q=0.5, *;q=0.8, identity;q=0.1", true},
                 {"br, *;q=0.1", true}});
}

TEST(Negotiation, PlainTextIsServedIfNothingOnOfferIsAcceptable) {
  ExpectFormats({
      {"", kText},
      {"application/openmetrics-text;version=2.0.0", kText},
      {"application/openmetrics-text;version=2.0.0, */*;q=0.1", kText},
      {"application/openmetrics-text;version=0.0.1", kText},
      {"application/json", kText},
      {"*/*;q=0", kText},
      {"text/plain;q=0", kText},
  });
  ExpectCodings({{"", false},
                 {"br", false},
                 {"*;q=0", false},
                 {"gzip;q=0, identity;q=0", false},
                 {"br, identity;q=0.5", false}});
}

TEST(Negotiation, GzipIsServedIfIdentityIsRefused) {
  ExpectCodings({{"identity;q=0", true}, {"identity;q=0, *", true}, {"br, identity;q=0", true}});
}

TEST(Negotiation, CaseSpacesAndQuotesDoNotMatter) {
  ExpectFormats({
      {"Application/OpenMetrics-Text;Version=1.0.0", kOpenMetrics},
      {" application/openmetrics-text ;\tversion=1.0.0 ; Q=0.7 ,, text/plain;q=0.5,", kOpenMetrics},
      {"application/openmetrics-text;version=\"1.0.0\";charset=utf-8", kOpenMetrics},
      {"application/openmetrics-text;q=0.7;version=1.0.0,text/plain;q=0.8", kText},
      {"application/openmetrics-text;q=0.7;version=2.0.0", kText},
      {R"(text/plain;a="b,*/*;q=0;c=\",";q=0.2,application/openmetrics-text;q=0.3)", kOpenMetrics},
  });
  ExpectCodings({{"GZip", true}, {"X-GZIP;Q=0.3", true}, {" ,gzip ; q=0.5 ,", true}});
}

TEST(Negotiation, MalformedMembersAreIgnored) {
  for (const std::string_view quality :
       {"", "2", "1.001", "1.5", "-1", "+1", "0.1234", "1.", "high", "0,5", "0.5x", ".5", "00.5",
        "\"1\"", "1e0", "NaN"}) {
    const bool proper = quality == "1.";  // allowed by the grammar
    const std::string weight = ";q=" + std::string(quality);
    EXPECT_EQ(NegotiatedForm("application/openmetrics-text;version=1.0.0" + weight, "").format,
              proper ? kOpenMetrics : kText)
        << quality;
    EXPECT_EQ(NegotiatedForm("", "gzip" + weight).gzip, proper) << quality;
  }
  ExpectFormats({
      {";", kText},
      {",,,", kText},
      {"=;=,=", kText},
      {";version=1.0.0", kText},
      {"application", kText},
      {"/", kText},
      {"*", kText},
      {"*/openmetrics-text", kText},
      {"\"application/openmetrics-text", kText},
      {"text/plain;a=\"\\", kText},
      {"\xFF\xFE, application/openmetrics-text;version=1.0.0", kOpenMetrics},
      {"application/openmetrics-text;version", kOpenMetrics},
      {"application/openmetrics-text;version=\"", kText},
  });
  ExpectCodings({{";q=1", false}, {"gzip deflate", false}, {"gzipped", false}, {"=", false}});
}

}  // namespace
}  // namespace backup_exporter
