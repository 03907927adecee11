// The tables of a ledger: their versions, and upgrades from every earlier one.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

namespace backup_exporter {

// SQLite's application_id of a ledger ("bkup"), which distinguishes it from other SQLite files.
inline constexpr int kApplicationId = 0x626b7570;
// SQLite's user_version of a ledger that this program writes.
inline constexpr int kSchemaVersion = 6;

// The version of a ledger.
[[nodiscard]] int VersionOf(SQLite::Database& connection);

// Creates all tables in an empty database, in one transaction.
void CreateTables(SQLite::Database& connection);

// Upgrades a ledger of any earlier version, in one transaction. Throws SQLite::Exception if the
// file can be read but not written, even if there is nothing to upgrade.
void UpgradeTables(SQLite::Database& connection);

// Creates the view `counted_runs` (counted_runs.h) for this connection only, so that it always
// matches rules/outcome.h. To be called once for each connection, after its tables exist.
void CreateViews(SQLite::Database& connection);

}  // namespace backup_exporter
