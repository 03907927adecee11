#include "ledger/notices.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/pattern.h"
#include "base/uuid.h"
#include "ledger/notice_store.h"
#include "ledger/rules/outcome.h"
#include "ledger/store/counted_runs.h"

namespace backup_exporter {
namespace {

// A start that was told stays until its run has ended.
constexpr std::string_view kTold = "told";

// More than a day's events of a busy host; what is older goes first.
constexpr std::int64_t kMostWaiting = 100'000;

// What shares a state with the run, or is of the same backup and operation:
// "monitor=?1 AND (backup=?2 OR NOT ?4) AND (operation=?3 OR NOT ?5)".
void BindScope(SQLite::Statement& statement, const Subscription& subscription,
               const StoredRun& run) {
  statement.bind(1, subscription.monitor);
  statement.bind(2, run.backup);
  Bind(statement, 3, Name(run.operation));
  statement.bind(4, !subscription.one_state || subscription.by_backup ? 1 : 0);
  statement.bind(5, !subscription.one_state || subscription.by_operation ? 1 : 0);
}

}  // namespace

bool IsHeard(const std::string& name, std::span<const std::string> patterns) {
  return patterns.empty() || std::ranges::any_of(patterns, [&](const std::string& pattern) {
           return Fits(pattern, name);
         });
}

void Notices::End(const StoredRun& run, bool again) {
  settled_.insert(run.backup);
  if (context_.subscriptions.empty() || !run.result) return;
  if (!IsPresent(run)) {
    std::erase(began_, run.id);
    for (const Subscription& subscription : context_.subscriptions) Close(subscription, run);
    return;
  }
  if (std::erase(began_, run.id) > 0) TellBeginning(run, /*only_where_all_is_told=*/true);
  // What does not make up for a miss (a claim where archives are proof, or a success of before it)
  // is no good news.
  const bool still_missed = IsGood(*run.result) && MissedInARow(run.backup, run.operation) > 0;
  for (const Subscription& subscription : context_.subscriptions) {
    if (!Hears(subscription, run)) continue;
    if (still_missed && subscription.superseding != Superseding::kNothing) {
      Close(subscription, run);
    } else {
      TellEnd(subscription, run, again);
    }
  }
}

void Notices::Withdrawn(const StoredRun& run) {
  std::erase(began_, run.id);
  for (const Subscription& subscription : context_.subscriptions) Close(subscription, run);
}

void Notices::Merged(RowId from, const StoredRun& into) {
  std::replace(began_.begin(), began_.end(), from, into.id);
  SQLite::Statement& move =
      database_.Prepare("UPDATE notices SET run=?2 WHERE run=?1 AND state='start'");
  move.bind(1, from);
  move.bind(2, into.id);
  if (move.exec() == 0 || into.state != RunState::kSettled) return;
  // Its end was told before this beginning was known.
  for (const Subscription& subscription : context_.subscriptions) Close(subscription, into);
}

void Notices::Finish() {
  for (const RowId id : began_) {
    const auto run = store_.Find(id);
    if (!run || run->state == RunState::kSettled) continue;
    TellBeginning(*run, /*only_where_all_is_told=*/run->state != RunState::kOpen);
  }
  began_.clear();
}

void Notices::Missed(const Misses& missed) {
  const StoredRun of{.backup = missed.backup, .operation = missed.operation};
  for (const Subscription& subscription : context_.subscriptions) {
    if (!Hears(subscription, of) || !subscription.states.contains(NoticeState::kFail)) continue;
    // Once: by the first that makes it so many in a row.
    const bool was_told =
        missed.before > 0 && missed.failures + missed.before >= subscription.after;
    if (was_told || missed.failures + missed.in_a_row < subscription.after) continue;
    Notice notice = AboutMissed(missed.backup, missed.operation);
    if (subscription.one_state) notice.also_failing = OthersFailing(subscription, of);
    Supersede(subscription, of, notice, /*is_told=*/true);
    Insert(subscription, notice, of);
    SetTold(subscription, of);
  }
}

void Notices::TellBeginning(const StoredRun& run, bool only_where_all_is_told) {
  if (!IsPresent(run)) return;
  for (const Subscription& subscription : context_.subscriptions) {
    const bool all_is_told = subscription.superseding == Superseding::kNothing;
    if (only_where_all_is_told && !all_is_told) continue;
    if (!Hears(subscription, run) || !subscription.states.contains(NoticeState::kStart)) continue;
    // Its end may never be told: neither is its beginning.
    if (subscription.after > 1) continue;
    if (!StartsOf(subscription, run.id).empty()) continue;
    if (subscription.start_is_good) {
      if (IsFailing(run.backup, run.operation)) continue;
      if (!OthersFailing(subscription, run).empty()) continue;
    }
    Notice notice = About(run, NoticeState::kStart);
    notice.uid = RandomUuid();
    Insert(subscription, notice, run);
  }
}

void Notices::TellEnd(const Subscription& subscription, const StoredRun& run, bool again) {
  const bool bad = IsBad(*run.result);
  // What is read late, after a newer run, changes no state.
  const bool last = IsLast(run);
  if (*run.result == RunResult::kSkipped || (!last && subscription.one_state)) {
    Close(subscription, run);
    return;
  }
  const std::vector<Start> starts = StartsOf(subscription, run.id);
  const auto told = std::ranges::find_if(starts.rbegin(), starts.rend(), &Start::told);
  Notice notice = About(run, bad ? NoticeState::kFail : NoticeState::kFinish);
  notice.closes = told != starts.rend();
  if (notice.closes) {
    notice.uid = told->uid;
  } else {
    notice.uid = starts.empty() ? RandomUuid() : starts.back().uid;
  }
  notice.failures = bad ? FailuresUpTo(run) : 0;
  if (subscription.one_state) notice.also_failing = OthersFailing(subscription, run);
  const bool all_well = !bad && notice.also_failing.empty();
  // Nothing is finished while something else is not well; but a start that was told is closed.
  if (!all_well) notice.state = NoticeState::kFail;
  if (all_well && last && subscription.recovery &&
      !subscription.states.contains(NoticeState::kFinish) && WasTold(subscription, run)) {
    notice.state = NoticeState::kResolve;
  }
  const bool has_reason = bad ? notice.failures >= subscription.after : all_well || notice.closes;
  const bool is_told = notice.state == NoticeState::kResolve ||
                       (has_reason && subscription.states.contains(notice.state));
  if (!again && subscription.states.contains(NoticeState::kLog) &&
      HasMessages(subscription, run.id)) {
    Notice log = notice;
    log.state = NoticeState::kLog;
    log.closes = false;
    Insert(subscription, log, run);
  }
  Remove(subscription, starts);
  if (last && (is_told || all_well)) Supersede(subscription, run, notice, is_told);
  if (is_told) InsertEnd(subscription, notice, run, starts);
  if (last && all_well) ClearTold(subscription, run);
  if (last && bad && is_told) SetTold(subscription, run);
}

void Notices::Close(const Subscription& subscription, const StoredRun& run) {
  const std::vector<Start> starts = StartsOf(subscription, run.id);
  Remove(subscription, starts);
  const auto told = std::ranges::find_if(starts.rbegin(), starts.rend(), &Start::told);
  if (told == starts.rend()) return;
  Notice notice = About(run, NoticeState::kFinish);
  notice.uid = told->uid;
  notice.closes = true;
  if (!notice.result) notice.result = RunResult::kSkipped;
  if (subscription.one_state) {
    notice.also_failing = OthersFailing(subscription, run);
    if (IsFailing(run.backup, run.operation)) {
      notice.also_failing.insert(notice.also_failing.begin(), NameOf(run.backup));
    }
    if (!notice.also_failing.empty()) notice.state = NoticeState::kFail;
  } else if (IsBad(*notice.result)) {
    notice.state = NoticeState::kFail;
  }
  if (subscription.states.contains(notice.state)) InsertEnd(subscription, notice, run, starts);
}

std::vector<Notices::Start> Notices::StartsOf(const Subscription& subscription, RowId run) {
  SQLite::Statement& select = database_.Prepare(
      "SELECT id,status,attempts,body FROM notices WHERE run=? AND monitor=? AND state='start' AND "
      "status<>'dead' ORDER BY id");
  select.bind(1, run);
  select.bind(2, subscription.monitor);
  std::vector<Start> starts;
  while (select.executeStep()) {
    Start start{.id = select.getColumn(0).getInt64(), .uid = LoadedNotice(Text(select, 3)).uid};
    start.waits = Text(select, 1) != kTold;
    start.in_flight = context_.in_flight(start.id);
    // Of an attempt that failed only the answer may be lost.
    const bool tried = select.getColumn(2).getInt64() > 0;
    start.told = !start.waits || start.in_flight || tried ||
                 subscription.superseding == Superseding::kNothing;
    starts.push_back(std::move(start));
  }
  return starts;
}

void Notices::Remove(const Subscription& subscription, std::span<const Start> starts) {
  for (const Start& start : starts) {
    if (!start.waits) {
      SQLite::Statement& remove = database_.Prepare("DELETE FROM notices WHERE id=?");
      remove.bind(1, start.id);
      remove.exec();
    } else if (!start.in_flight && subscription.superseding != Superseding::kNothing) {
      Drop(start.id, subscription.monitor, Dropped::kSuperseded);
    }
  }
}

void Notices::Drop(std::int64_t notice, const std::string& monitor, Dropped reason) {
  SQLite::Statement& remove = database_.Prepare("DELETE FROM notices WHERE id=?");
  remove.bind(1, notice);
  remove.exec();
  CountTelling(database_, monitor, fmt::format("dropped {}", Name(reason)));
}

void Notices::Supersede(const Subscription& subscription, const StoredRun& run, Notice& notice,
                        bool is_told) {
  if (subscription.superseding == Superseding::kNothing) return;
  const bool good = notice.state != NoticeState::kFail;
  const bool fails = subscription.superseding == Superseding::kFails && good;
  // What was said once more and did not arrive is said by the next, or not true any more.
  const bool reminders = !fails && subscription.superseding != Superseding::kStates;
  SQLite::Statement& select = database_.Prepare(
      "SELECT id,state,run,body FROM notices WHERE monitor=?1 AND status='waiting' AND "
      "state<>'start' AND (backup=?2 OR NOT ?4) AND (operation=?3 OR NOT ?5)");
  BindScope(select, subscription, run);
  std::vector<std::int64_t> old;
  while (select.executeStep()) {
    const bool is_fail = Text(select, 1) == Name(NoticeState::kFail);
    const bool own_log =
        Text(select, 1) == Name(NoticeState::kLog) && select.getColumn(2).getInt64() == run.id;
    if (own_log || (fails && !is_fail)) continue;
    const Notice before = LoadedNotice(Text(select, 3));
    if (reminders && before.cause != NoticeCause::kReminder) continue;
    if (before.closes && is_told && !notice.closes) {
      notice.uid = before.uid;
      notice.closes = true;
    }
    if (before.closes && (!is_told || before.uid != notice.uid)) continue;
    old.push_back(select.getColumn(0).getInt64());
  }
  for (const std::int64_t id : old) Drop(id, subscription.monitor, Dropped::kSuperseded);
}

void Notices::InsertEnd(const Subscription& subscription, const Notice& notice,
                        const StoredRun& run, std::span<const Start> starts) {
  // A service that shows states waits for the end of every run that it knows.
  for (const Start& start : starts) {
    if (!subscription.one_state || !start.told || start.uid == notice.uid) continue;
    Notice other = notice;
    other.uid = start.uid;
    Insert(subscription, other, run);
  }
  Insert(subscription, notice, run);
}

void Notices::Insert(const Subscription& subscription, const Notice& notice, const StoredRun& run) {
  // A start that was told is closed however late.
  const bool of_now = notice.cause != NoticeCause::kRun || notice.closes;
  const Time expires = (of_now ? now_ : notice.at) + subscription.keep;
  CountTelling(database_, subscription.monitor, fmt::format("notices {}", Name(notice.state)));
  if (expires <= now_) {
    CountTelling(database_, subscription.monitor,
                 fmt::format("dropped {}", Name(Dropped::kExpired)));
    return;
  }
  SQLite::Statement& insert = database_.Prepare(
      "INSERT INTO notices(monitor,state,status,backup,operation,run,created,due,expires,body) "
      "VALUES(?,?,'waiting',?,?,?,?,?,?,?)");
  insert.bind(1, subscription.monitor);
  Bind(insert, 2, Name(notice.state));
  insert.bind(3, run.backup);
  Bind(insert, 4, Name(run.operation));
  insert.bind(5, run.id);
  Bind(insert, 6, std::optional(now_));
  Bind(insert, 7, std::optional(now_));
  Bind(insert, 8, std::optional(expires));
  insert.bind(9, SavedNotice(notice));
  insert.exec();
  told_.insert(subscription.monitor);
  Bound(subscription.monitor, database_.handle().getLastInsertRowid());
}

void Notices::Bound(const std::string& monitor, std::int64_t newest) {
  SQLite::Statement& oldest =
      database_.Prepare("SELECT min(id) FROM notices WHERE monitor=? AND status='waiting'");
  oldest.bind(1, monitor);
  oldest.executeStep();
  // No more can wait than there are numbers.
  if (newest - oldest.getColumn(0).getInt64() < kMostWaiting) return;
  SQLite::Statement& select = database_.Prepare(
      "SELECT id FROM notices WHERE monitor=? AND status='waiting' ORDER BY id DESC LIMIT 1 OFFSET "
      "?");
  select.bind(1, monitor);
  select.bind(2, kMostWaiting);
  if (!select.executeStep()) return;
  Drop(select.getColumn(0).getInt64(), monitor, Dropped::kQueueFull);
}

Notice Notices::About(const StoredRun& run, NoticeState state) {
  Notice notice{.state = state, .backup = NameOf(run.backup), .operation = run.operation};
  notice.started = run.started;
  if (state == NoticeState::kStart) {
    notice.at = run.started.value_or(now_);
    return notice;
  }
  notice.at = run.ended.value_or(run.ended_by.value_or(now_));
  notice.result = run.result;
  notice.reason = run.reason;
  notice.error = run.message;
  notice.exit_code = run.exit_code;
  notice.duration = run.duration;
  notice.figures = run.figures;
  return notice;
}

Notice Notices::AboutMissed(RowId backup, Operation operation) {
  Notice notice{.state = NoticeState::kFail,
                .cause = NoticeCause::kMissed,
                .uid = RandomUuid(),
                .backup = NameOf(backup),
                .operation = operation,
                .at = now_,
                .failures = MissedInARow(backup, operation)};
  const auto last = LastSuccess(database_, backup, operation);
  notice.error = last ? "no success since " + FormatUtc(*last) : "it never succeeded";
  return notice;
}

bool Notices::IsPresent(const StoredRun& run) {
  const std::optional<Time> ended = run.ended ? run.ended : run.ended_by;
  SQLite::Statement& find = database_.Prepare(
      "SELECT EXISTS(SELECT 1 FROM sightings JOIN entered ON entered.source=sightings.source WHERE "
      "run=?1 AND entered.at<=coalesce(?2,entered.at))");
  find.bind(1, run.id);
  Bind(find, 2, ended ? ended : run.started);
  find.executeStep();
  return find.getColumn(0).getInt() != 0;
}

bool Notices::Hears(const Subscription& subscription, const StoredRun& run) {
  return subscription.operations.contains(run.operation) &&
         IsHeard(NameOf(run.backup), subscription.backups);
}

std::uint64_t Notices::MissedInARow(RowId backup, Operation operation) {
  SQLite::Statement& find =
      database_.Prepare("SELECT in_a_row FROM expected WHERE backup=? AND operation=?");
  find.bind(1, backup);
  Bind(find, 2, Name(operation));
  return find.executeStep() ? Count(find, 0).value_or(0) : 0;
}

bool Notices::IsPaused(RowId backup, Operation operation) {
  SQLite::Statement& find =
      database_.Prepare("SELECT 1 FROM pauses WHERE backup=? AND operation IN ('',?) AND ends>?");
  find.bind(1, backup);
  Bind(find, 2, Name(operation));
  Bind(find, 3, std::optional(now_));
  return find.executeStep();
}

bool Notices::IsFailing(RowId backup, Operation operation) {
  const auto last = LastOf(backup, operation);
  return (last && IsBad(*last->result)) || MissedInARow(backup, operation) > 0;
}

bool Notices::HasMessages(const Subscription& subscription, RowId run) {
  if (!subscription.messages) return false;
  return std::ranges::any_of(store_.MessagesOf(run), [&](const Message& message) {
    return message.level <= *subscription.messages;
  });
}

bool Notices::IsLast(const StoredRun& run) {
  const auto last = LastOf(run.backup, run.operation);
  return !last || last->id == run.id;
}

std::uint64_t Notices::FailuresUpTo(const StoredRun& run) {
  SQLite::Statement& count = database_.Prepare(
      "SELECT count(*) FROM runs WHERE backup=?1 AND operation=?2 AND state='settled' AND result "
      "IN "
      "('failure','interrupted') AND (ended_by,id)<=(?3,?4) AND (ended_by,id)>("
      "SELECT coalesce(max(ended_by),-9223372036854775807),coalesce(max(id),0) FROM (SELECT "
      "ended_by,id FROM runs WHERE backup=?1 AND operation=?2 AND state='settled' AND result IN "
      "('success','warning') AND (ended_by,id)<(?3,?4) ORDER BY ended_by DESC,id DESC LIMIT 1))");
  count.bind(1, run.backup);
  Bind(count, 2, Name(run.operation));
  Bind(count, 3, run.ended_by);
  count.bind(4, run.id);
  count.executeStep();
  return static_cast<std::uint64_t>(count.getColumn(0).getInt64());
}

std::vector<std::string> Notices::OthersFailing(const Subscription& subscription,
                                                const StoredRun& run) {
  struct One {
    RowId backup;
    Operation operation;
  };
  std::vector<One> candidates;
  SQLite::Statement& select = database_.Prepare(
      "SELECT backup,operation FROM totals WHERE (SELECT result FROM runs WHERE "
      "runs.backup=totals.backup AND runs.operation=totals.operation AND state='settled' AND "
      "result<>'skipped' ORDER BY ended_by DESC,id DESC LIMIT 1) IN ('failure','interrupted') "
      "OR EXISTS(SELECT 1 FROM expected WHERE expected.backup=totals.backup AND "
      "expected.operation=totals.operation AND in_a_row>0) ORDER BY backup,operation");
  while (select.executeStep()) {
    const auto operation = OperationNamed(Text(select, 1));
    if (operation) candidates.push_back({select.getColumn(0).getInt64(), *operation});
  }
  std::vector<std::string> failing;
  for (const auto& [backup, operation] : candidates) {
    const bool own = backup == run.backup && operation == run.operation;
    if (own || (subscription.by_backup && backup != run.backup) ||
        (subscription.by_operation && operation != run.operation) ||
        !subscription.operations.contains(operation)) {
      continue;
    }
    const auto last = LastOf(backup, operation);
    const bool only_missed = !last || !IsBad(*last->result);
    if (only_missed && IsPaused(backup, operation)) continue;
    std::string name = NameOf(backup);
    if (!IsHeard(name, subscription.backups)) continue;
    if (!settled_.contains(backup) && backup != run.backup && !context_.visible(name)) continue;
    if (operation != Operation::kBackup) name += fmt::format(" ({})", Name(operation));
    failing.push_back(std::move(name));
  }
  return failing;
}

std::string Notices::NameOf(RowId backup) {
  SQLite::Statement& select = database_.Prepare("SELECT name FROM backups WHERE id=?");
  select.bind(1, backup);
  return select.executeStep() ? Text(select, 0) : "";
}

std::optional<StoredRun> Notices::LastOf(RowId backup, Operation operation) {
  SQLite::Statement& select = database_.Prepare(
      "SELECT id FROM runs WHERE backup=? AND operation=? AND state='settled' AND "
      "result<>'skipped' ORDER BY ended_by DESC,id DESC LIMIT 1");
  select.bind(1, backup);
  Bind(select, 2, Name(operation));
  if (!select.executeStep()) return std::nullopt;
  return store_.Find(select.getColumn(0).getInt64());
}

void Notices::SetTold(const Subscription& subscription, const StoredRun& run) {
  SQLite::Statement& set = database_.Prepare(
      "INSERT INTO failing(monitor,backup,operation,told) VALUES(?,?,?,?) ON CONFLICT DO UPDATE "
      "SET told=excluded.told");
  set.bind(1, subscription.monitor);
  set.bind(2, run.backup);
  Bind(set, 3, Name(run.operation));
  Bind(set, 4, std::optional(now_));
  set.exec();
}

void Notices::ClearTold(const Subscription& subscription, const StoredRun& run) {
  SQLite::Statement& clear = database_.Prepare(
      "DELETE FROM failing WHERE monitor=?1 AND (backup=?2 OR NOT ?4) AND (operation=?3 OR NOT "
      "?5)");
  BindScope(clear, subscription, run);
  clear.exec();
}

bool Notices::WasTold(const Subscription& subscription, const StoredRun& run) {
  SQLite::Statement& find = database_.Prepare(
      "SELECT 1 FROM failing WHERE monitor=?1 AND (backup=?2 OR NOT ?4) AND (operation=?3 OR NOT "
      "?5)");
  BindScope(find, subscription, run);
  return find.executeStep();
}

bool Notices::TickIsDue() {
  SQLite::Statement& expired =
      database_.Prepare("SELECT EXISTS(SELECT 1 FROM notices WHERE status<>'told' AND expires<=?)");
  Bind(expired, 1, std::optional(now_));
  expired.executeStep();
  if (expired.getColumn(0).getInt() != 0) return true;
  return std::ranges::any_of(context_.subscriptions, [&](const Subscription& subscription) {
    if (!subscription.remind) return false;
    SQLite::Statement& due =
        database_.Prepare("SELECT EXISTS(SELECT 1 FROM failing WHERE monitor=? AND told<=?)");
    due.bind(1, subscription.monitor);
    Bind(due, 2, std::optional(Time(now_ - *subscription.remind)));
    due.executeStep();
    return due.getColumn(0).getInt() != 0;
  });
}

void Notices::Tick() {
  SQLite::Statement& forget =
      database_.Prepare("DELETE FROM notices WHERE status='dead' AND expires<=?");
  Bind(forget, 1, std::optional(now_));
  forget.exec();
  struct Row {
    std::int64_t id;
    std::string monitor;
  };
  std::vector<Row> expired;
  SQLite::Statement& select =
      database_.Prepare("SELECT id,monitor FROM notices WHERE status='waiting' AND expires<=?");
  Bind(select, 1, std::optional(now_));
  while (select.executeStep()) expired.push_back({select.getColumn(0).getInt64(), Text(select, 1)});
  for (const Row& row : expired) {
    SQLite::Statement& bury = database_.Prepare(
        "UPDATE notices SET status='dead',expires=?2,error=error||' (expired)' WHERE id=?1");
    bury.bind(1, row.id);
    Bind(bury, 2, std::optional(Time(now_ + kDeadLettersKept)));
    bury.exec();
    CountTelling(database_, row.monitor, fmt::format("dropped {}", Name(Dropped::kExpired)));
  }
  for (const Subscription& subscription : context_.subscriptions) {
    if (!subscription.remind) continue;
    std::vector<std::pair<RowId, Operation>> due;
    SQLite::Statement& find =
        database_.Prepare("SELECT backup,operation FROM failing WHERE monitor=? AND told<=?");
    find.bind(1, subscription.monitor);
    Bind(find, 2, std::optional(Time(now_ - *subscription.remind)));
    while (find.executeStep()) {
      const auto operation = OperationNamed(Text(find, 1));
      if (operation) due.emplace_back(find.getColumn(0).getInt64(), *operation);
    }
    for (const auto& [backup, operation] : due) Remind(subscription, backup, operation);
  }
}

void Notices::Remind(const Subscription& subscription, RowId backup, Operation operation) {
  const auto run = LastOf(backup, operation);
  const StoredRun of{.backup = backup, .operation = operation};
  const bool bad = run && IsBad(*run->result);
  const bool missed = MissedInARow(backup, operation) > 0;
  const bool still = (bad || missed) && Hears(subscription, of) && context_.visible(NameOf(backup));
  // Where it shares a state that is not well yet, the recovery is still to be told.
  const bool shares = subscription.one_state && !OthersFailing(subscription, of).empty();
  if (!still && !shares) {
    ClearTold(subscription, of);
    return;
  }
  SetTold(subscription, of);
  if (!still || (missed && IsPaused(backup, operation))) return;
  Notice notice = missed ? AboutMissed(backup, operation) : About(*run, NoticeState::kFail);
  if (!missed) {
    notice.cause = NoticeCause::kReminder;
    notice.uid = RandomUuid();
    notice.failures = FailuresUpTo(*run);
  }
  if (subscription.one_state) notice.also_failing = OthersFailing(subscription, of);
  Supersede(subscription, of, notice, /*is_told=*/true);
  Insert(subscription, notice, missed ? of : *run);
}

}  // namespace backup_exporter
