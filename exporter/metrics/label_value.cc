#include "metrics/label_value.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace backup_exporter {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::size_t kHashDigits = 8;

unsigned Byte(std::string_view text, std::size_t i) { return static_cast<unsigned char>(text[i]); }

// Bytes of the code point that `text` begins with; 0 if that is none (RFC 3629: no overlong forms,
// no surrogates, nothing above U+10FFFF).
std::size_t CodePointLength(std::string_view text) {
  const unsigned first = Byte(text, 0);
  if (first < 0x80) return 1;
  std::size_t length = 0;
  unsigned least_second = 0x80;
  unsigned most_second = 0xBF;
  if (first >= 0xC2 && first <= 0xDF) {
    length = 2;
  } else if (first >= 0xE0 && first <= 0xEF) {
    length = 3;
    if (first == 0xE0) least_second = 0xA0;
    if (first == 0xED) most_second = 0x9F;
  } else if (first >= 0xF0 && first <= 0xF4) {
    length = 4;
    if (first == 0xF0) least_second = 0x90;
    if (first == 0xF4) most_second = 0x8F;
  }
  if (length == 0 || text.size() < length) return 0;
  if (Byte(text, 1) < least_second || Byte(text, 1) > most_second) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if ((Byte(text, i) & 0xC0) != 0x80) return 0;
  }
  return length;
}

std::string ValidUtf8(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = CodePointLength(text);
    valid += length == 0 ? kReplacement : text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return valid;
}

// FNV-1a, 32 bits.
std::uint32_t Hash(std::string_view text) {
  std::uint32_t hash = 2166136261U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return hash;
}

}  // namespace

std::string LabelValue(std::string_view text) {
  std::string value = ValidUtf8(text);
  return value.size() <= kLabelValueLimit ? value : HashedLabelValue(text);
}

std::string HashedLabelValue(std::string_view text) {
  std::string value = ValidUtf8(text);
  std::size_t end = std::min(value.size(), kLabelValueLimit - kHashDigits);
  while (end < value.size() && (Byte(value, end) & 0xC0) == 0x80) --end;
  value.resize(end);
  return value + fmt::format("{:08x}", Hash(text));
}

}  // namespace backup_exporter
