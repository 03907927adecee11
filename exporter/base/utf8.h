// UTF-8 (RFC 3629) from anywhere: making it valid, and cutting it where no character is hurt.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace backup_exporter {

// Bytes of the code point that `text`, which is not empty, begins with; 0 if that is none (no
// overlong forms, no surrogates, nothing above U+10FFFF).
[[nodiscard]] std::size_t CodePointLength(std::string_view text);

// Bytes that are no valid UTF-8 become U+FFFD each.
[[nodiscard]] std::string ValidUtf8(std::string_view text);

// The beginning of a text in at most so many bytes, or code points; the end in so many bytes.
[[nodiscard]] std::string_view CutBytes(std::string_view text, std::size_t most);
[[nodiscard]] std::string_view CutCharacters(std::string_view text, std::size_t most);
[[nodiscard]] std::string_view LastBytes(std::string_view text, std::size_t most);

}  // namespace backup_exporter
