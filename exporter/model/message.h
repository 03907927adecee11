// Messages of runs, and how many of them are kept.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/time.h"
#include "model/run.h"

namespace backup_exporter {

inline constexpr std::size_t kMostMessage = 4096;  // bytes of one message

struct Message {
  std::optional<Time> at;  // nullopt: unknown
  Level level = Level::kInfo;
  std::string text;  // any bytes

  bool operator==(const Message&) const = default;
};

struct MessageWeight {
  Level level;
  std::size_t bytes;
};
// Indexes of the messages to drop, ascending, so that at most `most` remain with at most
// `most_bytes` in all: the least severe first, and among them the oldest.
[[nodiscard]] std::vector<std::size_t> MessagesToDrop(std::span<const MessageWeight> messages,
                                                      std::size_t most, std::size_t most_bytes);

}  // namespace backup_exporter
