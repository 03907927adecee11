// The ledger's directory and file: the lock, opening, setting a damaged file aside, and continuing
// in memory while the disk is full.
//
// For the ledger's own sources. The directory is created with mode 0700 and the file with mode
// 0600. Not thread-safe.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <exception>
#include <memory>
#include <string>

#include "base/descriptor.h"
#include "base/result.h"
#include "ledger/store/database.h"

namespace backup_exporter {

class LedgerFile {
 public:
  // Opens the ledger in `directory`, or creates it; if `directory` is empty, in memory. Nothing is
  // overwritten: a file that is damaged, foreign, from a newer version or in use is an error whose
  // message says how to proceed. `recover`: an unusable file is kept under another name, and a new
  // one is created. If the disk is full, the database is a copy in memory, as after ToMemory.
  [[nodiscard]] static Result<std::unique_ptr<LedgerFile>> Open(const std::string& directory,
                                                                bool recover = false);
  LedgerFile(const LedgerFile&) = delete;
  LedgerFile& operator=(const LedgerFile&) = delete;

  [[nodiscard]] Database& database() { return database_; }

  // Continues with a copy in memory, for as long as the file cannot be written. Does nothing if the
  // ledger is so large that the copy could exhaust the memory. Returns whether the database is in
  // memory now. Throws SQLite::Exception.
  [[nodiscard]] bool ToMemory();
  // Writes the copy to the file, all of it or nothing, and continues with the file. Throws
  // SQLite::Exception if the file still cannot be written.
  void ToFile();
  [[nodiscard]] bool in_memory() const { return in_memory_; }
  // Whether the ledger is new, in place of an unusable one.
  [[nodiscard]] bool recovered() const { return recovered_; }

 private:
  using Connection = std::unique_ptr<SQLite::Database>;
  LedgerFile(Descriptor lock, std::string path, Connection connection);

  Descriptor lock_;         // its file is locked; none if the ledger is in memory only
  std::string path_;        // of the file
  bool in_memory_ = false;  // the database is a copy of the file
  Connection file_;         // while `in_memory_`: the file, if it could be opened
  bool recovered_ = false;
  Database database_;
};

// Opens the ledger in `directory` for reading beside a running exporter, without its lock. The file
// may be of an earlier version.
[[nodiscard]] Result<std::unique_ptr<Database>> OpenReadOnly(const std::string& directory);
// The error to show if opening or reading the ledger failed.
[[nodiscard]] tl::unexpected<Error> FailReading(const std::string& directory,
                                                const std::exception& exception);

// Whether an error means that the file cannot be written now: the disk is full, or fails.
[[nodiscard]] bool IsUnwritable(const SQLite::Exception& exception);

}  // namespace backup_exporter
