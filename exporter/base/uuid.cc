#include "base/uuid.h"

#include <fmt/format.h>

#include <cstdint>
#include <random>

namespace backup_exporter {

std::string RandomUuid() {
  std::random_device random;
  const auto word = [&] { return static_cast<std::uint32_t>(random()); };
  const std::uint32_t first = word();
  const std::uint32_t second = word();
  const std::uint32_t third = word();
  const std::uint32_t version = 0x4000U | (second & 0xFFFU);
  const std::uint32_t variant = 0x8000U | (third & 0x3FFFU);
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:04x}{:08x}", first, second >> 16, version,
                     variant, third >> 16, word());
}

}  // namespace backup_exporter
