#include "sources/long_line.h"

#include <algorithm>
#include <memory>

#include "sources/framing.h"
#include "sources/identity.h"

namespace backup_exporter {

Result<void> LongLine::Scan(const File& file, std::uint64_t size, std::size_t room) {
  constexpr std::size_t kWindow = 256 * 1024;  // bytes that are read at once
  const auto window = std::make_unique_for_overwrite<char[]>(kWindow);
  while (!ended_ && scanned_.offset < size && room > 0) {
    if (!text_) {
      const std::uint64_t end = std::min(size, file.HoleEnd(scanned_.offset));
      scanned_.crc = CrcWithNuls(scanned_.crc, end - scanned_.offset);
      scanned_.offset = end;
      if (end == size) break;
    }
    const std::size_t wanted = std::min<std::uint64_t>(kWindow, size - scanned_.offset);
    const auto got = file.ReadAt(scanned_.offset, {window.get(), wanted});
    if (!got) return tl::unexpected(got.error());
    if (*got == 0) break;
    room -= std::min(room, *got);
    ScanBytes({window.get(), *got}, size);
  }
  return {};
}

void LongLine::ScanBytes(std::string_view bytes, std::uint64_t size) {
  if (!text_) {
    const std::size_t nuls = LeadingNuls(bytes);
    Pass(bytes.substr(0, nuls));
    bytes.remove_prefix(nuls);
    if (bytes.empty()) return;
    text_ = scanned_;
  }
  const std::size_t newline = bytes.find('\n');
  const std::size_t gap = bytes.substr(0, newline).find(kNulGap);
  before_gap_ = gap != std::string_view::npos;
  ended_ = before_gap_ || newline != std::string_view::npos;
  if (before_gap_) {
    Pass(bytes.substr(0, gap));
  } else if (ended_) {
    Pass(bytes.substr(0, newline + 1));
  } else {
    // NULs at the end of the bytes may be the beginning of a gap.
    const std::size_t text = bytes.find_last_not_of('\0') + 1;
    const bool last = scanned_.offset + bytes.size() >= size;
    Pass(last || text == 0 ? bytes : bytes.substr(0, text));
  }
}

void LongLine::Pass(std::string_view bytes) {
  scanned_.crc = Crc(scanned_.crc, bytes);
  scanned_.offset += bytes.size();
}

}  // namespace backup_exporter
