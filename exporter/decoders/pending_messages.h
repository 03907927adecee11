// Messages that a tool printed about a run before an event reported that run. The ledger attaches a
// message to the open run or the one that ended last, so such messages wait here until their run is
// reported. Part of a decoder's state. For decoders only.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "model/event.h"

namespace backup_exporter {

// A message event: `text` without trailing white space, cut to kMostMessage bytes between
// characters.
[[nodiscard]] RunNoted MessageOf(Level level, std::string_view text,
                                 std::optional<Time> at = std::nullopt);

class PendingMessages {
 public:
  // The run that a message belongs to, where a decoder follows several; nullopt: the next one.
  using Owner = std::optional<std::size_t>;

  // When there is no room, the least severe messages are dropped first, and among them the oldest.
  void Add(RunNoted message, Owner of = std::nullopt);
  // Removes and returns the messages of `of`, in order: its run was just reported.
  [[nodiscard]] std::vector<RunNoted> Release(Owner of = std::nullopt);
  void Drop(Owner of);
  void Clear() { pending_.clear(); }

  [[nodiscard]] bool empty() const { return pending_.empty(); }

  // An array of objects: {"level":"warning","at":1795216386500000,"run":0,"text":"…"}.
  [[nodiscard]] Json Save() const;
  // Replaces all messages. Ignores items that Save cannot have written, and messages of runs from
  // number `runs` on. nullptr: none.
  void Restore(const Json* saved, std::size_t runs = 0);

 private:
  struct Pending {
    Owner of;
    RunNoted message;
  };
  std::vector<Pending> pending_;
};

}  // namespace backup_exporter
