// The growing files of one source: the order in which they are read, and which are kept open.

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "sources/file_set.h"
#include "sources/generations.h"
#include "sources/writers.h"

namespace backup_exporter {
namespace {

void SetMember(bool member, std::size_t number, std::set<std::size_t>* numbers) {
  if (member) {
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
    CountChanged();
  }
  std::vector<std::string> TrackedPaths() const override { return generations_.TrackedPaths(); }
  bool Tracks(const std::string& path) const override { return generations_.Tracks(path); }

  std::vector<Piece> Read(const Moment& now, std::size_t budget, bool last_look) override;
  void Accept(const FileStep& step, std::size_t file) override;
  void Refuse(std::size_t file) override;
  std::optional<SteadyTime> Due() const override;
  void Report(SourceStatus* status) const override;

 private:
  // The contribution of one file to the totals.
  struct Share {
    std::uint64_t lag = 0;
    std::uint64_t files = 0;
    std::uint64_t unreadable = 0;
  };
  struct Turn {
    const Moment& now;
    std::size_t budget;
    bool last_look;
    std::map<std::size_t, bool> done;  // by number, of those that were read: newer ones may follow
    std::vector<Piece> pieces;
  };

  // Continues to read a generation, after older ones of its name. Returns whether newer ones may
  // follow.
  bool ReadInOrder(std::size_t number, Turn& turn);
  bool ReadOne(std::size_t number, Turn& turn);
  [[nodiscard]] Result<Tailer::Reading> ReadFile(std::size_t number, Turn& turn);
  // Closes files until at most `keep` are open: those first that have not grown for longest. Files
  // that could not be opened again stay open.
  void CloseOldest(std::size_t keep);
  // Brings the totals up to date for generations that changed.
  void CountChanged();

  const SourceParts parts_;
  Writers writers_;
  Generations generations_;
  std::map<std::size_t, Share> shares_;
  Share total_;
  Time modified_ = Time::min();
  std::set<std::size_t> due_;   // numbers of generations with a Due
  std::set<std::size_t> open_;  // numbers of generations with an open file
};

std::vector<Piece> LineFiles::Read(const Moment& now, std::size_t budget, bool last_look) {
  std::vector<std::pair<Time, std::size_t>> order;
  const auto add = [&](std::size_t number, const Tailer& tailer) {
    order.emplace_back(tailer.modified(), number);
  };
  if (last_look) {
    for (const auto& [number, one] : generations_.all()) {
      if (one.tailer.CanBeRead()) add(number, one.tailer);
    }
  } else {
    for (const std::size_t number : due_) {
      const Tailer& tailer = generations_.all().at(number).tailer;
      const auto due = tailer.Due();
      if (due && *due <= now.steady) add(number, tailer);
    }
  }
  std::ranges::sort(order);
  Turn turn{.now = now, .budget = budget, .last_look = last_look, .done = {}, .pieces = {}};
  for (const auto& [modified, number] : order) {
    if (turn.budget == 0) break;
    ReadInOrder(number, turn);
  }
  CountChanged();
  return std::move(turn.pieces);
}

bool LineFiles::ReadInOrder(std::size_t number, Turn& turn) {
  if (!generations_.all().contains(number)) return true;
  const auto done = turn.done.find(number);
  if (done != turn.done.end()) return done->second;
  const auto older = generations_.Predecessor(number);
  if (older && generations_.all().at(*older).tailer.BlocksNewer() && !ReadInOrder(*older, turn))
    return false;
  if (turn.budget == 0) return false;
  return turn.done[number] = ReadOne(number, turn);
}

bool LineFiles::ReadOne(std::size_t number, Turn& turn) {
  Tailer& tailer = generations_.all().at(number).tailer;
  const std::uint64_t offset = tailer.position().offset;
  auto reading = ReadFile(number, turn);
  if (!reading) {
    generations_.MarkUnreadable(number, reading.error());
    return true;  // newer generations are not held up by a file that cannot be read
  }
  generations_.MarkReadable(number);
  if (reading->elsewhere) {
    const std::string path = tailer.path();
    generations_.Observe({{path, parts_.files.Stat(path)}}, false, turn.now);
    return false;
  }
  if (reading->replaced) {
    const auto next = generations_.StartNewGeneration(number, turn.now);
    ReadOne(number, turn);
    if (next && turn.budget > 0) ReadOne(*next, turn);
    return true;
  }
  if (reading->piece) {
    Piece& piece = turn.pieces.emplace_back(std::move(*reading->piece));
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
  if (!tailer.BlocksNewer()) return true;
  turn.budget = 0;  // spent on a comparison or a long line that is not finished
  return false;
}

Result<Tailer::Reading> LineFiles::ReadFile(std::size_t number, Turn& turn) {
  Tailer& tailer = generations_.all().at(number).tailer;
  const auto read = [&] { return tailer.Read(turn.now, turn.budget, turn.last_look, writers_); };
  if (tailer.file() == nullptr && parts_.options.max_open_files > 0) {
    CloseOldest(parts_.options.max_open_files - 1);
  }
  auto reading = read();
  if (!reading && reading.error().kind == ErrorKind::kTemporary && tailer.file() == nullptr) {
    CloseOldest(open_.size() / 2);  // the limit of the system is lower than ours
    reading = read();
  }
  // After its file server was away, a file can be read only if it is opened anew.
  if (!reading && tailer.CanClose()) tailer.Close();
  SetMember(tailer.file() != nullptr, number, &open_);
  return reading;
}

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
  generations_.MarkChanged(file);
  if (one->second.tailer.Finished()) generations_.Remove(file);
  CountChanged();
}

void LineFiles::Refuse(std::size_t file) {
  const auto one = generations_.all().find(file);
  if (one == generations_.all().end()) return;
  one->second.tailer.Refuse();
  generations_.MarkChanged(file);
  CountChanged();
}

std::optional<SteadyTime> LineFiles::Due() const {
  std::optional<SteadyTime> first;
  for (const std::size_t number : due_) {
    const auto due = generations_.all().at(number).tailer.Due();
    if (due && (!first || *due < *first)) first = due;
  }
  return first;
}

void LineFiles::CountChanged() {
  for (const std::size_t number : generations_.DrainChanged()) {
    Share& share = shares_[number];
    total_.lag -= share.lag;
    total_.files -= share.files;
    total_.unreadable -= share.unreadable;
    const auto one = generations_.all().find(number);
    if (one == generations_.all().end()) {
      shares_.erase(number);
      due_.erase(number);
      open_.erase(number);
      continue;
    }
    const Tailer& tailer = one->second.tailer;
    const bool counted = tailer.matching() && !tailer.path().empty();
    share = {tailer.lag(), counted, tailer.unreadable()};
    total_.lag += share.lag;
    total_.files += share.files;
    total_.unreadable += share.unreadable;
    if (counted) modified_ = std::max(modified_, tailer.modified());
    SetMember(tailer.Due().has_value(), number, &due_);
    SetMember(tailer.file() != nullptr, number, &open_);
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
