#include "commands/configuration.h"

#include <fmt/format.h>

#include <cstdio>

namespace backup_exporter {

std::optional<Configuration> LoadOrPrintErrors(const std::string& config_file) {
  auto configuration = LoadConfiguration(config_file);
  if (configuration) return std::move(*configuration);
  for (const ConfigError& error : configuration.error()) {
    fmt::print(stderr, "{}\n", Describe(error));
  }
  return std::nullopt;
}

std::optional<std::string> FindStoragePathOrPrintErrors(const AppOptions& options) {
  if (!options.storage_path.empty()) return options.storage_path;
  const auto configuration = LoadOrPrintErrors(options.config_file);
  if (!configuration) return std::nullopt;
  return StoragePath(options.storage_path, *configuration);
}

}  // namespace backup_exporter
