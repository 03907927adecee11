#include "decoders/borg_runs.h"

#include <algorithm>
#include <array>

namespace backup_exporter {
namespace {

// In the order of Phase.
constexpr std::array<std::string_view, 5> kPhaseNames{"idle", "hinted", "open", "reported",
                                                      "failed"};

}  // namespace

void BorgRuns::At(std::uint64_t offset, std::optional<Time> previous, Decoded* out) {
  events_.At(offset, out);
  previous_ = previous;
}

void BorgRuns::AddMessage(Level level, std::string_view text, std::optional<Time> time) {
  if (text.empty()) return;
  RunNoted message = MessageOf(level, text, time);
  const bool of_next = state_.phase == Phase::kIdle || state_.phase == Phase::kHinted;
  of_next ? events_.AddPending(std::move(message)) : Write(std::move(message));
}

void BorgRuns::AddError(Reason reason, std::string_view text) {
  if (reason == Reason::kOther) return;
  if (state_.phase != Phase::kOpen && PreventsWork(reason)) {
    events_.AddPending(MessageOf(Level::kError, text));
  } else {
    AddMessage(Level::kError, text, std::nullopt);
  }
}

// A new run begins after the end of the last one. Records that came before the first run belong to
// that run.
void BorgRuns::Continue() {
  if (HasEnded()) state_ = State{};
}

void BorgRuns::Hint(Operation operation, std::optional<Time> time) {
  // The second part of a check whose first part was reported.
  const bool second_part = state_.phase == Phase::kReported && state_.operation == operation &&
                           operation == Operation::kCheck;
  if (second_part) return;
  Continue();
  if (state_.phase == Phase::kOpen) return;
  if (state_.phase == Phase::kHinted && state_.operation && state_.operation != operation) {
    state_ = State{};
    events_.ClearPending();
  }
  state_.phase = Phase::kHinted;
  state_.operation = operation;
  if (!state_.started) state_.started = time;
}

void BorgRuns::Begin(std::optional<Time> time) {
  State fresh;
  // Warnings about sources may come before the start.
  const bool backup = state_.operation.value_or(Operation::kBackup) == Operation::kBackup;
  if (state_.phase == Phase::kHinted && backup) fresh = std::move(state_);
  if (!backup) events_.ClearPending();
  state_ = std::move(fresh);
  state_.phase = Phase::kOpen;
  state_.operation = Operation::kBackup;
  state_.started = time;
  Write(RunStarted{.operation = Operation::kBackup, .at = time, .may_end_silently = !shows_ends_});
}

void BorgRuns::FileSeen() {
  Continue();
  if (state_.phase == Phase::kIdle) state_.phase = Phase::kHinted;
}

void BorgRuns::DryRunFileSeen() {
  FileSeen();
  state_.dry_run = true;
}

void BorgRuns::FileUnreadable() {
  FileSeen();
  ++state_.warnings;
}

void BorgRuns::SourceMissing() {
  FileSeen();
  state_.source_missing = true;
}

bool BorgRuns::BackupIsOpen() const {
  return state_.phase == Phase::kOpen &&
         state_.operation.value_or(Operation::kBackup) == Operation::kBackup;
}

// A record that create never prints. If a backup was open, it has ended without a report.
void BorgRuns::EndWithoutReport() {
  if (state_.phase != Phase::kOpen) return;
  if (shows_ends_) {
    Write(RunFinished{.operation = state_.operation,
                      .result = RunResult::kInterrupted,
                      .start = state_.started,
                      .end = previous_,
                      .reason = Reason::kInterrupted});
  } else {
    Write(RunWithdrawn{});
  }
  state_ = State{};
}

void BorgRuns::Progress(std::optional<std::uint64_t> processed, bool finished,
                        std::optional<Time> time) {
  Continue();
  const bool back = processed && *processed < state_.processed;
  if (!finished && (state_.phase != Phase::kOpen || back)) Begin(time);
  if (state_.phase != Phase::kOpen) return;
  state_.processed = processed.value_or(state_.processed);
  RunProgress progress{.processed_bytes = state_.processed,
                       .may_end_silently = finished && !shows_ends_};
  if (time && state_.started) progress.elapsed = *time - *state_.started;
  Write(progress);
}

void BorgRuns::Apply(BorgMessage message, std::string_view text, std::optional<Time> time) {
  switch (message) {
    case BorgMessage::kCreateBegins:
      if (std::string repository = BorgRepositoryOf(text); !repository.empty()) {
        SetRepository(std::move(repository));
      }
      if (state_.phase != Phase::kIdle && state_.phase != Phase::kHinted) state_ = State{};
      return Begin(time);
    case BorgMessage::kPruneBegins:
      EndWithoutReport();
      return Hint(Operation::kPrune, time);
    case BorgMessage::kDryRun:
      EndWithoutReport();
      Hint(Operation::kPrune, time);
      state_.dry_run = true;
      return;
    case BorgMessage::kCompacted:
      EndWithoutReport();
      return Hint(Operation::kCompact, time);
    case BorgMessage::kCheckBegins:
      EndWithoutReport();
      return Hint(Operation::kCheck, time);
    case BorgMessage::kCheckClean:
    case BorgMessage::kCheckDamaged:
      EndWithoutReport();
      return CheckPartEnded(message == BorgMessage::kCheckClean, time);
    case BorgMessage::kUnreadable:
      return FileUnreadable();
    case BorgMessage::kSourceMissing:
      return SourceMissing();
    case BorgMessage::kStaleLock:
      return LockWasStale(text, time);
    case BorgMessage::kInterrupted:
      return Failed(Reason::kInterrupted, text, time);
    case BorgMessage::kUsageError:
      return Failed(Reason::kOther, text, time);
    case BorgMessage::kOther:
      return;
  }
}

// The open run did not end by itself. Its end is the time of its last record: this record belongs
// to the next run, whose start comes later and which may end in the same second.
void BorgRuns::LockWasStale(std::string_view text, std::optional<Time> time) {
  if (state_.phase != Phase::kOpen) return;
  Failed(Reason::kInterrupted, text, time ? previous_ : std::nullopt);
}

void BorgRuns::ArchiveCreated(RunFinished end) {
  const bool again = state_.phase == Phase::kReported && state_.archive == end.snapshot_id;
  if (!again) Continue();
  if (state_.warnings > 0) {
    end.result = RunResult::kWarning;
    end.reason = Reason::kSourceUnreadable;
    end.figures.errors = std::max(end.figures.errors.value_or(0), state_.warnings);
  }
  if (state_.source_missing) {
    end.result = RunResult::kFailure;
    end.reason = Reason::kSourceMissing;
  }
  end.of_last_run = again;
  state_.phase = Phase::kReported;
  state_.operation = Operation::kBackup;
  state_.archive = end.snapshot_id;
  shows_ends_ = shows_archives_ = true;
  Write(std::move(end));
}

void BorgRuns::DryRunEnded() {
  if (state_.phase == Phase::kOpen) Write(RunWithdrawn{});
  state_ = State{.phase = Phase::kHinted, .dry_run = true};
  events_.ClearPending();
}

// check reports the repository first and then the archives, unless only one was requested.
void BorgRuns::CheckPartEnded(bool clean, std::optional<Time> time) {
  if (state_.phase == Phase::kReported && state_.operation != Operation::kCheck) state_ = State{};
  const bool second = state_.phase == Phase::kReported;
  state_.damaged = state_.damaged || !clean;
  RunFinished end{.operation = Operation::kCheck,
                  .result = state_.damaged ? RunResult::kFailure : RunResult::kSuccess,
                  .start = state_.operation == Operation::kCheck ? state_.started : std::nullopt,
                  .end = time,
                  .of_last_run = second};
  if (state_.damaged) end.reason = Reason::kOther;
  state_.phase = Phase::kReported;
  state_.operation = Operation::kCheck;
  Write(std::move(end));
}

void BorgRuns::Failed(Reason reason, std::string_view text, std::optional<Time> time) {
  // After its report a run can still fail to close its cache.
  const bool of_last = (state_.phase == Phase::kReported && !PreventsWork(reason)) ||
                       (state_.phase == Phase::kFailed && state_.interrupted);
  if (!of_last) Continue();
  state_.interrupted = state_.interrupted || reason == Reason::kInterrupted;
  RunFinished end{.operation = state_.operation,
                  .result = state_.interrupted ? RunResult::kInterrupted : RunResult::kFailure,
                  .start = of_last ? std::nullopt : state_.started,
                  .end = time,
                  .reason = reason,
                  .message = std::string(text),
                  .of_last_run = of_last};
  state_.phase = Phase::kFailed;
  shows_ends_ = true;
  Write(std::move(end));
}

void BorgRuns::Exited(int code, RunNoted message) {
  const bool reported = HasEnded();
  shows_ends_ = true;
  // If the file shows every archive that is made, a run that showed none made none. Then this is
  // the code of another command, which printed nothing else.
  if (code == 0 && state_.phase == Phase::kOpen && !state_.dry_run && shows_archives_) {
    return EndWithoutReport();
  }
  const State run = std::exchange(state_, State{});
  if (run.dry_run && !reported) {
    if (run.phase == Phase::kOpen) Write(RunWithdrawn{});
    events_.ClearPending();
    return;
  }
  RunFinished end{.operation = run.operation,
                  .evidence = Evidence::kExitCode,
                  .start = reported ? std::nullopt : run.started,
                  .end = message.at,
                  .exit_code = code,
                  .of_last_run = reported,
                  .final = true};
  SetDuration(end);
  JudgeByExitCode(run, end);
  Write(std::move(end));
  Write(std::move(message));
}

// Sets result, reason and errors by the exit code and what was seen of the run.
void BorgRuns::JudgeByExitCode(const State& run, RunFinished& end) {
  const int code = *end.exit_code;
  const bool backup = run.operation == Operation::kBackup;
  end.result = BorgResultOf(code, run.operation);
  if (end.result == RunResult::kWarning) {
    end.reason = Reason::kSourceUnreadable;
  } else if (end.result != RunResult::kSuccess) {
    end.reason = BorgReasonOf(code).value_or(Reason::kOther);
  }
  if (run.interrupted && code != 0) {
    // After SIGINT the exit code is 2, as after any error.
    end.result = RunResult::kInterrupted;
    end.reason = Reason::kInterrupted;
  }
  if (run.source_missing && backup) {
    end.result = std::max(end.result, RunResult::kFailure);
    end.reason = Reason::kSourceMissing;
  }
  if (run.damaged) end.result = RunResult::kFailure;
  if (code == 0 && backup) end.figures.errors = run.warnings;
  if (end.result == RunResult::kWarning && run.warnings > 0) end.figures.errors = run.warnings;
}

void BorgRuns::Save(StateWriter& saved) const {
  const bool nothing =
      state_.phase == Phase::kIdle && !shows_ends_ && repository_.empty() && events_.empty();
  if (nothing) return;
  saved.Add("phase", kPhaseNames[static_cast<std::size_t>(state_.phase)]);
  saved.Add("operation", state_.operation);
  saved.Add("started", state_.started);
  saved.Add("processed", state_.processed);
  saved.Add("warnings", state_.warnings);
  saved.Add("source_missing", state_.source_missing);
  saved.Add("damaged", state_.damaged);
  saved.Add("interrupted", state_.interrupted);
  saved.Add("dry_run", state_.dry_run);
  saved.Add("archive", state_.archive);
  saved.AddJson("messages", events_.Save());
  saved.Add("shows_ends", shows_ends_);
  saved.Add("shows_archives", shows_archives_);
  saved.Add("repository", repository_);
}

bool BorgRuns::Restore(StateReader& saved) {
  const auto phase = saved.IndexIn("phase", kPhaseNames).value_or(0);
  State state{.phase = static_cast<Phase>(phase),
              .operation = saved.OperationIn("operation"),
              .started = saved.Instant("started"),
              .processed = saved.Count("processed").value_or(0),
              .warnings = saved.Count("warnings").value_or(0),
              .source_missing = saved.Boolean("source_missing").value_or(false),
              .damaged = saved.Boolean("damaged").value_or(false),
              .interrupted = saved.Boolean("interrupted").value_or(false),
              .dry_run = saved.Boolean("dry_run").value_or(false),
              .archive = saved.Text("archive")};
  const bool shows_ends = saved.Boolean("shows_ends").value_or(false);
  const bool shows_archives = saved.Boolean("shows_archives").value_or(false);
  std::string repository = saved.Text("repository");
  if (!saved.Sound()) return false;
  state_ = std::move(state);
  shows_ends_ = shows_ends;
  shows_archives_ = shows_archives;
  repository_ = std::move(repository);
  events_.Restore(saved.Array("messages"));
  return true;
}

}  // namespace backup_exporter
