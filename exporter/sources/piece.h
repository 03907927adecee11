// A piece: the result of one read of a file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/time.h"
#include "model/event.h"
#include "model/record.h"

namespace backup_exporter {

// Both clocks at one instant, so that all decisions of one call of Source::Read agree.
struct Moment {
  Time wall;
  SteadyTime steady;
};

// The budget of Source::Read bounds its memory: a piece costs the size of its buffer, but at least
// this many bytes, which is about what the piece itself needs.
inline constexpr std::uint64_t kLeastPiece = 4096;

// A part of one file.
struct Piece {
  std::size_t file = 0;  // the source's own number for the file, for Accept and Refuse
  // The source sets position, byte counts and flags, and the decoder state before the step. It sets
  // `counts` only for a document that stays broken. A step that is `over` is also `at_end` and
  // `quiet`.
  FileStep step;
  std::unique_ptr<char[]> buffer;
  std::size_t buffer_size = 0;
  std::vector<Record> records;  // their bytes are in `buffer`
};

}  // namespace backup_exporter
