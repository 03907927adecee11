// When the next success is overdue, and what is reported when it is missed.

#include <gmock/gmock.h>

#include "base/cron.h"
#include "kit/ledger_fixture.h"

namespace backup_exporter {
namespace {

using std::chrono::days;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Optional;

class ExpectationsTest : public LedgerTest {
 protected:
  ExpectationsTest() { now_ = Night(1); }

  void Expect(const Expectation& expectation) {
    expectations_.push_back(expectation);
    ledger().Expect(expectations_, now_);
  }
  void ExpectDaily() { Expect({.backup = "home", .schedule = Every(24h), .grace = 2h}); }
  void Subscribe(Subscription subscription = {}) {
    subscription.monitor = "m";
    subscription.states = {NoticeState::kFinish, NoticeState::kFail};
    subscription.operations = {Operation::kBackup, Operation::kCheck};
    ledger().Subscribe({subscription}, now_);
  }
  // Delivers all pending notices. What they were.
  std::vector<std::string> Deliver() {
    std::vector<std::string> texts;
    std::vector<Delivery> deliveries;
    for (const Notice& notice : ledger().Pending("m", 100)) {
      std::string text(Name(notice.state));
      if (notice.cause == NoticeCause::kMissed) text += " missed " + notice.backup;
      for (const std::string& other : notice.also_failing) text += ", " + other;
      texts.push_back(text);
      deliveries.push_back({.notice = notice.id});
    }
    ledger().Report("m", deliveries, now_);
    return texts;
  }
  // A run of home that ends now.
  void Ran(RunResult result, Duration duration = 10min) {
    Apply(log_, {Finished(result).From(now_ - duration).At(now_).Whole()});
  }
  void GoTo(Time time) {
    now_ = time;
    Tick();
  }
  void Beat(const Pulse& pulse) {
    const auto done = ledger().Tick(now_, pulse);
    EXPECT_TRUE(done) << (done ? "" : done.error().message);
  }
  std::optional<Time> Deadline() { return Home().expected ? Home().expected->deadline : Time(); }
};

TEST_F(ExpectationsTest, TheDeadlineIsOneIntervalAndTheGraceAfterTheLastSuccess) {
  ExpectDaily();
  Ran(kSuccess, 0min);
  EXPECT_THAT(Deadline(), Optional(Night(2) + 2h));
  EXPECT_EQ(Home().expected->interval, 24h);
  EXPECT_EQ(Home().expected->origin, Origin::kConfigured);
}

TEST_F(ExpectationsTest, TheDurationOfARunIsNoDelay) {
  ExpectDaily();
  Ran(kSuccess, 3h);
  EXPECT_THAT(Deadline(), Optional(Night(2) + 5h)) << "the longest known duration counts";
  expectations_[0].max_duration = 1h;
  ledger().Expect(expectations_, now_);
  EXPECT_THAT(Deadline(), Optional(Night(2) + 3h)) << "a configured duration counts instead";
  EXPECT_THAT(Home().max_duration, Optional(1h));
}

TEST_F(ExpectationsTest, TheDeadlineStaysUntilThereIsASuccess) {
  ExpectDaily();
  Ran(kSuccess, 0min);
  GoTo(Night(2));
  Ran(kFailure);
  GoTo(Night(9));
  EXPECT_THAT(Deadline(), Optional(Night(2) + 2h));
  Ran(kWarning, 0min);
  EXPECT_THAT(Deadline(), Optional(Night(10) + 2h));
}

TEST_F(ExpectationsTest, EveryMissIsCountedAndTheFirstIsReported) {
  ExpectDaily();
  Subscribe();
  Ran(kSuccess, 0min);
  Deliver();
  GoTo(Night(2) + 2h - 1s);
  EXPECT_EQ(Home().missed, 0U);
  GoTo(Night(2) + 2h);
  EXPECT_EQ(Home().missed, 1U);
  EXPECT_THAT(Deliver(), ElementsAre("fail missed home"));
  GoTo(Night(5) + 3h);
  EXPECT_EQ(Home().missed, 4U);
  EXPECT_EQ(Home().missed_in_a_row, 4U);
  EXPECT_THAT(Deliver(), IsEmpty());
  Ran(kSuccess);
  EXPECT_EQ(Home().missed, 4U);
  EXPECT_EQ(Home().missed_in_a_row, 0U);
  EXPECT_THAT(Deliver(), ElementsAre("finish"));
  GoTo(Night(8));
  EXPECT_THAT(Deliver(), ElementsAre("fail missed home"));
}

TEST_F(ExpectationsTest, ANoticeOfAMissContainsTheLastSuccess) {
  ExpectDaily();
  Subscribe();
  Ran(kSuccess, 0min);
  Deliver();
  GoTo(Night(3) + 2h);
  const auto notices = ledger().Pending("m", 10);
  ASSERT_EQ(notices.size(), 1U);
  EXPECT_EQ(notices[0].error, "no success since 2026-11-01T02:00:00Z");
  EXPECT_EQ(notices[0].failures, 2U);
  EXPECT_EQ(notices[0].at, now_);
  EXPECT_EQ(notices[0].uid.size(), 36U);
}

TEST_F(ExpectationsTest, FailuresAndMissesTogetherReachTheThresholdOfAMonitor) {
  ExpectDaily();
  Subscribe({.after = 3});
  Ran(kSuccess, 0min);
  Deliver();
  GoTo(Night(2));
  Ran(kFailure);
  GoTo(Night(3));
  EXPECT_THAT(Deliver(), IsEmpty()) << "a failure and a miss";
  GoTo(Night(4));
  EXPECT_THAT(Deliver(), ElementsAre("fail missed home"));
  GoTo(Night(9));
  EXPECT_THAT(Deliver(), IsEmpty());
}

TEST_F(ExpectationsTest, AMissIsSentAgainIfRemindersAreEnabled) {
  ExpectDaily();
  Subscribe({.remind = days(2)});
  Ran(kSuccess, 0min);
  Deliver();
  GoTo(Night(2) + 3h);
  EXPECT_THAT(Deliver(), ElementsAre("fail missed home"));
  GoTo(Night(4) + 2h);
  EXPECT_THAT(Deliver(), IsEmpty());
  GoTo(Night(4) + 3h);
  EXPECT_THAT(Deliver(), ElementsAre("fail missed home"));
}

TEST_F(ExpectationsTest, AMissPreventsTheFinishOfABackupThatSharesTheStatus) {
  sources_.push_back(SourceOf("nas", "nas"));
  ledger().Configure(sources_);
  ExpectDaily();
  Subscribe({.superseding = Superseding::kStates, .one_state = true});
  GoTo(Night(3));
  EXPECT_THAT(Deliver(), ElementsAre("fail missed home"));
  TestFile nas("/nas/nas.log", now_);
  Apply(nas, {Finished(kSuccess).At(now_).Whole()});
  EXPECT_THAT(Deliver(), IsEmpty());
  Ran(kSuccess);
  EXPECT_THAT(Deliver(), ElementsAre("finish"));
}

TEST_F(ExpectationsTest, ABackupThatNeverRanBecomesOverdueAfterItWasConfigured) {
  Expect({.backup = "office", .schedule = Every(24h)});
  EXPECT_THAT(Names(), ElementsAre("office"));
  EXPECT_THAT(Of("office", Operation::kBackup).expected->deadline, Optional(Night(2) + 1h));
  Subscribe();
  GoTo(Night(2) + 1h);
  Reopen();
  EXPECT_EQ(Of("office", Operation::kBackup).missed, 1U);
  EXPECT_EQ(ledger().Pending("m", 10).at(0).error, "it has never succeeded");
}

TEST_F(ExpectationsTest, AnOperationHasAnExpectationOfItsOwn) {
  Expect({.backup = "home", .operation = Operation::kCheck, .schedule = Every(days(7))});
  Ran(kSuccess);
  EXPECT_EQ(Home().expected, std::nullopt);
  EXPECT_THAT(Of("home", Operation::kCheck).expected->deadline, Optional(Night(8) + 1h));
}

TEST_F(ExpectationsTest, APatternAppliesToEveryExistingBackupThatMatches) {
  Expect({.backup = "ho*", .schedule = Every(24h)});
  EXPECT_THAT(Names(), IsEmpty());
  Ran(kSuccess, 0min);
  EXPECT_THAT(Deadline(), Optional(Night(2) + 1h));
  Tick();
  GoTo(Night(2) + 1h);
  EXPECT_EQ(Home().missed, 1U);
}

TEST_F(ExpectationsTest, ARunInProgressIsNotMissed) {
  ExpectDaily();
  Ran(kSuccess, 0min);
  now_ = Night(2);
  Apply(log_, {Started{.operation = Operation::kBackup, .at = now_}});
  GoTo(Night(2) + 20h);
  EXPECT_EQ(Home().missed, 0U);
  GoTo(Night(3));
  EXPECT_EQ(Home().missed, 1U) << "its normal duration is unknown; a day is too long";
}

TEST_F(ExpectationsTest, ARunThatTakesTooLongIsMissed) {
  Expect({.backup = "home", .schedule = Every(24h), .grace = 1h, .max_duration = 3h});
  Ran(kSuccess, 0min);
  now_ = Night(2) + 2h;
  Apply(log_, {Started{.operation = Operation::kBackup, .at = now_}});
  GoTo(now_ + 3h - 1s);
  EXPECT_EQ(Home().missed, 0U);
  GoTo(now_ + 1s);
  EXPECT_EQ(Home().missed, 1U);
}

TEST_F(ExpectationsTest, NothingIsMissedBeforeTheSourcesAreCaughtUp) {
  ExpectDaily();
  now_ = Night(9);
  Beat({.caught_up = false});
  EXPECT_EQ(Home().missed, 0U);
  now_ = Night(8) + 12h;
  Ran(kSuccess, 0min);
  GoTo(Night(9));
  EXPECT_EQ(Home().missed, 0U);
}

TEST_F(ExpectationsTest, ABackupThatIsLateBecauseTheHostWasDownGetsItsGrace) {
  ExpectDaily();
  Ran(kSuccess, 0min);
  now_ = Night(2) + 7h;
  Beat({.awake_since = now_ - 1min});
  EXPECT_EQ(Home().missed, 0U);
  now_ += 2h - 2min;
  Beat({.awake_since = Night(2) + 7h});
  EXPECT_EQ(Home().missed, 0U);
  now_ += 2min;
  Beat({.awake_since = Night(2) + 7h});
  EXPECT_EQ(Home().missed, 1U);
}

TEST_F(ExpectationsTest, AMissIsReportedOnAHostThatIsOffEveryNight) {
  Expect({.backup = "home", .schedule = Every(24h), .grace = 2h, .max_duration = 6h});
  Subscribe();
  Ran(kSuccess);
  Deliver();
  for (int day = 2; day < 5; ++day) {
    for (Duration up = 0h; up <= 7h; up += 1h) {
      now_ = Night(day) + up;
      Beat({.awake_since = Night(day)});
    }
  }
  EXPECT_THAT(Deliver(), ElementsAre("fail missed home"));
}

TEST_F(ExpectationsTest, ALearnedExpectationHasAnHourOfGraceAfterTheHostWasDown) {
  for (int night = 1; night <= 15; ++night) {
    GoTo(Night(night));
    Ran(kSuccess, 0min);
  }
  Tick();
  const Time woke = Night(18);
  now_ = woke + 59min;
  Beat({.awake_since = woke});
  EXPECT_EQ(Home().missed, 0U);
  now_ = woke + 60min;
  Beat({.awake_since = woke});
  EXPECT_GT(Home().missed, 0U);
}

TEST_F(ExpectationsTest, AClockThatWasAheadHidesNoMiss) {
  ExpectDaily();
  Subscribe();
  Ran(kSuccess, 0min);
  Tick();
  Deliver();
  const Time right = Night(1) + 1h;
  now_ = Night(300);
  Beat({.clock_jumps = 1});
  EXPECT_GT(Home().missed, 300U - 10U);
  EXPECT_THAT(Deliver(), ElementsAre("fail missed home"));
  now_ = right;
  Beat({.clock_jumps = 1, .awake_since = Night(300)});
  EXPECT_EQ(Home().missed_in_a_row, 0U);
  const auto before = Home().missed;
  now_ = right + 24h + 2h;
  Beat({.awake_since = Night(300)});
  EXPECT_EQ(Home().missed, before + 1);
  EXPECT_THAT(Deliver(), ElementsAre("fail missed home"));
}

TEST_F(ExpectationsTest, StartingUnderAClockThatWasAheadHidesNoMiss) {
  ExpectDaily();
  Ran(kSuccess, 0min);
  now_ = Night(300);
  Tick();
  const auto before = Home().missed;
  now_ = Night(1) + 1h;
  Reopen();
  ledger().Expect(expectations_, now_);
  GoTo(now_ + 24h + 2h);
  EXPECT_EQ(Home().missed, before + 1);
}

TEST_F(ExpectationsTest, AfterAScheduleChangeEarlierOccurrencesAreNotCounted) {
  Expect({.backup = "home", .schedule = Every(days(7))});
  Ran(kSuccess, 0min);
  Tick();
  now_ = Night(6);
  expectations_[0].schedule = Every(1h);
  ledger().Expect(expectations_, now_);
  Tick();
  Tick();
  EXPECT_EQ(Home().missed, 0U);
  EXPECT_THAT(Deadline(), Optional(Night(1) + 2h)) << "but it is overdue";
  GoTo(Night(6) + 2h);
  EXPECT_EQ(Home().missed, 1U);
}

TEST_F(ExpectationsTest, AClaimMakesUpForNoMissWhereArchivesProveSuccesses) {
  ExpectDaily();
  Subscribe();
  Apply(log_, {Finished(kSuccess).At(now_).Whole().Id("a1b2c3d4").By(Evidence::kArchive)});
  Deliver();
  GoTo(Night(2) + 2h);
  EXPECT_THAT(Deliver(), ElementsAre("fail missed home"));
  Apply(log_, {Finished(kSuccess).At(now_).Whole().By(Evidence::kClaim)});
  EXPECT_EQ(Home().missed_in_a_row, 1U);
  EXPECT_THAT(Deliver(), IsEmpty());
}

TEST_F(ExpectationsTest, ABackupThatIsExpectedByAPatternIsNotForgotten) {
  Expect({.backup = "ho*", .schedule = Every(days(100))});
  Ran(kSuccess, 0min);
  for (int day = 2; day < 110; ++day) GoTo(Night(day));
  EXPECT_THAT(Names(), ElementsAre("home"));
  EXPECT_EQ(Home().missed, 1U);
}

TEST_F(ExpectationsTest, OccurrencesBeforeTheExpectationAreNotCounted) {
  Ran(kSuccess, 0min);
  now_ = Night(9);
  ExpectDaily();
  Tick();
  EXPECT_EQ(Home().missed, 0U);
  EXPECT_THAT(Deadline(), Optional(Night(2) + 2h)) << "but it is overdue";
  GoTo(Night(10) + 2h);
  EXPECT_EQ(Home().missed, 1U);
}

TEST_F(ExpectationsTest, NothingIsMissedAfterTheExpectationIsRemoved) {
  ExpectDaily();
  Ran(kSuccess, 0min);
  GoTo(Night(3));
  EXPECT_EQ(Home().missed, 1U);
  expectations_.clear();
  ledger().Expect(expectations_, now_);
  EXPECT_EQ(Home().expected, std::nullopt);
  GoTo(Night(9));
  EXPECT_EQ(Home().missed, 1U) << "the counter stays";
  ExpectDaily();
  GoTo(Night(9) + 1h);
  EXPECT_EQ(Home().missed, 1U) << "the time without an expectation is not counted";
}

// Learned.

TEST_F(ExpectationsTest, TheExpectationOfARegularBackupIsLearned) {
  Subscribe();
  for (int night = 1; night <= 15; ++night) {
    GoTo(Night(night));
    Ran(kSuccess, 0min);
  }
  EXPECT_EQ(Home().expected->origin, Origin::kLearned);
  EXPECT_EQ(Home().expected->interval, 36h);
  EXPECT_THAT(Deadline(), Optional(Night(15) + 36h));
  Deliver();
  Tick();
  GoTo(Night(15) + 36h);
  EXPECT_THAT(Deliver(), ElementsAre("fail missed home"));
}

TEST_F(ExpectationsTest, TheExpectationOfAnHourlyBackupIsLearned) {
  for (int hour = 0; hour <= 15 * 24; ++hour) {
    now_ = Night(1) + std::chrono::hours(hour);
    Ran(kSuccess, 0min);
  }
  ASSERT_TRUE(Home().expected);
  EXPECT_EQ(Home().expected->interval, 90min);
}

TEST_F(ExpectationsTest, NoExpectationIsLearnedForManualOperations) {
  for (int night = 1; night <= 20; ++night) {
    now_ = Night(night);
    Apply(log_, {Finished(kSuccess).Of(Operation::kRestore).At(now_).Whole()});
  }
  EXPECT_EQ(Of("home", Operation::kRestore).expected, std::nullopt);
}

TEST_F(ExpectationsTest, ABackupThatStoppedLongAgoIsStillOverdue) {
  options_.history = days(30);
  Reopen();
  for (int night = 1; night <= 15; ++night) {
    GoTo(Night(night));
    Ran(kSuccess, 0min);
  }
  GoTo(Night(300));
  EXPECT_THAT(Deadline(), Optional(Night(15) + 36h));
}

TEST_F(ExpectationsTest, OccurrencesBeforeTheWatchAreNotReportedAsMissed) {
  now_ = Night(30);
  Subscribe();
  for (int night = 1; night <= 15; ++night) {
    Apply(log_, {Finished(kSuccess).At(Night(night)).Whole()});
  }
  Tick();
  Tick();
  EXPECT_EQ(Home().missed, 0U);
  EXPECT_THAT(Deadline(), Optional(Night(15) + 36h)) << "it is overdue all the same";
}

TEST_F(ExpectationsTest, NoExpectationIsLearnedForABackupThatIsNeverExpected) {
  Expect({.backup = "home", .never = true});
  for (int night = 1; night <= 15; ++night) {
    now_ = Night(night);
    Ran(kSuccess, 0min);
  }
  EXPECT_EQ(Home().expected, std::nullopt);
  EXPECT_TRUE(Home().never_expected);
}

// Four weeks, five minutes at a time.

class FourWeeksTest : public ExpectationsTest {
 protected:
  FourWeeksTest() {
    now_ = Midnight(0);
    for (const char* name : {"daily", "late", "twice", "never", "weekdays", "weekly"}) {
      sources_.push_back(SourceOf(name, name));
    }
    ledger().Configure(sources_);
  }

  // Midnight of the n-th day; the first is a Monday.
  static Time Midnight(int day) {
    return std::chrono::sys_days(std::chrono::year(2026) / 11 / 2) + days(day);
  }
  void ExpectCron(const std::string& name, std::string_view cron) {
    const auto schedule = ParseCron(cron, TimeZone());
    ASSERT_TRUE(schedule) << schedule.error().message;
    Expect({.backup = name, .schedule = *schedule, .grace = 1h, .max_duration = 1h});
  }
  void Succeed(const std::string& name, RunResult result = kSuccess) {
    TestFile file("/" + name + "/" + std::to_string(++files_) + ".log", now_);
    Apply(file, {Finished(result).From(now_ - 10min).At(now_).Whole()}, kGone);
  }
  // Sets the clock. To the exporter, a clock set ahead looks as if the host had slept.
  void SetClock(Duration by) {
    now_ += by;
    if (by > 0s) awake_ = now_;
    Beat({.clock_jumps = 1, .awake_since = awake_});
    Note();
  }
  // Adds "never 3": a miss of the backup "never" was reported on day 3.
  void Note() {
    for (const std::string& text : Deliver()) {
      if (!text.starts_with("fail missed ")) continue;
      reported_.push_back(text.substr(12) + " " + std::to_string((now_ - Midnight(0)) / days(1)));
    }
  }

  int files_ = 0;
  Time awake_;
  std::vector<std::string> reported_;
};

TEST_F(FourWeeksTest, EveryMissIsReportedOnceAndNoOtherIs) {
  Subscribe();
  for (const char* name : {"daily", "late", "twice", "never"}) ExpectCron(name, "30 2 * * *");
  ExpectCron("weekdays", "30 2 * * 1-5");
  ExpectCron("weekly", "0 4 * * 0");
  bool was_set_back = false;
  for (; now_ < Midnight(28); now_ += 5min) {
    const int day = static_cast<int>((now_ - Midnight(0)) / days(1));
    const Duration clock = now_ - Midnight(day);
    const bool weekday = day % 7 < 5;
    // The host sleeps through the nights of days 10 and 17, and wakes at seven.
    const bool sleeps = (day == 10 || day == 17) && clock < 7h;
    if (sleeps) continue;
    const bool woke = (day == 10 || day == 17) && clock == 7h;
    // On the first of these days its timer catches up, on the second the disk is away.
    const auto due = [&](Duration at) { return clock == at || (woke && at < 7h && day == 10); };
    const bool away = day == 17;
    if (!away && due(2h + 40min)) Succeed("daily");
    if (!away && due(2h + 40min) && day != 5 && day != 6) Succeed("late");
    if (day == 6 && clock == 20h) Succeed("late");
    if (!away && (due(2h + 40min) || clock == 14h)) Succeed("twice");
    if (weekday && !away && due(2h + 40min)) Succeed("weekdays");
    if (day % 7 == 6 && clock == 4h + 30min) Succeed("weekly", day == 20 ? kFailure : kSuccess);
    if (woke) awake_ = now_;
    Beat({.awake_since = awake_});
    Note();
    if (clock != 12h) continue;
    if (day == 12) SetClock(3h);
    if (day == 24) {
      SetClock(days(365));
      SetClock(-days(365));
    }
    if (day == 22 && !was_set_back) {
      was_set_back = true;
      SetClock(-3h);
    }
  }
  EXPECT_THAT(reported_, testing::UnorderedElementsAre("never 0", "late 5", "daily 17", "late 17",
                                                       "twice 17", "weekdays 17", "weekly 20"));
}

// Pauses.

class PauseTest : public ExpectationsTest {
 protected:
  void Pause(Duration duration, std::optional<Operation> operation = {}) {
    Apply(log_, {{ExpectationPaused{.operation = operation,
                                    .begins = now_,
                                    .ends = now_ + duration,
                                    .reason = "new disk"},
                  "home"}});
  }
};

TEST_F(PauseTest, NothingIsMissedInAPauseOrBecauseOfIt) {
  ExpectDaily();
  Ran(kSuccess, 0min);
  Pause(days(3));
  EXPECT_EQ(Home().paused->until, Night(4));
  EXPECT_EQ(Home().paused->reason, "new disk");
  GoTo(Night(4) - 1s);
  EXPECT_EQ(Home().missed, 0U);
  GoTo(Night(4));
  EXPECT_EQ(Home().paused, std::nullopt) << "it ends by itself";
  EXPECT_THAT(Deadline(), Optional(Night(4) + 2h));
  GoTo(Night(4) + 2h - 1s);
  EXPECT_EQ(Home().missed, 0U);
  GoTo(Night(4) + 2h);
  EXPECT_EQ(Home().missed, 1U);
}

TEST_F(PauseTest, APauseMayConcernOneOperation) {
  ExpectDaily();
  Expect({.backup = "home", .operation = Operation::kCheck, .schedule = Every(24h)});
  Ran(kSuccess, 0min);
  Pause(days(3), Operation::kCheck);
  EXPECT_EQ(Home().paused, std::nullopt);
  EXPECT_NE(Of("home", Operation::kCheck).paused, std::nullopt);
}

TEST_F(PauseTest, APauseMayBeEndedEarly) {
  ExpectDaily();
  Ran(kSuccess, 0min);
  Pause(days(3));
  GoTo(Night(1) + 1h);
  Pause(0s);
  EXPECT_EQ(Home().paused, std::nullopt);
  EXPECT_THAT(Deadline(), Optional(Night(2) + 2h));
}

TEST_F(PauseTest, AProlongedPauseKeepsItsBeginning) {
  ExpectDaily();
  Ran(kSuccess, 0min);
  Pause(days(3));
  GoTo(Night(3));
  Pause(days(3));
  EXPECT_THAT(Deadline(), Optional(Night(6) + 2h));
}

TEST_F(PauseTest, APauseKeepsTheEffectOfAnEarlierOne) {
  ExpectDaily();
  Ran(kSuccess, 0min);
  GoTo(Night(1) + 12h);
  Pause(days(2));
  GoTo(Night(3) + 13h);
  EXPECT_THAT(Deadline(), Optional(Night(3) + 14h)) << "two hours after the pause";
  Pause(30min);
  GoTo(Night(3) + 13h + 40min);
  EXPECT_THAT(Deadline(), Optional(Night(3) + 14h));
  EXPECT_EQ(Home().missed, 0U);
}

TEST_F(PauseTest, APauseExcusesAnOccurrenceWhoseDeadlineItCovers) {
  ExpectDaily();
  Ran(kSuccess, 0min);
  GoTo(Night(2) + 1h);
  Pause(8h);
  GoTo(Night(2) + 9h);
  EXPECT_EQ(Home().missed, 0U);
  EXPECT_THAT(Deadline(), Optional(Night(2) + 11h)) << "its grace begins when the pause ends";
  GoTo(Night(2) + 11h);
  EXPECT_EQ(Home().missed, 1U);
}

TEST_F(PauseTest, ResumingABackupEndsThePausesOfItsOperations) {
  ExpectDaily();
  Ran(kSuccess, 0min);
  Tick();
  Pause(days(3), Operation::kBackup);
  EXPECT_NE(Home().paused, std::nullopt);
  now_ += 1h;
  Pause(0s);
  EXPECT_EQ(Home().paused, std::nullopt);
}

TEST_F(PauseTest, APauseOfAnUnknownBackupCreatesNone) {
  Pause(days(3));
  EXPECT_THAT(Names(), IsEmpty());
}

}  // namespace
}  // namespace backup_exporter
