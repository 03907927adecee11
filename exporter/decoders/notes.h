// What was said of runs that are not told yet, kept until they are: the ledger takes a note for one
// of the open run, or of the one that ended last. For the decoders' own sources; part of what a
// decoder remembers.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "model/event.h"

namespace backup_exporter {

// A note of what a tool said, no longer than messages are, and without white space at its end.
[[nodiscard]] RunNoted NoteOf(Level level, std::string_view text,
                              std::optional<Time> at = std::nullopt);

class Notes {
 public:
  using Owner = std::optional<std::size_t>;  // which of several runs; nullopt: the next one

  // What there is no room for goes: the lightest first, of these the oldest.
  void Keep(RunNoted note, Owner of = std::nullopt);
  // The run was told: these are to follow.
  [[nodiscard]] std::vector<RunNoted> Release(Owner of = std::nullopt);
  void Clear() { kept_.clear(); }

  [[nodiscard]] bool empty() const { return kept_.empty(); }
  [[nodiscard]] Json Save() const;
  // Anything but what Save gave is nothing, and so are those of a run that is not among the first
  // `owners`.
  void Restore(const Json& saved, std::size_t owners = 0);

 private:
  struct Kept {
    Owner of;
    RunNoted note;
  };
  std::vector<Kept> kept_;
};

}  // namespace backup_exporter
