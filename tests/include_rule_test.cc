// Who may include whom: no part reaches for one beside or above it.

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

// What each folder may include besides itself; app.* and main.cc count as folders. Rows are read
// like arrows: what a part may include, it passes on, except to main.
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

// One line for each include in `text` that the rule forbids; `path` is relative to exporter/.
std::vector<std::string> ForbiddenIncludes(const std::string& path, const std::string& text) {
  static const std::regex kInclude(R"re(^\s*#\s*include\s*"([^"]*)".*)re");
  const std::string from = FolderOf(path);
  std::vector<std::string> found;
  if (!kMayInclude.contains(from)) {
    found.push_back("exporter/" + path + ": the include rule does not know " + from);
    return found;
  }
  std::istringstream lines(text);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    std::smatch match;
    if (!std::regex_match(line, match, kInclude)) continue;
    const std::string to = FolderOf(match[1]);
    if (to == from || kMayInclude.at(from).contains(to)) continue;
    found.push_back("exporter/" + path + ":" + std::to_string(number) + ": " + from +
                    " may not include " + to + " (" + match[1].str() + ")");
  }
  return found;
}

TEST(IncludeRule, HoldsInEveryFileOfTheProgram) {
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

TEST(IncludeRule, FindsAForbiddenIncludeAndSaysWhere) {
  EXPECT_EQ(
      ForbiddenIncludes("decoders/restic.cc",
                        "#include \"decoders/restic.h\"\n"
                        "#include <string>\n"
                        "#include \"model/event.h\"\n"
                        "#include \"ledger/ledger.h\"  // for Fold\n"),
      std::vector<std::string>{
          "exporter/decoders/restic.cc:4: decoders may not include ledger (ledger/ledger.h)"});
}

TEST(IncludeRule, KnowsTheFilesOutsideTheFolders) {
  EXPECT_TRUE(
      ForbiddenIncludes("app.cc", "#include \"app.h\"\n#include \"web/server.h\"\n").empty());
  EXPECT_TRUE(ForbiddenIncludes("commands/serve.cc", "#include \"app.h\"\n").empty());
  EXPECT_EQ(ForbiddenIncludes("web/server.cc", "#include \"app.h\"\n").size(), 1U);
  EXPECT_EQ(ForbiddenIncludes("main.cc", "#include \"app.h\"\n").size(), 1U);
}

TEST(IncludeRule, LeavesNothingToAFolderItDoesNotKnow) {
  EXPECT_EQ(ForbiddenIncludes("util/strings.cc", "").size(), 1U);
  EXPECT_EQ(ForbiddenIncludes("base/text.cc", "#include \"util/strings.h\"\n").size(), 1U);
  EXPECT_EQ(ForbiddenIncludes("web/server.cc", "#include \"civetweb.h\"\n").size(), 1U);
}

}  // namespace
}  // namespace backup_exporter
