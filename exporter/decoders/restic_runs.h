// Follows the runs in a file of restic's output, which has no line that marks the start of a run
// and nothing that ties an error to its run.
//
// restic.cc classifies the records and calls this class in their order; this class decides where a
// run starts and ends and what its result is, and writes the events. Its state is a few numbers and
// the messages of a run that was not reported yet. The rules are described at each function; where
// two runs cannot be distinguished, the worse result is reported.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "decoders/decoders.h"
#include "decoders/restic_lines.h"
#include "decoders/run_events.h"
#include "model/event.h"

namespace backup_exporter {

class ResticRuns {
 public:
  // Events of the next record go to `out`, with this offset. Must be called before the other calls
  // for a record; `out` must outlive them.
  void At(std::uint64_t offset, Decoded* out);

  // A record that restic prints only during a run. Opens a run if none is open.
  void Underway(std::optional<Operation> operation);
  // A status record. Figures that decrease belong to a new run: the previous one ended without a
  // report.
  void Progress(std::optional<Operation> operation, const ResticProgress& progress);
  // A stage of a check without --json, 1 to 4. A stage that repeats belongs to a new run.
  void CheckStage(int stage);
  // A file could not be read or restored; the run continues.
  void Error(Operation operation);
  // A path to back up does not exist. restic prints this before the first status record of the run.
  void SourceMissing();
  // restic received a signal: the run is over, although more of its records may follow.
  void Signal();
  // The following records belong to this operation, but do not prove a run.
  void Hint(Operation operation);

  // restic's own report of the end. `end.operation` must be set. Errors and missing sources seen
  // during the run make the result worse.
  void Finished(RunFinished end);
  // The prune that follows `forget --prune` ended well.
  void Pruned();
  // The report was that of a dry run.
  void Withdrawn();
  // The final error. It ends the open run. After a report it belongs to the reported run only where
  // restic prints both (see BelongsToReport); otherwise it is a run of its own that failed at once.
  void Failed(std::optional<int> exit_code, std::string_view error);
  // A wrapper's record of the exit code, which comes after everything else.
  void Exited(int exit_code, std::optional<Time> at);

  // A message about the run that was reported last.
  void AddMessage(Level level, std::string_view text);
  // A message about the open run, otherwise about the next one.
  void AddMessageOfNext(Level level, std::string_view text);

  [[nodiscard]] std::string Save() const;
  void Restore(std::string_view saved);

 private:
  enum class Phase {
    kIdle,      // nothing that a later record could belong to
    kOpen,      // a run is in progress
    kStopping,  // the last run received a signal; its final error may follow
    kReported,  // the last run reported its end
    kFailed,    // the last run ended with an error
    kDryRun,    // the last report was of a dry run
  };

  struct State {
    Phase phase = Phase::kIdle;
    std::optional<Operation> operation;  // of the open or the last run, or a hint
    ResticProgress progress;
    int stage = 0;             // of a check without --json
    std::uint64_t errors = 0;  // error records of the run; once stopping: the errors that its
                               // status records had counted
    RunResult result = RunResult::kSuccess;  // of the last run
    bool working = false;                    // opened and locked the repository, as records showed
    bool source_missing = false;
  };

  void Begin(std::optional<Operation> operation);
  void Continue(std::optional<Operation> operation);
  // Reports `end` and enters `phase`.
  void Report(Phase phase, RunFinished end);
  // Writes an event with this offset.
  void Write(RunEvents::What what) { events_.Write(std::move(what)); }
  void PartlyUnreadable(std::optional<int> exit_code, std::string_view error);
  [[nodiscard]] Reason ReasonOfFailure(std::optional<int> exit_code, std::string_view error) const;
  [[nodiscard]] bool BelongsToReport(std::optional<Operation> named, Reason reason) const;

  State state_;
  RunEvents events_;
};

}  // namespace backup_exporter
