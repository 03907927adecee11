#include "base/json.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace backup_exporter {
namespace {

constexpr int kDeepest = 100;

// The value of four hexadecimal digits; -1 where there are none.
int HexAt(std::string_view text, std::size_t at) {
  int value = 0;
  if (at + 4 > text.size()) return -1;
  const auto [end, error] = std::from_chars(text.data() + at, text.data() + at + 4, value, 16);
  return error == std::errc() && end == text.data() + at + 4 ? value : -1;
}

// Python writes a byte of a file name that is no UTF-8 as half of a surrogate pair, which is no
// JSON for others: the character that stands for what cannot be shown takes its place.
std::string WithoutLoneSurrogates(std::string_view text) {
  std::string mended(text);
  for (std::size_t i = 0; i + 1 < mended.size(); ++i) {
    if (mended[i] != '\\') continue;
    const int code = mended[i + 1] == 'u' ? HexAt(mended, i + 2) : -1;
    const bool high = code >= 0xD800 && code < 0xDC00;
    const bool low = code >= 0xDC00 && code < 0xE000;
    const int next = high && mended.compare(i + 6, 2, "\\u") == 0 ? HexAt(mended, i + 8) : -1;
    if (high && next >= 0xDC00 && next < 0xE000) {
      i += 11;
    } else if (high || low) {
      mended.replace(i + 2, 4, "fffd");
      i += 5;
    } else {
      ++i;  // what is escaped is no escape
    }
  }
  return mended;
}

}  // namespace

std::optional<Json> ParseJson(std::string_view text) {
  bool too_deep = false;
  // Whatever lies too deep is dropped while parsing: building it would overflow the stack later on.
  const auto keep = [&too_deep](int depth, Json::parse_event_t, const Json&) {
    too_deep = too_deep || depth > kDeepest;
    return depth <= kDeepest;
  };
  Json value = Json::parse(text.begin(), text.end(), keep, /*allow_exceptions=*/false);
  if (!too_deep && value.is_discarded() && text.find("\\ud") != std::string_view::npos) {
    const std::string mended = WithoutLoneSurrogates(text);
    value = Json::parse(mended, keep, /*allow_exceptions=*/false);
  }
  if (too_deep || value.is_discarded()) return std::nullopt;
  return value;
}

Json Saved(const std::optional<Time>& time) {
  return time ? Json(time->time_since_epoch().count()) : Json();
}

Json Saved(const std::optional<std::uint64_t>& count) { return count ? Json(*count) : Json(); }

std::optional<Time> SavedTime(const Json& micros) {
  using std::chrono::year;
  constexpr Time kFirst = std::chrono::sys_days(year(1) / 1 / 1);
  constexpr Time kEnd = std::chrono::sys_days(year(10000) / 1 / 1);
  const bool fits = micros.is_number_unsigned()
                        ? std::in_range<std::int64_t>(micros.get<std::uint64_t>())
                        : micros.is_number_integer();
  if (!fits) return std::nullopt;
  const Time time(Duration(micros.get<std::int64_t>()));
  return kFirst <= time && time < kEnd ? std::optional(time) : std::nullopt;
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

std::optional<Time> Members::Micros(const char* key) {
  const Json* value = Find(key);
  if (value == nullptr) return std::nullopt;
  const auto time = SavedTime(*value);
  sound_ = sound_ && time.has_value();
  return time;
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
