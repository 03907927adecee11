// JSON documents one after the other, with or without text between them: what borg and borgmatic
// print. Knows bytes only: no files, no clock, no meaning.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "model/event.h"
#include "model/record.h"

namespace backup_exporter {

// What may still come after the bytes at hand.
enum class Tail {
  kOpen,   // more
  kQuiet,  // nothing for a while: a document that has no end by now gets none
  kCut,    // nothing: the last line is whole although it has no "\n"
};

// Cuts the complete records out of `bytes`, which begin at `offset` of a file where a record may
// begin, and returns how many bytes they take up.
//
// A record is one JSON object, or one array that is empty or begins with an object, over as many
// lines as it has; or a line of text, or what is left of it beside a document. A document may begin
// behind text in the same line, text behind a document, and one document right behind another. What
// looks like a document and is none (braces in a message) is text. A document that breaks off,
// since its writer was killed, is skipped line by line, and so are records above `limit` bytes.
// Blank lines, a byte order mark at the start of the file, NULs and "\r" before a line's end belong
// to no record. Each byte is in a record or counted as skipped.
std::size_t CutDocuments(std::string_view bytes, std::uint64_t offset, std::size_t limit, Tail tail,
                         std::vector<Record>* records, SkippedBytes* skipped);

// Where the JSON value at the beginning of `text` ends.
struct ValueEnd {
  enum class Kind { kComplete, kUnfinished, kInvalid } kind;
  std::size_t size = 0;  // kComplete: bytes of the value
};
// Follows quotes, brackets and commas; numbers and words are only looked at. Nesting beyond 100
// levels is invalid.
[[nodiscard]] ValueEnd FindValueEnd(std::string_view text);

}  // namespace backup_exporter
