#include "decoders/run_events.h"

#include <utility>

namespace backup_exporter {

void RunEvents::At(std::uint64_t offset, Decoded* out) {
  offset_ = offset;
  out_ = out;
}

void RunEvents::Write(What what, std::string_view repository) {
  auto& events = out_->events;
  if (std::holds_alternative<RunProgress>(what) && !events.empty() &&
      std::holds_alternative<RunProgress>(events.back().what)) {
    events.pop_back();
  }
  const auto* end = std::get_if<RunFinished>(&what);
  const bool reports_run =
      end != nullptr ? !end->of_last_run : std::holds_alternative<RunStarted>(what);
  const auto add = [&](What added) {
    events.push_back({.of = {.label = {}, .repository = std::string(repository)},
                      .offset = offset_,
                      .what = std::move(added)});
  };
  add(std::move(what));
  if (!reports_run || pending_.empty()) return;
  for (RunNoted& message : pending_.Release()) add(std::move(message));
}

bool PreventsWork(Reason reason) {
  return reason == Reason::kAuth || reason == Reason::kRepositoryMissing ||
         reason == Reason::kLocked;
}

void SetDuration(RunFinished& end) {
  if (end.start && end.end && *end.end >= *end.start) end.duration = *end.end - *end.start;
}

}  // namespace backup_exporter
