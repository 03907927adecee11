#include "ledger/run_matching.h"

#include <fmt/format.h>

#include <string_view>

namespace backup_exporter {
namespace {

// Largest distance between two records of one run in different files, if one of them has no
// duration.
constexpr Duration kMostApart = std::chrono::seconds(10);

// Digits of a snapshot id that identify it, unless two snapshots share them. restic up to 0.14
// prints 8 hex digits, later versions 64.
constexpr std::size_t kShortId = 8;

bool IsSameSnapshot(std::string_view a, std::string_view b) {
  return a.starts_with(b) || b.starts_with(a);
}

std::string KeyOfId(std::string_view snapshot_id) { return fmt::format("id:{}", snapshot_id); }

std::string KeyOfShortId(std::string_view snapshot_id) {
  return KeyOfId(snapshot_id.substr(0, kShortId));
}

std::string KeyOfEnd(Time end) { return fmt::format("end:{}", end.time_since_epoch().count()); }

}  // namespace

EndMatch RunMatching::MatchEnd(const EventContext& context, const Cursor& cursor,
                               const RunFinished& event) {
  EndMatch match{.own = StartedInFile(context, cursor, event.operation)};
  std::optional<StoredRun>& own = match.own;
  match.operation = event.operation.value_or(own ? own->operation : context.source.operation);
  const std::optional<Time> end = event.end ? event.end : context.end;
  match.start = event.start;
  if (!match.start && end && event.duration) match.start = *end - *event.duration;
  if (!match.start && own) match.start = own->started;
  // The file's run was over before this one started.
  if (own && own->state != RunState::kOpen && own->ended && match.start > own->ended) own.reset();

  match.of = ByIdentity(context.backup, match.operation, event.snapshot_id, event.end);
  if (match.of.found()) return match;
  std::optional<StoredRun>& run = match.of.run;
  run = FoundDead(context, match.operation, event);
  // Another file may have reported the end of the run that this one started.
  if (!run && own && own->state != RunState::kOpen) run = own;
  if (!run) run = ByOverlap(context, match.operation, match.start, end, event.snapshot_id);
  if (!run) run = own;
  return match;
}

Lookup RunMatching::MatchArchive(const EventContext& context, const RunFinished& end,
                                 bool among_others) {
  Lookup lookup =
      ByIdentity(context.backup, Operation::kBackup, end.snapshot_id, /*end=*/std::nullopt);
  if (lookup.found() || among_others) return lookup;
  lookup.run = ByOverlap(context, Operation::kBackup, end.start, end.end, end.snapshot_id);
  return lookup;
}

void RunMatching::RememberIdentity(const RunFinished& event, const StoredRun& run) {
  if (!event.snapshot_id.empty()) {
    const std::string key = KeyOfShortId(event.snapshot_id);
    RowId holder = 0;
    const bool taken =
        store_.FindIdentity(run.backup, run.operation, key, &holder) == RunStore::Known::kYes &&
        holder != run.id;
    store_.AddIdentity(run.backup, run.operation, taken ? KeyOfId(event.snapshot_id) : key, run.id);
  } else if (event.end) {
    store_.AddIdentity(run.backup, run.operation, KeyOfEnd(*event.end), run.id);
  }
}

std::optional<StoredRun> RunMatching::StartedInFile(const EventContext& context,
                                                    const Cursor& cursor,
                                                    std::optional<Operation> operation) {
  if (!context.source.names_backup) {
    return cursor.open_run ? store_.Find(*cursor.open_run) : std::nullopt;
  }
  // Such a source has one open run for each operation.
  for (const RowId id : store_.OpenRunsOf(context.backup, context.source.source, context.path())) {
    auto run = store_.Find(id);
    if (run && (!operation || run->operation == *operation)) return run;
  }
  return std::nullopt;
}

Lookup RunMatching::ByIdentity(RowId backup, Operation operation, const std::string& snapshot_id,
                               std::optional<Time> end) {
  if (snapshot_id.empty() && !end) return {};
  std::string key = snapshot_id.empty() ? KeyOfEnd(*end) : KeyOfShortId(snapshot_id);
  for (;;) {
    RowId id = 0;
    switch (store_.FindIdentity(backup, operation, key, &id)) {
      case RunStore::Known::kNo:
        return {};
      case RunStore::Known::kForgotten:
        return {.forgotten = true};
      case RunStore::Known::kYes:
        break;
    }
    auto run = store_.Find(id);
    const std::string whole_key = KeyOfId(snapshot_id);
    const bool is_same =
        snapshot_id.empty() || key == whole_key || IsSameSnapshot(run->snapshot_id, snapshot_id);
    if (is_same) return {.run = std::move(run)};
    // Two snapshots share their first digits: the second is stored under its whole id.
    key = whole_key;
  }
}

std::optional<StoredRun> RunMatching::FoundDead(const EventContext& context, Operation operation,
                                                const RunFinished& event) {
  if (!event.guessed || !event.start) return std::nullopt;
  const auto id = store_.FoundDead(context.backup, operation, *event.start, context.source.source,
                                   context.path());
  return id ? store_.Find(*id) : std::nullopt;
}

std::optional<StoredRun> RunMatching::ByOverlap(const EventContext& context, Operation operation,
                                                std::optional<Time> start, std::optional<Time> end,
                                                const std::string& snapshot_id) {
  if (!end) return std::nullopt;
  const StoredRun seen{.backup = context.backup,
                       .operation = operation,
                       .started = start,
                       .ended = end,
                       .snapshot_id = snapshot_id};
  const auto id = store_.Overlapping(seen, context.source.source, context.path(),
                                     context.source.names_backup, kMostApart);
  return id ? store_.Find(*id) : std::nullopt;
}

}  // namespace backup_exporter
