#include "decoders/pending_messages.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"
#include "decoders/saved_state.h"

namespace backup_exporter {
namespace {

// Less than a run may have in the ledger, since the messages are saved with every checkpoint.
constexpr std::size_t kMostPending = 200;
constexpr std::size_t kMostBytes = 32 << 10;

}  // namespace

RunNoted MessageOf(Level level, std::string_view text, std::optional<Time> at) {
  text = text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
  return {.message = std::string(CutBytes(text, kMostMessage)), .level = level, .at = at};
}

void PendingMessages::Add(RunNoted message, Owner of) {
  pending_.push_back({.of = of, .message = std::move(message)});
  std::vector<MessageWeight> weights;
  for (const auto& [owner, added] : pending_)
    weights.push_back({added.level, added.message.size()});
  const std::vector<std::size_t> dropped = MessagesToDrop(weights, kMostPending, kMostBytes);
  for (auto i = dropped.rbegin(); i != dropped.rend(); ++i) {
    pending_.erase(pending_.begin() + static_cast<std::ptrdiff_t>(*i));
  }
}

std::vector<RunNoted> PendingMessages::Release(Owner of) {
  std::vector<RunNoted> released;
  for (auto& [owner, message] : pending_) {
    if (owner == of) released.push_back(std::move(message));
  }
  Drop(of);
  return released;
}

void PendingMessages::Drop(Owner of) {
  std::erase_if(pending_, [of](const Pending& pending) { return pending.of == of; });
}

Json PendingMessages::Save() const {
  Json saved = Json::array();
  for (const auto& [of, message] : pending_) {
    StateWriter state;
    state.Add("level", Name(message.level));
    state.Add("at", message.at);
    state.Add("run", of);
    state.Add("text", message.message);
    saved.push_back(state.Take());
  }
  return saved;
}

void PendingMessages::Restore(const Json* saved, std::size_t runs) {
  pending_.clear();
  if (saved == nullptr) return;
  for (const Json& item : *saved) {
    if (!item.is_object()) continue;
    StateReader state(item);
    const auto level = state.LevelIn("level");
    const auto at = state.Instant("at");
    const auto of = state.Count("run");
    std::string text = state.Text("text");
    if (!state.Sound() || !level || (of && *of >= runs)) continue;
    pending_.push_back(
        {.of = of, .message = {.message = std::move(text), .level = *level, .at = at}});
  }
}

}  // namespace backup_exporter
