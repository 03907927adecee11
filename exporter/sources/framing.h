// Cuts bytes into records. Knows neither files nor clocks nor what a record means.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "model/event.h"
#include "model/record.h"

namespace backup_exporter {

// A run of at least this many NULs always ends a line. A shorter run may belong to text with two
// bytes per character.
inline constexpr std::string_view kNulGap("\0\0\0\0", 4);

// Cuts the complete lines out of `bytes`, which begin at `offset` in a file, at the start of a
// line. Appends a record for each and returns the number of bytes used; bytes after the last "\n"
// are not used.
//
// A record is a line without its "\n", without one "\r" before that, and without a byte order mark
// at the start of the file. NULs, which a crash or a hole leaves behind, end a record as "\n" does;
// runs shorter than kNulGap do so at most 16 times per line. Blank lines are not records. Records
// longer than `limit` bytes are skipped. Each byte used is part of a record or counted as skipped.
std::size_t CutLines(std::string_view bytes, std::uint64_t offset, std::size_t limit,
                     std::vector<Record>* records, SkippedBytes* skipped);

// The same for the last line of a file if it will never get its "\n".
void CutUnfinishedLine(std::string_view line, std::uint64_t offset, std::size_t limit,
                       std::vector<Record>* records, SkippedBytes* skipped);

// Whether a line without "\n" is complete nevertheless: a JSON object or array that is closed.
[[nodiscard]] bool IsWholeJsonLine(std::string_view line, std::uint64_t offset);

// Whether the text is one complete JSON value.
[[nodiscard]] bool IsJson(std::string_view text);

// The text of a file without its byte order mark.
[[nodiscard]] std::string_view WithoutByteOrderMark(std::string_view text);

// Whether a file begins with the byte order mark of UTF-16, which is not supported.
[[nodiscard]] bool BeginsAsUtf16(std::string_view start);

// The number of NULs at the beginning. Fast even for many NULs.
[[nodiscard]] std::size_t LeadingNuls(std::string_view bytes);

}  // namespace backup_exporter
