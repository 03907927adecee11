#include "ledger/rules/outcome.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace backup_exporter {
namespace {

using enum RunResult;
using testing::ElementsAre;

TEST(Outcome, SuccessesAndWarningsAreGood) {
  EXPECT_THAT(ResultsThat(IsGood), ElementsAre("success", "warning"));
}

TEST(Outcome, OnlyASuccessIsClean) { EXPECT_THAT(ResultsThat(IsClean), ElementsAre("success")); }

TEST(Outcome, FailuresAndInterruptedRunsAreBad) {
  EXPECT_THAT(ResultsThat(IsBad), ElementsAre("interrupted", "failure"));
}

TEST(Outcome, ASkippedRunIsNeitherGoodNorBad) {
  EXPECT_THAT(ResultsThat(backup_exporter::IsSkipped), ElementsAre("skipped"));
  EXPECT_FALSE(IsGood(kSkipped));
  EXPECT_FALSE(IsBad(kSkipped));
}

TEST(Outcome, EveryOtherResultIsEitherGoodOrBad) {
  for (const RunResult result : {kSuccess, kWarning, kInterrupted, kFailure}) {
    EXPECT_NE(IsGood(result), IsBad(result)) << Name(result);
  }
}

TEST(Outcome, AClaimedSuccessDoesNotCountWhereArchivesProveSuccesses) {
  for (const RunResult result : {kSuccess, kWarning}) {
    EXPECT_FALSE(Counts(result, Evidence::kClaim, /*archives_prove=*/true));
    EXPECT_FALSE(CountsAsSuccess(result, Evidence::kClaim, /*archives_prove=*/true));
    EXPECT_TRUE(Counts(result, Evidence::kClaim, /*archives_prove=*/false));
    EXPECT_TRUE(CountsAsSuccess(result, Evidence::kClaim, /*archives_prove=*/false));
  }
}

TEST(Outcome, AClaimedFailureCountsEvenWhereArchivesProveSuccesses) {
  for (const RunResult result : {kFailure, kInterrupted, kSkipped}) {
    EXPECT_TRUE(Counts(result, Evidence::kClaim, /*archives_prove=*/true)) << Name(result);
    EXPECT_FALSE(CountsAsSuccess(result, Evidence::kClaim, /*archives_prove=*/true));
  }
}

TEST(Outcome, StrongerEvidenceThanAClaimAlwaysCounts) {
  for (const auto evidence : {Evidence::kExitCode, Evidence::kReport, Evidence::kArchive}) {
    EXPECT_TRUE(CountsAsSuccess(kSuccess, evidence, /*archives_prove=*/true)) << Name(evidence);
  }
  EXPECT_TRUE(Counts(kInterrupted, std::nullopt, /*archives_prove=*/true));
}

}  // namespace
}  // namespace backup_exporter
