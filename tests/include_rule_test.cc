// Checks the includes of the program: no part may include one beside or above it.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "kit/paths.h"

namespace backup_exporter {
namespace {

using Folders = std::set<std::string>;

// The folders that each folder may include besides itself; app.* and main.cc count as folders. The
// relation is transitive, except for main.
const std::map<std::string, Folders> kMayInclude = {
    {"base", {}},
    {"model", {"base"}},
    {"sources", {"base", "model"}},
    {"decoders", {"base", "model"}},
    {"ledger", {"base", "model"}},
    {"delivery", {"base", "model"}},
    {"ingest", {"base", "model", "sources", "decoders", "ledger"}},
    {"metrics", {"base", "model", "ledger"}},
    {"web", {"base", "model", "ledger", "metrics"}},
    {"config",
     {"base", "model", "sources", "decoders", "ledger", "delivery", "ingest", "metrics", "web"}},
    {"app",
     {"base", "model", "sources", "decoders", "ledger", "delivery", "ingest", "metrics", "web",
      "config"}},
    {"commands",
     {"base", "model", "sources", "decoders", "ledger", "delivery", "ingest", "metrics", "web",
      "config", "app"}},
    {"main", {"base", "commands"}},
};

// "ledger/ledger.h" is in ledger, "app.h" counts as app.
std::string FolderOf(const std::string& path) { return path.substr(0, path.find_first_of("/.")); }

// The layer of a file of the ledger: "rules" (decisions), "store" (rows), or "" above both.
std::string LayerOf(const std::string& path) {
  for (const std::string layer : {"rules", "store"}) {
    if (path.starts_with("ledger/" + layer + "/")) return layer;
  }
  return "";
}

// Whether a file of the ledger may include another one. Rules and store include neither each other
// nor the layer above. The exception: the schema defines a view by the rules' list of outcomes. The
// facade, ledger.h, is for other folders only.
bool MayIncludeInLedger(const std::string& from, const std::string& to) {
  if (to == "ledger/ledger.h") return from == "ledger/ledger.cc";
  if (from == "ledger/store/schema.cc" && to == "ledger/rules/outcome.h") return true;
  return LayerOf(from).empty() || LayerOf(from) == LayerOf(to);
}

// One line for each include in `text` that the rule forbids; `path` is relative to exporter/.
std::vector<std::string> ForbiddenIncludes(const std::string& path, const std::string& text) {
  static const std::regex kInclude(R"re(^\s*#\s*include\s*"([^"]*)".*)re");
  const std::string from = FolderOf(path);
  std::vector<std::string> found;
  if (!kMayInclude.contains(from)) {
    found.push_back("exporter/" + path + ": the include rule has no row for " + from);
    return found;
  }
  std::istringstream lines(text);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    std::smatch match;
    if (!std::regex_match(line, match, kInclude)) continue;
    const std::string to = FolderOf(match[1]);
    if (from == "ledger" && to == "ledger" && !MayIncludeInLedger(path, match[1])) {
      found.push_back("exporter/" + path + ":" + std::to_string(number) + ": this layer of the " +
                      "ledger may not include " + match[1].str());
    }
    if (to == from || kMayInclude.at(from).contains(to)) continue;
    found.push_back("exporter/" + path + ":" + std::to_string(number) + ": " + from +
                    " may not include " + to + " (" + match[1].str() + ")");
  }
  return found;
}

TEST(IncludeRule, NoFileOfTheProgramHasAForbiddenInclude) {
  const std::filesystem::path root = std::filesystem::path(kSourceDir) / "exporter";
  int files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    const std::string extension = entry.path().extension().string();
    if (extension != ".cc" && extension != ".h" && extension != ".in") continue;
    std::ostringstream text;
    text << std::ifstream(entry.path()).rdbuf();
    for (const std::string& forbidden :
         ForbiddenIncludes(entry.path().lexically_relative(root).string(), text.str())) {
      ADD_FAILURE() << forbidden;
    }
    ++files;
  }
  EXPECT_GT(files, 0);
}

TEST(IncludeRule, AForbiddenIncludeIsReportedWithItsFileAndLine) {
  EXPECT_EQ(
      ForbiddenIncludes("decoders/restic.cc",
                        "#include \"decoders/restic.h\"\n"
                        "#include <string>\n"
                        "#include \"model/event.h\"\n"
                        "#include \"ledger/ledger.h\"  // for Fold\n"),
      std::vector<std::string>{
          "exporter/decoders/restic.cc:4: decoders may not include ledger (ledger/ledger.h)"});
}

TEST(IncludeRule, RulesAndStoreOfTheLedgerDoNotIncludeTheLayerAbove) {
  for (const char* layer : {"rules", "store"}) {
    const std::string path = std::string("ledger/") + layer + "/new.cc";
    const std::string own = std::string("#include \"ledger/") + layer + "/own.h\"\n";
    EXPECT_TRUE(ForbiddenIncludes(path, own + "#include \"model/run.h\"\n").empty());
    EXPECT_EQ(ForbiddenIncludes(path, own + "#include \"ledger/fold.h\"\n"),
              std::vector<std::string>{"exporter/" + path +
                                       ":2: this layer of the ledger may not "
                                       "include ledger/fold.h"});
  }
  EXPECT_TRUE(ForbiddenIncludes("ledger/fold.cc",
                                "#include \"ledger/rules/merge.h\"\n"
                                "#include \"ledger/store/runs.h\"\n"
                                "#include \"ledger/notices.h\"\n")
                  .empty());
}

TEST(IncludeRule, RulesAndStoreOfTheLedgerDoNotIncludeEachOther) {
  const std::string outcome = "#include \"ledger/rules/outcome.h\"\n";
  EXPECT_EQ(ForbiddenIncludes("ledger/rules/merge.cc", "#include \"ledger/store/runs.h\"\n").size(),
            1U);
  EXPECT_EQ(ForbiddenIncludes("ledger/store/runs.cc", outcome).size(), 1U);
  EXPECT_TRUE(ForbiddenIncludes("ledger/store/schema.cc", outcome).empty());
  EXPECT_EQ(
      ForbiddenIncludes("ledger/store/schema.cc", "#include \"ledger/rules/merge.h\"\n").size(),
      1U);
}

TEST(IncludeRule, TheLedgerDoesNotIncludeItsFacade) {
  const std::string facade = "#include \"ledger/ledger.h\"\n";
  EXPECT_EQ(ForbiddenIncludes("ledger/fold.h", facade).size(), 1U);
  EXPECT_TRUE(ForbiddenIncludes("ledger/ledger.cc", facade).empty());
  EXPECT_TRUE(ForbiddenIncludes("metrics/page.h", facade).empty());
}

TEST(IncludeRule, FilesOutsideAnyFolderHaveRulesToo) {
  EXPECT_TRUE(
      ForbiddenIncludes("app.cc", "#include \"app.h\"\n#include \"web/server.h\"\n").empty());
  EXPECT_TRUE(ForbiddenIncludes("commands/serve.cc", "#include \"app.h\"\n").empty());
  EXPECT_EQ(ForbiddenIncludes("web/server.cc", "#include \"app.h\"\n").size(), 1U);
  EXPECT_EQ(ForbiddenIncludes("main.cc", "#include \"app.h\"\n").size(), 1U);
}

TEST(IncludeRule, AnUnknownFolderIsAnError) {
  EXPECT_EQ(ForbiddenIncludes("util/strings.cc", "").size(), 1U);
  EXPECT_EQ(ForbiddenIncludes("base/text.cc", "#include \"util/strings.h\"\n").size(), 1U);
  EXPECT_EQ(ForbiddenIncludes("web/server.cc", "#include \"civetweb.h\"\n").size(), 1U);
}

}  // namespace
}  // namespace backup_exporter
