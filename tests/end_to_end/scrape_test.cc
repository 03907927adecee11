// Scrapes of the program in every form, by an HTTP client, curl and Prometheus.

#include <gtest/gtest.h>

#include <filesystem>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "kit/exporter_process.h"
#include "kit/faulty_server.h"
#include "kit/gunzip.h"
#include "kit/http_client.h"
#include "kit/parsed_page.h"
#include "kit/paths.h"
#include "kit/process.h"
#include "kit/prometheus_server.h"
#include "kit/temporary_directory.h"

namespace backup_exporter {
namespace {

namespace fs = std::filesystem;

// The families and samples of a page, except the values that differ from scrape to scrape.
std::vector<std::string> Parsed(const std::string& page, MetricsFormat format) {
  std::vector<std::string> parsed = ParsedPage(page, format);
  std::erase_if(parsed, [](const std::string& line) {
    return line.starts_with("[\"process_cpu_seconds_total\", {") ||
           line.starts_with("[\"process_open_fds\", {") ||
           line.starts_with("[\"process_virtual_memory_bytes\", {") ||
           line.starts_with("[\"process_resident_memory_bytes\", {") ||
           line.starts_with("[\"backup_exporter_scrape_duration_seconds\", {") ||
           line.starts_with("[\"backup_source_look_timestamp_seconds\", {") ||
           line.starts_with("[\"backup_source_last_read_timestamp_seconds\", {") ||
           line.starts_with("[\"backup_exporter_ledger_commit_timestamp_seconds\", {");
  });
  return parsed;
}

class ScrapeTest : public testing::Test {
 protected:
  TemporaryDirectory directory_;
};

TEST_F(ScrapeTest, TheDemonstrationHasTheSameValuesInEveryForm) {
  ExporterProcess exporter(kProgram, std::string(kTestdataDir) + "/demo/demo.yaml",
                           directory_.path());
  const std::string open_metrics = "Accept: application/openmetrics-text;version=1.0.0";
  const auto text = Parsed(exporter.Scrape().text(), MetricsFormat::kText);
  EXPECT_GT(text.size(), 200U);
  const HttpReply plain = Get(exporter.port(), "/metrics", open_metrics + "\r\n");
  EXPECT_EQ(Parsed(plain.body, MetricsFormat::kOpenMetrics), text);
  const HttpReply compressed =
      Get(exporter.port(), "/metrics", open_metrics + "\r\nAccept-Encoding: gzip\r\n");
  EXPECT_EQ(compressed.headers.at("content-encoding"), "gzip");
  EXPECT_EQ(Parsed(Gunzip(compressed.body).value_or(""), MetricsFormat::kOpenMetrics), text);
  const std::string by_curl =
      OutputOf({"curl", "-sSf", "--compressed", "-H", open_metrics,
                "http://127.0.0.1:" + std::to_string(exporter.port()) + "/metrics"});
  EXPECT_EQ(Parsed(by_curl, MetricsFormat::kOpenMetrics), text);
}

// Debian's Prometheus scrapes the page, and can query every family on it.
TEST_F(ScrapeTest, PrometheusScrapesEveryFamily) {
  fs::copy_file(fs::path(kTestdataDir) / "resticprofile/documented.json",
                directory_ / "status.json");
  directory_.Write("config.yaml", "sources:\n  - format: resticprofile\n    path: status.json\n");
  ExporterProcess exporter(kProgram, directory_ / "config.yaml", directory_.path());
  const std::string page = exporter.Scrape().text();
  directory_.Write("page.prom", page);
  EXPECT_EQ(
      OutputOf({"sh", "-c", "promtool check metrics < '" + (directory_ / "page.prom") + "' 2>&1"}),
      "");

  const FaultyServer service([](const FaultyServer::Request&) { return FaultyServer::Reply{}; });
  PrometheusServer prometheus(directory_,
                              {{"backups", exporter.port()}, {"service", service.port()}});
  ASSERT_TRUE(Eventually([&] {
    const auto up = prometheus.Ask("up{job=\"backups\"}");
    return up.size() == 1 && up[0]["value"][1] == "1";
  })) << ReadText(directory_ / "prometheus.log");
  std::set<std::string> families;
  const std::regex type("# TYPE ([a-z_]+) ");
  for (std::sregex_iterator match(page.begin(), page.end(), type), end; match != end; ++match) {
    families.insert((*match)[1]);
  }
  EXPECT_GT(families.size(), 40U);
  for (const std::string& family : families) {
    EXPECT_FALSE(prometheus.Ask(family).empty()) << family;
  }
  const auto value =
      prometheus.Ask("backup_last_success_timestamp_seconds{backup=\"web\",operation=\"backup\"}");
  EXPECT_EQ(value[0]["metric"]["instance"], "127.0.0.1:" + std::to_string(exporter.port()));

  // Prometheus asks for OpenMetrics, in which counters have another family name, and for gzip.
  const auto metadata = prometheus.Get("targets/metadata", {{"metric", "backup_runs"}});
  EXPECT_EQ(metadata["data"][0]["type"], "counter") << metadata;
  ASSERT_TRUE(service.AwaitRequests(1));
  const FaultyServer::Request request = service.Requests().at(0);
  const std::string accepted = request.Header("accept");
  const HttpReply reply = Get(
      exporter.port(), "/metrics",
      "Accept: " + accepted + "\r\nAccept-Encoding: " + request.Header("accept-encoding") + "\r\n");
  EXPECT_EQ(reply.headers.at("content-type"),
            "application/openmetrics-text; version=1.0.0; charset=utf-8")
      << accepted;
  EXPECT_EQ(reply.headers.at("content-encoding"), "gzip");
  EXPECT_EQ(prometheus.Stop(), 0);
}

}  // namespace
}  // namespace backup_exporter
