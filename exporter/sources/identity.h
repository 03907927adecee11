// Which file is this? A file is the one that was read before if its first `offset` bytes are the
// same as those read. Comparing all of them is for when nothing cheaper will do (after a restart);
// while the program runs, the ends of that stretch are compared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/files.h"

namespace backup_exporter {

// CRC-32 of what `crc` stands for (0: nothing) with `bytes` after it.
[[nodiscard]] std::uint32_t Crc(std::uint32_t crc, std::string_view bytes);
// The same with so many NULs after it, however many those are.
[[nodiscard]] std::uint32_t CrcWithNuls(std::uint32_t crc, std::uint64_t count);

// CRCs of both ends of the first `offset` bytes of a file.
struct Fingerprint {
  static constexpr std::size_t kHead = 1024;
  static constexpr std::size_t kTail = 4096;

  std::uint64_t offset = 0;
  std::uint32_t head = 0;
  std::uint32_t tail = 0;
};

// Reads both ends. kTemporary where the file has become shorter than that.
[[nodiscard]] Result<Fingerprint> TakeFingerprint(const File& file, std::uint64_t offset);

// The fingerprint at `offset` of a file of which `bytes` were just read: those before `offset`,
// kTail of them at least if there are that many. The head is `previous`'s, or read.
[[nodiscard]] Result<Fingerprint> FingerprintAfter(const File& file,
                                                   const std::optional<Fingerprint>& previous,
                                                   std::string_view bytes, std::uint64_t offset);

// Whether both ends are still in the file as they were.
[[nodiscard]] Result<bool> StillHas(const File& file, const Fingerprint& fingerprint);

// Compares all of the first `offset` bytes with their CRC, a part at a time.
class PrefixCheck {
 public:
  enum class Answer { kUnfinished, kSame, kOther };

  PrefixCheck(std::uint64_t offset, std::uint32_t crc) : offset_(offset), wanted_(crc) {}

  // Reads about `room` bytes at most.
  [[nodiscard]] Result<Answer> Advance(const File& file, std::size_t room);
  // After kSame.
  [[nodiscard]] const Fingerprint& fingerprint() const { return *fingerprint_; }

 private:
  std::uint64_t offset_;
  std::uint32_t wanted_;
  std::uint64_t at_ = 0;
  std::uint32_t crc_ = 0;
  std::optional<Fingerprint> fingerprint_;
};

}  // namespace backup_exporter
