#include "ledger/store/runs.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <set>
#include <tuple>

namespace backup_exporter {
namespace {

constexpr std::size_t kMostMessages = 1000;  // of one run
constexpr std::size_t kMostMessageBytes = 64 << 10;

// The columns of `runs` after the id, in the order of Columns().
constexpr const char* kColumns =
    "backup,operation,state,started,ended,ended_by,settles_at,duration,result,evidence,exit_code,"
    "reason,snapshot_id,message,added_bytes,added_stored_bytes,processed_bytes,processed_files,"
    "files_new,files_changed,files_unmodified,directories_new,directories_changed,"
    "directories_unmodified,errors";

// References to the members of a run, in the order of kColumns.
template <typename Run>
auto Columns(Run& run) {
  return std::apply(
      [&](const auto&... figure) {
        return std::tie(run.backup, run.operation, run.state, run.started, run.ended, run.ended_by,
                        run.settles_at, run.duration, run.result, run.evidence, run.exit_code,
                        run.reason, run.snapshot_id, run.message, (run.figures.*figure.member)...);
      },
      kFigureFields);
}

std::string Placeholders() {
  const auto columns = std::count(kColumns, kColumns + std::string_view(kColumns).size(), ',') + 1;
  std::string placeholders = "?";
  for (auto i = columns; i > 1; --i) placeholders += ",?";
  return placeholders;
}

}  // namespace

std::string_view Name(RunState state) {
  constexpr std::array<std::string_view, 3> kNames{"open", "provisional", "settled"};
  return kNames[static_cast<std::size_t>(state)];
}

void RunStore::Save(StoredRun& run) {
  static const std::string kInsert =
      fmt::format("INSERT INTO runs({}) VALUES({})", kColumns, Placeholders());
  static const std::string kUpdate =
      fmt::format("UPDATE runs SET ({})=({}) WHERE id=?", kColumns, Placeholders());
  std::apply(
      [&](const auto&... column) {
        run.id == 0 ? database_.Run(kInsert, column...) : database_.Run(kUpdate, column..., run.id);
      },
      Columns(run));
  if (run.id == 0) run.id = database_.LastInserted();
}

std::optional<StoredRun> RunStore::Find(RowId id) {
  static const std::string kSelect = fmt::format("SELECT {} FROM runs WHERE id=?", kColumns);
  StoredRun run{.id = id};
  if (!database_.ReadInto(Columns(run), kSelect, id)) return std::nullopt;
  return run;
}

void RunStore::Remove(RowId run) { database_.Run("DELETE FROM runs WHERE id=?", run); }

StoredProgress RunStore::ProgressOf(RowId run) {
  StoredProgress progress;
  static_cast<void>(database_.ReadInto(
      std::tie(progress.active, progress.processed_bytes, progress.expected_bytes, progress.done,
               progress.silent),
      "SELECT active,processed,expected,done,silent FROM progress WHERE run=?", run));
  return progress;
}

void RunStore::SetProgress(RowId run, const StoredProgress& progress) {
  database_.Run(
      "INSERT INTO progress(run,active,processed,expected,done,silent) VALUES(?,?,?,?,?,?) ON "
      "CONFLICT(run) DO UPDATE SET active=coalesce(excluded.active,active),"
      "processed=coalesce(excluded.processed,processed),"
      "expected=coalesce(excluded.expected,expected),done=coalesce(excluded.done,done),"
      "silent=excluded.silent",
      run, progress.active, progress.processed_bytes, progress.expected_bytes, progress.done,
      progress.silent);
}

void RunStore::RemoveProgress(RowId run) { database_.Run("DELETE FROM progress WHERE run=?", run); }

Cursor RunStore::CursorOf(RowId file, RowId backup) {
  Cursor cursor;
  static_cast<void>(database_.ReadInto(
      std::tie(cursor.open_run, cursor.last_run),
      "SELECT open_run,last_run FROM cursors WHERE file=? AND backup=?", file, backup));
  return cursor;
}

void RunStore::SetCursor(RowId file, RowId backup, const Cursor& cursor) {
  database_.Run(
      "INSERT INTO cursors(file,backup,open_run,last_run) VALUES(?,?,?,?) ON CONFLICT(file,backup) "
      "DO UPDATE SET open_run=excluded.open_run, last_run=excluded.last_run",
      file, backup, cursor.open_run, cursor.last_run);
}

std::vector<RowId> RunStore::BackupsOf(RowId file) {
  std::vector<RowId> backups;
  for (const RowId backup :
       database_.Rows<RowId>("SELECT backup FROM cursors WHERE file=? ORDER BY backup", file)) {
    backups.push_back(backup);
  }
  return backups;
}

void RunStore::AddSighting(RowId run, const std::string& source, const std::string& path) {
  database_.Run("INSERT OR IGNORE INTO sightings(run,source,path) VALUES(?,?,?)", run, source,
                path);
}

std::optional<RowId> RunStore::Overlapping(const StoredRun& seen, const std::string& source,
                                           const std::string& path, bool names_backup,
                                           Duration slack) {
  // A run without a start is a point; one that ended at an unknown time overlaps nothing.
  return database_.Row<RowId>(
      "SELECT id FROM ("
      "  SELECT id, coalesce(started, ended) AS start, ended, snapshot_id FROM runs"
      "    WHERE backup=?1 AND operation=?2 AND ended >= ?5-?7 AND coalesce(started, ended) <= "
      "?6+?7"
      "  UNION ALL SELECT id, started, NULL, snapshot_id FROM runs"
      "    WHERE backup=?1 AND operation=?2 AND state='open' AND started IS NOT NULL) AS other "
      "WHERE start <= ?6 + CASE WHEN ?5=?6 OR start=ended THEN ?7 ELSE 0 END "
      "AND (ended IS NULL OR ended >= ?5 - CASE WHEN ?5=?6 OR start=ended THEN ?7 ELSE 0 END) "
      "AND (snapshot_id='' OR ?8='') "
      "AND NOT EXISTS(SELECT 1 FROM sightings WHERE run=other.id AND source=?3 "
      "AND (path=?4 OR (?9 AND other.ended IS NOT NULL))) "
      "ORDER BY ended IS NULL, abs(ended-?6), id DESC LIMIT 1",
      seen.backup, seen.operation, source, path, seen.started ? seen.started : seen.ended,
      seen.ended, slack, seen.snapshot_id, names_backup);
}

std::optional<RowId> RunStore::FoundDead(RowId backup, Operation operation, Time started,
                                         const std::string& source, const std::string& path) {
  return database_.Row<RowId>(
      "SELECT id FROM runs JOIN sightings ON run=id WHERE backup=? AND operation=? AND started=? "
      "AND state='settled' AND evidence IS NULL AND source=? AND path=?",
      backup, operation, started, source, path);
}

std::vector<RowId> RunStore::OpenRunsOf(RowId backup, const std::string& source,
                                        const std::string& path) {
  std::vector<RowId> runs;
  for (const RowId run : database_.Rows<RowId>(
           "SELECT id FROM runs JOIN sightings ON run=id WHERE state='open' AND backup=? AND "
           "source=? AND path=?",
           backup, source, path)) {
    runs.push_back(run);
  }
  return runs;
}

std::vector<RowId> RunStore::HeldUntil(Time now) {
  std::vector<RowId> runs;
  for (const RowId run : database_.Rows<RowId>(
           "SELECT id FROM runs WHERE state='provisional' AND settles_at<=?", now)) {
    runs.push_back(run);
  }
  return runs;
}

std::optional<RowId> RunStore::Running(RowId backup, Operation operation) {
  return database_.Row<RowId>(
      "SELECT id FROM runs WHERE backup=? AND operation=? AND state='open' ORDER BY started DESC, "
      "id DESC LIMIT 1",
      backup, operation);
}

std::optional<Time> RunStore::LastStart(RowId backup, Operation operation) {
  return database_.Row<std::optional<Time>>(
      "SELECT max(started) FROM runs WHERE backup=? AND operation=? AND settles_at IS NULL", backup,
      operation);
}

void RunStore::AddMessages(RowId run, const std::vector<Message>& messages) {
  std::vector<RowId> rows;
  std::vector<Message> all = MessagesOf(run, &rows);
  const auto key = [](const Message& message) {
    return std::tuple(message.at, message.level, message.text);
  };
  std::set<std::tuple<std::optional<Time>, Level, std::string>> known;
  std::ranges::transform(all, std::inserter(known, known.end()), key);
  for (const Message& message : messages) {
    if (known.insert(key(message)).second) all.push_back(message);
  }

  std::vector<MessageWeight> weights;
  for (const Message& message : all) weights.push_back({message.level, message.text.size()});
  std::vector<bool> dropped(all.size());
  for (const std::size_t i : MessagesToDrop(weights, kMostMessages, kMostMessageBytes)) {
    dropped[i] = true;
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i < rows.size() && dropped[i]) {
      database_.Run("DELETE FROM messages WHERE id=?", rows[i]);
    } else if (i >= rows.size() && !dropped[i]) {
      database_.Run("INSERT INTO messages(run,at,level,text) SELECT id,?,?,? FROM runs WHERE id=?",
                    all[i].at, all[i].level, all[i].text, run);
    }
  }
}

std::vector<Message> RunStore::MessagesOf(RowId run, std::vector<RowId>* rows) {
  std::vector<Message> messages;
  for (auto&& [id, at, level, text] :
       database_.Rows<RowId, std::optional<Time>, Level, std::string>(
           "SELECT id,at,level,text FROM messages WHERE run=? ORDER BY id", run)) {
    messages.push_back({.at = at, .level = level, .text = std::move(text)});
    if (rows != nullptr) rows->push_back(id);
  }
  return messages;
}

void RunStore::BoundEarlier(const StoredRun& run, const std::string& source,
                            const std::string& path) {
  database_.Run(
      "UPDATE runs SET ended_by=?1 WHERE backup=?2 AND operation=?3 AND ended IS NULL AND "
      "ended_by>?1 AND id<?4 AND EXISTS(SELECT 1 FROM sightings WHERE run=runs.id AND source=?5 "
      "AND path=?6)",
      run.ended, run.backup, run.operation, run.id, source, path);
}

RunStore::Known RunStore::FindIdentity(RowId backup, Operation operation, const std::string& key,
                                       RowId* run) {
  const auto found = database_.Row<RowId, bool>(
      "SELECT run, EXISTS(SELECT 1 FROM runs WHERE id=run) FROM identities "
      "WHERE backup=? AND operation=? AND key=?",
      backup, operation, key);
  if (!found) return Known::kNo;
  const auto& [id, has_row] = *found;
  *run = id;
  return has_row ? Known::kYes : Known::kForgotten;
}

void RunStore::AddIdentity(RowId backup, Operation operation, const std::string& key, RowId run) {
  database_.Run(
      "INSERT INTO identities(backup,operation,key,run) VALUES(?,?,?,?) ON CONFLICT DO UPDATE SET "
      "run=excluded.run",
      backup, operation, key, run);
}

bool RunStore::HasRuns(RowId backup, Operation operation) {
  return database_
      .Row<bool>("SELECT EXISTS(SELECT 1 FROM runs WHERE backup=? AND operation=?)", backup,
                 operation)
      .value_or(false);
}

void RunStore::Forget(RowId backup, Operation operation, Time end, const std::vector<RowId>& kept,
                      std::optional<Time> kept_start) {
  database_.Run(
      "DELETE FROM runs WHERE backup=? AND operation=? AND state='settled' AND ended_by<? AND "
      "(started IS NULL OR started<>?) AND id NOT IN (SELECT value FROM json_each(?)) "
      "AND NOT EXISTS(SELECT 1 FROM notices WHERE run=runs.id AND status='waiting')",
      backup, operation, end, kept_start, fmt::format("[{}]", fmt::join(kept, ",")));
}

}  // namespace backup_exporter
