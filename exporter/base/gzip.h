// Compresses a text in two parts into one gzip file (RFC 1952), so that a large first part is
// compressed once and combined with many second parts. The file has a single member, since curl
// rejects a second one. Texts must be shorter than 4 GiB. All functions may throw std::bad_alloc.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace backup_exporter {

// The compressed first part. Not a complete file without the bytes of EndGzip.
struct GzipStart {
  std::string bytes;
  // CRC-32 and size in bytes of the uncompressed text.
  unsigned long crc = 0;
  std::size_t size = 0;
};

[[nodiscard]] GzipStart StartGzip(std::string_view text);

// The bytes that complete `start.bytes` to a file of the first text followed by `text`.
[[nodiscard]] std::string EndGzip(const GzipStart& start, std::string_view text);

}  // namespace backup_exporter
