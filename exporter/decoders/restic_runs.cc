#include "decoders/restic_runs.h"

#include <algorithm>

#include "decoders/json.h"
#include "decoders/restic_words.h"

namespace backup_exporter {

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
  out_->events.push_back({.label = {}, .offset = offset_, .what = std::move(what)});
}

void ResticRuns::Begin(std::optional<Operation> operation) {
  memory_ = Memory{};
  memory_.phase = Phase::kOpen;
  memory_.operation = operation;
  Emit(RunStarted{operation});
}

void ResticRuns::Underway(std::optional<Operation> operation) {
  const bool other = operation && memory_.operation && *operation != *memory_.operation;
  if (memory_.phase != Phase::kOpen || other) {
    Begin(operation);
  } else if (operation) {
    memory_.operation = operation;
  }
}

void ResticRuns::Progress(std::optional<Operation> operation, const ResticProgress& progress) {
  const ResticProgress& before = memory_.progress;
  const bool back =
      progress.seconds_elapsed < before.seconds_elapsed || progress.files_done < before.files_done ||
      progress.bytes_done < before.bytes_done || progress.error_count < before.error_count;
  // After a signal status lines go on until the uploads under way are done.
  if (memory_.phase == Phase::kFailed && memory_.status_seen && !back) {
    memory_.progress = progress;
    return;
  }
  if (memory_.phase == Phase::kOpen && back) memory_.phase = Phase::kIdle;
  Underway(operation);
  memory_.status_seen = true;
  memory_.progress = progress;
  Emit(RunProgress{FromSeconds(static_cast<double>(progress.seconds_elapsed))});
}

void ResticRuns::CheckStage(int stage) {
  if (memory_.phase == Phase::kOpen && stage <= memory_.stage) memory_.phase = Phase::kIdle;
  Underway(Operation::kCheck);
  memory_.stage = stage;
}

void ResticRuns::Error(Operation operation) {
  Underway(operation);
  ++memory_.errors;
}

void ResticRuns::SourceMissing() {
  if (memory_.status_seen && memory_.phase == Phase::kOpen) memory_.phase = Phase::kIdle;
  Underway(Operation::kBackup);
  memory_.source_missing = true;
}

void ResticRuns::Signal() {
  // A report that came before the signal stands; a worse exit code may still follow.
  if (memory_.phase == Phase::kReported) return;
  if (memory_.phase != Phase::kOpen) Begin(std::nullopt);
  Emit(RunFinished{.operation = memory_.operation,
                   .result = RunResult::kInterrupted,
                   .evidence = Evidence::kReport,
                   .reason = Reason::kInterrupted});
  memory_.phase = Phase::kFailed;
  memory_.status_seen = true;
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
  if (memory_.phase != Phase::kOpen) memory_ = Memory{};
  memory_.operation = end.operation;

  const std::uint64_t errors = std::max(memory_.errors, memory_.progress.error_count);
  if (end.operation == Operation::kBackup || end.operation == Operation::kRestore) {
    end.figures.errors = errors;
  }
  if (errors > 0) {
    end.result = std::max(end.result, end.operation == Operation::kBackup ? RunResult::kWarning
                                                                          : RunResult::kFailure);
    end.reason = end.operation == Operation::kBackup ? Reason::kSourceUnreadable : Reason::kOther;
  }
  if (memory_.source_missing) {
    end.result = RunResult::kFailure;
    end.reason = Reason::kSourceMissing;
  }
  memory_.reported_failure = end.result == RunResult::kFailure;
  memory_.phase = Phase::kReported;
  Emit(std::move(end));
}

void ResticRuns::Pruned() {
  if (memory_.phase != Phase::kReported || memory_.operation != Operation::kForget) return;
  Emit(RunFinished{.operation = Operation::kForget, .result = RunResult::kSuccess, .of_last_run = true});
}

void ResticRuns::Withdrawn() {
  if (memory_.phase == Phase::kOpen) Emit(RunWithdrawn{});
  memory_ = Memory{};
}

// What restic prints after a report of its own: backup only exit code 3 (see Unreadable); check and
// restore the code of the errors they reported; forget the trouble of the prune that follows it. A
// wrong password, a missing repository or a lock ends a run before it can report anything.
bool ResticRuns::BelongsToReport(std::optional<Operation> named, Reason reason) const {
  if (named && named != memory_.operation) return false;
  if (memory_.operation == Operation::kCheck) return memory_.reported_failure;
  if (memory_.operation == Operation::kBackup) return false;
  return named.has_value() || (reason != Reason::kAuth && reason != Reason::kRepositoryMissing &&
                               reason != Reason::kLocked);
}

void ResticRuns::Failed(std::optional<int> exit_code, std::string_view error) {
  if (exit_code == 3 || WordsOf(error) == ResticWords::kUnreadable) return Unreadable(exit_code, error);

  Reason reason = ReasonOf(error);
  if (reason == Reason::kOther && exit_code) reason = ReasonOf(*exit_code).value_or(reason);
  if (exit_code && EndedBySignal(*exit_code)) reason = Reason::kInterrupted;
  if (reason == Reason::kOther && memory_.phase == Phase::kOpen && memory_.source_missing) {
    reason = Reason::kSourceMissing;
  }
  const std::optional<Operation> named = OperationOf(error);
  RunFinished end{.operation = named,
                  .result = reason == Reason::kInterrupted ? RunResult::kInterrupted : RunResult::kFailure,
                  .evidence = Evidence::kExitCode,
                  .exit_code = exit_code,
                  .reason = reason,
                  .message = std::string(error)};
  switch (memory_.phase) {
    case Phase::kOpen:
      if (named) Underway(named);
      end.operation = memory_.operation;
      break;
    case Phase::kReported: end.of_last_run = BelongsToReport(named, reason); break;
    case Phase::kFailed: end.of_last_run = reason == Reason::kInterrupted; break;
    case Phase::kIdle: end.operation = named ? named : memory_.operation; break;
  }
  if (end.of_last_run) {
    end.operation = memory_.operation;
  } else if (memory_.phase != Phase::kOpen) {
    memory_ = Memory{};
  }
  memory_.operation = end.operation;
  memory_.phase = Phase::kFailed;
  Emit(std::move(end));
}

void ResticRuns::Unreadable(std::optional<int> exit_code, std::string_view error) {
  // Since 0.19 forget ends with 3 too; only backup makes a snapshot all the same.
  const Operation operation = OperationOf(error).value_or(
      memory_.phase == Phase::kReported ? memory_.operation.value_or(Operation::kBackup)
                                        : Operation::kBackup);
  const bool of_backup = operation == Operation::kBackup;
  const bool missing = memory_.source_missing && memory_.phase != Phase::kIdle;
  RunFinished end{.operation = operation,
                  .result = of_backup && !missing ? RunResult::kWarning : RunResult::kFailure,
                  .evidence = Evidence::kExitCode,
                  .exit_code = exit_code.value_or(3),
                  .reason = missing     ? Reason::kSourceMissing
                            : of_backup ? Reason::kSourceUnreadable
                                        : Reason::kOther,
                  .message = std::string(error)};
  if (memory_.phase == Phase::kOpen) Underway(operation);
  end.of_last_run = memory_.phase == Phase::kReported && memory_.operation == operation;
  memory_.operation = operation;
  memory_.phase = Phase::kFailed;
  Emit(std::move(end));
}

void ResticRuns::Exited(int exit_code, std::optional<Time> at) {
  const bool known = memory_.phase != Phase::kIdle;
  RunFinished end{.operation = memory_.operation,
                  .result = RunResult::kSuccess,
                  .evidence = Evidence::kExitCode,
                  .end = at,
                  .exit_code = exit_code,
                  .of_last_run = memory_.phase == Phase::kReported || memory_.phase == Phase::kFailed,
                  .final = true};
  if (exit_code == 3 && memory_.operation == Operation::kBackup && known && !memory_.source_missing) {
    end.result = RunResult::kWarning;
  } else if (exit_code != 0) {
    end.result = EndedBySignal(exit_code) ? RunResult::kInterrupted : RunResult::kFailure;
  }
  if (exit_code != 0) end.reason = ReasonOf(exit_code);
  // A code of 0 alone does not say what it was that succeeded.
  const bool says_something = exit_code != 0 || memory_.operation.has_value();
  memory_ = Memory{};
  if (says_something) Emit(std::move(end));
}

std::string ResticRuns::Save() const {
  if (memory_.phase == Phase::kIdle && !memory_.operation) return {};
  const Memory& m = memory_;
  return Json{static_cast<int>(m.phase),
              m.operation ? static_cast<int>(*m.operation) : -1,
              m.progress.seconds_elapsed,
              m.progress.files_done,
              m.progress.bytes_done,
              m.progress.error_count,
              m.stage,
              m.errors,
              m.status_seen,
              m.source_missing,
              m.reported_failure}
      .dump();
}

void ResticRuns::Restore(std::string_view saved) {
  memory_ = Memory{};
  const auto json = ParseJson(saved);
  if (!json || !json->is_array() || json->size() != 11) return;
  for (std::size_t i = 0; i < 11; ++i) {
    if (i < 8 ? !(*json)[i].is_number_integer() : !(*json)[i].is_boolean()) return;
  }
  const auto number = [&json](std::size_t i) { return (*json)[i].get<std::uint64_t>(); };
  const int phase = (*json)[0].get<int>();
  const int operation = (*json)[1].get<int>();
  if (phase < 0 || phase > static_cast<int>(Phase::kFailed) || operation >= kOperations) return;
  memory_.phase = static_cast<Phase>(phase);
  if (operation >= 0) memory_.operation = static_cast<Operation>(operation);
  memory_.progress = {number(2), number(3), number(4), number(5)};
  memory_.stage = (*json)[6].get<int>();
  memory_.errors = number(7);
  memory_.status_seen = (*json)[8].get<bool>();
  memory_.source_missing = (*json)[9].get<bool>();
  memory_.reported_failure = (*json)[10].get<bool>();
}

}  // namespace backup_exporter
