#include "ledger/fold.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/utf8.h"
#include "ledger/rules/outcome.h"
#include "ledger/store/counted_runs.h"
#include "ledger/store/expectations.h"

namespace backup_exporter {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

// A stamp further ahead than this is held back until its time has come.
constexpr Duration kFuture = minutes(5);
// Between two records of one run in different files, where one of them has no length.
constexpr Duration kSlack = seconds(10);

// What an event says of the end of a run, whosever it is; nullptr: nothing.
const RunFinished* EndIn(const Event& event) {
  if (const auto* unnamed = std::get_if<FailedUnnamed>(&event.what)) return &unnamed->end;
  return std::get_if<RunFinished>(&event.what);
}

// The file's modification time tells when its last run ended, where that has no clock: from this
// event on. A success is dated only if nothing follows it in the file: what follows without being
// understood may be the failures of a month.
std::size_t FirstDated(const FileStep& step) {
  std::size_t first = step.events.size();
  if (!step.at_end) return first;
  bool sure = false;
  for (std::size_t i = step.events.size(); i-- > 0;) {
    if (std::holds_alternative<RunNoted>(step.events[i].what)) continue;
    const RunFinished* end = EndIn(step.events[i]);
    if (end == nullptr) break;
    first = i;
    sure = sure || IsBad(end->result) || step.events[i].offset == step.last_record;
    if (!end->of_last_run) break;
  }
  return sure ? first : step.events.size();
}

// Ids of 8 hex digits (restic up to 0.14) and of 64 meet by their first 8.
bool SameSnapshot(std::string_view a, std::string_view b) {
  return a.starts_with(b) || b.starts_with(a);
}

}  // namespace

bool Fold::Take(const SourceRules& source, FileStep& step) {
  step.refused.clear();
  std::map<Named, RowId> named;
  for (const Event& event : step.events) {
    const bool names_none = std::holds_alternative<FailedUnnamed>(event.what);
    if (names_none || named.contains(event.of)) continue;
    // What is only noted makes no backup, unless somebody named it names_backup.
    if (std::holds_alternative<RunNoted>(event.what) && !source.names_backup) continue;
    if (std::holds_alternative<ExpectationPaused>(event.what)) continue;
    Backups::Answer answer = backups_.Find(source, step, event.of);
    if (!answer.refused.empty()) {
      step.refused = std::move(answer.refused);
      return false;
    }
    named[event.of] = answer.backup;
  }
  const Time end_by = std::min(step.position.modified, now_);
  std::optional<Time> before = SavePosition(source, step);
  if (before) before = std::min(*before, end_by);

  const std::size_t dated = FirstDated(step);
  for (std::size_t i = 0; i < step.events.size(); ++i) {
    const Event& event = step.events[i];
    const bool note = std::holds_alternative<RunNoted>(event.what);
    if (note && !named.contains(event.of)) {
      named[event.of] = backups_.Known(source, step, event.of);
    }
    if (std::holds_alternative<ExpectationPaused>(event.what)) {
      named.try_emplace(event.of, backups_.ByName(event.of.label));
    }
    const RowId backup = named[event.of];
    const bool names_none = std::holds_alternative<FailedUnnamed>(event.what);
    if (backup == 0 && !names_none) {
      if (!note) ++dropped_;
      continue;
    }
    if (backup != 0) touched_.insert(backup);
    const Place place{.source = source,
                      .step = step,
                      .backup = backup,
                      .of = event.of,
                      .end = i >= dated ? std::optional(end_by) : std::nullopt,
                      .end_by = end_by,
                      .before = before};
    std::visit([&](const auto& what) { Take(place, what); }, event.what);
    if (!note) before.reset();
  }
  for (const RowId backup : store_.BackupsOf(step.position.id)) {
    const Place place{.source = source,
                      .step = step,
                      .backup = backup,
                      .of = {},
                      .end = end_by,
                      .end_by = end_by,
                      .before = {}};
    NoteActivity(place);
    TakeEnd(place);
  }
  StoreNotes();
  if (step.over) {
    SQLite::Statement& remove = database_.Prepare("DELETE FROM files WHERE id=?");
    remove.bind(1, step.position.id);
    remove.exec();
  }
  return true;
}

std::optional<Time> Fold::SavePosition(const SourceRules& source, FileStep& step) {
  FilePosition& position = step.position;
  std::optional<Time> before;
  if (position.id != 0) {
    SQLite::Statement& find =
        database_.Prepare("SELECT modified FROM files WHERE id=? AND at_end=1");
    find.bind(1, position.id);
    if (find.executeStep()) before = Instant(find, 0);
  }
  SQLite::Statement& save = database_.Prepare(
      position.id == 0
          ? "INSERT INTO files(source,path,device,inode,offset,prefix_crc,modified,at_end,"
            "decoder_state) VALUES(?,?,?,?,?,?,?,?,?)"
          : "UPDATE files SET source=?,path=?,device=?,inode=?,offset=?,prefix_crc=?,modified=?,"
            "at_end=?,decoder_state=? WHERE id=?");
  save.bind(1, source.source);
  save.bind(2, position.path);
  // Device and inode numbers use all 64 bits; they are kept bit for bit.
  save.bind(3, static_cast<std::int64_t>(position.device));
  save.bind(4, static_cast<std::int64_t>(position.inode));
  save.bind(5, static_cast<std::int64_t>(position.offset));
  save.bind(6, static_cast<std::int64_t>(position.prefix_crc));
  Bind(save, 7, std::optional(position.modified));
  save.bind(8, step.at_end ? 1 : 0);
  save.bind(9, step.decoder_state);
  if (position.id != 0) save.bind(10, position.id);
  save.exec();
  if (position.id == 0) position.id = database_.handle().getLastInsertRowid();
  return before;
}

void Fold::Take(const Place& place, const RunStarted& event) {
  Cursor cursor = store_.CursorOf(place.step.position.id, place.backup);
  const Operation operation = event.operation.value_or(place.source.operation);
  // The one before has no end: whatever it was, its process is gone.
  if (!place.source.names_backup) Interrupt(cursor.open_run, place.before, place.end_by);
  for (const RowId id :
       store_.OpenRunsOf(place.backup, place.source.source, place.step.position.path)) {
    const auto open = store_.Find(id);
    if (place.source.names_backup && open && open->operation != operation) continue;
    Interrupt(id, std::nullopt, place.end_by);
  }
  Settle(cursor.last_run);
  StoredRun run{.backup = place.backup, .operation = operation, .started = event.at};
  store_.Save(run);
  store_.AddSighting(run.id, place.source.source, place.step.position.path);
  store_.SetProgress(run.id, {.active = event.at, .silent = event.may_end_silently});
  notices_.Began(run.id);
  if (event.operation) CountRun(run, "");
  cursor.open_run = run.id;
  store_.SetCursor(place.step.position.id, place.backup, cursor);
}

void Fold::Take(const Place& place, const RunProgress& event) {
  const Cursor cursor = store_.CursorOf(place.step.position.id, place.backup);
  auto run = cursor.open_run ? store_.Find(*cursor.open_run) : std::nullopt;
  if (!run || run->state != RunState::kOpen) return;
  if (event.operation) {
    run->operation = *event.operation;
    store_.Save(*run);
    CountRun(*run, "");
  }
  store_.SetProgress(run->id, {.active = {},
                               .processed_bytes = event.processed_bytes,
                               .expected_bytes = event.expected_bytes,
                               .done = event.done,
                               .silent = event.may_end_silently});
  // Only the file's newest line tells the time by the file's.
  const auto& events = place.step.events;
  const auto last = std::find_if(events.rbegin(), events.rend(), [](const Event& one) {
    return !std::holds_alternative<RunNoted>(one.what);
  });
  const bool newest = place.step.at_end && &event == std::get_if<RunProgress>(&last->what);
  if (!newest || run->started || !event.elapsed) return;
  run->started = place.end_by - *event.elapsed;
  store_.Save(*run);
}

void Fold::Take(const Place& place, const RunWithdrawn&) {
  Cursor cursor = store_.CursorOf(place.step.position.id, place.backup);
  if (!cursor.open_run) return;
  const auto run = store_.Find(*cursor.open_run);
  if (run && run->state == RunState::kOpen) Remove(*run, std::nullopt);
  // The run before is no longer the last thing that this file tells.
  cursor = {};
  store_.SetCursor(place.step.position.id, place.backup, cursor);
}

void Fold::Take(const Place& place, const RunFinished& event) {
  Cursor cursor = store_.CursorOf(place.step.position.id, place.backup);
  if (event.of_last_run) {
    auto run = cursor.last_run ? store_.Find(*cursor.last_run) : std::nullopt;
    if (run) Merge(place, event, *run);
    return;
  }
  auto own = OpenRun(place, cursor, event.operation);
  const Operation operation =
      event.operation.value_or(own ? own->operation : place.source.operation);
  const std::optional<Time> end = event.end ? event.end : place.end;
  std::optional<Time> start = event.start;
  if (!start && end && event.duration) start = *end - *event.duration;
  if (!start && own) start = own->started;
  // Its process was seen to be gone, and what is told now began after that.
  if (own && own->state != RunState::kOpen && own->ended && start > own->ended) own.reset();

  std::optional<StoredRun> run = ByIdentity(place.backup, operation, event.snapshot_id, event.end);
  if (!run && event.guessed && event.start) {
    const auto dead = store_.FoundDead(place.backup, operation, *event.start, place.source.source,
                                       place.step.position.path);
    if (dead) run = store_.Find(*dead);
  }
  // Another file may have told the end of the run that this one had open.
  if (!run && own && own->state != RunState::kOpen) run = own;
  if (!run) run = ByOverlap(place, operation, start, end, event.snapshot_id);
  if (!run) run = own;
  // An exit code alone does not say of what it is. It may tell more of a run that is known.
  const bool of_anything = event.evidence == Evidence::kExitCode && !event.operation && !own &&
                           !place.source.operation_configured;
  RunFinished told = event;
  if (of_anything) told.figures = {};
  if (of_anything && !run) {
    if (event.result == RunResult::kSuccess) {
      Settle(cursor.last_run);
      store_.SetCursor(place.step.position.id, place.backup, {});
      return;
    }
    if (event.result == RunResult::kWarning) told.result = RunResult::kFailure;
  }
  const bool is_other = own && own->state == RunState::kOpen && (!run || run->id != own->id);
  if (is_other) Remove(*own, run);
  if (!run) run = StoredRun{.backup = place.backup};
  if (cursor.last_run != run->id) Settle(cursor.last_run);
  cursor = {};

  const bool forgotten = run->id == 0 && run->backup == 0;
  if (!forgotten) {
    run->operation = operation;
    if (!run->started) run->started = start;
    Merge(place, told, *run);
    RememberIdentity(event, *run);
    cursor.last_run = run->id;
  }
  store_.SetCursor(place.step.position.id, place.backup, cursor);
}

void Fold::Take(const Place& place, const ArchiveListed& event) {
  RunFinished end{.operation = Operation::kBackup,
                  .result = RunResult::kSuccess,
                  .evidence = Evidence::kArchive,
                  .start = event.start,
                  .end = event.end.value_or(event.start),
                  .figures = event.figures,
                  .snapshot_id = event.snapshot_id,
                  .final = true};
  if (event.end) end.duration = std::max(*event.end - event.start, Duration(0));
  std::optional<StoredRun> run =
      ByIdentity(place.backup, Operation::kBackup, event.snapshot_id, std::nullopt);
  if (!run && event.among_others) return;
  if (!run) run = ByOverlap(place, Operation::kBackup, event.start, end.end, event.snapshot_id);
  if (!run) run = StoredRun{.backup = place.backup, .started = event.start};
  if (run->backup == 0) return;
  Merge(place, end, *run);
  RememberIdentity(end, *run);
}

void Fold::Take(const Place& place, const ArchivesCounted& event) {
  SQLite::Statement& save = database_.Prepare(
      place.source.complete
          ? "INSERT INTO listings(backup,archives,oldest,newest,source) VALUES(?,?,?,?,?5) ON "
            "CONFLICT(backup) DO UPDATE SET archives=excluded.archives,oldest=excluded.oldest,"
            "newest=excluded.newest,source=excluded.source"
          : "INSERT INTO listings(backup,newest,source) VALUES(?1,?4,?5) ON CONFLICT(backup) DO "
            "UPDATE SET "
            "newest=max(coalesce(newest,excluded.newest),coalesce(excluded.newest,newest))");
  save.bind(1, place.backup);
  save.bind(5, place.source.source);
  if (place.source.complete) {
    Bind(save, 2, std::optional(event.archives));
    Bind(save, 3, event.oldest);
  }
  Bind(save, 4, event.newest);
  save.exec();
}

void Fold::Take(const Place& place, const RepositoryMeasured& event) {
  if (event.of_selection && !place.source.complete) return;
  std::string name = place.source.repository;
  if (name.empty()) name = place.of.label;
  if (name.empty()) name = place.of.repository;
  SQLite::Statement& save = database_.Prepare(
      "INSERT INTO repositories(source,name,stored,original,told) "
      "SELECT ?1, iif(?2='',name,?2), ?3, ?4, ?5 FROM backups WHERE id=?6 AND "
      "(SELECT count(*) FROM repositories)<?7 "
      "ON CONFLICT(source,name) DO UPDATE SET stored=coalesce(excluded.stored,stored),"
      "original=coalesce(excluded.original,original),told=excluded.told");
  save.bind(1, place.source.source);
  save.bind(2, name);
  Bind(save, 3, event.stored_bytes);
  Bind(save, 4, event.original_bytes);
  Bind(save, 5, std::optional(place.end_by));
  save.bind(6, place.backup);
  save.bind(7, static_cast<std::int64_t>(backups_.most()));
  if (save.exec() == 0) ++dropped_;
}

void Fold::Take(const Place& place, const RunNoted& event) {
  const Cursor cursor = store_.CursorOf(place.step.position.id, place.backup);
  const auto run = cursor.open_run ? cursor.open_run : cursor.last_run;
  if (!run || event.message.empty()) return;
  noted_[*run].push_back({.at = event.at,
                          .level = event.level,
                          .text = std::string(CutBytes(event.message, kMostMessage))});
}

void Fold::Take(const Place& place, const ExpectationPaused& event) {
  ExpectationStore(database_).SetPause(place.backup, {.operation = event.operation,
                                                      .begins = event.begins,
                                                      .ends = event.ends,
                                                      .reason = event.reason});
}

void Fold::StoreNotes() {
  for (const auto& [run, messages] : noted_) store_.AddMessages(run, messages);
  noted_.clear();
}

void Fold::Remove(const StoredRun& run, const std::optional<StoredRun>& is) {
  if (is && is->id != 0) {
    std::vector<Message> messages = store_.MessagesOf(run.id);
    auto& noted = noted_[is->id];
    noted.insert(noted.begin(), messages.begin(), messages.end());
    std::ranges::move(noted_[run.id], std::back_inserter(noted));
    notices_.Merged(run.id, *is);
  } else {
    notices_.Withdrawn(run);
  }
  noted_.erase(run.id);
  store_.Remove(run.id);
}

void Fold::Take(const Place& place, const FailedUnnamed& event) {
  std::vector<RowId> backups = backups_.FedBy(place.source, place.step, event.finished);
  const bool all_finished = backups.empty();
  if (all_finished) {
    // Of the last one; where none was ever named, the file's own name has to do.
    const Named last = event.finished.empty() ? Named{} : event.finished.back();
    const Backups::Answer answer = backups_.Find(place.source, place.step, last);
    if (answer.backup == 0) {
      ++dropped_;
      return;
    }
    backups.push_back(answer.backup);
  }
  for (const RowId backup : backups) {
    Place one = place;
    one.backup = backup;
    touched_.insert(backup);
    RunFinished end = event.end;
    const bool was_told = store_.CursorOf(place.step.position.id, backup).last_run.has_value();
    end.of_last_run = all_finished && !event.finished.empty() && was_told;
    Take(one, end);
    for (const RunNoted& note : event.notes) Take(one, note);
  }
}

std::optional<StoredRun> Fold::OpenRun(const Place& place, const Cursor& cursor,
                                       std::optional<Operation> operation) {
  if (!place.source.names_backup) {
    return cursor.open_run ? store_.Find(*cursor.open_run) : std::nullopt;
  }
  for (const RowId id :
       store_.OpenRunsOf(place.backup, place.source.source, place.step.position.path)) {
    auto run = store_.Find(id);
    if (run && (!operation || run->operation == *operation)) return run;
  }
  return std::nullopt;
}

void Fold::NoteActivity(const Place& place) {
  if (place.step.counts.records == 0) return;
  const Cursor cursor = store_.CursorOf(place.step.position.id, place.backup);
  const auto run = cursor.open_run ? store_.Find(*cursor.open_run) : std::nullopt;
  if (!run || run->state != RunState::kOpen) return;
  StoredProgress progress = store_.ProgressOf(run->id);
  progress.active = std::max(progress.active.value_or(place.end_by), place.end_by);
  store_.SetProgress(run->id, progress);
  touched_.insert(place.backup);
}

void Fold::TakeEnd(const Place& place) {
  const FileStep& step = place.step;
  if (!step.at_end && !step.over) return;
  const Cursor cursor = store_.CursorOf(step.position.id, place.backup);
  auto last = cursor.last_run && !cursor.open_run ? store_.Find(*cursor.last_run) : std::nullopt;
  if (last && !last->ended && IsBad(*last->result)) {
    last->ended = last->ended_by;
    store_.Save(*last);
    touched_.insert(place.backup);
  }
  if (step.quiet || step.over) Settle(cursor.last_run);
  if (!step.writer_gone && !step.over) return;
  Interrupt(cursor.open_run, place.end, place.end_by);
  if (!place.source.names_backup) return;
  for (const RowId run : store_.OpenRunsOf(place.backup, place.source.source, step.position.path)) {
    Interrupt(run, place.end, place.end_by);
  }
}

std::optional<StoredRun> Fold::ByIdentity(RowId backup, Operation operation,
                                          const std::string& snapshot_id, std::optional<Time> end) {
  std::string key;
  if (!snapshot_id.empty()) {
    key = "id:" + snapshot_id.substr(0, 8);
  } else if (end) {
    key = fmt::format("end:{}", end->time_since_epoch().count());
  } else {
    return std::nullopt;
  }
  for (;;) {
    RowId id = 0;
    switch (store_.FindIdentity(backup, operation, key, &id)) {
      case RunStore::Known::kNo:
        return std::nullopt;
      case RunStore::Known::kForgotten:
        return StoredRun{};
      case RunStore::Known::kYes:
        break;
    }
    auto run = store_.Find(id);
    if (snapshot_id.empty() || SameSnapshot(run->snapshot_id, snapshot_id)) return run;
    // Two snapshots share their first digits: the second goes by its whole id.
    if (key == "id:" + snapshot_id) return run;
    key = "id:" + snapshot_id;
  }
}

std::optional<StoredRun> Fold::ByOverlap(const Place& place, Operation operation,
                                         std::optional<Time> start, std::optional<Time> end,
                                         const std::string& snapshot_id) {
  if (!end) return std::nullopt;
  const StoredRun seen{.backup = place.backup,
                       .operation = operation,
                       .started = start,
                       .ended = end,
                       .snapshot_id = snapshot_id};
  const auto id = store_.Overlapping(seen, place.source.source, place.step.position.path,
                                     place.source.names_backup, kSlack);
  return id ? store_.Find(*id) : std::nullopt;
}

void Fold::RememberIdentity(const RunFinished& event, const StoredRun& run) {
  if (!event.snapshot_id.empty()) {
    const std::string key = "id:" + event.snapshot_id.substr(0, 8);
    RowId holder = 0;
    const bool taken =
        store_.FindIdentity(run.backup, run.operation, key, &holder) == RunStore::Known::kYes &&
        holder != run.id;
    store_.AddIdentity(run.backup, run.operation, taken ? "id:" + event.snapshot_id : key, run.id);
  } else if (event.end) {
    store_.AddIdentity(run.backup, run.operation,
                       fmt::format("end:{}", event.end->time_since_epoch().count()), run.id);
  }
}

void Fold::Merge(const Place& place, const RunFinished& event, StoredRun& run) {
  const bool first = !run.result.has_value();
  RunResult result = event.result;
  if (result == RunResult::kWarning && place.source.warnings_are_failures)
    result = RunResult::kFailure;
  const RunState before = run.state;
  const std::optional<RunResult> result_before = run.result;
  const bool inferred = run.result && !run.evidence;
  if (inferred && event.guessed && result <= *run.result) return;
  MergeResult(event, result, run);

  std::optional<Time> end = event.end ? event.end : place.end;
  // What is settled cannot be held back any more.
  if (before == RunState::kSettled && end > now_ + kFuture) end.reset();
  if (inferred && end) {
    run.ended.reset();
    run.duration.reset();
  }
  // A listing knows only when an archive was begun.
  const bool point = run.ended && run.ended == run.started;
  if (!run.ended || (point && end > run.ended)) run.ended = end;
  if (!run.started) run.started = event.start;
  if (!run.duration) run.duration = event.duration;
  run.ended_by = run.ended ? run.ended : std::optional(run.ended_by.value_or(place.end_by));
  if (event.snapshot_id.size() > run.snapshot_id.size()) run.snapshot_id = event.snapshot_id;
  const Figures figures_before = run.figures;
  for (const FigureField& field : kFigureFields) {
    auto& figure = run.figures.*field.member;
    if (!figure) figure = event.figures.*field.member;
  }
  if (run.state == RunState::kOpen) {
    run.state = RunState::kProvisional;
    store_.RemoveProgress(run.id);
  }
  HoldBackFuture(place, run);
  if (run.started > run.ended_by) run.started.reset();
  // Two records may tell of both ends.
  if (!run.duration && run.started && run.ended > run.started) {
    run.duration = *run.ended - *run.started;
  }
  store_.Save(run);
  store_.AddSighting(run.id, place.source.source, place.step.position.path);
  if (run.ended) store_.BoundEarlier(run, place.source.source, place.step.position.path);
  touched_.insert(run.backup);

  if (first) CountRun(run, "runs");
  if (run.operation == Operation::kBackup) CountFigures(run.backup, figures_before, run.figures);
  if (before == RunState::kSettled && run.result != result_before) {
    if (IsBad(*run.result) && !(result_before && IsBad(*result_before))) CountRun(run, "failures");
    if (run.result == RunResult::kWarning) CountRun(run, "warnings");
    StoreNotes();
    notices_.Changed(run);
  }
  if (event.final) Settle(run.id);
}

void Fold::MergeResult(const RunFinished& event, RunResult result, StoredRun& run) {
  // An inferred end had no evidence; the first record of the end outdoes it. After that only worse
  // news changes a verdict.
  const bool worse = !run.result || !run.evidence || result > *run.result;
  if (worse) {
    run.result = result;
    run.reason = event.reason;
    if (!event.message.empty()) run.message = event.message.substr(0, kMostMessage);
  } else if (!run.reason && result == *run.result) {
    run.reason = event.reason;
  }
  if (worse || !run.exit_code) run.exit_code = event.exit_code ? event.exit_code : run.exit_code;
  run.evidence = std::max(run.evidence.value_or(event.evidence), event.evidence);
}

void Fold::HoldBackFuture(const Place& place, StoredRun& run) {
  if (run.state == RunState::kSettled || !run.ended || *run.ended <= now_ + kFuture) return;
  if (!run.settles_at) ++future_stamps_;
  run.settles_at = *run.ended - kFuture;
  if (!IsBad(*run.result)) return;
  // Bad news does not wait: what can be read has happened.
  run.ended = run.ended_by = place.end_by;
  run.settles_at.reset();
}

void Fold::Interrupt(std::optional<RowId> id, std::optional<Time> ended, Time ended_by) {
  auto run = id ? store_.Find(*id) : std::nullopt;
  if (!run || run->state != RunState::kOpen) return;
  if (store_.ProgressOf(run->id).silent) {
    // It may as well have ended.
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
  CountRun(*run, "runs");
  SettleNow(*run);
}

void Fold::Settle(std::optional<RowId> id) {
  auto run = id ? store_.Find(*id) : std::nullopt;
  if (!run || run->state != RunState::kProvisional) return;
  if (run->settles_at && *run->settles_at > now_) return;
  SettleNow(*run);
}

void Fold::SettleNow(StoredRun& run) {
  run.state = RunState::kSettled;
  run.settles_at.reset();
  store_.Save(run);
  touched_.insert(run.backup);
  if (IsBad(*run.result)) CountRun(run, "failures");
  if (run.result == RunResult::kWarning) CountRun(run, "warnings");
  if (IsGood(*run.result)) {
    const auto last = LastSuccess(database_, run.backup, run.operation);
    if (last) ExpectationStore(database_).MakeUp({run.backup, run.operation}, *last);
  }
  StoreNotes();
  notices_.Settled(run);
}

void Fold::ReleaseHeld() {
  SQLite::Statement& held =
      database_.Prepare("SELECT id FROM runs WHERE state='provisional' AND settles_at<=?");
  Bind(held, 1, std::optional(now_));
  std::vector<RowId> due;
  while (held.executeStep()) due.push_back(held.getColumn(0).getInt64());
  for (const RowId run : due) Settle(run);
}

// An empty column only makes the operation known.
void Fold::CountRun(const StoredRun& run, std::string_view column) {
  SQLite::Statement& totals = database_.Prepare(
      "INSERT INTO totals(backup,operation,runs,failures,warnings) "
      "VALUES(?1,?2,?3='runs',?3='failures',"
      "?3='warnings') ON CONFLICT(backup,operation) DO UPDATE SET runs=runs+excluded.runs,"
      "failures=failures+excluded.failures,warnings=warnings+excluded.warnings");
  totals.bind(1, run.backup);
  Bind(totals, 2, Name(run.operation));
  Bind(totals, 3, column);
  totals.exec();
}

void Fold::CountFigures(RowId backup, const Figures& before, const Figures& after) {
  const auto learned = [](const std::optional<std::uint64_t>& old,
                          const std::optional<std::uint64_t>& now) {
    return old ? std::optional<std::uint64_t>(0) : std::optional<std::uint64_t>(now.value_or(0));
  };
  SQLite::Statement& totals = database_.Prepare(
      "UPDATE backups SET added_bytes=added_bytes+?,added_stored_bytes=added_stored_bytes+?,"
      "processed_bytes=processed_bytes+? WHERE id=?");
  Bind(totals, 1, learned(before.added_bytes, after.added_bytes));
  Bind(totals, 2, learned(before.added_stored_bytes, after.added_stored_bytes));
  Bind(totals, 3, learned(before.processed_bytes, after.processed_bytes));
  totals.bind(4, backup);
  totals.exec();
}

}  // namespace backup_exporter
