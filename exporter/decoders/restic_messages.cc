#include "decoders/restic_messages.h"

#include <algorithm>
#include <array>

namespace backup_exporter {
namespace {

using namespace std::string_view_literals;

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

constexpr std::array kFinalErrors{
    "Fatal: "sv,          "unable to create lock in backend: "sv,
    "panic: "sv,          "fatal error: "sv,
    "unknown flag: "sv,   "unknown shorthand flag: "sv,
    "unknown command "sv,
};

constexpr auto kUnreadable = std::to_array({
    "Warning: at least one source file could not be read"sv,
    "Warning: failed to read all source data during backup"sv,
});

struct Hint {
  std::string_view text;
  Reason reason;
};

// The first text that the error contains gives the reason.
constexpr std::array kHints{
    Hint{"wrong password or no key found", Reason::kAuth},
    Hint{"context canceled", Reason::kInterrupted},
    Hint{"already locked", Reason::kLocked},
    Hint{"no space left on device", Reason::kNoSpace},
    Hint{"disk quota exceeded", Reason::kNoSpace},
    Hint{"dial tcp", Reason::kNetwork},
    Hint{"connection refused", Reason::kNetwork},
    Hint{"connection reset", Reason::kNetwork},
    Hint{"no such host", Reason::kNetwork},
    Hint{"network is unreachable", Reason::kNetwork},
    Hint{"TLS handshake", Reason::kNetwork},
    Hint{"i/o timeout", Reason::kNetwork},
    Hint{"timed out", Reason::kTimeout},
    Hint{"failed to refresh lock in time", Reason::kTimeout},
    Hint{"repository does not exist", Reason::kRepositoryMissing},
    Hint{"Is there a repository at", Reason::kRepositoryMissing},
    Hint{"unable to open config file", Reason::kRepositoryMissing},
    Hint{"directories/files do not exist", Reason::kSourceMissing},
    Hint{"nothing to backup", Reason::kSourceMissing},
    Hint{"could not be read", Reason::kSourceUnreadable},
    Hint{"failed to read all source data", Reason::kSourceUnreadable},
    Hint{"unable to create lock", Reason::kLocked},
};

}  // namespace

ResticMessage ResticMessageOf(std::string_view line) {
  const auto begins = [line](std::string_view text) { return line.starts_with(text); };
  if (std::ranges::any_of(kFinalErrors, begins)) return ResticMessage::kFinalError;
  if (std::ranges::any_of(kUnreadable, begins)) return ResticMessage::kPartlyUnreadable;
  if (line.ends_with(" does not exist, skipping") ||
      line.ends_with(" cannot be accessed, skipping")) {
    return ResticMessage::kSourceMissing;
  }
  if (begins("signal ") && Contains(line, " received, cleaning up")) return ResticMessage::kSignal;
  if (line == "no errors were found") return ResticMessage::kCheckClean;
  if (begins("using temporary cache in ") || line == "load indexes" || line == "check all packs" ||
      line == "check snapshots, trees and blobs") {
    return ResticMessage::kCheckStage;
  }
  if (line == "done") return ResticMessage::kPruned;
  if (begins("restoring <Snapshot ")) return ResticMessage::kRestoreBegins;
  if (begins("ignoring error for ")) return ResticMessage::kRestoreError;
  return ResticMessage::kOther;
}

Level LevelOf(ResticMessage message) {
  switch (message) {
    case ResticMessage::kFinalError:
    case ResticMessage::kRestoreError:
      return Level::kError;
    case ResticMessage::kOther:
    case ResticMessage::kPartlyUnreadable:
    case ResticMessage::kSourceMissing:
    case ResticMessage::kSignal:
      return Level::kWarning;
    case ResticMessage::kCheckStage:
    case ResticMessage::kCheckClean:
    case ResticMessage::kPruned:
    case ResticMessage::kRestoreBegins:
      break;
  }
  return Level::kInfo;
}

std::string ErrorTextOf(const Json& record) {
  Members members(record);
  std::string text = members.Text("message");
  const std::string item = members.Text("item");
  if (const auto error = record.find("error"); error != record.end() && error->is_object()) {
    Members details(*error);
    text = details.Text("message");
    const std::string action = details.Text("Op");
    if (const auto number = details.Integer("Err"); text.empty() && number && !action.empty()) {
      text = action + " " + details.Text("Path") + ": errno " + std::to_string(*number);
    }
  }
  if (text.empty() && !item.empty()) text = "error during " + members.Text("during");
  if (!Contains(text, item)) text = item + ": " + text;
  const std::size_t begin = text.find_first_not_of('\n');
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find_last_not_of('\n') + 1 - begin);
}

Level ErrorLevelOf(std::string_view during) {
  return during == "archival" || during == "scan" ? Level::kWarning : Level::kError;
}

Reason ReasonOf(std::string_view error) {
  const auto found = std::ranges::find_if(
      kHints, [error](const Hint& hint) { return Contains(error, hint.text); });
  return found == kHints.end() ? Reason::kOther : found->reason;
}

std::optional<Reason> ReasonOf(int exit_code) {
  switch (exit_code) {
    case 10:
      return Reason::kRepositoryMissing;
    case 11:
      return Reason::kLocked;
    case 12:
      return Reason::kAuth;
    default:
      break;
  }
  if (EndedBySignal(exit_code)) return Reason::kInterrupted;
  return std::nullopt;
}

std::optional<Operation> OperationOf(std::string_view error) {
  if (error.starts_with("Fatal: repository contains errors")) return Operation::kCheck;
  if (error.starts_with("Fatal: There were ")) return Operation::kRestore;
  if (error.starts_with("failed to remove one or more snapshots")) return Operation::kForget;
  if (error.starts_with("Fatal: unable to save snapshot") || error.starts_with(kUnreadable[0]) ||
      error.starts_with(kUnreadable[1]) || Contains(error, "directories/files do not exist") ||
      Contains(error, "nothing to backup")) {
    return Operation::kBackup;
  }
  return std::nullopt;
}

bool EndedBySignal(int exit_code) { return exit_code > 128 && exit_code <= 128 + 64; }

std::size_t FindFinalError(std::string_view line) {
  std::size_t first = std::string_view::npos;
  for (const auto text : kFinalErrors) first = std::min(first, line.find(text));
  for (const auto text : kUnreadable) first = std::min(first, line.find(text));
  return first;
}

}  // namespace backup_exporter
