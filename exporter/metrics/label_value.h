// Makes any text a valid label value: UTF-8 of bounded length.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace backup_exporter {

inline constexpr std::size_t kLabelValueLimit = 128;  // bytes

// Replaces each invalid byte with U+FFFD. A result above the limit is cut at a code point, and 8
// hex digits of a hash of the whole text are appended, so that long values with the same start
// differ.
[[nodiscard]] std::string LabelValue(std::string_view text);

// The same, but always with the hash: for the second of two texts with equal label values.
[[nodiscard]] std::string HashedLabelValue(std::string_view text);

}  // namespace backup_exporter
