// One configured input: a path pattern whose files become records.
//
// Finds the files, distinguishes generations of a name, resumes from the ledger's checkpoints, and
// cuts records out of new bytes. Interpreting records is left to the decoders. The ledger decides
// when a record counts as read: nothing is read beyond a piece until Accept. Single-threaded, save
// for watcher().Wake().
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/time.h"
#include "model/record.h"
#include "model/source_status.h"
#include "sources/piece.h"
#include "sources/watcher.h"

namespace backup_exporter {

struct SourceOptions {
  std::string name;     // label of its metrics, unique
  std::string pattern;  // absolute path; components may have *, ? and [...]
  Framing framing = Framing::kLines;

  // Bytes. Longer records are skipped; longer files of one document count as unreadable.
  std::size_t record_limit = 16 << 20;
  std::size_t piece_size = 4 << 20;  // bytes of one file that are read at once
  // A file that is open can be read to its end even after its name is gone.
  std::size_t max_open_files = 256;
};

class Source {
 public:
  // `known` are this source's checkpoints in the ledger, except those of finished generations.
  // `files` must outlive the source. Nothing is opened or watched before the first Read.
  Source(SourceOptions options, Files& files, std::unique_ptr<Watcher> watcher,
         std::vector<Checkpoint> known);
  ~Source();
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  // Checks for changes and returns new records, those of the oldest file first: at most one piece
  // of each file, and at most about `budget` bytes in all (one record may be longer; a piece counts
  // as 4 KiB at least). The ledger must apply the pieces in this order. A piece without records
  // reports that its file is quiet, that its writer is gone, or that it is over.
  //
  // An empty answer means that there is nothing to do until NextRead or the next change. If reading
  // needs several calls (a line of gigabytes), NextRead is now.
  //
  // `last_look`: Read will not be called again (`once`), so unfinished lines are final.
  [[nodiscard]] std::vector<Piece> Read(const Moment& now, std::size_t budget,
                                        bool last_look = false);

  // The ledger committed the piece: its records are not read again while the program runs. Pieces
  // that are not accepted are returned again by the next Read.
  void Accept(const FileStep& step, std::size_t file);

  // The configuration rules out the file's records, for the reason `why`. The file stays unread and
  // counts as unreadable as long as this source exists.
  void Refuse(std::size_t file, const std::string& why);

  // When Read must be called next at the latest, whatever the watcher reports.
  [[nodiscard]] SteadyTime NextRead() const;

  // Waits for a change, until `until`, or for Watcher::Wake from another thread.
  void Wait(SteadyTime until);
  Watcher& watcher();

  [[nodiscard]] SourceStatus status() const;
  // Returns and clears the messages for the log since the last call, one for each change of state:
  // for example that a file cannot be read, and why.
  [[nodiscard]] std::vector<std::string> DrainMessages();

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace backup_exporter
