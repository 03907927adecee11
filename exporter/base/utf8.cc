#include "base/utf8.h"

#include <algorithm>

namespace backup_exporter {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

unsigned Byte(std::string_view text, std::size_t i) { return static_cast<unsigned char>(text[i]); }

// The most continuation bytes of one code point. A longer row of them is not UTF-8 and is cut
// anywhere.
constexpr std::size_t kMostContinued = 3;

bool IsContinuation(std::string_view text, std::size_t i) { return (Byte(text, i) & 0xC0) == 0x80; }

}  // namespace

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

std::string_view CutBytes(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text;
  std::size_t end = most;
  while (end > 0 && most - end < kMostContinued && IsContinuation(text, end)) --end;
  return text.substr(0, end);
}

std::string CutWithEllipsis(std::string_view text, std::size_t most) {
  constexpr std::string_view kEllipsis = "...";
  if (text.size() <= most) return std::string(text);
  return std::string(CutBytes(text, most - kEllipsis.size())).append(kEllipsis);
}

std::string_view CutCharacters(std::string_view text, std::size_t most) {
  std::size_t end = 0;
  for (std::size_t count = 0; end < text.size() && count < most; ++count) {
    end += std::max<std::size_t>(CodePointLength(text.substr(end)), 1);
  }
  return text.substr(0, end);
}

std::string_view LastBytes(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text;
  const std::size_t first = text.size() - most;
  std::size_t begin = first;
  while (begin < text.size() && begin - first < kMostContinued && IsContinuation(text, begin)) {
    ++begin;
  }
  return text.substr(begin);
}

bool IsControl(std::string_view text, std::size_t i) {
  const unsigned byte = Byte(text, i);
  return byte < 0x20 || byte == 0x7F ||
         (byte == 0xC2 && i + 1 < text.size() && Byte(text, i + 1) < 0xA0);
}

std::string Quoted(std::string_view text) {
  constexpr std::size_t kMostCharacters = 100;
  const std::string_view shown = CutCharacters(text, kMostCharacters);
  std::string quoted = "`";
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const bool control = IsControl(shown, i);
    quoted += control ? '?' : shown[i];
    if (control && i + 1 < shown.size() && IsContinuation(shown, i + 1)) ++i;
  }
  return quoted.append(shown.size() < text.size() ? "…`" : "`");
}

}  // namespace backup_exporter
