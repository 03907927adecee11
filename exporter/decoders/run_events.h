// Shared by the classes that follow the runs in a tool's output: writing events, and rules for the
// runs of every tool. For decoders only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "decoders/decoders.h"
#include "decoders/pending_messages.h"
#include "model/event.h"

namespace backup_exporter {

// Writes the events of a file in which one run follows another. Messages about the next run wait
// until an event reports it.
class RunEvents {
 public:
  using What = decltype(Event::what);

  // Events go to `out`, with this offset. Must be called before the other calls for a record; `out`
  // must outlive them.
  void At(std::uint64_t offset, Decoded* out);

  // If several progress events follow one another, only the newest is kept, since there may be
  // millions. A start, and the end of a run that was not reported before, are followed by the
  // pending messages.
  void Write(What what, std::string_view repository = {});

  void AddPending(RunNoted message) { pending_.Add(std::move(message)); }
  void ClearPending() { pending_.Clear(); }

  // The saved state: the pending messages.
  [[nodiscard]] bool empty() const { return pending_.empty(); }
  [[nodiscard]] Json Save() const { return pending_.Save(); }
  void Restore(const Json* saved) { pending_.Restore(saved); }

 private:
  PendingMessages pending_;
  std::uint64_t offset_ = 0;
  Decoded* out_ = nullptr;
};

// The repository cannot be opened or locked, so that a run fails before it does any work.
[[nodiscard]] bool PreventsWork(Reason reason);

// Sets the duration from start and end if both are known and in order.
void SetDuration(RunFinished& end);

}  // namespace backup_exporter
