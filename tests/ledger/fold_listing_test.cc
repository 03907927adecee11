// Archives in a listing, as evidence of the runs that made them.
#include "kit/ledger_fixture.h"

namespace backup_exporter {
namespace {

class Listing : public LedgerTest {
 protected:
  TestFile listing_{"/status/listing.json"};
};

const std::string kId(64, 'a');
const std::string kOther(64, 'b');

TEST_F(Listing, AnArchiveProvesTheSuccessThatMadeIt) {
  Listed archive(kId, Night(1));
  archive.figures.processed_bytes = 7;
  Apply(listing_, {archive.Until(Night(1) + 10min)});
  EXPECT_EQ(Home().runs, 1u);
  EXPECT_EQ(Home().last_success, Night(1) + 10min);
  EXPECT_EQ(Home().last_start, Night(1));
  EXPECT_EQ(Home().last_run->duration, 10min);
  EXPECT_EQ(Home().last_success_evidence, Evidence::kArchive);
  EXPECT_EQ(Home().last_success_figures.processed_bytes, 7u);
}

TEST_F(Listing, AListingThatIsReadAgainCountsNothingTwice) {
  for (int reading = 0; reading < 3; ++reading) {
    TestFile file("/status/listing.json");
    Apply(file, {Listed(kId, Night(1)), Listed(kOther, Night(2))}, kOver);
    EXPECT_EQ(Home().runs, 2u);
  }
  EXPECT_EQ(Home().last_success, Night(2));
}

TEST_F(Listing, AnArchiveStrengthensTheEvidenceOfTheRunWithItsId) {
  Apply(log_, {Finished(kSuccess).At(Night(1) + 10min).Id(kId).Adding(5)}, kQuiet);
  Apply(listing_, {Listed(kId, Night(1))});
  EXPECT_EQ(Home().runs, 1u);
  EXPECT_EQ(Home().last_success, Night(1) + 10min);
  EXPECT_EQ(Home().last_success_evidence, Evidence::kArchive);
  EXPECT_EQ(Home().last_success_figures.added_bytes, 5u);
}

TEST_F(Listing, AnArchiveMatchesARunWithAShortId) {
  Apply(log_, {Finished(kSuccess).At(Night(1) + 10min).Id(kId.substr(0, 8))}, kQuiet);
  Apply(listing_, {Listed(kId, Night(1))});
  EXPECT_EQ(Home().runs, 1u);
}

TEST_F(Listing, AReportDatesTheEndOfARunThatAListingShowed) {
  Apply(listing_, {Listed(kId, Night(1))});
  EXPECT_EQ(Home().last_success, Night(1)) << "the only time in the listing";
  Apply(log_, {Finished(kSuccess).At(Night(1) + 10min).Lasting(10min).Id(kId)}, kQuiet);
  EXPECT_EQ(Home().runs, 1u);
  EXPECT_EQ(Home().last_success, Night(1) + 10min);
  EXPECT_EQ(Home().last_run->duration, 10min);
}

TEST_F(Listing, AnArchiveMatchesARunWithoutAnIdByItsTime) {
  Apply(log_, {Finished(kSuccess).From(Night(1)).At(Night(1) + 10min)}, kQuiet);
  Apply(listing_, {Listed(kId, Night(1) + 2s)});
  EXPECT_EQ(Home().runs, 1u);
  EXPECT_EQ(Home().last_success, Night(1) + 10min);
  EXPECT_EQ(Home().last_success_evidence, Evidence::kArchive);
}

TEST_F(Listing, AnArchiveAmongThoseOfOthersMatchesOnlyAKnownId) {
  Apply(log_, {Finished(kSuccess).At(Night(1) + 10min).Id(kId)}, kQuiet);
  Apply(listing_, {Listed(kId, Night(1)).AmongOthers(), Listed(kOther, Night(2)).AmongOthers()});
  EXPECT_EQ(Home().runs, 1u);
  EXPECT_EQ(Home().last_success, Night(1) + 10min);
  EXPECT_EQ(Home().last_success_evidence, Evidence::kArchive);
}

TEST_F(Listing, AnArchiveDoesNotUndoAFailure) {
  Apply(log_, {Finished(kFailure).At(Night(1) + 10min).Id(kId).Because(Reason::kHook)}, kQuiet);
  Apply(listing_, {Listed(kId, Night(1))});
  EXPECT_EQ(Home().last_run->result, kFailure);
  EXPECT_EQ(Home().last_failure_reason, Reason::kHook);
  EXPECT_EQ(Home().last_success, std::nullopt);
}

TEST_F(Listing, AnArchiveDoesNotUndoAWarning) {
  Apply(log_, {Finished(kWarning).At(Night(1) + 10min).Id(kId)}, kQuiet);
  Apply(listing_, {Listed(kId, Night(1))});
  EXPECT_EQ(Home().last_run->result, kWarning);
  EXPECT_EQ(Home().last_clean_success, std::nullopt);
}

TEST_F(Listing, TheReportOfAnotherRunDoesNotUndoAListedArchive) {
  Apply(listing_, {Listed(kId, Night(1)).Until(Night(1) + 10min)});
  Apply(log_, {Finished(kFailure).At(Night(2))}, kQuiet);
  EXPECT_EQ(Home().last_success, Night(1) + 10min);
  EXPECT_EQ(Home().runs, 2u);
}

TEST_F(Listing, AnArchiveSettlesAProvisionalRun) {
  Apply(log_, {Finished(kSuccess).At(Night(1) + 10min).Id(kId)});
  EXPECT_EQ(Home().last_success, std::nullopt);
  Apply(listing_, {Listed(kId, Night(1))});
  EXPECT_EQ(Home().last_success, Night(1) + 10min);
}

}  // namespace
}  // namespace backup_exporter
