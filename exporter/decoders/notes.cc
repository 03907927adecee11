#include "decoders/notes.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"

namespace backup_exporter {
namespace {

// Saved with every position, so there is less room than a run has in the ledger.
constexpr std::size_t kMostKept = 200;
constexpr std::size_t kMostBytes = 32 << 10;

}  // namespace

RunNoted NoteOf(Level level, std::string_view text, std::optional<Time> at) {
  text = text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
  return {.message = std::string(CutBytes(text, kMostMessage)), .level = level, .at = at};
}

void Notes::Keep(RunNoted note, Owner of) {
  kept_.push_back({.of = of, .note = std::move(note)});
  std::vector<MessageWeight> weights;
  for (const Kept& kept : kept_) weights.push_back({kept.note.level, kept.note.message.size()});
  const std::vector<std::size_t> gone = MessagesToDrop(weights, kMostKept, kMostBytes);
  for (auto i = gone.rbegin(); i != gone.rend(); ++i) {
    kept_.erase(kept_.begin() + static_cast<std::ptrdiff_t>(*i));
  }
}

std::vector<RunNoted> Notes::Release(Owner of) {
  std::vector<RunNoted> notes;
  for (Kept& kept : kept_) {
    if (kept.of == of) notes.push_back(std::move(kept.note));
  }
  std::erase_if(kept_, [of](const Kept& kept) { return kept.of == of; });
  return notes;
}

Json Notes::Save() const {
  Json saved = Json::array();
  for (const auto& [of, note] : kept_) {
    saved.push_back({of ? Json(*of) : Json(), Name(note.level), Saved(note.at), note.message});
  }
  return saved;
}

void Notes::Restore(const Json& saved, std::size_t owners) {
  kept_.clear();
  if (!saved.is_array()) return;
  for (const Json& item : saved) {
    const bool whole = item.is_array() && item.size() == 4 &&
                       (item[0].is_null() || item[0].is_number_unsigned()) && item[1].is_string() &&
                       (item[2].is_null() || SavedTime(item[2])) && item[3].is_string();
    const auto level = whole ? LevelNamed(item[1].get_ref<const std::string&>()) : std::nullopt;
    if (!level) continue;
    Kept kept{.of = {}, .note = {.message = item[3].get<std::string>(), .level = *level}};
    if (!item[0].is_null()) kept.of = item[0].get<std::size_t>();
    if (kept.of && *kept.of >= owners) continue;
    kept.note.at = SavedTime(item[2]);
    kept_.push_back(std::move(kept));
  }
}

}  // namespace backup_exporter
