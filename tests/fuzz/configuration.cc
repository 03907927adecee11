// Any text is a configuration, or gives mistakes with places in that text.
#include <algorithm>
#include <cstdlib>
#include <set>

#include "base/secret.h"
#include "base/yaml.h"
#include "config/config.h"
#include "fuzz/promise.h"

namespace backup_exporter {
namespace {

// True if parsing `text` would read other files or run a program. A fuzzer's input must not.
bool LooksElsewhere(const YamlValue& value, std::set<const YamlValue*>& seen) {
  if (!seen.insert(&value).second) return false;
  const std::string& text = value.text;
  const std::string credential = "{credential";
  if (text == "import" || text.ends_with("_file") || text.find(credential) != text.npos ||
      FromEnvironment(text).value_or("").find(credential) != text.npos) {
    return true;
  }
  return std::ranges::any_of(value.children,
                             [&seen](const auto& child) { return LooksElsewhere(*child, seen); });
}

bool LooksElsewhere(std::string_view text) {
  Mistakes mistakes("fuzzed.yaml");
  std::set<const YamlValue*> seen;
  const auto root = ParseYaml(text, mistakes);
  return root && LooksElsewhere(*root, seen);
}

}  // namespace
}  // namespace backup_exporter

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace backup_exporter;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const int without_environment = clearenv();
  static_cast<void>(without_environment);
  if (LooksElsewhere(text)) return -1;

  const auto configuration = ParseConfiguration(text, "fuzzed.yaml", "/nowhere");
  if (configuration) {
    Promise(!configuration->sources.empty(), "a configuration has a source");
    return 0;
  }
  Promise(!configuration.error().empty(), "what is no configuration has a mistake");
  const auto lines = std::ranges::count(text, '\n') + 2;  // the end may be what is wrong
  for (const Mistake& mistake : configuration.error()) {
    Promise(!mistake.text.empty() && mistake.file == "fuzzed.yaml",
            "a mistake says what and where");
    Promise(mistake.line >= 0 && mistake.line <= lines, "a mistake is in a line of the text");
    Promise((mistake.line > 0) == (mistake.column > 0), "a mistake with a line has a column");
  }
  return 0;
}
