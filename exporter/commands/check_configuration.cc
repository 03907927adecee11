#include <fmt/format.h>

#include <cstdio>

#include "commands/commands.h"

namespace backup_exporter {

int CheckConfiguration(const std::string& config_file) {
  const auto configuration = LoadConfiguration(config_file);
  if (!configuration) {
    for (const ConfigError& error : configuration.error())
      fmt::print(stderr, "{}\n", Describe(error));
    return kMisused;
  }
  for (const std::string& warning : configuration->monitors.warnings) {
    fmt::print(stderr, "{}: {}\n", config_file, warning);
  }
  const auto count = [](std::size_t number, std::string_view what) {
    return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
  };
  fmt::print("{}: fine, {}, {}\n", config_file, count(configuration->sources.size(), "source"),
             count(configuration->monitors.monitors.size(), "monitor"));
  return kFine;
}

}  // namespace backup_exporter
