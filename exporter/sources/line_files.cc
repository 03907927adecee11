// The files of lines of one source: whose turn it is to be read, and how many are held open.

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "sources/file_set.h"
#include "sources/generations.h"
#include "sources/writers.h"

namespace backup_exporter {
namespace {

void Keep(bool wanted, std::size_t number, std::set<std::size_t>* numbers) {
  if (wanted) {
    numbers->insert(number);
  } else {
    numbers->erase(number);
  }
}

class LineFiles final : public FileSet {
 public:
  LineFiles(const SourceParts& parts, std::vector<Checkpoint> known)
      : parts_(parts), writers_(parts.files), generations_(parts, std::move(known)) {}

  void Observe(const std::vector<Observation>& observations, bool all, const Moment& now) override {
    if (all) modified_ = Time::min();
    generations_.Observe(observations, all, now);
    CountTouched();
  }
  std::vector<std::string> Places() const override { return generations_.Places(); }
  bool Knows(const std::string& path) const override { return generations_.Knows(path); }

  std::vector<Piece> Read(const Moment& now, std::size_t budget, bool last_look) override;
  void Accept(const FileStep& step, std::size_t file) override;
  void Refuse(std::size_t file) override;
  std::optional<SteadyTime> Due() const override;
  void Report(SourceStatus* status) const override;

 private:
  // What a file adds to the totals.
  struct Share {
    std::uint64_t lag = 0;
    std::uint64_t files = 0;
    std::uint64_t unreadable = 0;
  };
  struct Turn {
    const Moment& now;
    std::size_t budget;
    bool last_look;
    std::map<std::size_t, bool> spoken;  // number: has nothing left to say
    std::vector<Piece> pieces;
  };

  // Reads one file on, after those that go before it. True if those after it may speak.
  bool Speak(std::size_t number, Turn& turn);
  bool SpeakItself(std::size_t number, Turn& turn);
  [[nodiscard]] Result<Tailer::Look> Look(std::size_t number, Turn& turn);
  void CloseOldest(std::size_t keep);
  void CountTouched();

  const SourceParts parts_;
  Writers writers_;
  Generations generations_;
  std::map<std::size_t, Share> shares_;
  Share total_;
  Time modified_ = Time::min();
  std::set<std::size_t> attention_;  // who has something due
  std::set<std::size_t> open_;       // who holds a file open
};

std::vector<Piece> LineFiles::Read(const Moment& now, std::size_t budget, bool last_look) {
  std::vector<std::pair<Time, std::size_t>> order;
  const auto enlist = [&](std::size_t number, const Tailer& tailer) {
    order.emplace_back(tailer.modified(), number);
  };
  if (last_look) {
    for (const auto& [number, one] : generations_.all()) {
      if (one.tailer.Readable()) enlist(number, one.tailer);
    }
  } else {
    for (const std::size_t number : attention_) {
      const Tailer& tailer = generations_.all().at(number).tailer;
      const auto due = tailer.Due();
      if (due && *due <= now.steady) enlist(number, tailer);
    }
  }
  std::ranges::sort(order);
  Turn turn{.now = now, .budget = budget, .last_look = last_look, .spoken = {}, .pieces = {}};
  for (const auto& [modified, number] : order) {
    if (turn.budget == 0) break;
    Speak(number, turn);
  }
  CountTouched();
  return std::move(turn.pieces);
}

bool LineFiles::Speak(std::size_t number, Turn& turn) {
  if (!generations_.all().contains(number)) return true;
  const auto spoken = turn.spoken.find(number);
  if (spoken != turn.spoken.end()) return spoken->second;
  const auto before = generations_.Before(number);
  if (before && generations_.all().at(*before).tailer.Behind() && !Speak(*before, turn))
    return false;
  if (turn.budget == 0) return false;
  const bool done = SpeakItself(number, turn);
  turn.spoken[number] = done;
  return done;
}

bool LineFiles::SpeakItself(std::size_t number, Turn& turn) {
  Tailer& tailer = generations_.all().at(number).tailer;
  const std::uint64_t offset = tailer.position().offset;
  auto look = Look(number, turn);
  if (!look) {
    generations_.NoteUnreadable(number, look.error());
    return true;  // better out of order than not at all
  }
  generations_.NoteReadable(number);
  if (look->elsewhere) {
    const std::string path = tailer.place();
    generations_.Observe({{path, parts_.files.Stat(path)}}, false, turn.now);
    return false;
  }
  if (look->replaced) {
    const auto next = generations_.StartAgain(number, turn.now);
    SpeakItself(number, turn);
    if (next && turn.budget > 0) SpeakItself(*next, turn);
    return true;
  }
  if (look->piece) {
    Piece& piece = turn.pieces.emplace_back(std::move(*look->piece));
    piece.file = number;
    const std::uint64_t cost = std::max<std::uint64_t>(
        {kLeastPiece, piece.buffer_size, piece.step.position.offset - offset});
    turn.budget -= std::min<std::uint64_t>(turn.budget, cost);
    return piece.step.at_end;
  }
  if (tailer.Finished()) {
    generations_.Remove(number);
    open_.erase(number);
    return true;
  }
  if (tailer.Behind()) turn.budget = 0;  // it took all of it, and found no end
  return !tailer.Behind();
}

Result<Tailer::Look> LineFiles::Look(std::size_t number, Turn& turn) {
  Tailer& tailer = generations_.all().at(number).tailer;
  const auto read = [&] { return tailer.Read(turn.now, turn.budget, turn.last_look, writers_); };
  if (tailer.file() == nullptr && parts_.options.max_open_files > 0) {
    CloseOldest(parts_.options.max_open_files - 1);
  }
  auto look = read();
  if (!look && look.error().kind == ErrorKind::kTemporary && tailer.file() == nullptr) {
    CloseOldest(open_.size() / 2);  // the system has a lower limit than we
    look = read();
  }
  // A file whose server went away and came back is readable only when opened anew.
  if (!look && tailer.CanClose()) tailer.Close();
  Keep(tailer.file() != nullptr, number, &open_);
  return look;
}

// The files that have grown least recently; those that could not be opened again stay open.
void LineFiles::CloseOldest(std::size_t keep) {
  while (open_.size() > keep) {
    auto oldest = open_.end();
    for (auto number = open_.begin(); number != open_.end(); ++number) {
      const Tailer& tailer = generations_.all().at(*number).tailer;
      if (!tailer.CanClose()) continue;
      if (oldest == open_.end() || tailer.grown() < generations_.all().at(*oldest).tailer.grown()) {
        oldest = number;
      }
    }
    if (oldest == open_.end()) return;
    generations_.all().at(*oldest).tailer.Close();
    open_.erase(oldest);
  }
}

void LineFiles::Accept(const FileStep& step, std::size_t file) {
  const auto one = generations_.all().find(file);
  if (one == generations_.all().end()) return;
  one->second.tailer.Accept(step);
  generations_.Touch(file);
  if (one->second.tailer.Finished()) generations_.Remove(file);
  CountTouched();
}

void LineFiles::Refuse(std::size_t file) {
  const auto one = generations_.all().find(file);
  if (one == generations_.all().end()) return;
  one->second.tailer.Refuse();
  generations_.Touch(file);
  CountTouched();
}

std::optional<SteadyTime> LineFiles::Due() const {
  std::optional<SteadyTime> first;
  for (const std::size_t number : attention_) {
    const auto due = generations_.all().at(number).tailer.Due();
    if (due && (!first || *due < *first)) first = due;
  }
  return first;
}

void LineFiles::CountTouched() {
  for (const std::size_t number : generations_.TakeTouched()) {
    Share& share = shares_[number];
    total_.lag -= share.lag;
    total_.files -= share.files;
    total_.unreadable -= share.unreadable;
    const auto one = generations_.all().find(number);
    if (one == generations_.all().end()) {
      shares_.erase(number);
      attention_.erase(number);
      open_.erase(number);
      continue;
    }
    const Tailer& tailer = one->second.tailer;
    const bool counted = tailer.ours() && !tailer.place().empty();
    share = {tailer.lag(), counted, tailer.unreadable()};
    total_.lag += share.lag;
    total_.files += share.files;
    total_.unreadable += share.unreadable;
    if (counted) modified_ = std::max(modified_, tailer.modified());
    Keep(tailer.Due().has_value(), number, &attention_);
    Keep(tailer.file() != nullptr, number, &open_);
  }
}

void LineFiles::Report(SourceStatus* status) const {
  status->files = total_.files + generations_.bad_paths();
  status->unreadable_files = total_.unreadable + generations_.bad_paths();
  status->lag_bytes = total_.lag;
  if (modified_ != Time::min()) status->modified = modified_;
}

}  // namespace

std::unique_ptr<FileSet> MakeLineFiles(const SourceParts& parts, std::vector<Checkpoint> known) {
  return std::make_unique<LineFiles>(parts, std::move(known));
}

}  // namespace backup_exporter
