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
  Take(log_, {InLog(kSuccess)}, kQuiet);
  Take(status_, {InStatus(kSuccess)});
  EXPECT_EQ(Home().runs, 1u);
  EXPECT_EQ(Home().last_success, Night(1) + 10min);

  Take(status_, {InStatus(kSuccess, Night(2))});
  Take(log_, {InLog(kSuccess, Night(2))}, kQuiet);
  EXPECT_EQ(Home().runs, 2u);
  EXPECT_EQ(Home().last_success, Night(2) + 10min + 2s);
}

TEST_F(Overlap, TheWorstResultIsKeptInEitherOrder) {
  Take(log_, {InLog(kSuccess)}, kQuiet);
  Take(status_, {InStatus(kFailure).Code(1).Because(Reason::kHook)});
  EXPECT_EQ(Home().last_run->result, kFailure);
  EXPECT_EQ(Home().last_success, std::nullopt);
  EXPECT_EQ(Home().failures, 1u);

  Take(status_, {InStatus(kFailure, Night(2)).Code(1).Because(Reason::kHook)});
  Take(log_, {InLog(kSuccess, Night(2))}, kQuiet);
  EXPECT_EQ(Home().last_run->result, kFailure);
  EXPECT_EQ(Home().last_failure_reason, Reason::kHook);
  EXPECT_EQ(Home().last_run->exit_code, 1);
  EXPECT_EQ(Home().failures, 2u);
  EXPECT_EQ(Home().runs, 2u);
}

TEST_F(Overlap, FiguresOfBothFilesAreCombinedAndCountedOnce) {
  Take(status_, {InStatus(kSuccess).With({.added_bytes = 100, .files_new = 3})});
  Take(log_, {InLog(kSuccess).With({.added_bytes = 101, .added_stored_bytes = 50})}, kQuiet);
  EXPECT_EQ(Home().last_success_figures,
            (Figures{.added_bytes = 100, .added_stored_bytes = 50, .files_new = 3}));
  EXPECT_EQ(Backup("home").added_bytes, 100u);
  EXPECT_EQ(Backup("home").added_stored_bytes, 50u);
}

TEST_F(Overlap, TheStrongestEvidenceIsKept) {
  Take(log_, {InLog(kSuccess).By(Evidence::kClaim)}, kQuiet);
  EXPECT_EQ(Home().last_success_evidence, Evidence::kClaim);
  Take(status_, {InStatus(kSuccess).By(Evidence::kReport)});
  EXPECT_EQ(Home().last_success_evidence, Evidence::kReport);
  TestFile wrapper("/log/wrapper.log");
  Take(wrapper, {InLog(kSuccess).By(Evidence::kExitCode).Code(0)}, kQuiet);
  EXPECT_EQ(Home().last_success_evidence, Evidence::kReport);
  EXPECT_EQ(Home().runs, 1u);
}

TEST_F(Overlap, AStatusFileEndsTheOpenRunOfALog) {
  Take(log_.Modified(Night(1) + 5min), {Started(Operation::kBackup), Progress(5min)});
  Take(status_, {InStatus(kSuccess)});
  EXPECT_EQ(Home().runs, 1u);
  EXPECT_EQ(Home().last_success, Night(1) + 10min + 2s);

  Take(log_.Modified(Night(1) + 11min), {Finished(kSuccess).Adding(7)}, kQuiet);
  EXPECT_EQ(Home().runs, 1u);
  EXPECT_EQ(Home().last_success, Night(1) + 10min + 2s) << "the log has no clock";
  EXPECT_EQ(Home().last_success_figures.added_bytes, 7u);
}

TEST_F(Overlap, ARunThatTheLogStartsLateIsOneRunOnceItEnds) {
  Take(status_, {InStatus(kFailure).Because(Reason::kTimeout)});
  Take(log_.Modified(Night(1) + 10min), {Started(Operation::kBackup), Progress(10min)});
  Take(log_.Modified(Night(1) + 12min), {Finished(kFailure).Code(130)}, kQuiet);
  EXPECT_EQ(Home().runs, 1u);
  EXPECT_EQ(Home().failures, 1u);
  EXPECT_EQ(Home().last_failure_reason, Reason::kTimeout);
  EXPECT_EQ(Home().last_run->exit_code, 130);
}

TEST_F(Overlap, ARunThatAnotherFileEndedIsNotTheNextOneInTheLog) {
  Take(log_.Modified(Night(1) + 5min), {Started(Operation::kBackup), Progress(5min)});
  Take(status_, {InStatus(kFailure)});
  Take(log_.Modified(Night(2)), {Started(Operation::kBackup), Finished(kSuccess)}, kQuiet);
  EXPECT_EQ(Home().runs, 2u);
  EXPECT_EQ(Home().failures, 1u);
  EXPECT_EQ(Home().last_success, Night(2));
}

TEST_F(Overlap, OverlappingRunsInOneFileAreTwoRuns) {
  Take(status_, {Finished(kFailure).From(Night(1)).At(Night(1) + 1min).Whole()});
  Take(status_, {Finished(kSuccess).From(Night(1) + 30s).At(Night(1) + 1min + 1s).Whole()});
  EXPECT_EQ(Home().runs, 2u);
  EXPECT_EQ(Home().failures, 1u);
  EXPECT_EQ(Home().last_success, Night(1) + 1min + 1s);
}

TEST_F(Overlap, OfRunsInQuickSuccessionThoseWithTheNearestEndsMatch) {
  // Times rounded up to whole seconds: the second run starts before the end of the first.
  Take(status_, {Finished(kFailure).From(Night(1)).At(Night(1) + 5s).Whole()});
  Take(status_, {Finished(kSuccess).From(Night(1) + 4s).At(Night(1) + 9s).Whole()});
  Take(log_,
       {Finished(kFailure).From(Night(1)).At(Night(1) + 4500ms),
        Finished(kSuccess).From(Night(1) + 4900ms).At(Night(1) + 8900ms)},
       kQuiet);
  EXPECT_EQ(Home().runs, 2u);
  EXPECT_EQ(Home().failures, 1u);
  EXPECT_EQ(Home().last_success, Night(1) + 9s);
}

TEST_F(Overlap, OverlappingRunsOfTwoOperationsAreTwoRuns) {
  Take(log_, {InLog(kSuccess).Of(Operation::kCheck)}, kQuiet);
  Take(status_, {InStatus(kFailure).Of(Operation::kBackup)});
  EXPECT_EQ(Home().runs, 1u);
  EXPECT_EQ(Of("home", Operation::kCheck).runs, 1u);
  EXPECT_EQ(Of("home", Operation::kCheck).failures, 0u);
}

TEST_F(Overlap, OverlappingRunsOfTwoBackupsAreTwoRuns) {
  sources_ = {SourceOf("log")};
  ledger().Configure(sources_);
  TestFile other("/log/other.log");
  Take(log_, {InLog(kSuccess)}, kQuiet);
  Take(other, {InLog(kFailure)}, kQuiet);
  EXPECT_EQ(Home().failures, 0u);
  EXPECT_EQ(Of("other", Operation::kBackup).failures, 1u);
}

TEST_F(Overlap, ARunWithoutALengthMatchesOneWithinTenSeconds) {
  Take(log_, {InLog(kSuccess)}, kQuiet);
  Take(status_, {Finished(kWarning).At(Night(1) + 10min + 10s).Whole()});
  EXPECT_EQ(Home().runs, 1u);

  Take(status_, {Finished(kSuccess).At(Night(2) - 10s).Whole()});
  Take(log_, {InLog(kSuccess, Night(2))}, kQuiet);
  EXPECT_EQ(Home().runs, 2u);

  Take(log_, {Finished(kSuccess).At(Night(3))}, kQuiet);
  Take(status_, {Finished(kSuccess).At(Night(3) + 10s).Whole()});
  EXPECT_EQ(Home().runs, 3u);
}

TEST_F(Overlap, ARunWithoutALengthDoesNotMatchOneBeyondTenSeconds) {
  Take(log_, {InLog(kSuccess)}, kQuiet);
  Take(status_, {Finished(kWarning).At(Night(1) + 10min + 10s + 1us).Whole()});
  EXPECT_EQ(Home().runs, 2u);

  Take(status_, {Finished(kSuccess).At(Night(2) - 10s - 1us).Whole()});
  Take(log_, {InLog(kSuccess, Night(2))}, kQuiet);
  EXPECT_EQ(Home().runs, 4u);
}

TEST_F(Overlap, RunsWithALengthMatchOnlyIfTheyOverlap) {
  Take(log_, {InLog(kSuccess)}, kQuiet);
  Take(status_, {Finished(kFailure).From(Night(1) + 10min + 1us).At(Night(1) + 12min).Whole()});
  EXPECT_EQ(Home().runs, 2u);
  Take(status_, {Finished(kFailure).From(Night(1) - 5min).At(Night(1) - 1us).Whole()});
  EXPECT_EQ(Home().runs, 3u);
}

TEST_F(Overlap, TheStartOfTheOpenRunIsUsedIfItsEndHasNone) {
  Take(status_, {InStatus(kFailure)});
  // The record of the end has neither clock nor duration, and is read an hour late.
  Take(log_.Modified(Night(1) + 5min), {Started(Operation::kBackup), Progress(5min)});
  Take(log_.Modified(Night(1) + 70min), {Finished(kFailure).Code(1)}, kQuiet);
  EXPECT_EQ(Home().runs, 1u);
}

// Inferred ends.

TEST_F(Overlap, AReportReplacesAnInferredInterruption) {
  Take(log_.Modified(Night(1) + 9min), {Started(Operation::kBackup), Progress(9min)});
  Take(log_, {}, kGone);
  EXPECT_EQ(Home().last_run->result, kInterrupted);
  EXPECT_EQ(Home().last_failure, Night(1) + 9min);

  Take(status_, {InStatus(kSuccess)});
  EXPECT_EQ(Home().last_run->result, kSuccess);
  EXPECT_EQ(Home().last_success, Night(1) + 10min + 2s) << "as reported, not as inferred";
  EXPECT_EQ(Home().last_run->duration, 10min + 3s);
  EXPECT_EQ(Home().last_failure, std::nullopt);
  EXPECT_EQ(Home().consecutive_failures, 0u);
  EXPECT_EQ(Home().runs, 1u);
}

TEST_F(Overlap, AReportGivesAnInferredInterruptionItsReason) {
  Take(log_.Modified(Night(1) + 9min), {Started(Operation::kBackup), Progress(9min)}, kGone);
  Take(status_, {InStatus(kFailure).Code(137).Because(Reason::kNoSpace)});
  EXPECT_EQ(Home().last_run->result, kFailure);
  EXPECT_EQ(Home().last_failure_reason, Reason::kNoSpace);
  EXPECT_EQ(Home().failures, 1u);
  EXPECT_EQ(Home().runs, 1u);
}

TEST_F(Overlap, ALateReportOfTheSameLogReplacesAnInferredInterruption) {
  Take(log_.Modified(Night(1) + 9min), {Started(Operation::kBackup), Progress(9min)}, kGone);
  Take(log_.Modified(Night(1) + 10min), {Finished(kSuccess)}, kQuiet);
  EXPECT_EQ(Home().runs, 1u);
  EXPECT_EQ(Home().last_success, Night(1) + 10min);
  EXPECT_EQ(Home().last_failure, std::nullopt);
}

TEST_F(Overlap, AReportedInterruptionOrFailureIsNeverReplacedByASuccess) {
  for (const RunResult bad : {kInterrupted, kFailure}) {
    SCOPED_TRACE(Name(bad));
    const Time night = Night(1 + static_cast<int>(bad));
    Take(log_, {InLog(bad, night)}, kQuiet);
    Take(status_, {InStatus(kSuccess, night).By(Evidence::kArchive)});
    EXPECT_EQ(Home().last_run->result, bad);
    EXPECT_EQ(Home().last_success, std::nullopt);
  }
}

// The spool of `event`: the older file was moved aside.
TEST_F(Overlap, TwoRunsThatOneLogReportedInFullAreTwoRuns) {
  sources_[0].names_backup = true;
  ledger().Configure(sources_);
  TestFile aside("/log/a.log"), next("/log/b.log");
  Take(aside, {Finished(kFailure).At(Night(1)).Whole()});
  Take(next, {Finished(kSuccess).At(Night(1) + 5s).Whole()});
  EXPECT_EQ(Home().runs, 2u);
  EXPECT_EQ(Home().failures, 1u);
}

TEST_F(Overlap, AStartAndAnEndInTwoFilesOfOneLogAreOneRun) {
  sources_[0].names_backup = true;
  ledger().Configure(sources_);
  TestFile aside("/log/a.log"), next("/log/b.log");
  Take(aside, {Started(Operation::kBackup, Night(1))});
  Take(next, {Finished(kSuccess).At(Night(1) + 5min).Whole()});
  EXPECT_EQ(Home().runs, 1u);
  EXPECT_EQ(Home().running, std::nullopt);
  EXPECT_EQ(Home().last_start, Night(1));
}

}  // namespace
}  // namespace backup_exporter
