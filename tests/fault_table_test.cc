// Checks the table of faults in tests/README.md: it has a row for every case, and the tests that it
// names exist.

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include "kit/paths.h"
#include "kit/process.h"

namespace backup_exporter {
namespace {

namespace fs = std::filesystem;

struct FaultCase {
  std::set<std::string> tests;
  std::string remark;
};

// Parses the rows `| number | case | tests | remark |`; by number.
std::map<int, FaultCase> FaultCases(const std::string& text) {
  static const std::regex kRow(R"(\| (\d+) \|[^|]*\|([^|]*)\| *([^|]*?) *\|)");
  static const std::regex kTest(R"(`(\w+\.\w+)`)");
  std::map<int, FaultCase> cases;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::smatch row;
    if (!std::regex_match(line, row, kRow)) continue;
    FaultCase& found = cases[std::stoi(row[1])];
    EXPECT_TRUE(found.tests.empty() && found.remark.empty()) << row[1] << " has two rows";
    const std::string tests = row[2];
    for (std::sregex_iterator test(tests.begin(), tests.end(), kTest), end; test != end; ++test) {
      found.tests.insert((*test)[1]);
    }
    found.remark = row[3];
  }
  return cases;
}

std::set<std::string> ExistingTests() {
  static const std::regex kTest(R"(\bTEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\s*\))");
  std::set<std::string> tests;
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(kSourceDir) / "tests")) {
    if (!entry.path().filename().string().ends_with("_test.cc")) continue;
    const std::string text = ReadText(entry.path());
    for (std::sregex_iterator test(text.begin(), text.end(), kTest), end; test != end; ++test) {
      tests.insert((*test)[1].str() + "." + (*test)[2].str());
    }
  }
  return tests;
}

TEST(FaultTable, EveryCaseHasATestOrAReason) {
  const auto cases = FaultCases(ReadText(std::string(kSourceDir) + "/tests/README.md"));
  const auto tests = ExistingTests();
  for (int number = 1; number <= 112; ++number) {
    if (number > 76 && number < 111) continue;  // cases of the network and the web
    const auto found = cases.find(number);
    if (found == cases.end()) {
      ADD_FAILURE() << number << " is missing";
      continue;
    }
    EXPECT_FALSE(found->second.tests.empty() && found->second.remark.empty()) << number;
    for (const std::string& test : found->second.tests) {
      EXPECT_TRUE(tests.contains(test)) << number << " names " << test << ", which does not exist";
    }
  }
}

}  // namespace
}  // namespace backup_exporter
