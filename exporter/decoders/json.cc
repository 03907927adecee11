#include "decoders/json.h"

#include <algorithm>
#include <utility>

namespace backup_exporter {
namespace {
constexpr int kDeepest = 100;
}

std::optional<Json> ParseJson(std::string_view text) {
  bool too_deep = false;
  // Whatever lies too deep is dropped while parsing: building it would overflow the stack later on.
  const auto keep = [&too_deep](int depth, Json::parse_event_t, const Json&) {
    too_deep = too_deep || depth > kDeepest;
    return depth <= kDeepest;
  };
  Json value = Json::parse(text.begin(), text.end(), keep, /*allow_exceptions=*/false);
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
