// Finds the end of a line that is too long for one read, without keeping it in memory: lines of
// megabytes (`restic snapshots --json`), a runaway line of gigabytes, a hole full of NULs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/files.h"

namespace backup_exporter {

class LongLine {
 public:
  // An offset in the file, and the CRC-32 of all bytes before it.
  struct Place {
    std::uint64_t offset;
    std::uint32_t crc;
  };

  explicit LongLine(Place begin) : begin_(begin.offset), scanned_(begin) {}

  // Scans on up to `size`, the size of the file, but at most about `room` bytes.
  [[nodiscard]] Result<void> Scan(const File& file, std::uint64_t size, std::size_t room);

  // How far the line was scanned; once it ended, the place after its "\n". If a gap ended it, the
  // place before the gap's NULs.
  [[nodiscard]] const Place& scanned() const { return scanned_; }
  [[nodiscard]] bool ended() const { return ended_; }
  // A gap (kNulGap) ended the line, not "\n".
  [[nodiscard]] bool before_gap() const { return before_gap_; }
  // Where the line's text begins, after leading NULs; scanned() if there are only NULs so far.
  [[nodiscard]] const Place& text() const { return text_ ? *text_ : scanned_; }
  // Leading NULs.
  [[nodiscard]] std::uint64_t nuls() const { return text().offset - begin_; }
  // Length of the text without the "\n".
  [[nodiscard]] std::uint64_t length() const {
    return scanned_.offset - text().offset - (ended_ && !before_gap_ ? 1 : 0);
  }

 private:
  // Scans bytes of a file of `size` bytes that were read at scanned().
  void ScanBytes(std::string_view bytes, std::uint64_t size);
  void Pass(std::string_view bytes);

  std::uint64_t begin_;
  Place scanned_;
  std::optional<Place> text_;
  bool ended_ = false;
  bool before_gap_ = false;
};

}  // namespace backup_exporter
