// Text in UTF-8 (RFC 3629) from other programs and people: making it valid, cutting it at a limit,
// and quoting it in a message.
//
// Every cut ends at a character, that is a code point, boundary. Bytes that are not UTF-8 are cut
// anywhere and count as one character each.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace backup_exporter {

// The length in bytes of the code point at the start of `text`, which must not be empty. 0 if the
// bytes there are not valid UTF-8: overlong forms, surrogates and code points above U+10FFFF are
// invalid, too.
[[nodiscard]] std::size_t CodePointLength(std::string_view text);

// `text` with U+FFFD in place of each byte that is not valid UTF-8.
[[nodiscard]] std::string ValidUtf8(std::string_view text);

// The longest beginning of `text` that has at most `most` bytes.
[[nodiscard]] std::string_view CutBytes(std::string_view text, std::size_t most);
// The same, but text that is cut ends with "...", which counts. `most` must be at least 3.
[[nodiscard]] std::string CutWithEllipsis(std::string_view text, std::size_t most);
// The longest beginning of `text` that has at most `most` characters.
[[nodiscard]] std::string_view CutCharacters(std::string_view text, std::size_t most);
// The longest end of `text` that has at most `most` bytes.
[[nodiscard]] std::string_view LastBytes(std::string_view text, std::size_t most);

// Whether a control character (C0, DEL or C1) begins at text[i]; `text` must be UTF-8.
[[nodiscard]] bool IsControl(std::string_view text, std::size_t i);

// `text` in backticks, for a message on one line of a terminal: at most 100 characters, "…" where
// more follow, and "?" in place of each control character.
[[nodiscard]] std::string Quoted(std::string_view text);

}  // namespace backup_exporter
