// The configuration: one YAML file becomes the options of all parts.
//
// Strict, and told at once: every mistake with its line and column. Leaves to the parts whether
// what is configured exists. Nothing is looked up but the configuration file itself, and the
// secrets and the borgmatic configurations that it names.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "base/mistake.h"
#include "config/expectations.h"
#include "config/monitors.h"
#include "ingest/ingest.h"
#include "ledger/ledger.h"

namespace backup_exporter {

// One input, as each part that works on it needs it.
struct SourceConfig {
  IngestOptions ingest;
  SourceRules fold;
};

// What `backup_exporter event` leaves in the spool of a ledger's directory is a source as any
// other, of this name, which no other may have.
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

using ConfigurationOrMistakes = tl::expected<Configuration, std::vector<Mistake>>;

// Reads and checks the file. Relative paths in it are relative to its directory.
[[nodiscard]] ConfigurationOrMistakes LoadConfiguration(const std::string& path);

// The same for text that was read. `file` is how mistakes name it; `directory` is absolute.
[[nodiscard]] ConfigurationOrMistakes ParseConfiguration(std::string_view text,
                                                         const std::string& file,
                                                         const std::string& directory);

}  // namespace backup_exporter
