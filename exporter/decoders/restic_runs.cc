#include "decoders/restic_runs.h"

#include <algorithm>

#include "base/json.h"
#include "decoders/restic_words.h"

namespace backup_exporter {
namespace {

// A password, a repository or a lock that is not to be had ends a run before it does anything.
bool EndsAtOnce(Reason reason) {
  return reason == Reason::kAuth || reason == Reason::kRepositoryMissing ||
         reason == Reason::kLocked;
}

}  // namespace

void ResticRuns::At(std::uint64_t offset, Decoded* out) {
  offset_ = offset;
  out_ = out;
}

void ResticRuns::Emit(decltype(Event::what) what) {
  // Only the newest progress of a run matters, and there may be millions.
  if (std::holds_alternative<RunProgress>(what) && !out_->events.empty() &&
      std::holds_alternative<RunProgress>(out_->events.back().what)) {
    out_->events.pop_back();
  }
  const auto* end = std::get_if<RunFinished>(&what);
  const bool next = end != nullptr ? !end->of_last_run : std::holds_alternative<RunStarted>(what);
  out_->events.push_back({.of = {}, .offset = offset_, .what = std::move(what)});
  if (!next || notes_.empty()) return;
  for (RunNoted& note : notes_.Release()) Emit(std::move(note));
}

void ResticRuns::Note(Level level, std::string_view text) {
  if (memory_.phase == Phase::kIdle) return NoteAhead(level, text);
  if (memory_.phase != Phase::kDryRun) Emit(NoteOf(level, text));
}

void ResticRuns::NoteAhead(Level level, std::string_view text) {
  RunNoted note = NoteOf(level, text);
  memory_.phase == Phase::kOpen ? Emit(std::move(note)) : notes_.Keep(std::move(note));
}

void ResticRuns::Begin(std::optional<Operation> operation) {
  memory_ = Memory{};
  memory_.phase = Phase::kOpen;
  memory_.operation = operation;
  Emit(RunStarted{operation});
}

// Opens a run if none is, or if that which is does something else.
void ResticRuns::Continue(std::optional<Operation> operation) {
  const bool other = operation && memory_.operation && *operation != *memory_.operation;
  if (memory_.phase != Phase::kOpen || other) {
    Begin(operation);
  } else if (operation) {
    memory_.operation = operation;
  }
}

void ResticRuns::Underway(std::optional<Operation> operation) {
  if (memory_.phase != Phase::kStopping) Continue(operation);
}

void ResticRuns::Progress(std::optional<Operation> operation, const ResticProgress& progress) {
  const ResticProgress& before = memory_.progress;
  const bool back = progress.seconds_elapsed < before.seconds_elapsed ||
                    progress.files_done < before.files_done ||
                    progress.bytes_done < before.bytes_done ||
                    progress.error_count < before.error_count;
  const auto is_zeros = [](const ResticProgress& of) {
    return of == ResticProgress{.total_bytes = of.total_bytes};
  };
  // After a signal status lines go on until the uploads under way are done. One of zeros comes
  // first in a new run, which cannot be told where the old one did not get beyond zeros.
  const bool begins = is_zeros(progress) && !is_zeros(before);
  if (memory_.phase == Phase::kStopping && !back && !begins) {
    memory_.progress = progress;
    return;
  }
  if (memory_.phase == Phase::kOpen && back) memory_.phase = Phase::kIdle;
  Continue(operation);
  memory_.working = true;
  memory_.progress = progress;
  RunProgress told{.elapsed = DurationFromSeconds(static_cast<double>(progress.seconds_elapsed)),
                   .processed_bytes = progress.bytes_done,
                   .operation = memory_.operation};
  if (progress.total_bytes > 0) {
    told.expected_bytes = progress.total_bytes;
    told.done = std::min(
        1.0, static_cast<double>(progress.bytes_done) / static_cast<double>(progress.total_bytes));
  }
  Emit(told);
}

void ResticRuns::CheckStage(int stage) {
  if (memory_.phase == Phase::kOpen && stage <= memory_.stage) memory_.phase = Phase::kIdle;
  Continue(Operation::kCheck);
  memory_.stage = stage;
  memory_.working = stage > 1;
}

void ResticRuns::Error(Operation operation) {
  Continue(operation);
  ++memory_.errors;
}

void ResticRuns::SourceMissing() {
  if (memory_.phase == Phase::kOpen && memory_.working) memory_.phase = Phase::kIdle;
  Continue(Operation::kBackup);
  memory_.source_missing = true;
}

void ResticRuns::Signal() {
  switch (memory_.phase) {
    case Phase::kStopping:
    case Phase::kReported:  // the report stands; a worse exit code may still follow
    case Phase::kDryRun:
      return;
    case Phase::kOpen:
      Emit(RunFinished{.operation = memory_.operation,
                       .result = RunResult::kInterrupted,
                       .evidence = Evidence::kReport,
                       .reason = Reason::kInterrupted});
      memory_.phase = Phase::kStopping;
      memory_.result = RunResult::kInterrupted;
      memory_.errors = memory_.progress.error_count;
      return;
    case Phase::kIdle:
    case Phase::kFailed:
      // Only its last words will show what it was that had begun; anything else is of another run.
      Begin(std::nullopt);
      memory_ = Memory{};
      return;
  }
}

void ResticRuns::Hint(Operation operation) {
  if (memory_.phase == Phase::kOpen) return;
  memory_ = Memory{};
  memory_.operation = operation;
}

void ResticRuns::Finished(RunFinished end) {
  const bool other = memory_.operation && *memory_.operation != *end.operation;
  // Another operation's run was open: it ended without a word.
  if (memory_.phase == Phase::kOpen && other) Begin(end.operation);
  // What was told to stop has no report: errors told of since are of the run that has one, and
  // whose first words are lost.
  const bool of_this =
      memory_.phase == Phase::kOpen ||
      (memory_.phase == Phase::kStopping && memory_.progress.error_count > memory_.errors);
  if (!of_this) memory_ = Memory{};
  memory_.operation = end.operation;

  // None seen is not none: standard error may be elsewhere, and the last status line too old.
  const std::uint64_t errors = std::max(memory_.errors, memory_.progress.error_count);
  if (errors > 0) {
    const bool backup = end.operation == Operation::kBackup;
    end.figures.errors = errors;
    end.result = std::max(end.result, backup ? RunResult::kWarning : RunResult::kFailure);
    if (backup) end.reason = Reason::kSourceUnreadable;
  }
  if (memory_.source_missing) {
    end.result = RunResult::kFailure;
    end.reason = Reason::kSourceMissing;
  }
  memory_.result = end.result;
  memory_.phase = Phase::kReported;
  Emit(std::move(end));
}

void ResticRuns::Pruned() {
  if (memory_.phase != Phase::kReported || memory_.operation != Operation::kForget) return;
  Emit(RunFinished{
      .operation = Operation::kForget, .result = RunResult::kSuccess, .of_last_run = true});
}

void ResticRuns::Withdrawn() {
  if (memory_.phase == Phase::kOpen) Emit(RunWithdrawn{});
  memory_ = Memory{};
  memory_.phase = Phase::kDryRun;
  notes_.Clear();
}

// What restic prints after a report of its own: backup only exit code 3 (see Unreadable); check and
// restore the code of the errors they reported; forget the trouble of the prune that follows it.
bool ResticRuns::BelongsToReport(std::optional<Operation> named, Reason reason) const {
  if (named && named != memory_.operation) return false;
  if (memory_.operation == Operation::kCheck) return memory_.result == RunResult::kFailure;
  if (memory_.operation == Operation::kBackup) return false;
  return named.has_value() || !EndsAtOnce(reason);
}

void ResticRuns::Failed(std::optional<int> exit_code, std::string_view error) {
  if (exit_code == 3 || WordsOf(error) == ResticWords::kUnreadable)
    return Unreadable(exit_code, error);

  Reason reason = ReasonOf(error);
  if (reason == Reason::kOther && exit_code) reason = ReasonOf(*exit_code).value_or(reason);
  if (exit_code && EndedBySignal(*exit_code)) reason = Reason::kInterrupted;
  if (reason == Reason::kOther && memory_.phase == Phase::kOpen && memory_.source_missing) {
    reason = Reason::kSourceMissing;
  }
  const std::optional<Operation> named = OperationOf(error);
  RunFinished end{
      .operation = named,
      .result = reason == Reason::kInterrupted ? RunResult::kInterrupted : RunResult::kFailure,
      .evidence = Evidence::kExitCode,
      .exit_code = exit_code,
      .reason = reason,
      .message = std::string(error)};
  switch (memory_.phase) {
    case Phase::kOpen:
      if (memory_.working && EndsAtOnce(reason)) {
        Begin(named);
      } else if (named) {
        Continue(named);
      }
      end.operation = memory_.operation;
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
      end.operation = named ? named : memory_.operation;
      break;
  }
  if (end.of_last_run) {
    end.operation = memory_.operation;
  } else if (memory_.phase != Phase::kOpen) {
    memory_ = Memory{};
  }
  memory_.operation = end.operation;
  memory_.result = end.result;
  memory_.phase = Phase::kFailed;
  Emit(std::move(end));
}

// Only backup makes a snapshot all the same; since 0.19 forget ends with 3 too.
void ResticRuns::Unreadable(std::optional<int> exit_code, std::string_view error) {
  const std::optional<Operation> operation = OperationOf(error);
  if (memory_.phase == Phase::kDryRun &&
      operation.value_or(Operation::kBackup) == Operation::kBackup) {
    return;
  }
  const bool reported =
      memory_.phase == Phase::kReported && (!operation || operation == memory_.operation);
  if (memory_.phase == Phase::kOpen) {
    Continue(operation);
  } else if (!reported) {
    memory_ = Memory{};
    memory_.operation = operation;
  }
  RunFinished end{.operation = memory_.operation,
                  .result = RunResult::kFailure,
                  .evidence = Evidence::kExitCode,
                  .exit_code = exit_code.value_or(3),
                  .reason = Reason::kOther,
                  .message = std::string(error),
                  .of_last_run = reported};
  if (memory_.source_missing) {
    end.reason = Reason::kSourceMissing;
  } else if (memory_.operation == Operation::kBackup) {
    end.result = RunResult::kWarning;
    end.reason = Reason::kSourceUnreadable;
  }
  memory_.result = end.result;
  memory_.phase = Phase::kFailed;
  Emit(std::move(end));
}

void ResticRuns::Exited(int exit_code, std::optional<Time> at) {
  const Memory run = memory_;
  // What shows its progress reports its success too: this is the exit code of something else.
  const bool unreported = run.phase == Phase::kOpen && run.working;
  if (exit_code == 0 && unreported) return;
  memory_ = Memory{};
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
    // Nothing was unreadable, of which a backup's report says nothing.
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
  Emit(std::move(end));
}

std::string ResticRuns::Save() const {
  if (memory_.phase == Phase::kIdle && !memory_.operation && notes_.empty()) return {};
  const Memory& m = memory_;
  return Json{static_cast<int>(m.phase),
              m.operation ? static_cast<int>(*m.operation) : -1,
              m.progress.seconds_elapsed,
              m.progress.files_done,
              m.progress.bytes_done,
              m.progress.error_count,
              m.stage,
              m.errors,
              static_cast<int>(m.result),
              m.working,
              m.source_missing,
              notes_.Save()}
      .dump(-1, ' ', false, Json::error_handler_t::replace);
}

void ResticRuns::Restore(std::string_view saved) {
  memory_ = Memory{};
  notes_.Clear();
  const auto json = ParseJson(saved);
  // Before notes were kept there were 11.
  if (!json || !json->is_array() || json->size() < 11 || json->size() > 12) return;
  if (json->size() == 12 && !json->back().is_array()) return;
  for (std::size_t i = 0; i < 11; ++i) {
    if (i < 9 ? !(*json)[i].is_number_integer() : !(*json)[i].is_boolean()) return;
  }
  const auto number = [&json](std::size_t i) { return (*json)[i].get<std::uint64_t>(); };
  const int phase = (*json)[0].get<int>();
  const int operation = (*json)[1].get<int>();
  const int result = (*json)[8].get<int>();
  if (phase < 0 || phase > static_cast<int>(Phase::kDryRun) || operation >= kOperations ||
      result < 0 || result >= kRunResults) {
    return;
  }
  memory_.phase = static_cast<Phase>(phase);
  if (operation >= 0) memory_.operation = static_cast<Operation>(operation);
  memory_.progress = {number(2), number(3), number(4), number(5)};
  memory_.stage = (*json)[6].get<int>();
  memory_.errors = number(7);
  memory_.result = static_cast<RunResult>(result);
  memory_.working = (*json)[9].get<bool>();
  memory_.source_missing = (*json)[10].get<bool>();
  if (json->size() == 12) notes_.Restore(json->back());
}

}  // namespace backup_exporter
