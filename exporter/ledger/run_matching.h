// Finds the run that an event belongs to: the file's open run, a run that was read before under the
// same identity, or a run that another file reported for the same time.
//
// Identity of a run: the id of its snapshot or archive within its backup and operation; else the
// time of its end. Looks runs up and remembers identities; changes no run. For the ledger's own
// sources; throws SQLite::Exception.
#pragma once

#include <optional>
#include <string>

#include "base/time.h"
#include "ledger/rules/source_rules.h"
#include "ledger/store/runs.h"
#include "model/event.h"

namespace backup_exporter {

// Where an event was read, and what its file shows about the time of the run.
struct EventContext {
  const SourceRules& source;
  const FileStep& step;
  RowId backup = 0;
  Named named = {};  // the names that the record gives for its backup
  // When the run ended, according to the file's modification time, if the event has no clock; and
  // an upper bound of the end.
  std::optional<Time> end = {};
  Time end_by = {};
  // Modification time of the file when it was last read to its end, before this step and event.
  std::optional<Time> before = {};
  bool newest = false;  // the last event of the step, save for messages

  [[nodiscard]] const std::string& path() const { return step.position.path; }
  [[nodiscard]] RowId file() const { return step.position.id; }
};

// A run that was looked up.
struct Lookup {
  std::optional<StoredRun> run = {};  // nullopt: none
  // The run was read before, and its row has been deleted since: nothing is to be recorded.
  bool forgotten = false;

  [[nodiscard]] bool found() const { return run || forgotten; }
};

// The run that a RunFinished belongs to.
struct EndMatch {
  Lookup of;  // not found: a run that is not known yet
  // The run that the file itself had started, if the event can be its end.
  std::optional<StoredRun> own = {};
  Operation operation = Operation::kBackup;
  std::optional<Time> start = {};  // by the event, else by the file's own run
  // `own` is open, and the event shows that it is the same run as `of`, so `own` must be merged
  // into `of`.
  [[nodiscard]] bool own_is_duplicate() const {
    return own && own->state == RunState::kOpen && of.found() && !(of.run && of.run->id == own->id);
  }
};

class RunMatching {
 public:
  explicit RunMatching(RunStore& store) : store_(store) {}

  [[nodiscard]] EndMatch MatchEnd(const EventContext& context, const Cursor& cursor,
                                  const RunFinished& event);
  // `end` describes the archive as the end of the run that made it.
  [[nodiscard]] Lookup MatchArchive(const EventContext& context, const RunFinished& end,
                                    bool among_others);

  // Remembers the identity in `event` as that of `run`, for later records.
  void RememberIdentity(const RunFinished& event, const StoredRun& run);

 private:
  // The run that started in this file. Another file may have reported its end since.
  [[nodiscard]] std::optional<StoredRun> StartedInFile(const EventContext& context,
                                                       const Cursor& cursor,
                                                       std::optional<Operation> operation);
  [[nodiscard]] Lookup ByIdentity(RowId backup, Operation operation, const std::string& snapshot_id,
                                  std::optional<Time> end);
  // For an end that was only inferred from later output: the run that this file started at the same
  // time, and that was marked interrupted without a report.
  [[nodiscard]] std::optional<StoredRun> FoundDead(const EventContext& context, Operation operation,
                                                   const RunFinished& event);
  // The run of another file whose time overlaps.
  [[nodiscard]] std::optional<StoredRun> ByOverlap(const EventContext& context, Operation operation,
                                                   std::optional<Time> start,
                                                   std::optional<Time> end,
                                                   const std::string& snapshot_id);

  RunStore& store_;
};

}  // namespace backup_exporter
