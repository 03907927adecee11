#include "ledger/notices.h"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>

#include "base/uuid.h"
#include "ledger/rules/outcome.h"
#include "ledger/store/counted_runs.h"

namespace backup_exporter {
namespace {

// More than a busy host produces in a day. Above this limit, the oldest notice of the monitor is
// dropped.
constexpr std::int64_t kMostPending = 100'000;

Subject SubjectOf(const StoredRun& run) {
  return {.backup = run.backup, .operation = run.operation};
}

StatusScope ScopeOf(const Subscription& subscription, Subject subject) {
  return {.monitor = subscription.monitor,
          .subject = subject,
          .one_backup = SeparatesBackups(subscription),
          .one_operation = SeparatesOperations(subscription)};
}

}  // namespace

const Notices::Starts::One* Notices::Starts::last_open() const {
  const auto found = std::ranges::find_if(all.rbegin(), all.rend(), &One::open);
  return found == all.rend() ? nullptr : &*found;
}

void Notices::Ended(const StoredRun& run, bool reported_before) {
  settled_.insert(run.backup);
  if (context_.subscriptions.empty() || !run.result) return;
  EndFacts facts = FactsOf(run);
  facts.reported_before = reported_before;
  const bool began = std::erase(began_, run.id) > 0;
  if (began && facts.watched) EnqueueStart(run, /*run_is_over=*/true);
  for (const Subscription& subscription : context_.subscriptions) {
    facts.covered = IsCovered(subscription, SubjectOf(run));
    if (!facts.covered && facts.watched) continue;
    const Starts starts = StartsOf(subscription, run.id);
    // Nothing is sent. The rest is expensive for each of many old runs.
    if (starts.all.empty() && OnlyCloses(subscription, facts)) continue;
    const std::vector<std::string> others = OthersFailing(subscription, SubjectOf(run));
    facts.others_fail = !others.empty();
    facts.start_is_open = starts.last_open() != nullptr;
    facts.failure_sent =
        subscription.recovery && notices_.WasSentFailure(ScopeOf(subscription, SubjectOf(run)));
    facts.has_messages =
        subscription.states.contains(NoticeState::kLog) && HasMessages(subscription, run.id);
    CarryOut(subscription, DecideEnd(subscription, facts), facts, run, starts, others);
  }
}

void Notices::Proven(const StoredRun& run, bool was_overdue) {
  const auto before = results_.LastBefore(run);
  const bool was_withheld = was_overdue || (before && IsBad(*before->result));
  if (was_withheld) Changed(run);
}

void Notices::Withdrawn(const StoredRun& run) {
  std::erase(began_, run.id);
  Close(run, NoticeReason::kWithdrawn);
}

void Notices::Merged(RowId from, const StoredRun& into) {
  std::ranges::replace(began_, from, into.id);
  const bool moved = notices_.MoveStarts(from, into.id);
  // If the end was sent before this start was known, nothing else will close the start.
  if (moved && into.state == RunState::kSettled) Close(into, NoticeReason::kSentBefore);
}

void Notices::Missed(const Misses& misses) {
  for (const Subscription& subscription : context_.subscriptions) {
    const MissFacts facts{.covered = IsCovered(subscription, misses.subject),
                          .failures = misses.failures,
                          .before = misses.before,
                          .in_a_row = misses.in_a_row};
    if (!ReportsMiss(subscription, facts)) continue;
    Notice notice = AboutMiss(misses.subject);
    notice.also_failing = OthersFailing(subscription, misses.subject);
    Supersede(subscription, misses.subject, /*run=*/0, notice, /*sent=*/true);
    Enqueue(subscription, misses.subject, /*run=*/0, notice);
    notices_.RememberFailure(subscription.monitor, misses.subject, now_);
  }
}

void Notices::Finish() {
  for (const RowId id : began_) {
    const auto run = runs_.Find(id);
    if (!run || run->state == RunState::kSettled || !IsWatched(*run)) continue;
    EnqueueStart(*run, /*run_is_over=*/run->state != RunState::kOpen);
  }
  began_.clear();
}

bool Notices::TickIsDue() {
  return notices_.HasExpired(now_) ||
         std::ranges::any_of(context_.subscriptions, [&](const Subscription& subscription) {
           return subscription.remind &&
                  !notices_.FailuresSentBy(subscription.monitor, now_ - *subscription.remind)
                       .empty();
         });
}

void Notices::Tick() {
  notices_.Expire(now_);
  for (const Subscription& subscription : context_.subscriptions) {
    if (!subscription.remind) continue;
    for (const Subject subject :
         notices_.FailuresSentBy(subscription.monitor, now_ - *subscription.remind)) {
      Remind(subscription, subject);
    }
  }
}

void Notices::Close(const StoredRun& run, NoticeReason reason) {
  EndFacts facts{.result = run.result, .failing = IsFailingOrOverdue(SubjectOf(run))};
  for (const Subscription& subscription : context_.subscriptions) {
    const Starts starts = StartsOf(subscription, run.id);
    if (starts.all.empty()) continue;
    const std::vector<std::string> others = OthersFailing(subscription, SubjectOf(run));
    facts.others_fail = !others.empty();
    facts.start_is_open = starts.last_open() != nullptr;
    CarryOut(subscription, DecideClosing(subscription, facts, reason), facts, run, starts, others);
  }
}

void Notices::EnqueueStart(const StoredRun& run, bool run_is_over) {
  const Subject subject = SubjectOf(run);
  for (const Subscription& subscription : context_.subscriptions) {
    if (!IsCovered(subscription, subject)) continue;
    StartFacts facts{.run_is_over = run_is_over,
                     .was_sent = !StartsOf(subscription, run.id).all.empty()};
    if (subscription.start_is_good) {
      facts.failing = IsFailingOrOverdue(subject);
      facts.others_fail = !OthersFailing(subscription, subject).empty();
    }
    if (!DecideStart(subscription, facts).send) continue;
    Notice notice = AboutRun(run, NoticeState::kStart);
    notice.uid = RandomUuid();
    Enqueue(subscription, subject, run.id, notice);
  }
}

void Notices::CarryOut(const Subscription& subscription, const EndDecision& decision,
                       const EndFacts& facts, const StoredRun& run, const Starts& starts,
                       const std::vector<std::string>& others_failing) {
  const Subject subject = SubjectOf(run);
  const bool about_run = decision.about == EndDecision::About::kRun;
  Notice notice = about_run ? AboutRun(run, decision.state) : AboutStandingFailure(subject);
  const Starts::One* open = starts.last_open();
  notice.closes = open != nullptr;
  if (open != nullptr) {
    notice.uid = open->uid;
  } else {
    notice.uid = starts.all.empty() ? RandomUuid() : starts.all.back().uid;
  }
  // A withdrawn run did nothing, so it is reported as skipped.
  if (!run.result && about_run) notice.result = RunResult::kSkipped;
  if (about_run) notice.failures = facts.failures;
  notice.also_failing = others_failing;
  // The run does not change the status. Its own subject is one of those that keep the status bad.
  if (decision.only_closes && about_run && subscription.one_state && facts.failing) {
    notice.also_failing.insert(notice.also_failing.begin(), notice.backup);
  }
  if (decision.log) {
    Notice log = notice;
    log.state = NoticeState::kLog;
    log.closes = false;
    Enqueue(subscription, subject, run.id, log);
  }
  if (decision.drop_starts) DropStarts(subscription, starts);
  if (decision.supersede) Supersede(subscription, subject, run.id, notice, decision.send);
  if (decision.send) EnqueueEnd(subscription, subject, run.id, notice, starts);
  if (decision.forget_failure) notices_.ForgetFailures(ScopeOf(subscription, subject));
  if (decision.remember_failure) {
    notices_.RememberFailure(subscription.monitor, subject, now_);
  }
}

void Notices::Remind(const Subscription& subscription, Subject subject) {
  const auto last = results_.Last(subject);
  const std::vector<std::string> others = OthersFailing(subscription, subject);
  const Reminder reminder =
      DecideReminder(subscription, {.covered = IsCovered(subscription, subject),
                                    .shown = context_.visible(NameOf(subject.backup)),
                                    .last_is_bad = last && IsBad(*last->result),
                                    .overdue = expectations_.MissedInARow(subject) > 0,
                                    .paused = expectations_.IsPausedAfter(subject, now_),
                                    .others_fail = !others.empty()});
  if (reminder == Reminder::kForget) {
    notices_.ForgetFailures(ScopeOf(subscription, subject));
    return;
  }
  notices_.RememberFailure(subscription.monitor, subject, now_);
  if (reminder == Reminder::kPostpone) return;
  Notice notice = AboutStandingFailure(subject);
  notice.also_failing = others;
  const RowId run = reminder == Reminder::kMiss ? 0 : last->id;
  Supersede(subscription, subject, /*run=*/0, notice, /*sent=*/true);
  Enqueue(subscription, subject, run, notice);
}

EndFacts Notices::FactsOf(const StoredRun& run) {
  const Subject subject = SubjectOf(run);
  EndFacts facts{.result = run.result, .watched = IsWatched(run)};
  facts.failing = IsFailingOrOverdue(subject);
  if (!facts.watched) return facts;
  facts.counts = results_.Counts(run.id);
  facts.newest = results_.IsNewest(run);
  facts.overdue = expectations_.MissedInARow(subject) > 0;
  if (IsBad(*run.result)) facts.failures = results_.FailuresUpTo(run);
  return facts;
}

Notices::Starts Notices::StartsOf(const Subscription& subscription, RowId run) {
  Starts starts;
  for (NoticeStore::Start& start : notices_.StartsOf(run, subscription.monitor)) {
    const bool in_flight = context_.in_flight(start.id);
    const bool open = start.delivered || in_flight || start.attempted ||
                      subscription.superseding == Superseding::kNothing;
    starts.all.push_back({.id = start.id,
                          .uid = std::move(start.uid),
                          .delivered = start.delivered,
                          .in_flight = in_flight,
                          .open = open});
  }
  return starts;
}

void Notices::DropStarts(const Subscription& subscription, const Starts& starts) {
  for (const Starts::One& start : starts.all) {
    if (start.delivered) {
      notices_.Remove(start.id);
    } else if (!start.in_flight && subscription.superseding != Superseding::kNothing) {
      notices_.Drop(start.id, subscription.monitor, Dropped::kSuperseded);
    }
  }
}

void Notices::Supersede(const Subscription& subscription, Subject subject, RowId run,
                        Notice& notice, bool sent) {
  if (subscription.superseding == Superseding::kNothing) return;
  for (const auto& pending : notices_.PendingIn(ScopeOf(subscription, subject))) {
    const PendingFate fate =
        DecidePending(subscription, {.state = notice.state, .sent = sent, .closes = notice.closes},
                      {.state = pending.state,
                       .cause = pending.cause,
                       .closes = pending.closes,
                       .same_uid = pending.uid == notice.uid,
                       .same_run = pending.run == run});
    if (fate == PendingFate::kKeep) continue;
    if (fate == PendingFate::kDropAndInherit) {
      notice.uid = pending.uid;
      notice.closes = true;
    }
    notices_.Drop(pending.id, subscription.monitor, Dropped::kSuperseded);
  }
}

void Notices::EnqueueEnd(const Subscription& subscription, Subject subject, RowId run,
                         const Notice& notice, const Starts& starts) {
  // A service with a status expects an end for every start that it was sent.
  for (const Starts::One& start : starts.all) {
    if (!subscription.one_state || !start.open || start.uid == notice.uid) continue;
    Notice other = notice;
    other.uid = start.uid;
    Enqueue(subscription, subject, run, other);
  }
  Enqueue(subscription, subject, run, notice);
}

void Notices::Enqueue(const Subscription& subscription, Subject subject, RowId run,
                      const Notice& notice) {
  const std::string& monitor = subscription.monitor;
  // The end of a run is worth sending only for some time after the run. A start that was sent is
  // closed, however late.
  const bool counts_from_now = notice.cause != NoticeCause::kRun || notice.closes;
  const Time expires = (counts_from_now ? now_ : notice.at) + subscription.keep;
  notices_.Count(monitor, fmt::format("notices {}", Name(notice.state)));
  if (expires <= now_) {
    notices_.Count(monitor, fmt::format("dropped {}", Name(Dropped::kExpired)));
    return;
  }
  const RowId id = notices_.Insert(monitor, subject, run, notice, now_, expires);
  notified_.insert(monitor);
  if (const auto one = notices_.OneTooMany(monitor, id, kMostPending)) {
    notices_.Drop(*one, monitor, Dropped::kQueueFull);
  }
}

Notice Notices::AboutRun(const StoredRun& run, NoticeState state) {
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

Notice Notices::AboutMiss(Subject subject) {
  const auto last = LastSuccess(database_, subject.backup, subject.operation);
  return {.state = NoticeState::kFail,
          .cause = NoticeCause::kMissed,
          .uid = RandomUuid(),
          .backup = NameOf(subject.backup),
          .operation = subject.operation,
          .at = now_,
          .error = last ? "no success since " + FormatUtc(*last) : "it has never succeeded",
          .failures = expectations_.MissedInARow(subject)};
}

Notice Notices::AboutStandingFailure(Subject subject) {
  const auto last = results_.Last(subject);
  if (!last || expectations_.MissedInARow(subject) > 0) return AboutMiss(subject);
  Notice notice = AboutRun(*last, NoticeState::kFail);
  notice.cause = NoticeCause::kReminder;
  notice.uid = RandomUuid();
  notice.failures = results_.FailuresUpTo(*last);
  return notice;
}

bool Notices::IsWatched(const StoredRun& run) {
  const std::optional<Time> ended = run.ended ? run.ended : run.ended_by;
  return notices_.WasWatched(run.id, ended ? ended : run.started);
}

bool Notices::IsCovered(const Subscription& subscription, Subject subject) {
  return Covers(subscription, NameOf(subject.backup), subject.operation);
}

bool Notices::IsFailingOrOverdue(Subject subject) {
  const auto last = results_.Last(subject);
  return (last && IsBad(*last->result)) || expectations_.MissedInARow(subject) > 0;
}

bool Notices::HasMessages(const Subscription& subscription, RowId run) {
  if (!subscription.messages) return false;
  return std::ranges::any_of(runs_.MessagesOf(run), [&](const Message& message) {
    return message.level <= *subscription.messages;
  });
}

std::vector<std::string> Notices::OthersFailing(const Subscription& subscription, Subject subject) {
  std::vector<std::string> failing;
  if (!subscription.one_state) return failing;
  for (const Subject other : results_.FailingOrOverdue()) {
    if (other == subject || (subscription.by_backup && other.backup != subject.backup) ||
        (subscription.by_operation && other.operation != subject.operation)) {
      continue;
    }
    std::string name = NameOf(other.backup);
    if (!Covers(subscription, name, other.operation)) continue;
    const auto last = results_.Last(other);
    const bool only_overdue = !last || !IsBad(*last->result);
    if (only_overdue && expectations_.IsPausedAfter(other, now_)) continue;
    const bool is_shown =
        settled_.contains(other.backup) || other.backup == subject.backup || context_.visible(name);
    if (!is_shown) continue;
    if (other.operation != Operation::kBackup) name += fmt::format(" ({})", Name(other.operation));
    failing.push_back(std::move(name));
  }
  return failing;
}

std::string Notices::NameOf(RowId backup) { return notices_.BackupName(backup); }

}  // namespace backup_exporter
