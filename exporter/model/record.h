// Records, which sources cut out of files, and checkpoints, which store how far a file was read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.h"

namespace backup_exporter {

// How records are laid out in a file.
enum class Framing {
  kLines,      // appended or replaced: one record a line
  kDocuments,  // appended or replaced: JSON documents, of one or more lines, and text around them
  kWhole,      // rewritten whole: the file is one JSON document
  kStamps,     // without content: the record is the file's modification time
};

// One complete line without its line end, or one complete JSON document. Never empty. For a file of
// which only the modification time counts: "2026-11-21T00:23:08.123456Z PATH".
struct Record {
  std::string_view bytes;  // points into the buffer of its piece
  std::uint64_t offset;    // of its first byte in the file
};

// One generation of a file (a name may have many, one after the other), and the position in it: the
// end of the last complete record. The ledger stores positions; sources resume from them.
struct FilePosition {
  std::int64_t id = 0;  // the ledger's number for this generation; 0 until it was first committed
  std::string path;     // its name when it matched the source's pattern, before rotation
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t offset = 0;      // bytes read
  std::uint32_t prefix_crc = 0;  // CRC-32 of the first `offset` bytes
  Time modified;                 // modification time when it was last read

  bool operator==(const FilePosition&) const = default;
};

// A position, and the state of the file's decoder at that position.
struct Checkpoint {
  FilePosition position;
  std::string decoder_state;
};

}  // namespace backup_exporter
