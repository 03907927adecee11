// What records say about runs, in the words of the domain, and the step that carries it to the
// ledger. Decoders make events, the ledger folds them; neither knows the other.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/time.h"
#include "model/record.h"
#include "model/run.h"

namespace backup_exporter {

// A run began. A run of the same file and label that is still open is over with this.
struct RunStarted {
  std::optional<Operation> operation;  // nullopt: not known yet
};

// The open run goes on. Of several in a row only the newest matters.
struct RunProgress {
  Duration elapsed{};  // how long it had been going when the record was written
};

// A run ended, or more is known about how it did.
struct RunFinished {
  std::optional<Operation> operation;  // nullopt: that of the open run, else the source's
  RunResult result = RunResult::kFailure;
  Evidence evidence = Evidence::kReport;
  std::optional<Time> start;
  std::optional<Time> end;  // nullopt: the record has no clock
  std::optional<Duration> duration;
  Figures figures;
  std::string snapshot_id;  // empty where there is none; 8 or 64 hex digits with restic
  std::optional<int> exit_code;
  std::optional<Reason> reason;
  std::string message;  // the tool's own words for what went wrong; may hold anything
  // Says more about the run of this file and label that finished last, instead of about the open
  // one.
  bool of_last_run = false;
  // Nothing can follow that makes it worse (whole documents); others settle by quiet.
  bool final = false;
};

// What looked like a run is none (a dry run): forget the open one.
struct RunWithdrawn {};

// An archive that a listing shows, which proves that the run that made it succeeded.
struct ArchiveListed {
  std::string snapshot_id;
  Time start;
  std::optional<Time> end;
  Figures figures;
  // The listing holds the archives of several hosts or paths: then only a run known by its id is
  // meant.
  bool among_others = false;
};

struct Event {
  std::string label;         // how the record names its backup (a profile); empty: it does not
  std::uint64_t offset = 0;  // of the record
  std::variant<RunStarted, RunProgress, RunFinished, RunWithdrawn, ArchiveListed> what;
};

// What became of the records of a piece: every record is counted in `records`, and those that told
// nothing a second time under why.
struct RecordCounts {
  std::uint64_t records = 0;
  std::uint64_t parse_errors = 0;      // could not be understood
  std::uint64_t text = 0;              // plain text that says nothing about a run
  std::uint64_t unknown_messages = 0;  // JSON of a kind this version does not know
  std::uint64_t unknown_fields = 0;    // members this version does not know, in messages it knows
};

// Bytes that never became records.
struct SkippedBytes {
  std::uint64_t too_long = 0;  // lines above the limit
  std::uint64_t nul = 0;       // runs of NUL around lines (a crash, a hole)
};

// A piece of one file, read and decoded: what one transaction of the ledger takes in.
struct FileStep {
  FileMark mark;              // the position after the step; Ledger::Commit fills in a missing id
  std::string decoder_state;  // at that position
  std::vector<Event> events;
  RecordCounts counts;
  SkippedBytes skipped;
  std::uint64_t last_record = 0;  // offset of the last record read, if any was
  bool at_end = false;            // the file was read to its present end
  bool quiet = false;  // and is not expected to grow now: its writer closed it, or 10 s passed
  bool writer_gone = false;  // and nobody has it open for writing any more
  bool over = false;         // this generation is at its end for ever: replaced, or removed
  std::string refused;       // set by Ledger::Commit: why the step cannot be taken as configured
};

}  // namespace backup_exporter
