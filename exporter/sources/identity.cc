#include "sources/identity.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <memory>

namespace backup_exporter {
namespace {

constexpr std::size_t kWindow = 256 * 1024;  // bytes that are read at once

// The CRC of `count` bytes at `offset`; nullopt if the file has fewer.
Result<std::optional<std::uint32_t>> CrcAt(const File& file, std::uint64_t offset,
                                           std::size_t count) {
  std::array<char, std::max(Fingerprint::kHead, Fingerprint::kTail)> buffer;
  const auto got = file.ReadAt(offset, std::span(buffer).first(count));
  if (!got) return tl::unexpected(got.error());
  if (*got < count) return std::nullopt;
  return Crc(0, {buffer.data(), count});
}

Result<std::optional<std::uint32_t>> HeadCrc(const File& file, std::uint64_t offset) {
  return CrcAt(file, 0, std::min<std::uint64_t>(offset, Fingerprint::kHead));
}

Result<std::optional<std::uint32_t>> TailCrc(const File& file, std::uint64_t offset) {
  const std::size_t count = std::min<std::uint64_t>(offset, Fingerprint::kTail);
  return CrcAt(file, offset - count, count);
}

}  // namespace

std::uint32_t Crc(std::uint32_t crc, std::string_view bytes) {
  return static_cast<std::uint32_t>(
      ::crc32_z(crc, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

std::uint32_t CrcWithNuls(std::uint32_t crc, std::uint64_t count) {
  // Combines the CRCs of runs of NULs whose lengths are the powers of two in `count`.
  uLong run = Crc(0, std::string_view("\0", 1));
  uLong all = crc;
  for (std::uint64_t length = 1; length <= count; length *= 2) {
    const auto as_offset = static_cast<z_off_t>(length);
    if ((count & length) != 0) all = ::crc32_combine(all, run, as_offset);
    run = ::crc32_combine(run, run, as_offset);
  }
  return static_cast<std::uint32_t>(all);
}

Result<Fingerprint> ReadFingerprint(const File& file, std::uint64_t offset) {
  const auto head = HeadCrc(file, offset);
  if (!head) return tl::unexpected(head.error());
  const auto tail = TailCrc(file, offset);
  if (!tail) return tl::unexpected(tail.error());
  if (!*head || !*tail) return Fail(ErrorKind::kTemporary, "the file shrank while it was read");
  return Fingerprint{.offset = offset, .head = **head, .tail = **tail};
}

Result<Fingerprint> FingerprintAfter(const File& file, const std::optional<Fingerprint>& previous,
                                     std::string_view bytes, std::uint64_t offset) {
  Fingerprint print{.offset = offset};
  print.tail = Crc(0, bytes.substr(bytes.size() - std::min(bytes.size(), Fingerprint::kTail)));
  if (bytes.size() == offset) {
    print.head = Crc(0, bytes.substr(0, Fingerprint::kHead));
  } else if (previous && previous->offset >= Fingerprint::kHead) {
    print.head = previous->head;
  } else {
    const auto head = HeadCrc(file, offset);
    if (!head) return tl::unexpected(head.error());
    if (!*head) return Fail(ErrorKind::kTemporary, "the file shrank while it was read");
    print.head = **head;
  }
  return print;
}

Result<bool> StillHas(const File& file, const Fingerprint& fingerprint) {
  const auto tail = TailCrc(file, fingerprint.offset);
  if (!tail) return tl::unexpected(tail.error());
  if (*tail != fingerprint.tail) return false;
  if (fingerprint.offset <= Fingerprint::kTail) return true;  // the tail covers all bytes
  const auto head = HeadCrc(file, fingerprint.offset);
  if (!head) return tl::unexpected(head.error());
  return *head == fingerprint.head;
}

Result<PrefixCheck::Outcome> PrefixCheck::Advance(const File& file, std::size_t room) {
  if (!fingerprint_) {
    // Read before the comparison, so that any later change of the file makes it differ.
    const auto read = ReadFingerprint(file, offset_);
    if (!read && read.error().kind == ErrorKind::kTemporary) return Outcome::kOther;
    if (!read) return tl::unexpected(read.error());
    fingerprint_ = *read;
  }
  const auto window = std::make_unique_for_overwrite<char[]>(kWindow);
  while (at_ < offset_ && room > 0) {
    if (const auto end = std::min(offset_, file.HoleEnd(at_)); end > at_) {
      crc_ = CrcWithNuls(crc_, end - at_);
      at_ = end;
      continue;
    }
    const std::size_t wanted = std::min<std::uint64_t>(kWindow, offset_ - at_);
    const auto got = file.ReadAt(at_, {window.get(), wanted});
    if (!got) return tl::unexpected(got.error());
    if (*got < wanted) return Outcome::kOther;
    crc_ = Crc(crc_, {window.get(), *got});
    at_ += *got;
    room -= std::min(room, *got);
  }
  if (at_ < offset_) return Outcome::kUnfinished;
  return crc_ == wanted_ ? Outcome::kSame : Outcome::kOther;
}

}  // namespace backup_exporter
