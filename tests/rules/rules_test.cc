// The files that users install beside the program: rules, their tests, the runbook and
// Alertmanager's configuration. They are checked with Prometheus's own tools and against each
// other. Metric names in them, in the dashboards and in the README are checked against the table of
// metrics.

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "kit/paths.h"
#include "kit/process.h"
#include "kit/temporary_directory.h"
#include "metrics/families.h"

namespace backup_exporter {
namespace {

namespace fs = std::filesystem;
using Names = std::set<std::string>;

constexpr const char* kRunbook =
    "https://github.com/backup-exporter/backup_exporter/blob/main/rules/RUNBOOK.md#";

std::string Path(const std::string& name) { return std::string(kSourceDir) + "/" + name; }

std::vector<std::string> FilesIn(const std::string& folder, const std::string& extension) {
  std::vector<std::string> files;
  if (!fs::exists(Path(folder))) return files;
  for (const auto& entry : fs::recursive_directory_iterator(Path(folder))) {
    if (entry.path().extension() == extension) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

// Fails the test, with the output of the command, unless its exit code is 0.
void ExpectSuccess(const std::vector<std::string>& command) {
  const TemporaryDirectory directory;
  const std::string output = directory.path() + "/output";
  const int code = RunProcess(command, {.output = output, .errors = "&1"});
  EXPECT_EQ(code, 0) << ReadText(output) << "(is " << command.front()
                     << " there? scripts/test fetches it)";
}

std::vector<YAML::Node> Rules() {
  std::vector<YAML::Node> rules;
  for (const YAML::Node& group : YAML::LoadFile(Path("rules/backup.rules.yml"))["groups"]) {
    for (const YAML::Node& rule : group["rules"]) rules.push_back(rule);
  }
  return rules;
}

// The names of all alerts (kind `alert`) or recording rules (kind `record`).
Names NamesOf(const std::string& kind) {
  Names names;
  for (const YAML::Node& rule : Rules()) {
    if (rule[kind]) names.insert(rule[kind].as<std::string>());
  }
  return names;
}

TEST(Rules, PromtoolAcceptsTheRules) {
  ExpectSuccess({"promtool", "check", "rules", Path("rules/backup.rules.yml")});
}

TEST(Rules, ThePromtoolTestsOfTheRulesPass) {
  std::vector<std::string> command{"promtool", "test", "rules"};
  for (const std::string& file : FilesIn("rules/tests", ".yml")) command.push_back(file);
  ExpectSuccess(command);
}

TEST(Rules, EveryAlertHasATestInWhichItFiresAndOneInWhichItIsSilent) {
  Names fire;
  Names silent;
  for (const std::string& file : FilesIn("rules/tests", ".yml")) {
    for (const YAML::Node& scenario : YAML::LoadFile(file)["tests"]) {
      for (const YAML::Node& look : scenario["alert_rule_test"]) {
        (look["exp_alerts"] ? fire : silent).insert(look["alertname"].as<std::string>());
      }
    }
  }
  EXPECT_EQ(fire, NamesOf("alert"));
  silent.insert("BackupWatchdog");  // always fires
  EXPECT_EQ(silent, NamesOf("alert"));
}

TEST(Rules, EveryAlertHasASeverityADescriptionAndARunbookLink) {
  for (const YAML::Node& rule : Rules()) {
    if (!rule["alert"]) continue;
    const auto name = rule["alert"].as<std::string>();
    SCOPED_TRACE(name);
    EXPECT_TRUE(name.starts_with("Backup"));
    const auto severity = rule["labels"]["severity"].as<std::string>();
    // One severity, or one of two depending on a label.
    static const std::regex kSeverity(
        R"re(critical|warning|info|\{\{ if eq \$labels\.(origin|operation)( "[a-z]+")+ \}\})re"
        R"re((critical|warning)\{\{ else \}\}(critical|warning|info)\{\{ end \}\})re");
    EXPECT_TRUE(std::regex_match(severity, kSeverity)) << severity;
    EXPECT_EQ(rule["labels"].size(), 1U);
    const YAML::Node texts = rule["annotations"];
    EXPECT_FALSE(texts["summary"].as<std::string>("").empty());
    EXPECT_FALSE(texts["description"].as<std::string>("").empty());
    std::string anchor = name;
    std::ranges::transform(anchor, anchor.begin(), [](unsigned char c) { return std::tolower(c); });
    EXPECT_EQ(texts["runbook_url"].as<std::string>(""), kRunbook + anchor);
  }
}

// The comment at the top of the rules gives the reasons.
TEST(Rules, EveryAlertOnAStateWaitsAndSurvivesARestartOfTheExporter) {
  const Names without_wait{"BackupInputNotUnderstood", "BackupDeliveryLost", "BackupLedgerErrors",
                           "BackupSeriesDropped", "BackupWatchdog"};
  for (const YAML::Node& rule : Rules()) {
    if (!rule["alert"]) continue;
    const auto name = rule["alert"].as<std::string>();
    SCOPED_TRACE(name);
    const auto wait = rule["for"].as<std::string>("");
    const auto keep = rule["keep_firing_for"].as<std::string>("");
    if (name == "BackupExporterAbsent") {  // fires before the alerts that it inhibits end
      EXPECT_EQ(wait, "10m");
    } else if (without_wait.contains(name)) {
      EXPECT_EQ(wait, "");
    } else {
      EXPECT_EQ(wait, "15m");
      EXPECT_EQ(keep, "15m");
    }
  }
}

// A run in progress without a known limit excuses a missed deadline for this long after its last
// activity. The rules and the ledger must agree.
TEST(Rules, TheRulesAndTheLedgerAllowARunTheSameTimeWithoutActivity) {
  std::set<int> of_ledger;
  for (const std::string& file : FilesIn("exporter/ledger", ".cc")) {
    const std::string text = ReadText(file);
    static const std::regex kHours(R"(hours k\w*Silence\{(\d+)\})");
    for (std::sregex_iterator match(text.begin(), text.end(), kHours), end; match != end; ++match) {
      of_ledger.insert(std::stoi((*match)[1]));
    }
  }
  std::multiset<int> of_rules;
  const std::string rules = ReadText(Path("rules/backup.rules.yml"));
  static const std::regex kActivity(
      R"(backup_running_activity_timestamp_seconds *(?:<=|>) *(\d+) \* 3600)");
  for (std::sregex_iterator match(rules.begin(), rules.end(), kActivity), end; match != end;
       ++match) {
    of_rules.insert(std::stoi((*match)[1]));
  }
  ASSERT_EQ(of_ledger.size(), 1U);
  const int hours = *of_ledger.begin();
  EXPECT_EQ(of_rules, (std::multiset<int>{hours, hours})) << "of excused:bool and BackupStalled";
}

TEST(Runbook, EachAlertHasOneSection) {
  std::vector<std::string> sections;
  std::istringstream lines(ReadText(Path("rules/RUNBOOK.md")));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("## ")) sections.push_back(line.substr(3));
  }
  EXPECT_EQ(Names(sections.begin(), sections.end()), NamesOf("alert"));
  EXPECT_EQ(sections.size(), NamesOf("alert").size());
}

TEST(AlertmanagerConfiguration, AmtoolAcceptsTheConfiguration) {
  ExpectSuccess({"amtool", "check-config", Path("rules/alertmanager.yml")});
}

TEST(AlertmanagerConfiguration, EachAlertIsRoutedToItsReceivers) {
  std::istringstream lines(ReadText(Path("rules/tests/routes.txt")));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("#")) continue;
    std::istringstream words(line);
    std::string receivers;
    words >> receivers;
    std::vector<std::string> command{"amtool",
                                     "config",
                                     "routes",
                                     "test",
                                     "--config.file=" + Path("rules/alertmanager.yml"),
                                     "--verify.receivers=" + receivers};
    for (std::string label; words >> label;) command.push_back(label);
    SCOPED_TRACE(line);
    ExpectSuccess(command);
  }
}

// Renders a template of Alertmanager's configuration for two alerts with these statuses.
std::string Rendered(const YAML::Node& text, const std::string& disk, const std::string& prune) {
  const TemporaryDirectory directory;
  const auto alert = [](const std::string& status, const std::string& severity,
                        const std::string& summary) {
    return R"({"status":")" + status + R"(","labels":{"severity":")" + severity +
           R"("},"annotations":{"summary":")" + summary + R"("}})";
  };
  directory.Write("data.json", R"({"status":"firing","alerts":[)" +
                                   alert(disk, "critical", "disk") + "," +
                                   alert(prune, "warning", "prune") + "]}");
  const std::string output = directory / "output";
  RunProcess(
      {"amtool", "template", "render", "--template.glob=" + directory.path() + "/none",
       "--template.data=" + (directory / "data.json"), "--template.text=" + text.as<std::string>()},
      {.output = output});
  return ReadText(output);
}

TEST(AlertmanagerConfiguration, TheSubjectShowsSeveritiesAndWhenAllAlertsAreResolved) {
  const YAML::Node receivers = YAML::LoadFile(Path("rules/alertmanager.yml"))["receivers"];
  const YAML::Node subject = receivers[0]["email_configs"][0]["headers"]["Subject"];
  EXPECT_EQ(Rendered(subject, "firing", "firing"), "critical: disk; warning: prune");
  EXPECT_EQ(Rendered(subject, "resolved", "firing"), "warning: prune");
  EXPECT_EQ(Rendered(subject, "resolved", "resolved"), "resolved: disk; prune");
  const YAML::Node page = receivers[1]["pagerduty_configs"][0]["description"];
  EXPECT_EQ(Rendered(page, "firing", "firing"), "disk; prune");
  EXPECT_EQ(Rendered(page, "resolved", "resolved"), "disk; prune");
}

TEST(AlertmanagerConfiguration, OnlyExistingAlertsAreNamed) {
  const Names alerts = NamesOf("alert");
  for (const char* file : {"rules/alertmanager.yml", "rules/tests/routes.txt"}) {
    const std::string text = ReadText(Path(file));
    static const std::regex kAlert("Backup[A-Z][A-Za-z]+");
    for (std::sregex_iterator match(text.begin(), text.end(), kAlert), end; match != end; ++match) {
      EXPECT_TRUE(alerts.contains(match->str())) << file << ": " << match->str();
    }
  }
}

// All names of series: metrics, the parts of histograms, and recording rules.
Names Series() {
  Names names = NamesOf("record");
  for (const Metric& metric : AllMetrics()) {
    names.emplace(metric.name);
    if (metric.type != prometheus::MetricType::Histogram) continue;
    for (const char* part : {"_bucket", "_sum", "_count"}) {
      names.insert(std::string(metric.name) + part);
    }
  }
  return names;
}

TEST(MetricNames, EveryMetricNameInRulesDashboardsAndReadmeExists) {
  const Names series = Series();
  std::vector<std::string> files{Path("README.md")};
  for (const char* extension : {".md", ".yml", ".json"}) {
    for (const char* folder : {"rules", "dashboards", "docs"}) {
      for (const std::string& file : FilesIn(folder, extension)) files.push_back(file);
    }
  }
  // A name that ends in … is a prefix of at least one metric.
  static const std::regex kName("(?:[a-z_]+:)?(?:backup|process)_[a-z0-9_]*(?::[a-z0-9_]+)*(…)?");
  for (const std::string& file : files) {
    const std::string text = ReadText(file);
    for (std::sregex_iterator match(text.begin(), text.end(), kName), end; match != end; ++match) {
      std::string name = match->str();
      if (name == "backup_exporter") continue;  // the program
      const bool shortened = (*match)[1].matched;
      if (shortened) name.resize(name.size() - static_cast<std::size_t>((*match)[1].length()));
      const auto found = series.lower_bound(name);
      EXPECT_TRUE(found != series.end() && (shortened ? found->starts_with(name) : *found == name))
          << file << ": " << name;
    }
  }
}

}  // namespace
}  // namespace backup_exporter
