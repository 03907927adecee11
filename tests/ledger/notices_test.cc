// Which notices runs cause, and what becomes of them.

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "kit/ledger_fixture.h"
#include "model/notice.h"

namespace backup_exporter {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using enum NoticeState;

class NoticesTest : public LedgerTest {
 protected:
  NoticesTest() { subscription_.monitor = "m"; }

  // The sources count as configured from the first night on.
  void Subscribe() { ledger().Subscribe({subscription_}, Night(1)); }

  // "start", "fail nas check, home": the state, the backup and operation unless it is a backup of
  // home, and what else is failing.
  static std::string TextOf(const Notice& notice) {
    std::string text(Name(notice.state));
    if (notice.cause == NoticeCause::kReminder) text += " again";
    if (notice.backup != "home") text += " " + notice.backup;
    if (notice.operation != Operation::kBackup) text += " " + std::string(Name(notice.operation));
    for (const std::string& other : notice.also_failing) text += ", " + other;
    return text;
  }
  std::vector<std::string> Pending() {
    std::vector<std::string> texts;
    for (const Notice& notice : ledger().Pending("m", 100)) texts.push_back(TextOf(notice));
    return texts;
  }
  // Delivers all pending notices. What they were.
  std::vector<std::string> Deliver() {
    std::vector<std::string> texts;
    std::vector<Delivery> deliveries;
    for (const Notice& notice : ledger().Pending("m", 100)) {
      texts.push_back(TextOf(notice));
      deliveries.push_back({.notice = notice.id});
    }
    ledger().Report("m", deliveries, now_);
    return texts;
  }
  // Reports this outcome for the oldest pending notice.
  void Report(Delivery::Outcome outcome) {
    const Delivery delivery{.notice = ledger().Pending("m", 1).at(0).id,
                            .outcome = outcome,
                            .failure = AttemptFailure::kTimeout,
                            .error = "no answer",
                            .due = now_ + 1min};
    ledger().Report("m", {&delivery, 1}, now_);
  }
  // UUIDs of the pending notices.
  std::vector<std::string> Uids() {
    std::vector<std::string> uids;
    for (const Notice& notice : ledger().Pending("m", 100)) uids.push_back(notice.uid);
    return uids;
  }
  // Delivers the start of a run. Its UUID.
  std::string DeliverStart(TestFile& file) {
    Apply(file, {Started{.at = now_ - 1min}});
    const std::vector<std::string> uids = Uids();
    EXPECT_THAT(Deliver(), ElementsAre(testing::StartsWith("start")));
    return uids.empty() ? "" : uids.back();
  }
  MonitorStanding Standing() {
    Tick();
    return ledger().standings()->monitors.at("m");
  }
  std::uint64_t Dropped(backup_exporter::Dropped reason) {
    return Standing().dropped.at(static_cast<std::size_t>(reason));
  }

  // Rows of notices in the ledger, in any status.
  int Rows() {
    SQLite::Database beside(options_.directory + "/ledger.db");
    return beside.execAndGet("SELECT count(*) FROM notices").getInt();
  }

  // A run of home that ends in this night and is read at once.
  void Run(int night, RunResult result) {
    now_ = Night(night) + 1h;
    TestFile file(fmt::format("/log/{}.log", night), now_);
    Apply(file, {Finished(result).From(Night(night)).At(Night(night) + 10min).Whole()}, kGone);
  }
  // The same for another backup.
  void RunOf(const std::string& name, int night, RunResult result,
             Operation operation = Operation::kBackup) {
    now_ = Night(night) + 1h;
    TestFile file(fmt::format("/{}/{}-{}.log", name, Name(operation), night), now_);
    Apply(file, {Finished(result).Of(operation).At(Night(night) + 20min).Whole()}, kGone);
  }
  void AlsoWatch(const std::string& name) {
    sources_.push_back(SourceOf(name, name));
    ledger().Configure(sources_);
  }

  Subscription subscription_{.kind = "ntfy",
                             .states = {kStart, kFinish, kFail},
                             .operations = {Operation::kBackup, Operation::kCheck}};
};

TEST_F(NoticesTest, ANoticeIsSentWhenARunStartsAndWhenItsResultSettles) {
  Subscribe();
  Apply(log_, {Started{.at = now_ - 1min}});
  EXPECT_THAT(Deliver(), ElementsAre("start"));
  Apply(log_, {Finished(kSuccess).At(now_)});
  EXPECT_THAT(Pending(), IsEmpty()) << "something worse may follow";
  Apply(log_, {}, kQuiet);
  EXPECT_THAT(Deliver(), ElementsAre("finish"));
}

TEST_F(NoticesTest, AnUndeliveredStartIsDroppedWhenItsRunEnds) {
  Subscribe();
  Apply(log_, {Started{.at = now_ - 1min}});
  Apply(log_, {Finished(kFailure).At(now_).Whole()});
  EXPECT_THAT(Pending(), ElementsAre("fail"));
  EXPECT_EQ(Dropped(Dropped::kSuperseded), 1U);
}

TEST_F(NoticesTest, ARunReadFromStartToEndAtOnceHasNoStartNotice) {
  Subscribe();
  Apply(log_, {Started{.at = now_ - 1min}, Finished(kSuccess).At(now_).Whole()});
  EXPECT_THAT(Pending(), ElementsAre("finish"));
}

TEST_F(NoticesTest, AMonitorThatIsSentEverythingIsSentThatStartToo) {
  subscription_.superseding = Superseding::kNothing;
  Subscribe();
  Apply(log_, {Started{.at = now_ - 1min}, Finished(kSuccess).At(now_).Whole()});
  EXPECT_THAT(Pending(), ElementsAre("start", "finish"));
}

TEST_F(NoticesTest, TheStartAndTheEndOfARunHaveTheSameUuid) {
  Subscribe();
  Apply(log_, {Started{.at = now_ - 1min}});
  const std::string uid = ledger().Pending("m", 1).at(0).uid;
  EXPECT_EQ(uid.size(), 36U);
  Deliver();
  Apply(log_, {Finished(kSuccess).At(now_).Whole()});
  EXPECT_EQ(ledger().Pending("m", 1).at(0).uid, uid);
}

TEST_F(NoticesTest, ANoticeContainsWhatIsKnownAboutTheRun) {
  Subscribe();
  Apply(log_, {Finished(kFailure)
                   .From(now_ - 1min)
                   .At(now_)
                   .Because(Reason::kLocked)
                   .Code(11)
                   .Adding(512)
                   .Whole()});
  const Notice notice = ledger().Pending("m", 1).at(0);
  EXPECT_EQ(notice.backup, "home");
  EXPECT_EQ(notice.at, now_);
  EXPECT_EQ(notice.result, kFailure);
  EXPECT_EQ(notice.reason, Reason::kLocked);
  EXPECT_EQ(notice.exit_code, 11);
  EXPECT_EQ(notice.duration, 1min);
  EXPECT_EQ(notice.figures.added_bytes, 512U);
  EXPECT_EQ(notice.failures, 1U);
}

TEST_F(NoticesTest, NoticesContainTheMessagesAtOrAboveTheMonitorsLevel) {
  subscription_.states.insert(kLog);
  subscription_.messages = Level::kWarning;
  Subscribe();
  Apply(log_,
        {Started{.at = now_ - 1min}, RunNoted{.message = "more", .level = Level::kInfo},
         RunNoted{.message = "bad", .level = Level::kError}, Finished(kFailure).At(now_).Whole()});
  const auto notices = ledger().Pending("m", 10);
  ASSERT_EQ(notices.size(), 2U);
  EXPECT_EQ(notices[0].state, kLog);
  for (const Notice& notice : notices) {
    ASSERT_EQ(notice.messages.size(), 1U);
    EXPECT_EQ(notice.messages[0].text, "bad");
  }
}

TEST_F(NoticesTest, ARunWithoutMessagesHasNoLogNotice) {
  subscription_.states.insert(kLog);
  subscription_.messages = Level::kDebug;
  Subscribe();
  Run(10, kSuccess);
  EXPECT_THAT(Pending(), ElementsAre("finish"));
}

TEST_F(NoticesTest, RunsThatEndedBeforeTheSourceWasConfiguredAreNotReported) {
  ledger().Subscribe({subscription_}, Night(10));
  Run(9, kFailure);
  EXPECT_THAT(Pending(), IsEmpty());
  Run(11, kFailure);
  EXPECT_THAT(Pending(), ElementsAre("fail"));
}

TEST_F(NoticesTest, ARunThatEndedWhileTheExporterWasDownIsReported) {
  Subscribe();
  Reopen();
  ledger().Subscribe({subscription_}, Night(20));
  Run(15, kFailure);
  EXPECT_THAT(Pending(), ElementsAre("fail"));
}

TEST_F(NoticesTest, AMonitorIsSentOnlyWhatItSubscribesTo) {
  AlsoWatch("nas");
  subscription_.backups = {"n*"};
  subscription_.operations = {Operation::kBackup};
  subscription_.states = {kFail};
  Subscribe();
  Run(10, kFailure);
  RunOf("nas", 11, kFailure, Operation::kCheck);
  RunOf("nas", 12, kSuccess);
  EXPECT_THAT(Pending(), IsEmpty());
  RunOf("nas", 13, kFailure);
  EXPECT_THAT(Pending(), ElementsAre("fail nas"));
}

TEST_F(NoticesTest, AWarningIsSentAsFinishAndAnInterruptionAsFail) {
  Subscribe();
  Run(10, kWarning);
  Apply(log_, {Started{.at = now_ - 1min}});
  Apply(log_, {}, kGone);
  EXPECT_THAT(Pending(), ElementsAre("finish", "fail"));
}

TEST_F(NoticesTest, AResultThatBecomesWorseIsReported) {
  Subscribe();
  Apply(log_, {Finished(kSuccess).At(now_)}, kQuiet);
  EXPECT_THAT(Deliver(), ElementsAre("finish"));
  now_ += 5min;
  Apply(log_, {Finished(kFailure).OfLastRun()});
  EXPECT_THAT(Deliver(), ElementsAre("fail"));
}

TEST_F(NoticesTest, AResultThatAnotherFileMakesWorseMinutesLaterIsReported) {
  Subscribe();
  const Time ended = now_;
  Apply(log_, {Finished(kSuccess).From(ended - 10min).At(ended)}, kQuiet);
  EXPECT_THAT(Deliver(), ElementsAre("finish"));
  now_ += 5min;
  Apply(status_, {Finished(kFailure).Code(1).From(ended - 10min).At(ended).Whole()});
  EXPECT_THAT(Deliver(), ElementsAre("fail"));
}

TEST_F(NoticesTest, AStartThatWasSentIsClosedIfTheRunWasSkippedOrWithdrawn) {
  Subscribe();
  Run(10, kFailure);
  Deliver();
  DeliverStart(log_);
  Apply(log_, {Finished(kSkipped).At(now_).Whole()});
  EXPECT_THAT(Deliver(), ElementsAre("finish"));
  DeliverStart(log_);
  Apply(log_, {Withdrawn{}});
  EXPECT_THAT(Deliver(), ElementsAre("finish"));
}

TEST_F(NoticesTest, ASkippedRunWhoseStartWasNotSentIsNotReported) {
  Subscribe();
  Run(10, kSkipped);
  EXPECT_THAT(Pending(), IsEmpty());
}

TEST_F(NoticesTest, AStartThatIsInFlightMayHaveArrivedAndIsClosed) {
  Subscribe();
  Apply(log_, {Started{.at = now_ - 1min}});
  const Delivery delivered{.notice = ledger().Pending("m", 1).at(0).id};
  Apply(log_, {Finished(kSkipped).At(now_).Whole()});
  ledger().Report("m", {&delivered, 1}, now_);
  EXPECT_THAT(Pending(), ElementsAre("finish"));
}

TEST_F(NoticesTest, AStartWhoseAnswerWasLostMayHaveArrivedAndIsClosed) {
  Subscribe();
  Apply(log_, {Started{.at = now_ - 1min}});
  Report(Delivery::Outcome::kRetry);
  Apply(log_, {Finished(kSkipped).At(now_).Whole()});
  EXPECT_THAT(Pending(), ElementsAre("finish"));
}

TEST_F(NoticesTest, AStartIsNotTriedAgainOnceItsRunHasEnded) {
  Subscribe();
  Apply(log_, {Started{.at = now_ - 1min}});
  const std::int64_t start = ledger().Pending("m", 1).at(0).id;
  Apply(log_, {Finished(kSuccess).At(now_).Whole()});
  const Delivery failed{.notice = start, .outcome = Delivery::Outcome::kRetry};
  ledger().Report("m", {&failed, 1}, now_);
  EXPECT_THAT(Pending(), ElementsAre("finish"));
  EXPECT_EQ(Dropped(Dropped::kSuperseded), 1U);
}

TEST_F(NoticesTest, AStartThatArrivedAfterItsRunHadEndedLeavesNothingBehind) {
  Subscribe();
  Apply(log_, {Started{.at = now_ - 1min}});
  const std::int64_t start = ledger().Pending("m", 1).at(0).id;
  Apply(log_, {Finished(kSuccess).At(now_).Whole()});
  const Delivery delivered{.notice = start};
  ledger().Report("m", {&delivered, 1}, now_);
  EXPECT_EQ(Deliver(), std::vector<std::string>{"finish"});
  EXPECT_EQ(Rows(), 0);
}

TEST_F(NoticesTest, AStartLeavesNothingBehindIfTheEndIsNotSubscribedTo) {
  subscription_.states = {kStart, kFail};
  Subscribe();
  DeliverStart(log_);
  Apply(log_, {Finished(kSuccess).At(now_).Whole()});
  EXPECT_THAT(Pending(), IsEmpty());
  EXPECT_EQ(Rows(), 0);
}

TEST_F(NoticesTest, AMonitorThatIsSentEverythingIsSentTheStartBeforeTheResultSettles) {
  subscription_.superseding = Superseding::kNothing;
  Subscribe();
  Apply(log_, {Started{.at = now_ - 1min}, Finished(kSuccess).At(now_)});
  EXPECT_THAT(Pending(), ElementsAre("start"));
  Apply(log_, {}, kQuiet);
  EXPECT_THAT(Deliver(), ElementsAre("start", "finish"));
  EXPECT_EQ(Rows(), 0);
}

TEST_F(NoticesTest, APendingFailIsDroppedOnASuccessThatIsNotSubscribedTo) {
  subscription_.states = {kFail};
  subscription_.superseding = Superseding::kFails;
  AlsoWatch("nas");
  Subscribe();
  Run(10, kFailure);
  RunOf("nas", 10, kFailure);
  Run(11, kSuccess);
  EXPECT_THAT(Pending(), ElementsAre("fail nas"));
}

TEST_F(NoticesTest, AnOldSuccessThatIsReadLateDropsNoFail) {
  subscription_.superseding = Superseding::kFails;
  Subscribe();
  Run(12, kFailure);
  Run(10, kSuccess);
  EXPECT_THAT(Pending(), ElementsAre("fail", "finish"));
}

TEST_F(NoticesTest, MessagesAreSentOnceEvenIfTheResultChanges) {
  subscription_.states = {kFinish, kFail, kLog};
  subscription_.messages = Level::kWarning;
  Subscribe();
  Apply(log_,
        {Started{.at = now_ - 1min}, RunNoted{.message = "bad", .level = Level::kError},
         Finished(kSuccess).At(now_)},
        kQuiet);
  EXPECT_THAT(Deliver(), ElementsAre("log", "finish"));
  Apply(log_, {Finished(kFailure).OfLastRun()});
  EXPECT_THAT(Deliver(), ElementsAre("fail"));
}

// One status for several backups.

class OneStateTest : public NoticesTest {
 protected:
  OneStateTest() {
    subscription_.one_state = true;
    subscription_.superseding = Superseding::kStates;
    AlsoWatch("nas");
  }
};

TEST_F(OneStateTest, AFinishIsSentOnlyWhileAllBackupsAreWell) {
  Subscribe();
  Run(10, kSuccess);
  RunOf("nas", 10, kFailure);
  EXPECT_THAT(Deliver(), ElementsAre("fail nas"));
  Run(11, kSuccess);
  EXPECT_THAT(Deliver(), IsEmpty());
  RunOf("nas", 11, kSuccess);
  EXPECT_THAT(Deliver(), ElementsAre("finish nas"));
}

TEST_F(OneStateTest, AStartThatWasSentIsClosedByTheStatusBeforeIt) {
  Subscribe();
  Run(10, kFailure);
  Deliver();
  DeliverStart(log_);
  Apply(log_, {Finished(kSkipped).At(now_).Whole()});
  EXPECT_THAT(Deliver(), ElementsAre("fail, home"));

  Run(11, kSuccess);
  Deliver();
  DeliverStart(log_);
  Apply(log_, {Withdrawn{}});
  EXPECT_THAT(Deliver(), ElementsAre("finish"));
}

TEST_F(OneStateTest, AStartThatWasSentIsClosedByAFailThatNamesTheFailingBackups) {
  Subscribe();
  RunOf("nas", 10, kFailure);
  Deliver();
  Apply(log_, {Started{.at = now_ - 1min}});
  EXPECT_THAT(Deliver(), ElementsAre("start"));
  Apply(log_, {Finished(kSuccess).At(now_).Whole()});
  EXPECT_THAT(Deliver(), ElementsAre("fail, nas"));
}

TEST_F(OneStateTest, AFailedOperationPreventsTheFinishOfAnother) {
  Subscribe();
  RunOf("nas", 10, kFailure, Operation::kCheck);
  Deliver();
  RunOf("nas", 11, kSuccess);
  EXPECT_THAT(Deliver(), IsEmpty());
}

TEST_F(OneStateTest, ANewBackupThatFailedInTheSameStepPreventsTheFinishOfAnother) {
  AlsoWatch("many");
  sources_.back().backup = "{label}";
  ledger().Configure(sources_);
  Subscribe();
  TestFile file("/many/x.log", now_);
  Apply(file, {{Finished(kFailure).At(now_ - 2min).Whole(), "a"},
               {Finished(kSuccess).At(now_ - 1min).Whole(), "b"}});
  EXPECT_THAT(Deliver(), ElementsAre("fail a"));
}

TEST_F(OneStateTest, WithAStatusForEachBackupOtherBackupsDoNotMatter) {
  subscription_.by_backup = true;
  Subscribe();
  RunOf("nas", 10, kFailure);
  Run(10, kSuccess);
  EXPECT_THAT(Deliver(), ElementsAre("fail nas", "finish"));
}

TEST_F(OneStateTest, ABackupThatLeftTheConfigurationPreventsNoFinish) {
  Subscribe();
  RunOf("nas", 10, kFailure);
  Deliver();
  sources_.pop_back();
  ledger().Configure(sources_);
  Run(11, kSuccess);
  EXPECT_THAT(Deliver(), ElementsAre("finish"));
}

TEST_F(OneStateTest, OnlyTheNewestStatusIsPending) {
  Subscribe();
  Run(10, kFailure);
  RunOf("nas", 10, kFailure);
  EXPECT_THAT(Pending(), ElementsAre("fail nas, home"));
  Run(11, kSuccess);
  RunOf("nas", 11, kSuccess);
  EXPECT_THAT(Pending(), ElementsAre("finish nas"));
  EXPECT_EQ(Dropped(Dropped::kSuperseded), 2U);
}

TEST_F(OneStateTest, AStartThatWasSentIsClosedByTheNoticeThatSupersededItsEnd) {
  Subscribe();
  Apply(log_, {Started{.at = now_ - 1min}});
  const std::string uid = ledger().Pending("m", 1).at(0).uid;
  Deliver();
  Apply(log_, {Finished(kFailure).At(now_).Whole()});
  now_ += 1h;
  Apply(log_, {Started{.at = now_ - 1min}, Finished(kSuccess).At(now_).Whole()});
  const auto waiting = ledger().Pending("m", 10);
  ASSERT_EQ(waiting.size(), 1U);
  EXPECT_EQ(waiting[0].uid, uid);
}

TEST_F(OneStateTest, BothStartsOfTwoConcurrentRunsAreClosed) {
  TestFile nas("/nas/nas.log", now_);
  Subscribe();
  const std::string home_uid = DeliverStart(log_);
  const std::string nas_uid = DeliverStart(nas);
  Apply(log_, {Finished(kSuccess).At(now_).Whole()});
  Apply(nas, {Finished(kSuccess).At(now_).Whole()});
  EXPECT_THAT(Uids(), ElementsAre(home_uid, nas_uid));
}

TEST_F(OneStateTest, BothStartsThatWereSentForOneRunAreClosed) {
  Subscribe();
  const std::string first = DeliverStart(log_);
  const std::string second = DeliverStart(status_);
  Apply(log_, {Finished(kSuccess).From(now_ - 1min).At(now_)});
  Apply(status_, {Finished(kFailure).From(now_ - 1min).At(now_).Whole()});
  EXPECT_THAT(Uids(), ElementsAre(first, second));
  EXPECT_THAT(Deliver(), ElementsAre("fail", "fail"));
}

TEST_F(OneStateTest, AStartThatTurnsOutToBelongToAnEndedRunIsClosedWithItsResult) {
  Subscribe();
  Apply(log_, {Finished(kFailure).From(now_ - 1min).At(now_).Whole()});
  Deliver();
  const std::string second = DeliverStart(status_);
  Apply(status_, {Finished(kFailure).From(now_ - 1min).At(now_).Whole()});
  EXPECT_THAT(Uids(), ElementsAre(second));
  EXPECT_THAT(Deliver(), ElementsAre("fail, home"));
}

TEST_F(OneStateTest, APendingFailIsDroppedOnASuccessThatIsNotSubscribedTo) {
  subscription_.states = {kFail};
  Subscribe();
  Run(10, kFailure);
  Run(11, kSuccess);
  EXPECT_THAT(Pending(), IsEmpty());
}

TEST_F(OneStateTest, TheRecoveryIsSentWhenAllBackupsAreWellAndNotBefore) {
  subscription_.states = {kFail};
  subscription_.recovery = true;
  subscription_.after = 2;
  subscription_.remind = 24h;
  Subscribe();
  Run(10, kFailure);
  Run(11, kFailure);
  EXPECT_THAT(Deliver(), ElementsAre("fail"));
  RunOf("nas", 12, kFailure);
  Run(12, kSuccess);
  now_ += 30h;
  Tick();
  EXPECT_THAT(Deliver(), IsEmpty());
  RunOf("nas", 14, kSuccess);
  EXPECT_THAT(Deliver(), ElementsAre("resolve nas"));
  Run(15, kSuccess);
  EXPECT_THAT(Deliver(), IsEmpty());
}

TEST_F(OneStateTest, OnlyTheNewestReminderIsPending) {
  subscription_.remind = 24h;
  Subscribe();
  Run(10, kFailure);
  now_ += 24h;
  Tick();
  now_ += 24h;
  Tick();
  EXPECT_THAT(Pending(), ElementsAre("fail again"));
}

TEST_F(OneStateTest, AStartThatWouldShowAsGoodIsNotSentAfterAFailure) {
  subscription_.start_is_good = true;
  Subscribe();
  Run(10, kFailure);
  Deliver();
  Apply(log_, {Started{.at = now_ - 1min}});
  EXPECT_THAT(Deliver(), IsEmpty());
}

TEST_F(OneStateTest, AnOldRunThatIsReadLateChangesNoStatus) {
  Subscribe();
  Run(12, kSuccess);
  Deliver();
  Run(10, kFailure);
  EXPECT_THAT(Deliver(), IsEmpty());
}

// Recoveries, thresholds, reminders.

TEST_F(NoticesTest, ARecoveryIsSentOnceIfItIsEnabledAndAFailWasSent) {
  subscription_.states = {kFail};
  subscription_.recovery = true;
  Subscribe();
  Run(10, kSuccess);
  Run(11, kFailure);
  Run(12, kSuccess);
  Run(13, kSuccess);
  EXPECT_THAT(Deliver(), ElementsAre("fail", "resolve"));
}

TEST_F(NoticesTest, ARecoveryIsNotSentUnlessItIsEnabled) {
  subscription_.states = {kFail};
  Subscribe();
  Run(11, kFailure);
  Run(12, kSuccess);
  EXPECT_THAT(Deliver(), ElementsAre("fail"));
}

TEST_F(NoticesTest, AnUndeliveredFailIsReplacedByTheRecovery) {
  subscription_.states = {kFail};
  subscription_.recovery = true;
  subscription_.superseding = Superseding::kFails;
  Subscribe();
  Run(11, kFailure);
  Run(12, kSuccess);
  EXPECT_THAT(Deliver(), ElementsAre("resolve"));
}

TEST_F(NoticesTest, AFailIsSentAfterTheConfiguredNumberInARow) {
  subscription_.after = 3;
  Subscribe();
  Run(10, kFailure);
  Run(11, kFailure);
  EXPECT_THAT(Deliver(), IsEmpty());
  Run(12, kFailure);
  const auto notices = ledger().Pending("m", 10);
  ASSERT_EQ(notices.size(), 1U);
  EXPECT_EQ(notices[0].failures, 3U);
  Run(13, kSuccess);
  Run(14, kFailure);
  EXPECT_THAT(Deliver(), ElementsAre("fail", "finish"));
}

TEST_F(NoticesTest, AReminderIsSentWhileABackupIsStillFailing) {
  subscription_.remind = 24h;
  Subscribe();
  Run(10, kFailure);
  EXPECT_THAT(Deliver(), ElementsAre("fail"));
  now_ += 23h;
  Tick();
  EXPECT_THAT(Deliver(), IsEmpty());
  now_ += 1h;
  Tick();
  Tick();
  EXPECT_THAT(Deliver(), ElementsAre("fail again"));
  Run(12, kSuccess);
  now_ += 48h;
  Tick();
  EXPECT_THAT(Deliver(), ElementsAre("finish"));
}

TEST_F(NoticesTest, AnUndeliveredReminderIsReplacedByTheNextOrTheSuccess) {
  subscription_.remind = 24h;
  Subscribe();
  Run(10, kFailure);
  for (int day = 1; day <= 3; ++day) {
    now_ += 24h;
    Tick();
  }
  EXPECT_THAT(Pending(), ElementsAre("fail", "fail again"));
  Run(14, kSuccess);
  EXPECT_THAT(Pending(), ElementsAre("fail", "finish"));
}

TEST_F(NoticesTest, AStartThatWasInFlightWhenTheProgramEndedMayHaveArrived) {
  Subscribe();
  Apply(log_, {Started{.at = now_ - 1min}});
  Reopen();
  ledger().Subscribe({subscription_}, now_);
  Apply(log_, {Finished(kSkipped).At(now_).Whole()});
  EXPECT_THAT(Pending(), ElementsAre("finish"));
}

TEST_F(NoticesTest, TheStartOfARunThatTurnsOutToBeOldIsClosed) {
  Subscribe();
  Apply(log_, {Started{}});
  const std::vector<std::string> started = Deliver();
  now_ = Night(30);
  Apply(log_.Modified(Night(0)), {Finished(kFailure).At(Night(0)).Whole()});
  EXPECT_EQ(Deliver().size(), started.size());
  EXPECT_EQ(Rows(), 0);
}

// The queue.

TEST_F(NoticesTest, PendingNoticesSurviveARestart) {
  Subscribe();
  Run(10, kFailure);
  Reopen();
  ledger().Subscribe({subscription_}, now_);
  EXPECT_THAT(Deliver(), ElementsAre("fail"));
  EXPECT_THAT(Pending(), IsEmpty());
  const MonitorStanding standing = Standing();
  EXPECT_EQ(standing.deliveries, 1U);
  EXPECT_EQ(standing.up, true);
  EXPECT_EQ(standing.last_success, now_);
}

TEST_F(NoticesTest, ANoticeThatFailedKeepsItsPlaceInTheQueue) {
  Subscribe();
  Run(10, kFailure);
  Run(11, kFailure);
  const Notice first = ledger().Pending("m", 1).at(0);
  Report(Delivery::Outcome::kRetry);
  const Notice again = ledger().Pending("m", 1).at(0);
  EXPECT_EQ(again.id, first.id);
  EXPECT_EQ(again.attempts, 1U);
  const MonitorStanding standing = Standing();
  EXPECT_EQ(standing.up, false);
  EXPECT_EQ(standing.pending, 2U);
  EXPECT_EQ(standing.failures.at(static_cast<std::size_t>(AttemptFailure::kTimeout)), 1U);
}

TEST_F(NoticesTest, ANoticeIsNotDeliveredAgainWhileTheLedgerCannotBeWritten) {
  Subscribe();
  Run(10, kFailure);
  Run(11, kFailure);
  SQLite::Database beside(options_.directory + "/ledger.db", SQLite::OPEN_READWRITE);
  beside.exec("CREATE TRIGGER no BEFORE DELETE ON notices BEGIN SELECT RAISE(FAIL,'no'); END");
  Report(Delivery::Outcome::kDelivered);
  EXPECT_THAT(Deliver(), testing::SizeIs(1)) << "the second, and not the first again";
  EXPECT_THAT(Pending(), IsEmpty());
  EXPECT_EQ(Rows(), 2);
  beside.exec("DROP TRIGGER no");
  EXPECT_EQ(Standing().deliveries, 2U);
  EXPECT_EQ(Rows(), 0);
}

TEST_F(NoticesTest, ARefusedNoticeDoesNotBlockTheNext) {
  Subscribe();
  Run(10, kFailure);
  Run(11, kSuccess);
  Report(Delivery::Outcome::kRefused);
  EXPECT_THAT(Deliver(), ElementsAre("finish"));
  EXPECT_EQ(Dropped(Dropped::kPermanent), 1U);
}

TEST_F(NoticesTest, ANoticeExpiresAfterTheConfiguredTime) {
  subscription_.keep = 48h;
  Subscribe();
  Run(10, kFailure);
  now_ = Night(12) + 10min;
  Tick();
  EXPECT_THAT(Pending(), IsEmpty());
  EXPECT_EQ(Dropped(Dropped::kExpired), 1U);
}

TEST_F(NoticesTest, NoNoticeIsQueuedForARunThatEndedTooLongAgo) {
  subscription_.keep = 24h;
  Subscribe();
  now_ = Night(20);
  TestFile file("/log/late.log", now_);
  Apply(file, {Finished(kFailure).At(Night(10)).Whole()}, kGone);
  EXPECT_THAT(Pending(), IsEmpty());
  EXPECT_EQ(Dropped(Dropped::kExpired), 1U);
}

TEST_F(NoticesTest, NewNoticesAreAnnounced) {
  int announced = 0;
  ledger().OnNotices([&] { ++announced; });
  Subscribe();
  Run(10, kFailure);
  EXPECT_EQ(announced, 1);
  ledger().OnNotices({});
}

}  // namespace
}  // namespace backup_exporter
