#include "ledger/fold.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <variant>

#include "base/utf8.h"
#include "ledger/rules/merge.h"
#include "ledger/rules/outcome.h"
#include "ledger/store/counted_runs.h"
#include "ledger/store/expectations.h"
#include "ledger/store/positions.h"
#include "ledger/store/repositories.h"
#include "ledger/store/totals.h"

namespace backup_exporter {
namespace {

template <typename... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};
template <typename... Functions>
Overloaded(Functions...) -> Overloaded<Functions...>;

// How the backup of an event is found.
enum class BackupOf {
  kCreated,  // by the names in the record, and created if it is new
  kKnown,    // the same, but only if the source has reported it before
  kByLabel,  // the label is the name of a known backup
  kOfFile,   // by the file: the event names no backup
};

// Properties of an event that decide how it is applied.
struct EventTraits {
  BackupOf backup = BackupOf::kCreated;
  bool is_message = false;           // it changes nothing but the messages of a run
  const RunFinished* end = nullptr;  // the end of a run that it reports
};

// One case for each kind of event, so that a new kind does not compile until it has its own.
EventTraits TraitsOf(const Event& event, const SourceRules& source) {
  const Overloaded traits{
      [](const RunStarted&) { return EventTraits{}; },
      [](const RunProgress&) { return EventTraits{}; },
      [](const RunFinished& end) { return EventTraits{.end = &end}; },
      [](const RunWithdrawn&) { return EventTraits{}; },
      [](const ArchiveListed&) { return EventTraits{}; },
      [](const ArchivesCounted&) { return EventTraits{}; },
      [](const RepositoryMeasured&) { return EventTraits{}; },
      // A message alone creates no backup, unless its record names backup and operation.
      [&](const RunNoted&) {
        return EventTraits{.backup = source.names_backup ? BackupOf::kCreated : BackupOf::kKnown,
                           .is_message = true};
      },
      [](const FailedUnnamed& failed) {
        return EventTraits{.backup = BackupOf::kOfFile, .end = &failed.end};
      },
      [](const ExpectationPaused&) { return EventTraits{.backup = BackupOf::kByLabel}; },
  };
  return std::visit(traits, event.what);
}

// Index of the first event that is dated by the file's modification time if it has no clock: the
// last run of a file that was read to its end. A success is dated only if no record follows it:
// records that were not understood may be the failures of a month.
std::size_t FirstDated(const SourceRules& source, const FileStep& step) {
  std::size_t first = step.events.size();
  if (!step.at_end) return first;
  bool certain = false;
  for (std::size_t i = step.events.size(); i-- > 0;) {
    const EventTraits traits = TraitsOf(step.events[i], source);
    if (traits.is_message) continue;
    if (traits.end == nullptr) break;
    first = i;
    certain = certain || IsBad(traits.end->result) || step.events[i].offset == step.last_record;
    if (!traits.end->of_last_run) break;
  }
  return certain ? first : step.events.size();
}

// Index of the last event that is no message.
std::size_t NewestEvent(const SourceRules& source, const FileStep& step) {
  std::size_t i = step.events.size();
  while (i-- > 0 && TraitsOf(step.events[i], source).is_message) continue;
  return i;
}

// Whether the event is an exit code and nothing shows the operation that it belongs to.
bool IsBareExitCode(const EventContext& context, const EndMatch& match, const RunFinished& event) {
  return event.evidence == Evidence::kExitCode && !event.operation && !match.own &&
         !context.source.operation_configured;
}

// Resets the misses of the operation that came before its last success.
void MakeUpForMisses(Database& database, const StoredRun& run) {
  const auto last = LastSuccess(database, run.backup, run.operation);
  if (last) ExpectationStore(database).MakeUp({run.backup, run.operation}, *last);
}

}  // namespace

bool Fold::Apply(const SourceRules& source, FileStep& step) {
  step.refused.clear();
  std::map<Named, RowId> backups;
  for (const Event& event : step.events) {
    if (TraitsOf(event, source).backup != BackupOf::kCreated || backups.contains(event.of)) {
      continue;
    }
    Backups::Answer answer = backups_.Find(source, step, event.of);
    if (!answer.refused.empty()) {
      step.refused = std::move(answer.refused);
      return false;
    }
    backups[event.of] = answer.backup;
  }
  const Time end_by = std::min(step.position.modified, now_);
  PositionStore positions(database_);
  std::optional<Time> before = positions.ModifiedAtEnd(step.position.id);
  positions.Save(source.source, step);
  if (before) before = std::min(*before, end_by);

  ApplyEvents(source, step, backups, before);
  for (const RowId backup : store_.BackupsOf(step.position.id)) {
    const EventContext context{
        .source = source, .step = step, .backup = backup, .end = end_by, .end_by = end_by};
    OnActivity(context);
    OnFileState(context);
  }
  StoreMessages();
  if (step.over) positions.Remove(step.position.id);
  return true;
}

void Fold::ApplyEvents(const SourceRules& source, const FileStep& step,
                       std::map<Named, RowId>& backups, std::optional<Time> before) {
  const Time end_by = std::min(step.position.modified, now_);
  const std::size_t first_dated = FirstDated(source, step);
  const std::size_t newest = NewestEvent(source, step);
  for (std::size_t i = 0; i < step.events.size(); ++i) {
    const Event& event = step.events[i];
    const EventTraits traits = TraitsOf(event, source);
    RowId backup = 0;
    if (traits.backup != BackupOf::kOfFile) {
      if (!backups.contains(event.of)) backups[event.of] = KnownBackup(source, step, event);
      backup = backups.at(event.of);
      if (backup == 0) {
        if (!traits.is_message) ++dropped_;
        continue;
      }
      touched_.insert(backup);
    }
    OnEvent({.source = source,
             .step = step,
             .backup = backup,
             .named = event.of,
             .end = i >= first_dated ? std::optional(end_by) : std::nullopt,
             .end_by = end_by,
             .before = before,
             .newest = i == newest},
            event);
    if (!traits.is_message) before.reset();
  }
}

RowId Fold::KnownBackup(const SourceRules& source, const FileStep& step, const Event& event) {
  return TraitsOf(event, source).backup == BackupOf::kByLabel
             ? backups_.ByName(event.of.label)
             : backups_.Known(source, step, event.of);
}

void Fold::OnEvent(const EventContext& context, const Event& event) {
  const Overloaded handlers{
      [&](const RunStarted& what) { OnStarted(context, what); },
      [&](const RunProgress& what) { OnProgress(context, what); },
      [&](const RunFinished& what) { OnFinished(context, what); },
      [&](const RunWithdrawn&) { OnWithdrawn(context); },
      [&](const ArchiveListed& what) { OnArchiveListed(context, what); },
      [&](const ArchivesCounted& what) {
        SaveListing(database_, context.backup, context.source.source, context.source.complete,
                    what);
      },
      [&](const RepositoryMeasured& what) { OnRepositoryMeasured(context, what); },
      [&](const RunNoted& what) { OnNoted(context, what); },
      [&](const FailedUnnamed& what) { OnFailedUnnamed(context, what); },
      [&](const ExpectationPaused& what) {
        ExpectationStore(database_).SetPause(context.backup, {.operation = what.operation,
                                                              .begins = what.begins,
                                                              .ends = what.ends,
                                                              .reason = what.reason});
      },
  };
  std::visit(handlers, event.what);
}

void Fold::OnStarted(const EventContext& context, const RunStarted& event) {
  const SourceRules& source = context.source;
  Cursor cursor = store_.CursorOf(context.file(), context.backup);
  const Operation operation = event.operation.value_or(source.operation);
  // The open run never reported its end, so its process is gone.
  if (!source.names_backup) Interrupt(cursor.open_run, context.before, context.end_by);
  for (const RowId id : store_.OpenRunsOf(context.backup, source.source, context.path())) {
    const auto open = store_.Find(id);
    if (source.names_backup && open && open->operation != operation) continue;
    Interrupt(id, std::nullopt, context.end_by);
  }
  Settle(cursor.last_run);
  StoredRun run{.backup = context.backup, .operation = operation, .started = event.at};
  store_.Save(run);
  store_.AddSighting(run.id, source.source, context.path());
  store_.SetProgress(run.id, {.active = event.at, .silent = event.may_end_silently});
  notices_.Began(run.id);
  if (event.operation) AddOperation(database_, run.backup, run.operation);
  cursor.open_run = run.id;
  store_.SetCursor(context.file(), context.backup, cursor);
}

void Fold::OnProgress(const EventContext& context, const RunProgress& event) {
  auto run = Find(store_.CursorOf(context.file(), context.backup).open_run);
  if (!run || run->state != RunState::kOpen) return;
  if (event.operation) {
    run->operation = *event.operation;
    store_.Save(*run);
    AddOperation(database_, run->backup, run->operation);
  }
  store_.SetProgress(run->id, {.active = {},
                               .processed_bytes = event.processed_bytes,
                               .expected_bytes = event.expected_bytes,
                               .done = event.done,
                               .silent = event.may_end_silently});
  // Only the newest line of the file was written at the file's modification time.
  if (!context.step.at_end || !context.newest || run->started || !event.elapsed) return;
  run->started = context.end_by - *event.elapsed;
  store_.Save(*run);
}

void Fold::OnWithdrawn(const EventContext& context) {
  const Cursor cursor = store_.CursorOf(context.file(), context.backup);
  if (!cursor.open_run) return;
  const auto run = Find(cursor.open_run);
  if (run && run->state == RunState::kOpen) Remove(*run, std::nullopt);
  // The run before is no longer the last run of this file.
  store_.SetCursor(context.file(), context.backup, {});
}

void Fold::OnFinished(const EventContext& context, const RunFinished& event) {
  Cursor cursor = store_.CursorOf(context.file(), context.backup);
  if (event.of_last_run) {
    if (auto last = Find(cursor.last_run)) MergeEnd(context, event, *last);
    return;
  }
  const EndMatch match = matching_.MatchEnd(context, cursor, event);
  RunFinished end = event;
  if (IsBareExitCode(context, match, event)) {
    // A bare exit code can add to a known run. By itself it can report a failure, but never a
    // success.
    end.figures = {};
    if (!match.of.found() && event.result == RunResult::kSuccess) {
      Settle(cursor.last_run);
      store_.SetCursor(context.file(), context.backup, {});
      return;
    }
    if (!match.of.found() && event.result == RunResult::kWarning) end.result = RunResult::kFailure;
  }
  if (match.own_is_duplicate()) Remove(*match.own, match.of.run);
  StoredRun run = match.of.run.value_or(StoredRun{.backup = context.backup});
  if (cursor.last_run != run.id) Settle(cursor.last_run);
  cursor = {};
  if (!match.of.forgotten) {
    run.operation = match.operation;
    if (!run.started) run.started = match.start;
    MergeEnd(context, end, run);
    matching_.RememberIdentity(event, run);
    cursor.last_run = run.id;
  }
  store_.SetCursor(context.file(), context.backup, cursor);
}

void Fold::OnArchiveListed(const EventContext& context, const ArchiveListed& event) {
  RunFinished end{.operation = Operation::kBackup,
                  .result = RunResult::kSuccess,
                  .evidence = Evidence::kArchive,
                  .start = event.start,
                  .end = event.end.value_or(event.start),
                  .figures = event.figures,
                  .snapshot_id = event.snapshot_id,
                  .final = true};
  if (event.end) end.duration = std::max(*event.end - event.start, Duration(0));
  Lookup lookup = matching_.MatchArchive(context, end, event.among_others);
  if (lookup.forgotten || (!lookup.run && event.among_others)) return;
  StoredRun run = lookup.run.value_or(StoredRun{.backup = context.backup, .started = event.start});
  MergeEnd(context, end, run);
  matching_.RememberIdentity(end, run);
}

void Fold::OnRepositoryMeasured(const EventContext& context, const RepositoryMeasured& event) {
  const SourceRules& source = context.source;
  if (event.of_selection && !source.complete) return;
  std::string name = source.repository;
  if (name.empty()) name = context.named.label;
  if (name.empty()) name = context.named.repository;
  if (!SaveRepository(database_, context.backup, source.source, name, event, context.end_by,
                      backups_.most())) {
    ++dropped_;
  }
}

void Fold::OnNoted(const EventContext& context, const RunNoted& event) {
  const Cursor cursor = store_.CursorOf(context.file(), context.backup);
  const auto run = cursor.open_run ? cursor.open_run : cursor.last_run;
  if (!run || event.message.empty()) return;
  messages_[*run].push_back({.at = event.at,
                             .level = event.level,
                             .text = std::string(CutBytes(event.message, kMostMessage))});
}

void Fold::OnFailedUnnamed(const EventContext& context, const FailedUnnamed& event) {
  std::vector<RowId> backups = backups_.FedBy(context.source, context.step, event.finished);
  const bool all_finished = backups.empty();
  if (all_finished) {
    // The failure applies to the last of these backups. If the file never named a backup, the name
    // comes from the file itself.
    const Named last = event.finished.empty() ? Named{} : event.finished.back();
    const RowId backup = backups_.Find(context.source, context.step, last).backup;
    if (backup == 0) {
      ++dropped_;
      return;
    }
    backups.push_back(backup);
  }
  for (const RowId backup : backups) {
    EventContext one = context;
    one.backup = backup;
    touched_.insert(backup);
    RunFinished end = event.end;
    const bool has_last_run = store_.CursorOf(context.file(), backup).last_run.has_value();
    end.of_last_run = all_finished && !event.finished.empty() && has_last_run;
    OnFinished(one, end);
    for (const RunNoted& note : event.notes) OnNoted(one, note);
  }
}

void Fold::OnActivity(const EventContext& context) {
  if (context.step.counts.records == 0) return;
  const auto run = Find(store_.CursorOf(context.file(), context.backup).open_run);
  if (!run || run->state != RunState::kOpen) return;
  StoredProgress progress = store_.ProgressOf(run->id);
  progress.active = std::max(progress.active.value_or(context.end_by), context.end_by);
  store_.SetProgress(run->id, progress);
  touched_.insert(context.backup);
}

void Fold::OnFileState(const EventContext& context) {
  const FileStep& step = context.step;
  if (!step.at_end && !step.over) return;
  const Cursor cursor = store_.CursorOf(context.file(), context.backup);
  auto last = cursor.open_run ? std::nullopt : Find(cursor.last_run);
  if (last && !last->ended && IsBad(*last->result)) {
    last->ended = last->ended_by;
    store_.Save(*last);
    touched_.insert(context.backup);
  }
  if (step.quiet || step.over) Settle(cursor.last_run);
  if (!step.runs_ended && !step.over) return;
  Interrupt(cursor.open_run, context.end, context.end_by);
  if (!context.source.names_backup) return;
  for (const RowId run : store_.OpenRunsOf(context.backup, context.source.source, context.path())) {
    Interrupt(run, context.end, context.end_by);
  }
}

void Fold::MergeEnd(const EventContext& context, const RunFinished& event, StoredRun& run) {
  Merged merged = Merge(run, event,
                        {.now = now_,
                         .end_by = context.end_by,
                         .end = context.end,
                         .warnings_are_failures = context.source.warnings_are_failures});
  if (merged.ignored) return;
  const bool did_not_count = run.state == RunState::kSettled && run.result &&
                             run.evidence == Evidence::kClaim && IsGood(*run.result) &&
                             ArchivesProve(database_, run.backup, run.operation);
  if (run.state == RunState::kOpen) store_.RemoveProgress(run.id);
  const Figures figures_before = std::exchange(run, std::move(merged.run)).figures;
  store_.Save(run);
  store_.AddSighting(run.id, context.source.source, context.path());
  if (run.ended) store_.BoundEarlier(run, context.source.source, context.path());
  touched_.insert(run.backup);

  if (merged.held_back) ++future_stamps_;
  if (merged.first_result) CountRun(database_, run.backup, run.operation, RunCounter::kRuns);
  if (run.operation == Operation::kBackup) {
    CountFigures(database_, run.backup, figures_before, run.figures);
  }
  if (merged.failed) CountRun(database_, run.backup, run.operation, RunCounter::kFailures);
  if (merged.warned) CountRun(database_, run.backup, run.operation, RunCounter::kWarnings);
  if (merged.revised) {
    StoreMessages();
    notices_.Changed(run);
  } else if (did_not_count && run.evidence != Evidence::kClaim) {
    const bool was_overdue =
        ExpectationStore(database_).MissedInARow({run.backup, run.operation}) > 0;
    MakeUpForMisses(database_, run);
    notices_.Proven(run, was_overdue);
  }
  if (event.final) Settle(run.id);
}

void Fold::Interrupt(std::optional<RowId> id, std::optional<Time> ended, Time ended_by) {
  auto run = Find(id);
  if (!run || run->state != RunState::kOpen) return;
  if (store_.ProgressOf(run->id).silent) {
    // The file would not show a successful end either, so the result is unknown.
    Remove(*run, std::nullopt);
    touched_.insert(run->backup);
    return;
  }
  run->result = RunResult::kInterrupted;
  run->reason = Reason::kInterrupted;
  run->ended = ended;
  run->ended_by = ended.value_or(ended_by);
  if (ended && run->started && *ended >= *run->started) run->duration = *ended - *run->started;
  run->state = RunState::kProvisional;
  store_.Save(*run);
  CountRun(database_, run->backup, run->operation, RunCounter::kRuns);
  SettleNow(*run);
}

void Fold::Settle(std::optional<RowId> id) {
  auto run = Find(id);
  if (!run || run->state != RunState::kProvisional) return;
  if (run->settles_at && *run->settles_at > now_) return;
  SettleNow(*run);
}

void Fold::SettleNow(StoredRun& run) {
  run.state = RunState::kSettled;
  run.settles_at.reset();
  store_.Save(run);
  touched_.insert(run.backup);
  if (IsBad(*run.result)) CountRun(database_, run.backup, run.operation, RunCounter::kFailures);
  if (run.result == RunResult::kWarning) {
    CountRun(database_, run.backup, run.operation, RunCounter::kWarnings);
  }
  if (IsGood(*run.result)) MakeUpForMisses(database_, run);
  StoreMessages();
  notices_.Settled(run);
}

void Fold::ReleaseHeld() {
  for (const RowId run : store_.HeldUntil(now_)) Settle(run);
}

void Fold::Remove(const StoredRun& run, const std::optional<StoredRun>& replacement) {
  if (replacement) {
    std::vector<Message> stored = store_.MessagesOf(run.id);
    auto& messages = messages_[replacement->id];
    messages.insert(messages.begin(), stored.begin(), stored.end());
    std::ranges::move(messages_[run.id], std::back_inserter(messages));
    notices_.Merged(run.id, *replacement);
  } else {
    notices_.Withdrawn(run);
  }
  messages_.erase(run.id);
  store_.Remove(run.id);
}

void Fold::StoreMessages() {
  for (const auto& [run, messages] : messages_) store_.AddMessages(run, messages);
  messages_.clear();
}

std::optional<StoredRun> Fold::Find(const std::optional<RowId>& run) {
  return run ? store_.Find(*run) : std::nullopt;
}

}  // namespace backup_exporter
