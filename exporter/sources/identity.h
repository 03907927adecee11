// Decides whether a file is the one that was read before. It is if its first `offset` bytes are the
// bytes that were read, whatever its device and inode. After a restart all of these bytes are
// compared (PrefixCheck); while the program runs, only both ends are (Fingerprint).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/files.h"

namespace backup_exporter {

// The coarsest granularity of modification times (vfat): within it a file may change twice and keep
// its modification time.
inline constexpr std::chrono::seconds kTimestampGranularity{2};

// The CRC-32 of the bytes that `crc` covers (0: none) followed by `bytes`.
[[nodiscard]] std::uint32_t Crc(std::uint32_t crc, std::string_view bytes);
// The same, followed by `count` NULs. Its time grows with the logarithm of `count`.
[[nodiscard]] std::uint32_t CrcWithNuls(std::uint32_t crc, std::uint64_t count);

// CRCs of both ends of the first `offset` bytes of a file.
struct Fingerprint {
  static constexpr std::size_t kHead = 1024;
  static constexpr std::size_t kTail = 4096;

  std::uint64_t offset = 0;
  std::uint32_t head = 0;
  std::uint32_t tail = 0;
};

// Reads both ends. kTemporary if the file is shorter than `offset`.
[[nodiscard]] Result<Fingerprint> ReadFingerprint(const File& file, std::uint64_t offset);

// The fingerprint at `offset` of a file whose `bytes` before `offset` were just read: at least
// kTail of them, or all. The head is that of `previous` if it is long enough, else it is read.
[[nodiscard]] Result<Fingerprint> FingerprintAfter(const File& file,
                                                   const std::optional<Fingerprint>& previous,
                                                   std::string_view bytes, std::uint64_t offset);

// Whether both ends of the file are still the same.
[[nodiscard]] Result<bool> StillHas(const File& file, const Fingerprint& fingerprint);

// Compares the first `offset` bytes of a file with their CRC-32, over several calls.
class PrefixCheck {
 public:
  enum class Outcome { kUnfinished, kSame, kOther };

  PrefixCheck(std::uint64_t offset, std::uint32_t crc) : offset_(offset), wanted_(crc) {}

  // Reads at most about `room` bytes.
  [[nodiscard]] Result<Outcome> Advance(const File& file, std::size_t room);
  // The fingerprint at `offset`; only after kSame.
  [[nodiscard]] const Fingerprint& fingerprint() const { return *fingerprint_; }

 private:
  std::uint64_t offset_;
  std::uint32_t wanted_;
  std::uint64_t at_ = 0;  // bytes covered by crc_
  std::uint32_t crc_ = 0;
  std::optional<Fingerprint> fingerprint_;
};

}  // namespace backup_exporter
