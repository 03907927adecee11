// Dating runs whose records have no clock: when the file's modification time is used, and when it
// must not be.
#include "kit/ledger_fixture.h"

namespace backup_exporter {
namespace {

using Clockless = LedgerTest;

TEST_F(Clockless, TheLastRunOfAFileEndedWhenTheFileWasModified) {
  Apply(log_.Modified(Night(3)),
        {Finished(kSuccess), Finished(kSuccess), Finished(kSuccess).Lasting(5min)}, kQuiet);
  EXPECT_EQ(Home().runs, 3u);
  EXPECT_EQ(Home().last_success, Night(3));
  EXPECT_EQ(Home().last_start, Night(3) - 5min);
}

TEST_F(Clockless, EarlierRunsOfAFileStayUndated) {
  Apply(log_.Modified(Night(3)), {Finished(kFailure), Finished(kSuccess)}, kQuiet);
  EXPECT_EQ(Home().last_failure, std::nullopt);
  EXPECT_EQ(Home().failures, 1u);
  EXPECT_EQ(Home().last_run->result, kSuccess);
  EXPECT_EQ(Home().consecutive_failures, 0u);
}

TEST_F(Clockless, ASuccessBeforeAnyOtherRecordStaysUndated) {
  Apply(log_.Modified(Night(3)), {Finished(kSuccess), Noise()}, kQuiet);
  EXPECT_EQ(Home().runs, 1u);
  EXPECT_EQ(Home().last_success, std::nullopt);
  EXPECT_EQ(Home().last_run, std::nullopt);
}

TEST_F(Clockless, ASuccessBeforeAStartStaysUndated) {
  Apply(log_.Modified(Night(3)), {Finished(kSuccess), Started()}, kQuiet);
  EXPECT_EQ(Home().last_success, std::nullopt);
}

TEST_F(Clockless, ASuccessInAFileThatIsNotReadToItsEndStaysUndated) {
  Apply(log_.Modified(Night(3)), {Finished(kSuccess)}, kMore);
  Apply(log_.Modified(Night(4)), {Noise()}, kQuiet);
  EXPECT_EQ(Home().runs, 1u);
  EXPECT_EQ(Home().last_success, std::nullopt);
}

TEST_F(Clockless, ADatedSuccessKeepsItsTimeWhateverFollows) {
  Apply(log_.Modified(Night(3)), {Finished(kSuccess)});
  Apply(log_.Modified(Night(4)), {Noise()}, kQuiet);
  EXPECT_EQ(Home().last_success, Night(3));
}

TEST_F(Clockless, AFailureIsDatedAlthoughTextFollows) {
  Apply(log_.Modified(Night(3)), {Finished(kFailure), Noise()}, kQuiet);
  EXPECT_EQ(Home().last_failure, Night(3));
  EXPECT_EQ(Home().last_run->result, kFailure);
}

TEST_F(Clockless, AFailureIsDatedNoLaterThanItWasRead) {
  Apply(log_.Modified(Night(3)), {Finished(kFailure)}, kMore);
  Apply(log_.Modified(Night(4)), {Noise()}, kQuiet);
  EXPECT_EQ(Home().last_failure, Night(3));
}

TEST_F(Clockless, ALateResultIsDatedLikeItsRun) {
  Apply(log_.Modified(Night(3)),
        {Finished(kSuccess), Finished(kWarning).By(Evidence::kExitCode).Code(3).OfLastRun()},
        kQuiet);
  EXPECT_EQ(Home().last_run->result, kWarning);
  EXPECT_EQ(Home().last_success, Night(3));
  EXPECT_EQ(Home().runs, 1u);
}

TEST_F(Clockless, ARunIsDatedByTheClockOfItsExitCode) {
  Apply(log_.Modified(Night(5)), {Finished(kSuccess), Noise()}, kAtEnd);
  Apply(log_.Modified(Night(5)), {Finished(kSuccess).At(Night(3)).Code(0).OfLastRun().Whole()});
  EXPECT_EQ(Home().last_success, Night(3));
}

TEST_F(Clockless, ARunIsNotDatedInTheFuture) {
  Apply(log_.Modified(now_ + 24h), {Finished(kSuccess)}, kQuiet);
  EXPECT_EQ(Home().last_success, now_);
  EXPECT_EQ(ledger().standings()->future_stamps, 0u);
}

TEST_F(Clockless, AnInterruptedRunIsNotDatedInTheFuture) {
  Apply(log_.Modified(now_ + 24h), {Started()});
  now_ += 1h;
  Apply(log_, {Started()});
  EXPECT_EQ(Home().last_failure, now_);
}

TEST_F(Clockless, FailuresInARowAreCountedInTheOrderOfReading) {
  Apply(log_.Modified(Night(3)),
        {Finished(kFailure), Finished(kSuccess), Finished(kFailure), Finished(kFailure), Noise()},
        kQuiet);
  EXPECT_EQ(Home().consecutive_failures, 2u);
  Apply(log_.Modified(Night(4)), {Finished(kFailure), Noise()}, kQuiet);
  EXPECT_EQ(Home().consecutive_failures, 3u);
  Apply(log_.Modified(Night(5)), {Finished(kSuccess), Noise()}, kQuiet);
  EXPECT_EQ(Home().consecutive_failures, 0u) << "an undated success ends the row";
  EXPECT_EQ(Home().last_success, std::nullopt);
}

TEST_F(Clockless, AFailureBeforeADatedSuccessOfItsFileDoesNotFollowIt) {
  Apply(log_.Modified(Night(9)),
        {Finished(kFailure), Finished(kSuccess).At(Night(3)), Finished(kFailure), Noise()}, kQuiet);
  EXPECT_EQ(Home().failures, 2u);
  EXPECT_EQ(Home().consecutive_failures, 1u);
}

TEST_F(Clockless, WarningsInARowAreCountedInTheOrderOfReading) {
  Apply(log_.Modified(Night(3)),
        {Finished(kWarning), Finished(kSuccess), Finished(kWarning), Noise()}, kQuiet);
  EXPECT_EQ(Home().consecutive_warnings, 1u);
  EXPECT_EQ(Home().warnings, 2u);
}

TEST_F(Clockless, RunsOfTwoFilesAreOrderedByTheTimesOfTheFiles) {
  TestFile other("/log/other.log");
  Apply(other.Modified(Night(20)), {Finished(kSuccess)}, kQuiet);
  Apply(log_.Modified(Night(10)), {Finished(kFailure)}, kQuiet);
  EXPECT_EQ(Home().last_run->result, kSuccess);
  EXPECT_EQ(Home().consecutive_failures, 0u);
  EXPECT_EQ(Home().last_failure, Night(10));
}

}  // namespace
}  // namespace backup_exporter
