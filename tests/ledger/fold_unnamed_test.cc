// Records that do not say of what they are: an exit code without an operation, a failure without a
// name, a claim beside what is proven.
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
  static Finished Code(int code, RunResult verdict) {
    return Finished(verdict).By(Evidence::kExitCode).Code(code).At(Night(30) + 1min).Whole();
  }
  // A source whose operation is only a guess.
  static SourceRules Guessing(const std::string& name) {
    SourceRules source = SourceOf(name, "home");
    source.operation_configured = false;
    return source;
  }
};

TEST_F(UnnamedTest, ExitCodeOfZeroIsNoSuccess) {
  Configure({Guessing("log"), SourceOf("status", "home")});
  Take(log_, {Code(0, kSuccess)});
  EXPECT_FALSE(Home().last_success);
  EXPECT_EQ(Home().runs, 0U);
}

TEST_F(UnnamedTest, ExitCodeOfAWarningIsNoSuccessEither) {
  Configure({Guessing("log"), SourceOf("status", "home")});
  Take(log_, {Code(1, kWarning)});
  EXPECT_FALSE(Home().last_success);
  EXPECT_EQ(Home().last_run->result, kFailure);
}

TEST_F(UnnamedTest, ExitCodeTellsMoreOfARunThatIsKnown) {
  Configure({Guessing("log"), SourceOf("status", "home")});
  Take(status_,
       {Finished(kSuccess).Of(Operation::kBackup).From(Night(30)).At(Night(30) + 1min).Id("a1")});
  Take(log_, {Code(1, kWarning)});
  EXPECT_EQ(Home().last_run->result, kWarning);
  EXPECT_EQ(Home().last_run->exit_code, 1);
  EXPECT_EQ(Home().runs, 1U);
}

TEST_F(UnnamedTest, ExitCodeCountsWhereTheConfigurationSaysOfWhat) {
  Take(log_, {Code(0, kSuccess)});
  EXPECT_EQ(Home().last_success, Night(30) + 1min);
}

FailedUnnamed Failed(std::vector<Named> finished = {}) {
  return {.end = Finished(kFailure).At(Night(30)).Whole(), .finished = std::move(finished)};
}

TEST_F(UnnamedTest, FailureIsThatOfAllThatTheFileTellsOf) {
  Configure({SourceOf("log", "{label}")});
  Take(log_, {Said(Finished(kSuccess).At(Night(1)).Whole(), "a"),
              Said(Finished(kSuccess).At(Night(1)).Whole(), "b")});
  Take(log_, {Failed()});
  for (const char* name : {"a", "b"}) {
    EXPECT_EQ(Of(name, Operation::kBackup).last_run->result, kFailure) << name;
    EXPECT_EQ(Of(name, Operation::kBackup).last_success, Night(1)) << name;
  }
}

TEST_F(UnnamedTest, FailureIsNotThatOfWhatHadFinished) {
  Configure({SourceOf("log", "{label}")});
  Take(log_, {Said(Finished(kSuccess).At(Night(1)).Whole(), "a"),
              Said(Finished(kSuccess).At(Night(1)).Whole(), "b")});
  Take(log_, {Said(Finished(kSuccess).At(Night(30)), "a"), Failed({{.label = "a"}})});
  EXPECT_NE(Of("a", Operation::kBackup).last_run->result, kFailure);
  EXPECT_EQ(Of("b", Operation::kBackup).last_run->result, kFailure);
}

TEST_F(UnnamedTest, FailureAfterAllHadFinishedIsThatOfTheLast) {
  Configure({SourceOf("log", "{label}")});
  Take(log_,
       {Said(Finished(kSuccess).At(Night(29)), "a"), Said(Finished(kSuccess).At(Night(30)), "b"),
        Failed({{.label = "a"}, {.label = "b"}})},
       kQuiet);
  EXPECT_EQ(Of("a", Operation::kBackup).last_run->result, kSuccess);
  EXPECT_EQ(Of("b", Operation::kBackup).last_run->result, kFailure);
  EXPECT_EQ(Of("b", Operation::kBackup).runs, 1U);
}

TEST_F(UnnamedTest, FailureOfAFileThatNamedNothingYetGoesByItsName) {
  Configure({SourceOf("log", "{label}")});
  Take(log_, {Failed()});
  EXPECT_THAT(Names(), ElementsAre("home"));
  EXPECT_EQ(Home().last_run->result, kFailure);
}

TEST_F(UnnamedTest, ClaimIsNoSuccessWhereArchivesProveWhatThereIs) {
  Take(log_, {Finished(kSuccess).At(Night(29)).By(Evidence::kClaim).Whole()});
  EXPECT_EQ(Home().last_success, Night(29)) << "nothing better is known";
  Take(status_, {Finished(kSuccess).At(Night(20)).Id("a1").Whole()});
  EXPECT_EQ(Home().last_success, Night(20));
}

// What hooks tell, each record naming backup and operation.
class OutrightTest : public UnnamedTest {
 protected:
  OutrightTest() {
    SourceRules events = SourceOf("events", "{label}");
    events.names_backup = true;
    SourceRules plain = SourceOf("log");  // which does not say that it shares its backup
    Configure({events, plain});
  }
  TestFile events_{"/events/events.jsonl"};
};

TEST_F(OutrightTest, IsNoClash) {
  Take(log_, {Finished(kSuccess).At(Night(29)).Id("a1").Whole()});
  Take(events_, {Said(Finished(kFailure).At(Night(30)).Whole(), "home")});
  EXPECT_EQ(Home().last_run->result, kFailure);
  EXPECT_EQ(Backup("home").source, "log") << "it knows the tool";
}

TEST_F(OutrightTest, KeepsTheRunsOfOperationsApart) {
  Take(events_,
       {Said(Started{.operation = Operation::kBackup, .at = Night(30)}, "home"),
        Said(Started{.operation = Operation::kCheck, .at = Night(30) + 1min}, "home"),
        Said(Finished(kSuccess).Of(Operation::kCheck).At(Night(30) + 2min).Whole(), "home")});
  EXPECT_TRUE(Home().running);
  EXPECT_FALSE(Of("home", Operation::kCheck).running);
  EXPECT_EQ(Of("home", Operation::kCheck).last_run->result, kSuccess);
  Take(events_,
       {Said(Finished(kSuccess).Of(Operation::kBackup).At(Night(30) + 1h).Whole(), "home")});
  EXPECT_EQ(Home().last_success, Night(30) + 1h);
  EXPECT_EQ(Home().last_run->duration, 1h);
}

}  // namespace
}  // namespace backup_exporter
