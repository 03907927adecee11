// Incomplete records: an exit code without an operation, a failure without a backup, a claim where
// archives prove successes. And a source whose records name backup and operation.
#include <gmock/gmock.h>

#include "kit/ledger_fixture.h"

namespace backup_exporter {
namespace {

using testing::ElementsAre;

class UnnamedTest : public LedgerTest {
 protected:
  void Configure(std::vector<SourceRules> sources) {
    sources_ = std::move(sources);
    ledger().Configure(sources_);
  }
  static Finished Code(int code, RunResult result) {
    return Finished(result).By(Evidence::kExitCode).Code(code).At(Night(30) + 1min).Whole();
  }
  // A source whose operation is not configured.
  static SourceRules Guessing(const std::string& name) {
    SourceRules source = SourceOf(name, "home");
    source.operation_configured = false;
    return source;
  }
};

TEST_F(UnnamedTest, ABareExitCodeOfZeroIsNoSuccess) {
  Configure({Guessing("log"), SourceOf("status", "home")});
  Apply(log_, {Code(0, kSuccess)});
  EXPECT_FALSE(Home().last_success);
  EXPECT_EQ(Home().runs, 0U);
}

TEST_F(UnnamedTest, ABareExitCodeOfAWarningIsAFailure) {
  Configure({Guessing("log"), SourceOf("status", "home")});
  Apply(log_, {Code(1, kWarning)});
  EXPECT_FALSE(Home().last_success);
  EXPECT_EQ(Home().last_run->result, kFailure);
}

TEST_F(UnnamedTest, ABareExitCodeAddsToAKnownRun) {
  Configure({Guessing("log"), SourceOf("status", "home")});
  Apply(status_,
        {Finished(kSuccess).Of(Operation::kBackup).From(Night(30)).At(Night(30) + 1min).Id("a1")});
  Apply(log_, {Code(1, kWarning)});
  EXPECT_EQ(Home().last_run->result, kWarning);
  EXPECT_EQ(Home().last_run->exit_code, 1);
  EXPECT_EQ(Home().runs, 1U);
}

TEST_F(UnnamedTest, AnExitCodeCountsIfTheOperationIsConfigured) {
  Apply(log_, {Code(0, kSuccess)});
  EXPECT_EQ(Home().last_success, Night(30) + 1min);
}

FailedUnnamed Failed(std::vector<Named> finished = {}) {
  return {.end = Finished(kFailure).At(Night(30)).Whole(), .finished = std::move(finished)};
}

TEST_F(UnnamedTest, AnUnnamedFailureAppliesToEveryBackupOfTheFile) {
  Configure({SourceOf("log", "{label}")});
  Apply(log_, {TestRecord(Finished(kSuccess).At(Night(1)).Whole(), "a"),
               TestRecord(Finished(kSuccess).At(Night(1)).Whole(), "b")});
  Apply(log_, {Failed()});
  for (const char* name : {"a", "b"}) {
    EXPECT_EQ(Of(name, Operation::kBackup).last_run->result, kFailure) << name;
    EXPECT_EQ(Of(name, Operation::kBackup).last_success, Night(1)) << name;
  }
}

TEST_F(UnnamedTest, AnUnnamedFailureDoesNotApplyToBackupsThatFinished) {
  Configure({SourceOf("log", "{label}")});
  Apply(log_, {TestRecord(Finished(kSuccess).At(Night(1)).Whole(), "a"),
               TestRecord(Finished(kSuccess).At(Night(1)).Whole(), "b")});
  Apply(log_, {TestRecord(Finished(kSuccess).At(Night(30)), "a"), Failed({{.label = "a"}})});
  EXPECT_NE(Of("a", Operation::kBackup).last_run->result, kFailure);
  EXPECT_EQ(Of("b", Operation::kBackup).last_run->result, kFailure);
}

TEST_F(UnnamedTest, AnUnnamedFailureAfterAllFinishedAppliesToTheLast) {
  Configure({SourceOf("log", "{label}")});
  Apply(
      log_,
      {TestRecord(Finished(kSuccess).At(Night(29)), "a"),
       TestRecord(Finished(kSuccess).At(Night(30)), "b"), Failed({{.label = "a"}, {.label = "b"}})},
      kQuiet);
  EXPECT_EQ(Of("a", Operation::kBackup).last_run->result, kSuccess);
  EXPECT_EQ(Of("b", Operation::kBackup).last_run->result, kFailure);
  EXPECT_EQ(Of("b", Operation::kBackup).runs, 1U);
}

TEST_F(UnnamedTest, AnUnnamedFailureOfAFileWithoutBackupsIsNamedByTheFile) {
  Configure({SourceOf("log", "{label}")});
  Apply(log_, {Failed()});
  EXPECT_THAT(Names(), ElementsAre("home"));
  EXPECT_EQ(Home().last_run->result, kFailure);
}

TEST_F(UnnamedTest, AClaimIsNoSuccessWhereArchivesProveSuccesses) {
  Apply(log_, {Finished(kSuccess).At(Night(29)).By(Evidence::kClaim).Whole()});
  EXPECT_EQ(Home().last_success, Night(29)) << "there is no better evidence";
  Apply(status_, {Finished(kSuccess).At(Night(20)).Id("a1").Whole()});
  EXPECT_EQ(Home().last_success, Night(20));
}

// The spool of `event`: every record names its backup and operation.
class NamedBackupTest : public UnnamedTest {
 protected:
  NamedBackupTest() {
    SourceRules events = SourceOf("events", "{label}");
    events.names_backup = true;
    SourceRules plain = SourceOf("log");  // not configured to share its backup
    Configure({events, plain});
  }
  TestFile events_{"/events/events.jsonl"};
};

TEST_F(NamedBackupTest, ASourceThatNamesBackupsDoesNotClash) {
  Apply(log_, {Finished(kSuccess).At(Night(29)).Id("a1").Whole()});
  Apply(events_, {TestRecord(Finished(kFailure).At(Night(30)).Whole(), "home")});
  EXPECT_EQ(Home().last_run->result, kFailure);
  EXPECT_EQ(Backup("home").source, "log") << "the source that knows the tool";
}

TEST_F(NamedBackupTest, EachOperationHasAnOpenRunOfItsOwn) {
  Apply(
      events_,
      {TestRecord(Started{.operation = Operation::kBackup, .at = Night(30)}, "home"),
       TestRecord(Started{.operation = Operation::kCheck, .at = Night(30) + 1min}, "home"),
       TestRecord(Finished(kSuccess).Of(Operation::kCheck).At(Night(30) + 2min).Whole(), "home")});
  EXPECT_TRUE(Home().running);
  EXPECT_FALSE(Of("home", Operation::kCheck).running);
  EXPECT_EQ(Of("home", Operation::kCheck).last_run->result, kSuccess);
  Apply(events_,
        {TestRecord(Finished(kSuccess).Of(Operation::kBackup).At(Night(30) + 1h).Whole(), "home")});
  EXPECT_EQ(Home().last_success, Night(30) + 1h);
  EXPECT_EQ(Home().last_run->duration, 1h);
}

}  // namespace
}  // namespace backup_exporter
