// The documents of one source: files that are rewritten whole, each one record.
//
// A path is one generation for as long as a file is there, however often it is rewritten or
// replaced; its position is that of the last complete content. Content that is not JSON counts as a
// rewrite in progress (torn) and is read again every second; after ten seconds it counts as broken.

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <utility>

#include "sources/file_set.h"
#include "sources/framing.h"
#include "sources/identity.h"
#include "sources/lifecycle.h"

namespace backup_exporter {
namespace {

using std::chrono::seconds;

constexpr seconds kReadTornAgain{1};
constexpr seconds kTornFor{10};  // longer is no rewrite in progress: the document is broken

struct Content {
  std::uint64_t size = 0;
  std::uint32_t crc = 0;
  bool operator==(const Content&) const = default;
};

// The result of reading a file.
struct Text {
  FileStat stat;
  Content content;
  std::unique_ptr<char[]> buffer;  // nullptr: too large, or changed while it was read
};

struct Document {
  FilePosition position;
  std::string decoder_state;
  std::optional<FileStat> seen;
  Time compared;                      // last time its content was compared
  bool changed = true;                // may have changed since, or its piece is not accepted
  Access access = Access::kReadable;  // kRetry, too, if it is too large or broken
  bool over = false;                  // its file is gone
  std::optional<SteadyTime> torn;     // since when it has not been a complete document
  std::optional<SteadyTime> again;    // when to read it again, changed or not
  // Broken content that is counted as a record: in a piece that was returned, and in one that was
  // accepted.
  std::optional<Content> reporting;
  std::optional<Content> reported;

  [[nodiscard]] bool unreadable() const { return access != Access::kReadable; }
  [[nodiscard]] std::optional<SteadyTime> Due() const {
    if (over) return SteadyTime::min();
    if (access == Access::kBlocked || access == Access::kRefused) return std::nullopt;
    return changed ? SteadyTime::min() : again;
  }
};

class Documents final : public FileSet {
 public:
  Documents(const SourceParts& parts, std::vector<Checkpoint> known);

  void Observe(const std::vector<Observation>& observations, bool all, const Moment& now) override;
  std::vector<std::string> TrackedPaths() const override;
  bool Tracks(const std::string& path) const override { return at_.contains(path); }

  std::vector<Piece> Read(const Moment& now, std::size_t budget, bool last_look) override;
  void Accept(const FileStep& step, std::size_t file) override;
  void Refuse(std::size_t file) override;
  std::optional<SteadyTime> Due() const override;
  void Report(SourceStatus* status) const override;

 private:
  std::size_t Add(const std::string& path);
  void Remove(std::size_t number);
  // Puts it into the queue if it has a Due, or removes it from there.
  void Enqueue(std::size_t number);

  void Observe(Document& document, const FileStat& stat);
  void ApplyNoFile(const std::string& path, const Error& error);
  void MarkBlocked(Document& document, const Error& error);
  // Keeps the count of unreadable documents.
  void SetAccess(Document& document, Access access);

  [[nodiscard]] std::optional<Piece> Read(Document& document, const Moment& now, bool last_look);
  [[nodiscard]] Result<Text> ReadText(const std::string& path) const;
  // Its content is a complete document.
  [[nodiscard]] std::optional<Piece> ApplyComplete(Document& document, Text text);
  // Its content is not: a rewrite in progress changes nothing; broken content is reported once.
  // nullopt: it changed while it was read.
  [[nodiscard]] std::optional<Piece> ApplyTorn(Document& document,
                                               const std::optional<Content>& content,
                                               const Moment& now, bool last_look);
  void ApplyTooLarge(Document& document);

  const SourceParts parts_;
  std::map<std::size_t, Document> documents_;  // by number
  std::size_t next_number_ = 1;
  std::map<std::string, std::size_t> at_;  // number by path
  // Paths that match and have something other than a readable regular file.
  std::set<std::string> bad_paths_;
  std::set<std::size_t> queue_;  // numbers of documents with a Due
  std::uint64_t unreadable_ = 0;
  Time modified_ = Time::min();
};

// Whether the ledger has this content as the last complete one.
bool IsAccepted(const Document& document, const Content& content) {
  return content.size > 0 &&
         content == Content{document.position.offset, document.position.prefix_crc};
}

std::string_view DocumentIn(const Text& text) {
  return WithoutByteOrderMark({text.buffer.get(), text.content.size});
}

Piece MakePiece(const Document& document) {
  Piece piece;
  piece.step.position = document.position;
  piece.step.decoder_state = document.decoder_state;
  piece.step.at_end = piece.step.quiet = true;
  return piece;
}

Documents::Documents(const SourceParts& parts, std::vector<Checkpoint> known) : parts_(parts) {
  std::ranges::sort(known, {}, [](const Checkpoint& file) { return file.position.id; });
  for (Checkpoint& file : known) {
    // If several checkpoints have the same path, the newest counts.
    if (const auto older = at_.find(file.position.path); older != at_.end()) {
      documents_.at(older->second).over = true;
      Enqueue(older->second);
    }
    Document& document = documents_.at(Add(file.position.path));
    document.position = std::move(file.position);
    document.decoder_state = std::move(file.decoder_state);
  }
}

std::size_t Documents::Add(const std::string& path) {
  const std::size_t number = next_number_++;
  at_[path] = number;
  documents_[number].position.path = path;
  return number;
}

void Documents::Remove(std::size_t number) {
  const auto found = documents_.find(number);
  SetAccess(found->second, Access::kReadable);
  const auto at = at_.find(found->second.position.path);
  if (at != at_.end() && at->second == number) at_.erase(at);
  queue_.erase(number);
  documents_.erase(found);
}

void Documents::Enqueue(std::size_t number) {
  if (documents_.at(number).Due()) {
    queue_.insert(number);
  } else {
    queue_.erase(number);
  }
}

void Documents::Observe(const std::vector<Observation>& observations, bool all, const Moment&) {
  if (all) modified_ = Time::min();
  std::vector<const Observation*> unknown;
  for (const Observation& observation : observations) {
    const auto at = at_.find(observation.path);
    if (!observation.stat) {
      ApplyNoFile(observation.path, observation.stat.error());
    } else if (at == at_.end()) {
      unknown.push_back(&observation);
    } else {
      Observe(documents_.at(at->second), *observation.stat);
      Enqueue(at->second);
    }
  }
  if (unknown.empty()) return;
  std::set<FileIdentity> identities;
  for (const auto& [number, document] : documents_) {
    if (document.seen && !document.over) identities.insert(document.seen->identity());
  }
  for (const Observation* observation : unknown) {
    if (bad_paths_.erase(observation->path) > 0) parts_.errors.NoteReadableAgain(observation->path);
    // Another path of a document that is read already is not a second document.
    if (!parts_.discovery.Matches(observation->path) ||
        !identities.insert(observation->stat->identity()).second) {
      continue;
    }
    const std::size_t number = Add(observation->path);
    Observe(documents_.at(number), *observation->stat);
    Enqueue(number);
  }
}

void Documents::Observe(Document& document, const FileStat& stat) {
  const FilePosition& position = document.position;
  const bool as_stored = !document.seen && position.offset > 0 && stat.device == position.device &&
                         stat.inode == position.inode && stat.size == position.offset &&
                         stat.modified == position.modified;
  const bool as_seen = document.seen == stat &&
                       stat.modified < document.compared - kTimestampGranularity &&
                       document.access != Access::kBlocked;
  document.changed = (document.changed && !as_stored) || !(as_stored || as_seen);
  if (document.access == Access::kBlocked) document.access = Access::kRetry;
  document.seen = stat;
  modified_ = std::max(modified_, stat.modified);
}

void Documents::ApplyNoFile(const std::string& path, const Error& error) {
  const auto at = at_.find(path);
  if (at != at_.end()) {
    const std::size_t number = at->second;
    Document& document = documents_.at(number);
    if (error.kind == ErrorKind::kNotFound) {
      SetAccess(document, Access::kReadable);
      document.over = true;
      at_.erase(at);
    } else {
      MarkBlocked(document, error);
    }
    Enqueue(number);
    return;
  }
  // Directories matching the pattern are ignored.
  if (!parts_.discovery.Matches(path) || error.kind == ErrorKind::kNotFound ||
      (error.kind == ErrorKind::kInvalid && !parts_.discovery.literal())) {
    bad_paths_.erase(path);
  } else if (bad_paths_.insert(path).second) {
    parts_.errors.Add(error);
  }
}

void Documents::MarkBlocked(Document& document, const Error& error) {
  if (!document.unreadable()) parts_.errors.Add(error);
  if (document.access != Access::kRefused) SetAccess(document, Access::kBlocked);
}

void Documents::SetAccess(Document& document, Access access) {
  const bool before = document.unreadable();
  document.access = access;
  if (before && !document.unreadable()) --unreadable_;
  if (!before && document.unreadable()) ++unreadable_;
}

std::vector<std::string> Documents::TrackedPaths() const {
  std::vector<std::string> paths(bad_paths_.begin(), bad_paths_.end());
  for (const auto& [path, number] : at_) paths.push_back(path);
  return paths;
}

std::vector<Piece> Documents::Read(const Moment& now, std::size_t budget, bool last_look) {
  std::vector<std::pair<Time, std::size_t>> order;
  for (const std::size_t number : queue_) {
    const Document& document = documents_.at(number);
    const auto due = document.Due();
    if (due && (last_look || *due <= now.steady)) {
      order.emplace_back(document.seen ? document.seen->modified : document.position.modified,
                         number);
    }
  }
  std::ranges::sort(order);
  std::vector<Piece> pieces;
  for (const auto& [modified, number] : order) {
    if (budget == 0) break;
    Document& document = documents_.at(number);
    auto piece = Read(document, now, last_look);
    if (piece) {
      piece->file = number;
      budget -= std::min<std::uint64_t>(budget, std::max(kLeastPiece, piece->step.position.offset));
      pieces.push_back(std::move(*piece));
      Enqueue(number);
    } else if (document.over) {
      Remove(number);
    } else {
      Enqueue(number);
    }
  }
  return pieces;
}

std::optional<Piece> Documents::Read(Document& document, const Moment& now, bool last_look) {
  if (document.over) {
    if (document.position.id == 0 && document.position.offset == 0)
      return std::nullopt;  // the ledger has nothing of it
    Piece piece = MakePiece(document);
    piece.step.over = true;
    return piece;
  }
  auto text = ReadText(document.position.path);
  if (!text) {
    MarkBlocked(document, text.error());
    return std::nullopt;
  }
  document.seen = text->stat;
  if (text->stat.size > parts_.options.record_limit) {
    ApplyTooLarge(document);
    document.compared = now.wall;
    return std::nullopt;
  }
  if (text->buffer == nullptr) return ApplyTorn(document, std::nullopt, now, last_look);

  document.compared = now.wall;
  const bool complete = IsAccepted(document, text->content) || IsJson(DocumentIn(*text));
  if (!complete) return ApplyTorn(document, text->content, now, last_look);
  return ApplyComplete(document, std::move(*text));
}

void Documents::ApplyTooLarge(Document& document) {
  if (!document.unreadable()) {
    parts_.errors.AddTooLarge(document.position.path + ": is larger than " +
                              std::to_string(parts_.options.record_limit) + " bytes");
  }
  SetAccess(document, Access::kRetry);
  document.changed = false;
  document.again.reset();
}

std::optional<Piece> Documents::ApplyComplete(Document& document, Text text) {
  if (document.unreadable()) parts_.errors.NoteReadableAgain(document.position.path);
  SetAccess(document, Access::kReadable);
  document.torn.reset();
  document.again.reset();
  document.reporting.reset();
  document.reported.reset();
  const Content& content = text.content;
  if (IsAccepted(document, content)) {
    document.changed = false;
    return std::nullopt;
  }
  document.changed = true;  // until the piece is accepted
  const std::string_view bytes = DocumentIn(text);
  Piece piece = MakePiece(document);
  piece.step.position.device = text.stat.device;
  piece.step.position.inode = text.stat.inode;
  piece.step.position.offset = content.size;
  piece.step.position.prefix_crc = content.crc;
  piece.step.position.modified = text.stat.modified;
  piece.step.read_bytes = content.size;
  piece.step.record_bytes = bytes.size();
  piece.step.skipped.blank = content.size - bytes.size();
  piece.records.push_back({bytes, content.size - bytes.size()});
  piece.buffer = std::move(text.buffer);
  return piece;
}

Result<Text> Documents::ReadText(const std::string& path) const {
  const auto file = parts_.files.Open(path);
  if (!file) return tl::unexpected(file.error());
  const auto before = (*file)->Stat();
  if (!before) return tl::unexpected(before.error());
  Text text{.stat = *before, .content = {}, .buffer = nullptr};
  if (before->size > parts_.options.record_limit) return text;

  // One byte more shows whether it grew.
  auto buffer = std::make_unique_for_overwrite<char[]>(before->size + 1);
  const auto got = (*file)->ReadAt(0, {buffer.get(), before->size + 1});
  if (!got) return tl::unexpected(got.error());
  const auto after = (*file)->Stat();
  if (!after) return tl::unexpected(after.error());
  if (*got != before->size || *after != *before) return text;
  text.content = {.size = *got, .crc = Crc(0, {buffer.get(), *got})};
  text.buffer = std::move(buffer);
  return text;
}

std::optional<Piece> Documents::ApplyTorn(Document& document, const std::optional<Content>& content,
                                          const Moment& now, bool last_look) {
  if (!document.torn) document.torn = now.steady;
  document.changed = false;
  document.again = now.steady + kReadTornAgain;
  if (!last_look && now.steady - *document.torn < kTornFor) return std::nullopt;
  if (!document.unreadable()) {
    parts_.errors.messages.push_back(document.position.path + ": is not a complete JSON document");
  }
  SetAccess(document, Access::kRetry);
  if (!content) return std::nullopt;
  if (document.reported == content) {
    document.again.reset();
    return std::nullopt;
  }
  document.reporting = content;
  document.changed = true;  // until the piece is accepted
  Piece piece = MakePiece(document);
  piece.step.counts.records = piece.step.counts.parse_errors = 1;
  piece.step.read_bytes = piece.step.record_bytes = content->size;
  return piece;
}

void Documents::Accept(const FileStep& step, std::size_t file) {
  const auto found = documents_.find(file);
  if (found == documents_.end()) return;
  if (step.over) {
    Remove(file);
    return;
  }
  Document& document = found->second;
  document.position = step.position;
  document.decoder_state = step.decoder_state;
  document.changed = false;
  if (document.reporting) {
    document.reported = std::exchange(document.reporting, std::nullopt);
    document.again.reset();
  }
  Enqueue(file);
}

void Documents::Refuse(std::size_t file) {
  const auto found = documents_.find(file);
  if (found == documents_.end()) return;
  SetAccess(found->second, Access::kRefused);
  Enqueue(file);
}

std::optional<SteadyTime> Documents::Due() const {
  std::optional<SteadyTime> first;
  for (const std::size_t number : queue_) {
    const auto due = documents_.at(number).Due();
    if (due && (!first || *due < *first)) first = due;
  }
  return first;
}

void Documents::Report(SourceStatus* status) const {
  status->files = at_.size() + bad_paths_.size();
  status->unreadable_files = unreadable_ + bad_paths_.size();
  status->lag_bytes = 0;
  if (modified_ != Time::min()) status->modified = modified_;
}

}  // namespace

std::unique_ptr<FileSet> MakeDocuments(const SourceParts& parts, std::vector<Checkpoint> known) {
  return std::make_unique<Documents>(parts, std::move(known));
}

}  // namespace backup_exporter
