// What is said about runs, and how much of it is kept.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/time.h"
#include "model/run.h"

namespace backup_exporter {

inline constexpr std::size_t kMostMessage = 4096;  // bytes of one

struct Message {
  std::optional<Time> at;  // nullopt: nobody knows
  Level level = Level::kInfo;
  std::string text;  // may hold anything

  bool operator==(const Message&) const = default;
};

struct MessageWeight {
  Level level;
  std::size_t bytes;
};
// Which of these go so that no more than `most` of no more than `most_bytes` are left, in their
// order: those of the least weight first, and of these the oldest.
[[nodiscard]] std::vector<std::size_t> Superfluous(std::span<const MessageWeight> messages,
                                                   std::size_t most, std::size_t most_bytes);

}  // namespace backup_exporter
