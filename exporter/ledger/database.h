// The ledger's SQLite file: opening it with all that can be wrong, its tables, its lock.
//
// For the ledger's own sources. What throws here throws SQLite::Exception, which the functions of
// Ledger catch around each transaction; Open catches its own.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace backup_exporter {

class Database {
 public:
  // Empty: in memory. Nothing is overwritten: a file that is damaged, foreign, newer or in use is
  // an error that says how to go on. `recover`: one that is there and cannot be used is kept under
  // another name, and a new one begun. On a full disk it begins with a copy in memory, as ToMemory
  // makes it.
  [[nodiscard]] static Result<std::unique_ptr<Database>> Open(const std::string& directory,
                                                              bool recover = false);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // A prepared statement, reset and ready to bind. Kept: `sql` is to be one of few fixed texts. The
  // same text must not be in use twice at a time.
  SQLite::Statement& Prepare(std::string_view sql);
  // Lets go of all that statements still read. To be called before each commit, else SQLite cannot
  // begin its WAL file anew and it grows for ever; and after the last read, else what another
  // process writes to the file shuts this one out.
  void Release();
  SQLite::Database& handle() { return *handle_; }

  // Goes on with a copy in memory, while the file cannot be written. Statements begin anew. Not for
  // a ledger so large that the copy would be a danger of its own: then nothing is changed. The
  // answer says whether it is in memory now.
  [[nodiscard]] bool ToMemory();
  // Writes the copy to the file, all of it or nothing, and goes on with that. Throws where it still
  // cannot be written.
  void ToFile();
  [[nodiscard]] bool in_memory() const { return in_memory_; }
  // It is a new one, begun in the place of one that could not be used.
  [[nodiscard]] bool recovered() const { return recovered_; }

 private:
  Database(int lock, std::string path, std::unique_ptr<SQLite::Database> handle, bool in_memory);

  int lock_;          // file descriptor that holds the lock; -1 without a file
  std::string path_;  // of the file
  std::unique_ptr<SQLite::Database> handle_;
  bool in_memory_;                          // handle_ is a copy of the file
  std::unique_ptr<SQLite::Database> file_;  // then; nullptr where it could not be opened yet
  std::map<std::string, std::unique_ptr<SQLite::Statement>, std::less<>> statements_;
  bool recovered_ = false;
};

// Whether an error says that the file cannot be written now: the disk is full, or fails.
[[nodiscard]] bool IsUnwritable(const SQLite::Exception& exception);

// Binding and reading of what SQLite has no type for. Times and durations are whole microseconds.
void Bind(SQLite::Statement& statement, int index, std::optional<std::int64_t> value);
void Bind(SQLite::Statement& statement, int index, std::optional<std::uint64_t> value);
void Bind(SQLite::Statement& statement, int index, std::optional<Time> value);
void Bind(SQLite::Statement& statement, int index, std::optional<Duration> value);
void Bind(SQLite::Statement& statement, int index, std::optional<double> value);
void Bind(SQLite::Statement& statement, int index, std::string_view value);
[[nodiscard]] std::optional<std::int64_t> Integer(SQLite::Statement& statement, int column);
[[nodiscard]] std::optional<double> Real(SQLite::Statement& statement, int column);
[[nodiscard]] std::optional<std::uint64_t> Count(SQLite::Statement& statement, int column);
[[nodiscard]] std::optional<Time> Instant(SQLite::Statement& statement, int column);
[[nodiscard]] std::string Text(SQLite::Statement& statement, int column);

}  // namespace backup_exporter
