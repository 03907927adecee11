// Events, which describe what a record reports about a run, whatever tool wrote it; and steps,
// which carry events to the ledger. Decoders produce events, the ledger applies them, and neither
// knows the other.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/time.h"
#include "model/message.h"
#include "model/record.h"
#include "model/run.h"

namespace backup_exporter {

// A run began. It ends a run of the same file and label that is still open.
struct RunStarted {
  std::optional<Operation> operation = {};  // nullopt: not known yet
  std::optional<Time> at = {};              // nullopt: the record has no clock
  // The file does not show how runs end: when the writing process is gone, the outcome is unknown,
  // and the run does not count as interrupted.
  bool may_end_silently = false;
};

// The open run is in progress. If several such events follow one another, only the newest matters.
struct RunProgress {
  std::optional<Duration> elapsed = {};               // running time when the record was written
  std::optional<std::uint64_t> processed_bytes = {};  // processed so far
  std::optional<std::uint64_t> expected_bytes = {};   // total to process, as known so far
  std::optional<double> done = {};                    // fraction done, 0 to 1
  bool may_end_silently = false;                      // as in RunStarted; the newest value counts
  std::optional<Operation> operation = {};  // the operation, once recognised; nullopt: unchanged
};

// A run ended, or more became known about how it ended.
struct RunFinished {
  std::optional<Operation> operation;  // nullopt: that of the open run, else the source's default
  RunResult result = RunResult::kFailure;
  Evidence evidence = Evidence::kReport;
  std::optional<Time> start;
  std::optional<Time> end;  // nullopt: the record has no clock
  std::optional<Duration> duration;
  Figures figures;
  std::string snapshot_id;  // empty where there is none; 8 or 64 hex digits with restic
  std::optional<int> exit_code;
  std::optional<Reason> reason;
  std::string message;  // the tool's message about what went wrong; any bytes
  // Refers to the run of this file and label that finished last, not to the open one.
  bool of_last_run = false;
  // The result is final (whole documents). Other results settle after a quiet time.
  bool final = false;
  // Inferred from later output. Does not override a run that is already marked interrupted.
  bool guessed = false;
};

// The open run turned out not to be a run (a dry run): discard it.
struct RunWithdrawn {};

// An archive in a listing, which proves that the run that made it succeeded.
struct ArchiveListed {
  std::string snapshot_id;
  Time start;
  std::optional<Time> end;
  Figures figures;
  // The listing contains archives of several hosts or paths, so the archive matches only a run with
  // the same id.
  bool among_others = false;
};

// A listing was read to its end: the number of archives in it, and the times of the oldest and the
// newest. Only the configuration knows whether the listing is complete.
struct ArchivesCounted {
  std::uint64_t archives = 0;
  std::optional<Time> oldest;
  std::optional<Time> newest;
};

// Total size of a repository.
struct RepositoryMeasured {
  std::optional<std::uint64_t> stored_bytes;    // as stored
  std::optional<std::uint64_t> original_bytes;  // sum of the original sizes of all archives
  // The size may be that of a selection on the command line, which the output does not show.
  bool of_selection = false;
};

// A message about the open run, else about the one that finished last. It changes no result, and
// does not create a backup.
struct RunNoted {
  std::string message;  // at most kMostMessage bytes; any bytes
  Level level = Level::kInfo;
  std::optional<Time> at = {};  // nullopt: the record has no clock
};

// A known backup is not expected to run from `begins` until `ends`.
struct ExpectationPaused {
  std::optional<Operation> operation = {};  // nullopt: all of its operations
  Time begins;
  Time ends;
  std::string reason;
};

// The names that a record gives for its backup. Either is empty where the record has none.
struct Named {
  std::string label;       // a profile of resticprofile, the label of a repository in borgmatic
  std::string repository;  // as in the output, without user information and query

  auto operator<=>(const Named&) const = default;
};

// A failure that names no backup. It applies to every backup that this file ever reported, except
// those in `finished`; if none is left, to the last of these.
struct FailedUnnamed {
  RunFinished end;
  std::vector<Named> finished;
  std::vector<RunNoted> notes = {};  // for each of these runs
};

struct Event {
  Named of;
  std::uint64_t offset = 0;  // of the record in its file, bytes
  std::variant<RunStarted, RunProgress, RunFinished, RunWithdrawn, ArchiveListed, ArchivesCounted,
               RepositoryMeasured, RunNoted, FailedUnnamed, ExpectationPaused>
      what;
};

// Counts of the records in a piece. Every record counts in `records`, and a second time either in
// `decoded` or under the reason why it was ignored.
struct RecordCounts {
  std::uint64_t records = 0;
  std::uint64_t decoded = 0;           // understood; counted by the caller of the decoder
  std::uint64_t parse_errors = 0;      // malformed
  std::uint64_t text = 0;              // plain text without information about a run
  std::uint64_t unknown_messages = 0;  // JSON of a kind this version does not know
  std::uint64_t unknown_fields = 0;    // members this version does not know, in messages it knows

  // Records that were not understood, for any reason.
  [[nodiscard]] std::uint64_t ignored() const { return parse_errors + text + unknown_messages; }
};

// Bytes that are not part of a record, each counted once.
struct SkippedBytes {
  std::uint64_t blank = 0;     // line ends, white space, a byte order mark
  std::uint64_t too_long = 0;  // records above the limit
  std::uint64_t nul = 0;       // NULs around records (a crash, a hole)
  std::uint64_t cut_off = 0;   // documents that were never completed

  [[nodiscard]] std::uint64_t all() const { return blank + too_long + nul + cut_off; }
};

// A piece of one file, read and decoded: the input of one transaction of the ledger.
struct FileStep {
  FilePosition position;      // position after the step; Ledger::Commit sets a missing id
  std::string decoder_state;  // at that position
  std::string tool;           // the tool that wrote it; empty: not recognised
  std::string naming;         // default name template of the format
  std::vector<Event> events;
  RecordCounts counts;
  std::uint64_t read_bytes = 0;    // advance of the position, or the size of a whole document
  std::uint64_t record_bytes = 0;  // of these, in records; the rest is in `skipped`
  SkippedBytes skipped;
  std::uint64_t last_record = 0;  // offset of the last record, if there was one
  bool at_end = false;            // read up to the present end of the file
  bool quiet = false;        // and not expected to grow now: the writer closed it, or 10 s passed
  bool writer_gone = false;  // and no process has it open for writing
  bool runs_ended = false;   // and the end of the writer ends its open runs
  bool over = false;         // this generation will not grow again: replaced or removed
  std::string refused;       // set by Ledger::Commit: why the configuration rules the step out
};

}  // namespace backup_exporter
