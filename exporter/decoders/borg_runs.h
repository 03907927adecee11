// Follows the runs in a file of borg's output: borg.cc reads the records and calls this class in
// their order; this class decides where a run starts and ends and what its result is, and writes
// the events.
//
// A successful run need not report its end: without --json, --stats or --show-rc it prints nothing
// then. So a run that stops counts as interrupted only if its progress stopped too, or if the file
// has shown ends of runs before.
//
// Times are those of the records; nullopt where a record has none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "decoders/borg_messages.h"
#include "decoders/decoders.h"
#include "decoders/run_events.h"
#include "decoders/saved_state.h"
#include "model/event.h"

namespace backup_exporter {

class BorgRuns {
 public:
  // Events of the next record go to `out`, with this offset. `previous` is when the record before
  // it was written. Must be called before the other calls for a record; `out` must outlive them.
  void At(std::uint64_t offset, std::optional<Time> previous, Decoded* out);

  // The repository of the following runs, as it may be shown.
  void SetRepository(std::string repository) { repository_ = std::move(repository); }

  // A record about a file. create prints these, but so do recreate, extract and others.
  void FileSeen();
  // The same about a file that would be backed up: a dry run.
  void DryRunFileSeen();
  // The same about a file that could not be backed up completely, and about a missing source.
  void FileUnreadable();
  void SourceMissing();
  // True if the open run is a backup, so that a line of --list is its own.
  [[nodiscard]] bool BackupIsOpen() const;

  // Progress of a backup. The figures go back to zero with a new run: the one before ended without
  // a report. `finished` marks the last progress record of a run.
  void Progress(std::optional<std::uint64_t> processed, bool finished, std::optional<Time> time);
  // The following records belong to this operation, but do not prove a run.
  void Hint(Operation operation, std::optional<Time> time);

  // A message that marks a step of an operation; kOther is ignored.
  void Apply(BorgMessage message, std::string_view text, std::optional<Time> time);

  // An archive was made. A second report of the same archive (--json and --stats) adds to the
  // first.
  void ArchiveCreated(RunFinished end);
  // The document that ends a dry run.
  void DryRunEnded();
  // The final error. After a report it belongs to that run, unless it is one that prevents a run
  // from doing any work.
  void Failed(Reason reason, std::string_view text, std::optional<Time> time);
  // The exit code, and the message that contains it.
  void Exited(int code, RunNoted message);

  // A message about the run that was reported last, otherwise about the next one.
  void AddMessage(Level level, std::string_view text, std::optional<Time> time);
  // An error in plain text that does not decide the result; the exit code, which may follow, does.
  void AddError(Reason reason, std::string_view text);

  // Writes an event about the repository.
  void Write(RunEvents::What what) { events_.Write(std::move(what), repository_); }

  // Adds the state to an object; empty if there is nothing to remember.
  void Save(StateWriter& saved) const;
  // False, without a change, if the state is not sound.
  bool Restore(StateReader& saved);
  void Reset() { *this = {}; }

 private:
  enum class Phase {
    kIdle,      // nothing that a later record could belong to
    kHinted,    // records came that do not prove a run
    kOpen,      // a run is in progress
    kReported,  // the last run reported its end
    kFailed,    // the last run ended with an error
  };

  struct State {
    Phase phase = Phase::kIdle;
    std::optional<Operation> operation;  // of the open or the last run, or a hint
    std::optional<Time> started;
    std::uint64_t processed = 0;  // bytes, by the last progress record
    std::uint64_t warnings = 0;
    bool source_missing = false;
    bool damaged = false;
    bool interrupted = false;
    bool dry_run = false;
    std::string archive;  // that the run made
  };

  [[nodiscard]] bool HasEnded() const {
    return state_.phase == Phase::kReported || state_.phase == Phase::kFailed;
  }
  void Continue();
  void Begin(std::optional<Time> time);
  void EndWithoutReport();
  void LockWasStale(std::string_view text, std::optional<Time> time);
  static void JudgeByExitCode(const State& run, RunFinished& end);
  void CheckPartEnded(bool clean, std::optional<Time> time);

  State state_;
  RunEvents events_;
  bool shows_ends_ = false;      // the file has shown the end of a run
  bool shows_archives_ = false;  // and the archive that it made
  std::string repository_;
  std::optional<Time> previous_;
};

}  // namespace backup_exporter
