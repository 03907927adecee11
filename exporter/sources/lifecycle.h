// The life of one generation of a file: where it is, whether it can be read, whether it may have
// unread bytes, and what was reported about its writer. From these it derives when the file must be
// read next and whether its writer counts as finished.
//
// Pure: observations and the time are passed in; it uses neither files nor clocks.
#pragma once

#include <cstdint>
#include <optional>

#include "base/files.h"
#include "model/event.h"
#include "sources/piece.h"

namespace backup_exporter {

// Whether a file can be read.
enum class Access {
  kReadable,
  kRetry,    // reading failed, but the file was observed since: reading is tried again
  kBlocked,  // reading failed, and nothing happened since
  kRefused,  // the ledger refused its records: it is never read again
};

class Lifecycle {
 public:
  // `present`: the file existed at the first observation after the start of the program, so its
  // writer may have ended before.
  explicit Lifecycle(bool present) : unread_(present ? Unread::kSinceStart : Unread::kPossible) {}

  // The state of the file if a read reaches its end.
  struct Ending {
    bool quiet = false;        // not expected to grow now
    bool writer_gone = false;  // implies quiet
    bool over = false;         // will not grow again; implies quiet
    bool cut = false;          // no "\n" is expected any more after the last line
  };

  // The file is at a path. `matching`: the path is one of the source's. `renamed`: if it is not,
  // the file has just left a matching path.
  void SetName(bool matching, bool renamed, const Moment& now);
  // The file is at no known path. `removed`: no link to it is left.
  void LoseName(bool removed, const Moment& now);
  // Another file is at the path, and may turn out to continue this one.
  void Replace();
  // A stat of the file. `closed`: a writer closed it since the last one. `offset` is the
  // checkpoint's. Returns whether the file shrank.
  bool Observe(const FileStat& stat, bool closed, std::uint64_t offset, const Moment& now);
  void ReachEnd(Time wall) { end_reached_ = wall; }
  // A step at the end of the file was accepted, or reports nothing new.
  void Report(const FileStep& step);
  void MarkReadable();
  void MarkUnreadable();
  void Refuse() { access_ = Access::kRefused; }
  // The unread bytes are gone or belong to another file: only the end is left to be reported.
  void End();

  // Whether a step reports more about the writer than earlier steps did.
  [[nodiscard]] bool IsNews(const FileStep& step) const { return StageOf(step) > stage_; }
  // Whether EndingAt needs to know if the writing process is gone, which is costly to find out.
  [[nodiscard]] bool DependsOnWriter(const Moment& now, bool last_look) const;
  [[nodiscard]] Ending EndingAt(const Moment& now, bool last_look, bool writer_gone) const;
  // When the file must be read next at the latest, provided that it can be read; nullopt: when
  // something is observed.
  [[nodiscard]] std::optional<SteadyTime> Due() const;
  // `reachable`: it is open, or has a path. One that has ended needs no access to its file.
  [[nodiscard]] bool CanBeRead(bool reachable) const;

  [[nodiscard]] bool has_unread() const { return ended() || unread_ != Unread::kNone; }
  [[nodiscard]] bool present_at_start() const { return unread_ == Unread::kSinceStart; }
  [[nodiscard]] bool unreadable() const { return access_ != Access::kReadable; }
  [[nodiscard]] bool matching() const { return name_ == Name::kMatching; }
  [[nodiscard]] bool ended() const { return stage_ >= Stage::kEnded; }
  [[nodiscard]] bool finished() const { return stage_ == Stage::kFinished; }
  [[nodiscard]] bool lost_bytes() const { return lost_bytes_; }
  [[nodiscard]] const std::optional<FileStat>& stat() const { return stat_; }
  [[nodiscard]] SteadyTime grown() const { return grown_; }

 private:
  enum class Name {
    kUnknown,
    kMatching,  // at a path of the source
    kOther,     // at another path, after a rotation
    kRemoved,
  };
  enum class Unread {
    kSinceStart,  // since the start of the program, at which the file was present
    kPossible,
    kNone,
  };
  // The last thing that was reported; the order is that of reporting. When the file grows, kQuiet
  // and kWriterGone turn into kGrowing.
  enum class Stage {
    kGrowing,     // nothing
    kQuiet,       // the file is quiet
    kWriterGone,  // the file is quiet and its writer is gone
    kEnded,       // as before; nothing is left to be read, and the end is still to be reported
    kFinished,    // the end
  };
  [[nodiscard]] static Stage StageOf(const FileStep& step);
  // When no writer is expected any more to append to a file that left the source's paths.
  [[nodiscard]] SteadyTime IdleAt() const;

  Name name_ = Name::kUnknown;
  Access access_ = Access::kReadable;
  Unread unread_;
  Stage stage_ = Stage::kGrowing;
  bool lost_bytes_ = false;  // it shrank while it had unread bytes

  std::optional<FileStat> stat_;
  Time end_reached_;  // last time it was read to its end
  SteadyTime grown_;
  std::optional<SteadyTime> closed_;   // by a writer, since it grew
  std::optional<SteadyTime> renamed_;  // last time it was observed to change or lose its name
};

}  // namespace backup_exporter
