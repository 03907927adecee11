// Every capture in testdata has a golden file beside it with its decoded form: the counts first,
// then one event per line, with the offset of its record. RENEW_GOLDEN=1 in the environment
// rewrites them.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "kit/decoding.h"
#include "kit/event_text.h"
#include "kit/paths.h"

namespace backup_exporter {
namespace {

namespace fs = std::filesystem;

std::vector<Capture> AllCaptures() {
  std::vector<Capture> captures;
  for (const Format& format : Formats()) {
    for (Capture& capture : CapturesOf(format.name)) captures.push_back(std::move(capture));
  }
  return captures;
}

fs::path GoldenOf(const fs::path& capture) { return capture.string() + ".events"; }

class Golden : public testing::TestWithParam<Capture> {};

TEST_P(Golden, ACaptureDecodesToItsGoldenFile) {
  const Decoded decoded = Decode(GetParam());
  std::string text = CountsText(decoded.counts) + '\n';
  for (const Event& event : decoded.events) {
    text += fmt::format("{} {}\n", event.offset, EventText(event));
  }
  const fs::path golden = GoldenOf(GetParam().path);
  if (std::getenv("RENEW_GOLDEN") != nullptr) {
    std::ofstream(golden, std::ios::binary) << text;
    GTEST_SKIP() << "written: " << golden;
  }
  EXPECT_EQ(ReadText(golden), text) << "RENEW_GOLDEN=1 rewrites the golden file";
}

INSTANTIATE_TEST_SUITE_P(All, Golden, testing::ValuesIn(AllCaptures()),
                         [](const auto& test) { return TestName(test.param); });

TEST(Goldens, EveryGoldenFileHasItsCapture) {
  for (const Format& format : Formats()) {
    const fs::path folder = fs::path(kTestdataDir) / format.name;
    if (!fs::exists(folder)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (entry.path().extension() != ".events") continue;
      EXPECT_TRUE(fs::exists(fs::path(entry.path()).replace_extension())) << entry.path();
    }
  }
}

}  // namespace
}  // namespace backup_exporter
