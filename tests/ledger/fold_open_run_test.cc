// Runs whose end was not read yet: when they started, how they end, and how they are interrupted.
#include "kit/ledger_fixture.h"

namespace backup_exporter {
namespace {

using OpenRun = LedgerTest;

TEST_F(OpenRun, AnOpenRunIsDatedByItsElapsedTime) {
  Apply(log_.Modified(Night(1) + 5min),
        {Started(Operation::kBackup), Progress(1min), Progress(5min)});
  EXPECT_EQ(Home().last_start, Night(1));
  EXPECT_EQ(Home().runs, 0u);
  EXPECT_EQ(Home().last_run, std::nullopt);
}

TEST_F(OpenRun, AnOpenRunIsDatedByTheFirstProgressAtTheEndOfTheFile) {
  Apply(log_.Modified(Night(1) + 5min), {Started(Operation::kBackup), Progress(1min)}, kMore);
  EXPECT_EQ(Home().last_start, std::nullopt) << "the file's time is that of its last line only";
  Apply(log_.Modified(Night(1) + 5min), {Progress(2min), Noise()});
  Apply(log_.Modified(Night(1) + 20min), {Progress(19min)});
  EXPECT_EQ(Home().last_start, Night(1) + 3min);
}

TEST_F(OpenRun, AFinishEndsTheOpenRun) {
  Apply(log_.Modified(Night(1) + 5min), {Started(Operation::kBackup), Progress(5min)});
  Apply(log_.Modified(Night(1) + 9min), {Finished(kSuccess)}, kQuiet);
  EXPECT_EQ(Home().runs, 1u);
  EXPECT_EQ(Home().last_start, Night(1));
  EXPECT_EQ(Home().last_success, Night(1) + 9min);
}

TEST_F(OpenRun, AnOpenRunGetsTheOperationOfItsEnd) {
  Apply(log_, {Started(), Finished(kFailure).Of(Operation::kCheck)}, kQuiet);
  EXPECT_EQ(Of("home", Operation::kCheck).failures, 1u);
  EXPECT_EQ(Home().runs, 0u);
}

TEST_F(OpenRun, AnOpenRunGetsTheOperationOfItsProgress) {
  Apply(log_, {Started(), Progress(1min)});
  EXPECT_EQ(Home().running, std::nullopt) << "its operation is unknown";
  Apply(log_, {Progress{.elapsed = 2min, .operation = Operation::kCheck}});
  EXPECT_TRUE(Of("home", Operation::kCheck).running.has_value());
  EXPECT_EQ(Home().running, std::nullopt);
}

TEST_F(OpenRun, AnEndWithoutAnOperationGetsThatOfTheOpenRun) {
  Apply(log_, {Started(Operation::kPrune), Finished(kFailure)}, kQuiet);
  EXPECT_EQ(Of("home", Operation::kPrune).failures, 1u);
}

TEST_F(OpenRun, AWithdrawnRunLeavesNoTrace) {
  Apply(log_.Modified(Night(1)), {Started(Operation::kBackup), Progress(1min)});
  Apply(log_.Modified(Night(1) + 5min), {Withdrawn()}, kGone);
  EXPECT_EQ(StandingText(Backup("home")),
            "home (restic, log, \"\"): added=0 stored=0 processed=0\n");
}

TEST_F(OpenRun, AWithdrawnRunLeavesTheRunsAroundItUnchanged) {
  Apply(log_.Modified(Night(1)), {Finished(kSuccess).At(Night(1))});
  Apply(log_.Modified(Night(2)),
        {Started(Operation::kBackup), Withdrawn(), Finished(kFailure).OfLastRun()});
  Apply(log_.Modified(Night(3)), {Finished(kFailure).At(Night(3))}, kQuiet);
  EXPECT_EQ(Home().runs, 2u);
  EXPECT_EQ(Home().failures, 1u)
      << "the failure after a dry run does not belong to the run before it";
  EXPECT_EQ(Home().last_success, Night(1));
}

TEST_F(OpenRun, TheNextStartInterruptsAnOpenRun) {
  Apply(log_.Modified(Night(1) + 5min), {Started(Operation::kBackup), Progress(5min)});
  Apply(log_.Modified(Night(2)), {Started(Operation::kBackup)});
  EXPECT_EQ(Home().runs, 1u);
  EXPECT_EQ(Home().failures, 1u);
  EXPECT_EQ(Home().last_run->result, kInterrupted);
  EXPECT_EQ(Home().last_run->end, Night(1) + 5min) << "when the file was last read to its end";
  EXPECT_EQ(Home().last_run->duration, 5min);
  EXPECT_EQ(Home().last_failure_reason, Reason::kInterrupted);
}

TEST_F(OpenRun, AnInterruptedRunIsUndatedIfMoreWasReadBeforeTheNextStart) {
  Apply(log_.Modified(Night(1) + 5min), {Started(Operation::kBackup), Progress(5min)});
  Apply(log_.Modified(Night(2)), {Progress(50min), Started(Operation::kBackup)});
  EXPECT_EQ(Home().failures, 1u);
  EXPECT_EQ(Home().consecutive_failures, 1u);
  EXPECT_EQ(Home().last_failure, std::nullopt);
}

TEST_F(OpenRun, AnInterruptedRunIsUndatedIfTheFileWasNotReadToItsEndBeforeTheNextStart) {
  Apply(log_.Modified(Night(2)), {Started(Operation::kBackup), Started(Operation::kBackup)});
  EXPECT_EQ(Home().failures, 1u);
  EXPECT_EQ(Home().last_failure, std::nullopt);

  TestFile other("/log/other.log");
  Apply(other.Modified(Night(3)), {Started(Operation::kBackup)}, kMore);
  Apply(other.Modified(Night(4)), {Started(Operation::kBackup)});
  EXPECT_EQ(Home().failures, 2u);
  EXPECT_EQ(Home().last_failure, std::nullopt);
}

TEST_F(OpenRun, AStartInAnotherFileDoesNotInterruptAnOpenRun) {
  TestFile other("/log/other.log");
  Apply(log_, {Started(Operation::kBackup)});
  Apply(other, {Started(Operation::kBackup)});
  EXPECT_EQ(Home().runs, 0u);
}

TEST_F(OpenRun, AnOpenRunIsInterruptedWhenItsWriterIsGone) {
  Apply(log_.Modified(Night(1) + 5min), {Started(Operation::kBackup), Progress(5min)}, kQuiet);
  EXPECT_EQ(Home().runs, 0u) << "a backup may be silent for hours";
  Apply(log_, {}, kGone);
  EXPECT_EQ(Home().last_run->result, kInterrupted);
  EXPECT_EQ(Home().last_run->end, Night(1) + 5min);
  Apply(log_, {}, kGone);
  EXPECT_EQ(Home().failures, 1u);
}

TEST_F(OpenRun, AnInterruptedRunIsNotTheOneThatStartedAfterwards) {
  Apply(log_.Modified(Night(1) + 5min), {Started(Operation::kBackup), Progress(5min)}, kGone);
  Apply(log_.Modified(Night(2) + 5min), {Finished(kSuccess).From(Night(2)).At(Night(2) + 5min)},
        kQuiet);
  EXPECT_EQ(Home().runs, 2u);
  EXPECT_EQ(Home().failures, 1u);
  EXPECT_EQ(Home().last_success, Night(2) + 5min);
  EXPECT_EQ(Home().last_start, Night(2));
}

TEST_F(OpenRun, AnOpenRunIsInterruptedWhenItsFileIsOver) {
  Apply(log_.Modified(Night(1) + 5min), {Started(Operation::kBackup), Progress(5min)});
  Apply(log_, {}, kOver);
  EXPECT_EQ(Home().last_run->result, kInterrupted);
  EXPECT_EQ(Home().last_run->end, Night(1) + 5min);
  EXPECT_TRUE(ledger().Checkpoints("log")->empty());
}

TEST_F(OpenRun, AStartInTheNextGenerationOfItsFileInterruptsAnOpenRun) {
  Apply(log_.Modified(Night(1) + 5min), {Started(Operation::kBackup), Progress(5min)});
  TestFile next("/log/home.log");
  Apply(next.Modified(Night(2)), {Started(Operation::kBackup)});
  EXPECT_EQ(Home().runs, 1u);
  EXPECT_EQ(Home().failures, 1u);
}

TEST_F(OpenRun, AnOldGenerationMayStillReportTheEndOfItsRun) {
  Apply(log_.Modified(Night(1) + 5min), {Started(Operation::kBackup), Progress(5min)});
  TestFile next("/log/home.log");
  Apply(next.Modified(Night(2)), {Started(Operation::kBackup)});
  Apply(log_.Modified(Night(2) + 1min), {Finished(kSuccess).At(Night(2) + 1min)}, kQuiet);
  EXPECT_EQ(Home().runs, 1u);
  EXPECT_EQ(Home().last_success, Night(2) + 1min);
  EXPECT_EQ(Home().consecutive_failures, 0u);
}

TEST_F(OpenRun, EachLabelOfAFileHasAnOpenRunOfItsOwn) {
  sources_ = {SourceOf("log", "{profile}")};
  ledger().Configure(sources_);
  Apply(log_.Modified(Night(1)), {TestRecord(Started(Operation::kBackup), "a"),
                                  TestRecord(Started(Operation::kBackup), "b")});
  Apply(log_.Modified(Night(2)),
        {TestRecord(Started(Operation::kBackup), "a"), TestRecord(Finished(kSuccess), "b")},
        kQuiet);
  EXPECT_EQ(Of("a", Operation::kBackup).last_run->result, kInterrupted);
  EXPECT_EQ(Of("a", Operation::kBackup).failures, 1u);
  EXPECT_EQ(Of("b", Operation::kBackup).last_success, Night(2));
}

TEST_F(OpenRun, AnOpenRunSurvivesARestart) {
  Apply(log_.Modified(Night(1) + 5min), {Started(Operation::kBackup), Progress(5min)});
  Reopen();
  EXPECT_EQ(Home().last_start, Night(1));
  Apply(log_.Modified(Night(1) + 9min), {Finished(kSuccess)}, kQuiet);
  EXPECT_EQ(Home().runs, 1u);
  EXPECT_EQ(Home().last_success, Night(1) + 9min);
}

}  // namespace
}  // namespace backup_exporter
