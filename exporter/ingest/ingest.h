// The loop of one source: read new records, decode them, commit them to the ledger, and only then
// read on.
//
// Has no rules of its own: the source finds files and cuts records, the decoder interprets records,
// the ledger decides on results. Single-threaded, except for Stop; the board and the ledger, which
// are shared, are thread-safe.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/files.h"
#include "base/result.h"
#include "decoders/decoders.h"
#include "ledger/ledger.h"
#include "model/source_status.h"
#include "sources/source.h"

namespace backup_exporter {

struct IngestOptions {
  SourceOptions input;
  DecoderOptions decoder;
  std::string format;  // the name of its row in Formats()
};

class Ingest {
 public:
  // Resumes from the ledger's checkpoints. kInvalid if there is no such format. `files`, `ledger`
  // and `board` outlive this.
  [[nodiscard]] static Result<std::unique_ptr<Ingest>> Create(const IngestOptions& options,
                                                              Files& files,
                                                              std::unique_ptr<Watcher> watcher,
                                                              Ledger& ledger, StatusBoard& board);

  // Reads, decodes and commits about 2 MiB, and returns when the next step is due if no file
  // changes before. `last_look`: Step will not be called again, so unfinished lines are final.
  // Errors are logged, counted and retried.
  SteadyTime Step(const Moment& now, bool last_look = false);

  // Whether Step has found nothing left to read at least once. Everything that existed at that time
  // is in the ledger.
  [[nodiscard]] bool caught_up() const { return caught_up_; }
  [[nodiscard]] Source& source() { return source_; }

  // Nothing is committed or posted from now on, not even by a step in progress: another Ingest may
  // read the files by then. Thread-safe.
  void Stop() { stopped_ = true; }
  [[nodiscard]] bool stopped() const { return stopped_; }

 private:
  Ingest(const IngestOptions& options, const Format& format, Files& files,
         std::unique_ptr<Watcher> watcher, std::vector<Checkpoint> known, Ledger& ledger,
         StatusBoard& board);
  // Turns the piece's records into its step's events. Returns the offset of the first record with a
  // parse error.
  std::optional<std::uint64_t> Decode(Piece& piece) const;
  // Logs which records of a file were not understood or were skipped, at most once a minute.
  void LogProblems(const FileStep& step, std::optional<std::uint64_t> first_bad, const Moment& now);
  // False if the ledger could not be written.
  [[nodiscard]] bool Commit(std::vector<Piece>& pieces, Time now);

  const IngestOptions options_;
  const Format& format_;
  Ledger& ledger_;
  StatusBoard& board_;
  Source source_;
  std::atomic<bool> stopped_ = false;
  bool caught_up_ = false;
  bool ledger_failed_ = false;
  std::optional<SteadyTime> problems_logged_;
};

}  // namespace backup_exporter
