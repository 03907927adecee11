#include "ledger/run_store.h"

#include <algorithm>
#include <array>
#include <set>
#include <tuple>

namespace backup_exporter {
namespace {

constexpr std::array<std::string_view, 3> kStateNames{"open", "provisional", "settled"};
constexpr std::size_t kMostMessages = 1000;  // of one run
constexpr std::size_t kMostMessageBytes = 64 << 10;

// The value of an enumeration that has this name. The tables hold only names that Name() gave.
template <typename Enum>
std::optional<Enum> Named(std::string_view name, int values) {
  for (int i = 0; i < values; ++i) {
    if (Name(static_cast<Enum>(i)) == name) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

template <typename Enum>
void BindName(SQLite::Statement& statement, int index, std::optional<Enum> value) {
  value ? Bind(statement, index, Name(*value)) : statement.bind(index);
}

// Columns after the id, in the order of BindRun and ReadRun; figures follow.
constexpr const char* kInsert =
    "INSERT INTO "
    "runs(backup,operation,state,started,ended,ended_by,settles_at,duration,result,evidence,"
    "exit_code,reason,snapshot_id,message,added_bytes,added_stored_bytes,processed_bytes,"
    "processed_files,files_new,files_changed,files_unmodified,directories_new,directories_changed,"
    "directories_unmodified,errors) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
constexpr const char* kUpdate =
    "UPDATE runs SET "
    "backup=?,operation=?,state=?,started=?,ended=?,ended_by=?,settles_at=?,duration=?,"
    "result=?,evidence=?,exit_code=?,reason=?,snapshot_id=?,message=?,added_bytes=?,"
    "added_stored_bytes=?,processed_bytes=?,processed_files=?,files_new=?,files_changed=?,"
    "files_unmodified=?,directories_new=?,directories_changed=?,directories_unmodified=?,errors=? "
    "WHERE id=?";
constexpr const char* kSelect =
    "SELECT "
    "backup,operation,state,started,ended,ended_by,settles_at,duration,result,evidence,exit_code,"
    "reason,snapshot_id,message,added_bytes,added_stored_bytes,processed_bytes,processed_files,"
    "files_new,files_changed,files_unmodified,directories_new,directories_changed,"
    "directories_unmodified,errors FROM runs WHERE id=?";

int BindRun(SQLite::Statement& statement, const StoredRun& run) {
  int index = 0;
  statement.bind(++index, run.backup);
  Bind(statement, ++index, Name(run.operation));
  Bind(statement, ++index, kStateNames[static_cast<std::size_t>(run.state)]);
  Bind(statement, ++index, run.started);
  Bind(statement, ++index, run.ended);
  Bind(statement, ++index, run.ended_by);
  Bind(statement, ++index, run.settles_at);
  Bind(statement, ++index, run.duration);
  BindName(statement, ++index, run.result);
  BindName(statement, ++index, run.evidence);
  Bind(statement, ++index,
       run.exit_code ? std::optional<std::int64_t>(*run.exit_code) : std::nullopt);
  BindName(statement, ++index, run.reason);
  Bind(statement, ++index, run.snapshot_id);
  Bind(statement, ++index, run.message);
  for (const FigureField& field : kFigureFields)
    Bind(statement, ++index, run.figures.*field.member);
  return index;
}

StoredRun ReadRun(SQLite::Statement& statement, RowId id) {
  StoredRun run{.id = id};
  int column = 0;
  run.backup = Integer(statement, column++).value_or(0);
  run.operation = OperationNamed(Text(statement, column++)).value_or(Operation::kOther);
  const std::string state = Text(statement, column++);
  run.state = state == kStateNames[0]   ? RunState::kOpen
              : state == kStateNames[1] ? RunState::kProvisional
                                        : RunState::kSettled;
  run.started = Instant(statement, column++);
  run.ended = Instant(statement, column++);
  run.ended_by = Instant(statement, column++);
  run.settles_at = Instant(statement, column++);
  if (const auto duration = Integer(statement, column++)) run.duration = Duration(*duration);
  run.result = Named<RunResult>(Text(statement, column++), kRunResults);
  run.evidence = Named<Evidence>(Text(statement, column++), kEvidences);
  if (const auto code = Integer(statement, column++)) run.exit_code = static_cast<int>(*code);
  run.reason = Named<Reason>(Text(statement, column++), kReasons);
  run.snapshot_id = Text(statement, column++);
  run.message = Text(statement, column++);
  for (const FigureField& field : kFigureFields)
    run.figures.*field.member = Count(statement, column++);
  return run;
}

}  // namespace

void RunStore::Save(StoredRun& run) {
  SQLite::Statement& statement = database_.Prepare(run.id == 0 ? kInsert : kUpdate);
  const int bound = BindRun(statement, run);
  if (run.id != 0) statement.bind(bound + 1, run.id);
  statement.exec();
  if (run.id == 0) run.id = database_.handle().getLastInsertRowid();
}

std::optional<StoredRun> RunStore::Find(RowId run) {
  SQLite::Statement& statement = database_.Prepare(kSelect);
  statement.bind(1, run);
  if (!statement.executeStep()) return std::nullopt;
  return ReadRun(statement, run);
}

void RunStore::Remove(RowId run) {
  SQLite::Statement& statement = database_.Prepare("DELETE FROM runs WHERE id=?");
  statement.bind(1, run);
  statement.exec();
}

StoredProgress RunStore::ProgressOf(RowId run) {
  SQLite::Statement& statement =
      database_.Prepare("SELECT active,processed,expected,done,silent FROM progress WHERE run=?");
  statement.bind(1, run);
  if (!statement.executeStep()) return {};
  return {.active = Instant(statement, 0),
          .processed_bytes = Count(statement, 1),
          .expected_bytes = Count(statement, 2),
          .done = Real(statement, 3),
          .silent = statement.getColumn(4).getInt() != 0};
}

void RunStore::SetProgress(RowId run, const StoredProgress& progress) {
  SQLite::Statement& statement = database_.Prepare(
      "INSERT INTO progress(run,active,processed,expected,done,silent) VALUES(?,?,?,?,?,?) ON "
      "CONFLICT(run) DO UPDATE SET active=coalesce(excluded.active,active),"
      "processed=coalesce(excluded.processed,processed),"
      "expected=coalesce(excluded.expected,expected),done=coalesce(excluded.done,done),"
      "silent=excluded.silent");
  statement.bind(1, run);
  Bind(statement, 2, progress.active);
  Bind(statement, 3, progress.processed_bytes);
  Bind(statement, 4, progress.expected_bytes);
  Bind(statement, 5, progress.done);
  statement.bind(6, progress.silent ? 1 : 0);
  statement.exec();
}

void RunStore::RemoveProgress(RowId run) {
  SQLite::Statement& statement = database_.Prepare("DELETE FROM progress WHERE run=?");
  statement.bind(1, run);
  statement.exec();
}

Cursor RunStore::CursorOf(RowId file, RowId backup) {
  SQLite::Statement& statement =
      database_.Prepare("SELECT open_run,last_run FROM cursors WHERE file=? AND backup=?");
  statement.bind(1, file);
  statement.bind(2, backup);
  if (!statement.executeStep()) return {};
  return {Integer(statement, 0), Integer(statement, 1)};
}

void RunStore::SetCursor(RowId file, RowId backup, const Cursor& cursor) {
  SQLite::Statement& statement = database_.Prepare(
      "INSERT INTO cursors(file,backup,open_run,last_run) VALUES(?,?,?,?) ON CONFLICT(file,backup) "
      "DO "
      "UPDATE SET open_run=excluded.open_run, last_run=excluded.last_run");
  statement.bind(1, file);
  statement.bind(2, backup);
  Bind(statement, 3, cursor.open_run);
  Bind(statement, 4, cursor.last_run);
  statement.exec();
}

std::vector<RowId> RunStore::BackupsOf(RowId file) {
  SQLite::Statement& statement =
      database_.Prepare("SELECT backup FROM cursors WHERE file=? ORDER BY backup");
  statement.bind(1, file);
  std::vector<RowId> backups;
  while (statement.executeStep()) backups.push_back(statement.getColumn(0).getInt64());
  return backups;
}

void RunStore::AddSighting(RowId run, const std::string& source, const std::string& path) {
  SQLite::Statement& statement =
      database_.Prepare("INSERT OR IGNORE INTO sightings(run,source,path) VALUES(?,?,?)");
  statement.bind(1, run);
  statement.bind(2, source);
  statement.bind(3, path);
  statement.exec();
}

std::optional<RowId> RunStore::Overlapping(const StoredRun& seen, const std::string& source,
                                           const std::string& path, bool names_backup,
                                           Duration slack) {
  // A run without a start is a point; one that ended without a known time overlaps nothing.
  SQLite::Statement& statement = database_.Prepare(
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
      "ORDER BY ended IS NULL, abs(ended-?6), id DESC LIMIT 1");
  statement.bind(1, seen.backup);
  Bind(statement, 2, Name(seen.operation));
  statement.bind(3, source);
  statement.bind(4, path);
  Bind(statement, 5, seen.started ? seen.started : seen.ended);
  Bind(statement, 6, seen.ended);
  Bind(statement, 7, std::optional(slack));
  statement.bind(8, seen.snapshot_id);
  statement.bind(9, names_backup ? 1 : 0);
  if (!statement.executeStep()) return std::nullopt;
  return statement.getColumn(0).getInt64();
}

std::optional<RowId> RunStore::FoundDead(RowId backup, Operation operation, Time started,
                                         const std::string& source, const std::string& path) {
  SQLite::Statement& statement = database_.Prepare(
      "SELECT id FROM runs JOIN sightings ON run=id WHERE backup=? AND operation=? AND started=? "
      "AND state='settled' AND evidence IS NULL AND source=? AND path=?");
  statement.bind(1, backup);
  Bind(statement, 2, Name(operation));
  Bind(statement, 3, std::optional(started));
  statement.bind(4, source);
  statement.bind(5, path);
  if (!statement.executeStep()) return std::nullopt;
  return statement.getColumn(0).getInt64();
}

std::vector<RowId> RunStore::OpenRunsOf(RowId backup, const std::string& source,
                                        const std::string& path) {
  SQLite::Statement& statement = database_.Prepare(
      "SELECT id FROM runs JOIN sightings ON run=id WHERE state='open' AND backup=? AND source=? "
      "AND path=?");
  statement.bind(1, backup);
  statement.bind(2, source);
  statement.bind(3, path);
  std::vector<RowId> runs;
  while (statement.executeStep()) runs.push_back(statement.getColumn(0).getInt64());
  return runs;
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
  std::vector<bool> gone(all.size());
  for (const std::size_t i : MessagesToDrop(weights, kMostMessages, kMostMessageBytes)) gone[i] = true;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i < rows.size() && gone[i]) {
      SQLite::Statement& statement = database_.Prepare("DELETE FROM messages WHERE id=?");
      statement.bind(1, rows[i]);
      statement.exec();
    } else if (i >= rows.size() && !gone[i]) {
      SQLite::Statement& statement = database_.Prepare(
          "INSERT INTO messages(run,at,level,text) SELECT id,?,?,? FROM runs WHERE id=?");
      Bind(statement, 1, all[i].at);
      Bind(statement, 2, Name(all[i].level));
      Bind(statement, 3, all[i].text);
      statement.bind(4, run);
      statement.exec();
    }
  }
}

std::vector<Message> RunStore::MessagesOf(RowId run, std::vector<RowId>* rows) {
  SQLite::Statement& statement =
      database_.Prepare("SELECT at,level,text,id FROM messages WHERE run=? ORDER BY id");
  statement.bind(1, run);
  std::vector<Message> messages;
  while (statement.executeStep()) {
    messages.push_back({.at = Instant(statement, 0),
                        .level = LevelNamed(Text(statement, 1)).value_or(Level::kInfo),
                        .text = Text(statement, 2)});
    if (rows != nullptr) rows->push_back(statement.getColumn(3).getInt64());
  }
  return messages;
}

void RunStore::BoundEarlier(const StoredRun& run, const std::string& source,
                            const std::string& path) {
  SQLite::Statement& statement = database_.Prepare(
      "UPDATE runs SET ended_by=?1 WHERE backup=?2 AND operation=?3 AND ended IS NULL AND "
      "ended_by>?1 AND "
      "id<?4 AND EXISTS(SELECT 1 FROM sightings WHERE run=runs.id AND source=?5 AND path=?6)");
  Bind(statement, 1, run.ended);
  statement.bind(2, run.backup);
  Bind(statement, 3, Name(run.operation));
  statement.bind(4, run.id);
  statement.bind(5, source);
  statement.bind(6, path);
  statement.exec();
}

RunStore::Known RunStore::FindIdentity(RowId backup, Operation operation, const std::string& key,
                                       RowId* run) {
  SQLite::Statement& statement = database_.Prepare(
      "SELECT run, EXISTS(SELECT 1 FROM runs WHERE id=run) FROM identities "
      "WHERE backup=? AND operation=? AND key=?");
  statement.bind(1, backup);
  Bind(statement, 2, Name(operation));
  statement.bind(3, key);
  if (!statement.executeStep()) return Known::kNo;
  *run = statement.getColumn(0).getInt64();
  return statement.getColumn(1).getInt() != 0 ? Known::kYes : Known::kForgotten;
}

void RunStore::AddIdentity(RowId backup, Operation operation, const std::string& key, RowId run) {
  SQLite::Statement& statement = database_.Prepare(
      "INSERT INTO identities(backup,operation,key,run) VALUES(?,?,?,?) ON CONFLICT DO UPDATE SET "
      "run=excluded.run");
  statement.bind(1, backup);
  Bind(statement, 2, Name(operation));
  statement.bind(3, key);
  statement.bind(4, run);
  statement.exec();
}

}  // namespace backup_exporter
