#include <fmt/format.h>

#include <cstdio>

#include "commands/commands.h"

namespace backup_exporter {

int CheckConfiguration(const std::string& config_file) {
  const auto configuration = LoadConfiguration(config_file);
  if (!configuration) {
    for (const Mistake& mistake : configuration.error())
      fmt::print(stderr, "{}\n", Describe(mistake));
    return kMisused;
  }
  fmt::print("{}: fine, {} source{}\n", config_file, configuration->sources.size(),
             configuration->sources.size() == 1 ? "" : "s");
  return kFine;
}

}  // namespace backup_exporter
