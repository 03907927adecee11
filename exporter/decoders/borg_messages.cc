#include "decoders/borg_messages.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace backup_exporter {
namespace {

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

struct Hint {
  std::string_view text;
  Reason reason;
};

// Beginnings of message ids. The first match gives the reason.
constexpr std::array kIds{
    Hint{"LockError", Reason::kLocked},
    Hint{"LockFailed", Reason::kLocked},
    Hint{"LockTimeout", Reason::kLocked},
    Hint{"NotLocked", Reason::kLocked},
    Hint{"NotMyLock", Reason::kLocked},
    Hint{"Repository.DoesNotExist", Reason::kRepositoryMissing},
    Hint{"Repository.InvalidRepository", Reason::kRepositoryMissing},
    Hint{"Repository.ParentPathDoesNotExist", Reason::kRepositoryMissing},
    Hint{"Repository.InsufficientFreeSpaceError", Reason::kNoSpace},
    Hint{"Repository.StorageQuotaExceeded", Reason::kNoSpace},
    Hint{"Passphrase", Reason::kAuth},
    Hint{"NoPassphrase", Reason::kAuth},
    Hint{"Passcommand", Reason::kAuth},
    Hint{"Password", Reason::kAuth},
    Hint{"Keyfile", Reason::kAuth},
    Hint{"RepoKeyNotFound", Reason::kAuth},
    Hint{"ConnectionClosed", Reason::kNetwork},
    Hint{"ConnectionBroken", Reason::kNetwork},
    Hint{"Signal.", Reason::kInterrupted},
};

// Parts of texts. The first match gives the reason.
constexpr std::array kTexts{
    Hint{"Got Ctrl-C", Reason::kInterrupted},
    Hint{"Keyboard interrupt", Reason::kInterrupted},
    Hint{"Received SIG", Reason::kInterrupted},
    Hint{"died with <Signals.", Reason::kInterrupted},
    Hint{"create/acquire the lock", Reason::kLocked},
    Hint{"assphrase", Reason::kAuth},
    Hint{"key file for repository", Reason::kAuth},
    Hint{"No space left on device", Reason::kNoSpace},
    Hint{"Insufficient free space", Reason::kNoSpace},
    Hint{"quota exceeded", Reason::kNoSpace},
    Hint{"Could not resolve hostname", Reason::kNetwork},
    Hint{"Connection refused", Reason::kNetwork},
    Hint{"Connection closed by remote host", Reason::kNetwork},
    Hint{"Connection timed out", Reason::kNetwork},
    Hint{"No route to host", Reason::kNetwork},
    Hint{"is not a valid repository", Reason::kRepositoryMissing},
    Hint{"timed out after", Reason::kTimeout},
    Hint{"paths do not exist", Reason::kSourceMissing},  // borgmatic's own check
};

// The operating system's error about a path: "PATH: [OPERATION: ][Errno N] TEXT: 'NAME'". NAME is
// the path as it was opened: a path given to borg in full, a path below it by its last part.
bool IsMissingSource(std::string_view message) {
  const std::size_t error = message.rfind("[Errno 2] ");
  if (error == std::string_view::npos || error < 3) return false;
  std::string_view path = message.substr(0, error - 2);
  const std::size_t quote = message.find(": '", error);
  if (quote == std::string_view::npos || !message.ends_with('\'')) return false;
  const std::string_view name = message.substr(quote + 3, message.size() - quote - 4);
  // 1.1 and 1.2 name the operation only for paths below the given ones, and always there.
  bool operation = false;
  for (const std::string_view known : {": stat", ": open", ": dir_open", ": fstat", ": read"}) {
    if (!path.ends_with(known)) continue;
    path.remove_suffix(known.size());
    operation = true;
  }
  return !operation || path == name;
}

struct Beginning {
  std::string_view text;
  BorgMessage message;
};
constexpr std::array kBeginnings{
    Beginning{"Creating archive at \"", BorgMessage::kCreateBegins},
    Beginning{"Creating archive \"", BorgMessage::kCreateBegins},
    Beginning{"Keeping archive", BorgMessage::kPruneBegins},
    Beginning{"Keeping checkpoint archive", BorgMessage::kPruneBegins},
    Beginning{"Pruning archive (", BorgMessage::kPruneBegins},
    Beginning{"Pruning archive:", BorgMessage::kPruneBegins},
    Beginning{"Would prune", BorgMessage::kDryRun},
    Beginning{"compaction freed about", BorgMessage::kCompacted},
    Beginning{"Starting repository check", BorgMessage::kCheckBegins},
    Beginning{"Starting full repository check", BorgMessage::kCheckBegins},
    Beginning{"Starting archive consistency check", BorgMessage::kCheckBegins},
    Beginning{"Starting cryptographic data", BorgMessage::kCheckBegins},
    Beginning{"Got Ctrl-C", BorgMessage::kInterrupted},
    Beginning{"Keyboard interrupt", BorgMessage::kInterrupted},
    Beginning{"Received SIG", BorgMessage::kInterrupted},
    Beginning{"Killed stale lock ", BorgMessage::kStaleLock},
    Beginning{"Removed stale ", BorgMessage::kStaleLock},
};

// The message at the end of a part of check.
BorgMessage CheckResultOf(std::string_view message) {
  if (Contains(message, "no problems found") || Contains(message, "with 0 integrity errors")) {
    return BorgMessage::kCheckClean;
  }
  const bool damaged = Contains(message, "errors found") || Contains(message, "problems found") ||
                       Contains(message, "integrity errors");
  return damaged ? BorgMessage::kCheckDamaged : BorgMessage::kOther;
}

// Exit codes from `first` to `last`.
struct ExitCodes {
  int first;
  int last;
  Reason reason;
};
constexpr std::array kExitCodes{
    ExitCodes{13, 13, Reason::kRepositoryMissing},
    ExitCodes{14, 14, Reason::kNoSpace},
    ExitCodes{15, 16, Reason::kRepositoryMissing},
    ExitCodes{18, 18, Reason::kRepositoryMissing},
    ExitCodes{20, 20, Reason::kNoSpace},
    ExitCodes{40, 42, Reason::kAuth},
    ExitCodes{44, 44, Reason::kAuth},
    ExitCodes{50, 53, Reason::kAuth},
    ExitCodes{70, 75, Reason::kLocked},
    ExitCodes{80, 81, Reason::kNetwork},
    ExitCodes{87, 87, Reason::kNetwork},
};

}  // namespace

BorgMessage BorgMessageOf(std::string_view message) {
  if (message.starts_with("Error: ")) message.remove_prefix(7);  // 1.4
  const auto* known = std::ranges::find_if(kBeginnings, [message](const Beginning& beginning) {
    return message.starts_with(beginning.text);
  });
  if (known != kBeginnings.end()) return known->message;
  if (message.starts_with("Finished ") ||
      message.starts_with("Archive consistency check complete")) {
    return CheckResultOf(message);
  }
  if (message.starts_with("borg") && Contains(message.substr(0, 40), ": error: ")) {
    return BorgMessage::kUsageError;
  }
  if (IsMissingSource(message)) return BorgMessage::kSourceMissing;
  const bool unmatched =
      message.starts_with("Include pattern ") && message.ends_with("never matched.");
  return unmatched || Contains(message, ": [Errno ") ||
                 Contains(message, "file changed while we backed it up")
             ? BorgMessage::kUnreadable
             : BorgMessage::kOther;
}

Level LevelOf(BorgMessage message) {
  switch (message) {
    case BorgMessage::kCheckDamaged:
    case BorgMessage::kInterrupted:
    case BorgMessage::kUsageError:
      return Level::kError;
    case BorgMessage::kUnreadable:
    case BorgMessage::kSourceMissing:
    case BorgMessage::kStaleLock:
      return Level::kWarning;
    case BorgMessage::kOther:
    case BorgMessage::kCreateBegins:
    case BorgMessage::kPruneBegins:
    case BorgMessage::kDryRun:
    case BorgMessage::kCompacted:
    case BorgMessage::kCheckBegins:
    case BorgMessage::kCheckClean:
      break;
  }
  return Level::kInfo;
}

bool IsListLine(std::string_view line) { return line.size() > 1 && line[1] == ' '; }

Reason BorgReasonOf(std::string_view msgid, std::string_view message) {
  const auto id = std::ranges::find_if(
      kIds, [msgid](const Hint& hint) { return msgid.starts_with(hint.text); });
  if (id != kIds.end()) return id->reason;
  const auto text = std::ranges::find_if(
      kTexts, [message](const Hint& hint) { return Contains(message, hint.text); });
  if (text != kTexts.end()) return text->reason;
  const bool repository = message.starts_with("Repository ") || Contains(message, "\nRepository ");
  return repository && Contains(message, "does not exist") ? Reason::kRepositoryMissing
                                                           : Reason::kOther;
}

std::optional<Reason> BorgReasonOf(int exit_code) {
  if (exit_code >= 128) return Reason::kInterrupted;
  const auto* found = std::ranges::find_if(kExitCodes, [exit_code](const ExitCodes& codes) {
    return codes.first <= exit_code && exit_code <= codes.last;
  });
  return found == kExitCodes.end() ? std::nullopt : std::optional(found->reason);
}

std::optional<int> BorgExitCodeOf(std::string_view message) {
  constexpr std::string_view kHead = "terminating with ";
  constexpr std::string_view kCode = " status, rc ";
  if (!message.starts_with(kHead)) return std::nullopt;
  const std::size_t at = message.find(kCode);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view digits = message.substr(at + kCode.size());
  int code = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), code);
  if (error != std::errc() || end != digits.data() + digits.size() || code < 0) return std::nullopt;
  return code;
}

RunResult BorgResultOf(int exit_code, std::optional<Operation> operation) {
  if (exit_code == 0) return RunResult::kSuccess;
  if (exit_code >= 128) return RunResult::kInterrupted;
  const bool warning = exit_code == 1 || exit_code >= 100;
  return warning && operation.value_or(Operation::kBackup) == Operation::kBackup
             ? RunResult::kWarning
             : RunResult::kFailure;
}

std::optional<Operation> BorgOperationInProgress(std::string_view line) {
  // "600.01 kB O 300.12 kB C 300.12 kB D 5 N srv/data": original, compressed, deduplicated, number.
  const std::size_t original = line.find(" O ");
  if (original != std::string_view::npos && original < 16 && Contains(line, " N ") &&
      line.front() >= '0' && line.front() <= '9') {
    return Operation::kBackup;
  }
  if (line.starts_with("Compacting segments ")) return Operation::kCompact;
  if (line.starts_with("Checking segments ")) return Operation::kCheck;
  if (line.starts_with("Pruning archives ")) return Operation::kPrune;
  if (Contains(line.substr(0, 24), "% Extracting: ")) return Operation::kRestore;
  return std::nullopt;
}

std::optional<Operation> BorgOperationOf(std::string_view progress_msgid) {
  if (progress_msgid == "prune") return Operation::kPrune;
  if (progress_msgid == "extract") return Operation::kRestore;
  if (progress_msgid.starts_with("repository.compact") || progress_msgid.starts_with("compact")) {
    return Operation::kCompact;
  }
  if (progress_msgid.starts_with("repository.check") || progress_msgid.starts_with("check.")) {
    return Operation::kCheck;
  }
  return std::nullopt;
}

std::string BorgRepositoryOf(std::string_view message) {
  // 1.x: Creating archive at "REPOSITORY::ARCHIVE"; 2.0: Creating archive "NAME" in repository R.
  constexpr std::string_view kOld = "Creating archive at \"";
  constexpr std::string_view kNew = "\" in repository ";
  if (message.starts_with(kOld)) {
    const std::string_view rest = message.substr(kOld.size());
    return PublicLocation(rest.substr(0, std::min(rest.rfind("::"), rest.size())));
  }
  const std::size_t at = message.rfind(kNew);
  return at == std::string_view::npos ? "" : PublicLocation(message.substr(at + kNew.size()));
}

std::string PublicLocation(std::string_view location) {
  const bool full = location.starts_with('/') || location.find(':') != std::string_view::npos;
  return full ? PublicName(location) : std::string();
}

std::string PublicName(std::string_view name) {
  if (name.starts_with('/')) return std::string(name);
  const std::size_t scheme = name.find("://");
  const std::size_t colon = name.find(':');
  if (colon == std::string_view::npos) return std::string(name);
  // "ssh://USER:PASSWORD@host/path", "s3:KEY:SECRET@host/bucket", "user@host:path". A password may
  // contain any character; in doubt, more is left out rather than less.
  const std::size_t head = scheme < colon || scheme == colon ? scheme + 3 : colon + 1;
  const std::size_t path = std::min(name.find('/', head), name.size());
  std::size_t at = name.substr(0, path).rfind('@');
  const std::size_t last = name.rfind('@');
  const bool secret = last != std::string_view::npos && last > head &&
                      name.substr(head, last - head).find(':') != std::string_view::npos;
  if (secret) at = last;
  std::string text(name);
  if (at != std::string_view::npos) {
    const bool behind = at >= head;
    text =
        std::string(behind ? name.substr(0, head) : std::string_view()).append(name.substr(at + 1));
  }
  return text.substr(0, text.find('?'));
}

}  // namespace backup_exporter
