#include "decoders/old_state.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

namespace backup_exporter {
namespace {

// The names of the enums' values by the numbers that were saved. Never change.
constexpr std::array<std::string_view, 8> kOperations{"backup",  "check", "prune",   "forget",
                                                      "compact", "copy",  "restore", "other"};
constexpr std::array<std::string_view, 5> kResults{"success", "skipped", "warning", "interrupted",
                                                   "failure"};
constexpr std::array<std::string_view, 11> kReasons{"locked",
                                                    "auth",
                                                    "repository_missing",
                                                    "network",
                                                    "no_space",
                                                    "source_missing",
                                                    "source_unreadable",
                                                    "interrupted",
                                                    "hook",
                                                    "timeout",
                                                    "other"};
constexpr std::array<std::string_view, 6> kResticPhases{"idle",     "open",   "stopping",
                                                        "reported", "failed", "dry_run"};
constexpr std::array<std::string_view, 5> kBorgPhases{"idle", "hinted", "open", "reported",
                                                      "failed"};
constexpr std::array<std::string_view, 4> kActionStates{"open", "retrying", "ended", "reported"};

// The items of a restic state, by position.
constexpr std::array<const char*, 11> kResticKeys{
    "phase", "operation", "seconds_elapsed", "files_done", "bytes_done",    "error_count",
    "stage", "errors",    "result",          "working",    "source_missing"};

// The name for a saved number; null if there is none.
template <std::size_t size>
Json NameAt(const Json& number, const std::array<std::string_view, size>& names) {
  if (!number.is_number_integer()) return {};
  const auto index = number.get<std::uint64_t>();  // a negative number becomes too large
  return index < size ? Json(names[index]) : Json();
}

// Replaces the number at `key` by its name. False if it has none.
template <std::size_t size>
bool SetName(Json& object, const char* key, const std::array<std::string_view, size>& names) {
  const auto number = object.find(key);
  if (number == object.end()) return false;
  *number = NameAt(*number, names);
  return !number->is_null();
}

// Messages were arrays: [run or null, level, time or null, text]. The level was a name already.
Json ConvertMessages(const Json& old) {
  Json messages = Json::array();
  if (!old.is_array()) return messages;
  for (const Json& item : old) {
    if (!item.is_array() || item.size() != 4) continue;
    messages.push_back({{"run", item[0]}, {"level", item[1]}, {"at", item[2]}, {"text", item[3]}});
  }
  return messages;
}

void Rename(Json& object, const char* old_key, const char* key) {
  const auto member = object.find(old_key);
  if (member == object.end()) return;
  object[key] = *member;
  object.erase(old_key);
}

}  // namespace

std::optional<Json> ConvertResticState(const Json& old) {
  const std::size_t items = kResticKeys.size();
  if (!old.is_array() || old.size() < items || old.size() > items + 1) return std::nullopt;
  Json state = Json::object();
  for (std::size_t i = 0; i < items; ++i) state[kResticKeys[i]] = old[i];
  const bool has_operation = old[1] != -1;
  if (!has_operation) state.erase("operation");
  if (!SetName(state, "phase", kResticPhases) || !SetName(state, "result", kResults) ||
      (has_operation && !SetName(state, "operation", kOperations))) {
    return std::nullopt;
  }
  if (old.size() == items) return state;
  if (!old.back().is_array()) return std::nullopt;
  state["messages"] = ConvertMessages(old.back());
  return state;
}

std::optional<Json> ConvertBorgState(const Json& old) {
  if (!old.is_object()) return std::nullopt;
  Json state = old;
  if (!SetName(state, "phase", kBorgPhases)) return std::nullopt;
  state["messages"] = ConvertMessages(state.value("notes", Json()));
  Rename(state, "tells_ends", "shows_ends");
  Rename(state, "tells_archives", "shows_archives");
  return state;
}

std::optional<Json> ConvertBorgmaticState(const Json& old) {
  if (!old.is_object()) return std::nullopt;
  Json state = old;
  const auto actions = state.find("actions");
  if (actions == state.end() || !actions->is_array()) return std::nullopt;
  for (Json& action : *actions) {
    if (!action.is_object() || !SetName(action, "state", kActionStates) ||
        !SetName(action, "result", kResults)) {
      return std::nullopt;
    }
    const auto reason = action.find("reason");
    const bool has_reason = reason != action.end() && !reason->is_null();
    if (has_reason && !SetName(action, "reason", kReasons)) return std::nullopt;
  }
  state["messages"] = ConvertMessages(state.value("notes", Json()));
  Rename(state, "words", "errors");
  if (const auto failure = state.find("failure"); failure != state.end() && failure->is_object()) {
    Rename(*failure, "words", "text");
  }
  Rename(state, "summed", "has_summary");
  Rename(state, "summed_at", "summary_time");
  Rename(state, "helped", "summary_complete");
  return state;
}

std::optional<Json> ConvertAutoState(std::string_view old) {
  if (!old.starts_with('[')) {
    const std::size_t end = std::min(old.find(' '), old.size());
    return Json{{"format", old.substr(0, end)},
                {"state", old.substr(std::min(end + 1, old.size()))}};
  }
  const auto records = ParseJson(old);
  if (!records || !records->is_array()) return std::nullopt;
  Json state{{"records", Json::array()}};
  for (const Json& item : *records) {
    if (!item.is_array() || item.size() != 2) continue;
    state["records"].push_back({{"text", item[0]}, {"offset", item[1]}});
  }
  return state;
}

}  // namespace backup_exporter
