// One run in several files: recognized by its time, and merged to the worst result, the best
// figures and the strongest evidence.
#include "kit/ledger_fixture.h"

namespace backup_exporter {
namespace {

using Overlap = LedgerTest;

// One backup of ten minutes in a log, and in a status file of resticprofile.
Finished InLog(RunResult result, Time start = Night(1)) {
  return Finished(result).From(start).At(start + 10min).Lasting(10min);
}
Finished InStatus(RunResult result, Time start = Night(1)) {
  return Finished(result).From(start - 1s).At(start + 10min + 2s).Lasting(10min + 3s).Whole();
}

TEST_F(Overlap, ALogAndAStatusFileAreOneRunInEitherOrder) {
  Apply(log_, {InLog(kSuccess)}, kQuiet);
  Apply(status_, {InStatus(kSuccess)});
  EXPECT_EQ(Home().runs, 1u);
  EXPECT_EQ(Home().last_success, Night(1) + 10min);

  Apply(status_, {InStatus(kSuccess, Night(2))});
  Apply(log_, {InLog(kSuccess, Night(2))}, kQuiet);
  EXPECT_EQ(Home().runs, 2u);
  EXPECT_EQ(Home().last_success, Night(2) + 10min + 2s);
}

TEST_F(Overlap, TheWorstResultIsKeptInEitherOrder) {
  Apply(log_, {InLog(kSuccess)}, kQuiet);
  Apply(status_, {InStatus(kFailure).Code(1).Because(Reason::kHook)});
  EXPECT_EQ(Home().last_run->result, kFailure);
  EXPECT_EQ(Home().last_success, std::nullopt);
  EXPECT_EQ(Home().failures, 1u);

  Apply(status_, {InStatus(kFailure, Night(2)).Code(1).Because(Reason::kHook)});
  Apply(log_, {InLog(kSuccess, Night(2))}, kQuiet);
  EXPECT_EQ(Home().last_run->result, kFailure);
  EXPECT_EQ(Home().last_failure_reason, Reason::kHook);
  EXPECT_EQ(Home().last_run->exit_code, 1);
  EXPECT_EQ(Home().failures, 2u);
  EXPECT_EQ(Home().runs, 2u);
}

TEST_F(Overlap, FiguresOfBothFilesAreCombinedAndCountedOnce) {
  Apply(status_, {InStatus(kSuccess).With({.added_bytes = 100, .files_new = 3})});
  Apply(log_, {InLog(kSuccess).With({.added_bytes = 101, .added_stored_bytes = 50})}, kQuiet);
  EXPECT_EQ(Home().last_success_figures,
            (Figures{.added_bytes = 100, .added_stored_bytes = 50, .files_new = 3}));
  EXPECT_EQ(Backup("home").added_bytes, 100u);
  EXPECT_EQ(Backup("home").added_stored_bytes, 50u);
}

TEST_F(Overlap, TheStrongestEvidenceIsKept) {
  Apply(log_, {InLog(kSuccess).By(Evidence::kClaim)}, kQuiet);
  EXPECT_EQ(Home().last_success_evidence, Evidence::kClaim);
  Apply(status_, {InStatus(kSuccess).By(Evidence::kReport)});
  EXPECT_EQ(Home().last_success_evidence, Evidence::kReport);
  TestFile wrapper("/log/wrapper.log");
  Apply(wrapper, {InLog(kSuccess).By(Evidence::kExitCode).Code(0)}, kQuiet);
  EXPECT_EQ(Home().last_success_evidence, Evidence::kReport);
  EXPECT_EQ(Home().runs, 1u);
}

TEST_F(Overlap, AStatusFileEndsTheOpenRunOfALog) {
  Apply(log_.Modified(Night(1) + 5min), {Started(Operation::kBackup), Progress(5min)});
  Apply(status_, {InStatus(kSuccess)});
  EXPECT_EQ(Home().runs, 1u);
  EXPECT_EQ(Home().last_success, Night(1) + 10min + 2s);

  Apply(log_.Modified(Night(1) + 11min), {Finished(kSuccess).Adding(7)}, kQuiet);
  EXPECT_EQ(Home().runs, 1u);
  EXPECT_EQ(Home().last_success, Night(1) + 10min + 2s) << "the log has no clock";
  EXPECT_EQ(Home().last_success_figures.added_bytes, 7u);
}

TEST_F(Overlap, ARunThatTheLogStartsLateIsOneRunOnceItEnds) {
  Apply(status_, {InStatus(kFailure).Because(Reason::kTimeout)});
  Apply(log_.Modified(Night(1) + 10min), {Started(Operation::kBackup), Progress(10min)});
  Apply(log_.Modified(Night(1) + 12min), {Finished(kFailure).Code(130)}, kQuiet);
  EXPECT_EQ(Home().runs, 1u);
  EXPECT_EQ(Home().failures, 1u);
  EXPECT_EQ(Home().last_failure_reason, Reason::kTimeout);
  EXPECT_EQ(Home().last_run->exit_code, 130);
}

TEST_F(Overlap, ARunThatAnotherFileEndedIsNotTheNextOneInTheLog) {
  Apply(log_.Modified(Night(1) + 5min), {Started(Operation::kBackup), Progress(5min)});
  Apply(status_, {InStatus(kFailure)});
  Apply(log_.Modified(Night(2)), {Started(Operation::kBackup), Finished(kSuccess)}, kQuiet);
  EXPECT_EQ(Home().runs, 2u);
  EXPECT_EQ(Home().failures, 1u);
  EXPECT_EQ(Home().last_success, Night(2));
}

TEST_F(Overlap, OverlappingRunsInOneFileAreTwoRuns) {
  Apply(status_, {Finished(kFailure).From(Night(1)).At(Night(1) + 1min).Whole()});
  Apply(status_, {Finished(kSuccess).From(Night(1) + 30s).At(Night(1) + 1min + 1s).Whole()});
  EXPECT_EQ(Home().runs, 2u);
  EXPECT_EQ(Home().failures, 1u);
  EXPECT_EQ(Home().last_success, Night(1) + 1min + 1s);
}

TEST_F(Overlap, RunsInQuickSuccessionAreMatchedByTheNearestEnds) {
  // Times rounded up to whole seconds: the second run starts before the end of the first.
  Apply(status_, {Finished(kFailure).From(Night(1)).At(Night(1) + 5s).Whole()});
  Apply(status_, {Finished(kSuccess).From(Night(1) + 4s).At(Night(1) + 9s).Whole()});
  Apply(log_,
        {Finished(kFailure).From(Night(1)).At(Night(1) + 4500ms),
         Finished(kSuccess).From(Night(1) + 4900ms).At(Night(1) + 8900ms)},
        kQuiet);
  EXPECT_EQ(Home().runs, 2u);
  EXPECT_EQ(Home().failures, 1u);
  EXPECT_EQ(Home().last_success, Night(1) + 9s);
}

TEST_F(Overlap, OverlappingRunsOfTwoOperationsAreTwoRuns) {
  Apply(log_, {InLog(kSuccess).Of(Operation::kCheck)}, kQuiet);
  Apply(status_, {InStatus(kFailure).Of(Operation::kBackup)});
  EXPECT_EQ(Home().runs, 1u);
  EXPECT_EQ(Of("home", Operation::kCheck).runs, 1u);
  EXPECT_EQ(Of("home", Operation::kCheck).failures, 0u);
}

TEST_F(Overlap, OverlappingRunsOfTwoBackupsAreTwoRuns) {
  sources_ = {SourceOf("log")};
  ledger().Configure(sources_);
  TestFile other("/log/other.log");
  Apply(log_, {InLog(kSuccess)}, kQuiet);
  Apply(other, {InLog(kFailure)}, kQuiet);
  EXPECT_EQ(Home().failures, 0u);
  EXPECT_EQ(Of("other", Operation::kBackup).failures, 1u);
}

TEST_F(Overlap, ARunWithoutALengthMatchesOneWithinTenSeconds) {
  Apply(log_, {InLog(kSuccess)}, kQuiet);
  Apply(status_, {Finished(kWarning).At(Night(1) + 10min + 10s).Whole()});
  EXPECT_EQ(Home().runs, 1u);

  Apply(status_, {Finished(kSuccess).At(Night(2) - 10s).Whole()});
  Apply(log_, {InLog(kSuccess, Night(2))}, kQuiet);
  EXPECT_EQ(Home().runs, 2u);

  Apply(log_, {Finished(kSuccess).At(Night(3))}, kQuiet);
  Apply(status_, {Finished(kSuccess).At(Night(3) + 10s).Whole()});
  EXPECT_EQ(Home().runs, 3u);
}

TEST_F(Overlap, ARunWithoutALengthDoesNotMatchOneBeyondTenSeconds) {
  Apply(log_, {InLog(kSuccess)}, kQuiet);
  Apply(status_, {Finished(kWarning).At(Night(1) + 10min + 10s + 1us).Whole()});
  EXPECT_EQ(Home().runs, 2u);

  Apply(status_, {Finished(kSuccess).At(Night(2) - 10s - 1us).Whole()});
  Apply(log_, {InLog(kSuccess, Night(2))}, kQuiet);
  EXPECT_EQ(Home().runs, 4u);
}

TEST_F(Overlap, RunsWithALengthMatchOnlyIfTheyOverlap) {
  Apply(log_, {InLog(kSuccess)}, kQuiet);
  Apply(status_, {Finished(kFailure).From(Night(1) + 10min + 1us).At(Night(1) + 12min).Whole()});
  EXPECT_EQ(Home().runs, 2u);
  Apply(status_, {Finished(kFailure).From(Night(1) - 5min).At(Night(1) - 1us).Whole()});
  EXPECT_EQ(Home().runs, 3u);
}

TEST_F(Overlap, TheStartOfTheOpenRunIsUsedIfItsEndHasNone) {
  Apply(status_, {InStatus(kFailure)});
  // The record of the end has neither clock nor duration, and is read an hour late.
  Apply(log_.Modified(Night(1) + 5min), {Started(Operation::kBackup), Progress(5min)});
  Apply(log_.Modified(Night(1) + 70min), {Finished(kFailure).Code(1)}, kQuiet);
  EXPECT_EQ(Home().runs, 1u);
}

// Inferred ends.

TEST_F(Overlap, AReportReplacesAnInferredInterruption) {
  Apply(log_.Modified(Night(1) + 9min), {Started(Operation::kBackup), Progress(9min)});
  Apply(log_, {}, kGone);
  EXPECT_EQ(Home().last_run->result, kInterrupted);
  EXPECT_EQ(Home().last_failure, Night(1) + 9min);

  Apply(status_, {InStatus(kSuccess)});
  EXPECT_EQ(Home().last_run->result, kSuccess);
  EXPECT_EQ(Home().last_success, Night(1) + 10min + 2s) << "as reported, not as inferred";
  EXPECT_EQ(Home().last_run->duration, 10min + 3s);
  EXPECT_EQ(Home().last_failure, std::nullopt);
  EXPECT_EQ(Home().consecutive_failures, 0u);
  EXPECT_EQ(Home().runs, 1u);
}

TEST_F(Overlap, AReportGivesAnInferredInterruptionItsReason) {
  Apply(log_.Modified(Night(1) + 9min), {Started(Operation::kBackup), Progress(9min)}, kGone);
  Apply(status_, {InStatus(kFailure).Code(137).Because(Reason::kNoSpace)});
  EXPECT_EQ(Home().last_run->result, kFailure);
  EXPECT_EQ(Home().last_failure_reason, Reason::kNoSpace);
  EXPECT_EQ(Home().failures, 1u);
  EXPECT_EQ(Home().runs, 1u);
}

TEST_F(Overlap, ALateReportOfTheSameLogReplacesAnInferredInterruption) {
  Apply(log_.Modified(Night(1) + 9min), {Started(Operation::kBackup), Progress(9min)}, kGone);
  Apply(log_.Modified(Night(1) + 10min), {Finished(kSuccess)}, kQuiet);
  EXPECT_EQ(Home().runs, 1u);
  EXPECT_EQ(Home().last_success, Night(1) + 10min);
  EXPECT_EQ(Home().last_failure, std::nullopt);
}

TEST_F(Overlap, AReportedInterruptionOrFailureIsNeverReplacedByASuccess) {
  for (const RunResult bad : {kInterrupted, kFailure}) {
    SCOPED_TRACE(Name(bad));
    const Time night = Night(1 + static_cast<int>(bad));
    Apply(log_, {InLog(bad, night)}, kQuiet);
    Apply(status_, {InStatus(kSuccess, night).By(Evidence::kArchive)});
    EXPECT_EQ(Home().last_run->result, bad);
    EXPECT_EQ(Home().last_success, std::nullopt);
  }
}

// The spool of `event`: the older file was moved aside.
TEST_F(Overlap, TwoRunsThatOneLogReportedInFullAreTwoRuns) {
  sources_[0].names_backup = true;
  ledger().Configure(sources_);
  TestFile aside("/log/a.log"), next("/log/b.log");
  Apply(aside, {Finished(kFailure).At(Night(1)).Whole()});
  Apply(next, {Finished(kSuccess).At(Night(1) + 5s).Whole()});
  EXPECT_EQ(Home().runs, 2u);
  EXPECT_EQ(Home().failures, 1u);
}

TEST_F(Overlap, AStartAndAnEndInTwoFilesOfOneLogAreOneRun) {
  sources_[0].names_backup = true;
  ledger().Configure(sources_);
  TestFile aside("/log/a.log"), next("/log/b.log");
  Apply(aside, {Started(Operation::kBackup, Night(1))});
  Apply(next, {Finished(kSuccess).At(Night(1) + 5min).Whole()});
  EXPECT_EQ(Home().runs, 1u);
  EXPECT_EQ(Home().running, std::nullopt);
  EXPECT_EQ(Home().last_start, Night(1));
}

}  // namespace
}  // namespace backup_exporter
