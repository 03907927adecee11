// The stamps of one source: files whose modification time is the record, whatever their content.
//
// A path is one generation for as long as a file is there, however often it is touched.

#include <cstring>
#include <map>
#include <utility>

#include "sources/file_set.h"

namespace backup_exporter {
namespace {

struct Stamp {
  Checkpoint known;
  std::optional<FileStat> seen;
  bool unreadable = false;
  bool refused = false;  // the ledger refused its records
  bool over = false;     // its file is gone

  [[nodiscard]] bool HasNews() const {
    if (over) return true;
    return seen && !refused &&
           (known.position.id == 0 || seen->modified != known.position.modified);
  }
};

class Stamps final : public FileSet {
 public:
  Stamps(const SourceParts& parts, std::vector<Checkpoint> known) : parts_(parts) {
    for (Checkpoint& file : known) {
      const std::string path = file.position.path;
      const auto [older, is_new] = at_.emplace(path, next_number_);
      if (!is_new) stamps_.at(std::exchange(older->second, next_number_)).over = true;
      stamps_[next_number_++].known = std::move(file);
    }
  }

  void Observe(const std::vector<Observation>& observations, bool, const Moment&) override {
    for (const Observation& observation : observations) {
      if (observation.stat) {
        if (parts_.discovery.Matches(observation.path))
          Observe(observation.path, *observation.stat);
      } else {
        ApplyNoFile(observation.path, observation.stat.error());
      }
    }
  }
  std::vector<std::string> TrackedPaths() const override {
    std::vector<std::string> paths;
    for (const auto& [path, number] : at_) paths.push_back(path);
    return paths;
  }
  bool Tracks(const std::string& path) const override { return at_.contains(path); }

  std::vector<Piece> Read(const Moment&, std::size_t, bool) override {
    std::vector<Piece> pieces;
    for (auto stamp = stamps_.begin(); stamp != stamps_.end();) {
      if (stamp->second.over && stamp->second.known.position.id == 0) {
        stamp = stamps_.erase(stamp);
        continue;
      }
      if (stamp->second.HasNews()) pieces.push_back(MakePiece(stamp->first, stamp->second));
      ++stamp;
    }
    return pieces;
  }
  void Accept(const FileStep& step, std::size_t file) override {
    if (step.over) {
      stamps_.erase(file);
    } else if (const auto stamp = stamps_.find(file); stamp != stamps_.end()) {
      stamp->second.known = {step.position, step.decoder_state};
    }
  }
  void Refuse(std::size_t file) override {
    if (const auto stamp = stamps_.find(file); stamp != stamps_.end()) stamp->second.refused = true;
  }
  std::optional<SteadyTime> Due() const override {
    for (const auto& [number, stamp] : stamps_) {
      if (stamp.HasNews()) return SteadyTime::min();
    }
    return std::nullopt;
  }

  void Report(SourceStatus* status) const override {
    status->files = at_.size();
    status->unreadable_files = 0;
    status->lag_bytes = 0;
    status->modified.reset();
    for (const auto& [path, number] : at_) {
      const Stamp& stamp = stamps_.at(number);
      if (stamp.unreadable || stamp.refused) ++status->unreadable_files;
      if (stamp.seen) status->modified = std::max(status->modified, {stamp.seen->modified});
    }
  }

 private:
  void Observe(const std::string& path, const FileStat& stat) {
    const auto [at, is_new] = at_.emplace(path, next_number_);
    Stamp& stamp = stamps_[at->second];
    if (is_new) {
      ++next_number_;
      stamp.known.position.path = path;
    }
    if (std::exchange(stamp.unreadable, false)) parts_.errors.NoteReadableAgain(path);
    stamp.seen = stat;
  }

  void ApplyNoFile(const std::string& path, const Error& error) {
    const auto at = at_.find(path);
    if (at == at_.end()) return;
    Stamp& stamp = stamps_.at(at->second);
    if (error.kind == ErrorKind::kNotFound) {
      stamp.over = true;
      at_.erase(at);
    } else if (!std::exchange(stamp.unreadable, true)) {
      parts_.errors.Add(error);
    }
  }

  static Piece MakePiece(std::size_t number, const Stamp& stamp) {
    Piece piece{.file = number};
    piece.step.position = stamp.known.position;
    piece.step.decoder_state = stamp.known.decoder_state;
    piece.step.at_end = piece.step.quiet = true;
    piece.step.over = stamp.over;
    if (stamp.over) return piece;
    piece.step.position.device = stamp.seen->device;
    piece.step.position.inode = stamp.seen->inode;
    piece.step.position.modified = stamp.seen->modified;
    const std::string record =
        FormatExactUtc(stamp.seen->modified) + " " + stamp.known.position.path;
    piece.buffer = std::make_unique_for_overwrite<char[]>(record.size());
    std::memcpy(piece.buffer.get(), record.data(), record.size());
    piece.records.push_back({{piece.buffer.get(), record.size()}, 0});
    return piece;
  }

  const SourceParts parts_;
  std::map<std::size_t, Stamp> stamps_;  // by number
  std::size_t next_number_ = 1;
  std::map<std::string, std::size_t> at_;  // number by path
};

}  // namespace

std::unique_ptr<FileSet> MakeStamps(const SourceParts& parts, std::vector<Checkpoint> known) {
  return std::make_unique<Stamps>(parts, std::move(known));
}

}  // namespace backup_exporter
