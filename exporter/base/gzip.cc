#include "base/gzip.h"

#include <zlib.h>

#include <array>
#include <memory>
#include <new>

namespace backup_exporter {
namespace {

// Deflate, without a name, a time or an operating system.
constexpr std::string_view kHeader("\x1F\x8B\x08\0\0\0\0\0\0\xFF", 10);

unsigned long Crc(std::string_view text) {
  return crc32_z(0, reinterpret_cast<const Bytef*>(text.data()), text.size());
}

// Appends `text` as deflate blocks (RFC 1951) that do not refer to earlier ones and end on a byte
// boundary. `flush` is Z_FINISH for the last blocks, otherwise Z_SYNC_FLUSH.
void AppendDeflated(std::string_view text, int flush, std::string& out) {
  constexpr int kRaw = -MAX_WBITS;  // the largest window, and neither header nor trailer
  constexpr int kMemory = 8;        // zlib's default
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kRaw, kMemory, Z_DEFAULT_STRATEGY) !=
      Z_OK) {
    throw std::bad_alloc();
  }
  const std::unique_ptr<z_stream, int (*)(z_streamp)> end(&stream, deflateEnd);
  stream.next_in = reinterpret_cast<z_const Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  std::array<char, 16384> part;
  do {
    stream.next_out = reinterpret_cast<Bytef*>(part.data());
    stream.avail_out = part.size();
    deflate(&stream, flush);
    out.append(part.data(), part.size() - stream.avail_out);
  } while (stream.avail_out == 0);
}

void AppendNumber(unsigned long number, std::string& out) {  // 32 bits, little-endian
  for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(number >> shift & 0xFF);
}

}  // namespace

GzipStart StartGzip(std::string_view text) {
  GzipStart start{std::string(kHeader), Crc(text), text.size()};
  AppendDeflated(text, Z_SYNC_FLUSH, start.bytes);
  return start;
}

std::string EndGzip(const GzipStart& start, std::string_view text) {
  std::string bytes;
  AppendDeflated(text, Z_FINISH, bytes);
  AppendNumber(crc32_combine(start.crc, Crc(text), static_cast<z_off_t>(text.size())), bytes);
  AppendNumber(start.size + text.size(), bytes);
  return bytes;
}

}  // namespace backup_exporter
