// The ledger: the one durable thing. It takes steps (a position, and the events before it), folds
// the events into runs, keeps what monitors are to be told of them, and answers with the standing
// of every backup.
//
// One SQLite file, one writer. A step is one transaction: position, decoder state, runs and
// notices are on disk together or not at all, so that a crash repeats nothing and loses nothing.
// Reading files, decoding and rendering is left to others.
//
// Thread-safe. Commit and Tick take turns on the writer; Standings never waits for them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "ledger/standing.h"
#include "model/event.h"
#include "model/expectation.h"
#include "model/notice.h"

namespace re2 {
class RE2;
}

namespace backup_exporter {

struct LedgerOptions {
  std::string directory;  // made if missing; empty: in memory, gone with the program
  bool recover = false;   // keep aside a ledger that cannot be used, and begin a new one
  std::chrono::days history{400};
  std::chrono::days discovered_backups_expire{90};
  std::size_t max_backups = 1000;
};

// How the events of a source become runs: the part of a source's configuration that the ledger
// needs.
struct FoldOptions {
  std::string source;              // its name
  std::string tool;                // the format's name
  std::string pattern;             // of its files; a backup is shown while its file matches one
  std::string backup;              // template (backup_name.h); empty: the steps say which
  bool backup_configured = false;  // the template stands in the configuration: may share a backup
  std::shared_ptr<const re2::RE2> match;     // on the path; its named groups are placeholders
  std::string repository;                    // its configured name; empty: as the output has it
  Operation operation = Operation::kBackup;  // where the output does not say
  bool operation_configured = false;         // it stands in the configuration: is surely so
  bool warnings_are_failures = false;
  bool complete = false;  // its listings show all archives that there are
  // Its records name backup and operation outright, and may be of backups of other sources.
  bool outright = false;
};

// What the program knows of the host, for what time alone brings.
struct Pulse {
  std::uint64_t clock_jumps = 0;  // seen since the last one
  // All that was written before was read: what is not known by now did not happen.
  bool caught_up = true;
  // The host was down or asleep until then; what was late then is given its grace, once.
  std::optional<Time> awake_since = {};
};

class Ledger final : public NoticeQueue {
 public:
  // Opens or makes the ledger. Fails, leaving everything as it was, when the directory cannot be
  // used, another exporter holds it, the file is damaged or comes from a newer version; the message
  // says how to go on.
  [[nodiscard]] static Result<std::unique_ptr<Ledger>> Open(const LedgerOptions& options);
  ~Ledger() override;
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  // The sources as they are configured now. Backups that no configured source feeds leave the
  // standings (their record stays in the ledger).
  void Configure(std::vector<FoldOptions> sources);

  // What is expected, as configured now. Of what is not named there it is learned.
  void Expect(std::vector<Expectation> expectations, Time now);

  // The monitors as they are configured now: they are told of runs that end from here on, and of
  // those that ended while the exporter was down; sources that are new begin with `now`. What
  // waits is due at once.
  void Listen(std::vector<Listener> listeners, Time now);
  // Is called after each change that made notices, by the thread that made it; it must not call the
  // ledger. It is never called once this has returned with another.
  void OnNotices(std::function<void()> on_notices);

  // NoticeQueue. A report is safe from the end of the program, but not from a power cut, after
  // which a notice may be delivered once more.
  [[nodiscard]] std::vector<Notice> Waiting(const std::string& monitor, std::size_t most) override;
  void Report(const std::string& monitor, std::span<const Delivery> deliveries, Time now) override;

  // How far every file of a source was read.
  [[nodiscard]] Result<std::vector<KnownFile>> KnownFiles(const std::string& source);

  // Folds the steps of one source into the ledger in one transaction, and gives their marks ids. A
  // step that names a backup which another source has is refused: it says so in `refused` and
  // leaves no trace. After an error nothing of any step is in the ledger.
  [[nodiscard]] Result<void> Commit(const std::string& source, std::span<FileStep> steps, Time now);

  // Does what time alone brings: releases verdicts that were stamped ahead of the clock, counts and
  // tells of successes that did not come, forgets history, reminds of what is failing, gives up
  // notices that expired. To be called every few seconds.
  [[nodiscard]] Result<void> Tick(Time now, const Pulse& pulse = {});
  // What is known now. Immutable; a new one replaces it after every change.
  [[nodiscard]] std::shared_ptr<const Standings> standings() const;

 private:
  class State;
  explicit Ledger(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace backup_exporter
