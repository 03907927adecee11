#include "sources/tailer.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "sources/document_stream.h"
#include "sources/framing.h"

namespace backup_exporter {
namespace {

constexpr std::size_t kLeastRead = 64 * 1024;

}  // namespace

// A stretch of the file from the checkpoint on, cut into records.
struct Tailer::Part {
  explicit Part(const FilePosition& begin) : end{begin.offset, begin.prefix_crc} {}

  [[nodiscard]] std::string_view bytes() const {
    return {buffer.get() + preceding, filled - preceding};
  }

  LongLine::Place end;     // of the records and of what was skipped
  std::size_t wanted = 0;  // bytes to be read from there
  bool is_line = false;    // these bytes are one line, which ends without "\n"
  bool at_end = false;     // they reach the end of the file
  std::unique_ptr<char[]> buffer;
  std::size_t buffer_size = 0;
  std::size_t filled = 0;     // bytes of the buffer that were read
  std::size_t preceding = 0;  // of these, from before the part, for the fingerprint
  std::vector<Record> records;
  SkippedBytes skipped;
  std::optional<Fingerprint> fingerprint;  // at `end`
};

Tailer::Tailer(const Files& files, TailerOptions options, Checkpoint known, bool present)
    : files_(files), options_(options), checkpoint_(std::move(known)), life_(present) {}

FileIdentity Tailer::identity() const {
  return stat() ? stat()->identity() : FileIdentity(position().device, position().inode);
}

std::uint64_t Tailer::lag() const {
  const std::uint64_t offset = position().offset;
  return life_.ended() || !stat() || stat()->size < offset ? 0 : stat()->size - offset;
}

void Tailer::SetPath(const std::string& path, bool matching, const FileStat& stat,
                     const Moment& now) {
  path_ = path;
  // A file that an earlier run of the program read may have been renamed at any time since.
  life_.SetName(matching, /*renamed=*/life_.stat() || position().id == 0, now);
  if (life_.stat() && life_.stat()->identity() != stat.identity()) {
    life_.Replace();
    file_.reset();
    fingerprint_.reset();
    check_.reset();
    long_line_.reset();
  }
  Observe(stat, false, now);
}

bool Tailer::Recognises(const std::string& path, const FileStat& stat) {
  const std::uint64_t offset = position().offset;
  if (offset == 0) return life_.stat() && life_.stat()->size > 0 && *life_.stat() == stat;
  if (stat.size < offset) return false;
  if (!fingerprint_ && IsAsAtCheckpoint(stat)) return true;
  const auto file = files_.Open(path);
  // A file that cannot be opened now is compared when it is read.
  if (!file) return file.error().kind != ErrorKind::kNotFound;
  if (fingerprint_) return StillHas(**file, *fingerprint_).value_or(false);
  PrefixCheck check(offset, position().prefix_crc);
  const bool same = check.Advance(**file, offset) == PrefixCheck::Outcome::kSame;
  if (same) fingerprint_ = check.fingerprint();
  return same;
}

void Tailer::LosePath(bool removed, const Moment& now) {
  path_.clear();
  life_.LoseName(removed, now);
}

void Tailer::Observe(const FileStat& stat, bool closed, const Moment& now) {
  if (life_.Observe(stat, closed, position().offset, now)) long_line_.reset();
}

void Tailer::End() {
  life_.End();
  file_.reset();
}

std::optional<SteadyTime> Tailer::Due() const { return CanBeRead() ? life_.Due() : std::nullopt; }

bool Tailer::IsAsAtCheckpoint(const FileStat& stat) const {
  return stat.device == position().device && stat.inode == position().inode &&
         stat.modified == position().modified && stat.size >= position().offset;
}

Lifecycle::Ending Tailer::EndingAt(const Moment& now, bool last_look, Writers& writers) const {
  const bool gone = life_.DependsOnWriter(now, last_look) && writers.AreGone(*stat(), now);
  return life_.EndingAt(now, last_look, gone);
}

Result<Tailer::Reading> Tailer::Read(const Moment& now, std::size_t room, bool last_look,
                                     Writers& writers) {
  if (life_.ended()) {
    return Reading{.piece = ReportEnd(FileStat{}, {.quiet = true, .over = true}, now)};
  }
  if (!fingerprint_ && stat() && IsAsAtCheckpoint(*stat()) && stat()->size == position().offset &&
      !path_.empty()) {
    return Reading{.piece = ReportEnd(*stat(), EndingAt(now, last_look, writers), now)};
  }

  if (auto opened = Open(); !opened) return tl::unexpected(std::move(opened.error()));
  const auto current = file_->Stat();
  if (!current) return tl::unexpected(current.error());
  if (current->identity() != identity()) {
    file_.reset();
    return Reading{.elsewhere = true};
  }
  Observe(*current, false, now);

  const auto same = HasReadBytes(*current, room);
  if (!same) return tl::unexpected(same.error());
  if (!*same) return Reading{};
  if (!**same) return Reading{.replaced = true};

  const Lifecycle::Ending ending = EndingAt(now, last_look, writers);
  auto part = ReadPart(current->size, room, ending);
  if (!part) return tl::unexpected(std::move(part.error()));
  // Compared after reading, so that the new bytes cannot be another file's.
  if (fingerprint_) {
    const auto still = StillHas(*file_, *fingerprint_);
    if (!still) return tl::unexpected(still.error());
    if (!*still) return Reading{.replaced = true};
  }
  if (!*part) return Reading{};
  return Reading{.piece = MakePiece(std::move(**part), *current, ending, now)};
}

Result<void> Tailer::Open() {
  if (file_) return {};
  auto opened = files_.Open(path_);
  if (!opened) return tl::unexpected(std::move(opened.error()));
  file_ = std::move(*opened);
  return {};
}

std::optional<Piece> Tailer::ReportEnd(const FileStat& stat, const Lifecycle::Ending& ending,
                                       const Moment& now) {
  Part nothing(position());
  nothing.at_end = true;
  return MakePiece(std::move(nothing), stat, ending, now);
}

Result<std::optional<bool>> Tailer::HasReadBytes(const FileStat& stat, std::size_t room) {
  const std::uint64_t offset = position().offset;
  if (stat.size < offset) return false;
  if (fingerprint_ || offset == 0 || IsAsAtCheckpoint(stat)) return true;
  if (!check_) check_.emplace(offset, position().prefix_crc);
  const auto outcome = check_->Advance(*file_, room);
  if (!outcome) return tl::unexpected(outcome.error());
  if (*outcome == PrefixCheck::Outcome::kUnfinished) return std::nullopt;
  if (*outcome == PrefixCheck::Outcome::kSame) fingerprint_ = check_->fingerprint();
  check_.reset();
  return fingerprint_.has_value();
}

Result<std::optional<Tailer::Part>> Tailer::ReadPart(std::uint64_t size, std::size_t room,
                                                     const Lifecycle::Ending& ending) {
  Part part(position());
  part.wanted = std::clamp(room, std::min(kLeastRead, options_.piece_size), options_.piece_size);
  if (long_line_) {
    if (auto scanned = long_line_->Scan(*file_, size, room); !scanned) {
      return tl::unexpected(std::move(scanned.error()));
    }
    const LongLineStep next = ResumeLongLine(size, ending, &part);
    if (next == LongLineStep::kScanOn) return std::nullopt;
    if (next == LongLineStep::kWait) {
      part.at_end = true;
      return part;
    }
  }

  part.wanted = std::max(part.wanted, document_window_);
  const auto filled = FillBuffer(size, &part);
  if (!filled) return tl::unexpected(filled.error());
  if (!*filled) return std::nullopt;
  const std::string_view bytes = part.bytes();
  if (part.end.offset == 0 && BeginsAsUtf16(bytes)) {
    return Fail(ErrorKind::kInvalid, path_ + ": is UTF-16, which cannot be read; write UTF-8");
  }

  std::size_t used = Cut(ending, &part);
  if (options_.framing == Framing::kDocuments && used == 0 && !part.at_end) {
    if (bytes.size() <= options_.record_limit) {
      // One byte above the limit shows that a document is longer.
      document_window_ = std::min(2 * bytes.size(), options_.record_limit + 1);
      return std::nullopt;
    }
    part.skipped.too_long += bytes.size();
    used = bytes.size();
  }
  if (used > 0) document_window_ = 0;
  part.end.crc = Crc(part.end.crc, bytes.substr(0, used));
  part.end.offset += used;
  if (part.end.offset == position().offset && !part.at_end) {
    long_line_.emplace(part.end);
    return std::nullopt;
  }
  if (part.end.offset > position().offset) {
    const auto fingerprint = FingerprintAfter(
        *file_, fingerprint_, {part.buffer.get(), part.preceding + used}, part.end.offset);
    if (!fingerprint) return tl::unexpected(fingerprint.error());
    part.fingerprint = *fingerprint;
  }
  return part;
}

Tailer::LongLineStep Tailer::ResumeLongLine(std::uint64_t size, const Lifecycle::Ending& ending,
                                            Part* part) const {
  const LongLine& line = *long_line_;
  if (!line.ended()) {
    if (line.scanned().offset < size) return LongLineStep::kScanOn;
    if (!ending.quiet) return LongLineStep::kWait;
  }
  if (line.length() <= options_.record_limit + 1) {  // one more for a "\r"
    part->end = line.text();
    part->is_line = line.before_gap();
    part->wanted =
        part->is_line ? line.length() : std::max<std::size_t>(part->wanted, line.length() + 1);
  } else if (line.ended() || ending.cut) {
    part->end = line.scanned();
    part->skipped.too_long = line.length();
    part->skipped.blank = line.ended() && !line.before_gap() ? 1 : 0;
  } else {
    return LongLineStep::kWait;
  }
  part->skipped.nul = line.nuls();
  return LongLineStep::kRead;
}

Result<bool> Tailer::FillBuffer(std::uint64_t size, Part* part) const {
  const std::uint64_t offset = part->end.offset;
  part->wanted = std::min<std::uint64_t>(part->wanted, size - offset);
  part->preceding = std::min<std::uint64_t>(offset, Fingerprint::kTail);
  part->buffer_size = part->preceding + part->wanted;
  part->buffer = std::make_unique_for_overwrite<char[]>(part->buffer_size);
  const auto got = file_->ReadAt(offset - part->preceding, {part->buffer.get(), part->buffer_size});
  if (!got) return tl::unexpected(got.error());
  if (*got < part->preceding) return false;
  part->at_end = *got < part->buffer_size || offset + part->wanted == size;
  part->filled = *got;
  return true;
}

std::size_t Tailer::Cut(const Lifecycle::Ending& ending, Part* part) const {
  const std::string_view bytes = part->bytes();
  const std::uint64_t offset = part->end.offset;
  if (options_.framing == Framing::kDocuments) {
    const Tail tail = !part->at_end  ? Tail::kOpen
                      : ending.cut   ? Tail::kCut
                      : ending.quiet ? Tail::kQuiet
                                     : Tail::kOpen;
    return CutDocuments(bytes, offset, options_.record_limit, tail, &part->records, &part->skipped);
  }
  const std::size_t used =
      CutLines(bytes, offset, options_.record_limit, &part->records, &part->skipped);
  const std::string_view rest = bytes.substr(used);
  const bool whole = ending.cut || (ending.quiet && IsWholeJsonLine(rest, offset + used));
  const bool cut = part->at_end ? whole : part->is_line;
  if (!cut || rest.empty()) return used;
  CutUnfinishedLine(rest, offset + used, options_.record_limit, &part->records, &part->skipped);
  return bytes.size();
}

std::optional<Piece> Tailer::MakePiece(Part part, const FileStat& stat,
                                       const Lifecycle::Ending& ending, const Moment& now) {
  const FilePosition& known = position();
  Piece piece;
  FileStep& step = piece.step;
  step.at_end = part.at_end;
  step.quiet = part.at_end && ending.quiet;
  step.writer_gone = part.at_end && ending.writer_gone;
  step.over = part.at_end && ending.over;
  if (part.at_end) life_.ReachEnd(now.wall);

  const bool moved = part.end.offset > known.offset;
  const bool in_ledger = known.id != 0 || known.offset > 0;
  const bool news = life_.IsNews(step) || stat.device != known.device || stat.inode != known.inode;
  if (!moved && !(news && in_ledger)) {
    if (part.at_end) life_.Report(step);
    return std::nullopt;
  }
  step.position = known;
  if (!life_.ended()) {
    step.position.device = stat.device;
    step.position.inode = stat.inode;
    step.position.offset = part.end.offset;
    step.position.prefix_crc = part.end.crc;
    step.position.modified = stat.modified;
  }
  step.decoder_state = checkpoint_.decoder_state;
  step.read_bytes = part.end.offset - known.offset;
  for (const Record& record : part.records) step.record_bytes += record.bytes.size();
  step.skipped = part.skipped;
  next_fingerprint_ = part.fingerprint;
  piece.buffer = std::move(part.buffer);
  piece.buffer_size = part.buffer_size;
  piece.records = std::move(part.records);
  return piece;
}

void Tailer::Accept(const FileStep& step) {
  if (step.position.offset > position().offset) {
    const bool expected = next_fingerprint_ && next_fingerprint_->offset == step.position.offset;
    fingerprint_ = expected ? next_fingerprint_ : std::nullopt;
    long_line_.reset();
  }
  checkpoint_ = {step.position, step.decoder_state};
  if (step.at_end) life_.Report(step);
}

}  // namespace backup_exporter
