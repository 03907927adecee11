#include "ledger/ledger.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <set>
#include <utility>

#include "base/log.h"
#include "ledger/backups.h"
#include "ledger/expectations.h"
#include "ledger/fold.h"
#include "ledger/standing_query.h"
#include "ledger/store/database.h"
#include "ledger/store/expectations.h"
#include "ledger/store/notices.h"

namespace backup_exporter {
namespace {

// Names of the counters in the table; those of a source stand with its name, the others with none.
struct SourceCounter {
  std::string_view name;
  std::uint64_t& (*member)(SourceStanding&);
};
constexpr auto kSourceCounters = std::to_array<SourceCounter>({
    {"read_bytes", [](SourceStanding& s) -> std::uint64_t& { return s.read_bytes; }},
    {"record_bytes", [](SourceStanding& s) -> std::uint64_t& { return s.record_bytes; }},
    {"records", [](SourceStanding& s) -> std::uint64_t& { return s.counts.records; }},
    {"folded", [](SourceStanding& s) -> std::uint64_t& { return s.counts.decoded; }},
    {"parse_errors", [](SourceStanding& s) -> std::uint64_t& { return s.counts.parse_errors; }},
    {"text", [](SourceStanding& s) -> std::uint64_t& { return s.counts.text; }},
    {"unknown_messages",
     [](SourceStanding& s) -> std::uint64_t& { return s.counts.unknown_messages; }},
    {"unknown_fields", [](SourceStanding& s) -> std::uint64_t& { return s.counts.unknown_fields; }},
    {"blank_bytes", [](SourceStanding& s) -> std::uint64_t& { return s.skipped.blank; }},
    {"too_long_bytes", [](SourceStanding& s) -> std::uint64_t& { return s.skipped.too_long; }},
    {"nul_bytes", [](SourceStanding& s) -> std::uint64_t& { return s.skipped.nul; }},
    {"cut_off_bytes", [](SourceStanding& s) -> std::uint64_t& { return s.skipped.cut_off; }},
});
constexpr std::string_view kFutureStamps = "future_stamps";
constexpr std::string_view kSeriesDropped = "series_dropped";
// When history was forgotten last, in microseconds since the epoch.
constexpr std::string_view kForgot = "forgot";
constexpr std::string_view kClockJumps = "clock_jumps";

// What a monitor's worker was given, and said of it.
struct Hand {
  std::set<std::int64_t> notices;
  std::vector<std::pair<Delivery, Time>> reports;  // with their times; not stored yet

  [[nodiscard]] bool Reported(std::int64_t notice) const {
    return std::ranges::any_of(reports,
                               [&](const auto& report) { return report.first.notice == notice; });
  }
};

}  // namespace

class Ledger::State {
 public:
  State(LedgerOptions options, std::unique_ptr<Database> database)
      : options_(std::move(options)),
        database_(std::move(database)),
        errors_(database_->recovered() ? 1 : 0) {}

  void Configure(std::vector<SourceRules> sources) {
    const std::lock_guard lock(mutex_);
    sources_.clear();
    for (SourceRules& source : sources) sources_[source.source] = std::move(source);
    if (const auto read = Guard("read", [&] { LoadAll(); }); !read)
      Log().error(read.error().message);
  }

  void Expect(std::vector<Expectation> expectations, Time now) {
    const std::lock_guard lock(mutex_);
    expectations_ = Expectations(std::move(expectations));
    now_ = now;
    const auto done = GuardWriting([&] {
      SQLite::Transaction transaction(database_->handle(), SQLite::TransactionBehavior::IMMEDIATE);
      ExpectationStore store(*database_);
      store.ForgetAfter(now);
      expectations_.Declare(*database_, now);
      LoadAll();
      // What nobody expects any more is watched anew when somebody does.
      for (const Subject subject : store.Watched()) {
        const OperationStanding* standing = StandingOf(subject.backup, subject.operation);
        if (standing == nullptr || !standing->expected) {
          store.StopWatching(subject);
        }
      }
      database_->Release();
      transaction.commit();
    });
    if (!done) Log().error(done.error().message);
  }

  void OnNotices(std::function<void()> on_notices) {
    const std::lock_guard lock(mutex_);
    on_notices_ = std::move(on_notices);
  }

  void Subscribe(std::vector<Subscription> subscriptions, Time now) {
    const std::lock_guard lock(mutex_);
    subscriptions_ = std::move(subscriptions);
    for (auto& [monitor, hand] : hands_) hand.notices.clear();
    const auto done = GuardWriting([&] {
      SQLite::Transaction transaction(database_->handle(), SQLite::TransactionBehavior::IMMEDIATE);
      NoticeStore store(*database_);
      for (const auto& [name, source] : sources_) store.EnterSource(name, now);
      store.RetryAll(now);
      database_->Release();
      transaction.commit();
      LoadMonitors();
    });
    if (!done) Log().error(done.error().message);
    Publish();
  }

  std::vector<Notice> Waiting(const std::string& monitor, std::size_t most) {
    const std::lock_guard lock(mutex_);
    std::vector<Notice> notices;
    const Subscription* subscription = SubscriptionOf(monitor);
    Hand& hand = hands_[monitor];
    hand.notices.clear();
    const auto done = Guard("read", [&] {
      std::vector<RowId> runs;
      const auto limit = static_cast<std::int64_t>(most + hand.reports.size());
      for (NoticeStore::Queued& queued : NoticeStore(*database_).Oldest(monitor, limit)) {
        if (notices.size() == most) break;
        if (hand.Reported(queued.notice.id)) continue;
        notices.push_back(std::move(queued.notice));
        runs.push_back(queued.run);
      }
      RunStore store(*database_);
      for (std::size_t i = 0; i < notices.size(); ++i) {
        hand.notices.insert(notices[i].id);
        const bool says_more = subscription != nullptr && subscription->messages &&
                               notices[i].state != NoticeState::kStart;
        if (!says_more) continue;
        notices[i].messages = store.MessagesOf(runs[i]);
        std::erase_if(notices[i].messages, [&](const Message& message) {
          return message.level > *subscription->messages;
        });
      }
    });
    if (!done) Log().error(done.error().message);
    return notices;
  }

  void Report(const std::string& monitor, std::span<const Delivery> deliveries, Time now) {
    const std::lock_guard lock(mutex_);
    Hand& hand = hands_[monitor];
    for (const Delivery& delivery : deliveries) hand.reports.emplace_back(delivery, now);
    if (const auto done = StoreReports(monitor); !done) Log().error(done.error().message);
    hand.notices.clear();
  }

  Result<std::vector<Checkpoint>> Checkpoints(const std::string& source) {
    const std::lock_guard lock(mutex_);
    std::vector<Checkpoint> files;
    auto done = Guard("read", [&] {
      SQLite::Statement& select = database_->Prepare(
          "SELECT id,path,device,inode,offset,prefix_crc,modified,decoder_state FROM files WHERE "
          "source=? "
          "ORDER BY id");
      select.bind(1, source);
      while (select.executeStep()) {
        FilePosition position{
            .id = select.getColumn(0).getInt64(),
            .path = Text(select, 1),
            .device = static_cast<std::uint64_t>(select.getColumn(2).getInt64()),
            .inode = static_cast<std::uint64_t>(select.getColumn(3).getInt64()),
            .offset = static_cast<std::uint64_t>(select.getColumn(4).getInt64()),
            .prefix_crc = static_cast<std::uint32_t>(select.getColumn(5).getInt64()),
            .modified = Instant(select, 6).value_or(Time())};
        files.push_back({.position = std::move(position), .decoder_state = Text(select, 7)});
      }
    });
    if (!done) return tl::unexpected(done.error());
    return files;
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

    SourceStanding counted = counters_[name];
    std::set<RowId> touched;
    bool told = false;
    auto done = GuardWriting([&] {
      counted = counters_[name];
      for (std::size_t i = 0; i < steps.size(); ++i) steps[i].position.id = ids[i];
      SQLite::Transaction transaction(database_->handle(), SQLite::TransactionBehavior::IMMEDIATE);
      Backups backups(*database_, sources_, options_.max_backups);
      const NoticeContext context = Context();
      Fold fold(*database_, backups, context, now);
      for (FileStep& step : steps) {
        database_->Prepare("SAVEPOINT step").exec();
        const std::int64_t id = step.position.id;
        if (fold.Apply(source->second, step)) {
          Add(step, counted);
        } else {
          step.position.id = id;
          database_->Prepare("ROLLBACK TO step").exec();
        }
        database_->Prepare("RELEASE step").exec();
      }
      StoreCounters(name, counted);
      AddCounter(kFutureStamps, fold.future_stamps());
      AddCounter(kSeriesDropped, fold.dropped());
      fold.notices().Finish();
      database_->Release();
      transaction.commit();
      told = !fold.notices().notified().empty();
      future_stamps_ += fold.future_stamps();
      series_dropped_ += fold.dropped();
      touched = fold.touched();
    });
    full_ = !done || database_->in_memory();
    if (!done) {
      for (std::size_t i = 0; i < steps.size(); ++i) steps[i].position.id = ids[i];
      Publish();
      return done;
    }
    counters_[name] = counted;
    if (!full_) committed_ = now;
    if (told) Told();
    // What is committed is committed, whether or not it can be read back.
    if (const auto read = Guard("read", [&] { Refresh(touched); }); !read)
      Log().error(read.error().message);
    Publish();
    return {};
  }

  Result<void> Tick(Time now, const Pulse& pulse) {
    const std::lock_guard lock(mutex_);
    now_ = now;
    TryFile(now);
    for (const auto& [monitor, hand] : hands_) {
      if (hand.reports.empty()) continue;
      if (auto stored = StoreReports(monitor); !stored) return stored;
    }
    // Either way: a clock that was wrong may be right again.
    const bool forget = !forgot_ || std::chrono::abs(now - *forgot_) >= std::chrono::hours(24);
    const Due due = FindDue(now, pulse);
    auto done = GuardWriting([&] {
      SQLite::Statement& held = database_->Prepare(
          "SELECT EXISTS(SELECT 1 FROM runs WHERE state='provisional' AND settles_at<=?)");
      Bind(held, 1, std::optional(now));
      held.executeStep();
      const bool release = held.getColumn(0).getInt() != 0;
      held.reset();
      const NoticeContext context = Context();
      Backups backups(*database_, sources_, options_.max_backups);
      Fold fold(*database_, backups, context, now);
      if (!release && !forget && pulse.clock_jumps == 0 && due.empty() &&
          !fold.notices().TickIsDue()) {
        return;
      }

      SQLite::Transaction transaction(database_->handle(), SQLite::TransactionBehavior::IMMEDIATE);
      fold.ReleaseHeld();
      ExpectationStore store(*database_);
      if (pulse.clock_jumps > 0) store.ForgetAfter(now);
      for (const auto& [backup, operation] : due.unwatched) {
        const ExpectedStanding& expected = *StandingOf(backup, operation)->expected;
        const bool configured = expected.origin == Origin::kConfigured;
        store.StartWatching({backup, operation}, now,
                            configured ? std::optional(expected.interval) : std::nullopt);
      }
      for (const auto& [backup, operation] : due.late) {
        store.Excuse({backup, operation}, *StandingOf(backup, operation)->expected->next_miss,
                     *pulse.awake_since);
      }
      for (const auto& [backup, operation] : due.missed) CountMissed(fold, backup, operation, now);
      fold.notices().Tick();
      AddCounter(kClockJumps, pulse.clock_jumps);
      if (forget) {
        RememberLearned();
        ForgetRuns(*database_, now - options_.history);
        SQLite::Statement& over = database_->Prepare("DELETE FROM pauses WHERE ends<?");
        Bind(over, 1, std::optional(Time(now - options_.history)));
        over.exec();
        database_->Prepare("UPDATE backups SET unseen_days=unseen_days+1").exec();
        SQLite::Statement& untold = database_->Prepare("DELETE FROM repositories WHERE told<?");
        Bind(untold, 1, std::optional(Time(now - options_.history)));
        untold.exec();
        KeepWanted();
        SQLite::Statement& gone = database_->Prepare("DELETE FROM backups WHERE unseen_days>?");
        gone.bind(1, static_cast<std::int64_t>(options_.discovered_backups_expire.count()));
        gone.exec();
        expectations_.Declare(*database_, now);
        StoreCounter("", kForgot, static_cast<std::uint64_t>(now.time_since_epoch().count()));
      }
      fold.notices().Finish();
      database_->Release();
      transaction.commit();
      if (!database_->in_memory()) committed_ = now;
      if (!fold.notices().notified().empty()) Told();
      monitors_changed_ = true;
      clock_jumps_ += pulse.clock_jumps;
      if (forget) forgot_ = now;
      std::set<RowId> touched = fold.touched();
      touched.insert(due.backups.begin(), due.backups.end());
      forget ? LoadAll() : Refresh(touched);
    });
    if (done && std::exchange(monitors_changed_, false))
      done = Guard("read", [&] { LoadMonitors(); });
    Publish();
    return done;
  }

  [[nodiscard]] std::shared_ptr<const Standings> standings() const {
    return std::atomic_load(&standings_);
  }

  Result<void> Load() {
    const std::lock_guard lock(mutex_);
    return Guard("read", [&] {
      SQLite::Statement& select = database_->Prepare("SELECT source,name,value FROM counters");
      while (select.executeStep()) {
        const std::string name = Text(select, 1);
        const auto value = static_cast<std::uint64_t>(select.getColumn(2).getInt64());
        if (name == kFutureStamps) future_stamps_ = value;
        if (name == kSeriesDropped) series_dropped_ = value;
        if (name == kForgot) forgot_ = Instant(select, 2);
        if (name == kClockJumps) clock_jumps_ = value;
        for (const SourceCounter& counter : kSourceCounters) {
          if (counter.name == name) counter.member(counters_[Text(select, 0)]) = value;
        }
      }
      LoadAll();
    });
  }

 private:
  // Guard for what writes. While the file cannot be written it works on a copy in memory, which
  // goes to the file as soon as that can be: what is told meanwhile is told, and if the program
  // ends before, it is read and told once more.
  template <typename Action>
  Result<void> GuardWriting(Action action) {
    bool unwritable = false;
    const auto attempt = [&] {
      try {
        action();
      } catch (const SQLite::Exception& exception) {
        unwritable = IsUnwritable(exception);
        throw;
      }
    };
    auto done = Guard("commit", attempt);
    if (done || !unwritable || database_->in_memory()) return done;
    bool moved = false;
    const auto move = Guard("go on in memory", [&] { moved = database_->ToMemory(); });
    if (!move || !moved) return done;
    Log().error("{}; going on in memory until the ledger can be written", done.error().message);
    return Guard("commit", action);
  }

  // What cannot be stored is kept, and stored with the next: to deliver a notice once more because
  // the ledger cannot be written would have no end.
  Result<void> StoreReports(const std::string& monitor) {
    Hand& hand = hands_[monitor];
    const Subscription* subscription = SubscriptionOf(monitor);
    monitors_changed_ = true;
    auto done = GuardWriting([&] {
      // Nothing to wait for the disk for: after a power cut it is delivered again.
      database_->handle().exec("PRAGMA synchronous=NORMAL");
      SQLite::Transaction transaction(database_->handle(), SQLite::TransactionBehavior::IMMEDIATE);
      for (const auto& [delivery, at] : hand.reports) {
        if (subscription != nullptr)
          NoticeStore(*database_).RecordDelivery(*subscription, delivery, at);
      }
      database_->Release();
      transaction.commit();
    });
    if (done) {
      hand.reports.clear();
    } else {
      // What is tried again waits as it did.
      std::erase_if(hand.reports, [](const auto& report) {
        return report.first.outcome == Delivery::Outcome::kRetry;
      });
    }
    const auto back = Guard("commit", [&] { database_->handle().exec("PRAGMA synchronous=FULL"); });
    return done ? back : done;
  }

  // What time alone brings to expectations.
  struct Due {
    std::vector<std::pair<RowId, Operation>> unwatched;  // expected anew, or otherwise than before
    std::vector<std::pair<RowId, Operation>> late;       // because the host was down or asleep
    std::vector<std::pair<RowId, Operation>> missed;
    std::set<RowId> backups;  // these, and those whose pause is over

    [[nodiscard]] bool empty() const { return backups.empty(); }
  };
  Due FindDue(Time now, const Pulse& pulse) {
    Due due;
    for (const auto& [backup, name] : names_) {
      for (const OperationStanding& runs : by_name_.at(name)->operations) {
        if (runs.paused && runs.paused->until <= now) due.backups.insert(backup);
        if (!runs.expected) continue;
        if (!runs.expected->watched) due.unwatched.emplace_back(backup, runs.operation);
        if (!IsLate(runs, now, pulse)) continue;
        // What was late when the host woke is given its grace, once: a host that sleeps every
        // night would never be told otherwise.
        auto woke = runs.expected->woke;
        if (!woke && pulse.awake_since && *pulse.awake_since <= now) {
          woke = pulse.awake_since;
          if (now < *woke + GraceOf(*runs.expected)) due.late.emplace_back(backup, runs.operation);
        }
        if (woke && now < *woke + GraceOf(*runs.expected)) continue;
        due.missed.emplace_back(backup, runs.operation);
      }
      // What was judged by a wrong clock changes.
      if (pulse.clock_jumps > 0) due.backups.insert(backup);
    }
    for (const auto& [backup, operation] : due.late) due.backups.insert(backup);
    for (const auto& [backup, operation] : due.unwatched) due.backups.insert(backup);
    for (const auto& [backup, operation] : due.missed) due.backups.insert(backup);
    return due;
  }

  static Duration GraceOf(const ExpectedStanding& expected) {
    return std::max(expected.slack, kDefaultGrace);
  }

  static bool IsLate(const OperationStanding& runs, Time now, const Pulse& pulse) {
    const ExpectedStanding& expected = *runs.expected;
    if (!pulse.caught_up || runs.paused || !expected.next_miss) return false;
    if (now < *expected.next_miss) return false;
    return !runs.running || IsStuck(*runs.running, runs.max_duration, now);
  }

  // Whether a run under way is no hope any more. As the rules have it.
  static bool IsStuck(const RunningRun& run, const std::optional<Duration>& most, Time now) {
    constexpr std::chrono::hours kMostSilence{24};
    if (run.start && most) return now - *run.start >= *most;
    const auto seen = run.active ? run.active : run.start;
    return !seen || now - *seen >= kMostSilence;
  }

  // What the configuration expects stays, however long nothing was heard of it.
  void KeepWanted() {
    for (const auto& [backup, name] : names_) {
      if (!expectations_.configured().HasSchedule(name)) continue;
      SQLite::Statement& keep = database_->Prepare("UPDATE backups SET unseen_days=0 WHERE id=?");
      keep.bind(1, backup);
      keep.exec();
    }
  }

  // What was learned holds when the runs that taught it are forgotten.
  void RememberLearned() {
    for (const auto& [backup, name] : names_) {
      for (const OperationStanding& runs : by_name_.at(name)->operations) {
        const auto& expected = runs.expected;
        if (!expected || expected->origin != Origin::kLearned) continue;
        ExpectationStore(*database_).RememberInterval({backup, runs.operation}, expected->interval);
      }
    }
  }

  void CountMissed(Fold& fold, RowId backup, Operation operation, Time now) {
    const OperationStanding& before = *StandingOf(backup, operation);
    const std::uint64_t in_a_row =
        expectations_.RecordMisses(*database_, backup, names_.at(backup), now, before);
    fold.notices().Missed({.subject = {backup, operation},
                           .before = before.missed_in_a_row,
                           .in_a_row = in_a_row,
                           .failures = before.consecutive_failures});
  }

  // nullptr: it is not shown.
  const OperationStanding* StandingOf(RowId backup, Operation operation) const {
    const auto name = names_.find(backup);
    if (name == names_.end()) return nullptr;
    const auto& operations = by_name_.at(name->second)->operations;
    const auto found = std::ranges::find(operations, operation, &OperationStanding::operation);
    return found == operations.end() ? nullptr : &*found;
  }

  // Back to the file, where the ledger is in memory, every few seconds.
  void TryFile(Time now) {
    constexpr std::chrono::seconds kBetween{5};
    if (!database_->in_memory() || std::chrono::abs(now - tried_file_) < kBetween) return;
    tried_file_ = now;
    if (!Guard("write from memory", [&] { database_->ToFile(); })) return;
    Log().info("the ledger can be written again");
    full_ = false;
    committed_ = now;
  }

  // Runs what may throw, and says where.
  template <typename Action>
  Result<void> Guard(std::string_view what, Action action) {
    Result<void> done;
    try {
      action();
    } catch (const std::exception& exception) {
      ++errors_;
      done = Fail(ErrorKind::kIo, fmt::format("ledger: {}: {}", what, exception.what()));
    }
    database_->Release();
    return done;
  }

  static void Add(FileStep& step, SourceStanding& to) {
    SourceStanding from{.read_bytes = step.read_bytes,
                        .record_bytes = step.record_bytes,
                        .counts = step.counts,
                        .skipped = step.skipped};
    for (const SourceCounter& counter : kSourceCounters) counter.member(to) += counter.member(from);
  }

  void StoreCounters(const std::string& source, SourceStanding& now) {
    for (const SourceCounter& counter : kSourceCounters) {
      if (counter.member(now) == counter.member(counters_[source])) continue;
      StoreCounter(source, counter.name, counter.member(now));
    }
  }

  void StoreCounter(const std::string& source, std::string_view name, std::uint64_t value) {
    SQLite::Statement& store = database_->Prepare(
        "INSERT INTO counters(source,name,value) VALUES(?,?,?) ON CONFLICT DO UPDATE SET "
        "value=excluded.value");
    store.bind(1, source);
    Bind(store, 2, name);
    Bind(store, 3, std::optional(value));
    store.exec();
  }

  void AddCounter(std::string_view name, std::uint64_t count) {
    if (count == 0) return;
    SQLite::Statement& add = database_->Prepare(
        "INSERT INTO counters(source,name,value) VALUES('',?,?) ON CONFLICT DO UPDATE SET "
        "value=value+excluded.value");
    Bind(add, 1, name);
    Bind(add, 2, std::optional(count));
    add.exec();
  }

  NoticeContext Context() {
    return {.subscriptions = subscriptions_,
            .visible = [this](const std::string& backup) { return by_name_.contains(backup); },
            .in_flight =
                [this](std::int64_t notice) {
                  return std::ranges::any_of(hands_, [&](const auto& one) {
                    return one.second.notices.contains(notice) || one.second.Reported(notice);
                  });
                }};
  }

  const Subscription* SubscriptionOf(const std::string& monitor) const {
    const auto found = std::ranges::find(subscriptions_, monitor, &Subscription::monitor);
    return found == subscriptions_.end() ? nullptr : &*found;
  }

  void Told() {
    monitors_changed_ = true;
    if (on_notices_) on_notices_();
  }

  void LoadMonitors() {
    monitors_.clear();
    for (const Subscription& subscription : subscriptions_) {
      monitors_[subscription.monitor] = NoticeStore(*database_).Standing(subscription);
    }
  }

  // A backup is shown under the first configured source that feeds it, or because the configuration
  // expects it.
  std::shared_ptr<const BackupStanding> Query(RowId backup) {
    SQLite::Statement& feeds = database_->Prepare(
        "SELECT source,path,template,tool,repository FROM feeds WHERE backup=? ORDER BY "
        "source,path");
    feeds.bind(1, backup);
    const SourceRules* by = nullptr;
    std::string tool;
    std::string repository;
    while (feeds.executeStep()) {
      const auto source = sources_.find(Text(feeds, 0));
      if (source == sources_.end() || !Feeds(source->second, Text(feeds, 1), Text(feeds, 2)))
        continue;
      // What is told by hand names no tool: another source knows more.
      if (source->second.names_backup && by != nullptr) continue;
      tool = Text(feeds, 3);
      repository = Text(feeds, 4);
      by = &source->second;
      if (!by->names_backup) break;
    }
    auto standing =
        std::make_shared<BackupStanding>(QueryStanding(*database_, expectations_, backup, now_));
    if (by == nullptr && !expectations_.configured().Names(standing->name)) return nullptr;
    if (by != nullptr) {
      standing->tool = tool.empty() ? by->tool : tool;
      standing->repository = by->repository.empty() ? repository : by->repository;
      standing->source = by->source;
    }
    // What nobody lists any more is not known any more.
    const auto lister = sources_.find(standing->listed_by);
    if (lister == sources_.end()) standing->newest_archive.reset();
    if (lister == sources_.end() || !lister->second.complete) {
      standing->archives.reset();
      standing->oldest_archive.reset();
    }
    return standing;
  }

  void LoadRepositories() {
    repositories_.clear();
    SQLite::Statement& select =
        database_->Prepare("SELECT source,name,stored,original FROM repositories ORDER BY told");
    while (select.executeStep()) {
      if (!sources_.contains(Text(select, 0))) continue;
      // Of several sources that tell of one the newest holds.
      repositories_[Text(select, 1)] = {.stored_bytes = Count(select, 2),
                                        .original_bytes = Count(select, 3)};
    }
  }

  void Refresh(const std::set<RowId>& backups) {
    LoadRepositories();
    for (const RowId backup : backups) {
      const auto standing = Query(backup);
      const auto name = names_.find(backup);
      if (name != names_.end()) by_name_.erase(name->second);
      if (!standing) {
        names_.erase(backup);
        continue;
      }
      names_[backup] = standing->name;
      by_name_[standing->name] = standing;
    }
    Publish();
  }

  void LoadAll() {
    std::set<RowId> backups;
    SQLite::Statement& select = database_->Prepare("SELECT id FROM backups");
    while (select.executeStep()) backups.insert(select.getColumn(0).getInt64());
    by_name_.clear();
    names_.clear();
    Refresh(backups);
  }

  void Publish() {
    auto next = std::make_shared<Standings>();
    next->backups.reserve(by_name_.size());
    for (const auto& [name, standing] : by_name_) next->backups.push_back(standing);
    for (const auto& [name, source] : sources_) next->sources[name] = counters_[name];
    next->repositories = repositories_;
    next->monitors = monitors_;
    next->committed = committed_;
    next->errors = errors_;
    next->full = full_ || database_->in_memory();
    next->future_stamps = future_stamps_;
    next->series_dropped = series_dropped_;
    next->clock_jumps = clock_jumps_;
    std::atomic_store(&standings_, std::shared_ptr<const Standings>(std::move(next)));
  }

  const LedgerOptions options_;

  std::mutex mutex_;  // guards what follows, but for standings_, which is swapped whole
  std::unique_ptr<Database> database_;
  std::map<std::string, SourceRules> sources_;
  std::map<std::string, SourceStanding> counters_;
  std::map<std::string, std::shared_ptr<const BackupStanding>> by_name_;
  std::map<RowId, std::string> names_;
  std::map<std::string, RepositoryStanding> repositories_;
  Expectations expectations_;
  Time now_{};  // of the last call that said
  std::vector<Subscription> subscriptions_;
  std::function<void()> on_notices_;
  std::map<std::string, Hand> hands_;  // by monitor
  std::map<std::string, MonitorStanding> monitors_;
  bool monitors_changed_ = false;  // since monitors_ was loaded
  std::optional<Time> committed_;
  std::optional<Time> forgot_;
  Time tried_file_{};
  std::uint64_t errors_;
  bool full_ = false;
  std::uint64_t future_stamps_ = 0;
  std::uint64_t series_dropped_ = 0;
  std::uint64_t clock_jumps_ = 0;
  std::shared_ptr<const Standings> standings_ = std::make_shared<Standings>();
};

Ledger::Ledger(std::unique_ptr<State> state) : state_(std::move(state)) {}
Ledger::~Ledger() = default;

Result<std::unique_ptr<Ledger>> Ledger::Open(const LedgerOptions& options) {
  auto database = Database::Open(options.directory, options.recover);
  if (!database) return tl::unexpected(database.error());
  auto state = std::make_unique<State>(options, std::move(*database));
  if (auto loaded = state->Load(); !loaded) return tl::unexpected(loaded.error());
  return std::unique_ptr<Ledger>(new Ledger(std::move(state)));
}

void Ledger::Configure(std::vector<SourceRules> sources) { state_->Configure(std::move(sources)); }

void Ledger::Expect(std::vector<Expectation> expectations, Time now) {
  state_->Expect(std::move(expectations), now);
}

void Ledger::Subscribe(std::vector<Subscription> subscriptions, Time now) {
  state_->Subscribe(std::move(subscriptions), now);
}

void Ledger::OnNotices(std::function<void()> on_notices) {
  state_->OnNotices(std::move(on_notices));
}

std::vector<Notice> Ledger::Waiting(const std::string& monitor, std::size_t most) {
  return state_->Waiting(monitor, most);
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
