#include "ledger/ledger.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "base/log.h"
#include "ledger/backups.h"
#include "ledger/expectations.h"
#include "ledger/fold.h"
#include "ledger/missed_runs.h"
#include "ledger/retention.h"
#include "ledger/standings.h"
#include "ledger/store/counters.h"
#include "ledger/store/expectations.h"
#include "ledger/store/notices.h"
#include "ledger/store/open.h"
#include "ledger/store/positions.h"
#include "ledger/store/runs.h"

namespace backup_exporter {
namespace {

// The notices that a monitor's worker has, and the outcomes that it reported.
struct InFlight {
  std::set<std::int64_t> notices;
  std::vector<std::pair<Delivery, Time>> reports;  // not stored yet; with the time of the report

  [[nodiscard]] bool IsReported(std::int64_t notice) const {
    return std::ranges::any_of(reports,
                               [&](const auto& report) { return report.first.notice == notice; });
  }
};

}  // namespace

class Ledger::State {
 public:
  State(LedgerOptions options, std::unique_ptr<LedgerFile> file)
      : options_(std::move(options)),
        file_(std::move(file)),
        database_(file_->database()),
        errors_(file_->recovered() ? 1 : 0) {}

  Result<void> Load() {
    const std::lock_guard lock(mutex_);
    auto done = Read([&] {
      counters_ = CounterStore(database_).Sources();
      program_ = CounterStore(database_).Program();
      last_forgotten_ = CounterStore(database_).LastForgotten();
      standings_.ReadAll(now_);
    });
    Publish();
    return done;
  }

  void Configure(std::vector<SourceRules> sources) {
    const std::lock_guard lock(mutex_);
    sources_.clear();
    for (SourceRules& source : sources) sources_[source.source] = std::move(source);
    ReadOrLog([&] { standings_.ReadAll(now_); });
    Publish();
  }

  void Retain(std::chrono::seconds history) {
    const std::lock_guard lock(mutex_);
    retention_.history = history;
  }

  void Expect(std::vector<Expectation> expectations, Time now) {
    const std::lock_guard lock(mutex_);
    expectations_ = Expectations(std::move(expectations));
    now_ = now;
    const auto done = Write([&] {
      ExpectationStore store(database_);
      store.ForgetAfter(now);
      expectations_.Declare(database_, now);
      standings_.ReadAll(now);
      // Watching starts over when the operation is expected again.
      for (const Subject& subject : store.Watched()) {
        const OperationStanding* standing = standings_.Find(subject.backup, subject.operation);
        if (standing == nullptr || !standing->expected) store.StopWatching(subject);
      }
    });
    if (!done) {
      Log().error(done.error().message);
      ReadOrLog([&] { standings_.ReadAll(now); });
    }
    Publish();
  }

  void OnNotices(std::function<void()> on_notices) {
    const std::lock_guard lock(mutex_);
    on_notices_ = std::move(on_notices);
  }

  void Subscribe(std::vector<Subscription> subscriptions, Time now) {
    const std::lock_guard lock(mutex_);
    subscriptions_ = std::move(subscriptions);
    for (auto& [monitor, in_flight] : in_flight_) in_flight.notices.clear();
    const auto done = Write([&] {
      NoticeStore store(database_);
      for (const auto& [name, source] : sources_) store.EnterSource(name, now);
      store.RetryAll(now);
    });
    if (!done) Log().error(done.error().message);
    ReadOrLog([&] { standings_.ReadMonitors(subscriptions_); });
    Publish();
  }

  std::vector<Notice> Pending(const std::string& monitor, std::size_t most) {
    const std::lock_guard lock(mutex_);
    std::vector<Notice> notices;
    const Subscription* subscription = SubscriptionOf(monitor);
    InFlight& in_flight = in_flight_[monitor];
    in_flight.notices.clear();
    ReadOrLog([&] {
      RunStore runs(database_);
      const auto limit = static_cast<std::int64_t>(most + in_flight.reports.size());
      for (auto& queued : NoticeStore(database_).Oldest(monitor, limit)) {
        if (notices.size() == most) break;
        if (in_flight.IsReported(queued.notice.id)) continue;
        Notice& notice = notices.emplace_back(std::move(queued.notice));
        in_flight.notices.insert(notice.id);
        const bool has_messages = subscription != nullptr && subscription->messages &&
                                  notice.state != NoticeState::kStart;
        if (!has_messages) continue;
        notice.messages = runs.MessagesOf(queued.run);
        std::erase_if(notice.messages, [&](const Message& message) {
          return message.level > *subscription->messages;
        });
      }
    });
    return notices;
  }

  void Report(const std::string& monitor, std::span<const Delivery> deliveries, Time now) {
    const std::lock_guard lock(mutex_);
    InFlight& in_flight = in_flight_[monitor];
    for (const Delivery& delivery : deliveries) in_flight.reports.emplace_back(delivery, now);
    if (const auto done = StoreReports(monitor); !done) Log().error(done.error().message);
    in_flight.notices.clear();
  }

  Result<std::vector<Checkpoint>> Checkpoints(const std::string& source) {
    const std::lock_guard lock(mutex_);
    std::vector<Checkpoint> checkpoints;
    auto done = Read([&] { checkpoints = PositionStore(database_).CheckpointsOf(source); });
    if (!done) return tl::unexpected(done.error());
    return checkpoints;
  }

  Result<void> Commit(const std::string& name, std::span<FileStep> steps, Time now) {
    const std::lock_guard lock(mutex_);
    now_ = now;
    const auto source = sources_.find(name);
    if (source == sources_.end()) {
      return Fail(ErrorKind::kInvalid, fmt::format("ledger: no source {} is configured", name));
    }
    std::vector<std::int64_t> ids;
    for (const FileStep& step : steps) ids.push_back(step.position.id);
    const auto reset_ids = [&] {
      for (std::size_t i = 0; i < steps.size(); ++i) steps[i].position.id = ids[i];
    };

    const SourceStanding before = counters_[name];
    SourceStanding counted;
    Change change;
    auto done = Write([&] {
      counted = before;
      reset_ids();
      change = WithFold(now, [&](Fold& fold) {
        for (FileStep& step : steps) {
          if (ApplyStep(fold, source->second, step)) AddStep(counted, step);
        }
        CounterStore(database_).SaveSource(name, before, counted);
      });
    });
    full_ = !done || file_->in_memory();
    if (done) {
      counters_[name] = counted;
      Accept(change, now);
      ReadOrLog([&] { standings_.Read(change.backups, now); });
    } else {
      reset_ids();
    }
    Publish();
    return done;
  }

  Result<void> Tick(Time now, const Pulse& pulse) {
    const std::lock_guard lock(mutex_);
    now_ = now;
    TryFile(now);
    for (const auto& [monitor, in_flight] : in_flight_) {
      if (in_flight.reports.empty()) continue;
      if (auto stored = StoreReports(monitor); !stored) return stored;
    }
    // A miss that is in the tables already must not be judged by a standing from before it.
    if (standings_.has_unread()) {
      if (auto read = Read([&] { standings_.Read({}, now); }); !read) {
        Publish();
        return read;
      }
    }
    const DueExpectations due = FindDue(standings_.backups(), now, pulse);
    const bool forget = IsForgettingDue(last_forgotten_, now);
    bool is_due = forget || pulse.clock_jumps > 0 || !due.empty();
    auto done = is_due ? Result<void>() : GuardWriting([&] { is_due = HasDueRows(now); });
    if (done && is_due) done = ApplyTime(due, forget, now, pulse);
    if (done && monitors_changed_) {
      done = Read([&] { standings_.ReadMonitors(subscriptions_); });
      monitors_changed_ = !done;
    }
    Publish();
    return done;
  }

  [[nodiscard]] std::shared_ptr<const Standings> standings() const {
    return standings_.published();
  }

 private:
  // The effects of a transaction besides changed tables.
  struct Change {
    std::set<RowId> backups;   // whose standing may have changed
    ProgramCounters counters;  // to be added
    bool has_notices = false;
  };

  // Runs `apply` with a fold, and stores what must be stored at the end of a transaction.
  template <typename Apply>
  Change WithFold(Time now, Apply apply) {
    const NoticeContext context = Context();
    Backups backups(database_, sources_, options_.max_backups);
    Fold fold(database_, backups, context, now);
    apply(fold);
    fold.notices().Finish();
    const ProgramCounters counters{.future_stamps = fold.future_stamps(),
                                   .series_dropped = fold.dropped()};
    CounterStore(database_).Add(counters);
    return {.backups = fold.touched(),
            .counters = counters,
            .has_notices = !fold.notices().notified().empty()};
  }

  // Returns false if the step was refused; nothing of it is stored then.
  bool ApplyStep(Fold& fold, const SourceRules& source, FileStep& step) {
    database_.Run("SAVEPOINT step");
    const std::int64_t id = step.position.id;
    const bool applied = fold.Apply(source, step);
    if (!applied) {
      step.position.id = id;
      database_.Run("ROLLBACK TO step");
    }
    database_.Run("RELEASE step");
    return applied;
  }

  // After a commit.
  void Accept(const Change& change, Time now) {
    program_.future_stamps += change.counters.future_stamps;
    program_.series_dropped += change.counters.series_dropped;
    program_.clock_jumps += change.counters.clock_jumps;
    if (!file_->in_memory()) committed_ = now;
    if (!change.has_notices) return;
    monitors_changed_ = true;
    if (on_notices_) on_notices_();
  }

  // Whether rows are due: runs that are held back, reminders, or expired notices.
  bool HasDueRows(Time now) {
    if (!RunStore(database_).HeldUntil(now).empty()) return true;
    const NoticeContext context = Context();
    RunStore store(database_);
    return Notices(database_, store, context, now).TickIsDue();
  }

  Result<void> ApplyTime(const DueExpectations& due, bool forget, Time now, const Pulse& pulse) {
    Change change;
    auto done = Write([&] {
      change = WithFold(now, [&](Fold& fold) {
        fold.ReleaseHeld();
        StoreDue(database_, expectations_, standings_, due, now, pulse, fold.notices());
        fold.notices().Tick();
        if (!forget) return;
        ForgetHistory(database_, retention_, expectations_, standings_, now);
        CounterStore(database_).SetLastForgotten(now);
      });
      CounterStore(database_).Add({.clock_jumps = pulse.clock_jumps});
    });
    if (!done) return done;
    change.counters.clock_jumps = pulse.clock_jumps;
    change.backups.insert(due.backups.begin(), due.backups.end());
    Accept(change, now);
    monitors_changed_ = true;
    if (forget) last_forgotten_ = now;
    return Read([&] { forget ? standings_.ReadAll(now) : standings_.Read(change.backups, now); });
  }

  // Outcomes that cannot be stored now are kept and stored later. Otherwise a delivered notice
  // would be sent again and again for as long as the ledger cannot be written.
  Result<void> StoreReports(const std::string& monitor) {
    InFlight& in_flight = in_flight_[monitor];
    const Subscription* subscription = SubscriptionOf(monitor);
    monitors_changed_ = true;
    // The disk is not waited for: at worst, a notice is delivered again after a power cut.
    auto done = GuardWriting([&] {
      database_.handle().exec("PRAGMA synchronous=NORMAL");
      Transact([&] {
        for (const auto& [delivery, at] : in_flight.reports) {
          if (subscription == nullptr) continue;
          NoticeStore(database_).RecordDelivery(*subscription, delivery, at);
        }
      });
    });
    if (done) {
      in_flight.reports.clear();
    } else {
      // A notice that is to be retried stays in the queue unchanged.
      std::erase_if(in_flight.reports, [](const auto& report) {
        return report.first.outcome == Delivery::Outcome::kRetry;
      });
    }
    const auto reset = Guard("commit", [&] { database_.handle().exec("PRAGMA synchronous=FULL"); });
    return done ? reset : done;
  }

  // Writes a ledger in memory back to the file, every few seconds.
  void TryFile(Time now) {
    constexpr std::chrono::seconds kInterval{5};
    if (!file_->in_memory() || std::chrono::abs(now - tried_file_) < kInterval) return;
    tried_file_ = now;
    if (!Guard("write from memory", [&] { file_->ToFile(); })) return;
    Log().info("the ledger can be written again");
    full_ = false;
    committed_ = now;
  }

  // Runs `change` in a transaction. If the file cannot be written, runs it again on a copy in
  // memory, so it must not change anything but the tables and values that it resets itself. Notices
  // enqueued in memory are delivered. If the program ends before the copy is written to the file,
  // the same records are read again and the notices are delivered again.
  template <typename Change>
  Result<void> Write(Change change) {
    return GuardWriting([&] { Transact(change); });
  }

  template <typename Change>
  void Transact(Change change) {
    SQLite::Transaction transaction(database_.handle(), SQLite::TransactionBehavior::IMMEDIATE);
    change();
    transaction.commit();
  }

  template <typename Action>
  Result<void> GuardWriting(Action action) {
    bool is_unwritable = false;
    const auto attempt = [&] {
      try {
        action();
      } catch (const SQLite::Exception& exception) {
        is_unwritable = IsUnwritable(exception);
        throw;
      }
    };
    auto done = Guard("commit", attempt);
    if (done || !is_unwritable || file_->in_memory()) return done;
    bool moved = false;
    const auto move = Guard("continue in memory", [&] { moved = file_->ToMemory(); });
    if (!move || !moved) return done;
    Log().error("{}; continuing in memory until the ledger can be written", done.error().message);
    return Guard("commit", action);
  }

  template <typename Action>
  Result<void> Read(Action action) {
    return Guard("read", action);
  }

  template <typename Action>
  void ReadOrLog(Action action) {
    if (const auto read = Read(action); !read) Log().error(read.error().message);
  }

  // Turns exceptions into an error that says what failed.
  template <typename Action>
  Result<void> Guard(std::string_view what, Action action) {
    try {
      action();
      return {};
    } catch (const std::exception& exception) {
      ++errors_;
      return Fail(ErrorKind::kIo, fmt::format("ledger: {}: {}", what, exception.what()));
    }
  }

  NoticeContext Context() {
    return {.subscriptions = subscriptions_,
            .visible = [this](const std::string& backup) { return standings_.IsVisible(backup); },
            .in_flight =
                [this](std::int64_t notice) {
                  return std::ranges::any_of(in_flight_, [&](const auto& one) {
                    return one.second.notices.contains(notice) || one.second.IsReported(notice);
                  });
                }};
  }

  const Subscription* SubscriptionOf(const std::string& monitor) const {
    const auto found = std::ranges::find(subscriptions_, monitor, &Subscription::monitor);
    return found == subscriptions_.end() ? nullptr : &*found;
  }

  void Publish() {
    Standings next;
    for (const auto& [name, source] : sources_) next.sources[name] = counters_[name];
    next.committed = committed_;
    next.errors = errors_;
    next.full = full_ || file_->in_memory();
    next.future_stamps = program_.future_stamps;
    next.series_dropped = program_.series_dropped;
    next.clock_jumps = program_.clock_jumps;
    standings_.Publish(std::move(next));
  }

  const LedgerOptions options_;

  std::mutex mutex_;  // guards all of the following, except what standings_ has published
  std::unique_ptr<LedgerFile> file_;
  Database& database_;
  std::map<std::string, SourceRules> sources_;
  Expectations expectations_;
  StandingsCache standings_{database_, sources_, expectations_};
  std::map<std::string, SourceStanding> counters_;
  ProgramCounters program_;
  Time now_{};  // of the last call with a time
  std::vector<Subscription> subscriptions_;
  std::function<void()> on_notices_;
  std::map<std::string, InFlight> in_flight_;  // by monitor
  bool monitors_changed_ = false;              // since they were read
  std::optional<Time> committed_;
  std::optional<Time> last_forgotten_;
  Time tried_file_{};
  std::uint64_t errors_;
  bool full_ = false;
  Retention retention_{.history = options_.history,
                       .discovered_backups = options_.discovered_backups_expire};
};

Ledger::Ledger(std::unique_ptr<State> state) : state_(std::move(state)) {}
Ledger::~Ledger() = default;

Result<std::unique_ptr<Ledger>> Ledger::Open(const LedgerOptions& options) {
  auto file = LedgerFile::Open(options.directory, options.recover);
  if (!file) return tl::unexpected(file.error());
  auto state = std::make_unique<State>(options, std::move(*file));
  if (auto loaded = state->Load(); !loaded) return tl::unexpected(loaded.error());
  return std::unique_ptr<Ledger>(new Ledger(std::move(state)));
}

void Ledger::Configure(std::vector<SourceRules> sources) { state_->Configure(std::move(sources)); }

void Ledger::Retain(std::chrono::seconds history) { state_->Retain(history); }

void Ledger::Expect(std::vector<Expectation> expectations, Time now) {
  state_->Expect(std::move(expectations), now);
}

void Ledger::Subscribe(std::vector<Subscription> subscriptions, Time now) {
  state_->Subscribe(std::move(subscriptions), now);
}

void Ledger::OnNotices(std::function<void()> on_notices) {
  state_->OnNotices(std::move(on_notices));
}

std::vector<Notice> Ledger::Pending(const std::string& monitor, std::size_t most) {
  return state_->Pending(monitor, most);
}

void Ledger::Report(const std::string& monitor, std::span<const Delivery> deliveries, Time now) {
  state_->Report(monitor, deliveries, now);
}

Result<std::vector<Checkpoint>> Ledger::Checkpoints(const std::string& source) {
  return state_->Checkpoints(source);
}

Result<void> Ledger::Commit(const std::string& source, std::span<FileStep> steps, Time now) {
  return state_->Commit(source, steps, now);
}

Result<void> Ledger::Tick(Time now, const Pulse& pulse) { return state_->Tick(now, pulse); }

std::shared_ptr<const Standings> Ledger::standings() const { return state_->standings(); }

}  // namespace backup_exporter
