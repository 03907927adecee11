#include "decoders/borg_words.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace backup_exporter {
namespace {

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

struct Hint {
  std::string_view words;
  Reason reason;
};

// Beginnings of message ids. The first that fits holds.
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

// What os errors say of a path: "PATH: [OPERATION: ][Errno N] TEXT: 'NAME'", where NAME is how the
// path was opened: below a directory by its last part, at the top as it was given.
bool IsMissingSource(std::string_view message) {
  const std::size_t error = message.rfind("[Errno 2] ");
  if (error == std::string_view::npos || error < 3) return false;
  std::string_view path = message.substr(0, error - 2);
  const std::size_t quote = message.find(": '", error);
  if (quote == std::string_view::npos || !message.ends_with('\'')) return false;
  const std::string_view name = message.substr(quote + 3, message.size() - quote - 4);
  // 1.1 and 1.2 name the operation only below the top, where all that happens has one.
  bool operation = false;
  for (const std::string_view known : {": stat", ": open", ": dir_open", ": fstat", ": read"}) {
    if (!path.ends_with(known)) continue;
    path.remove_suffix(known.size());
    operation = true;
  }
  return !operation || path == name;
}

}  // namespace

BorgWords BorgWordsOf(std::string_view message) {
  if (message.starts_with("Error: ")) message.remove_prefix(7);  // 1.4
  const auto begins = [message](std::string_view words) { return message.starts_with(words); };
  if (begins("Creating archive at \"") || begins("Creating archive \"")) {
    return BorgWords::kCreateBegins;
  }
  if (begins("Keeping archive") || begins("Keeping checkpoint archive") ||
      begins("Pruning archive (") || begins("Pruning archive:")) {
    return BorgWords::kPruneBegins;
  }
  if (begins("Would prune")) return BorgWords::kDryRun;
  if (begins("compaction freed about")) return BorgWords::kCompacted;
  if (begins("Starting repository check") || begins("Starting full repository check") ||
      begins("Starting archive consistency check") || begins("Starting cryptographic data")) {
    return BorgWords::kCheckBegins;
  }
  if (begins("Finished ") || begins("Archive consistency check complete")) {
    if (Contains(message, "no problems found") || Contains(message, "with 0 integrity errors")) {
      return BorgWords::kCheckClean;
    }
    if (Contains(message, "errors found") || Contains(message, "problems found") ||
        Contains(message, "integrity errors")) {
      return BorgWords::kCheckDamaged;
    }
    return BorgWords::kNothing;
  }
  if (begins("Got Ctrl-C") || begins("Keyboard interrupt") || begins("Received SIG")) {
    return BorgWords::kInterrupted;
  }
  if (begins("Killed stale lock ") || begins("Removed stale ")) return BorgWords::kStaleLock;
  if (begins("borg") && Contains(message.substr(0, 40), ": error: ")) return BorgWords::kMisused;
  if (IsMissingSource(message)) return BorgWords::kSourceMissing;
  if (Contains(message, ": [Errno ") || Contains(message, "file changed while we backed it up") ||
      (begins("Include pattern ") && message.ends_with("never matched."))) {
    return BorgWords::kUnreadable;
  }
  return BorgWords::kNothing;
}

Level LevelOf(BorgWords words) {
  switch (words) {
    case BorgWords::kCheckDamaged:
    case BorgWords::kInterrupted:
    case BorgWords::kMisused:
      return Level::kError;
    case BorgWords::kUnreadable:
    case BorgWords::kSourceMissing:
    case BorgWords::kStaleLock:
      return Level::kWarning;
    case BorgWords::kNothing:
    case BorgWords::kCreateBegins:
    case BorgWords::kPruneBegins:
    case BorgWords::kDryRun:
    case BorgWords::kCompacted:
    case BorgWords::kCheckBegins:
    case BorgWords::kCheckClean:
      break;
  }
  return Level::kInfo;
}

bool IsListed(std::string_view line) { return line.size() > 1 && line[1] == ' '; }

Reason BorgReasonOf(std::string_view msgid, std::string_view message) {
  const auto id = std::ranges::find_if(
      kIds, [msgid](const Hint& hint) { return msgid.starts_with(hint.words); });
  if (id != kIds.end()) return id->reason;
  const auto text = std::ranges::find_if(
      kTexts, [message](const Hint& hint) { return Contains(message, hint.words); });
  if (text != kTexts.end()) return text->reason;
  const bool repository = message.starts_with("Repository ") || Contains(message, "\nRepository ");
  return repository && Contains(message, "does not exist") ? Reason::kRepositoryMissing
                                                           : Reason::kOther;
}

std::optional<Reason> BorgReasonOf(int exit_code) {
  switch (exit_code) {
    case 13:
    case 15:
    case 16:
    case 18:
      return Reason::kRepositoryMissing;
    case 14:
    case 20:
      return Reason::kNoSpace;
    case 40:
    case 41:
    case 42:
    case 44:
    case 50:
    case 51:
    case 52:
    case 53:
      return Reason::kAuth;
    case 70:
    case 71:
    case 72:
    case 73:
    case 74:
    case 75:
      return Reason::kLocked;
    case 80:
    case 81:
    case 87:
      return Reason::kNetwork;
    default:
      break;
  }
  if (exit_code >= 128) return Reason::kInterrupted;
  return std::nullopt;
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
  // hold anything; where it might, more is left out rather than less.
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
