// What records say about runs, in the words of the domain, and the step that carries it to the
// ledger. Decoders make events, the ledger folds them; neither knows the other.
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

// A run began. A run of the same file and label that is still open is over with this.
struct RunStarted {
  std::optional<Operation> operation = {};  // nullopt: not known yet
  std::optional<Time> at = {};              // nullopt: the record has no clock
  // Its file does not say how runs end: when its process is gone, nothing is known of it, and it
  // was not interrupted for that.
  bool may_end_silently = false;
};

// The open run goes on. Of several in a row only the newest matters.
struct RunProgress {
  std::optional<Duration> elapsed = {};  // how long it had been going when the record was written
  std::optional<std::uint64_t> processed_bytes = {};  // handled so far
  std::optional<std::uint64_t> expected_bytes = {};   // what there is to handle, as known so far
  std::optional<double> done = {};                    // the share that is done, 0 to 1
  bool may_end_silently = false;                      // as with RunStarted; the newest word holds
  std::optional<Operation> operation = {};  // what the run is found to be; nullopt: as before
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
  // Nothing says so but that work went on after it: no word against a run that was found dead.
  bool guessed = false;
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

// A listing was read to its end: how many archives it shows, and the time of the oldest and newest.
// Whether these are all there are, only the configuration knows.
struct ArchivesCounted {
  std::uint64_t archives = 0;
  std::optional<Time> oldest;
  std::optional<Time> newest;
};

// What a repository holds in all.
struct RepositoryMeasured {
  std::optional<std::uint64_t> stored_bytes;    // as stored
  std::optional<std::uint64_t> original_bytes;  // sum of the original sizes of all archives
  bool of_selection = false;  // maybe only of what the command line chose, which is not printed
};

// Something was said about the open run, else about the one that finished last. It is no verdict,
// and names no backup that is not known yet.
struct RunNoted {
  std::string message;  // at most kMostMessage bytes; may hold anything
  Level level = Level::kInfo;
  std::optional<Time> at = {};  // nullopt: the record has no clock
};

// Nothing is expected of a backup that is known, from `begins` until `ends`.
struct ExpectationPaused {
  std::optional<Operation> operation = {};  // nullopt: of any of its operations
  Time begins;
  Time ends;
  std::string reason;
};

// How a record names what it is about. Either may be empty: the record does not say.
struct Named {
  std::string label;       // a profile of resticprofile, a repository's label in borgmatic
  std::string repository;  // as the output has it, without user information and query

  auto operator<=>(const Named&) const = default;
};

// A failure that names no backup: it is that of every backup that the file ever told of, but for
// those in `finished`; if that leaves none, of the last of these.
struct FailedUnnamed {
  RunFinished end;
  std::vector<Named> finished;
  std::vector<RunNoted> notes = {};  // of each of these runs
};

struct Event {
  Named of;
  std::uint64_t offset = 0;  // of the record
  std::variant<RunStarted, RunProgress, RunFinished, RunWithdrawn, ArchiveListed, ArchivesCounted,
               RepositoryMeasured, RunNoted, FailedUnnamed, ExpectationPaused>
      what;
};

// What became of the records of a piece: every record is counted in `records`, and a second time
// either as one that was understood or under why it was not.
struct RecordCounts {
  std::uint64_t records = 0;
  std::uint64_t folded = 0;            // understood; counted by who has them decoded
  std::uint64_t parse_errors = 0;      // could not be understood
  std::uint64_t text = 0;              // plain text that says nothing about a run
  std::uint64_t unknown_messages = 0;  // JSON of a kind this version does not know
  std::uint64_t unknown_fields = 0;    // members this version does not know, in messages it knows

  // Those that were not understood, by all reasons.
  [[nodiscard]] std::uint64_t left_aside() const { return parse_errors + text + unknown_messages; }
};

// Bytes that never became records, each counted once.
struct SkippedBytes {
  std::uint64_t blank = 0;     // line ends, blank space, a byte order mark: nothing is lost
  std::uint64_t too_long = 0;  // records above the limit
  std::uint64_t nul = 0;       // runs of NUL around records (a crash, a hole)
  std::uint64_t cut_off = 0;   // documents whose end never came

  [[nodiscard]] std::uint64_t all() const { return blank + too_long + nul + cut_off; }
};

// A piece of one file, read and decoded: what one transaction of the ledger takes in.
struct FileStep {
  FileMark mark;              // the position after the step; Ledger::Commit fills in a missing id
  std::string decoder_state;  // at that position
  std::string tool;           // whose output it is; empty: not recognised
  std::string naming;         // how that format names backups where the configuration does not say
  std::vector<Event> events;
  RecordCounts counts;
  std::uint64_t read_bytes = 0;    // how far the position went on, or the size of a whole document
  std::uint64_t record_bytes = 0;  // of these in records; the rest is in `skipped`
  SkippedBytes skipped;
  std::uint64_t last_record = 0;  // offset of the last record read, if any was
  bool at_end = false;            // the file was read to its present end
  bool quiet = false;  // and is not expected to grow now: its writer closed it, or 10 s passed
  bool writer_gone = false;  // and nobody has it open for writing any more
  bool over = false;         // this generation is at its end for ever: replaced, or removed
  std::string refused;       // set by Ledger::Commit: why the step cannot be taken as configured
};

}  // namespace backup_exporter
