// Reads one generation of a file of lines or documents to its end, and continues as the file grows.
//
// Keeps the position in the file, checks whether the file still has the bytes that were read, and
// cuts records out of new bytes. Lifecycle decides when to read and what to report about the
// writer. Finding the file and the order of generations are left to Generations and LineFiles.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/files.h"
#include "model/record.h"
#include "sources/identity.h"
#include "sources/lifecycle.h"
#include "sources/long_line.h"
#include "sources/piece.h"
#include "sources/writers.h"

namespace backup_exporter {

struct TailerOptions {
  Framing framing;           // kLines or kDocuments
  std::size_t record_limit;  // bytes
  std::size_t piece_size;    // bytes
};

class Tailer {
 public:
  // Resumes from the checkpoint. `present`: the file existed at the first observation after the
  // start of the program, so its writer may have ended before.
  Tailer(const Files& files, TailerOptions options, Checkpoint known, bool present);

  // The file is at this path now; `matching` if the path is one of the source's. A file with
  // another identity is continued only if it begins with the bytes that were read.
  void SetPath(const std::string& path, bool matching, const FileStat& stat, const Moment& now);
  // Whether the file at a path has the bytes that were read. Its content is compared unless its
  // stat is the checkpoint's.
  [[nodiscard]] bool Recognises(const std::string& path, const FileStat& stat);
  // The file has no known path; if it is open it can still be read. `removed`: no link is left.
  void LosePath(bool removed, const Moment& now);
  // The result of a stat; `closed` if a writer closed the file since the last one.
  void Observe(const FileStat& stat, bool closed, const Moment& now);
  // The unread bytes are gone or belong to another file: only the end is left to be reported.
  void End();

  struct Reading {
    std::optional<Piece> piece = {};  // without its number
    bool elsewhere = false;           // another file is at the path
    bool replaced = false;            // the file no longer has the bytes that were read
  };
  // Continues to read, at most about `room` bytes. If nothing is returned and Due() is in the past,
  // another call is needed.
  [[nodiscard]] Result<Reading> Read(const Moment& now, std::size_t room, bool last_look,
                                     Writers& writers);
  // The ledger committed the step.
  void Accept(const FileStep& step);

  // When Read must be called next at the latest; nullopt: after the next observation.
  [[nodiscard]] std::optional<SteadyTime> Due() const;
  // Whether it has unread data, so that newer generations of its name must wait.
  [[nodiscard]] bool BlocksNewer() const { return life_.has_unread() && CanBeRead(); }
  // Whether its end was reported, so that nothing is left to do.
  [[nodiscard]] bool Finished() const { return life_.finished(); }
  [[nodiscard]] bool CanBeRead() const {
    return life_.CanBeRead(/*reachable=*/file_ != nullptr || !path_.empty());
  }

  [[nodiscard]] const FilePosition& position() const { return checkpoint_.position; }
  // The path that matched the source's pattern, before any rotation.
  [[nodiscard]] const std::string& name() const { return position().path; }
  [[nodiscard]] const std::string& path() const { return path_; }  // now; empty: unknown
  [[nodiscard]] bool matching() const { return life_.matching(); }
  [[nodiscard]] FileIdentity identity() const;
  [[nodiscard]] const std::optional<FileStat>& stat() const { return life_.stat(); }
  [[nodiscard]] Time modified() const { return stat() ? stat()->modified : position().modified; }
  [[nodiscard]] SteadyTime grown() const { return life_.grown(); }  // last time
  // Whether its writer may have ended before the program started.
  [[nodiscard]] bool present_at_start() const { return life_.present_at_start(); }
  [[nodiscard]] std::uint64_t lag() const;  // unread bytes
  // Whether the file shrank while it had unread bytes.
  [[nodiscard]] bool lost_bytes() const { return life_.lost_bytes(); }

  // Reading the file, or its stat, failed. Reading is tried again after the next Observe.
  void MarkUnreadable() { life_.MarkUnreadable(); }
  void MarkReadable() { life_.MarkReadable(); }
  [[nodiscard]] bool unreadable() const { return life_.unreadable(); }
  // The ledger refused its records: it is not read any more.
  void Refuse() { life_.Refuse(); }

  [[nodiscard]] const File* file() const { return file_.get(); }
  // Whether the file could be opened again.
  [[nodiscard]] bool CanClose() const { return file_ != nullptr && !path_.empty(); }
  void Close() { file_.reset(); }

 private:
  struct Part;
  enum class LongLineStep { kScanOn, kWait, kRead };

  // Whether the stat is the one of the checkpoint, except that the file may have grown.
  [[nodiscard]] bool IsAsAtCheckpoint(const FileStat& stat) const;
  [[nodiscard]] Lifecycle::Ending EndingAt(const Moment& now, bool last_look,
                                           Writers& writers) const;
  // A piece without bytes, if the end of the file is news.
  [[nodiscard]] std::optional<Piece> ReportEnd(const FileStat& stat,
                                               const Lifecycle::Ending& ending, const Moment& now);
  [[nodiscard]] Result<void> Open();
  // nullopt: the comparison needs another call.
  [[nodiscard]] Result<std::optional<bool>> HasReadBytes(const FileStat& stat, std::size_t room);
  // nullopt: another call is needed, for a long line or a large document.
  [[nodiscard]] Result<std::optional<Part>> ReadPart(std::uint64_t size, std::size_t room,
                                                     const Lifecycle::Ending& ending);
  // What to do about a line that was too long for one read, as far as it was scanned. kWait: it is
  // unfinished. kRead: the part continues at its end or its text.
  [[nodiscard]] LongLineStep ResumeLongLine(std::uint64_t size, const Lifecycle::Ending& ending,
                                            Part* part) const;
  // Fills the part's buffer. False: the file shrank.
  [[nodiscard]] Result<bool> FillBuffer(std::uint64_t size, Part* part) const;
  // Cuts records out of the part's bytes and returns the number of bytes used.
  std::size_t Cut(const Lifecycle::Ending& ending, Part* part) const;
  [[nodiscard]] std::optional<Piece> MakePiece(Part part, const FileStat& stat,
                                               const Lifecycle::Ending& ending, const Moment& now);

  const Files& files_;
  const TailerOptions options_;

  Checkpoint checkpoint_;                   // as the ledger has it
  std::optional<Fingerprint> fingerprint_;  // at the checkpoint; nullopt: compare its CRC first
  std::optional<Fingerprint> next_fingerprint_;  // once the piece that was returned is accepted
  std::optional<PrefixCheck> check_;             // in progress
  std::optional<LongLine> long_line_;            // at the checkpoint, in progress
  std::size_t document_window_ = 0;  // bytes to read at once, for a document that did not fit

  std::string path_;
  std::unique_ptr<File> file_;
  Lifecycle life_;
};

}  // namespace backup_exporter
