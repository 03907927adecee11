// Runs whose end was not read yet, and what becomes of those that never tell it.
#include "kit/ledger_fixture.h"

namespace backup_exporter {
namespace {

using OpenRun = LedgerTest;

TEST_F(OpenRun, BeganWhenItsProgressSays) {
  Take(log_.Modified(Night(1) + 5min),
       {Started(Operation::kBackup), Progress(1min), Progress(5min)});
  EXPECT_EQ(Home().last_start, Night(1));
  EXPECT_EQ(Home().runs, 0u);
  EXPECT_EQ(Home().last_run, std::nullopt);
}

TEST_F(OpenRun, TakesItsStartFromTheFirstProgressAtTheEndOfTheFile) {
  Take(log_.Modified(Night(1) + 5min), {Started(Operation::kBackup), Progress(1min)}, kMore);
  EXPECT_EQ(Home().last_start, std::nullopt)
      << "the file's time is not that of a line in its middle";
  Take(log_.Modified(Night(1) + 5min), {Progress(2min), Noise()});
  Take(log_.Modified(Night(1) + 20min), {Progress(19min)});
  EXPECT_EQ(Home().last_start, Night(1) + 3min);
}

TEST_F(OpenRun, EndsWithItsFinish) {
  Take(log_.Modified(Night(1) + 5min), {Started(Operation::kBackup), Progress(5min)});
  Take(log_.Modified(Night(1) + 9min), {Finished(kSuccess)}, kQuiet);
  EXPECT_EQ(Home().runs, 1u);
  EXPECT_EQ(Home().last_start, Night(1));
  EXPECT_EQ(Home().last_success, Night(1) + 9min);
}

TEST_F(OpenRun, IsOfTheOperationThatItsEndNames) {
  Take(log_, {Started(), Finished(kFailure).Of(Operation::kCheck)}, kQuiet);
  EXPECT_EQ(Of("home", Operation::kCheck).failures, 1u);
  EXPECT_EQ(Home().runs, 0u);
}

TEST_F(OpenRun, IsOfTheOperationThatItsProgressNames) {
  Take(log_, {Started(), Progress(1min)});
  EXPECT_EQ(Home().running, std::nullopt) << "nothing has said what it is";
  Take(log_, {Progress{.elapsed = 2min, .operation = Operation::kCheck}});
  EXPECT_TRUE(Of("home", Operation::kCheck).running.has_value());
  EXPECT_EQ(Home().running, std::nullopt);
}

TEST_F(OpenRun, GivesItsOperationToAnEndThatNamesNone) {
  Take(log_, {Started(Operation::kPrune), Finished(kFailure)}, kQuiet);
  EXPECT_EQ(Of("home", Operation::kPrune).failures, 1u);
}

TEST_F(OpenRun, ThatIsWithdrawnLeavesNothing) {
  Take(log_.Modified(Night(1)), {Started(Operation::kBackup), Progress(1min)});
  Take(log_.Modified(Night(1) + 5min), {Withdrawn()}, kGone);
  EXPECT_EQ(StandingText(Backup("home")),
            "home (restic, log, \"\"): added=0 stored=0 processed=0\n");
}

TEST_F(OpenRun, ThatIsWithdrawnLeavesTheRunsAroundItAlone) {
  Take(log_.Modified(Night(1)), {Finished(kSuccess).At(Night(1))});
  Take(log_.Modified(Night(2)),
       {Started(Operation::kBackup), Withdrawn(), Finished(kFailure).OfLastRun()});
  Take(log_.Modified(Night(3)), {Finished(kFailure).At(Night(3))}, kQuiet);
  EXPECT_EQ(Home().runs, 2u);
  EXPECT_EQ(Home().failures, 1u) << "what comes after a dry run is not of the run before it";
  EXPECT_EQ(Home().last_success, Night(1));
}

TEST_F(OpenRun, IsInterruptedByTheNextStart) {
  Take(log_.Modified(Night(1) + 5min), {Started(Operation::kBackup), Progress(5min)});
  Take(log_.Modified(Night(2)), {Started(Operation::kBackup)});
  EXPECT_EQ(Home().runs, 1u);
  EXPECT_EQ(Home().failures, 1u);
  EXPECT_EQ(Home().last_run->result, kInterrupted);
  EXPECT_EQ(Home().last_run->end, Night(1) + 5min) << "when the file was last seen at rest";
  EXPECT_EQ(Home().last_run->duration, 5min);
  EXPECT_EQ(Home().last_failure_reason, Reason::kInterrupted);
}

TEST_F(OpenRun, ThatTheNextStartInterruptsIsUndatedWhereMoreWasReadBetween) {
  Take(log_.Modified(Night(1) + 5min), {Started(Operation::kBackup), Progress(5min)});
  Take(log_.Modified(Night(2)), {Progress(50min), Started(Operation::kBackup)});
  EXPECT_EQ(Home().failures, 1u);
  EXPECT_EQ(Home().consecutive_failures, 1u);
  EXPECT_EQ(Home().last_failure, std::nullopt);
}

TEST_F(OpenRun, ThatTheNextStartInterruptsIsUndatedWhereTheFileWasNotSeenBetween) {
  Take(log_.Modified(Night(2)), {Started(Operation::kBackup), Started(Operation::kBackup)});
  EXPECT_EQ(Home().failures, 1u);
  EXPECT_EQ(Home().last_failure, std::nullopt);

  TestFile other("/log/other.log");
  Take(other.Modified(Night(3)), {Started(Operation::kBackup)}, kMore);
  Take(other.Modified(Night(4)), {Started(Operation::kBackup)});
  EXPECT_EQ(Home().failures, 2u);
  EXPECT_EQ(Home().last_failure, std::nullopt);
}

TEST_F(OpenRun, IsLeftAloneByAStartInAnotherFile) {
  TestFile other("/log/other.log");
  Take(log_, {Started(Operation::kBackup)});
  Take(other, {Started(Operation::kBackup)});
  EXPECT_EQ(Home().runs, 0u);
}

TEST_F(OpenRun, IsInterruptedWhenItsWriterIsGone) {
  Take(log_.Modified(Night(1) + 5min), {Started(Operation::kBackup), Progress(5min)}, kQuiet);
  EXPECT_EQ(Home().runs, 0u) << "a backup may be silent for hours";
  Take(log_, {}, kGone);
  EXPECT_EQ(Home().last_run->result, kInterrupted);
  EXPECT_EQ(Home().last_run->end, Night(1) + 5min);
  Take(log_, {}, kGone);
  EXPECT_EQ(Home().failures, 1u);
}

TEST_F(OpenRun, ThatWasFoundDeadIsNotTheOneThatBeganAfterwards) {
  Take(log_.Modified(Night(1) + 5min), {Started(Operation::kBackup), Progress(5min)}, kGone);
  Take(log_.Modified(Night(2) + 5min), {Finished(kSuccess).From(Night(2)).At(Night(2) + 5min)},
       kQuiet);
  EXPECT_EQ(Home().runs, 2u);
  EXPECT_EQ(Home().failures, 1u);
  EXPECT_EQ(Home().last_success, Night(2) + 5min);
  EXPECT_EQ(Home().last_start, Night(2));
}

TEST_F(OpenRun, IsInterruptedWhenItsFileIsOver) {
  Take(log_.Modified(Night(1) + 5min), {Started(Operation::kBackup), Progress(5min)});
  Take(log_, {}, kOver);
  EXPECT_EQ(Home().last_run->result, kInterrupted);
  EXPECT_EQ(Home().last_run->end, Night(1) + 5min);
  EXPECT_TRUE(ledger().Checkpoints("log")->empty());
}

TEST_F(OpenRun, IsInterruptedByAStartInTheNextGenerationOfItsFile) {
  Take(log_.Modified(Night(1) + 5min), {Started(Operation::kBackup), Progress(5min)});
  TestFile next("/log/home.log");
  Take(next.Modified(Night(2)), {Started(Operation::kBackup)});
  EXPECT_EQ(Home().runs, 1u);
  EXPECT_EQ(Home().failures, 1u);
}

TEST_F(OpenRun, OfAnOldGenerationMayStillTellItsEnd) {
  Take(log_.Modified(Night(1) + 5min), {Started(Operation::kBackup), Progress(5min)});
  TestFile next("/log/home.log");
  Take(next.Modified(Night(2)), {Started(Operation::kBackup)});
  Take(log_.Modified(Night(2) + 1min), {Finished(kSuccess).At(Night(2) + 1min)}, kQuiet);
  EXPECT_EQ(Home().runs, 1u);
  EXPECT_EQ(Home().last_success, Night(2) + 1min);
  EXPECT_EQ(Home().consecutive_failures, 0u);
}

TEST_F(OpenRun, OfEachLabelIsItsOwn) {
  sources_ = {SourceOf("log", "{profile}")};
  ledger().Configure(sources_);
  Take(log_.Modified(Night(1)),
       {Said(Started(Operation::kBackup), "a"), Said(Started(Operation::kBackup), "b")});
  Take(log_.Modified(Night(2)),
       {Said(Started(Operation::kBackup), "a"), Said(Finished(kSuccess), "b")}, kQuiet);
  EXPECT_EQ(Of("a", Operation::kBackup).last_run->result, kInterrupted);
  EXPECT_EQ(Of("a", Operation::kBackup).failures, 1u);
  EXPECT_EQ(Of("b", Operation::kBackup).last_success, Night(2));
}

TEST_F(OpenRun, OutlivesARestart) {
  Take(log_.Modified(Night(1) + 5min), {Started(Operation::kBackup), Progress(5min)});
  Reopen();
  EXPECT_EQ(Home().last_start, Night(1));
  Take(log_.Modified(Night(1) + 9min), {Finished(kSuccess)}, kQuiet);
  EXPECT_EQ(Home().runs, 1u);
  EXPECT_EQ(Home().last_success, Night(1) + 9min);
}

}  // namespace
}  // namespace backup_exporter
