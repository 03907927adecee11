// What sources hand on: records of a file, and the mark that says how far it was read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.h"

namespace backup_exporter {

// How a file holds its records.
enum class Framing {
  kLines,      // appended or replaced: one record a line
  kDocuments,  // appended or replaced: JSON documents, of one or more lines, and text around them
  kWhole,      // rewritten whole: the file is one JSON document
  kStamps,     // without content: the record is the file's modification time
};

// One complete line, without its line end, or one complete JSON document. Never empty. Of a file
// that is only a stamp: "2026-11-21T00:23:08.123456Z PATH".
struct Record {
  std::string_view bytes;  // into the buffer of the piece it came with
  std::uint64_t offset;    // of its first byte in the file
};

// One generation of a file (a name may hold many, one after the other) and the position in it: the
// end of the last complete record. The ledger keeps marks; sources resume from them.
struct FileMark {
  std::int64_t id = 0;  // the ledger's number for this generation; 0 until it was first committed
  std::string path;     // the name it had in the source's pattern; not the rotated one
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t offset = 0;      // bytes read
  std::uint32_t prefix_crc = 0;  // CRC-32 of the first `offset` bytes
  Time modified;                 // modification time when it was last read

  bool operator==(const FileMark&) const = default;
};

// A mark with what the file's decoder remembers at that position.
struct KnownFile {
  FileMark mark;
  std::string decoder_state;
};

}  // namespace backup_exporter
