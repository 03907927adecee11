#include "model/message.h"

#include <algorithm>
#include <numeric>

namespace backup_exporter {

std::vector<std::size_t> MessagesToDrop(std::span<const MessageWeight> messages, std::size_t most,
                                        std::size_t most_bytes) {
  std::size_t bytes = 0;
  for (const MessageWeight& message : messages) bytes += message.bytes;
  if (messages.size() <= most && bytes <= most_bytes) return {};
  std::vector<std::size_t> order(messages.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::ranges::greater(),
                           [messages](std::size_t i) { return messages[i].level; });
  std::size_t gone = 0;
  for (; messages.size() - gone > most || bytes > most_bytes; ++gone) {
    bytes -= messages[order[gone]].bytes;
  }
  order.resize(gone);
  std::ranges::sort(order);
  return order;
}

}  // namespace backup_exporter
