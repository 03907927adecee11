// The result of a run: how it is shown and counted, when it settles, and how it is revised.
#include "kit/ledger_fixture.h"

namespace backup_exporter {
namespace {

using FoldResult = LedgerTest;

TEST_F(FoldResult, ASuccessIsShownWithAllItsFigures) {
  Apply(status_, {Finished(kSuccess)
                      .From(Night(1))
                      .At(Night(1) + 10min)
                      .Lasting(9min)
                      .Code(0)
                      .By(Evidence::kArchive)
                      .With({.added_bytes = 1,
                             .added_stored_bytes = 2,
                             .processed_bytes = 3,
                             .processed_files = 4,
                             .files_new = 5,
                             .files_changed = 6,
                             .files_unmodified = 7,
                             .directories_new = 8,
                             .directories_changed = 9,
                             .directories_unmodified = 10,
                             .errors = 11})
                      .Whole()});
  EXPECT_EQ(
      StandingText(Backup("home")),
      "home (restic, status, \"\"): added=1 stored=2 processed=3\n"
      "  backup: runs=1 failures=0 warnings=0 in_a_row=0/0 started=2026-11-01T02:00:00Z\n"
      "    last success 2026-11-01T02:10:00Z code=0 duration=540000000us errors=11\n"
      "    good at=2026-11-01T02:10:00Z evidence=archive clean=2026-11-01T02:10:00Z added_bytes=1 "
      "added_stored_bytes=2 processed_bytes=3 processed_files=4 files_new=5 files_changed=6 "
      "files_unmodified=7 directories_new=8 directories_changed=9 directories_unmodified=10 "
      "errors=11\n");
}

TEST_F(FoldResult, AFailureIsShownWithItsReason) {
  Apply(status_, {Finished(kFailure).At(Night(1)).Code(12).Because(Reason::kAuth).Whole()});
  EXPECT_EQ(StandingText(Backup("home")),
            "home (restic, status, \"\"): added=0 stored=0 processed=0\n"
            "  backup: runs=1 failures=1 warnings=0 in_a_row=1/0\n"
            "    last failure 2026-11-01T02:00:00Z code=12\n"
            "    bad at=2026-11-01T02:00:00Z reason=auth\n");
}

TEST_F(FoldResult, AFailureWithoutAReasonHasTheReasonOther) {
  Apply(status_, {Finished(kFailure).At(Night(1)).Whole()});
  EXPECT_EQ(Home().last_failure_reason, Reason::kOther);
}

TEST_F(FoldResult, AWarningMovesTheLastSuccessButNotTheLastCleanSuccess) {
  Apply(status_, {Finished(kSuccess).At(Night(1)).Whole()});
  Apply(status_, {Finished(kWarning).At(Night(2)).Whole()});
  Apply(status_, {Finished(kWarning).At(Night(3)).Whole()});
  EXPECT_EQ(Home().last_success, Night(3));
  EXPECT_EQ(Home().last_clean_success, Night(1));
  EXPECT_EQ(Home().last_run->result, kWarning);
  EXPECT_EQ(Home().warnings, 2u);
  EXPECT_EQ(Home().consecutive_warnings, 2u);
  EXPECT_EQ(Home().failures, 0u);
  EXPECT_EQ(Home().last_failure, std::nullopt);

  Apply(status_, {Finished(kSuccess).At(Night(4)).Whole()});
  EXPECT_EQ(Home().consecutive_warnings, 0u);
  EXPECT_EQ(Home().warnings, 2u);
}

TEST_F(FoldResult, AWarningIsAFailureWhereTheSourceIsConfiguredSo) {
  sources_[1].warnings_are_failures = true;
  ledger().Configure(sources_);
  Apply(status_, {Finished(kWarning).At(Night(1)).Because(Reason::kSourceUnreadable).Whole()});
  EXPECT_EQ(Home().last_run->result, kFailure);
  EXPECT_EQ(Home().last_failure_reason, Reason::kSourceUnreadable);
  EXPECT_EQ(Home().last_success, std::nullopt);
  EXPECT_EQ(Home().failures, 1u);
  EXPECT_EQ(Home().warnings, 0u);
}

TEST_F(FoldResult, AnInterruptedRunCountsAsAFailure) {
  Apply(status_, {Finished(kInterrupted).At(Night(1)).Because(Reason::kInterrupted).Whole()});
  EXPECT_EQ(Home().last_run->result, kInterrupted);
  EXPECT_EQ(Home().last_failure, Night(1));
  EXPECT_EQ(Home().last_failure_reason, Reason::kInterrupted);
  EXPECT_EQ(Home().failures, 1u);
  EXPECT_EQ(Home().consecutive_failures, 1u);
}

TEST_F(FoldResult, ASkippedRunReplacesASuccessButNoWorseResult) {
  Apply(status_, {Finished(kSuccess).At(Night(1)).Whole()});
  Apply(status_, {Finished(kSkipped).At(Night(2)).Whole()});
  EXPECT_EQ(Home().last_run->result, kSkipped);
  EXPECT_EQ(Home().last_success, Night(1));

  int night = 2;
  for (const RunResult worse : {kWarning, kFailure, kInterrupted}) {
    SCOPED_TRACE(Name(worse));
    const Time time = Night(++night);
    Apply(status_, {Finished(worse).At(time).Whole()});
    Apply(status_, {Finished(kSkipped).At(Night(++night)).Whole()});
    EXPECT_EQ(Home().last_run->result, worse);
    EXPECT_EQ(Home().last_run->end, time);
  }
  EXPECT_EQ(Home().consecutive_failures, 2u);
}

TEST_F(FoldResult, AFailedRunLeavesTheFiguresOfTheLastSuccess) {
  Apply(status_, {Finished(kSuccess).At(Night(1)).Adding(100).Whole()});
  const Figures before = Home().last_success_figures;
  Apply(status_, {Finished(kFailure).At(Night(2)).Adding(7).Whole()});
  EXPECT_EQ(before.added_bytes, 100u);
  EXPECT_EQ(Home().last_success_figures, before);
  EXPECT_EQ(Home().last_success, Night(1));
  EXPECT_EQ(Home().last_failure, Night(2));
  EXPECT_EQ(Backup("home").added_bytes, 107u) << "a failed run has added data, too";
}

TEST_F(FoldResult, ARunOfOneOperationLeavesTheOtherOperationsUnchanged) {
  Apply(status_, {Finished(kSuccess).At(Night(1)).Adding(10).Whole(),
                  Finished(kFailure).Of(Operation::kCheck).At(Night(1) + 1h).Adding(10).Whole()});
  EXPECT_EQ(Home().last_success, Night(1));
  EXPECT_EQ(Home().failures, 0u);
  EXPECT_EQ(Of("home", Operation::kCheck).last_failure, Night(1) + 1h);
  EXPECT_EQ(Of("home", Operation::kCheck).runs, 1u);
  EXPECT_EQ(Backup("home").added_bytes, 10u) << "only backups add data";
}

TEST_F(FoldResult, ARunWithoutAnOperationHasThatOfItsSource) {
  sources_[0].operation = Operation::kPrune;
  ledger().Configure(sources_);
  Apply(log_, {Finished(kFailure).At(Night(1))}, kQuiet);
  EXPECT_EQ(Of("home", Operation::kPrune).failures, 1u);
  EXPECT_EQ(Home().runs, 0u);
}

TEST_F(FoldResult, ASuccessOrAWarningEndsARowOfFailures) {
  for (int night = 1; night <= 3; ++night) {
    Apply(status_, {Finished(kFailure).At(Night(night)).Whole()});
    EXPECT_EQ(Home().consecutive_failures, static_cast<std::uint64_t>(night));
  }
  Apply(status_, {Finished(kWarning).At(Night(4)).Whole()});
  EXPECT_EQ(Home().consecutive_failures, 0u);
  EXPECT_EQ(Home().failures, 3u);
}

TEST_F(FoldResult, TheLastSuccessNeverMovesBackwards) {
  Apply(status_, {Finished(kSuccess).At(Night(10)).Adding(5).Whole()});
  const auto expect_unchanged = [this] {
    EXPECT_EQ(Home().last_success, Night(10));
    EXPECT_EQ(Home().last_success_figures.added_bytes, 5u);
  };
  Apply(status_, {Finished(kFailure).At(Night(11)).Whole()});
  expect_unchanged();
  TestFile older("/log/older.log");
  Apply(older,
        {Finished(kSuccess).At(Night(5)).Adding(6), Finished(kSuccess).At(Night(6)).Adding(7)},
        kQuiet);
  expect_unchanged();
  Apply(status_, {Noise()});
  expect_unchanged();
  Apply(status_, {}, kOver);
  expect_unchanged();
  Reopen();
  expect_unchanged();
  now_ = Night(2);
  Apply(log_, {Finished(kSuccess).At(Night(2))}, kQuiet);
  Tick();
  expect_unchanged();
}

// Provisional results.

TEST_F(FoldResult, AResultIsShownOnceTheFileIsQuietAndTheRunIsCountedAtOnce) {
  Apply(log_, {Finished(kSuccess).At(Night(1))});
  EXPECT_EQ(Home().runs, 1u);
  EXPECT_EQ(Home().last_run, std::nullopt);
  EXPECT_EQ(Home().last_success, std::nullopt);

  Apply(log_, {}, kQuiet);
  EXPECT_EQ(Home().last_success, Night(1));
  EXPECT_EQ(Home().last_run->result, kSuccess);
  EXPECT_EQ(Home().runs, 1u);
}

TEST_F(FoldResult, AFailureIsCountedOnceTheFileIsQuiet) {
  Apply(log_, {Finished(kFailure).At(Night(1))});
  EXPECT_EQ(Home().runs, 1u);
  EXPECT_EQ(Home().failures, 0u);
  EXPECT_EQ(Home().consecutive_failures, 0u);
  Apply(log_, {}, kQuiet);
  EXPECT_EQ(Home().failures, 1u);
  EXPECT_EQ(Home().consecutive_failures, 1u);
}

TEST_F(FoldResult, AResultSettlesWithTheNextStart) {
  Apply(log_, {Finished(kSuccess).At(Night(1))});
  Apply(log_, {Started()});
  EXPECT_EQ(Home().last_success, Night(1));
}

TEST_F(FoldResult, AResultSettlesWithTheNextEnd) {
  Apply(log_, {Finished(kSuccess).At(Night(1)), Finished(kSuccess).At(Night(2))});
  EXPECT_EQ(Home().runs, 2u);
  EXPECT_EQ(Home().last_success, Night(1));
}

TEST_F(FoldResult, AResultSettlesWhenTheFileIsOver) {
  Apply(log_, {Finished(kSuccess).At(Night(1))});
  Apply(log_, {}, kOver);
  EXPECT_EQ(Home().last_success, Night(1));
}

TEST_F(FoldResult, TheResultOfAWholeDocumentSettlesAtOnce) {
  Apply(status_, {Finished(kSuccess).At(Night(1)).Whole()}, kMore);
  EXPECT_EQ(Home().last_success, Night(1));
}

TEST_F(FoldResult, AResultSettlesWithTheExitCodeThatFollowsIt) {
  Apply(log_, {Finished(kSuccess).At(Night(1))});
  Apply(log_, {Finished(kSuccess).By(Evidence::kExitCode).Code(0).OfLastRun().Whole()});
  EXPECT_EQ(Home().last_success, Night(1));
  EXPECT_EQ(Home().last_success_evidence, Evidence::kReport);
  EXPECT_EQ(Home().last_run->exit_code, 0);
  EXPECT_EQ(Home().runs, 1u);
}

TEST_F(FoldResult, AProvisionalResultSurvivesARestart) {
  Apply(log_, {Finished(kSuccess).At(Night(1))});
  Reopen();
  EXPECT_EQ(Home().last_success, std::nullopt);
  Apply(log_, {}, kQuiet);
  EXPECT_EQ(Home().last_success, Night(1));
}

TEST_F(FoldResult, TheWorstOfSeveralProvisionalResultsSettles) {
  Apply(log_, {Finished(kSuccess).At(Night(1)).Adding(10)});
  Apply(log_, {Finished(kWarning)
                   .By(Evidence::kExitCode)
                   .Code(3)
                   .Because(Reason::kSourceUnreadable)
                   .OfLastRun()});
  Apply(log_, {}, kQuiet);
  EXPECT_EQ(Home().last_run->result, kWarning);
  EXPECT_EQ(Home().last_run->exit_code, 3);
  EXPECT_EQ(Home().last_success, Night(1));
  EXPECT_EQ(Home().last_clean_success, std::nullopt);
  EXPECT_EQ(Home().last_success_figures.added_bytes, 10u);
  EXPECT_EQ(Home().runs, 1u);
  EXPECT_EQ(Home().warnings, 1u);
}

// Revised results.

// faults.md 112
TEST_F(FoldResult, ASuccessThatTurnsIntoAFailureLateRestoresTheLastSuccessBeforeIt) {
  Apply(log_, {Finished(kSuccess).At(Night(1)).Adding(1)}, kQuiet);
  Apply(log_, {Finished(kSuccess).At(Night(2)).Adding(2)}, kQuiet);
  EXPECT_EQ(Home().last_success, Night(2));

  Apply(log_,
        {Finished(kFailure).By(Evidence::kExitCode).Code(1).Because(Reason::kHook).OfLastRun()});
  EXPECT_EQ(Home().last_success, Night(1));
  EXPECT_EQ(Home().last_clean_success, Night(1));
  EXPECT_EQ(Home().last_success_figures.added_bytes, 1u);
  EXPECT_EQ(Home().last_run->result, kFailure);
  EXPECT_EQ(Home().last_run->end, Night(2));
  EXPECT_EQ(Home().last_run->exit_code, 1);
  EXPECT_EQ(Home().last_failure_reason, Reason::kHook);
  EXPECT_EQ(Home().runs, 2u);
  EXPECT_EQ(Home().failures, 1u);
  EXPECT_EQ(Home().consecutive_failures, 1u);
}

TEST_F(FoldResult, ASuccessThatTurnsIntoAWarningLateRemainsTheLastSuccess) {
  Apply(log_, {Finished(kSuccess).At(Night(1))}, kQuiet);
  Apply(log_, {Finished(kSuccess).At(Night(2))}, kQuiet);
  Apply(log_, {Finished(kWarning).Code(3).OfLastRun()});
  EXPECT_EQ(Home().last_success, Night(2));
  EXPECT_EQ(Home().last_clean_success, Night(1));
  EXPECT_EQ(Home().warnings, 1u);
  EXPECT_EQ(Home().consecutive_warnings, 1u);
}

TEST_F(FoldResult, AResultIsNeverRevisedForTheBetter) {
  Apply(log_, {Finished(kFailure).At(Night(1)).Code(1).Because(Reason::kNetwork)}, kQuiet);
  Apply(log_, {Finished(kSuccess).By(Evidence::kArchive).Code(0).OfLastRun().Whole()});
  EXPECT_EQ(Home().last_run->result, kFailure);
  EXPECT_EQ(Home().last_run->exit_code, 1);
  EXPECT_EQ(Home().last_failure_reason, Reason::kNetwork);
  EXPECT_EQ(Home().last_success, std::nullopt);
}

TEST_F(FoldResult, ARunIsCountedOnceHoweverOftenItsResultIsRevised) {
  Apply(log_, {Finished(kSuccess).At(Night(1))}, kQuiet);
  for (const RunResult result : {kWarning, kWarning, kInterrupted, kFailure, kFailure, kSuccess}) {
    Apply(log_, {Finished(result).OfLastRun()}, kQuiet);
  }
  EXPECT_EQ(Home().runs, 1u);
  EXPECT_EQ(Home().warnings, 1u);
  EXPECT_EQ(Home().failures, 1u);
  EXPECT_EQ(Home().last_run->result, kFailure);
}

TEST_F(FoldResult, ALateResultIsIgnoredIfTheFileHasNoLastRun) {
  Apply(log_, {Finished(kFailure).At(Night(1)).OfLastRun()}, kQuiet);
  EXPECT_EQ(Home().runs, 0u);
  EXPECT_EQ(Home().last_run, std::nullopt);
}

TEST_F(FoldResult, ALateResultReachesTheLastRunAfterTheNextHasStarted) {
  Apply(log_, {Finished(kSuccess).At(Night(1)), Started(), Finished(kFailure).OfLastRun()}, kQuiet);
  EXPECT_EQ(Home().last_run->result, kFailure);
  EXPECT_EQ(Home().last_run->end, Night(1));
}

}  // namespace
}  // namespace backup_exporter
