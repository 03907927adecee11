#include "web/pages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>

namespace backup_exporter {
namespace {

using ::testing::HasSubstr;

// The value of a header; empty if it is absent.
std::string Header(const Response& response, std::string_view name) {
  const auto found =
      std::ranges::find(response.headers, name, &std::pair<std::string_view, std::string>::first);
  return found == response.headers.end() ? "" : found->second;
}

class PagesTest : public testing::Test {
 protected:
  Response Ask(std::string_view method, std::string_view path, std::string_view accept = {},
               std::string_view accept_encoding = {}) const {
    return Answer({method, path, accept, accept_encoding}, options, content, Time());
  }

  bool ready = false;
  MetricsForm asked;  // the form of the last request for metrics
  WebOptions options;
  WebContent content{.metrics =
                         [this](MetricsForm form) {
                           asked = form;
                           return MetricsBody{std::make_shared<std::string>("a 1\n"), "b 2\n"};
                         },
                     .standings = [] { return std::make_shared<const Standings>(); },
                     .sources = [] { return std::map<std::string, SourceStatus>(); },
                     .ready = [this] { return ready; }};
};

TEST_F(PagesTest, MetricsAreServedAsPlainTextByDefault) {
  const Response response = Ask("GET", "/metrics");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(Header(response, "Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(*response.body.backups, "a 1\n");
  EXPECT_EQ(response.body.rest, "b 2\n");
  EXPECT_EQ(asked.format, MetricsFormat::kText);
  EXPECT_FALSE(asked.gzip);
  EXPECT_EQ(Header(response, "Content-Encoding"), "");
}

TEST_F(PagesTest, MetricsAreServedInThePreferredForm) {
  const std::string_view open_metrics = "application/openmetrics-text;version=1.0.0, */*;q=0.1";
  Response response = Ask("GET", "/metrics", open_metrics);
  EXPECT_EQ(Header(response, "Content-Type"),
            "application/openmetrics-text; version=1.0.0; charset=utf-8");
  EXPECT_EQ(Header(response, "Content-Encoding"), "");
  EXPECT_EQ(asked.format, MetricsFormat::kOpenMetrics);
  EXPECT_FALSE(asked.gzip);

  response = Ask("GET", "/metrics", open_metrics, "gzip");
  EXPECT_EQ(Header(response, "Content-Type"),
            "application/openmetrics-text; version=1.0.0; charset=utf-8");
  EXPECT_EQ(Header(response, "Content-Encoding"), "gzip");
  EXPECT_EQ(asked.format, MetricsFormat::kOpenMetrics);
  EXPECT_TRUE(asked.gzip);

  response = Ask("HEAD", "/metrics", "*/*", "gzip");
  EXPECT_EQ(Header(response, "Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(Header(response, "Content-Encoding"), "gzip");
  EXPECT_EQ(asked.format, MetricsFormat::kText);
  EXPECT_TRUE(asked.gzip);
}

TEST_F(PagesTest, TheVaryHeaderNamesWhatTheFormOfTheMetricsDependsOn) {
  for (const std::string_view encoding : {"", "gzip", "identity"}) {
    for (const std::string_view accept : {"", "*/*", "application/*", "nonsense"}) {
      EXPECT_EQ(Header(Ask("GET", "/metrics", accept, encoding), "Vary"),
                "Accept, Accept-Encoding");
    }
  }
}

TEST_F(PagesTest, OtherPagesHaveOneFormOnly) {
  for (const std::string_view path : {"/", "/-/healthy", "/-/ready", "/nothing"}) {
    const Response plain = Ask("GET", path);
    const Response response = Ask("GET", path, "application/*", "gzip");
    EXPECT_EQ(response.headers, plain.headers);
    EXPECT_EQ(response.body.rest, plain.body.rest);
    EXPECT_EQ(Header(response, "Vary"), "");
  }
}

TEST_F(PagesTest, TheLandingPageHasAPolicyThatForbidsScripts) {
  const Response response = Ask("GET", "/");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(Header(response, "Content-Type"), "text/html; charset=utf-8");
  EXPECT_EQ(Header(response, "Content-Security-Policy"),
            "default-src 'none'; style-src 'unsafe-inline'");
  EXPECT_THAT(response.body.rest, HasSubstr("href=\"/metrics\""));
}

TEST_F(PagesTest, TheHealthCheckSucceedsAsSoonAsTheServerAnswers) {
  const Response response = Ask("GET", "/-/healthy");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body.rest, "backup_exporter is healthy.\n");
  EXPECT_EQ(Header(response, "Content-Type"), "text/plain; charset=utf-8");
}

TEST_F(PagesTest, TheReadinessCheckSucceedsOnceAllSourcesWereRead) {
  EXPECT_EQ(Ask("GET", "/-/ready").status, 503);
  EXPECT_TRUE(Ask("GET", "/-/ready").body.rest.starts_with("not ready: "));
  ready = true;
  EXPECT_EQ(Ask("GET", "/-/ready").status, 200);
}

TEST_F(PagesTest, OnlyExactPathsAreFound) {
  for (const std::string_view path :
       {"", "/metrics/", "/metrics/x", "/metricsx", "//metrics", "/./metrics", "/%6detrics",
        "/metrics%00", "/Metrics", "/-/", "/-/health", "/-/healthy/", "/../../etc/passwd",
        "/..%2f..%2fetc/passwd", "metrics", "*"}) {
    EXPECT_EQ(Ask("GET", path).status, 404) << path;
  }
}

TEST_F(PagesTest, OnlyGetAndHeadAreAllowed) {
  for (const std::string_view path : {"/", "/metrics", "/-/healthy", "/-/ready"}) {
    for (const std::string_view method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "get", ""}) {
      const Response response = Ask(method, path);
      EXPECT_EQ(response.status, 405) << method << path;
      EXPECT_EQ(Header(response, "Allow"), "GET, HEAD");
    }
  }
  EXPECT_EQ(Ask("POST", "/nothing").status, 404);
}

TEST_F(PagesTest, HeadIsAnsweredLikeGet) {
  for (const std::string_view path : {"/", "/metrics", "/-/healthy", "/-/ready", "/nothing"}) {
    const Response head = Ask("HEAD", path);
    const Response get = Ask("GET", path);
    EXPECT_EQ(head.status, get.status);
    EXPECT_EQ(head.headers, get.headers);
    EXPECT_EQ(head.body.rest, get.body.rest);
  }
}

TEST_F(PagesTest, NoPageMayBeSniffedOrCached) {
  for (const std::string_view path : {"/", "/metrics", "/-/healthy", "/-/ready", "/nothing"}) {
    EXPECT_EQ(Header(Ask("GET", path), "X-Content-Type-Options"), "nosniff") << path;
    EXPECT_EQ(Header(Ask("GET", path), "Cache-Control"), "no-store") << path;
  }
}

TEST_F(PagesTest, TheMetricsAreAtTheConfiguredPath) {
  options.telemetry_path = "/other";
  EXPECT_EQ(*Ask("GET", "/other").body.backups, "a 1\n");
  EXPECT_EQ(Ask("GET", "/metrics").status, 404);
  EXPECT_THAT(Ask("GET", "/").body.rest, HasSubstr("href=\"/other\""));
  options.telemetry_path = "/";
  EXPECT_EQ(*Ask("GET", "/").body.backups, "a 1\n");
}

TEST_F(PagesTest, EveryStatusHasAReasonPhrase) {
  for (const int status : {200, 404, 405, 500, 503}) EXPECT_FALSE(StatusText(status).empty());
}

}  // namespace
}  // namespace backup_exporter
