// Records of the same run: recognized by snapshot id, else by the time of the end.
#include "kit/ledger_fixture.h"

namespace backup_exporter {
namespace {

using Identity = LedgerTest;

const std::string kLong = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const std::string kShort = "01234567";
const std::string kTwin = "01234567ffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

TEST_F(Identity, OneSnapshotInTwoFilesIsOneRun) {
  Apply(log_, {Finished(kSuccess).At(Night(1)).Id(kLong)}, kQuiet);
  Apply(status_, {Finished(kSuccess).At(Night(1) + 30min).Id(kLong).Whole()});
  EXPECT_EQ(Home().runs, 1u);
  EXPECT_EQ(Home().last_success, Night(1));
}

TEST_F(Identity, LongAndShortFormsOfASnapshotIdAreOneRun) {
  Apply(log_, {Finished(kSuccess).At(Night(1)).Id(kShort)}, kQuiet);
  Apply(status_, {Finished(kSuccess).At(Night(2)).Id(kLong).Whole()});
  EXPECT_EQ(Home().runs, 1u);

  TestFile other("/log/copy.log");
  Apply(other, {Finished(kSuccess).At(Night(3)).Id(kShort)}, kQuiet);
  EXPECT_EQ(Home().runs, 1u);
}

TEST_F(Identity, TwoSnapshotsWithTheSameFirstDigitsAreTwoRuns) {
  for (int reading = 0; reading < 2; ++reading) {
    TestFile file("/log/" + std::to_string(reading));
    Apply(file,
          {Finished(kSuccess).At(Night(1)).Id(kLong), Finished(kSuccess).At(Night(2)).Id(kTwin)},
          kQuiet);
    EXPECT_EQ(Home().runs, 2u);
    EXPECT_EQ(Home().last_success, Night(2));
  }
}

TEST_F(Identity, OneSnapshotInTwoBackupsIsTwoRuns) {
  sources_ = {SourceOf("log")};
  ledger().Configure(sources_);
  TestFile other("/log/other.log");
  Apply(log_, {Finished(kSuccess).At(Night(1)).Id(kLong)}, kQuiet);
  Apply(other, {Finished(kSuccess).At(Night(1)).Id(kLong)}, kQuiet);
  EXPECT_EQ(Home().runs, 1u);
  EXPECT_EQ(Of("other", Operation::kBackup).runs, 1u);
}

TEST_F(Identity, TwoSnapshotsAtTheSameTimeAreTwoRuns) {
  Apply(log_, {Finished(kSuccess).From(Night(1)).At(Night(1) + 1h).Id(kLong)}, kQuiet);
  Apply(status_, {Finished(kFailure).From(Night(1)).At(Night(1) + 1h).Id(kTwin).Whole()});
  EXPECT_EQ(Home().runs, 2u);
  EXPECT_EQ(Home().failures, 1u);
  EXPECT_EQ(Home().last_success, Night(1) + 1h);
}

TEST_F(Identity, AnEndThatIsReadTwiceIsOneRun) {
  for (int reading = 0; reading < 2; ++reading) {
    TestFile file("/log/home.log");
    Apply(file, {Finished(kFailure).At(Night(1)), Finished(kFailure).At(Night(2))}, kOver);
    EXPECT_EQ(Home().runs, 2u);
    EXPECT_EQ(Home().failures, 2u);
  }
}

TEST_F(Identity, EndsAMicrosecondApartAreTwoRuns) {
  Apply(log_, {Finished(kFailure).At(Night(1)), Finished(kFailure).At(Night(1) + 1us)}, kQuiet);
  EXPECT_EQ(Home().runs, 2u);
}

TEST_F(Identity, AStatusFileThatIsWrittenAgainIsOneRun) {
  for (int generation = 0; generation < 3; ++generation) {
    TestFile file("/status/home.json");
    Apply(file, {Finished(kSuccess).At(Night(1)).Adding(5).Whole()}, kOver);
  }
  EXPECT_EQ(Home().runs, 1u);
  EXPECT_EQ(Backup("home").added_bytes, 5u);
}

TEST_F(Identity, FailuresWithoutAClockOnTwoNightsAreTwoRuns) {
  Apply(log_.Modified(Night(1)), {Finished(kFailure).Code(1)}, kQuiet);
  Apply(log_.Modified(Night(2)), {Finished(kFailure).Code(1)}, kQuiet);
  EXPECT_EQ(Home().runs, 2u);
  EXPECT_EQ(Home().failures, 2u);
  EXPECT_EQ(Home().last_failure, Night(2));
}

TEST_F(Identity, TwoFailuresWithoutAClockInOneReadAreTwoRuns) {
  Apply(log_, {Finished(kFailure), Finished(kFailure)}, kQuiet);
  EXPECT_EQ(Home().runs, 2u);
  EXPECT_EQ(Home().consecutive_failures, 2u);
}

TEST_F(Identity, ARunIsRecognizedAfterItsRowWasDeleted) {
  options_.history = std::chrono::days(10);
  Reopen();
  const std::vector<TestRecord> old{Finished(kSuccess).At(Night(1)).Id(kLong),
                                    Finished(kFailure).At(Night(2)),
                                    Finished(kSuccess).At(Night(3))};
  Apply(log_, old, kQuiet);
  Apply(log_, {Finished(kSuccess).At(Night(29)), Finished(kFailure).At(Night(30))}, kQuiet);
  Tick();
  const std::string before = StandingText(Backup("home"));
  TestFile copy("/log/copy.log");
  Apply(copy, old, kQuiet);
  EXPECT_EQ(StandingText(Backup("home")), before);
}

TEST_F(Identity, ALateResultOfADeletedRunIsIgnored) {
  options_.history = std::chrono::days(10);
  Reopen();
  Apply(log_,
        {Finished(kFailure).At(Night(1)), Finished(kSuccess).At(Night(2)),
         Finished(kSuccess).At(Night(30))},
        kQuiet);
  Tick();
  const std::string before = StandingText(Backup("home"));
  TestFile copy("/log/copy.log");
  Apply(copy,
        {Finished(kSuccess).At(Night(30)), Finished(kSuccess).At(Night(2)),
         Finished(kFailure).OfLastRun()},
        kQuiet);
  EXPECT_EQ(StandingText(Backup("home")), before)
      << "the failure belongs to night 2, not to night 30";
}

}  // namespace
}  // namespace backup_exporter
