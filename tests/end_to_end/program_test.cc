// The program as its user meets it: command line, reload, broken input, and Prometheus.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <random>
#include <regex>
#include <set>

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

class Program : public testing::Test {
 protected:
  [[nodiscard]] std::string Path(const std::string& name) const {
    return directory_.path() + "/" + name;
  }
  void Configure(const std::string& text) { directory_.Write("config.yaml", text); }
  [[nodiscard]] ExporterProcess Start() const {
    return ExporterProcess(kProgram, Path("config.yaml"), directory_.path());
  }

  TemporaryDirectory directory_;
};

constexpr const char* kResticprofile =
    "sources:\n  - format: resticprofile\n    path: status.json\n";

TEST_F(Program, PrintsWhatAStatusFileSays) {
  fs::copy_file(fs::path(kTestdataDir) / "resticprofile/self.json", Path("status.json"));
  Configure(kResticprofile);
  const Page page = OncePage(kProgram, Path("config.yaml"));
  EXPECT_EQ(
      page.Find("backup_last_success_timestamp_seconds{backup=\"self\",operation=\"backup\"}"),
      "1616603816.831077");
  EXPECT_EQ(page.Find("backup_last_success_added_bytes{backup=\"self\"}"), "296536447");
  EXPECT_EQ(
      page.Find("backup_last_run_result{backup=\"self\",operation=\"check\",result=\"failure\"}"),
      "1");
}

TEST_F(Program, SaysItsVersion) {
  EXPECT_TRUE(
      std::regex_search(OutputOf({kProgram, "--version"}),
                        std::regex("^backup_exporter [0-9]+\\.[0-9]+\\.[0-9]+ \\(revision ")));
}

TEST_F(Program, TellsEveryMistakeOfAConfigurationAtOnce) {
  Configure(
      "sources:\n  - fromat: restic\n    path: 7x/*.jsonl\n  - format: rustic\n    path: "
      "a\nmonitor: []\n");
  EXPECT_EQ(RunProcess({kProgram, "--config.check", "--config.file=" + Path("config.yaml")},
                       {.errors = Path("errors")}),
            2);
  const std::string errors = ReadText(Path("errors"));
  for (const char* place : {"config.yaml:2:5: ", "config.yaml:4:13: ", "config.yaml:6:1: "}) {
    EXPECT_NE(errors.find(place), std::string::npos) << place << "\n" << errors;
  }
}

TEST_F(Program, SaysWhatToDoAboutAMissingConfiguration) {
  EXPECT_EQ(
      RunProcess({kProgram, "--config.file=" + Path("nowhere.yaml")}, {.errors = Path("errors")}),
      2);
  EXPECT_NE(ReadText(Path("errors")).find("--config.file"), std::string::npos);
}

TEST_F(Program, ReloadsOnHangupAndKeepsTheOldConfigurationOnAMistake) {
  fs::copy_file(fs::path(kTestdataDir) / "resticprofile/self.json", Path("status.json"));
  fs::copy_file(fs::path(kTestdataDir) / "resticprofile/documented.json", Path("other.json"));
  Configure(kResticprofile);
  ExporterProcess exporter = Start();
  const auto shows = [&](const std::string& backup) {
    return exporter.Scrape()
        .Find("backup_runs_total{backup=\"" + backup + "\",operation=\"backup\"}")
        .has_value();
  };
  EXPECT_TRUE(shows("self"));

  Configure("sources:\n  - format: nonsense\n");
  exporter.process().Signal(SIGHUP);
  EXPECT_TRUE(Eventually([&] {
    return exporter.Scrape().Number("backup_exporter_config_last_reload_successful") == 0;
  }));
  EXPECT_TRUE(shows("self"));

  // A backup that leaves the configuration is gone, and back with it.
  Configure("sources:\n  - format: resticprofile\n    path: other.json\n");
  exporter.process().Signal(SIGHUP);
  EXPECT_TRUE(Eventually([&] { return shows("web") && !shows("self"); }));
  EXPECT_EQ(exporter.Scrape().Number("backup_exporter_config_last_reload_successful"), 1);
  Configure(kResticprofile);
  exporter.process().Signal(SIGHUP);
  EXPECT_TRUE(Eventually([&] { return shows("self") && !shows("web"); }));
  EXPECT_EQ(exporter.Stop(), 0);
}

TEST_F(Program, ServesIpv4AndIpv6) {
  Configure(kResticprofile);
  ExporterProcess both(kProgram, Path("config.yaml"), directory_.path(),
                       {"--web.listen-address=[::1]:0"});
  std::smatch port;
  const std::string log = ReadText(Path("log"));
  ASSERT_TRUE(std::regex_search(log, port, std::regex(R"(\[::1\]:0 \(port ([0-9]+)\))"))) << log;
  Connection six(std::stoi(port[1]), "::1");
  ASSERT_TRUE(six.open());
  six.Send("GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(ParseReply(six.ReadToEnd()).status, 200);
  EXPECT_EQ(Get(both.port(), "/-/healthy").status, 200);
  EXPECT_EQ(Get(both.port(), "/").status, 200);
}

// Files as they are found after crashes, full disks and copies of anything: cut at every byte, and
// random bytes.
TEST_F(Program, IsNeitherStoppedNorTurnedGreenByBrokenInput) {
  fs::create_directories(Path("logs"));
  fs::create_directories(Path("profiles"));
  Configure(
      "sources:\n  - format: restic\n    path: logs/*.jsonl\n    backup: home\n"
      "  - format: resticprofile\n    path: profiles/*.json\n    backup: \"{profile}\"\n");
  const std::string good =
      ReadText(std::string(kTestdataDir) + "/restic/0.18-documented/backup-success.stdout.jsonl");
  const std::string status = ReadText(std::string(kTestdataDir) + "/resticprofile/self.json");
  directory_.Write("logs/good.jsonl", good);
  directory_.Write("profiles/good.json", status);
  ExporterProcess exporter = Start();
  const auto last_success = [&exporter] {
    const Page page = exporter.Scrape();
    return std::pair(
        page.Find("backup_last_success_timestamp_seconds{backup=\"home\",operation=\"backup\"}"),
        page.Find("backup_last_success_timestamp_seconds{backup=\"self\",operation=\"backup\"}"));
  };
  const auto before = last_success();
  ASSERT_TRUE(before.first && before.second);
  ASSERT_NE(*before.first, "0");
  const auto errors = [&exporter](const std::string& source) {
    return exporter.Scrape().Number("backup_source_parse_errors_total{source=\"" + source + "\"}");
  };

  // Every cut is a file of its own; the success in it, where it is whole, is the one known already.
  for (std::size_t cut = 0; cut < good.size(); ++cut) {
    directory_.Write("logs/cut-" + std::to_string(cut) + ".jsonl", good.substr(0, cut) + "\n");
  }
  for (std::size_t cut = 0; cut < status.size(); cut += 7) {
    directory_.Write("profiles/cut-" + std::to_string(cut) + ".json", status.substr(0, cut));
  }
  std::mt19937 random(1);
  for (int i = 0; i < 50; ++i) {
    std::string noise(4096, '\0');
    for (char& byte : noise) byte = static_cast<char>(random());
    directory_.Write("logs/noise-" + std::to_string(i) + ".jsonl",
                     noise + "\n{\"message_type\":\"summary\",\n");
    directory_.Write("profiles/noise-" + std::to_string(i) + ".json", noise);
  }
  EXPECT_TRUE(Eventually([&] { return errors("restic") > 100 && errors("resticprofile") > 100; }))
      << errors("restic") << " " << errors("resticprofile");
  EXPECT_EQ(last_success(), before);
  EXPECT_EQ(exporter.Scrape().Number("backup_source_up{source=\"resticprofile\"}"), 0);
  EXPECT_EQ(exporter.Scrape().Number("backup_source_up{source=\"restic\"}"), 1);
  EXPECT_EQ(exporter.Stop(), 0);
  const std::regex place(
      "source restic: \\S+\\.jsonl: [0-9]+ of its records could not be understood, the first at "
      "byte [0-9]+");
  const std::string log = ReadText(Path("log"));
  const auto lines = std::distance(std::sregex_iterator(log.begin(), log.end(), place), {});
  EXPECT_GE(lines, 1);
  EXPECT_LT(lines, 20) << "one a minute: " << log;
}

// Of which several parts are left aside: the page accounts for each record once
// (Page::NotConserved).
TEST_F(Program, CountsARecordOnceHoweverManyOfItsPartsAreLeftAside) {
  Configure(
      "sources:\n  - {format: restic, path: home.jsonl}\n"
      "  - {format: resticprofile, path: status.json}\n");
  const std::string torn = R"({"message_type":"status","percent_done":0.5,"files_do)";
  directory_.Write("home.jsonl", torn + torn + R"({"message_type":"of_tomorrow","a":1})" + "\n");
  directory_.Write("status.json", R"({"profiles":{"a":{"new":{},"newer":{},"backup":1},"b":1}})");
  const Page page = OncePage(kProgram, Path("config.yaml"));
  for (const char* source : {"restic", "resticprofile"}) {
    EXPECT_EQ(page.Number(fmt::format("backup_source_records_total{{source=\"{}\"}}", source)), 1);
    EXPECT_EQ(page.Number(fmt::format("backup_source_parse_errors_total{{source=\"{}\"}}", source)),
              1);
  }
}

// What a page says, except what differs from one scrape to the next.
std::vector<std::string> Parsed(const std::string& page, MetricsFormat format) {
  std::vector<std::string> parsed = ParsedPage(page, format);
  std::erase_if(parsed, [](const std::string& line) {
    return line.starts_with("[\"backup_exporter_scrape_duration_seconds\", {") ||
           line.starts_with("[\"backup_source_look_timestamp_seconds\", {") ||
           line.starts_with("[\"backup_source_last_read_timestamp_seconds\", {") ||
           line.starts_with("[\"backup_exporter_ledger_commit_timestamp_seconds\", {");
  });
  return parsed;
}

TEST_F(Program, ShowsItsDemonstrationAlikeInEveryForm) {
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

// Debian's Prometheus scrapes the page, and every family on it can be asked for.
TEST_F(Program, IsScrapedByPrometheusInFull) {
  fs::copy_file(fs::path(kTestdataDir) / "resticprofile/documented.json", Path("status.json"));
  Configure(kResticprofile);
  ExporterProcess exporter = Start();
  const std::string page = exporter.Scrape().text();
  directory_.Write("page.prom", page);
  EXPECT_EQ(OutputOf({"sh", "-c", "promtool check metrics < '" + Path("page.prom") + "' 2>&1"}),
            "");

  const FaultyServer service([](const FaultyServer::Request&) { return FaultyServer::Reply{}; });
  PrometheusServer prometheus(directory_,
                              {{"backups", exporter.port()}, {"service", service.port()}});
  ASSERT_TRUE(Eventually([&] {
    const auto up = prometheus.Ask("up{job=\"backups\"}");
    return up.size() == 1 && up[0]["value"][1] == "1";
  })) << ReadText(Path("prometheus.log"));
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

  // In OpenMetrics, where the family of a counter has another name, and compressed.
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
