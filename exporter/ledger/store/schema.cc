#include "ledger/store/schema.h"

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <string>

#include "ledger/rules/outcome.h"

namespace backup_exporter {
namespace {

// Version 1. In all tables, times and durations are microseconds (times since the Unix epoch, UTC),
// enums are stored by their names, and an unknown value is NULL.
constexpr const char* kVersion1 = R"sql(
-- One row for each generation of a file: how far it was read, and the state of its decoder.
CREATE TABLE files(
  id INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, path TEXT NOT NULL,
  device INTEGER NOT NULL, inode INTEGER NOT NULL, offset INTEGER NOT NULL,
  prefix_crc INTEGER NOT NULL, modified INTEGER NOT NULL, at_end INTEGER NOT NULL,
  decoder_state TEXT NOT NULL);
CREATE INDEX files_of_source ON files(source);
-- unseen_days: days since a record named the backup; counted once a day rather than computed from
-- times, so that a step of the clock does not expire backups. The sums cover all backup runs.
CREATE TABLE backups(
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, unseen_days INTEGER NOT NULL DEFAULT 0,
  added_bytes INTEGER NOT NULL DEFAULT 0, added_stored_bytes INTEGER NOT NULL DEFAULT 0,
  processed_bytes INTEGER NOT NULL DEFAULT 0);
-- The sources and files that report a backup.
CREATE TABLE feeds(
  backup INTEGER NOT NULL REFERENCES backups(id) ON DELETE CASCADE, source TEXT NOT NULL,
  path TEXT NOT NULL, template TEXT NOT NULL, PRIMARY KEY(backup, source, path)) WITHOUT ROWID;
-- state: open (no end seen), provisional (finished, a worse result may follow), settled.
-- ended: when it ended, if known. ended_by: the latest time at which it can have ended.
CREATE TABLE runs(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  backup INTEGER NOT NULL REFERENCES backups(id) ON DELETE CASCADE,
  operation TEXT NOT NULL, state TEXT NOT NULL, started INTEGER, ended INTEGER, ended_by INTEGER,
  settles_at INTEGER, duration INTEGER, result TEXT, evidence TEXT, exit_code INTEGER, reason TEXT,
  snapshot_id TEXT NOT NULL, message TEXT NOT NULL,
  added_bytes INTEGER, added_stored_bytes INTEGER, processed_bytes INTEGER, processed_files INTEGER,
  files_new INTEGER, files_changed INTEGER, files_unmodified INTEGER, directories_new INTEGER,
  directories_changed INTEGER, directories_unmodified INTEGER, errors INTEGER);
CREATE INDEX runs_by_end ON runs(backup, operation, ended, started);
CREATE INDEX runs_by_order ON runs(backup, operation, ended_by, id);
CREATE INDEX runs_open ON runs(backup, operation) WHERE state='open';
CREATE INDEX runs_held ON runs(settles_at) WHERE settles_at IS NOT NULL;
-- The files that reported a run. A file reports a run once.
CREATE TABLE sightings(
  run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE, source TEXT NOT NULL,
  path TEXT NOT NULL, PRIMARY KEY(run, source, path)) WITHOUT ROWID;
-- How a run is recognised when it is read again. Identities outlive the rows of their runs.
CREATE TABLE identities(
  backup INTEGER NOT NULL REFERENCES backups(id) ON DELETE CASCADE, operation TEXT NOT NULL,
  key TEXT NOT NULL, run INTEGER NOT NULL, PRIMARY KEY(backup, operation, key)) WITHOUT ROWID;
-- For each file and backup: the run whose end was not read yet, and the run that ended last.
CREATE TABLE cursors(
  file INTEGER NOT NULL REFERENCES files(id) ON DELETE CASCADE,
  backup INTEGER NOT NULL REFERENCES backups(id) ON DELETE CASCADE,
  open_run INTEGER, last_run INTEGER, PRIMARY KEY(file, backup)) WITHOUT ROWID;
-- Counters over all runs ever seen.
CREATE TABLE totals(
  backup INTEGER NOT NULL REFERENCES backups(id) ON DELETE CASCADE, operation TEXT NOT NULL,
  runs INTEGER NOT NULL DEFAULT 0, failures INTEGER NOT NULL DEFAULT 0,
  warnings INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(backup, operation)) WITHOUT ROWID;
-- All other counters. The source is empty for counters of the whole program.
CREATE TABLE counters(
  source TEXT NOT NULL, name TEXT NOT NULL, value INTEGER NOT NULL,
  PRIMARY KEY(source, name)) WITHOUT ROWID;
)sql";

constexpr const char* kVersion2 = R"sql(
-- The progress of an open run. silent: its file does not show how runs end.
CREATE TABLE progress(
  run INTEGER PRIMARY KEY REFERENCES runs(id) ON DELETE CASCADE, active INTEGER,
  processed INTEGER, expected INTEGER, done REAL, silent INTEGER NOT NULL DEFAULT 0);
-- The archives of a backup. archives and oldest are from complete listings, newest is from any.
CREATE TABLE listings(
  backup INTEGER PRIMARY KEY REFERENCES backups(id) ON DELETE CASCADE, source TEXT NOT NULL,
  archives INTEGER, oldest INTEGER, newest INTEGER);
-- Sizes of repositories, each by the source that reported it last.
CREATE TABLE repositories(
  source TEXT NOT NULL, name TEXT NOT NULL, stored INTEGER, original INTEGER, told INTEGER NOT NULL,
  PRIMARY KEY(source, name)) WITHOUT ROWID;
-- Tool and repository as the file shows them; empty if unknown.
ALTER TABLE feeds ADD COLUMN tool TEXT NOT NULL DEFAULT '';
ALTER TABLE feeds ADD COLUMN repository TEXT NOT NULL DEFAULT '';
)sql";

constexpr const char* kVersion3 = R"sql(
-- When each source was first configured. Runs that ended before that are not reported.
CREATE TABLE entered(source TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
-- The notices of version 1, which no program ever wrote.
DROP TABLE IF EXISTS notices;
-- The queue of notices. status: waiting, sent (a start whose run goes on), dead (a dead letter).
-- rules/notice_policy decides which pending notices a newer one supersedes.
CREATE TABLE notices(
  id INTEGER PRIMARY KEY AUTOINCREMENT, monitor TEXT NOT NULL, state TEXT NOT NULL,
  status TEXT NOT NULL, backup INTEGER NOT NULL, operation TEXT NOT NULL, run INTEGER NOT NULL,
  created INTEGER NOT NULL, due INTEGER NOT NULL, expires INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0, error TEXT NOT NULL DEFAULT '', body TEXT NOT NULL);
CREATE INDEX notices_by_turn ON notices(monitor, status, id);
CREATE INDEX notices_of_run ON notices(run);
CREATE INDEX notices_by_expiry ON notices(expires);
-- The failures that each monitor was sent and that are not over, with the last time of sending.
CREATE TABLE failing(
  monitor TEXT NOT NULL, backup INTEGER NOT NULL REFERENCES backups(id) ON DELETE CASCADE,
  operation TEXT NOT NULL, told INTEGER NOT NULL,
  PRIMARY KEY(monitor, backup, operation)) WITHOUT ROWID;
-- Counters and other values of each monitor.
CREATE TABLE tellings(
  monitor TEXT NOT NULL, name TEXT NOT NULL, value INTEGER NOT NULL,
  PRIMARY KEY(monitor, name)) WITHOUT ROWID;
-- The messages of a run, in their order. at: the time in the record.
CREATE TABLE messages(
  id INTEGER PRIMARY KEY AUTOINCREMENT, run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
  at INTEGER, level TEXT NOT NULL, text TEXT NOT NULL);
CREATE INDEX messages_of_run ON messages(run);
)sql";

constexpr const char* kVersion4 = R"sql(
-- The operations whose occurrences are watched, since when, and up to which occurrence they were
-- judged. learned: the interval learned from the history.
CREATE TABLE expected(
  backup INTEGER NOT NULL REFERENCES backups(id) ON DELETE CASCADE, operation TEXT NOT NULL,
  since INTEGER NOT NULL, learned INTEGER, judged INTEGER, in_a_row INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY(backup, operation)) WITHOUT ROWID;
-- Pauses: periods in which nothing is expected. The operation is empty for all operations.
CREATE TABLE pauses(
  backup INTEGER NOT NULL REFERENCES backups(id) ON DELETE CASCADE, operation TEXT NOT NULL,
  begins INTEGER NOT NULL, ends INTEGER NOT NULL, reason TEXT NOT NULL,
  PRIMARY KEY(backup, operation)) WITHOUT ROWID;
ALTER TABLE totals ADD COLUMN missed INTEGER NOT NULL DEFAULT 0;
)sql";

// A backup may have several pauses. (SQLite cannot change a primary key.)
constexpr const char* kVersion5 = R"sql(
-- The longest gap of the configured schedule; NULL: the interval is learned.
ALTER TABLE expected ADD COLUMN configured INTEGER;
-- The deadline that passed while the host was down or asleep, and when the host woke.
ALTER TABLE expected ADD COLUMN late INTEGER;
ALTER TABLE expected ADD COLUMN woke INTEGER;
CREATE TABLE all_pauses(
  backup INTEGER NOT NULL REFERENCES backups(id) ON DELETE CASCADE, operation TEXT NOT NULL,
  begins INTEGER NOT NULL, ends INTEGER NOT NULL, reason TEXT NOT NULL,
  PRIMARY KEY(backup, operation, begins)) WITHOUT ROWID;
INSERT INTO all_pauses SELECT backup,operation,begins,ends,reason FROM pauses;
DROP TABLE pauses;
ALTER TABLE all_pauses RENAME TO pauses;
)sql";

constexpr const char* kVersion6 = R"sql(
-- Makes the query whether archives prove the successes of a backup cheap.
CREATE INDEX runs_with_archive ON runs(backup, operation) WHERE snapshot_id<>'';
ALTER TABLE tellings RENAME TO monitor_counters;
ALTER TABLE failing RENAME COLUMN told TO sent;
ALTER TABLE repositories RENAME COLUMN told TO reported;
UPDATE notices SET status='sent' WHERE status='told';
UPDATE counters SET name='decoded' WHERE name='folded';
)sql";

// The statements of each version, applied in turn to the one before it.
constexpr std::array<const char*, kSchemaVersion> kVersions{kVersion1, kVersion2, kVersion3,
                                                            kVersion4, kVersion5, kVersion6};

// SQL that is true of the results for which the predicate is. Their names contain no quotes.
std::string IsOneOf(bool (*predicate)(RunResult)) {
  return fmt::format("result IN ('{}')", fmt::join(ResultsThat(predicate), "','"));
}

}  // namespace

int VersionOf(SQLite::Database& connection) {
  return connection.execAndGet("PRAGMA user_version").getInt();
}

void CreateTables(SQLite::Database& connection) {
  SQLite::Transaction transaction(connection);
  for (const char* version : kVersions) connection.exec(version);
  connection.exec(fmt::format("PRAGMA application_id={}", kApplicationId));
  connection.exec(fmt::format("PRAGMA user_version={}", kSchemaVersion));
  transaction.commit();
}

void UpgradeTables(SQLite::Database& connection) {
  // Immediate, so that a file that cannot be written is noticed now and not at the first commit.
  SQLite::Transaction transaction(connection, SQLite::TransactionBehavior::IMMEDIATE);
  for (int next = VersionOf(connection); next < kSchemaVersion; ++next) {
    connection.exec(kVersions.at(static_cast<std::size_t>(next)));
  }
  connection.exec(fmt::format("PRAGMA user_version={}", kSchemaVersion));
  transaction.commit();
}

void CreateViews(SQLite::Database& connection) {
  connection.exec(fmt::format(
      "CREATE TEMP VIEW IF NOT EXISTS counted_runs AS "
      "SELECT run.*, {0} AS good, {1} AS bad, {2} AS clean, {3} AS skipped FROM main.runs AS run "
      "WHERE state='settled' AND (evidence IS NOT '{4}' OR NOT {0} OR NOT EXISTS("
      "SELECT 1 FROM main.runs AS proof WHERE proof.backup=run.backup AND "
      "proof.operation=run.operation AND proof.snapshot_id<>''))",
      IsOneOf(IsGood), IsOneOf(IsBad), IsOneOf(IsClean), IsOneOf(IsSkipped),
      Name(Evidence::kClaim)));
}

}  // namespace backup_exporter
