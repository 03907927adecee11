#include "decoders/borgmatic_lines.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "decoders/borg_messages.h"

namespace backup_exporter {
namespace {

constexpr std::size_t kMostHeadWords = 8;

// Removes the first word of `text` and returns it.
std::string_view NextWord(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  const std::size_t end = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end);
  return word;
}

// Without brackets and punctuation around it.
std::string_view Bare(std::string_view word) {
  while (!word.empty() && std::string_view("[(<").find(word.front()) != std::string_view::npos) {
    word.remove_prefix(1);
  }
  while (!word.empty() && std::string_view("])>:|,").find(word.back()) != std::string_view::npos) {
    word.remove_suffix(1);
  }
  return word;
}

bool IsDate(std::string_view word) { return word.size() == 10 && word[4] == '-' && word[7] == '-'; }

std::optional<double> NumberIn(std::string_view word) {
  double value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (word.empty() || error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return value;
}

bool IsLogger(std::string_view word) {
  return word == "root" || word.starts_with("borgmatic.") || word.starts_with("borg.");
}

struct Action {
  std::string_view text;
  Operation operation;
};
constexpr std::array kActions{
    Action{"Creating archive", Operation::kBackup},
    Action{"Pruning archives", Operation::kPrune},
    Action{"Compacting segments", Operation::kCompact},
    Action{"Running consistency checks", Operation::kCheck},
    Action{"Extracting archive", Operation::kRestore},
    Action{"Restoring databases from archive", Operation::kRestore},
    Action{"Restoring data sources from archive", Operation::kRestore},
    Action{"Deleting archives", Operation::kOther},
    Action{"Deleting archive(s)", Operation::kOther},
};

// True for "PREFIX: MESSAGE", and for "MESSAGE" alone. Sets `label` to the prefix.
bool HasMessage(std::string_view text, std::string_view message, std::string* label) {
  if (!text.ends_with(message)) return false;
  text.remove_suffix(message.size());
  if (text.empty()) return true;
  if (!text.ends_with(": ")) return false;
  text.remove_suffix(2);
  *label = PublicName(text);
  return true;
}

// The number after `head`, as in "… returned non-zero exit status 2."
std::optional<int> NumberAfter(std::string_view text, std::string_view head) {
  const std::size_t at = text.rfind(head);
  if (at == std::string_view::npos) return std::nullopt;
  const char* begin = text.data() + at + head.size();
  int code = 0;
  const auto [end, error] = std::from_chars(begin, text.data() + text.size(), code);
  return error == std::errc() ? std::optional(code) : std::nullopt;
}

std::optional<int> ExitCodeIn(std::string_view text) {
  if (const auto code = NumberAfter(text, "returned non-zero exit status ")) return code;
  // "died with <Signals.SIGKILL: 9>."
  const std::size_t at = text.rfind("died with <Signals.");
  if (at == std::string_view::npos) return std::nullopt;
  const auto number = NumberAfter(text.substr(at), ": ");
  return number ? std::optional(128 + *number) : std::nullopt;
}

}  // namespace

LogLevel LogLevelNamed(std::string_view name) {
  constexpr std::array<std::string_view, 7> kNames{"",        "DEBUG", "INFO",    "ANSWER",
                                                   "WARNING", "ERROR", "CRITICAL"};
  const auto* found = std::find(kNames.begin() + 1, kNames.end(), name);
  return found == kNames.end() ? LogLevel::kNone : static_cast<LogLevel>(found - kNames.begin());
}

LogLine ParseLogLine(std::string_view line, const LocalClock& clock) {
  LogLine parsed;
  std::string_view rest = line;
  std::string_view date;
  for (std::size_t i = 0; i < kMostHeadWords; ++i) {
    const std::string_view word = NextWord(rest);
    const std::string_view bare = Bare(word);
    parsed.level = LogLevelNamed(bare);
    if (parsed.level != LogLevel::kNone) break;
    if (IsDate(bare)) {
      date = bare;
    } else if (!date.empty() && !parsed.time) {
      parsed.time = clock.Parse(std::string(date).append(" ").append(bare));
      if (!parsed.time) break;
    } else if (const auto number = NumberIn(bare)) {
      // {created}; smaller numbers are {process} or {levelno}.
      if (*number > 1e9 && *number < 1e11) parsed.time = TimeFromSeconds(*number);
    } else if (!bare.empty() && bare != "-" && !IsLogger(bare)) {
      break;
    }
  }
  if (parsed.level == LogLevel::kNone) {
    parsed.time.reset();
    parsed.text = line;
    return parsed;
  }
  std::string_view after = rest;
  for (;;) {
    const std::string_view word = NextWord(after);
    if (!IsLogger(Bare(word)) && word != "-" && word != ":" && !NumberIn(word)) break;
    rest = after;
  }
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  parsed.text = rest;
  return parsed;
}

BorgmaticLine ParseBorgmaticLine(std::string_view text) {
  constexpr std::string_view kDryRun = " (dry run; not making any changes)";
  BorgmaticLine line;
  const auto is = [&](BorgmaticMessage kind, std::string_view message) {
    if (!HasMessage(text, message, &line.label)) return false;
    line.kind = kind;
    return true;
  };
  std::string_view action = text;
  if (action.ends_with(kDryRun)) {
    action.remove_suffix(kDryRun.size());
    line.dry_run = true;
  }
  for (const Action& known : kActions) {
    // The archive's name follows some of them.
    const std::size_t at = action.find(known.text);
    const bool named = known.operation == Operation::kRestore && at != std::string_view::npos;
    const std::string_view head = named ? action.substr(0, at + known.text.size()) : action;
    if (!HasMessage(head, known.text, &line.label)) continue;
    line.kind = BorgmaticMessage::kActionBegins;
    line.operation = known.operation;
    return line;
  }
  if (is(BorgmaticMessage::kRepositoryFailed, "Error running actions for repository")) return line;
  if (is(BorgmaticMessage::kSummary, "summary:")) return line;
  if (is(BorgmaticMessage::kStopped, "Exiting due to TERM signal")) return line;
  if (text.starts_with("Need some help?")) {
    line.kind = BorgmaticMessage::kHelp;
    return line;
  }
  if (text.find("Retrying... attempt") != std::string_view::npos) {
    line.kind = BorgmaticMessage::kRetrying;
    return line;
  }
  if (const std::size_t at = text.find("exited with soft failure exit code (75)");
      at != std::string_view::npos) {
    const std::size_t prefix = text.substr(0, at).rfind(": ");
    if (prefix != std::string_view::npos) line.label = text.substr(0, prefix);
    line.kind = BorgmaticMessage::kSoftFailure;
    return line;
  }
  if (const auto code = NumberAfter(text, "Treating exit code ");
      code && text.find("as a warning") != std::string_view::npos) {
    line.kind = BorgmaticMessage::kTreatedAsWarning;
    line.exit_code = *code;
    return line;
  }
  if (const auto code = ExitCodeIn(text)) {
    line.kind = BorgmaticMessage::kExitCode;
    line.exit_code = *code;
  }
  return line;
}

BorgCommand ParseBorgCommand(std::string_view text) {
  BorgCommand command;
  constexpr std::array kCommands{
      Action{"create", Operation::kBackup},   Action{"prune", Operation::kPrune},
      Action{"compact", Operation::kCompact}, Action{"check", Operation::kCheck},
      Action{"extract", Operation::kRestore},
  };
  const std::size_t borg = text.find("borg");
  if (!text.starts_with("Command '") && text.find(": Command '") == std::string_view::npos)
    return {};
  if (borg == std::string_view::npos) return {};
  // Quoted as for a shell since 1.8, before that as a list in Python.
  std::size_t first = std::string_view::npos;
  for (const Action& known : kCommands) {
    for (const char quote : {' ', '\''}) {
      const std::string word = std::string(1, quote).append(known.text).append(1, quote);
      const std::size_t at = text.find(word, borg);
      if (at >= first) continue;
      first = at;
      command.operation = known.operation;
    }
  }
  command.dry_run = text.find("--dry-run", borg) != std::string_view::npos;
  const std::size_t separator = text.find("::", borg);
  if (separator == std::string_view::npos) return command;
  const std::size_t begin = text.find_last_of(" '\"", separator);
  command.repository = PublicLocation(text.substr(begin + 1, separator - begin - 1));
  return command;
}

}  // namespace backup_exporter
