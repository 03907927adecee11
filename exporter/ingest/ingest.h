// One source's turn: read what was added, decode it, have the ledger fold it in, and only then go
// on.
//
// Holds no rule of its own: finding and cutting is the source's, meaning the decoder's, verdicts
// the ledger's. Single-threaded; the board and the ledger, which others share, are thread-safe.
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
  // Resumes where the ledger says. `files`, `ledger` and `board` outlive this.
  [[nodiscard]] static Result<std::unique_ptr<Ingest>> Create(const IngestOptions& options,
                                                              Files& files,
                                                              std::unique_ptr<Watcher> watcher,
                                                              Ledger& ledger, StatusBoard& board);

  // Takes in one portion of what is new and answers when it wants the next turn, if nothing changes
  // before. `last_look`: there will be no other turn for what is unfinished now. What goes wrong is
  // logged, counted and tried again.
  SteadyTime Step(const Moment& now, bool last_look = false);

  // Everything that was there at the last turn is in the ledger.
  [[nodiscard]] bool caught_up() const { return caught_up_; }
  [[nodiscard]] Source& source() { return source_; }

  // Nothing is committed or posted from now on, not even what a step under way reads: somebody else
  // may read the files by then. Thread-safe.
  void Stop() { stopped_ = true; }
  [[nodiscard]] bool stopped() const { return stopped_; }

 private:
  Ingest(const IngestOptions& options, const Format& format, Files& files,
         std::unique_ptr<Watcher> watcher, std::vector<Checkpoint> known, Ledger& ledger,
         StatusBoard& board);
  // Where the first record stands that could not be understood; nullopt: all could.
  std::optional<std::uint64_t> Decode(Piece& piece) const;
  // Says what of a piece was not understood, where there is anything.
  void Complain(const FileStep& step, std::optional<std::uint64_t> first_bad, const Moment& now);
  [[nodiscard]] bool Commit(std::vector<Piece>& pieces, Time now);

  const IngestOptions options_;
  const Format& format_;
  Ledger& ledger_;
  StatusBoard& board_;
  Source source_;
  std::atomic<bool> stopped_ = false;
  bool caught_up_ = false;
  bool ledger_failed_ = false;
  std::optional<SteadyTime> complained_;
};

}  // namespace backup_exporter
