#include "ledger/rules/merge.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "base/utf8.h"
#include "model/message.h"

namespace backup_exporter {
namespace {

using namespace std::chrono_literals;
using enum RunResult;

constexpr Time kStart = std::chrono::sys_days(std::chrono::year(2026) / 11 / 21);
constexpr Time kEnd = kStart + 10min;
constexpr Time kNow = kStart + 24h;
constexpr MergeFacts kFacts{.now = kNow, .end_by = kStart + 1h};

// A finished run whose end was reported.
StoredRun Known(RunResult result, RunState state = RunState::kProvisional) {
  return {.id = 7,
          .backup = 1,
          .state = state,
          .ended = kEnd,
          .ended_by = kEnd,
          .result = result,
          .evidence = Evidence::kReport};
}

// An interrupted run whose end was inferred from the end of its process.
StoredRun Inferred() {
  return {.id = 7,
          .backup = 1,
          .state = RunState::kSettled,
          .started = kStart,
          .ended = kStart + 5min,
          .ended_by = kStart + 5min,
          .duration = 5min,
          .result = kInterrupted,
          .reason = Reason::kInterrupted};
}

RunFinished Report(RunResult result) { return {.result = result, .end = kEnd}; }

TEST(Merge, TheWorseOfTwoReportedResultsStays) {
  const RunResult results[] = {kSuccess, kSkipped, kWarning, kInterrupted, kFailure};
  for (const RunResult before : results) {
    for (const RunResult after : results) {
      const Merged merged = Merge(Known(before), Report(after), kFacts);
      EXPECT_EQ(merged.run.result, std::max(before, after)) << Name(before) << ' ' << Name(after);
      EXPECT_FALSE(merged.first_result);
      EXPECT_FALSE(merged.revised) << "the run is not settled";
    }
  }
}

TEST(Merge, OnlyASettledRunIsRevised) {
  struct Case {
    RunResult before, after;
    bool revised, failed, warned;
  };
  for (const Case& c :
       {Case{kSuccess, kSuccess, false, false, false}, Case{kSuccess, kWarning, true, false, true},
        Case{kSuccess, kFailure, true, true, false},
        Case{kWarning, kInterrupted, true, true, false},
        Case{kInterrupted, kFailure, true, false, false},
        Case{kFailure, kSuccess, false, false, false}}) {
    const Merged merged = Merge(Known(c.before, RunState::kSettled), Report(c.after), kFacts);
    SCOPED_TRACE(std::string(Name(c.before)) + " " + std::string(Name(c.after)));
    EXPECT_EQ(merged.revised, c.revised);
    EXPECT_EQ(merged.failed, c.failed) << "an interrupted run has been counted as failed";
    EXPECT_EQ(merged.warned, c.warned);
    EXPECT_EQ(merged.run.state, RunState::kSettled);
  }
}

TEST(Merge, TheFirstResultMakesAnOpenRunProvisional) {
  const Merged merged = Merge({.id = 7, .backup = 1, .started = kStart}, Report(kSuccess), kFacts);
  EXPECT_TRUE(merged.first_result);
  EXPECT_EQ(merged.run.id, 7);
  EXPECT_EQ(merged.run.state, RunState::kProvisional);
  EXPECT_EQ(merged.run.ended, kEnd);
  EXPECT_EQ(merged.run.duration, 10min) << "from the start that was known";
}

TEST(Merge, AWarningIsAFailureWhereTheSourceIsConfiguredSo) {
  MergeFacts facts = kFacts;
  facts.warnings_are_failures = true;
  EXPECT_EQ(Merge({}, Report(kWarning), facts).run.result, kFailure);
  EXPECT_EQ(Merge({}, Report(kSuccess), facts).run.result, kSuccess);
}

TEST(Merge, TheStrongestEvidenceStays) {
  for (int i = 0; i < kEvidences; ++i) {
    RunFinished report = Report(kSuccess);
    report.evidence = static_cast<Evidence>(i);
    EXPECT_EQ(Merge(Known(kSuccess), report, kFacts).run.evidence,
              std::max(Evidence::kReport, report.evidence));
  }
}

TEST(Merge, AReportReplacesAnInferredEnd) {
  RunFinished report = Report(kSuccess);
  report.duration = 10min;
  const Merged merged = Merge(Inferred(), report, kFacts);
  EXPECT_EQ(merged.run.result, kSuccess);
  EXPECT_EQ(merged.run.reason, std::nullopt);
  EXPECT_EQ(merged.run.ended, kEnd);
  EXPECT_EQ(merged.run.duration, 10min);
  EXPECT_TRUE(merged.revised);
}

TEST(Merge, AGuessReplacesAnInferredEndOnlyByAWorseResult) {
  RunFinished guess = Report(kSuccess);
  guess.guessed = true;
  const Merged merged = Merge(Inferred(), guess, kFacts);
  EXPECT_TRUE(merged.ignored);
  EXPECT_EQ(merged.run.result, kInterrupted);
  EXPECT_EQ(merged.run.ended, kStart + 5min);
  guess.result = kFailure;
  EXPECT_FALSE(Merge(Inferred(), guess, kFacts).ignored);
  EXPECT_EQ(Merge(Inferred(), guess, kFacts).run.result, kFailure);
}

TEST(Merge, ReasonMessageAndExitCodeAreThoseOfTheWorstResult) {
  StoredRun run = Known(kWarning);
  run.reason = Reason::kSourceUnreadable;
  run.message = "cannot read";
  run.exit_code = 3;
  RunFinished worse = Report(kFailure);
  worse.reason = Reason::kHook;
  worse.message = "hook failed";
  worse.exit_code = 1;
  const StoredRun failed = Merge(run, worse, kFacts).run;
  EXPECT_EQ(failed.reason, Reason::kHook);
  EXPECT_EQ(failed.message, "hook failed");
  EXPECT_EQ(failed.exit_code, 1);

  RunFinished better = Report(kSuccess);
  better.message = "fine";
  better.exit_code = 0;
  const StoredRun warned = Merge(run, better, kFacts).run;
  EXPECT_EQ(warned.reason, Reason::kSourceUnreadable);
  EXPECT_EQ(warned.message, "cannot read");
  EXPECT_EQ(warned.exit_code, 3);
}

TEST(Merge, AnEqualResultAddsAMissingReasonAndExitCode) {
  RunFinished same = Report(kFailure);
  same.reason = Reason::kAuth;
  same.exit_code = 12;
  const StoredRun run = Merge(Known(kFailure), same, kFacts).run;
  EXPECT_EQ(run.reason, Reason::kAuth);
  EXPECT_EQ(run.exit_code, 12);
}

TEST(Merge, AKnownFigureStaysAndAMissingOneIsAdded) {
  StoredRun run = Known(kSuccess);
  run.figures = {.added_bytes = 100, .files_new = 3};
  RunFinished report = Report(kSuccess);
  report.figures = {.added_bytes = 101, .added_stored_bytes = 50};
  EXPECT_EQ(Merge(run, report, kFacts).run.figures,
            (Figures{.added_bytes = 100, .added_stored_bytes = 50, .files_new = 3}));
}

TEST(Merge, TheLongerOfTwoSnapshotIdsStays) {
  StoredRun run = Known(kSuccess);
  run.snapshot_id = "01234567";
  RunFinished report = Report(kSuccess);
  report.snapshot_id = std::string(64, 'a');
  EXPECT_EQ(Merge(run, report, kFacts).run.snapshot_id, report.snapshot_id);
  report.snapshot_id = "0123";
  EXPECT_EQ(Merge(run, report, kFacts).run.snapshot_id, "01234567");
}

TEST(Merge, AnEndWithoutAClockIsDatedByItsFile) {
  const RunFinished report{.result = kSuccess};
  const StoredRun bounded = Merge({}, report, kFacts).run;
  EXPECT_EQ(bounded.ended, std::nullopt);
  EXPECT_EQ(bounded.ended_by, kFacts.end_by);

  MergeFacts facts = kFacts;
  facts.end = kStart + 1h;
  EXPECT_EQ(Merge({}, report, facts).run.ended, kStart + 1h);
  EXPECT_EQ(Merge(Known(kSuccess), report, facts).run.ended, kEnd) << "a known end stays";
}

TEST(Merge, TheEndOfARunThatAListingDatedByItsStartIsReplacedByALaterOne) {
  StoredRun listed = Known(kSuccess);
  listed.started = listed.ended = listed.ended_by = kStart;
  EXPECT_EQ(Merge(listed, Report(kSuccess), kFacts).run.ended, kEnd);
}

TEST(Merge, AStartAfterTheEndIsDropped) {
  RunFinished report = Report(kFailure);
  report.start = kEnd + 1s;
  EXPECT_EQ(Merge({}, report, kFacts).run.started, std::nullopt);
}

TEST(Merge, ASuccessAheadOfTheClockIsHeldBackUntilItsTime) {
  RunFinished report{.result = kSuccess, .end = kNow + 5min};
  EXPECT_FALSE(Merge({}, report, kFacts).held_back) << "five minutes are tolerated";
  report.end = kNow + 5min + 1us;
  const Merged merged = Merge({}, report, kFacts);
  EXPECT_TRUE(merged.held_back);
  EXPECT_EQ(merged.run.settles_at, kNow + 1us);
  EXPECT_EQ(merged.run.ended, report.end);
  EXPECT_FALSE(Merge(merged.run, report, kFacts).held_back) << "only once";
}

TEST(Merge, AFailureAheadOfTheClockIsShownAtOnceWithTheTimeOfItsFile) {
  const Merged merged = Merge({}, {.result = kFailure, .end = kNow + 24h}, kFacts);
  EXPECT_TRUE(merged.held_back);
  EXPECT_EQ(merged.run.settles_at, std::nullopt);
  EXPECT_EQ(merged.run.ended, kFacts.end_by);
  EXPECT_EQ(merged.run.ended_by, kFacts.end_by);
}

TEST(Merge, ASettledRunIsNotDatedAheadOfTheClock) {
  StoredRun run = Known(kSuccess, RunState::kSettled);
  run.ended.reset();
  const Merged merged = Merge(run, {.result = kSuccess, .end = kNow + 24h}, kFacts);
  EXPECT_EQ(merged.run.ended, std::nullopt);
  EXPECT_EQ(merged.run.ended_by, kEnd);
  EXPECT_FALSE(merged.held_back);
}

TEST(Merge, ALongMessageIsCutBetweenCharacters) {
  RunFinished report = Report(kFailure);
  report.message = std::string(kMostMessage - 1, 'a') + "\u00e4" + "b";  // two bytes, one character
  const std::string message = Merge({}, report, kFacts).run.message;
  EXPECT_EQ(message, std::string(kMostMessage - 1, 'a'));
  EXPECT_EQ(ValidUtf8(message), message);
}

}  // namespace
}  // namespace backup_exporter
