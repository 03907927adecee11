#include "delivery/notice_text.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/http.h"
#include "base/time.h"
#include "base/units.h"
#include "base/utf8.h"

namespace backup_exporter {
namespace {

constexpr std::string_view kMarker = "...\n";
constexpr std::size_t kLongestError = 500;  // bytes of a tool's message in a description

std::string_view ReasonText(Reason reason) {
  switch (reason) {
    case Reason::kLocked:
      return "the repository is locked";
    case Reason::kAuth:
      return "wrong password or key";
    case Reason::kRepositoryMissing:
      return "there is no repository";
    case Reason::kNetwork:
      return "network error";
    case Reason::kNoSpace:
      return "no space left";
    case Reason::kSourceMissing:
      return "the files to back up are missing";
    case Reason::kSourceUnreadable:
      return "some files could not be read";
    case Reason::kInterrupted:
      return "it ended without reporting a result";
    case Reason::kHook:
      return "a hook failed";
    case Reason::kTimeout:
      return "it took too long";
    case Reason::kOther:
      return "";
  }
  return "";
}

// "Backup of home", "Check of nas".
std::string Subject(const Notice& notice) {
  std::string operation(Name(notice.operation));
  if (notice.operation == Operation::kOther) operation = "run";
  operation[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(operation[0])));
  return operation + " of " + ValidUtf8(notice.backup);
}

std::string Ended(const Notice& notice) {
  if (notice.state == NoticeState::kStart) return "started";
  if (notice.state == NoticeState::kResolve) return "has recovered";
  if (notice.cause == NoticeCause::kMissed) return "is overdue";
  if (notice.cause == NoticeCause::kReminder) return "is still failing";
  switch (notice.result.value_or(RunResult::kFailure)) {
    case RunResult::kSuccess:
      return "succeeded";
    case RunResult::kSkipped:
      return "was skipped";
    case RunResult::kWarning:
      return "finished with warnings";
    case RunResult::kInterrupted:
      return "was interrupted";
    case RunResult::kFailure:
      return "failed";
  }
  return "failed";
}

// The run itself is good; the notice is a failure because of other backups.
bool IsOfOthers(const Notice& notice) {
  return notice.state == NoticeState::kFail && notice.result &&
         *notice.result != RunResult::kFailure && *notice.result != RunResult::kInterrupted &&
         !notice.also_failing.empty();
}

std::string Ordinal(std::uint64_t number) {
  const std::uint64_t tens = number % 100;
  const bool teen = tens >= 11 && tens <= 13;
  const std::uint64_t last = teen ? 0 : number % 10;
  return fmt::format("{}{}", number, last == 1 ? "st" : last == 2 ? "nd" : last == 3 ? "rd" : "th");
}

std::string OneLine(std::string_view text) {
  std::string line;
  for (const char byte : text) {
    const bool control = static_cast<unsigned char>(byte) < ' ' || byte == 0x7F;
    if (!control) line += byte;
    if (control && !line.empty() && line.back() != ' ') line += ' ';
  }
  while (line.ends_with(' ')) line.pop_back();
  return line;
}

std::string Listed(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + ValidUtf8(name);
  return list;
}

// The error of the run itself: the tool's message, else the text of the reason.
std::string OwnError(const Notice& notice) {
  std::string error = OneLine(ValidUtf8(notice.error));
  if (error.empty() && notice.reason) error = ReasonText(*notice.reason);
  return error;
}

// The value of a placeholder; nullopt: there is no such placeholder.
std::optional<std::string> Value(std::string_view name, const Notice& notice) {
  if (name == "backup") return ValidUtf8(notice.backup);
  if (name == "operation") return std::string(Name(notice.operation));
  if (name == "result") return ResultText(notice);
  if (name == "error") return ErrorText(notice);
  if (name == "duration") return notice.duration ? DurationText(*notice.duration) : "";
  if (name == "added_bytes") {
    const auto& added = notice.figures.added_bytes;
    return added ? std::to_string(*added) : "";
  }
  return std::nullopt;
}

template <typename Encode>
std::string Replace(std::string_view text, const Notice& notice, Encode encode) {
  std::string result;
  while (!text.empty()) {
    const std::size_t open = text.find('{');
    result += text.substr(0, open);
    if (open == text.npos) break;
    text.remove_prefix(open);
    const std::size_t close = text.find('}');
    const std::string_view name =
        close == text.npos ? std::string_view() : text.substr(1, close - 1);
    if (const auto value = Value(name, notice)) {
      result += encode(name, *value);
      text.remove_prefix(close + 1);
    } else {
      result += '{';
      text.remove_prefix(1);
    }
  }
  return result;
}

}  // namespace

std::string Title(const Notice& notice) {
  if (notice.cause == NoticeCause::kTest) return "Test of backup_exporter";
  if (notice.cause == NoticeCause::kHeartbeat) return "backup_exporter is running";
  if (IsOfOthers(notice)) return Subject(notice) + " " + Ended(notice) + ", but others are failing";
  return Subject(notice) + " " + Ended(notice);
}

std::string Describe(const Notice& notice, std::size_t longest_error) {
  std::string text = Title(notice);
  if (notice.cause == NoticeCause::kTest) {
    return text + ": if you can read this, notices arrive. " + FormatUtc(notice.at);
  }
  if (notice.cause == NoticeCause::kHeartbeat) return text + ". " + FormatUtc(notice.at);
  if (notice.state != NoticeState::kStart && notice.state != NoticeState::kResolve) {
    const std::string own = OwnError(notice);
    const auto error = CutCharacters(CutBytes(own, kLongestError), longest_error);
    if (!error.empty()) text += ": " + std::string(error);
  }
  text += ". " + FormatUtc(notice.at);
  if (notice.duration) text += ", after " + DurationText(*notice.duration);
  if (notice.figures.added_bytes) {
    text += fmt::format(", {} added", BytesText(*notice.figures.added_bytes));
  }
  if (notice.figures.processed_bytes) {
    text += fmt::format(", {} read", BytesText(*notice.figures.processed_bytes));
  }
  if (notice.figures.errors.value_or(0) > 0) {
    text += fmt::format(", {} errors", *notice.figures.errors);
  }
  if (notice.exit_code && *notice.exit_code != 0) {
    text += fmt::format(", exit code {}", *notice.exit_code);
  }
  if (notice.failures > 1) {
    text += notice.cause == NoticeCause::kMissed
                ? fmt::format(", {} times in a row", notice.failures)
                : fmt::format(", the {} failure in a row", Ordinal(notice.failures));
  }
  text += '.';
  if (!notice.also_failing.empty()) text += " Failing: " + Listed(notice.also_failing) + ".";
  return text;
}

std::string ErrorText(const Notice& notice) {
  const std::string error = OwnError(notice);
  if (!error.empty() || notice.also_failing.empty()) return error;
  // A monitor with one status for all backups is failing because of other backups, or also of them.
  std::vector<std::string> names = notice.also_failing;
  if (!IsOfOthers(notice)) names.insert(names.begin(), notice.backup);
  return OneLine("failing backups: " + Listed(names));
}

std::string ResultText(const Notice& notice) {
  if (notice.cause == NoticeCause::kMissed) return "missed";
  return notice.result ? std::string(Name(*notice.result)) : "started";
}

std::string Expand(std::string_view text, const Notice& notice) {
  return Replace(text, notice, [](std::string_view, const std::string& value) { return value; });
}

std::string ExpandJson(std::string_view text, const Notice& notice) {
  return Replace(text, notice, [](std::string_view, const std::string& value) {
    const std::string quoted = nlohmann::json(value).dump();
    return quoted.substr(1, quoted.size() - 2);
  });
}

std::string ExpandUrl(std::string_view url, const Notice& notice) {
  return Replace(url, notice, [](std::string_view name, const std::string& value) {
    return name == "backup" || name == "operation" ? Slug(value) : PercentEncode(value);
  });
}

std::string Slug(std::string_view text) {
  std::string slug;
  for (const char byte : text) {
    const auto value = static_cast<unsigned char>(byte);
    const bool kept = value < 0x80 && (std::isalnum(value) != 0 || byte == '-' || byte == '_');
    if (kept) slug += static_cast<char>(std::tolower(value));
    if (!kept && !slug.empty() && slug.back() != '-') slug += '-';
  }
  while (slug.ends_with('-')) slug.pop_back();
  // Names that differ only in other letters need different slugs.
  const bool all_ascii =
      std::ranges::all_of(text, [](char byte) { return static_cast<unsigned char>(byte) < 0x80; });
  if (!all_ascii) {
    const auto* bytes = reinterpret_cast<const Bytef*>(text.data());
    const unsigned long sum = crc32(0, bytes, static_cast<uInt>(text.size()));
    slug += fmt::format("{}{:06x}", slug.empty() ? "" : "-", sum & 0xFFFFFF);
  }
  return slug.empty() ? "x" : slug;
}

bool IsBlank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == text.npos; }

std::string LogText(const Notice& notice, std::size_t limit) {
  std::vector<std::string> lines;
  std::size_t size = 0;
  for (const Message& message : notice.messages) {
    lines.push_back(ValidUtf8(message.text) + "\n");
    size += lines.back().size();
  }
  const bool fits = limit == 0 || size <= limit;
  if (!fits && limit <= kMarker.size()) return std::string(kMarker.substr(0, limit));
  const std::size_t room = fits ? size : limit - kMarker.size();
  for (const bool errors : {false, true}) {
    for (std::size_t i = 0; i < lines.size() && size > room; ++i) {
      if ((notice.messages[i].level == Level::kError) != errors) continue;
      // The last remaining line is cut instead of removed.
      const bool last = size == lines[i].size();
      size -= lines[i].size();
      lines[i] = last ? std::string(LastBytes(lines[i], room)) : "";
      size += lines[i].size();
    }
  }
  std::string text(fits ? "" : kMarker);
  for (const std::string& line : lines) text += line;
  return text;
}

}  // namespace backup_exporter
