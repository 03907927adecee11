// Runs as rows: the tables runs, progress, cursors, sightings, identities and messages.
//
// For the ledger's own sources; throws SQLite::Exception. Calls that write are made inside a
// transaction.
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

constexpr int Values(RunState) { return 3; }
[[nodiscard]] std::string_view Name(RunState state);

// The progress of an open run.
struct StoredProgress {
  std::optional<Time> active;  // its last sign of life
  std::optional<std::uint64_t> processed_bytes;
  std::optional<std::uint64_t> expected_bytes;
  std::optional<double> done;  // fraction, 0 to 1
  bool silent = false;         // the file does not show how runs end (RunStarted::may_end_silently)
};

// The runs of a backup that a file refers to.
struct Cursor {
  std::optional<RowId> open_run;  // the run in progress
  std::optional<RowId> last_run;  // the run that ended last
};

class RunStore {
 public:
  explicit RunStore(Database& database) : database_(database) {}

  // Inserts the run if its id is 0, and sets the id; else updates its row.
  void Save(StoredRun& run);
  [[nodiscard]] std::optional<StoredRun> Find(RowId run);
  void Remove(RowId run);

  [[nodiscard]] StoredProgress ProgressOf(RowId run);
  // Values that `progress` does not have stay as they were.
  void SetProgress(RowId run, const StoredProgress& progress);
  void RemoveProgress(RowId run);

  [[nodiscard]] Cursor CursorOf(RowId file, RowId backup);
  void SetCursor(RowId file, RowId backup, const Cursor& cursor);
  // The backups for which a file has a cursor.
  [[nodiscard]] std::vector<RowId> BackupsOf(RowId file);

  // Records that a file reported the run.
  void AddSighting(RowId run, const std::string& source, const std::string& path);
  // Finds a run that another file reported and that overlaps `seen`, whose end must be known; of
  // several, the one whose end is nearest. Open runs last until now. If one of the two has no
  // duration, they may be `slack` apart. Two snapshots are never one run. `names_backup`: the files
  // of the source are one log, and a run that one of them reported as ended is not reported by
  // another.
  [[nodiscard]] std::optional<RowId> Overlapping(const StoredRun& seen, const std::string& source,
                                                 const std::string& path, bool names_backup,
                                                 Duration slack);
  // The run from this path that began at `started` and whose end was inferred.
  [[nodiscard]] std::optional<RowId> FoundDead(RowId backup, Operation operation, Time started,
                                               const std::string& source, const std::string& path);
  // Open runs from this path, in any of its generations.
  [[nodiscard]] std::vector<RowId> OpenRunsOf(RowId backup, const std::string& source,
                                              const std::string& path);
  // Provisional runs that were held back until `now` or earlier.
  [[nodiscard]] std::vector<RowId> HeldUntil(Time now);
  // The open run that began last.
  [[nodiscard]] std::optional<RowId> Running(RowId backup, Operation operation);
  // The start of the last run that is not held back.
  [[nodiscard]] std::optional<Time> LastStart(RowId backup, Operation operation);

  // Adds messages of a run, except those that it has already. At most 1,000 messages with 64 KiB in
  // all are kept of a run: the most severe, and among them the newest.
  void AddMessages(RowId run, const std::vector<Message>& messages);
  void AddMessage(RowId run, const Message& message) { AddMessages(run, {message}); }
  // In the order in which they were added.
  [[nodiscard]] std::vector<Message> MessagesOf(RowId run) { return MessagesOf(run, nullptr); }

  // Sets an upper bound for the end of runs from this path that have no time and were reported
  // before `run`: they ended before `run` did.
  void BoundEarlier(const StoredRun& run, const std::string& source, const std::string& path);

  enum class Known { kNo, kYes, kForgotten };
  // Whether a run with this identity was read before. kYes: its id is in `*run`. kForgotten: its
  // row has been removed since.
  [[nodiscard]] Known FindIdentity(RowId backup, Operation operation, const std::string& key,
                                   RowId* run);
  void AddIdentity(RowId backup, Operation operation, const std::string& key, RowId run);

  // Whether there is any run of an operation.
  [[nodiscard]] bool HasRuns(RowId backup, Operation operation);

  // Removes settled runs that ended before `end`, except those in `kept`, and those that began at
  // `kept_start`.
  void Forget(RowId backup, Operation operation, Time end, const std::vector<RowId>& kept,
              std::optional<Time> kept_start);

 private:
  // Also returns the ids of their rows in `rows`, unless it is nullptr.
  std::vector<Message> MessagesOf(RowId run, std::vector<RowId>* rows);

  Database& database_;
};

}  // namespace backup_exporter
