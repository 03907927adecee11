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
#include "ledger/rules/source_rules.h"
#include "ledger/standing.h"
#include "model/event.h"
#include "model/expectation.h"
#include "model/notice.h"

namespace backup_exporter {

struct LedgerOptions {
  std::string directory;  // made if missing; empty: in memory, gone with the program
  bool recover = false;   // keep aside a ledger that cannot be used, and begin a new one
  std::chrono::days history{400};
  std::chrono::days discovered_backups_expire{90};
  std::size_t max_backups = 1000;
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
  void Configure(std::vector<SourceRules> sources);

  // What is expected, as configured now. Of what is not named there it is learned.
  void Expect(std::vector<Expectation> expectations, Time now);

  // The monitors as they are configured now: they are told of runs that end from here on, and of
  // those that ended while the exporter was down; sources that are new begin with `now`. What
  // waits is due at once.
  void Subscribe(std::vector<Subscription> subscriptions, Time now);
  // Is called after each change that made notices, by the thread that made it; it must not call the
  // ledger. It is never called once this has returned with another.
  void OnNotices(std::function<void()> on_notices);

  // NoticeQueue. A report is safe from the end of the program, but not from a power cut, after
  // which a notice may be delivered once more.
  [[nodiscard]] std::vector<Notice> Waiting(const std::string& monitor, std::size_t most) override;
  void Report(const std::string& monitor, std::span<const Delivery> deliveries, Time now) override;

  // How far every file of a source was read.
  [[nodiscard]] Result<std::vector<Checkpoint>> Checkpoints(const std::string& source);

  // Folds the steps of one source into the ledger in one transaction, and gives their positions
  // ids. A step that names a backup which another source has is refused: it says so in `refused`
  // and leaves no trace. After an error nothing of any step is in the ledger.
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
