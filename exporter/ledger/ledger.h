// The ledger, the one durable part of the program. It applies steps (the events of one piece of a
// file, and the checkpoint after it) to runs, enqueues notices about these runs for monitors, and
// publishes the standing of every backup.
//
// One SQLite file, one writer. A commit is one transaction: checkpoints, runs and notices reach the
// disk together or not at all, so a crash neither repeats nor loses anything. While the file cannot
// be written, the ledger continues in memory, and catches up later. Reading files, decoding and
// rendering are left to other parts.
//
// Thread-safe. Calls take turns, except `standings`, which never waits.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "ledger/rules/pulse.h"
#include "ledger/rules/source_rules.h"
#include "model/event.h"
#include "model/expectation.h"
#include "model/notice.h"
#include "model/standing.h"

namespace backup_exporter {

inline constexpr std::chrono::seconds kDefaultRetention = std::chrono::days(400);

struct LedgerOptions {
  std::string directory;  // created if missing; empty: the ledger is kept in memory only
  bool recover = false;   // set an unusable ledger aside, and start a new one
  std::chrono::seconds history = kDefaultRetention;  // how long runs are kept
  std::chrono::days discovered_backups_expire{90};   // counted from the last record that named it
  std::size_t max_backups = 1000;
};

class Ledger final : public NoticeQueue {
 public:
  // Opens or creates the ledger. Fails, and changes nothing, if the directory cannot be used,
  // another exporter uses it, or the file is damaged or from a newer version; the message says how
  // to proceed.
  [[nodiscard]] static Result<std::unique_ptr<Ledger>> Open(const LedgerOptions& options);
  ~Ledger() override;
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  // Sets the configured sources. Backups that none of them reports leave the standings, but stay in
  // the ledger.
  void Configure(std::vector<SourceRules> sources);

  // Sets how long runs are kept, from the next time that history is forgotten (once a day).
  void Retain(std::chrono::seconds history);

  // Sets the configured expectations. Backups that are not listed get an expectation learned from
  // their history.
  void Expect(std::vector<Expectation> expectations, Time now);

  // Sets the configured monitors. They are notified of runs that end from now on, and of runs that
  // ended while the exporter was down. Of a new source, only runs that end after `now` are
  // reported. Pending notices are retried immediately.
  void Subscribe(std::vector<Subscription> subscriptions, Time now);
  // Sets a function that is called after each change that enqueued notices, by the thread that made
  // the change. It must not call the ledger. The previous function is not called after this
  // returns.
  void OnNotices(std::function<void()> on_notices);

  // NoticeQueue. A reported outcome survives the end of the program. After a power cut it may be
  // lost, and the notice is then delivered again.
  [[nodiscard]] std::vector<Notice> Pending(const std::string& monitor, std::size_t most) override;
  void Report(const std::string& monitor, std::span<const Delivery> deliveries, Time now) override;

  // The checkpoint of every file of a source.
  [[nodiscard]] Result<std::vector<Checkpoint>> Checkpoints(const std::string& source);

  // Applies the steps of one source in one transaction, and sets the ids of their positions. A step
  // is refused if the configuration rules out its backup, for example because another source
  // reports the same one: its `refused` then gives the reason, and nothing of it is stored. After
  // an error, no step was applied.
  [[nodiscard]] Result<void> Commit(const std::string& source, std::span<FileStep> steps, Time now);

  // Does what is due by the clock: settles runs that were dated ahead of the clock, counts and
  // reports missed successes, forgets old history, reminds monitors of failures, and turns expired
  // notices into dead letters. To be called every few seconds.
  [[nodiscard]] Result<void> Tick(Time now, const Pulse& pulse = {});

  // The published standings. They are immutable; every change replaces them.
  [[nodiscard]] std::shared_ptr<const Standings> standings() const;

 private:
  class State;
  explicit Ledger(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace backup_exporter
