#include "sources/lifecycle.h"

#include <algorithm>
#include <chrono>

#include "sources/identity.h"

namespace backup_exporter {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

// A file that has not grown for this long is quiet. A writer that closed the file this long ago
// counts as gone.
constexpr seconds kQuiet{10};
// After this long no writer is expected to append to a renamed file, nor the file to get its name
// back.
constexpr hours kIdle{24};

}  // namespace

void Lifecycle::SetName(bool matching, bool renamed, const Moment& now) {
  name_ = matching ? Name::kMatching : Name::kOther;
  if (!matching && renamed) renamed_ = now.steady;
}

void Lifecycle::LoseName(bool removed, const Moment& now) {
  if (name_ == Name::kMatching || name_ == Name::kOther) renamed_ = now.steady;
  name_ = removed ? Name::kRemoved : Name::kUnknown;
  if (unread_ == Unread::kNone) unread_ = Unread::kPossible;
}

void Lifecycle::Replace() {
  stat_.reset();
  closed_.reset();
  if (!ended()) stage_ = Stage::kGrowing;
}

bool Lifecycle::Observe(const FileStat& stat, bool closed, std::uint64_t offset,
                        const Moment& now) {
  const bool unchanged =
      stat_ == stat && stat.modified < end_reached_ - kTimestampGranularity && !unreadable();
  const bool shrank = stat_ && stat.size < stat_->size;
  if (!stat_) {
    // The modification time shows for how long it had been quiet before.
    grown_ = now.steady - std::clamp<Duration>(now.wall - stat.modified, Duration(0), kIdle);
  } else if (stat.size != stat_->size) {
    grown_ = now.steady;
    closed_.reset();
    if (!ended()) stage_ = Stage::kGrowing;
  }
  if (shrank && stat_->size > offset) lost_bytes_ = true;
  if (!unchanged && unread_ == Unread::kNone) unread_ = Unread::kPossible;
  if (closed) closed_ = now.steady;
  if (access_ == Access::kBlocked) access_ = Access::kRetry;
  stat_ = stat;
  return shrank;
}

void Lifecycle::Report(const FileStep& step) {
  unread_ = Unread::kNone;
  stage_ = std::max(stage_, StageOf(step));
}

void Lifecycle::MarkReadable() {
  if (access_ != Access::kRefused) access_ = Access::kReadable;
}

void Lifecycle::MarkUnreadable() {
  if (access_ != Access::kRefused) access_ = Access::kBlocked;
}

void Lifecycle::End() { stage_ = std::max(stage_, Stage::kEnded); }

Lifecycle::Stage Lifecycle::StageOf(const FileStep& step) {
  if (step.over) return Stage::kFinished;
  if (step.writer_gone) return Stage::kWriterGone;
  return step.quiet ? Stage::kQuiet : Stage::kGrowing;
}

bool Lifecycle::DependsOnWriter(const Moment& now, bool last_look) const {
  return (present_at_start() || last_look) && !EndingAt(now, last_look, false).writer_gone;
}

Lifecycle::Ending Lifecycle::EndingAt(const Moment& now, bool last_look, bool writer_gone) const {
  Ending ending;
  ending.writer_gone =
      writer_gone || stage_ == Stage::kWriterGone || (closed_ && now.steady - *closed_ >= kQuiet);
  ending.over = name_ == Name::kRemoved || (!matching() && now.steady >= IdleAt());
  ending.quiet =
      ending.writer_gone || ending.over || closed_ || now.steady - grown_ >= kQuiet || last_look;
  ending.cut = ending.over || last_look || (!matching() && ending.quiet);
  return ending;
}

std::optional<SteadyTime> Lifecycle::Due() const {
  if (has_unread() || (closed_ && stage_ < Stage::kQuiet)) return SteadyTime::min();
  auto due = SteadyTime::max();
  if (stage_ < Stage::kQuiet) due = std::min(due, grown_ + kQuiet);
  if (stage_ < Stage::kWriterGone && closed_) due = std::min(due, *closed_ + kQuiet);
  if (!matching()) due = std::min(due, IdleAt());
  return due == SteadyTime::max() ? std::nullopt : std::optional(due);
}

bool Lifecycle::CanBeRead(bool reachable) const {
  if (access_ == Access::kRefused) return false;
  return ended() || (access_ != Access::kBlocked && reachable);
}

SteadyTime Lifecycle::IdleAt() const { return std::max(grown_, renamed_.value_or(grown_)) + kIdle; }

}  // namespace backup_exporter
