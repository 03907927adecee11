// Converts decoder states without a version, which ledgers up to schema 5 contain, into the present
// form. They consist of numbers of enums and of arrays whose order has a meaning; the numbers are
// frozen in tables in old_state.cc and independent of the enums' present order. For decoders only.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"

namespace backup_exporter {

// Each returns nullopt if `old` cannot be a state of its decoder.

// restic: [phase, operation, seconds, files, bytes, error count, stage, errors, result, working,
// source missing, messages]; the last item is absent in the oldest states.
[[nodiscard]] std::optional<Json> ConvertResticState(const Json& old);
// borg: an object with the phase as a number.
[[nodiscard]] std::optional<Json> ConvertBorgState(const Json& old);
// borgmatic: an object whose actions have state, result and reason as numbers.
[[nodiscard]] std::optional<Json> ConvertBorgmaticState(const Json& old);

// auto: [[text, offset], …] as long as no format was recognised, then "FORMAT STATE".
[[nodiscard]] std::optional<Json> ConvertAutoState(std::string_view old);

}  // namespace backup_exporter
