#include <fmt/format.h>

#include <cstdio>

#include "commands/commands.h"
#include "commands/configuration.h"

namespace backup_exporter {

int CheckConfigurationCommand(const std::string& config_file) {
  const auto configuration = LoadOrPrintErrors(config_file);
  if (!configuration) return kMisused;
  for (const std::string& warning : configuration->monitors.warnings) {
    fmt::print(stderr, "{}: {}\n", config_file, warning);
  }
  const auto count = [](std::size_t number, std::string_view noun) {
    return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
  };
  fmt::print("{}: fine, {}, {}\n", config_file, count(configuration->sources.size(), "source"),
             count(configuration->monitors.monitors.size(), "monitor"));
  return kFine;
}

}  // namespace backup_exporter
