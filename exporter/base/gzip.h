// A gzip file (RFC 1952) in two parts, so that a large beginning is compressed once and used with
// many ends. It is a single member, and not one for each part, since curl refuses a second one.
// Texts are shorter than 4 GiB. Everything here may throw std::bad_alloc.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace backup_exporter {

// Not a whole file: that takes an end.
struct GzipStart {
  std::string bytes;
  // Of what it was made from.
  unsigned long crc = 0;
  std::size_t size = 0;
};

[[nodiscard]] GzipStart StartGzip(std::string_view text);

// The bytes that follow on those of `start`, so that `text` follows on what that was made from.
[[nodiscard]] std::string EndGzip(const GzipStart& start, std::string_view text);

}  // namespace backup_exporter
