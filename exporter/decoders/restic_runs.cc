#include "decoders/restic_runs.h"

#include <algorithm>
#include <array>
#include <utility>

#include "decoders/old_state.h"
#include "decoders/restic_messages.h"
#include "decoders/saved_state.h"

namespace backup_exporter {
namespace {

// In the order of Phase.
constexpr std::array<std::string_view, 6> kPhaseNames{"idle",     "open",   "stopping",
                                                      "reported", "failed", "dry_run"};

}  // namespace

void ResticRuns::At(std::uint64_t offset, Decoded* out) { events_.At(offset, out); }

void ResticRuns::AddMessage(Level level, std::string_view text) {
  if (state_.phase == Phase::kIdle) return AddMessageOfNext(level, text);
  if (state_.phase != Phase::kDryRun) Write(MessageOf(level, text));
}

void ResticRuns::AddMessageOfNext(Level level, std::string_view text) {
  RunNoted message = MessageOf(level, text);
  state_.phase == Phase::kOpen ? Write(std::move(message)) : events_.AddPending(std::move(message));
}

void ResticRuns::Begin(std::optional<Operation> operation) {
  state_ = State{};
  state_.phase = Phase::kOpen;
  state_.operation = operation;
  Write(RunStarted{operation});
}

// Opens a run if none is open, or if the open one is of another operation.
void ResticRuns::Continue(std::optional<Operation> operation) {
  const bool other = operation && state_.operation && *operation != *state_.operation;
  if (state_.phase != Phase::kOpen || other) {
    Begin(operation);
  } else if (operation) {
    state_.operation = operation;
  }
}

void ResticRuns::Underway(std::optional<Operation> operation) {
  if (state_.phase != Phase::kStopping) Continue(operation);
}

void ResticRuns::Progress(std::optional<Operation> operation, const ResticProgress& progress) {
  const ResticProgress& before = state_.progress;
  const bool back = progress.seconds_elapsed < before.seconds_elapsed ||
                    progress.files_done < before.files_done ||
                    progress.bytes_done < before.bytes_done ||
                    progress.error_count < before.error_count;
  const auto is_zeros = [](const ResticProgress& of) {
    return of == ResticProgress{.total_bytes = of.total_bytes};
  };
  // After a signal, status records continue until the current uploads are done. The first record of
  // a new run is all zeros, which cannot be recognised if the old run had only zeros too.
  const bool begins = is_zeros(progress) && !is_zeros(before);
  if (state_.phase == Phase::kStopping && !back && !begins) {
    state_.progress = progress;
    return;
  }
  if (state_.phase == Phase::kOpen && back) state_.phase = Phase::kIdle;
  Continue(operation);
  state_.working = true;
  state_.progress = progress;
  RunProgress event{.elapsed = DurationFromSeconds(static_cast<double>(progress.seconds_elapsed)),
                    .processed_bytes = progress.bytes_done,
                    .operation = state_.operation};
  if (progress.total_bytes > 0) {
    event.expected_bytes = progress.total_bytes;
    event.done = std::min(
        1.0, static_cast<double>(progress.bytes_done) / static_cast<double>(progress.total_bytes));
  }
  Write(event);
}

void ResticRuns::CheckStage(int stage) {
  if (state_.phase == Phase::kOpen && stage <= state_.stage) state_.phase = Phase::kIdle;
  Continue(Operation::kCheck);
  state_.stage = stage;
  state_.working = stage > 1;
}

void ResticRuns::Error(Operation operation) {
  Continue(operation);
  ++state_.errors;
}

void ResticRuns::SourceMissing() {
  if (state_.phase == Phase::kOpen && state_.working) state_.phase = Phase::kIdle;
  Continue(Operation::kBackup);
  state_.source_missing = true;
}

void ResticRuns::Signal() {
  switch (state_.phase) {
    case Phase::kStopping:
    case Phase::kReported:  // the report is valid; a worse exit code may still follow
    case Phase::kDryRun:
      return;
    case Phase::kOpen:
      Write(RunFinished{.operation = state_.operation,
                        .result = RunResult::kInterrupted,
                        .evidence = Evidence::kReport,
                        .reason = Reason::kInterrupted});
      state_.phase = Phase::kStopping;
      state_.result = RunResult::kInterrupted;
      state_.errors = state_.progress.error_count;
      return;
    case Phase::kIdle:
    case Phase::kFailed:
      // Only its final error will show the operation; any other record belongs to another run.
      Begin(std::nullopt);
      state_ = State{};
      return;
  }
}

void ResticRuns::Hint(Operation operation) {
  if (state_.phase == Phase::kOpen) return;
  state_ = State{};
  state_.operation = operation;
}

void ResticRuns::Finished(RunFinished end) {
  const bool other = state_.operation && *state_.operation != *end.operation;
  // The open run is of another operation: it ended without a report.
  if (state_.phase == Phase::kOpen && other) Begin(end.operation);
  // A run that received a signal prints no report. If errors were counted since, they belong to the
  // reported run, whose first records are lost.
  const bool of_this =
      state_.phase == Phase::kOpen ||
      (state_.phase == Phase::kStopping && state_.progress.error_count > state_.errors);
  if (!of_this) state_ = State{};
  state_.operation = end.operation;

  // Without errors seen the number stays unknown: standard error may go elsewhere, and the last
  // status record may be too old.
  const std::uint64_t errors = std::max(state_.errors, state_.progress.error_count);
  if (errors > 0) {
    const bool backup = end.operation == Operation::kBackup;
    end.figures.errors = errors;
    end.result = std::max(end.result, backup ? RunResult::kWarning : RunResult::kFailure);
    if (backup) end.reason = Reason::kSourceUnreadable;
  }
  if (state_.source_missing) {
    end.result = RunResult::kFailure;
    end.reason = Reason::kSourceMissing;
  }
  Report(Phase::kReported, std::move(end));
}

void ResticRuns::Pruned() {
  if (state_.phase != Phase::kReported || state_.operation != Operation::kForget) return;
  Write(RunFinished{
      .operation = Operation::kForget, .result = RunResult::kSuccess, .of_last_run = true});
}

void ResticRuns::Withdrawn() {
  if (state_.phase == Phase::kOpen) Write(RunWithdrawn{});
  state_ = State{};
  state_.phase = Phase::kDryRun;
  events_.ClearPending();
}

// The errors that restic prints after its own report: backup only that of exit code 3 (see
// PartlyUnreadable); check and restore that of the errors they reported; forget that of the prune
// that follows it.
bool ResticRuns::BelongsToReport(std::optional<Operation> named, Reason reason) const {
  if (named && named != state_.operation) return false;
  if (state_.operation == Operation::kCheck) return state_.result == RunResult::kFailure;
  if (state_.operation == Operation::kBackup) return false;
  return named.has_value() || !PreventsWork(reason);
}

Reason ResticRuns::ReasonOfFailure(std::optional<int> exit_code, std::string_view error) const {
  if (exit_code && EndedBySignal(*exit_code)) return Reason::kInterrupted;
  Reason reason = ReasonOf(error);
  if (reason == Reason::kOther && exit_code) reason = ReasonOf(*exit_code).value_or(reason);
  const bool missing = state_.phase == Phase::kOpen && state_.source_missing;
  return reason == Reason::kOther && missing ? Reason::kSourceMissing : reason;
}

void ResticRuns::Failed(std::optional<int> exit_code, std::string_view error) {
  if (exit_code == 3 || ResticMessageOf(error) == ResticMessage::kPartlyUnreadable) {
    return PartlyUnreadable(exit_code, error);
  }
  const Reason reason = ReasonOfFailure(exit_code, error);
  const std::optional<Operation> named = OperationOf(error);
  RunFinished end{
      .operation = named,
      .result = reason == Reason::kInterrupted ? RunResult::kInterrupted : RunResult::kFailure,
      .evidence = Evidence::kExitCode,
      .exit_code = exit_code,
      .reason = reason,
      .message = std::string(error)};
  switch (state_.phase) {
    case Phase::kOpen:
      if (state_.working && PreventsWork(reason)) {
        Begin(named);
      } else if (named) {
        Continue(named);
      }
      end.operation = state_.operation;
      break;
    case Phase::kStopping:
      end.of_last_run = reason == Reason::kInterrupted;
      break;
    case Phase::kReported:
      end.of_last_run = BelongsToReport(named, reason);
      break;
    case Phase::kFailed:
    case Phase::kDryRun:
      break;
    case Phase::kIdle:
      end.operation = named ? named : state_.operation;
      break;
  }
  if (end.of_last_run) {
    end.operation = state_.operation;
  } else if (state_.phase != Phase::kOpen) {
    state_ = State{};
  }
  state_.operation = end.operation;
  Report(Phase::kFailed, std::move(end));
}

// Exit code 3. Only backup makes a snapshot nevertheless; since 0.19 forget ends with 3 too.
void ResticRuns::PartlyUnreadable(std::optional<int> exit_code, std::string_view error) {
  const std::optional<Operation> operation = OperationOf(error);
  if (state_.phase == Phase::kDryRun &&
      operation.value_or(Operation::kBackup) == Operation::kBackup) {
    return;
  }
  const bool reported =
      state_.phase == Phase::kReported && (!operation || operation == state_.operation);
  if (state_.phase == Phase::kOpen) {
    Continue(operation);
  } else if (!reported) {
    state_ = State{};
    state_.operation = operation;
  }
  RunFinished end{.operation = state_.operation,
                  .result = RunResult::kFailure,
                  .evidence = Evidence::kExitCode,
                  .exit_code = exit_code.value_or(3),
                  .reason = Reason::kOther,
                  .message = std::string(error),
                  .of_last_run = reported};
  if (state_.source_missing) {
    end.reason = Reason::kSourceMissing;
  } else if (state_.operation == Operation::kBackup) {
    end.result = RunResult::kWarning;
    end.reason = Reason::kSourceUnreadable;
  }
  Report(Phase::kFailed, std::move(end));
}

void ResticRuns::Report(Phase phase, RunFinished end) {
  state_.phase = phase;
  state_.result = end.result;
  Write(std::move(end));
}

void ResticRuns::Exited(int exit_code, std::optional<Time> at) {
  const State run = state_;
  // A run that shows progress also reports its success, so the code is that of another command.
  const bool unreported = run.phase == Phase::kOpen && run.working;
  if (exit_code == 0 && unreported) return;
  state_ = State{};
  // A dry run ends with 0 or 3.
  if ((exit_code == 0 || exit_code == 3) && run.phase == Phase::kDryRun) return;

  const bool backup = run.operation == Operation::kBackup;
  RunFinished end{.operation = run.operation,
                  .result = RunResult::kSuccess,
                  .evidence = Evidence::kExitCode,
                  .end = at,
                  .exit_code = exit_code,
                  .of_last_run = run.phase == Phase::kStopping || run.phase == Phase::kReported ||
                                 run.phase == Phase::kFailed,
                  .final = true};
  if (exit_code == 0) {
    // All files were readable, which a backup's report does not show.
    if (backup && run.phase == Phase::kReported) end.figures.errors = run.errors;
  } else if (EndedBySignal(exit_code) ||
             (exit_code == 1 && run.result == RunResult::kInterrupted)) {
    // 0.17 and 0.18 end with 1 after a signal.
    end.result = RunResult::kInterrupted;
    end.reason = Reason::kInterrupted;
  } else if (exit_code == 3) {
    end.result = backup && !unreported ? RunResult::kWarning : RunResult::kFailure;
    if (backup) end.reason = Reason::kSourceUnreadable;
  } else {
    end.result = RunResult::kFailure;
    end.reason = ReasonOf(exit_code);
  }
  if (run.source_missing) {
    end.result = RunResult::kFailure;
    end.reason = Reason::kSourceMissing;
  }
  Write(std::move(end));
}

std::string ResticRuns::Save() const {
  if (state_.phase == Phase::kIdle && !state_.operation && events_.empty()) return {};
  StateWriter saved;
  saved.Add("phase", kPhaseNames[static_cast<std::size_t>(state_.phase)]);
  saved.Add("operation", state_.operation);
  saved.Add("seconds_elapsed", state_.progress.seconds_elapsed);
  saved.Add("files_done", state_.progress.files_done);
  saved.Add("bytes_done", state_.progress.bytes_done);
  saved.Add("error_count", state_.progress.error_count);
  saved.Add("stage", static_cast<std::uint64_t>(state_.stage));
  saved.Add("errors", state_.errors);
  saved.Add("result", Name(state_.result));
  saved.Add("working", state_.working);
  saved.Add("source_missing", state_.source_missing);
  saved.AddJson("messages", events_.Save());
  return saved.Text();
}

void ResticRuns::Restore(std::string_view saved) {
  state_ = State{};
  events_.ClearPending();
  const auto json = ReadState(saved, ConvertResticState);
  if (!json) return;
  StateReader reader(*json);
  const auto phase = reader.IndexIn("phase", kPhaseNames);
  State state{.operation = reader.OperationIn("operation"),
              .progress = {.seconds_elapsed = reader.Count("seconds_elapsed").value_or(0),
                           .files_done = reader.Count("files_done").value_or(0),
                           .bytes_done = reader.Count("bytes_done").value_or(0),
                           .error_count = reader.Count("error_count").value_or(0)},
              .stage = reader.Integer("stage").value_or(0),
              .errors = reader.Count("errors").value_or(0),
              .result = reader.ResultIn("result").value_or(RunResult::kSuccess),
              .working = reader.Boolean("working").value_or(false),
              .source_missing = reader.Boolean("source_missing").value_or(false)};
  if (!reader.Sound() || !phase) return;
  state.phase = static_cast<Phase>(*phase);
  state_ = state;
  events_.Restore(reader.Array("messages"));
}

}  // namespace backup_exporter
