// Runs as rows: what the fold asks of the ledger's tables, and nothing more.
//
// For the ledger's own sources; throws SQLite::Exception. All calls are made inside a transaction.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "ledger/store/database.h"
#include "model/message.h"
#include "model/run.h"
#include "model/stored_run.h"

namespace backup_exporter {

// How far an open run is. What is not known of a newer record stays as it was.
struct StoredProgress {
  std::optional<Time> active;  // its last sign of life
  std::optional<std::uint64_t> processed_bytes;
  std::optional<std::uint64_t> expected_bytes;
  std::optional<double> done;
  bool silent = false;  // if it ended well, its file would not tell
};

// A file's place in a backup's runs.
struct Cursor {
  std::optional<RowId> open_run;
  std::optional<RowId> last_run;
};

class RunStore {
 public:
  explicit RunStore(Database& database) : database_(database) {}

  // Inserts where the id is 0 and fills it in.
  void Save(StoredRun& run);
  [[nodiscard]] std::optional<StoredRun> Find(RowId run);
  void Remove(RowId run);

  [[nodiscard]] StoredProgress ProgressOf(RowId run);
  void SetProgress(RowId run, const StoredProgress& progress);
  void RemoveProgress(RowId run);

  [[nodiscard]] Cursor CursorOf(RowId file, RowId backup);
  void SetCursor(RowId file, RowId backup, const Cursor& cursor);
  // The backups that a file has a cursor for.
  [[nodiscard]] std::vector<RowId> BackupsOf(RowId file);

  // A file told of the run.
  void AddSighting(RowId run, const std::string& source, const std::string& path);
  // The run of another file whose time overlaps that of `seen` (whose end is known), the one that
  // ended nearest to it; open runs last until now. Where one of the two has no length, `slack` may
  // lie between them. Two snapshots are never one run. `names_backup`: the source's files are one
  // log, and what one of them told to its end is not what another tells of.
  [[nodiscard]] std::optional<RowId> Overlapping(const StoredRun& seen, const std::string& source,
                                                 const std::string& path, bool names_backup,
                                                 Duration slack);
  // The run that began then, by this path, and was found to have ended without a word.
  [[nodiscard]] std::optional<RowId> FoundDead(RowId backup, Operation operation, Time started,
                                               const std::string& source, const std::string& path);
  // Open runs that this path, or earlier generations of it, told of.
  [[nodiscard]] std::vector<RowId> OpenRunsOf(RowId backup, const std::string& source,
                                              const std::string& path);

  // Adds what was said of a run, but for what is known to have been said then. At most 1,000
  // messages of 64 KiB in all are kept of a run: the heaviest, and of these the newest.
  void AddMessages(RowId run, const std::vector<Message>& messages);
  void AddMessage(RowId run, const Message& message) { AddMessages(run, {message}); }
  // In the order in which they were added.
  [[nodiscard]] std::vector<Message> MessagesOf(RowId run) { return MessagesOf(run, nullptr); }

  // Runs without a time that this path told of before `run` ended before it.
  void BoundEarlier(const StoredRun& run, const std::string& source, const std::string& path);

  enum class Known { kNo, kYes, kForgotten };
  // Whether a run of this identity was read before; kForgotten: yes, and its row is gone.
  [[nodiscard]] Known FindIdentity(RowId backup, Operation operation, const std::string& key,
                                   RowId* run);
  void AddIdentity(RowId backup, Operation operation, const std::string& key, RowId run);

 private:
  // With the ids of their rows.
  std::vector<Message> MessagesOf(RowId run, std::vector<RowId>* rows);

  Database& database_;
};

}  // namespace backup_exporter
