// The documents of one source: files that are rewritten whole, each one record.
//
// A path is one generation for as long as something stands there, however often it is rewritten or
// replaced; its position is that of the last good content. What is no JSON is taken for a rewrite
// in progress and looked at again, until that has lasted too long.

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <utility>

#include "sources/file_set.h"
#include "sources/framing.h"
#include "sources/identity.h"

namespace backup_exporter {
namespace {

using std::chrono::seconds;

constexpr seconds kLookAgain{1};
constexpr seconds kTornFor{10};   // then it is no rewrite in progress, but broken
constexpr seconds kStampUnit{2};  // stamps of files are this coarse at worst (vfat)

struct Content {
  std::uint64_t size = 0;
  std::uint32_t crc = 0;
  bool operator==(const Content&) const = default;
};

// What reading a file gave.
struct Text {
  FileStat stat;
  Content content;
  std::unique_ptr<char[]> buffer;  // nullptr: too large, or it changed meanwhile
};

struct Document {
  FilePosition position;
  std::string decoder_state;
  std::optional<FileStat> seen;
  Time looked;                      // last time its content was compared
  bool dirty = true;                // may have changed
  bool blocked = false;             // cannot be read, and nothing happened since
  bool unreadable = false;          // cannot be read, or is broken
  bool refused = false;             // nobody takes what it holds
  bool over = false;                // nothing stands at its path any more
  std::optional<SteadyTime> torn;   // since when it is no good document
  std::optional<SteadyTime> again;  // when to look at it again, changed or not
  std::optional<Content> telling;   // broken content, in the piece that was given out
  std::optional<Content> told;      // and accepted

  [[nodiscard]] std::optional<SteadyTime> Due() const {
    if (over) return SteadyTime::min();
    if (blocked || refused) return std::nullopt;
    return dirty ? SteadyTime::min() : again;
  }
};

class Documents final : public FileSet {
 public:
  Documents(const SourceParts& parts, std::vector<Checkpoint> known);

  void Observe(const std::vector<Observation>& observations, bool all, const Moment& now) override;
  std::vector<std::string> Places() const override;
  bool Knows(const std::string& path) const override { return at_.contains(path); }

  std::vector<Piece> Read(const Moment& now, std::size_t budget, bool last_look) override;
  void Accept(const FileStep& step, std::size_t file) override;
  void Refuse(std::size_t file) override;
  std::optional<SteadyTime> Due() const override;
  void Report(SourceStatus* status) const override;

 private:
  std::size_t Add(const std::string& path);
  void Remove(std::size_t number);
  // Its place in the queue follows from what happened to it.
  void Enqueue(std::size_t number);

  void See(Document& document, const FileStat& stat);
  void NoteNoFile(const std::string& path, const Error& error);
  void NoteUnreadable(Document& document, const Error& error);
  void SetUnreadable(Document& document, bool unreadable);

  [[nodiscard]] std::optional<Piece> Read(Document& document, const Moment& now, bool last_look);
  [[nodiscard]] Result<Text> ReadText(const std::string& path) const;
  [[nodiscard]] std::optional<Piece> TellBroken(Document& document,
                                                const std::optional<Content>& content,
                                                const Moment& now, bool last_look);

  const SourceParts parts_;
  std::map<std::size_t, Document> documents_;  // by number
  std::size_t next_number_ = 1;
  std::map<std::string, std::size_t> at_;  // who is at a path
  std::set<std::string> bad_paths_;        // they match, and what is there is no file to read
  std::set<std::size_t> queue_;            // who has something due
  std::uint64_t unreadable_ = 0;
  Time modified_ = Time::min();
};

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
    // Of several positions with one path the newest holds.
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
  SetUnreadable(found->second, false);
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
  std::vector<const Observation*> strangers;
  for (const Observation& observation : observations) {
    const auto at = at_.find(observation.path);
    if (!observation.stat) {
      NoteNoFile(observation.path, observation.stat.error());
    } else if (at == at_.end()) {
      strangers.push_back(&observation);
    } else {
      See(documents_.at(at->second), *observation.stat);
      Enqueue(at->second);
    }
  }
  if (strangers.empty()) return;
  std::set<FileIdentity> held;
  for (const auto& [number, document] : documents_) {
    if (document.seen && !document.over) held.insert(document.seen->identity());
  }
  for (const Observation* stranger : strangers) {
    if (bad_paths_.erase(stranger->path) > 0) parts_.troubles.Over(stranger->path);
    // Another name of a document that is read already is no second one.
    if (!parts_.discovery.Matches(stranger->path) ||
        !held.insert(stranger->stat->identity()).second) {
      continue;
    }
    const std::size_t number = Add(stranger->path);
    See(documents_.at(number), *stranger->stat);
    Enqueue(number);
  }
}

void Documents::See(Document& document, const FileStat& stat) {
  const FilePosition& position = document.position;
  const bool as_stored = !document.seen && position.offset > 0 && stat.device == position.device &&
                         stat.inode == position.inode && stat.size == position.offset &&
                         stat.modified == position.modified;
  const bool as_seen =
      document.seen == stat && stat.modified < document.looked - kStampUnit && !document.blocked;
  document.dirty = (document.dirty && !as_stored) || !(as_stored || as_seen);
  document.blocked = false;
  document.seen = stat;
  modified_ = std::max(modified_, stat.modified);
}

void Documents::NoteNoFile(const std::string& path, const Error& error) {
  const auto at = at_.find(path);
  if (at != at_.end()) {
    const std::size_t number = at->second;
    Document& document = documents_.at(number);
    if (error.kind == ErrorKind::kNotFound) {
      SetUnreadable(document, false);
      document.over = true;
      at_.erase(at);
    } else {
      NoteUnreadable(document, error);
    }
    Enqueue(number);
    return;
  }
  // A directory among the files of a pattern is nobody's mistake.
  if (!parts_.discovery.Matches(path) || error.kind == ErrorKind::kNotFound ||
      (error.kind == ErrorKind::kInvalid && !parts_.discovery.literal())) {
    bad_paths_.erase(path);
  } else if (bad_paths_.insert(path).second) {
    parts_.troubles.Add(error);
  }
}

void Documents::NoteUnreadable(Document& document, const Error& error) {
  if (!document.unreadable) parts_.troubles.Add(error);
  SetUnreadable(document, true);
  document.blocked = true;
}

void Documents::SetUnreadable(Document& document, bool unreadable) {
  if (document.unreadable == unreadable) return;
  document.unreadable = unreadable;
  unreadable ? ++unreadable_ : --unreadable_;
}

std::vector<std::string> Documents::Places() const {
  std::vector<std::string> places(bad_paths_.begin(), bad_paths_.end());
  for (const auto& [path, number] : at_) places.push_back(path);
  return places;
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
      return std::nullopt;  // never told of
    Piece piece = MakePiece(document);
    piece.step.over = true;
    return piece;
  }
  auto text = ReadText(document.position.path);
  if (!text) {
    NoteUnreadable(document, text.error());
    return std::nullopt;
  }
  document.seen = text->stat;
  if (text->stat.size > parts_.options.record_limit) {
    if (!document.unreadable) {
      parts_.troubles.TooLarge(document.position.path + ": is larger than " +
                               std::to_string(parts_.options.record_limit) + " bytes");
    }
    SetUnreadable(document, true);
    document.dirty = false;
    document.again.reset();
    document.looked = now.wall;
    return std::nullopt;
  }
  if (text->buffer == nullptr) return TellBroken(document, std::nullopt, now, last_look);

  document.looked = now.wall;
  const Content& content = text->content;
  const std::string_view bytes = WithoutMark({text->buffer.get(), content.size});
  const bool as_before = content.size > 0 &&
                         content == Content{document.position.offset, document.position.prefix_crc};
  if (!as_before && !IsJson(bytes)) return TellBroken(document, content, now, last_look);

  if (document.unreadable) parts_.troubles.Over(document.position.path);
  SetUnreadable(document, false);
  document.torn.reset();
  document.again.reset();
  document.telling.reset();
  document.told.reset();
  if (as_before) {
    document.dirty = false;
    return std::nullopt;
  }
  document.dirty = true;  // until it is accepted
  Piece piece = MakePiece(document);
  piece.step.position.device = text->stat.device;
  piece.step.position.inode = text->stat.inode;
  piece.step.position.offset = content.size;
  piece.step.position.prefix_crc = content.crc;
  piece.step.position.modified = text->stat.modified;
  piece.step.read_bytes = content.size;
  piece.step.record_bytes = bytes.size();
  piece.step.skipped.blank = content.size - bytes.size();
  piece.records.push_back({bytes, content.size - bytes.size()});
  piece.buffer = std::move(text->buffer);
  return piece;
}

Result<Text> Documents::ReadText(const std::string& path) const {
  const auto file = parts_.files.Open(path);
  if (!file) return tl::unexpected(file.error());
  const auto before = (*file)->Stat();
  if (!before) return tl::unexpected(before.error());
  Text text{.stat = *before, .content = {}, .buffer = nullptr};
  if (before->size > parts_.options.record_limit) return text;

  // One byte more tells that it grew.
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

// A rewrite in progress changes nothing; a broken document is told once for each of its contents.
std::optional<Piece> Documents::TellBroken(Document& document,
                                           const std::optional<Content>& content, const Moment& now,
                                           bool last_look) {
  if (!document.torn) document.torn = now.steady;
  document.dirty = false;
  document.again = now.steady + kLookAgain;
  if (!last_look && now.steady - *document.torn < kTornFor) return std::nullopt;
  if (!document.unreadable) {
    parts_.troubles.sentences.push_back(document.position.path +
                                        ": holds no complete JSON document");
  }
  SetUnreadable(document, true);
  if (!content) return std::nullopt;
  if (document.told == content) {
    document.again.reset();
    return std::nullopt;
  }
  document.telling = content;
  document.dirty = true;  // until it is accepted
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
  document.dirty = false;
  if (document.telling) {
    document.told = std::exchange(document.telling, std::nullopt);
    document.again.reset();
  }
  Enqueue(file);
}

void Documents::Refuse(std::size_t file) {
  const auto found = documents_.find(file);
  if (found == documents_.end()) return;
  found->second.refused = true;
  SetUnreadable(found->second, true);
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
