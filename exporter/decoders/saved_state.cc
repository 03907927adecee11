#include "decoders/saved_state.h"

#include <algorithm>
#include <utility>

namespace backup_exporter {
namespace {

// nullopt unless `micros` is a time between the years 1 and 9999.
std::optional<Time> TimeIn(const Json& micros) {
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

// The names of all values of an enum, in its order.
template <typename Enum, std::size_t count>
std::array<std::string_view, count> NamesOf() {
  std::array<std::string_view, count> names;
  for (std::size_t i = 0; i < count; ++i) names[i] = Name(static_cast<Enum>(i));
  return names;
}

template <typename Enum>
std::optional<Enum> ValueAt(std::optional<std::size_t> index) {
  return index ? std::optional(static_cast<Enum>(*index)) : std::nullopt;
}

}  // namespace

void StateWriter::Add(const char* key, const std::optional<Time>& time) {
  if (time) object_[key] = time->time_since_epoch().count();
}

void StateWriter::Add(const char* key, const std::optional<std::uint64_t>& count) {
  if (count) object_[key] = *count;
}

void StateWriter::Add(const char* key, std::uint64_t count) {
  if (count != 0) object_[key] = count;
}

void StateWriter::Add(const char* key, bool value) {
  if (value) object_[key] = true;
}

void StateWriter::Add(const char* key, std::string_view text) {
  if (!text.empty()) object_[key] = text;
}

void StateWriter::Add(const char* key, const std::optional<Operation>& operation) {
  if (operation) object_[key] = Name(*operation);
}

void StateWriter::AddJson(const char* key, Json value) {
  if (!value.empty()) object_[key] = std::move(value);
}

std::string StateWriter::Text() const {
  Json state = object_;
  state["v"] = kStateVersion;
  return state.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::optional<Time> StateReader::Instant(const char* key) {
  const Json* micros = Find(key);
  if (micros == nullptr) return std::nullopt;
  const auto time = TimeIn(*micros);
  if (!time) MarkUnsound();
  return time;
}

std::optional<Operation> StateReader::OperationIn(const char* key) {
  return ValueAt<Operation>(IndexIn(key, NamesOf<Operation, kOperations>()));
}

std::optional<RunResult> StateReader::ResultIn(const char* key) {
  return ValueAt<RunResult>(IndexIn(key, NamesOf<RunResult, kRunResults>()));
}

std::optional<Reason> StateReader::ReasonIn(const char* key) {
  return ValueAt<Reason>(IndexIn(key, NamesOf<Reason, kReasons>()));
}

std::optional<Level> StateReader::LevelIn(const char* key) {
  return ValueAt<Level>(IndexIn(key, NamesOf<Level, kLevels>()));
}

std::optional<std::size_t> StateReader::Index(const char* key, const std::string_view* names,
                                              std::size_t size) {
  if (Find(key) == nullptr) return std::nullopt;
  const std::string_view* end = names + size;
  const std::string_view* found = std::find(names, end, Text(key));
  if (found != end) return static_cast<std::size_t>(found - names);
  MarkUnsound();
  return std::nullopt;
}

const Json* StateReader::Object(const char* key) const {
  const Json* value = Find(key);
  return value != nullptr && value->is_object() ? value : nullptr;
}

const Json* StateReader::Array(const char* key) const {
  const Json* value = Find(key);
  return value != nullptr && value->is_array() ? value : nullptr;
}

std::optional<Json> ReadState(std::string_view saved,
                              std::optional<Json> (*convert)(const Json& old)) {
  auto json = ParseJson(saved);
  if (!json) return std::nullopt;
  const auto version = json->is_object() ? json->find("v") : json->end();
  if (version == json->end()) return convert(*json);
  if (*version != kStateVersion) return std::nullopt;
  return json;
}

}  // namespace backup_exporter
