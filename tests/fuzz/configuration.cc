// Any text is a configuration or has errors at positions in that text.
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
  ConfigErrors errors("fuzzed.yaml");
  std::set<const YamlValue*> seen;
  const auto root = ParseYaml(text, errors);
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
  Promise(!configuration.error().empty(), "a text that is not a configuration has an error");
  const auto lines = std::ranges::count(text, '\n') + 2;  // the end may be what is wrong
  for (const ConfigError& error : configuration.error()) {
    Promise(!error.text.empty() && error.file == "fuzzed.yaml",
            "an error has a text and names the file");
    Promise(error.line >= 0 && error.line <= lines, "an error is in a line of the text");
    Promise((error.line > 0) == (error.column > 0), "an error with a line has a column");
  }
  return 0;
}
