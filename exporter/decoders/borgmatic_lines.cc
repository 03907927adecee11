#include "decoders/borgmatic_lines.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "decoders/borg_words.h"

namespace backup_exporter {
namespace {

constexpr std::size_t kMostHeadWords = 8;

std::string_view TakeWord(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  const std::size_t end = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end);
  return word;
}

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
  std::string_view words;
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

// "PREFIX: WORDS" or "WORDS" alone, WORDS being the rest of the line; the prefix goes to `label`.
bool Says(std::string_view text, std::string_view words, std::string* label) {
  if (!text.ends_with(words)) return false;
  text.remove_suffix(words.size());
  if (text.empty()) return true;
  if (!text.ends_with(": ")) return false;
  text.remove_suffix(2);
  *label = PublicName(text);
  return true;
}

// "… returned non-zero exit status 2." and the like.
std::optional<int> CodeAfter(std::string_view text, std::string_view words) {
  const std::size_t at = text.rfind(words);
  if (at == std::string_view::npos) return std::nullopt;
  const char* begin = text.data() + at + words.size();
  int code = 0;
  const auto [end, error] = std::from_chars(begin, text.data() + text.size(), code);
  return error == std::errc() ? std::optional(code) : std::nullopt;
}

std::optional<int> ExitCodeIn(std::string_view text) {
  if (const auto code = CodeAfter(text, "returned non-zero exit status ")) return code;
  // "died with <Signals.SIGKILL: 9>."
  const std::size_t at = text.rfind("died with <Signals.");
  if (at == std::string_view::npos) return std::nullopt;
  const auto number = CodeAfter(text.substr(at), ": ");
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
    const std::string_view word = TakeWord(rest);
    const std::string_view bare = Bare(word);
    parsed.level = LogLevelNamed(bare);
    if (parsed.level != LogLevel::kNone) break;
    if (IsDate(bare)) {
      date = bare;
    } else if (!date.empty() && !parsed.time) {
      parsed.time = clock.Read(std::string(date).append(" ").append(bare));
      if (!parsed.time) break;
    } else if (const auto number = NumberIn(bare)) {
      // {created}; a smaller one is {process} or {levelno}.
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
    const std::string_view word = TakeWord(after);
    if (!IsLogger(Bare(word)) && word != "-" && word != ":" && !NumberIn(word)) break;
    rest = after;
  }
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  parsed.text = rest;
  return parsed;
}

BorgmaticSaid BorgmaticSaidIn(std::string_view text) {
  constexpr std::string_view kDryRun = " (dry run; not making any changes)";
  BorgmaticSaid said;
  const auto is = [&](BorgmaticWords words, std::string_view form) {
    if (!Says(text, form, &said.label)) return false;
    said.words = words;
    return true;
  };
  std::string_view action = text;
  if (action.ends_with(kDryRun)) {
    action.remove_suffix(kDryRun.size());
    said.dry_run = true;
  }
  for (const Action& known : kActions) {
    // Of some, the archive's name follows.
    const std::size_t at = action.find(known.words);
    const bool named = known.operation == Operation::kRestore && at != std::string_view::npos;
    const std::string_view head = named ? action.substr(0, at + known.words.size()) : action;
    if (!Says(head, known.words, &said.label)) continue;
    said.words = BorgmaticWords::kAction;
    said.operation = known.operation;
    return said;
  }
  if (is(BorgmaticWords::kRepositoryFailed, "Error running actions for repository")) return said;
  if (is(BorgmaticWords::kSummary, "summary:")) return said;
  if (is(BorgmaticWords::kStopped, "Exiting due to TERM signal")) return said;
  if (text.starts_with("Need some help?")) {
    said.words = BorgmaticWords::kHelp;
    return said;
  }
  if (text.find("Retrying... attempt") != std::string_view::npos) {
    said.words = BorgmaticWords::kRetrying;
    return said;
  }
  if (const std::size_t at = text.find("exited with soft failure exit code (75)");
      at != std::string_view::npos) {
    const std::size_t prefix = text.substr(0, at).rfind(": ");
    if (prefix != std::string_view::npos) said.label = text.substr(0, prefix);
    said.words = BorgmaticWords::kSoftFailure;
    return said;
  }
  if (const auto code = CodeAfter(text, "Treating exit code ");
      code && text.find("as a warning") != std::string_view::npos) {
    said.words = BorgmaticWords::kTreatedAsWarning;
    said.exit_code = *code;
    return said;
  }
  if (const auto code = ExitCodeIn(text)) {
    said.words = BorgmaticWords::kExitCode;
    said.exit_code = *code;
  }
  return said;
}

BorgCommand BorgCommandIn(std::string_view text) {
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
  // Since 1.8 quoted as a shell would have it, before that as a list of Python's.
  std::size_t first = std::string_view::npos;
  for (const Action& known : kCommands) {
    for (const char quote : {' ', '\''}) {
      const std::string word = std::string(1, quote).append(known.words).append(1, quote);
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
