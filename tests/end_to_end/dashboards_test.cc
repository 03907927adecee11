// Runs every query of every dashboard on the real Prometheus, which has scraped the demonstration.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "base/time.h"
#include "kit/exporter_process.h"
#include "kit/faulty_server.h"
#include "kit/paths.h"
#include "kit/process.h"
#include "kit/prometheus_server.h"
#include "kit/restic_log.h"
#include "kit/temporary_directory.h"
#include "metrics/families.h"

namespace backup_exporter {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using Names = std::set<std::string>;

// The values of the variables that allow a single choice, by name of the variable.
using Choice = std::map<std::string, std::string>;

// Replaces the variables of a query: by the choice, else by a pattern that matches everything. The
// time ranges fit half a minute of scrapes, one each second.
std::string Filled(const std::string& query, const Choice& choice) {
  static const std::map<std::string, std::string> kTimes{
      {"$__rate_interval", "20s"}, {"$__range", "60s"}, {"$__interval", "5s"}};
  std::string filled = query;
  const auto replace = [&filled](const std::string& from, const std::string& to) {
    for (std::size_t at = 0; (at = filled.find(from, at)) != filled.npos; at += to.size()) {
      filled.replace(at, from.size(), to);
    }
  };
  for (const auto& [name, time] : kTimes) replace(name, time);
  for (const auto& [name, value] : choice) replace("\"$" + name + "\"", "\"" + value + "\"");
  return std::regex_replace(filled, std::regex("\"\\$[a-z_]+\""), "\".*\"");
}

class DashboardQueries : public testing::Test {
 protected:
  // The demonstration, with backups that have a history (one of them has stopped running), a run in
  // progress, archives and two monitors, one of which cannot be reached.
  void SetUp() override {
    const fs::path demo = fs::path(kTestdataDir) / "demo";
    fs::copy(demo, directory_.path(), fs::copy_options::recursive);
    for (int day = 30; day > 0; --day) {
      directory_.Append("restic/daily.jsonl", ResticSummary(std::chrono::hours(24 * day)));
      directory_.Append("restic/silent.jsonl", ResticSummary(std::chrono::hours(24 * (day + 20))));
    }
    present_.open(directory_ / "restic/present.jsonl");
    directory_.MakeDirectory("borg");
    for (const std::string name : {"list", "info-repository"}) {
      fs::copy_file(fs::path(kTestdataDir) / "corpus/borg-1.4.5" / name / "stdout.json",
                    directory_ / ("borg/" + name + ".json"));
    }
    directory_.Write("config.yaml",
                     ReadText(demo / "demo.yaml") +
                         "  - {format: borg, path: borg/*.json, backup: vault, complete: true}\n"
                         "monitors:\n  - webhook: {url: " +
                         server_.url() +
                         "/}\n  - {name: unreachable, webhook: {url: 'http://127.0.0.1:1/'}}\n");
    exporter_ =
        std::make_unique<ExporterProcess>(kProgram, directory_ / "config.yaml", directory_.path());
    prometheus_ = std::make_unique<PrometheusServer>(
        directory_, std::map<std::string, int>{{"backup_exporter", exporter_->port()}});
    ASSERT_FALSE(HasFailure());
    ASSERT_NO_FATAL_FAILURE(Await("count_over_time(up[1m]) > 1"));
    directory_.Append("restic/daily.jsonl", ResticSummary({}));
    present_ << Json{{"message_type", "status"}, {"percent_done", 0.4},   {"total_files", 3},
                     {"files_done", 1},          {"total_bytes", 500005}, {"bytes_done", 200005}}
             << std::endl;
    ASSERT_NO_FATAL_FAILURE(Await("increase(backup_runs_total{backup=\"daily\"}[1m]) > 0"));
    ASSERT_NO_FATAL_FAILURE(Await("backup_running_progress_ratio > 0"));
    ASSERT_NO_FATAL_FAILURE(Await("backup_monitor_up{monitor=\"unreachable\"} == 0"));
    ASSERT_NO_FATAL_FAILURE(Await("backup_monitor_up{monitor=\"webhook\"} == 1"));
  }

  void Await(const std::string& query) const {
    ASSERT_TRUE(Eventually([&] { return !prometheus_->Ask(query).empty(); })) << query;
  }
  // One choice for each backup if the dashboard shows one backup, else a single choice of
  // everything.
  [[nodiscard]] std::vector<Choice> Choices(const Json& dashboard) const {
    Names single;
    for (const Json& variable : dashboard.at("templating").at("list")) {
      if (variable.at("type") != "query" || variable.at("multi")) continue;
      single.insert(variable.at("name"));
    }
    if (single.empty()) return {Choice()};
    EXPECT_EQ(single, (Names{"backup", "instance"}));
    std::vector<Choice> choices;
    for (const Json& backup : prometheus_->Ask("group by (instance, backup) (backup_info)")) {
      choices.push_back(backup.at("metric"));
    }
    EXPECT_FALSE(choices.empty());
    return choices;
  }
  // Runs the query of a target; returns the labels of each series. Fails the test if Prometheus
  // refuses the query.
  [[nodiscard]] std::vector<Json> Run(const Json& target, const Choice& choice) const {
    const std::string query = Filled(target.at("expr"), choice);
    const double now = ToSeconds(SystemClock().Now());
    const Json answer =
        target.at("instant")
            ? prometheus_->Get("query", {{"query", query}})
            : prometheus_->Get("query_range", {{"query", query},
                                               {"start", fmt::format("{}", now - 30)},
                                               {"end", fmt::format("{}", now)},
                                               {"step", "5"}});
    EXPECT_EQ(answer.value("status", ""), "success") << query << ": " << answer;
    std::vector<Json> labels;
    for (const Json& series : answer.value("data", Json::object()).value("result", Json::array())) {
      labels.push_back(series.at("metric"));
    }
    return labels;
  }

  FaultyServer server_{[](const FaultyServer::Request&) { return FaultyServer::Reply{}; }};
  TemporaryDirectory directory_;
  std::ofstream present_;  // the log of the run in progress
  std::unique_ptr<ExporterProcess> exporter_;
  std::unique_ptr<PrometheusServer> prometheus_;
};

// A table joins the results of its queries by the labels that all results share. Each result must
// have at most one row for each combination of them. The other labels become columns.
void ExpectOneTable(const Json& panel, const std::vector<std::vector<Json>>& answers) {
  Names shared;
  Names all;
  for (const auto& [name, value] : answers.front().front().items()) shared.insert(name);
  for (const auto& answer : answers) {
    for (const Json& labels : answer) {
      std::erase_if(shared, [&](const std::string& name) { return !labels.contains(name); });
      for (const auto& [name, value] : labels.items()) all.insert(name);
    }
  }
  for (const auto& answer : answers) {
    std::set<Json> rows;
    for (Json labels : answer) {
      for (const std::string& name : all) {
        if (!shared.contains(name)) labels.erase(name);
      }
      EXPECT_TRUE(rows.insert(labels).second) << labels;
    }
  }
  const Json& organize = panel.at("transformations").back().at("options");
  for (const std::string& name : all) {
    EXPECT_NE(organize.at("renameByName").contains(name),
              organize.at("excludeByName").contains(name))
        << name;
  }
  for (const auto& [field, name] : organize.at("renameByName").items()) {
    EXPECT_TRUE(field.starts_with("Value") || all.contains(field)) << "no column " << field;
  }
}

TEST_F(DashboardQueries, PrometheusAnswersEveryQueryOfEveryDashboard) {
  int queries = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(kSourceDir) / "dashboards")) {
    if (entry.path().extension() != ".json") continue;
    const Json dashboard = Json::parse(ReadText(entry.path()));
    SCOPED_TRACE(entry.path().filename());
    const std::vector<Choice> choices = Choices(dashboard);
    // label_values(metric{labels}, name)
    static const std::regex kValues(R"(label_values\((.*), (.*)\))");
    for (const Json& variable : dashboard.at("templating").at("list")) {
      if (variable.at("type") != "query") continue;
      const std::string query = variable.at("query").at("query");
      std::smatch parts;
      ASSERT_TRUE(std::regex_match(query, parts, kValues)) << query;
      const std::string asked = Filled(parts[1], choices.front());
      EXPECT_FALSE(prometheus_->Ask("group by (" + parts[2].str() + ") (" + asked + ")").empty())
          << query;
      ++queries;
    }
    Json panels = dashboard.at("panels");
    for (const Json& row : dashboard.at("panels")) {
      for (const Json& panel : row.value("panels", Json::array())) panels.push_back(panel);
    }
    for (const Json& panel : panels) {
      if (panel.at("type") == "row" || panel.at("datasource").at("type") != "prometheus") continue;
      SCOPED_TRACE(panel.at("title").get<std::string>());
      std::vector<std::vector<Json>> answers;
      for (const Json& target : panel.at("targets")) {
        std::vector<Json> answer;  // for all choices together
        for (const Choice& choice : choices) {
          const std::vector<Json> labels = Run(target, choice);
          EXPECT_TRUE(panel.at("type") != "stat" || labels.size() <= 1) << "more than one value";
          answer.insert(answer.end(), labels.begin(), labels.end());
        }
        EXPECT_FALSE(answer.empty()) << "no answer: " << target.at("expr");
        if (!answer.empty()) answers.push_back(std::move(answer));
        ++queries;
      }
      if (panel.at("type") == "table" && !answers.empty()) ExpectOneTable(panel, answers);
    }
  }
  EXPECT_GT(queries, 100);
}

}  // namespace
}  // namespace backup_exporter
