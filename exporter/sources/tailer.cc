#include "sources/tailer.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "sources/document_stream.h"
#include "sources/framing.h"

namespace backup_exporter {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr seconds kQuiet{10};
// After which nobody is expected to write to a file that was renamed, nor to bring its name back.
constexpr hours kIdle{24};
// Stamps of files are this coarse at worst (vfat): a file may change twice within one.
constexpr seconds kStampUnit{2};
constexpr std::size_t kLeastRead = 64 * 1024;

}  // namespace

// A stretch of the file from the position on, cut into records.
struct Tailer::Part {
  std::unique_ptr<char[]> buffer;
  std::size_t buffer_size = 0;
  std::vector<Record> records;
  SkippedBytes skipped;
  LongLine::Place end;
  std::optional<Fingerprint> fingerprint;  // at the end
  bool at_end = false;
  bool is_line = false;  // its bytes are one, which ends without "\n"
};

Tailer::Tailer(const Files& files, TailerOptions options, Checkpoint known, bool present)
    : files_(files),
      options_(options),
      mark_(std::move(known.position)),
      decoder_state_(std::move(known.decoder_state)),
      fresh_(present) {}

FileIdentity Tailer::identity() const {
  return seen_ ? seen_->identity() : FileIdentity(mark_.device, mark_.inode);
}

std::uint64_t Tailer::lag() const {
  return ended_ || !seen_ || seen_->size < mark_.offset ? 0 : seen_->size - mark_.offset;
}

void Tailer::PutAt(const std::string& path, bool ours, const FileStat& stat, const Moment& now) {
  place_ = path;
  ours_ = ours;
  if (!ours && (seen_ || mark_.id == 0)) left_ = now.steady;
  removed_ = false;
  if (seen_ && seen_->identity() != stat.identity()) {
    seen_.reset();
    file_.reset();
    fingerprint_.reset();
    check_.reset();
    long_line_.reset();
    closed_.reset();
    quiet_told_ = gone_told_ = false;
  }
  Seen(stat, false, now);
}

bool Tailer::Recognises(const std::string& path, const FileStat& stat) {
  if (mark_.offset == 0) return seen_ && seen_->size > 0 && *seen_ == stat;
  if (stat.size < mark_.offset) return false;
  if (!fingerprint_ && Untouched(stat)) return true;
  const auto file = files_.Open(path);
  // What cannot be opened now is compared when it is read.
  if (!file) return file.error().kind != ErrorKind::kNotFound;
  if (fingerprint_) return StillHas(**file, *fingerprint_).value_or(false);
  PrefixCheck check(mark_.offset, mark_.prefix_crc);
  const bool same = check.Advance(**file, mark_.offset) == PrefixCheck::Answer::kSame;
  if (same) fingerprint_ = check.fingerprint();
  return same;
}

void Tailer::LoseName(bool removed, const Moment& now) {
  if (!place_.empty()) left_ = now.steady;
  place_.clear();
  ours_ = false;
  removed_ = removed;
  dirty_ = true;
}

void Tailer::End() {
  ended_ = true;
  file_.reset();
}

void Tailer::Seen(const FileStat& stat, bool closed, const Moment& now) {
  if (!seen_) {
    // How long it had been at rest before we came, its stamp tells.
    grown_ = now.steady - std::clamp<Duration>(now.wall - stat.modified, Duration(0), kIdle);
  } else if (stat.size != seen_->size) {
    grown_ = now.steady;
    closed_.reset();
    quiet_told_ = gone_told_ = false;
    if (stat.size < seen_->size) {
      lost_bytes_ = lost_bytes_ || seen_->size > mark_.offset;
      long_line_.reset();
    }
  }
  const bool surely_same =
      seen_ && stat == *seen_ && stat.modified < looked_ - kStampUnit && !unreadable_;
  dirty_ = dirty_ || !surely_same;
  if (closed) closed_ = now.steady;
  blocked_ = false;
  seen_ = stat;
}

std::optional<SteadyTime> Tailer::Due() const {
  if (!Readable()) return std::nullopt;
  if (ended_ || dirty_ || (closed_ && !quiet_told_)) return SteadyTime::min();
  auto due = SteadyTime::max();
  if (!quiet_told_) due = std::min(due, grown_ + kQuiet);
  if (!gone_told_ && closed_) due = std::min(due, *closed_ + kQuiet);
  if (!ours_) due = std::min(due, IdleAt());
  return due == SteadyTime::max() ? std::nullopt : std::optional(due);
}

bool Tailer::Untouched(const FileStat& stat) const {
  return stat.device == mark_.device && stat.inode == mark_.inode &&
         stat.modified == mark_.modified && stat.size >= mark_.offset;
}

SteadyTime Tailer::IdleAt() const { return std::max(grown_, left_.value_or(grown_)) + kIdle; }

Tailer::Ending Tailer::EndingAt(const Moment& now, bool last_look, Writers& writers) const {
  Ending ending;
  ending.gone = gone_told_ || (closed_ && now.steady - *closed_ >= kQuiet) ||
                ((fresh_ || last_look) && writers.AreGone(*seen_, now));
  ending.over = removed_ || (!ours_ && now.steady >= IdleAt());
  ending.quiet =
      ending.gone || ending.over || closed_ || now.steady - grown_ >= kQuiet || last_look;
  ending.cut = ending.over || last_look || (!ours_ && ending.quiet);
  return ending;
}

Result<Tailer::Look> Tailer::Read(const Moment& now, std::size_t room, bool last_look,
                                  Writers& writers) {
  if (ended_) {
    Part rest;
    rest.end = {mark_.offset, mark_.prefix_crc};
    rest.at_end = true;
    return Look{.piece = Tell(std::move(rest), FileStat{}, {.quiet = true, .over = true}, now)};
  }
  if (!fingerprint_ && seen_ && Untouched(*seen_) && seen_->size == mark_.offset &&
      !place_.empty()) {
    Part nothing;
    nothing.end = {mark_.offset, mark_.prefix_crc};
    nothing.at_end = true;
    return Look{.piece = Tell(std::move(nothing), *seen_, EndingAt(now, last_look, writers), now)};
  }

  if (!file_) {
    auto opened = files_.Open(place_);
    if (!opened) return tl::unexpected(std::move(opened.error()));
    file_ = std::move(*opened);
  }
  const auto stat = file_->Stat();
  if (!stat) return tl::unexpected(stat.error());
  if (stat->identity() != identity()) {
    file_.reset();
    return Look{.elsewhere = true};
  }
  Seen(*stat, false, now);

  const auto same = IsStillTheFile(*stat, room);
  if (!same) return tl::unexpected(same.error());
  if (!*same) return Look{};
  if (!**same) return Look{.replaced = true};

  const Ending ending = EndingAt(now, last_look, writers);
  auto part = ReadPart(stat->size, room, ending);
  if (!part) return tl::unexpected(std::move(part.error()));
  // Compared after reading: what was read cannot have come from another file then.
  if (fingerprint_) {
    const auto still = StillHas(*file_, *fingerprint_);
    if (!still) return tl::unexpected(still.error());
    if (!*still) return Look{.replaced = true};
  }
  if (!*part) return Look{};
  return Look{.piece = Tell(std::move(**part), *stat, ending, now)};
}

Result<std::optional<bool>> Tailer::IsStillTheFile(const FileStat& stat, std::size_t room) {
  if (stat.size < mark_.offset) return false;
  if (fingerprint_ || mark_.offset == 0 || Untouched(stat)) return true;
  if (!check_) check_.emplace(mark_.offset, mark_.prefix_crc);
  const auto answer = check_->Advance(*file_, room);
  if (!answer) return tl::unexpected(answer.error());
  if (*answer == PrefixCheck::Answer::kUnfinished) return std::nullopt;
  if (*answer == PrefixCheck::Answer::kSame) fingerprint_ = check_->fingerprint();
  check_.reset();
  return fingerprint_.has_value();
}

Result<std::optional<Tailer::Part>> Tailer::ReadPart(std::uint64_t size, std::size_t room,
                                                     const Ending& ending) {
  Part part;
  part.end = {mark_.offset, mark_.prefix_crc};
  std::size_t wanted =
      std::clamp(room, std::min(kLeastRead, options_.piece_size), options_.piece_size);
  if (long_line_) {
    if (auto scanned = long_line_->Scan(*file_, size, room); !scanned) {
      return tl::unexpected(std::move(scanned.error()));
    }
    const bool to_the_end = long_line_->scanned().offset >= size;
    if (!long_line_->ended() && !to_the_end) return std::nullopt;
    if (!long_line_->ended() && !ending.quiet) {
      part.at_end = true;
      return part;
    }
    if (long_line_->length() <= options_.record_limit + 1) {  // one more for a "\r"
      part.end = long_line_->text();
      part.is_line = long_line_->before_gap();
      wanted = part.is_line ? long_line_->length()
                            : std::max<std::size_t>(wanted, long_line_->length() + 1);
    } else if (long_line_->ended() || ending.cut) {
      part.end = long_line_->scanned();
      part.skipped.too_long = long_line_->length();
      part.skipped.blank = long_line_->ended() && !long_line_->before_gap() ? 1 : 0;
    } else {
      part.at_end = true;
      return part;
    }
    part.skipped.nul = long_line_->nuls();
  }

  wanted = std::max(wanted, window_);

  // A little of what comes before is read along, for the fingerprint.
  const std::size_t before = std::min<std::uint64_t>(part.end.offset, Fingerprint::kTail);
  wanted = std::min<std::uint64_t>(wanted, size - part.end.offset);
  part.buffer_size = before + wanted;
  part.buffer = std::make_unique_for_overwrite<char[]>(part.buffer_size);
  const auto got = file_->ReadAt(part.end.offset - before, {part.buffer.get(), before + wanted});
  if (!got) return tl::unexpected(got.error());
  if (*got < before) return std::nullopt;  // it shrinks: the next look will tell
  part.at_end = *got < before + wanted || part.end.offset + wanted == size;
  wanted = *got - before;
  const std::string_view bytes(part.buffer.get() + before, wanted);
  if (part.end.offset == 0 && BeginsAsUtf16(bytes)) {
    return Fail(ErrorKind::kInvalid, place_ + ": is UTF-16, which cannot be read; write UTF-8");
  }

  std::size_t taken = Cut(bytes, ending, &part);
  if (options_.framing == Framing::kDocuments && taken == 0 && !part.at_end) {
    if (wanted <= options_.record_limit) {
      // One more tells that it is longer.
      window_ = std::min(2 * wanted, options_.record_limit + 1);
      return std::nullopt;
    }
    part.skipped.too_long += wanted;
    taken = wanted;
  }
  if (taken > 0) window_ = 0;
  part.end.crc = Crc(part.end.crc, bytes.substr(0, taken));
  part.end.offset += taken;
  if (part.end.offset == mark_.offset && !part.at_end) {
    long_line_.emplace(part.end);
    return std::nullopt;
  }
  if (part.end.offset > mark_.offset) {
    const auto fingerprint = FingerprintAfter(*file_, fingerprint_,
                                              {part.buffer.get(), before + taken}, part.end.offset);
    if (!fingerprint) return tl::unexpected(fingerprint.error());
    part.fingerprint = *fingerprint;
  }
  return part;
}

std::size_t Tailer::Cut(std::string_view bytes, const Ending& ending, Part* part) const {
  const std::uint64_t offset = part->end.offset;
  if (options_.framing == Framing::kDocuments) {
    const Tail tail = !part->at_end  ? Tail::kOpen
                      : ending.cut   ? Tail::kCut
                      : ending.quiet ? Tail::kQuiet
                                     : Tail::kOpen;
    return CutDocuments(bytes, offset, options_.record_limit, tail, &part->records, &part->skipped);
  }
  const std::size_t taken =
      CutLines(bytes, offset, options_.record_limit, &part->records, &part->skipped);
  const std::string_view rest = bytes.substr(taken);
  const bool whole = ending.cut || (ending.quiet && IsWholeJsonLine(rest, offset + taken));
  const bool cut = part->at_end ? whole : part->is_line;
  if (!cut || rest.empty()) return taken;
  CutUnfinishedLine(rest, offset + taken, options_.record_limit, &part->records, &part->skipped);
  return bytes.size();
}

std::optional<Piece> Tailer::Tell(Part part, const FileStat& stat, const Ending& ending,
                                  const Moment& now) {
  Piece piece;
  FileStep& step = piece.step;
  step.at_end = part.at_end;
  step.quiet = part.at_end && ending.quiet;
  step.writer_gone = part.at_end && ending.gone;
  step.over = part.at_end && ending.over;
  if (part.at_end) looked_ = now.wall;

  const bool moved = part.end.offset > mark_.offset;
  const bool known = moved || mark_.id != 0 || mark_.offset > 0;
  const bool news = (step.quiet && !quiet_told_) || (step.writer_gone && !gone_told_) ||
                    step.over || stat.device != mark_.device || stat.inode != mark_.inode;
  if (!moved && !(news && known)) {
    if (part.at_end) Note(step);
    return std::nullopt;
  }
  step.position = mark_;
  if (!ended_) {
    step.position.device = stat.device;
    step.position.inode = stat.inode;
    step.position.offset = part.end.offset;
    step.position.prefix_crc = part.end.crc;
    step.position.modified = stat.modified;
  }
  step.decoder_state = decoder_state_;
  step.read_bytes = part.end.offset - mark_.offset;
  for (const Record& record : part.records) step.record_bytes += record.bytes.size();
  step.skipped = part.skipped;
  next_fingerprint_ = part.fingerprint;
  piece.buffer = std::move(part.buffer);
  piece.buffer_size = part.buffer_size;
  piece.records = std::move(part.records);
  return piece;
}

void Tailer::Accept(const FileStep& step) {
  if (step.position.offset > mark_.offset) {
    const bool expected = next_fingerprint_ && next_fingerprint_->offset == step.position.offset;
    fingerprint_ = expected ? next_fingerprint_ : std::nullopt;
    long_line_.reset();
  }
  mark_ = step.position;
  decoder_state_ = step.decoder_state;
  if (step.at_end) Note(step);
}

void Tailer::Note(const FileStep& step) {
  dirty_ = false;
  fresh_ = false;
  quiet_told_ = quiet_told_ || step.quiet;
  gone_told_ = gone_told_ || step.writer_gone;
  finished_ = step.over;
}

}  // namespace backup_exporter
