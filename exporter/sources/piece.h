// What a look at a file gives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/time.h"
#include "model/event.h"
#include "model/record.h"

namespace backup_exporter {

// Both clocks at one instant, so that all decisions of a turn agree.
struct Moment {
  Time wall;
  SteadyTime steady;
};

// A turn's budget bounds the memory that it takes: a piece costs its buffer, but at least these
// bytes, which it takes itself.
inline constexpr std::uint64_t kLeastPiece = 4096;

// A part of one file. The views of `records` point into `buffer`.
struct Piece {
  std::size_t file = 0;  // the source's own number for the file, for Accept
  // Mark, bytes and flags are filled in; counts only for a document that stays broken. The
  // decoder_state is the one before. A step that is over is at its end and quiet, too.
  FileStep step;
  std::unique_ptr<char[]> buffer;
  std::size_t buffer_size = 0;
  std::vector<Record> records;
};

}  // namespace backup_exporter
