// The configuration as subcommands need it.
#pragma once

#include <optional>
#include <string>

#include "app.h"
#include "config/config.h"

namespace backup_exporter {

// Loads the configuration. nullopt after printing its errors to standard error.
[[nodiscard]] std::optional<Configuration> LoadOrPrintErrors(const std::string& config_file);

// The ledger's directory. The configuration is not loaded if --storage.path names the directory.
// nullopt after printing the configuration's errors to standard error.
[[nodiscard]] std::optional<std::string> FindStoragePathOrPrintErrors(const AppOptions& options);

}  // namespace backup_exporter
