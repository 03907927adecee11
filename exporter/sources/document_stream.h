// Cuts JSON documents that follow one another, with or without text between them, into records:
// the output of borg and borgmatic. Knows neither files nor clocks nor what a record means.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "model/event.h"
#include "model/record.h"

namespace backup_exporter {

// Whether more bytes may follow.
enum class Tail {
  kOpen,   // yes
  kQuiet,  // not for now: an unfinished document counts as broken off
  kCut,    // no: a last line without "\n" is complete
};

// Cuts the complete records out of `bytes`, which begin at `offset` in a file, where a record may
// begin. Appends them and returns the bytes used.
//
// A record is one JSON object, or one array that is empty or begins with an object, over any number
// of lines; or a line of text, or the rest of a line that a document is part of. Documents and text
// may follow one another within a line. Text that looks like a document but is not one (braces in a
// message) is text. A document that breaks off because its writer was killed is skipped line by
// line, and so are records longer than `limit` bytes. Blank lines, a byte order mark at the start
// of the file, NULs, and "\r" before the end of a line belong to no record. Each byte used is part
// of a record or counted as skipped.
std::size_t CutDocuments(std::string_view bytes, std::uint64_t offset, std::size_t limit, Tail tail,
                         std::vector<Record>* records, SkippedBytes* skipped);

// The end of the JSON value at the beginning of `text`.
struct ValueEnd {
  enum class Kind { kComplete, kUnfinished, kInvalid } kind;
  std::size_t size = 0;  // bytes of the value, if kComplete
};
// Checks quotes, brackets and commas; numbers are not checked in full. Nesting deeper than 100
// levels is invalid, and so is a value that is no object or array.
[[nodiscard]] ValueEnd FindValueEnd(std::string_view text);

}  // namespace backup_exporter
