// The documentation names files that exist, and its pages link to each other.

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "kit/paths.h"
#include "kit/process.h"

namespace backup_exporter {
namespace {

namespace fs = std::filesystem;

const fs::path& Root() {
  static const fs::path root(kSourceDir);
  return root;
}

std::vector<fs::path> Pages() {
  std::vector<fs::path> pages;
  for (const char* folder : {".", "docs", "rules", "tests", "tests/kit"}) {
    for (const auto& entry : fs::directory_iterator(Root() / folder)) {
      if (entry.path().extension() == ".md") pages.push_back(entry.path().lexically_normal());
    }
  }
  return pages;
}

std::vector<std::string> Matches(const std::string& text, const std::string& pattern) {
  const std::regex expression(pattern);
  std::vector<std::string> found;
  for (std::sregex_iterator match(text.begin(), text.end(), expression), end; match != end;
       ++match) {
    found.push_back((*match)[1]);
  }
  return found;
}

// The anchor that a heading gets: lower case, spaces to hyphens, punctuation dropped.
std::set<std::string> Anchors(const std::string& text) {
  std::set<std::string> anchors;
  for (const std::string& heading : Matches(text, "(?:^|\n)#+ +([^\n]+)")) {
    std::string anchor;
    for (const char c : heading) {
      if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-') {
        anchor += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      } else if (c == ' ') {
        anchor += '-';
      }
    }
    anchors.insert(anchor);
  }
  return anchors;
}

TEST(Documentation, EveryFileThatContributingNamesExists) {
  const std::string text = ReadText(Root() / "CONTRIBUTING.md");
  // Paths in backticks, without what follows a blank. Capitals stand for a name of one's own.
  const auto named =
      Matches(text, "`((?:exporter|tests|scripts|rules|dashboards|docs|cmake)/[^` ]*)");
  EXPECT_GT(named.size(), 20U);
  for (const std::string& path : named) {
    if (path.find("NAME") != path.npos) continue;
    EXPECT_TRUE(fs::exists(Root() / path)) << "CONTRIBUTING.md names " << path;
  }
}

TEST(Documentation, EveryRelativeLinkLeadsToAPageAndItsSection) {
  std::size_t links = 0;
  for (const fs::path& page : Pages()) {
    for (const std::string& link : Matches(ReadText(page), R"(\]\(([^)\s]+)\))")) {
      if (link.find("://") != link.npos) continue;
      ++links;
      const std::size_t hash = link.find('#');
      const std::string file = link.substr(0, hash);
      const fs::path target = file.empty() ? page : page.parent_path() / file;
      ASSERT_TRUE(fs::exists(target)) << page << " links to " << link;
      if (hash == link.npos) continue;
      EXPECT_TRUE(Anchors(ReadText(target)).contains(link.substr(hash + 1)))
          << page << " links to " << link;
    }
  }
  EXPECT_GT(links, 10U);
}

TEST(Documentation, ThePageOfTheKitNamesEveryPartOfIt) {
  const std::string text = ReadText(Root() / "tests/kit/README.md");
  for (const auto& entry : fs::recursive_directory_iterator(Root() / "tests/kit")) {
    const fs::path path = entry.path().lexically_relative(Root() / "tests/kit");
    if (path.extension() != ".h" && !path.string().starts_with("shim/")) continue;
    EXPECT_NE(text.find("`" + path.string() + "`"), text.npos)
        << "tests/kit/README.md does not name " << path;
  }
  for (const std::string& part : Matches(text, "`([a-z_/]+\\.(?:h|cc))`")) {
    EXPECT_TRUE(fs::exists(Root() / "tests/kit" / part)) << "tests/kit/README.md names " << part;
  }
}

TEST(Documentation, TheReadmeIsAFrontDoorOfAtMostTwoHundredLines) {
  const std::string text = ReadText(Root() / "README.md");
  EXPECT_LE(std::count(text.begin(), text.end(), '\n'), 200);
}

}  // namespace
}  // namespace backup_exporter
