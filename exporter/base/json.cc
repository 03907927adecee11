#include "base/json.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace backup_exporter {
namespace {

// The value of the four hexadecimal digits at `at`, or -1.
int HexAt(std::string_view text, std::size_t at) {
  int value = 0;
  if (at + 4 > text.size()) return -1;
  const auto [end, error] = std::from_chars(text.data() + at, text.data() + at + 4, value, 16);
  return error == std::errc() && end == text.data() + at + 4 ? value : -1;
}

// Python writes a byte of a file name that is not UTF-8 as an unpaired surrogate, which the parser
// refuses. Replaces unpaired surrogates by U+FFFD.
std::string WithoutLoneSurrogates(std::string_view text) {
  std::string repaired(text);
  for (std::size_t i = 0; i + 1 < repaired.size(); ++i) {
    if (repaired[i] != '\\') continue;
    const int code = repaired[i + 1] == 'u' ? HexAt(repaired, i + 2) : -1;
    const bool high = code >= 0xD800 && code < 0xDC00;
    const bool low = code >= 0xDC00 && code < 0xE000;
    const int next = high && repaired.compare(i + 6, 2, "\\u") == 0 ? HexAt(repaired, i + 8) : -1;
    if (high && next >= 0xDC00 && next < 0xE000) {
      i += 11;
    } else if (high || low) {
      repaired.replace(i + 2, 4, "fffd");
      i += 5;
    } else {
      ++i;  // skip the escaped character, which may be a backslash
    }
  }
  return repaired;
}

}  // namespace

std::optional<Json> ParseJson(std::string_view text) {
  bool too_deep = false;
  // Values that nest too deep are dropped while parsing: destroying them later could overflow the
  // stack.
  const auto keep = [&too_deep](int depth, Json::parse_event_t, const Json&) {
    too_deep = too_deep || depth > kMaxJsonDepth;
    return depth <= kMaxJsonDepth;
  };
  Json value = Json::parse(text.begin(), text.end(), keep, /*allow_exceptions=*/false);
  if (!too_deep && value.is_discarded() && text.find("\\ud") != std::string_view::npos) {
    const std::string repaired = WithoutLoneSurrogates(text);
    value = Json::parse(repaired, keep, /*allow_exceptions=*/false);
  }
  if (too_deep || value.is_discarded()) return std::nullopt;
  return value;
}

const Json* Members::Find(const char* key) const {
  const auto found = object_.find(key);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

std::optional<std::uint64_t> Members::Count(const char* key) {
  const Json* value = Find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number_unsigned()) {
    sound_ = false;
    return std::nullopt;
  }
  return value->get<std::uint64_t>();
}

std::optional<int> Members::Integer(const char* key) {
  const Json* value = Find(key);
  if (value == nullptr) return std::nullopt;
  const bool fits =
      value->is_number_unsigned()
          ? std::in_range<int>(value->get<std::uint64_t>())
          : value->is_number_integer() && std::in_range<int>(value->get<std::int64_t>());
  if (!fits) {
    sound_ = false;
    return std::nullopt;
  }
  return value->get<int>();
}

std::optional<double> Members::Number(const char* key) {
  const Json* value = Find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number()) {
    sound_ = false;
    return std::nullopt;
  }
  return value->get<double>();
}

std::optional<bool> Members::Boolean(const char* key) {
  const Json* value = Find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) {
    sound_ = false;
    return std::nullopt;
  }
  return value->get<bool>();
}

std::string Members::Text(const char* key) {
  const Json* value = Find(key);
  if (value == nullptr) return {};
  if (!value->is_string()) {
    sound_ = false;
    return {};
  }
  return value->get<std::string>();
}

std::optional<Time> Members::EpochSeconds(const char* key) {
  const auto seconds = Number(key);
  return seconds ? TimeFromSeconds(*seconds) : std::nullopt;
}

std::optional<Duration> Members::Seconds(const char* key) {
  const auto seconds = Number(key);
  return seconds ? DurationFromSeconds(*seconds) : std::nullopt;
}

std::optional<Time> Members::Stamp(const char* key) {
  const std::string text = Text(key);
  if (text.empty()) return std::nullopt;
  const auto time = ParseRfc3339(text);
  sound_ = sound_ && (time.has_value() || text.starts_with("0001-"));
  return time;
}

std::uint64_t Members::Unknown(std::initializer_list<std::string_view> known) const {
  std::uint64_t unknown = 0;
  for (const auto& item : object_.items()) {
    if (std::ranges::find(known, std::string_view(item.key())) == known.end()) ++unknown;
  }
  return unknown;
}

}  // namespace backup_exporter
