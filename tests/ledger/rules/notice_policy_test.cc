#include "ledger/rules/notice_policy.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace backup_exporter {
namespace {

using enum NoticeState;
using Why = NoticeReason;
using enum RunResult;

// A monitor that is sent each event.
Subscription Events() {
  return {.states = {kStart, kFinish, kFail}, .operations = {Operation::kBackup}};
}
// A service that shows one status for all backups.
Subscription Status() {
  Subscription subscription = Events();
  subscription.superseding = Superseding::kStates;
  subscription.one_state = true;
  return subscription;
}
// A service that alarms people, and is sent when the alarm is over.
Subscription Alarm() {
  Subscription subscription = Events();
  subscription.states = {kFail};
  subscription.superseding = Superseding::kFails;
  subscription.recovery = true;
  return subscription;
}
// A log of all that happens.
Subscription Log() {
  Subscription subscription = Events();
  subscription.states.insert(kLog);
  subscription.superseding = Superseding::kNothing;
  return subscription;
}
Subscription AfterThree() {
  Subscription subscription = Events();
  subscription.after = 3;
  return subscription;
}
Subscription OnlyFinish() {
  Subscription subscription = Events();
  subscription.states = {kFinish};
  return subscription;
}

// --- Ends

struct EndCase {
  std::string what;
  Subscription subscription;
  EndFacts facts;
  bool send;
  NoticeState state;
  NoticeReason reason;
};

TEST(NoticePolicy, AnEndIsSentOrNotByTheFacts) {
  const std::vector<EndCase> cases{
      // A result, for each kind of monitor.
      {"success", Events(), {.result = kSuccess}, true, kFinish, Why::kResult},
      {"warning", Events(), {.result = kWarning}, true, kFinish, Why::kResult},
      {"failure",
       Events(),
       {.result = kFailure, .failing = true, .failures = 1},
       true,
       kFail,
       Why::kResult},
      {"interruption",
       Events(),
       {.result = kInterrupted, .failing = true, .failures = 1},
       true,
       kFail,
       Why::kResult},
      {"old event",
       Events(),
       {.result = kFailure, .newest = false, .failures = 1},
       true,
       kFail,
       Why::kResult},
      {"success for status", Status(), {.result = kSuccess}, true, kFinish, Why::kResult},
      {"success for alarm", Alarm(), {.result = kSuccess}, false, kFinish, Why::kNotSubscribed},
      {"success for log", Log(), {.result = kSuccess}, true, kFinish, Why::kResult},
      {"failure not subscribed",
       OnlyFinish(),
       {.result = kFailure, .failures = 1},
       false,
       kFail,
       Why::kNotSubscribed},
      // Recovery.
      {"recovery",
       Alarm(),
       {.result = kSuccess, .failure_sent = true},
       true,
       kResolve,
       Why::kRecovery},
      {"old success",
       Alarm(),
       {.result = kSuccess, .newest = false, .failure_sent = true},
       false,
       kFinish,
       Why::kNotSubscribed},
      // Too few failures.
      {"second of three",
       AfterThree(),
       {.result = kFailure, .failures = 2},
       false,
       kFail,
       Why::kNotEnough},
      {"third of three",
       AfterThree(),
       {.result = kFailure, .failures = 3},
       true,
       kFail,
       Why::kResult},
      // A shared status.
      {"others fail",
       Status(),
       {.result = kSuccess, .others_fail = true},
       false,
       kFail,
       Why::kOthersFail},
      {"others fail, start",
       Status(),
       {.result = kSuccess, .others_fail = true, .start_is_open = true},
       true,
       kFail,
       Why::kStartIsOpen},
      {"not newest",
       Status(),
       {.result = kFailure, .newest = false},
       false,
       kFinish,
       Why::kNotNewest},
      {"not newest, start",
       Status(),
       {.result = kSuccess, .newest = false, .failing = true, .start_is_open = true},
       true,
       kFail,
       Why::kNotNewest},
      // What changes no status closes its start only.
      {"not covered",
       Events(),
       {.result = kFailure, .covered = false, .start_is_open = true},
       false,
       kFinish,
       Why::kNotCovered},
      {"not watched",
       Events(),
       {.result = kFailure, .watched = false},
       false,
       kFail,
       Why::kNotWatched},
      {"not watched, start",
       Events(),
       {.result = kFailure, .watched = false, .start_is_open = true},
       true,
       kFail,
       Why::kNotWatched},
      {"skipped", Events(), {.result = kSkipped}, false, kFinish, Why::kSkipped},
      {"skipped, start",
       Events(),
       {.result = kSkipped, .failing = true, .start_is_open = true},
       true,
       kFinish,
       Why::kSkipped},
      {"skipped, start, status",
       Status(),
       {.result = kSkipped, .failing = true, .start_is_open = true},
       true,
       kFail,
       Why::kSkipped},
      // A success before the misses.
      {"still missed",
       Events(),
       {.result = kSuccess, .failing = true, .overdue = true},
       false,
       kFinish,
       Why::kStillMissed},
      {"still missed, log",
       Log(),
       {.result = kSuccess, .failing = true, .overdue = true},
       true,
       kFinish,
       Why::kResult},
  };
  for (const EndCase& one : cases) {
    SCOPED_TRACE(one.what);
    const EndDecision decision = DecideEnd(one.subscription, one.facts);
    EXPECT_EQ(decision.send, one.send);
    EXPECT_EQ(decision.state, one.state);
    EXPECT_EQ(decision.reason, one.reason);
  }
}

TEST(NoticePolicy, AClaimThatDoesNotCountEndsNoFailureForAnyMonitor) {
  for (const Subscription& subscription : {Events(), Status(), Alarm(), Log(), OnlyFinish()}) {
    for (const bool overdue : {false, true}) {
      for (const bool start_is_open : {false, true}) {
        const EndDecision decision = DecideEnd(subscription, {.result = kSuccess,
                                                              .counts = false,
                                                              .failing = true,
                                                              .overdue = overdue,
                                                              .start_is_open = start_is_open,
                                                              .failure_sent = true});
        EXPECT_EQ(decision.reason, Why::kDoesNotCount);
        EXPECT_EQ(decision.state, kFail);
        EXPECT_EQ(decision.about, EndDecision::About::kStandingFailure);
        EXPECT_EQ(decision.send, start_is_open && subscription.states.contains(kFail));
        EXPECT_FALSE(decision.supersede);
        EXPECT_FALSE(decision.forget_failure);
      }
    }
  }
}

TEST(NoticePolicy, AClaimIsReportedWhileNothingFails) {
  const EndDecision decision = DecideEnd(Status(), {.result = kSuccess, .counts = false});
  EXPECT_TRUE(decision.send);
  EXPECT_EQ(decision.state, kFinish);
}

TEST(NoticePolicy, OnlyTheNewestGoodResultEndsAFailure) {
  EXPECT_TRUE(DecideEnd(Events(), {.result = kSuccess}).forget_failure);
  EXPECT_FALSE(DecideEnd(Events(), {.result = kSuccess, .newest = false}).forget_failure);
  EXPECT_FALSE(DecideEnd(Status(), {.result = kSuccess, .others_fail = true}).forget_failure);
  EXPECT_FALSE(DecideEnd(Events(), {.result = kFailure, .failures = 1}).forget_failure);
}

TEST(NoticePolicy, OnlyAFailureThatIsSentIsRemembered) {
  EXPECT_TRUE(DecideEnd(Events(), {.result = kFailure, .failures = 1}).remember_failure);
  EXPECT_FALSE(DecideEnd(AfterThree(), {.result = kFailure, .failures = 1}).remember_failure);
  EXPECT_FALSE(
      DecideEnd(Events(), {.result = kFailure, .newest = false, .failures = 1}).remember_failure);
}

TEST(NoticePolicy, MessagesAreSentOnceWithTheFirstReport) {
  EXPECT_TRUE(DecideEnd(Log(), {.result = kSuccess, .has_messages = true}).log);
  EXPECT_FALSE(DecideEnd(Log(), {.result = kSuccess}).log);
  EXPECT_FALSE(DecideEnd(Events(), {.result = kSuccess, .has_messages = true}).log);
  EXPECT_FALSE(
      DecideEnd(Log(), {.result = kFailure, .reported_before = true, .has_messages = true}).log);
}

// --- Starts

TEST(NoticePolicy, AStartIsSentUnlessThereIsAReasonAgainstIt) {
  EXPECT_TRUE(DecideStart(Events(), {}).send);
  EXPECT_TRUE(DecideStart(Events(), {.failing = true, .others_fail = true}).send);
  EXPECT_TRUE(DecideStart(Log(), {.run_is_over = true}).send);
  EXPECT_EQ(DecideStart(Events(), {.run_is_over = true}).reason, Why::kRunIsOver);
  EXPECT_EQ(DecideStart(Events(), {.was_sent = true}).reason, Why::kSentBefore);
  EXPECT_EQ(DecideStart(Alarm(), {}).reason, Why::kNotSubscribed);
  EXPECT_EQ(DecideStart(AfterThree(), {}).reason, Why::kNotEnough);
  Subscription good = Status();
  good.start_is_good = true;
  EXPECT_TRUE(DecideStart(good, {}).send);
  EXPECT_EQ(DecideStart(good, {.failing = true}).reason, Why::kShowsAsGood);
  EXPECT_EQ(DecideStart(good, {.others_fail = true}).reason, Why::kShowsAsGood);
}

// --- Misses and reminders

TEST(NoticePolicy, AMissIsReportedOnceByTheFirstThatReachesTheThreshold) {
  EXPECT_TRUE(ReportsMiss(Events(), {.in_a_row = 1}));
  EXPECT_FALSE(ReportsMiss(Events(), {.before = 1, .in_a_row = 2}));
  EXPECT_FALSE(ReportsMiss(Events(), {.covered = false, .in_a_row = 1}));
  EXPECT_FALSE(ReportsMiss(OnlyFinish(), {.in_a_row = 1}));
  EXPECT_FALSE(ReportsMiss(AfterThree(), {.in_a_row = 2}));
  EXPECT_TRUE(ReportsMiss(AfterThree(), {.failures = 1, .before = 1, .in_a_row = 2}));
  EXPECT_TRUE(ReportsMiss(AfterThree(), {.failures = 3, .in_a_row = 1}));
  EXPECT_FALSE(ReportsMiss(AfterThree(), {.failures = 1, .before = 2, .in_a_row = 3}));
}

TEST(NoticePolicy, AReminderIsSentWhileSomethingFails) {
  EXPECT_EQ(DecideReminder(Events(), {.last_is_bad = true}), Reminder::kFailure);
  EXPECT_EQ(DecideReminder(Events(), {.overdue = true}), Reminder::kMiss);
  EXPECT_EQ(DecideReminder(Events(), {.last_is_bad = true, .overdue = true}), Reminder::kMiss);
  EXPECT_EQ(DecideReminder(Events(), {.overdue = true, .paused = true}), Reminder::kPostpone);
  EXPECT_EQ(DecideReminder(Events(), {.last_is_bad = true, .paused = true}), Reminder::kFailure);
  EXPECT_EQ(DecideReminder(Events(), {}), Reminder::kForget);
  EXPECT_EQ(DecideReminder(Events(), {.covered = false, .last_is_bad = true}), Reminder::kForget);
  EXPECT_EQ(DecideReminder(Events(), {.shown = false, .last_is_bad = true}), Reminder::kForget);
  EXPECT_EQ(DecideReminder(Status(), {.others_fail = true}), Reminder::kPostpone);
  EXPECT_EQ(DecideReminder(Events(), {.others_fail = true}), Reminder::kForget);
}

// --- Superseding

TEST(NoticePolicy, NothingIsSupersededWhereEverythingIsSent) {
  EXPECT_EQ(DecidePending(Log(), {}, {.cause = NoticeCause::kReminder}), PendingFate::kKeep);
}

TEST(NoticePolicy, APendingReminderIsReplacedByAnyNewerNotice) {
  const PendingFacts reminder{.state = kFail, .cause = NoticeCause::kReminder};
  EXPECT_EQ(DecidePending(Events(), {.state = kFail}, reminder), PendingFate::kDrop);
  EXPECT_EQ(DecidePending(Events(), {.state = kFinish}, reminder), PendingFate::kDrop);
  EXPECT_EQ(DecidePending(Events(), {.state = kFinish}, {.state = kFail}), PendingFate::kKeep);
}

TEST(NoticePolicy, APendingFailureIsReplacedByARecovery) {
  EXPECT_EQ(DecidePending(Alarm(), {.state = kResolve}, {.state = kFail}), PendingFate::kDrop);
  EXPECT_EQ(DecidePending(Alarm(), {.state = kFinish, .sent = false}, {.state = kFail}),
            PendingFate::kDrop);
  EXPECT_EQ(DecidePending(Alarm(), {.state = kResolve}, {.state = kFinish}), PendingFate::kKeep);
  EXPECT_EQ(DecidePending(Alarm(), {.state = kFail}, {.state = kFail}), PendingFate::kKeep);
}

TEST(NoticePolicy, APendingStatusIsReplacedByAnyNewerOne) {
  EXPECT_EQ(DecidePending(Status(), {.state = kFail}, {.state = kFinish}), PendingFate::kDrop);
  EXPECT_EQ(DecidePending(Status(), {.state = kFinish}, {.state = kFail}), PendingFate::kDrop);
  EXPECT_EQ(DecidePending(Status(), {}, {.state = kLog, .same_run = true}), PendingFate::kKeep);
  EXPECT_EQ(DecidePending(Status(), {}, {.state = kLog}), PendingFate::kDrop);
}

TEST(NoticePolicy, AnOpenStartIsInheritedByANoticeThatClosesNone) {
  const PendingFacts closing{.state = kFail, .closes = true};
  EXPECT_EQ(DecidePending(Status(), {}, closing), PendingFate::kDropAndInherit);
  EXPECT_EQ(DecidePending(Status(), {.closes = true}, closing), PendingFate::kKeep);
  EXPECT_EQ(DecidePending(Status(), {.sent = false}, closing), PendingFate::kKeep);
  EXPECT_EQ(
      DecidePending(Status(), {.closes = true}, {.state = kFail, .closes = true, .same_uid = true}),
      PendingFate::kDrop);
}

// --- Subscriptions

TEST(NoticePolicy, ASubscriptionCoversTheBackupsAndOperationsThatItNames) {
  Subscription subscription = Events();
  EXPECT_TRUE(Covers(subscription, "home", Operation::kBackup));
  EXPECT_FALSE(Covers(subscription, "home", Operation::kCheck));
  subscription.backups = {"nas", "h?me"};
  EXPECT_TRUE(Covers(subscription, "home", Operation::kBackup));
  EXPECT_FALSE(Covers(subscription, "office", Operation::kBackup));
}

TEST(NoticePolicy, AStatusIsSharedOnlyWhereTheServiceHasOne) {
  EXPECT_TRUE(SeparatesBackups(Events()));
  EXPECT_TRUE(SeparatesOperations(Events()));
  Subscription status = Status();
  EXPECT_FALSE(SeparatesBackups(status));
  EXPECT_FALSE(SeparatesOperations(status));
  status.by_backup = true;
  EXPECT_TRUE(SeparatesBackups(status));
  EXPECT_FALSE(SeparatesOperations(status));
}

}  // namespace
}  // namespace backup_exporter
