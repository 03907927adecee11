// Where a record begins and ends. Knows bytes only: no files, no clock, no meaning.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "model/event.h"
#include "model/record.h"

namespace backup_exporter {

// NULs that end a line wherever they stand. Fewer may be those of text in two bytes for each
// character.
inline constexpr std::string_view kGap("\0\0\0\0", 4);

// Cuts the complete lines out of `bytes`, which begin at `offset` of a file, at the start of a
// line, and returns how many bytes they take up. What comes after the last "\n" is left.
//
// A record is a line without its "\n", without one "\r" before that, and without a byte order mark
// at the start of the file. NULs, which a crash or a hole leaves, end a record as "\n" does; single
// ones do so only a few times in a line. Blank lines are none. Records above `limit` bytes are
// skipped. Each byte is in a record or counted as skipped.
std::size_t CutLines(std::string_view bytes, std::uint64_t offset, std::size_t limit,
                     std::vector<Record>* records, SkippedBytes* skipped);

// The same for a last line that will never get its "\n".
void CutUnfinishedLine(std::string_view line, std::uint64_t offset, std::size_t limit,
                       std::vector<Record>* records, SkippedBytes* skipped);

// Whether an unfinished line is nevertheless whole: a JSON object or array that is closed.
[[nodiscard]] bool IsWholeJsonLine(std::string_view line, std::uint64_t offset);

// Any JSON document that can be read.
[[nodiscard]] bool IsJson(std::string_view text);

// The text of a file without its byte order mark.
[[nodiscard]] std::string_view WithoutMark(std::string_view text);

// A file that begins as UTF-16 is no text for us.
[[nodiscard]] bool BeginsAsUtf16(std::string_view start);

// How many NULs stand at the beginning; fast where they are many.
[[nodiscard]] std::size_t LeadingNuls(std::string_view bytes);

}  // namespace backup_exporter
