// One configured input: a path pattern whose files become records.
//
// Finds the files, tells generations of a name apart, resumes where the ledger's positions say,
// cuts records out of what was added. Leaves to others: what a record means (decoders), and when it
// counts as read (the ledger; nothing is read past until Accept). Single-threaded: the thread that
// owns the source turns Read, Accept and NextLook; status() may be copied out between turns.
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
  std::string pattern;  // absolute path; the last components may have *, ? and [...]
  Framing framing = Framing::kLines;

  std::size_t record_limit = 16 << 20;  // bytes; longer records are skipped, longer files of one
                                        // document refused
  std::size_t piece_size = 4 << 20;     // bytes of one file that are read at once
  std::size_t max_open_files = 256;     // held open, so that a file removed meanwhile is read on
};

class Source {
 public:
  // `known` are the ledger's positions of this source that are not over. `files` must outlive the
  // source. Nothing is touched before the first Read.
  Source(SourceOptions options, Files& files, std::unique_ptr<Watcher> watcher,
         std::vector<Checkpoint> known);
  ~Source();
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  // Looks at what changed and returns new records, oldest file first, at most about `budget` bytes
  // in all (one record may be longer, and a piece counts as 4 KiB at least) and one piece of a
  // file. The pieces are to be taken in by the
  // ledger in this order. An empty answer means that nothing is to be done until NextLook or the
  // next change; where looking itself takes long (a line of gigabytes), NextLook is now. A piece
  // may have no records and only say that its file is quiet, gone or over. `last_look`: there will
  // be no other look (`once`): what is unfinished now stays so.
  [[nodiscard]] std::vector<Piece> Read(const Moment& now, std::size_t budget,
                                        bool last_look = false);

  // The ledger took the piece: its records are never read again. Pieces that are not accepted come
  // back with the next Read.
  void Accept(const FileStep& step, std::size_t file);

  // The ledger cannot take the file's records as things are configured, and `why`: they are left
  // unread, and the file counts as unreadable, for as long as this source lives.
  void Refuse(std::size_t file, const std::string& why);

  // When Read wants to be called again at the latest, whatever the watcher says.
  [[nodiscard]] SteadyTime NextLook() const;

  // Waits for a change, for `until`, or for Watcher::Wake from another thread.
  void Wait(SteadyTime until);
  Watcher& watcher();

  [[nodiscard]] SourceStatus status() const;
  // What the user should know since the last call, a file that cannot be read and why: one sentence
  // each, once per change of state.
  [[nodiscard]] std::vector<std::string> TakeTroubles();

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace backup_exporter
