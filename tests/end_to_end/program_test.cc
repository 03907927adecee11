// The program as an administrator uses it: command line, reload, addresses, broken input.
//
// Labels: threads

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <random>
#include <regex>

#include "base/time.h"
#include "kit/exporter_process.h"
#include "kit/http_client.h"
#include "kit/paths.h"
#include "kit/process.h"
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

TEST_F(Program, OncePrintsTheMetricsOfAStatusFile) {
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

TEST_F(Program, TheVersionIsPrinted) {
  EXPECT_TRUE(
      std::regex_search(OutputOf({kProgram, "--version"}),
                        std::regex("^backup_exporter [0-9]+\\.[0-9]+\\.[0-9]+ \\(revision ")));
}

TEST_F(Program, EveryMistakeInAConfigurationIsReportedAtOnce) {
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

TEST_F(Program, AMissingConfigurationIsReportedWithTheFlagToSet) {
  EXPECT_EQ(
      RunProcess({kProgram, "--config.file=" + Path("nowhere.yaml")}, {.errors = Path("errors")}),
      2);
  EXPECT_NE(ReadText(Path("errors")).find("--config.file"), std::string::npos);
}

TEST_F(Program, SighupReloadsAndAMistakeKeepsTheOldConfiguration) {
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

  // A backup disappears when it is removed from the configuration, and returns with it.
  Configure("sources:\n  - format: resticprofile\n    path: other.json\n");
  exporter.process().Signal(SIGHUP);
  EXPECT_TRUE(Eventually([&] { return shows("web") && !shows("self"); }));
  EXPECT_EQ(exporter.Scrape().Number("backup_exporter_config_last_reload_successful"), 1);
  Configure(kResticprofile);
  exporter.process().Signal(SIGHUP);
  EXPECT_TRUE(Eventually([&] { return shows("self") && !shows("web"); }));
  EXPECT_EQ(exporter.Stop(), 0);
}

TEST_F(Program, Ipv4AndIpv6AreServed) {
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

// Compares the page with what the kernel reports for the running process.
TEST_F(Program, TheStandardProcessMetricsDescribeTheRunningProcess) {
  fs::copy_file(fs::path(kTestdataDir) / "resticprofile/self.json", Path("status.json"));
  Configure(kResticprofile);
  const double before = ToSeconds(SystemClock().Now());
  ExporterProcess exporter = Start();
  const Page page = exporter.Scrape();
  const pid_t pid = exporter.process().pid();
  EXPECT_NEAR(page.Number("process_open_fds"), static_cast<double>(OpenFiles(pid)), 5);
  EXPECT_GE(page.Number("process_max_fds"), page.Number("process_open_fds"));
  const double resident = page.Number("process_resident_memory_bytes");
  EXPECT_GT(resident, 1'000'000);
  EXPECT_LE(resident, 1024 * static_cast<double>(Kilobytes(pid, "VmHWM")) * 1.5);
  EXPECT_GT(page.Number("process_virtual_memory_bytes"), resident);
  EXPECT_GT(page.Number("process_virtual_memory_max_bytes"), 0);
  // The kernel's boot time is in whole seconds.
  const double started = page.Number("process_start_time_seconds");
  EXPECT_NEAR(started, before, 60);
  const double cpu = page.Number("process_cpu_seconds_total");
  EXPECT_GE(cpu, 0);
  EXPECT_TRUE(Eventually([&] {
    return exporter.Scrape().Number("process_cpu_seconds_total") > cpu;
  })) << "the next scrape reads the values again";
  EXPECT_EQ(exporter.Scrape().Number("process_start_time_seconds"), started);
  EXPECT_EQ(exporter.Stop(), 0);
}

// Its page goes to other exporters, which have process metrics of their own.
TEST_F(Program, OncePrintsNoProcessMetrics) {
  Configure(kResticprofile);
  EXPECT_EQ(OncePage(kProgram, Path("config.yaml")).text().find("process_"), std::string::npos);
}

// Files as crashes, full disks and stray copies leave them: cut at every byte, and random bytes.
TEST_F(Program, BrokenInputNeitherStopsTheProgramNorLooksLikeASuccess) {
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

  // Every cut is a file of its own. If it contains a whole success, that success is known already.
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
  EXPECT_LT(lines, 20) << "at most one line a minute: " << log;
}

// Several parts of these records are ignored, but the page counts each record once
// (Page::NotConserved).
TEST_F(Program, ARecordIsCountedOnceHoweverManyOfItsPartsAreIgnored) {
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

}  // namespace
}  // namespace backup_exporter
