#include "ledger/rules/notice_policy.h"

#include <algorithm>
#include <utility>

#include "base/pattern.h"
#include "ledger/rules/outcome.h"

namespace backup_exporter {
namespace {

bool Subscribes(const Subscription& subscription, NoticeState state) {
  return subscription.states.contains(state);
}

// The reason why a result changes no status at all; nullopt if it may change one.
std::optional<NoticeReason> WhyWithoutEffect(const Subscription& subscription,
                                             const EndFacts& facts) {
  if (!facts.watched) return NoticeReason::kNotWatched;
  if (*facts.result == RunResult::kSkipped) return NoticeReason::kSkipped;
  // No false green: a success that does not count never ends a failure, for any kind of monitor.
  if (!facts.counts && facts.failing) return NoticeReason::kDoesNotCount;
  if (subscription.one_state && !facts.newest) return NoticeReason::kNotNewest;
  // The success ended before the misses and does not make up for them. A monitor that is sent
  // everything is sent this success, too.
  if (IsGood(*facts.result) && facts.overdue && subscription.superseding != Superseding::kNothing) {
    return NoticeReason::kStillMissed;
  }
  return std::nullopt;
}

// The state as which a result that may change a status is sent, and why it is sent or not.
std::pair<NoticeState, NoticeReason> JudgeEnd(const Subscription& subscription,
                                              const EndFacts& facts, bool all_well) {
  const bool bad = IsBad(*facts.result);
  const bool recovers = all_well && facts.newest && facts.failure_sent && subscription.recovery &&
                        !Subscribes(subscription, NoticeState::kFinish);
  if (recovers) return {NoticeState::kResolve, NoticeReason::kRecovery};
  const NoticeState state = all_well ? NoticeState::kFinish : NoticeState::kFail;
  if (bad && facts.failures < subscription.after) return {state, NoticeReason::kNotEnough};
  const bool only_others_fail = !bad && !all_well;
  if (only_others_fail && !facts.start_is_open) return {state, NoticeReason::kOthersFail};
  if (!Subscribes(subscription, state)) return {state, NoticeReason::kNotSubscribed};
  return {state, only_others_fail ? NoticeReason::kStartIsOpen : NoticeReason::kResult};
}

}  // namespace

bool MatchesAny(std::span<const std::string> patterns, const std::string& backup) {
  return patterns.empty() || std::ranges::any_of(patterns, [&](const std::string& pattern) {
           return Fits(pattern, backup);
         });
}

bool Covers(const Subscription& subscription, const std::string& backup, Operation operation) {
  return subscription.operations.contains(operation) && MatchesAny(subscription.backups, backup);
}

bool SeparatesBackups(const Subscription& subscription) {
  return !subscription.one_state || subscription.by_backup;
}

bool SeparatesOperations(const Subscription& subscription) {
  return !subscription.one_state || subscription.by_operation;
}

StartDecision DecideStart(const Subscription& subscription, const StartFacts& facts) {
  const auto refuse = [](NoticeReason reason) { return StartDecision{.reason = reason}; };
  if (facts.run_is_over && subscription.superseding != Superseding::kNothing) {
    return refuse(NoticeReason::kRunIsOver);
  }
  if (!Subscribes(subscription, NoticeState::kStart)) return refuse(NoticeReason::kNotSubscribed);
  // The end of this run might not be sent, and a start without an end would raise an alarm.
  if (subscription.after > 1) return refuse(NoticeReason::kNotEnough);
  if (facts.was_sent) return refuse(NoticeReason::kSentBefore);
  if (subscription.start_is_good && (facts.failing || facts.others_fail)) {
    return refuse(NoticeReason::kShowsAsGood);
  }
  return {.send = true};
}

EndDecision DecideClosing(const Subscription& subscription, const EndFacts& facts,
                          NoticeReason reason) {
  EndDecision decision{.reason = reason, .only_closes = true, .drop_starts = true};
  bool fails = false;
  if (reason == NoticeReason::kDoesNotCount) {
    fails = true;
    decision.about = EndDecision::About::kStandingFailure;
  } else if (subscription.one_state) {
    fails = facts.failing || facts.others_fail;
  } else {
    fails = facts.result && IsBad(*facts.result);
  }
  decision.state = fails ? NoticeState::kFail : NoticeState::kFinish;
  decision.send = facts.start_is_open && Subscribes(subscription, decision.state);
  return decision;
}

bool OnlyCloses(const Subscription& subscription, const EndFacts& facts) {
  return WhyWithoutEffect(subscription, facts).has_value();
}

EndDecision DecideEnd(const Subscription& subscription, const EndFacts& facts) {
  // A start may have been sent while the subscription still covered the backup.
  if (facts.watched && !facts.covered) return {.reason = NoticeReason::kNotCovered};
  if (const auto reason = WhyWithoutEffect(subscription, facts)) {
    return DecideClosing(subscription, facts, *reason);
  }
  const bool bad = IsBad(*facts.result);
  const bool all_well = !bad && !facts.others_fail;
  const auto [state, reason] = JudgeEnd(subscription, facts, all_well);
  EndDecision decision{.state = state, .reason = reason, .drop_starts = true};
  decision.send = reason <= NoticeReason::kStartIsOpen;
  decision.log =
      !facts.reported_before && facts.has_messages && Subscribes(subscription, NoticeState::kLog);
  decision.supersede = facts.newest && (decision.send || all_well);
  decision.forget_failure = facts.newest && all_well;
  decision.remember_failure = facts.newest && bad && decision.send;
  return decision;
}

bool ReportsMiss(const Subscription& subscription, const MissFacts& facts) {
  if (!facts.covered || !Subscribes(subscription, NoticeState::kFail)) return false;
  const bool reported = facts.before > 0 && facts.failures + facts.before >= subscription.after;
  return !reported && facts.failures + facts.in_a_row >= subscription.after;
}

Reminder DecideReminder(const Subscription& subscription, const ReminderFacts& facts) {
  const bool failing = (facts.last_is_bad || facts.overdue) && facts.covered && facts.shown;
  // While others keep the shared status bad, the recovery is still to be sent.
  const bool shares = subscription.one_state && facts.others_fail;
  if (!failing) return shares ? Reminder::kPostpone : Reminder::kForget;
  if (!facts.overdue) return Reminder::kFailure;
  return facts.paused ? Reminder::kPostpone : Reminder::kMiss;
}

PendingFate DecidePending(const Subscription& subscription, const NewerFacts& newer,
                          const PendingFacts& pending) {
  if (subscription.superseding == Superseding::kNothing) return PendingFate::kKeep;
  if (pending.state == NoticeState::kLog && pending.same_run) return PendingFate::kKeep;
  const bool ends_failures =
      subscription.superseding == Superseding::kFails && newer.state != NoticeState::kFail;
  if (ends_failures) {
    if (pending.state != NoticeState::kFail) return PendingFate::kKeep;
  } else if (subscription.superseding != Superseding::kStates) {
    // The newer notice repeats an undelivered reminder, or makes it obsolete.
    if (pending.cause != NoticeCause::kReminder) return PendingFate::kKeep;
  }
  if (!pending.closes) return PendingFate::kDrop;
  if (!newer.sent) return PendingFate::kKeep;
  if (!newer.closes) return PendingFate::kDropAndInherit;
  return pending.same_uid ? PendingFate::kDrop : PendingFate::kKeep;
}

}  // namespace backup_exporter
