// Checks the dashboards against Grafana's own types, and against rules that the types do not cover:
// links, data sources, variables, titles, units and layout.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "kit/paths.h"
#include "kit/process.h"
#include "kit/temporary_directory.h"

namespace backup_exporter {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using Names = std::set<std::string>;
using testing::HasSubstr;

const std::string kFolder = std::string(kSourceDir) + "/dashboards";

std::vector<std::string> Files() {
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator(kFolder)) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

struct Dashboard {
  std::string name;  // of the file, without .json
  Json json;

  // All panels, including rows and the panels inside rows.
  [[nodiscard]] std::vector<Json> Panels() const {
    std::vector<Json> panels;
    for (const Json& panel : json.at("panels")) {
      panels.push_back(panel);
      for (const Json& inner : panel.value("panels", Json::array())) panels.push_back(inner);
    }
    return panels;
  }
  // The types of the variables, by name.
  [[nodiscard]] std::map<std::string, std::string> Variables() const {
    std::map<std::string, std::string> variables;
    for (const Json& variable : json.at("templating").at("list")) {
      variables[variable.at("name")] = variable.at("type");
    }
    return variables;
  }
};

std::vector<Dashboard> Dashboards() {
  std::vector<Dashboard> dashboards;
  for (const std::string& file : Files()) {
    dashboards.push_back({fs::path(file).stem(), Json::parse(ReadText(file))});
  }
  return dashboards;
}

// Calls `visit` for every value, with its key. Elements of a list have the key of the list.
void Walk(const Json& json, const std::function<void(const std::string&, const Json&)>& visit,
          const std::string& key = "") {
  visit(key, json);
  if (!json.is_structured()) return;
  for (const auto& [name, value] : json.items()) Walk(value, visit, json.is_object() ? name : key);
}

void EachPanel(const std::function<void(const Dashboard&, const Json&)>& visit) {
  for (const Dashboard& dashboard : Dashboards()) {
    for (const Json& panel : dashboard.Panels()) {
      SCOPED_TRACE(dashboard.name + ".json: " + panel.at("title").get<std::string>());
      visit(dashboard, panel);
    }
  }
}

// This includes the query language of Loki. scripts/test installs what the check needs.
TEST(Dashboards, GrafanaAcceptsTheDashboards) {
  const TemporaryDirectory directory;
  std::vector<std::string> command{"node", std::string(kSourceDir) + "/tests/dashboards/check.mjs",
                                   std::string(kSourceDir) + "/.deps/grafana"};
  for (const std::string& file : Files()) command.push_back(file);
  const std::string output = directory / "output";
  EXPECT_EQ(RunProcess(command, {.output = output, .errors = "&1"}), 0) << ReadText(output);
  EXPECT_THAT(ReadText(output), HasSubstr("4 dashboards and "));
}

TEST(Dashboards, TheJsonIsFormattedForReadableDiffs) {
  for (const Dashboard& dashboard : Dashboards()) {
    EXPECT_EQ(ReadText(kFolder + "/" + dashboard.name + ".json"), dashboard.json.dump(2) + "\n")
        << dashboard.name;
  }
}

// Links, bookmarks and provisioning depend on the uid.
TEST(Dashboards, TheUidFollowsFromTheFileName) {
  for (const Dashboard& dashboard : Dashboards()) {
    EXPECT_EQ(dashboard.json.at("uid"), "backup-exporter-" + dashboard.name);
    EXPECT_GE(dashboard.json.at("schemaVersion"), 39);
    EXPECT_NE(dashboard.json.at("description"), "");
    EXPECT_FALSE(dashboard.json.contains("id")) << dashboard.name;
    EXPECT_FALSE(dashboard.json.contains("version")) << dashboard.name;
  }
}

TEST(Dashboards, DataSourcesAreNamedByVariablesOnly) {
  const std::map<std::string, std::string> kinds{{"${datasource}", "prometheus"},
                                                 {"${loki_datasource}", "loki"}};
  for (const Dashboard& dashboard : Dashboards()) {
    const auto variables = dashboard.Variables();
    Walk(dashboard.json, [&](const std::string& key, const Json& value) {
      if (key != "datasource") return;
      if (!value.is_object()) return;  // inside a data source
      const std::string uid = value.value("uid", "");
      ASSERT_TRUE(kinds.contains(uid)) << dashboard.name << ": " << value;
      EXPECT_EQ(value.at("type"), kinds.at(uid)) << dashboard.name;
      EXPECT_TRUE(variables.contains(uid.substr(2, uid.size() - 3))) << dashboard.name;
    });
  }
  EachPanel([](const Dashboard&, const Json& panel) {
    EXPECT_NE(panel.contains("datasource"), panel.at("type") == "row");
    for (const Json& target : panel.value("targets", Json::array())) {
      EXPECT_FALSE(target.contains("datasource")) << "the panel has it";
    }
  });
}

TEST(Dashboards, EveryVariableIsDefinedAndUsed) {
  const Names of_grafana{"__rate_interval", "__interval", "__range", "__url_time_range",
                         "__data",          "__value",    "__all"};
  static const std::regex kUse(R"re(\$\{?([A-Za-z_]+))re");
  for (const Dashboard& dashboard : Dashboards()) {
    const auto variables = dashboard.Variables();
    Names used;
    Walk(dashboard.json, [&](const std::string&, const Json& value) {
      if (!value.is_string()) return;
      const auto text = value.get<std::string>();
      for (std::sregex_iterator use(text.begin(), text.end(), kUse), end; use != end; ++use) {
        const std::string name = (*use)[1];
        if (of_grafana.contains(name)) continue;
        EXPECT_TRUE(variables.contains(name)) << dashboard.name << ": " << text;
        used.insert(name);
      }
    });
    for (const auto& [name, type] : variables) EXPECT_TRUE(used.contains(name)) << name;
  }
}

// Every variable has a label, and offers values of the chosen exporter only.
TEST(Dashboards, VariablesDependOnTheChosenExporter) {
  for (const Dashboard& dashboard : Dashboards()) {
    for (const Json& variable : dashboard.json.at("templating").at("list")) {
      EXPECT_NE(variable.value("label", ""), "") << variable;
      if (variable.at("type") != "query") continue;
      const auto query = variable.at("query").at("query").get<std::string>();
      static const std::regex kExporter(R"re(\{instance=~?"\$instance")re");
      EXPECT_EQ(std::regex_search(query, kExporter), variable.at("name") != "instance")
          << dashboard.name << ": " << query;
    }
  }
}

// Grafana escapes chosen values for regular expressions only if several values may be chosen.
TEST(Dashboards, SingleValuesMatchExactlyAndMultipleValuesMatchByPattern) {
  static const std::regex kUse(R"re(([=!~]+) *"\$([a-z_]+)")re");
  for (const Dashboard& dashboard : Dashboards()) {
    std::map<std::string, std::string> matchers;
    for (const Json& variable : dashboard.json.at("templating").at("list")) {
      if (variable.at("type") != "query") continue;
      matchers[variable.at("name")] = variable.value("multi", false) ? "=~" : "=";
    }
    Walk(dashboard.json, [&](const std::string&, const Json& value) {
      if (!value.is_string()) return;
      const auto text = value.get<std::string>();
      for (std::sregex_iterator use(text.begin(), text.end(), kUse), end; use != end; ++use) {
        EXPECT_EQ((*use)[1], matchers[(*use)[2]]) << dashboard.name << ": " << text;
      }
    });
  }
}

TEST(Dashboards, EveryPanelHasATitleAndTheQuestionThatItAnswers) {
  EachPanel([](const Dashboard&, const Json& panel) {
    EXPECT_NE(panel.at("title"), "");
    if (panel.at("type") == "row") return;
    EXPECT_THAT(panel.at("description").get<std::string>(), HasSubstr("?"));
  });
}

TEST(Dashboards, EveryNumberHasAUnit) {
  const Names units{"none", "short", "s", "bytes", "percentunit", "dateTimeFromNow"};
  EachPanel([&](const Dashboard&, const Json& panel) {
    if (panel.at("type") == "row") return;
    const Json& fields = panel.at("fieldConfig");
    EXPECT_TRUE(units.contains(fields.at("defaults").at("unit").get<std::string>()));
    for (const Json& override : fields.at("overrides")) {
      for (const Json& property : override.at("properties")) {
        if (property.at("id") == "unit") {
          EXPECT_TRUE(units.contains(property.at("value").get<std::string>())) << property;
        }
      }
    }
  });
}

// Every column has a name of its own, and overrides and sorting refer to existing columns.
TEST(Dashboards, EveryTableColumnHasAName) {
  EachPanel([](const Dashboard&, const Json& panel) {
    if (panel.at("type") != "table") return;
    const Json& organize = panel.at("transformations").back().at("options");
    const Json& names = organize.at("renameByName");
    Names columns;
    for (const auto& [field, name] : names.items()) columns.insert(name);
    EXPECT_EQ(columns.size(), names.size());
    for (const Json& override : panel.at("fieldConfig").at("overrides")) {
      EXPECT_TRUE(columns.contains(override.at("matcher").at("options"))) << override;
    }
    for (const Json& sort : panel.at("options").at("sortBy")) {
      EXPECT_TRUE(columns.contains(sort.at("displayName"))) << sort;
    }
    const bool single = panel.at("targets").size() == 1;
    for (const Json& target : panel.at("targets")) {
      const std::string value =
          single ? "Value" : "Value #" + target.at("refId").get<std::string>();
      EXPECT_NE(names.contains(value), organize.at("excludeByName").contains(value)) << value;
    }
  });
}

TEST(Dashboards, EveryColoredValueHasAText) {
  EachPanel([](const Dashboard&, const Json& panel) {
    Walk(panel, [](const std::string& key, const Json& value) {
      if (key == "color" && value.is_string()) {  // named colors adapt to light and dark themes
        EXPECT_TRUE(std::regex_match(value.get<std::string>(), std::regex("[a-z]+"))) << value;
      }
      if (value.is_object() && value.contains("color") && value.contains("index")) {
        EXPECT_NE(value.value("text", ""), "") << value;
      }
    });
  });
}

struct Area {
  int left, top, right, bottom;
};

bool Overlap(const Area& a, const Area& b) {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

TEST(Dashboards, PanelsDoNotOverlap) {
  for (const Dashboard& dashboard : Dashboards()) {
    std::set<int> ids;
    std::vector<Area> areas;
    for (const Json& panel : dashboard.Panels()) {
      SCOPED_TRACE(dashboard.name + ": " + panel.at("title").get<std::string>());
      EXPECT_TRUE(ids.insert(panel.at("id").get<int>()).second);
      const Json& at = panel.at("gridPos");
      const int x = at.at("x");
      const int y = at.at("y");
      const Area area{x, y, x + at.at("w").get<int>(), y + at.at("h").get<int>()};
      EXPECT_TRUE(x >= 0 && y >= 0 && area.right <= 24);
      for (const Area& other : areas) EXPECT_FALSE(Overlap(area, other));
      areas.push_back(area);
    }
  }
}

TEST(Dashboards, LinksBetweenDashboardsKeepTheChosenValues) {
  std::map<std::string, std::map<std::string, std::string>> variables;  // by uid
  for (const Dashboard& dashboard : Dashboards()) {
    variables[dashboard.json.at("uid")] = dashboard.Variables();
  }
  static const std::regex kUrl(R"re(/d/([^?/]+)(?:\?(.*))?)re");
  static const std::regex kVariable(R"re((?:var-|\$\{)([a-z_]+)(?:=|:queryparam\}))re");
  for (const Dashboard& dashboard : Dashboards()) {
    Names led;
    for (const Json& link : dashboard.json.at("links")) {
      EXPECT_TRUE(link.at("includeVars") && link.at("keepTime")) << link;
      led.insert(link.at("url").get<std::string>().substr(3));
    }
    led.insert(dashboard.json.at("uid"));
    EXPECT_EQ(led.size(), variables.size()) << dashboard.name;
    Walk(dashboard.json, [&](const std::string& key, const Json& value) {
      if (key != "url") return;
      const auto url = value.get<std::string>();
      std::smatch parts;
      ASSERT_TRUE(std::regex_match(url, parts, kUrl)) << url;
      ASSERT_TRUE(variables.contains(parts[1])) << url;
      if (!parts[2].matched) return;
      const std::string query = parts[2];
      EXPECT_THAT(query, HasSubstr("${__url_time_range}"));
      EXPECT_THAT(query, HasSubstr("${datasource:queryparam}"));
      for (std::sregex_iterator use(query.begin(), query.end(), kVariable), end; use != end;
           ++use) {
        EXPECT_TRUE(variables[parts[1]].contains((*use)[1])) << url;
      }
    });
  }
}

// Grafana.com asks for the data source on import, since its uid differs in every Grafana.
TEST(CopiesForGrafanaCom, EachCopyAsksForThePrometheusDataSource) {
  const TemporaryDirectory directory;
  ASSERT_EQ(RunProcess({std::string(kSourceDir) + "/scripts/dashboards", directory.path()}), 0);
  for (const Dashboard& dashboard : Dashboards()) {
    Json copy = Json::parse(ReadText(directory / (dashboard.name + ".json")));
    EXPECT_EQ(copy.at("__inputs").at(0).at("pluginId"), "prometheus");
    Names required;
    for (const Json& plugin : copy.at("__requires")) required.insert(plugin.at("id"));
    for (const Json& panel : dashboard.Panels()) {
      const std::string type = panel.at("type");
      EXPECT_TRUE(type == "row" || required.contains(type)) << type;
    }
    // Everything else equals the dashboard.
    for (Json& variable : copy.at("templating").at("list")) {
      if (variable.at("name") != "datasource") continue;
      EXPECT_EQ(variable.at("current").at("value"), "${DS_PROMETHEUS}");
      variable.erase("current");
    }
    for (const char* key : {"__inputs", "__requires", "id"}) copy.erase(key);
    EXPECT_EQ(copy, dashboard.json);
  }
}

TEST(Provisioning, TheDataSourcesAndTheFolderAreDefined) {
  const YAML::Node sources =
      YAML::LoadFile(kFolder + "/provisioning/datasources/backup_exporter.yaml");
  EXPECT_EQ(sources["apiVersion"].as<int>(), 1);
  Names types;
  for (const YAML::Node& source : sources["datasources"]) {
    types.insert(source["type"].as<std::string>());
    EXPECT_FALSE(source["uid"]) << "Grafana assigns it";
  }
  EXPECT_EQ(types, (Names{"loki", "prometheus"}));
  const YAML::Node folder =
      YAML::LoadFile(kFolder + "/provisioning/dashboards/backup_exporter.yaml");
  EXPECT_EQ(folder["apiVersion"].as<int>(), 1);
  EXPECT_EQ(folder["providers"][0]["type"].as<std::string>(), "file");
  EXPECT_NE(folder["providers"][0]["options"]["path"].as<std::string>(), "");
}

}  // namespace
}  // namespace backup_exporter
