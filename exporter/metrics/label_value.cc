#include "metrics/label_value.h"

#include <fmt/format.h>

#include <cstdint>

#include "base/utf8.h"

namespace backup_exporter {
namespace {

constexpr std::size_t kHashDigits = 8;

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
  const std::string value = ValidUtf8(text);
  return std::string(CutBytes(value, kLabelValueLimit - kHashDigits)) +
         fmt::format("{:08x}", Hash(text));
}

}  // namespace backup_exporter
