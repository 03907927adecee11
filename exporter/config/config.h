// The configuration: parses one YAML file into the options of all parts.
//
// Checking is strict and reports every error at once, with its line and column. Whether configured
// files exist is left to the parts: nothing is read but the configuration file itself, and the
// secrets and borgmatic configurations that it names.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "base/config_error.h"
#include "config/expectations.h"
#include "config/monitors.h"
#include "ingest/ingest.h"
#include "ledger/ledger.h"

namespace backup_exporter {

// One configured input: the options for each part that works on it.
struct SourceConfig {
  IngestOptions ingest;
  SourceRules rules;
};

// The spool in the ledger's directory is read as a source, too. `backup_exporter event` and `pause`
// append to it. No configured source may have its name.
inline constexpr std::string_view kEventSource = "events";
[[nodiscard]] std::string SpoolDirectory(const std::string& storage_path);
[[nodiscard]] SourceConfig EventSource(const std::string& storage_path);

struct Configuration {
  std::vector<SourceConfig> sources;  // at least one
  std::vector<Expectation> expectations;
  MonitorsConfig monitors;
  std::optional<std::string> storage_path;             // absolute
  std::chrono::seconds retention = kDefaultRetention;  // of the ledger's history
};

using ConfigurationOrErrors = tl::expected<Configuration, std::vector<ConfigError>>;

// Reads and checks the file. Relative paths in it are resolved against its directory.
[[nodiscard]] ConfigurationOrErrors LoadConfiguration(const std::string& path);

// The same for the file's content. Errors name it `file`; `directory` must be absolute.
[[nodiscard]] ConfigurationOrErrors ParseConfiguration(std::string_view text,
                                                       const std::string& file,
                                                       const std::string& directory);

}  // namespace backup_exporter
