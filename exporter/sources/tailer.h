// One generation of one file of lines or documents, read to its end as it grows.
//
// Knows the position in it, whether the file is still the one it was, and when its writer seems to
// have finished. Where the file is found, and which generation comes after which, is decided
// outside.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/files.h"
#include "model/record.h"
#include "sources/identity.h"
#include "sources/long_line.h"
#include "sources/piece.h"
#include "sources/writers.h"

namespace backup_exporter {

struct TailerOptions {
  Framing framing;  // kLines or kDocuments
  std::size_t record_limit;
  std::size_t piece_size;
};

class Tailer {
 public:
  // Begins at the position. `present` tells that the file was there when the program first looked,
  // so that its writer may have ended unseen.
  Tailer(const Files& files, TailerOptions options, Checkpoint known, bool present);

  // It is at this path now; `ours` if the path is one of the source's. A file with another identity
  // is read on only if it begins as the one before did.
  void PutAt(const std::string& path, bool ours, const FileStat& stat, const Moment& now);
  // Whether a file holds what was read; unless it is as it was then, its content is compared.
  [[nodiscard]] bool Recognises(const std::string& path, const FileStat& stat);
  // It has no name that we know. What was opened can be read on.
  void LoseName(bool removed, const Moment& now);
  // It looks like this now; `closed` if a writer closed it since the last time.
  void Seen(const FileStat& stat, bool closed, const Moment& now);
  // Its bytes are gone, or another file's: there is nothing more to read.
  void End();

  struct Look {
    std::optional<Piece> piece = {};  // without its number
    bool elsewhere = false;           // another file is at its path
    bool replaced = false;            // the bytes that were read are no longer in the file
  };
  // Reads on, about `room` bytes at most. An empty look with Due() in the past asks for another
  // one.
  [[nodiscard]] Result<Look> Read(const Moment& now, std::size_t room, bool last_look,
                                  Writers& writers);
  void Accept(const FileStep& step);

  // When it wants to be read at the latest; nullopt: when something happens to it.
  [[nodiscard]] std::optional<SteadyTime> Due() const;
  // Has more to say before a later generation of its name may speak.
  [[nodiscard]] bool Behind() const { return (ended_ || dirty_) && Readable(); }
  // Everything was said.
  [[nodiscard]] bool Finished() const { return finished_; }

  // There is something that can be read, or said.
  [[nodiscard]] bool Readable() const {
    return !refused_ && (ended_ || (!blocked_ && (file_ != nullptr || !place_.empty())));
  }

  [[nodiscard]] const FilePosition& position() const { return mark_; }
  [[nodiscard]] const std::string& place() const { return place_; }  // empty: it has no name
  [[nodiscard]] bool ours() const { return ours_; }
  [[nodiscard]] FileIdentity identity() const;
  [[nodiscard]] const std::optional<FileStat>& seen() const { return seen_; }
  [[nodiscard]] Time modified() const { return seen_ ? seen_->modified : mark_.modified; }
  [[nodiscard]] SteadyTime grown() const { return grown_; }
  [[nodiscard]] bool fresh() const { return fresh_; }
  [[nodiscard]] std::uint64_t lag() const;
  // The file shrank while it had bytes that were not read.
  [[nodiscard]] bool lost_bytes() const { return lost_bytes_; }

  // Set by who called Read and saw it fail. It is tried again once it is Seen again.
  void set_unreadable(bool unreadable) { unreadable_ = blocked_ = unreadable; }
  [[nodiscard]] bool unreadable() const { return unreadable_ || refused_; }
  // Nobody takes what it holds: it is not read any more.
  void Refuse() { refused_ = true; }

  [[nodiscard]] const File* file() const { return file_.get(); }
  // Only where it can be opened again.
  [[nodiscard]] bool CanClose() const { return file_ != nullptr && !place_.empty(); }
  void Close() { file_.reset(); }

 private:
  // What holds if the file turns out to be read to its end.
  struct Ending {
    bool quiet = false;
    bool gone = false;
    bool over = false;
    bool cut = false;  // the unfinished line stays unfinished
  };
  struct Part;

  // As it was when the position was made.
  [[nodiscard]] bool Untouched(const FileStat& stat) const;
  // When nobody is expected any more to write to a file that is no longer ours.
  [[nodiscard]] SteadyTime IdleAt() const;
  [[nodiscard]] Ending EndingAt(const Moment& now, bool last_look, Writers& writers) const;
  // nullopt: not yet known.
  [[nodiscard]] Result<std::optional<bool>> IsStillTheFile(const FileStat& stat, std::size_t room);
  // nullopt: a long line was not read to its end yet.
  [[nodiscard]] Result<std::optional<Part>> ReadPart(std::uint64_t size, std::size_t room,
                                                     const Ending& ending);
  // Cuts records out of `bytes`, which begin at the part's end, and answers with how many bytes
  // they take up.
  std::size_t Cut(std::string_view bytes, const Ending& ending, Part* part) const;
  [[nodiscard]] std::optional<Piece> Tell(Part part, const FileStat& stat, const Ending& ending,
                                          const Moment& now);
  // The end of the file was reached and everything told.
  void Note(const FileStep& step);

  const Files& files_;
  const TailerOptions options_;

  // What the ledger has, and what is known of the file at that position.
  FilePosition mark_;
  std::string decoder_state_;
  std::optional<Fingerprint> fingerprint_;  // nullopt: to be compared with the position's CRC first
  std::optional<Fingerprint> next_fingerprint_;  // for when the piece that was told is accepted
  std::optional<PrefixCheck> check_;
  std::optional<LongLine> long_line_;
  std::size_t window_ = 0;  // bytes to be read at once, since a document did not fit into fewer

  std::string place_;
  bool ours_ = true;
  bool removed_ = false;
  std::unique_ptr<File> file_;
  std::optional<FileStat> seen_;
  Time looked_;  // last time it was read to its end

  SteadyTime grown_;
  std::optional<SteadyTime> closed_;  // since it grew
  std::optional<SteadyTime> left_;    // last time that it was seen to lose a name, or be renamed
  bool fresh_;                        // its writer may have ended before we looked
  bool dirty_ = true;                 // may have something to read
  bool quiet_told_ = false;
  bool gone_told_ = false;
  bool unreadable_ = false;
  bool blocked_ = false;  // unreadable, and nothing happened since
  bool refused_ = false;
  bool lost_bytes_ = false;
  bool ended_ = false;
  bool finished_ = false;
};

}  // namespace backup_exporter
