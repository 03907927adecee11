// Text from outside as the value of a label: valid UTF-8 of bounded length.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace backup_exporter {

inline constexpr std::size_t kLabelValueLimit = 128;  // bytes

// Bytes that are no valid UTF-8 become U+FFFD each. What is then longer than the limit is cut at a
// code point and gets 8 hex digits of a hash of the whole, so that values that begin alike differ.
[[nodiscard]] std::string LabelValue(std::string_view text);

// The same, but with the hash in any case: for one of two texts that came out the same.
[[nodiscard]] std::string HashedLabelValue(std::string_view text);

}  // namespace backup_exporter
