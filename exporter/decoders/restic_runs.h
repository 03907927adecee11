// Follows the runs in a file of restic's output, which has no line that says "a run begins", and no
// mark that ties an error to its run.
//
// Records are told to it in their order; it works out where a run begins and ends, what it comes
// to, and writes the events. It remembers what it needs in a few numbers, and what was said of a
// run that is not told yet (Save, Restore). The rules stand at each function; where two runs cannot
// be told apart, the verdict is the worse one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "decoders/decoders.h"
#include "decoders/notes.h"
#include "decoders/restic_lines.h"
#include "model/event.h"

namespace backup_exporter {

class ResticRuns {
 public:
  // Where the events of the record under way go. Must be called before each record's calls.
  void At(std::uint64_t offset, Decoded* out);

  // A line that comes only while a run goes on. Opens one if none is.
  void Underway(std::optional<Operation> operation);
  // A status line. Figures that go back belong to a new run: the one before ended without a word.
  void Progress(std::optional<Operation> operation, const ResticProgress& progress);
  // Stages of a text check: one that comes again belongs to a new run.
  void CheckStage(int stage);
  // Something could not be read, or restored; the run goes on.
  void Error(Operation operation);
  // A path to back up is not there. Comes before the first status line of its run.
  void SourceMissing();
  // Told to stop: the run is as good as over, although it may still say something.
  void Signal();
  // Lines that follow are of this operation, but prove no run.
  void Hint(Operation operation);

  // The tool's own report of the end. `end.operation` is set; errors and missing sources seen on
  // the way make it worse.
  void Finished(RunFinished end);
  // The prune that `forget --prune` goes on with has ended well.
  void Pruned();
  // The report was of a dry run.
  void Withdrawn();
  // The final error. It ends the open run; after a report it belongs to that only where restic
  // prints both (see restic_runs.cc); else it is a run of its own that failed at once.
  void Failed(std::optional<int> exit_code, std::string_view error);
  // A wrapper's record of the exit code, after everything else.
  void Exited(int exit_code, std::optional<Time> at);

  // What was said of the run that was told of last.
  void Note(Level level, std::string_view text);
  // Of the open run, else of the next one.
  void NoteAhead(Level level, std::string_view text);

  [[nodiscard]] std::string Save() const;
  void Restore(std::string_view saved);

 private:
  enum class Phase : int {
    kIdle,      // nothing that a later record could belong to
    kOpen,      // a run goes on
    kStopping,  // the last run was told to stop, and its final error may follow
    kReported,  // the last run reported its end
    kFailed,    // the last run ended with an error
    kDryRun,    // what reported its end was no run
  };

  struct Memory {
    Phase phase = Phase::kIdle;
    std::optional<Operation> operation;  // of the open or the last run, or a hint
    ResticProgress progress;
    int stage = 0;                           // of a text check
    std::uint64_t errors = 0;                // error records of the run; of what was told to stop,
                                             // what its status lines had told of
    RunResult result = RunResult::kSuccess;  // of the last run
    bool working = false;  // it got past opening and locking the repository, and said so
    bool source_missing = false;
  };

  void Begin(std::optional<Operation> operation);
  void Continue(std::optional<Operation> operation);
  void Emit(decltype(Event::what) what);
  void Unreadable(std::optional<int> exit_code, std::string_view error);
  [[nodiscard]] bool BelongsToReport(std::optional<Operation> named, Reason reason) const;

  Memory memory_;
  Notes notes_;  // of the next run
  std::uint64_t offset_ = 0;
  Decoded* out_ = nullptr;
};

}  // namespace backup_exporter
