// Progress of open runs, and runs whose file does not show their end.
#include <gmock/gmock.h>

#include "kit/ledger_fixture.h"

namespace backup_exporter {
namespace {

class ProgressTest : public LedgerTest {
 protected:
  // The open run of the only operation.
  std::optional<RunningRun> Running() { return Home().running; }
};

TEST_F(ProgressTest, ProgressShowsHowFarARunIs) {
  log_.Modified(Night(30) + 30min);
  Apply(log_, {Started{.operation = Operation::kBackup, .at = Night(30)},
               Progress{.processed_bytes = 250, .expected_bytes = 1000, .done = 0.25}});
  ASSERT_TRUE(Running());
  EXPECT_EQ(Running()->start, Night(30));
  EXPECT_EQ(Running()->active, Night(30) + 30min);
  EXPECT_EQ(Running()->processed_bytes, 250U);
  EXPECT_EQ(Running()->expected_bytes, 1000U);
  EXPECT_EQ(Running()->done, 0.25);
}

TEST_F(ProgressTest, AFigureThatANewerRecordLacksIsKept) {
  Apply(log_, {Started{.operation = Operation::kBackup, .at = Night(30)},
               Progress{.processed_bytes = 250, .expected_bytes = 1000}});
  Apply(log_, {Progress{.processed_bytes = 300}});
  EXPECT_EQ(Running()->processed_bytes, 300U);
  EXPECT_EQ(Running()->expected_bytes, 1000U);
}

TEST_F(ProgressTest, AnyNewRecordIsASignOfLife) {
  Apply(log_.Modified(Night(30)), {Started{.operation = Operation::kBackup, .at = Night(30)}});
  Apply(log_.Modified(Night(30) + 1h), {Noise()});
  EXPECT_EQ(Running()->active, Night(30) + 1h);
}

TEST_F(ProgressTest, ProgressIsRemovedWhenTheRunEnds) {
  Apply(log_, {Started{.operation = Operation::kBackup, .at = Night(30)}, Progress{.done = 0.5}});
  Apply(log_, {Finished(kSuccess).At(Night(30) + 1h).Whole()});
  EXPECT_FALSE(Running());
  EXPECT_EQ(Home().last_success, Night(30) + 1h);
}

TEST_F(ProgressTest, ARunWhoseProcessIsGoneIsInterrupted) {
  Apply(log_, {Started{.operation = Operation::kBackup, .at = Night(30)}}, kGone);
  EXPECT_FALSE(Running());
  EXPECT_EQ(Home().last_run->result, kInterrupted);
}

// An end that was only inferred from later output is no better than the end of the process.
TEST_F(ProgressTest, AGuessDoesNotTurnAnInterruptedRunIntoASuccess) {
  Finished guess = Finished(kSuccess).Of(Operation::kBackup).From(Night(29)).At(Night(30));
  guess.guessed = true;
  Apply(log_.Modified(Night(29) + 1h), {Started{.operation = Operation::kBackup, .at = Night(29)}},
        kGone);
  Apply(log_.Modified(Night(30)), {Withdrawn(), guess}, kGone);
  EXPECT_EQ(Home().last_run->result, kInterrupted);
  EXPECT_EQ(Home().runs, 1U);
  EXPECT_FALSE(Home().last_success);
}

TEST_F(ProgressTest, ARunWhoseFileDoesNotShowItsEndIsDiscardedWhenItsProcessIsGone) {
  Apply(log_, {Started{.operation = Operation::kBackup, .at = Night(29), .may_end_silently = true}},
        kGone);
  EXPECT_FALSE(Running());
  EXPECT_FALSE(Home().last_run);
  EXPECT_EQ(Home().runs, 0U);
  TestFile next("/log/home.log");
  Apply(next,
        {Started{.operation = Operation::kBackup, .at = Night(30), .may_end_silently = true},
         Progress{.processed_bytes = 5}},
        kGone);
  EXPECT_EQ(Home().last_run->result, kInterrupted) << "it was in progress";
}

}  // namespace
}  // namespace backup_exporter
