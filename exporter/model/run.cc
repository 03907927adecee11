#include "model/run.h"

#include <algorithm>
#include <cstddef>

namespace backup_exporter {
namespace {

// In the order of the enums.
constexpr std::array<std::string_view, kOperations> kOperationNames{
    "backup", "check", "prune", "forget", "compact", "copy", "restore", "other"};
constexpr std::array<std::string_view, kRunResults> kResultNames{"success", "skipped", "warning",
                                                                 "interrupted", "failure"};
constexpr std::array<std::string_view, kEvidences> kEvidenceNames{"claim", "exit_code", "report",
                                                                  "archive"};
constexpr std::array<std::string_view, kReasons> kReasonNames{"locked",
                                                              "auth",
                                                              "repository_missing",
                                                              "network",
                                                              "no_space",
                                                              "source_missing",
                                                              "source_unreadable",
                                                              "interrupted",
                                                              "hook",
                                                              "timeout",
                                                              "other"};
constexpr std::array<std::string_view, kLevels> kLevelNames{"error", "warning", "info", "debug"};

}  // namespace

std::string_view Name(Operation operation) {
  return kOperationNames[static_cast<std::size_t>(operation)];
}

std::string_view Name(RunResult result) { return kResultNames[static_cast<std::size_t>(result)]; }

std::string_view Name(Evidence evidence) {
  return kEvidenceNames[static_cast<std::size_t>(evidence)];
}

std::string_view Name(Reason reason) { return kReasonNames[static_cast<std::size_t>(reason)]; }

std::string_view Name(Level level) { return kLevelNames[static_cast<std::size_t>(level)]; }

std::optional<Operation> OperationNamed(std::string_view name) {
  const auto* found = std::find(kOperationNames.begin(), kOperationNames.end(), name);
  if (found == kOperationNames.end()) return std::nullopt;
  return static_cast<Operation>(found - kOperationNames.begin());
}

std::optional<RunResult> ResultNamed(std::string_view name) {
  const auto* found = std::find(kResultNames.begin(), kResultNames.end(), name);
  if (found == kResultNames.end()) return std::nullopt;
  return static_cast<RunResult>(found - kResultNames.begin());
}

std::optional<Level> LevelNamed(std::string_view name) {
  const auto* found = std::find(kLevelNames.begin(), kLevelNames.end(), name);
  if (found == kLevelNames.end()) return std::nullopt;
  return static_cast<Level>(found - kLevelNames.begin());
}

}  // namespace backup_exporter
