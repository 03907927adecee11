// Finds the end of a line that is too long to be read in one go, without holding it: lines of
// megabytes (`restic snapshots --json`), a runaway line of gigabytes, a hole full of NULs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/files.h"

namespace backup_exporter {

class LongLine {
 public:
  // A place in the file, and the CRC-32 of all bytes before it.
  struct Place {
    std::uint64_t offset;
    std::uint32_t crc;
  };

  explicit LongLine(Place begin) : begin_(begin.offset), scanned_(begin) {}

  // Scans on up to `size`, about `room` bytes at most.
  [[nodiscard]] Result<void> Scan(const File& file, std::uint64_t size, std::size_t room);

  // Up to here there is no line end; or, when it was found, the place after it. NULs that end the
  // line (kGap) come after that place.
  [[nodiscard]] const Place& scanned() const { return scanned_; }
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] bool before_gap() const { return before_gap_; }
  // Where something else than NULs begins; as far as was scanned if nothing did.
  [[nodiscard]] const Place& text() const { return text_ ? *text_ : scanned_; }
  [[nodiscard]] std::uint64_t nuls() const { return text().offset - begin_; }
  // Length of the text, without the line end.
  [[nodiscard]] std::uint64_t length() const {
    return scanned_.offset - text().offset - (ended_ && !before_gap_ ? 1 : 0);
  }

 private:
  std::uint64_t begin_;
  Place scanned_;
  std::optional<Place> text_;
  bool ended_ = false;
  bool before_gap_ = false;
};

}  // namespace backup_exporter
