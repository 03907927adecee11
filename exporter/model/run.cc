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

template <typename Enum, std::size_t kCount>
std::optional<Enum> ValueNamed(const std::array<std::string_view, kCount>& names,
                               std::string_view name) {
  const auto* found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<Enum>(found - names.begin());
}

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
  return ValueNamed<Operation>(kOperationNames, name);
}

std::optional<RunResult> ResultNamed(std::string_view name) {
  return ValueNamed<RunResult>(kResultNames, name);
}

std::optional<Evidence> EvidenceNamed(std::string_view name) {
  return ValueNamed<Evidence>(kEvidenceNames, name);
}

std::optional<Reason> ReasonNamed(std::string_view name) {
  return ValueNamed<Reason>(kReasonNames, name);
}

std::optional<Level> LevelNamed(std::string_view name) {
  return ValueNamed<Level>(kLevelNames, name);
}

}  // namespace backup_exporter
