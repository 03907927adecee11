// Which backup a file speaks of, and who may speak of it.
#include "ledger/backups.h"

#include <gmock/gmock.h>
#include <re2/re2.h>

#include "kit/ledger_fixture.h"

namespace backup_exporter {
namespace {

using testing::HasSubstr;

TEST(Feeds, AFileFeedsABackupWhileItsSourceHasTheSamePatternAndTemplate) {
  const SourceRules source = SourceOf("log", "{dir}");
  EXPECT_TRUE(Feeds(source, "/log/home.log", "{dir}"));
  EXPECT_FALSE(Feeds(source, "/log/home.log", "{stem}"));
  EXPECT_FALSE(Feeds(source, "/log/nas/home.log", "{dir}")) << "a * stays in its directory";
}

class BackupsTest : public LedgerTest {
 protected:
  BackupsTest() { Configure({SourceOf("log"), SourceOf("status")}); }
  void Configure(std::vector<SourceRules> sources) {
    sources_ = std::move(sources);
    ledger().Configure(sources_);
  }
  static std::vector<TestRecord> Success(int night) {
    return {Finished(kSuccess).At(Night(night)).Whole()};
  }
};

TEST_F(BackupsTest, ABackupIsNamedByTheTemplateOfItsSource) {
  TestFile nas("/log/nas.log");
  Apply(log_, Success(1));
  Apply(nas, Success(1));
  EXPECT_EQ(Names(), (std::vector<std::string>{"home", "nas"}));
}

TEST_F(BackupsTest, RecordsWithDifferentLabelsBelongToDifferentBackups) {
  Configure({SourceOf("status", "{profile}")});
  Apply(status_, {TestRecord(Finished(kSuccess).At(Night(1)).Whole(), "work"),
                  TestRecord(Finished(kFailure).At(Night(2)).Whole(), "play")});
  EXPECT_EQ(Names(), (std::vector<std::string>{"play", "work"}));
  EXPECT_EQ(Of("work", Operation::kBackup).last_success, Night(1));
  EXPECT_EQ(Of("play", Operation::kBackup).failures, 1u);
}

TEST_F(BackupsTest, ABackupHasItsToolSourceAndRepository) {
  SourceRules source = SourceOf("log");
  source.tool = "borg";
  source.repository = "nas";
  Configure({source});
  Apply(log_, Success(1));
  EXPECT_EQ(Backup("home").tool, "borg");
  EXPECT_EQ(Backup("home").source, "log");
  EXPECT_EQ(Backup("home").repository, "nas");
}

TEST_F(BackupsTest, ABackupIsNamedByItsFileIfTheRecordHasNoName) {
  Configure({SourceOf("status", "{profile}")});
  Apply(status_, Success(1));
  EXPECT_EQ(Names(), std::vector<std::string>{"home"});
}

TEST_F(BackupsTest, AFileThatDoesNotMatchIsRefused) {
  SourceRules source = SourceOf("status", "{host}");
  source.match = std::make_shared<const re2::RE2>("/(?P<host>web[0-9]+)");
  Configure({source});
  EXPECT_THAT(Refused(status_, Success(1)),
              HasSubstr("/status/home.json does not match `match: /(?P<host>web[0-9]+)`, so it "
                        "gives its backup no name"));
  TestFile web("/status/web1.json");
  Apply(web, Success(1));
  EXPECT_EQ(Names(), std::vector<std::string>{"web1"});
}

// Clashes.

TEST_F(BackupsTest, BackupsOfTwoSourcesWithoutAConfiguredNameClash) {
  Apply(log_, Success(1));
  const std::string before = StandingText(Backup("home"));
  const std::string refused = Refused(status_, {Finished(kFailure).At(Night(2)).Whole(), Noise()});
  EXPECT_EQ(refused,
            "the backup \"home\" of /status/home.json (source status) is also that of "
            "/log/home.log (source log); "
            "if both are one backup, set `backup: home` at each source, else give them "
            "different names "
            "with `backup:`");
  EXPECT_EQ(StandingText(Backup("home")), before);
  EXPECT_TRUE(ledger().Checkpoints("status")->empty()) << "the position neither";
  EXPECT_EQ(ledger().standings()->sources.at("status").counts.records, 0u);
}

TEST_F(BackupsTest, BackupsOfTwoFilesOfOneSourceClash) {
  SourceRules source = SourceOf("log");
  source.pattern = "/log/*/*";
  Configure({source});
  TestFile one("/log/one/home.log"), two("/log/two/home.log");
  Apply(one, Success(1));
  const std::string refused = Refused(two, Success(2));
  EXPECT_THAT(refused, HasSubstr("/log/two/home.log (source log)"));
  EXPECT_THAT(refused, HasSubstr("/log/one/home.log (source log)"));
  EXPECT_EQ(Home().runs, 1u);
  EXPECT_EQ(ledger().Checkpoints("log")->size(), 1u);
}

TEST_F(BackupsTest, AClashRefusesTheWholeStep) {
  Configure({SourceOf("log"), SourceOf("status", "{profile}")});
  Apply(log_, Success(1));
  EXPECT_NE(Refused(status_, {TestRecord(Finished(kSuccess).At(Night(2)).Whole(), "work"),
                              TestRecord(Finished(kSuccess).At(Night(2)).Whole(), "home")}),
            "");
  EXPECT_EQ(Names(), std::vector<std::string>{"home"});
  EXPECT_EQ(Home().runs, 1u);
}

TEST_F(BackupsTest, AClashLeavesTheOtherStepsOfTheCommitAlone) {
  Apply(log_, Success(1));
  TestFile nas("/status/nas.json");
  std::vector<FileStep> steps{Step(status_, Success(2)), Step(nas, Success(3))};
  ASSERT_TRUE(Commit(steps));
  EXPECT_NE(steps[0].refused, "");
  EXPECT_EQ(steps[0].position.id, 0);
  EXPECT_EQ(steps[1].refused, "");
  EXPECT_NE(steps[1].position.id, 0);
  EXPECT_EQ(Of("nas", Operation::kBackup).last_success, Night(3));
  EXPECT_EQ(ledger().Checkpoints("status")->size(), 1u);
}

TEST_F(BackupsTest, BackupsClashIfOnlyOneSourceConfiguresTheName) {
  Configure({SourceOf("log", "home"), SourceOf("status")});
  Apply(log_, Success(1));
  EXPECT_NE(Refused(status_, Success(2)), "");
}

TEST_F(BackupsTest, TwoSourcesFeedOneBackupIfBothConfigureItsName) {
  Configure({SourceOf("log", "home"), SourceOf("status", "{stem}")});
  Apply(log_, Success(1));
  Apply(status_, Success(2));
  EXPECT_EQ(Names(), std::vector<std::string>{"home"});
  EXPECT_EQ(Home().runs, 2u);
  EXPECT_EQ(Backup("home").source, "log") << "the first by name";
}

TEST_F(BackupsTest, ARefusedStepIsAcceptedOnceTheClashIsConfiguredAway) {
  Apply(log_, Success(1));
  std::vector<FileStep> steps{Step(status_, Success(2))};
  ASSERT_TRUE(Commit(steps));
  EXPECT_NE(steps[0].refused, "");
  Configure({SourceOf("log", "home"), SourceOf("status", "home")});
  ASSERT_TRUE(Commit(steps));
  EXPECT_EQ(steps[0].refused, "");
  Apply(log_, Success(3));
  EXPECT_EQ(Home().runs, 3u);
}

TEST_F(BackupsTest, ABackupMayHaveTheNameOfOneThatLeftTheConfiguration) {
  Apply(log_, Success(1));
  Configure({SourceOf("status")});
  Apply(status_, Success(2));
  EXPECT_EQ(Home().last_success, Night(2));
}

// Leaving and coming back.

TEST_F(BackupsTest, ABackupIsVisibleWhileItsSourceIsConfigured) {
  Apply(log_, Success(1));
  const std::string before = StandingText(Backup("home"));
  Configure({SourceOf("status")});
  EXPECT_EQ(Names(), std::vector<std::string>{});
  Reopen();
  EXPECT_EQ(Names(), std::vector<std::string>{});
  Configure({SourceOf("log")});
  EXPECT_EQ(StandingText(Backup("home")), before);
}

TEST_F(BackupsTest, ABackupIsHiddenWhenThePatternDoesNotMatchItsFile) {
  TestFile nas("/log/nas.log");
  Apply(log_, Success(1));
  Apply(nas, Success(1));
  SourceRules source = SourceOf("log");
  source.pattern = "/log/h*";
  Configure({source});
  EXPECT_EQ(Names(), std::vector<std::string>{"home"});
  Configure({SourceOf("log")});
  EXPECT_EQ(Names(), (std::vector<std::string>{"home", "nas"}));
}

TEST_F(BackupsTest, ABackupIsHiddenWhenTheTemplateChanges) {
  Apply(log_, Success(1));
  Configure({SourceOf("log", "{dir}")});
  EXPECT_EQ(Names(), std::vector<std::string>{});
  Apply(log_, Success(2));
  EXPECT_EQ(Names(), std::vector<std::string>{"log"});
  Configure({SourceOf("log")});
  EXPECT_EQ(Names(), std::vector<std::string>{"home"});
  EXPECT_EQ(Home().last_success, Night(1));
}

TEST_F(BackupsTest, ABackupIsVisibleWhileAnySourceFeedsIt) {
  Configure({SourceOf("log", "home"), SourceOf("status", "home")});
  Apply(log_, Success(1));
  Apply(status_, Success(2));
  Configure({SourceOf("status", "home")});
  EXPECT_EQ(Backup("home").source, "status");
  EXPECT_EQ(Home().runs, 2u);
}

TEST_F(BackupsTest, ABackupIsVisibleAfterItsFileIsGone) {
  Apply(log_, Success(1));
  Apply(log_, {}, kOver);
  EXPECT_EQ(Home().last_success, Night(1));
}

// Limits.

TEST_F(BackupsTest, BackupsAboveTheLimitAreCountedAndTheirFilesAreRead) {
  options_.max_backups = 2;
  Reopen();
  for (const char* name : {"/log/a.log", "/log/b.log", "/log/c.log", "/log/d.log"}) {
    TestFile file(name);
    Apply(file, Success(1));
  }
  EXPECT_EQ(Names(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(ledger().standings()->series_dropped, 2u);
  EXPECT_EQ(ledger().Checkpoints("log")->size(), 4u);

  TestFile known("/log/a.log");
  Apply(known, Success(2));
  EXPECT_EQ(Of("a", Operation::kBackup).last_success, Night(2)) << "those within go on";
  EXPECT_EQ(ledger().standings()->series_dropped, 2u);
}

TEST_F(BackupsTest, TheDefaultLimitIsAThousandBackups) {
  std::vector<FileStep> steps;
  for (int i = 0; i < 1003; ++i) {
    TestFile file("/log/" + std::to_string(i) + ".log");
    steps.push_back(Step(file, Success(1)));
  }
  ASSERT_TRUE(Commit(steps));
  EXPECT_EQ(Names().size(), 1000u);
  EXPECT_EQ(ledger().standings()->series_dropped, 3u);
}

// Expiry.

TEST_F(BackupsTest, ABackupThatNoRecordNamesForNinetyDaysIsForgotten) {
  Apply(log_, Success(1));
  TestFile nas("/log/nas.log");
  for (int day = 0; day < 90; ++day) {
    Apply(nas, Success(1));
    Tick();
    EXPECT_EQ(Names(), (std::vector<std::string>{"home", "nas"})) << day;
    now_ += 24h;
  }
  Tick();
  EXPECT_EQ(Names(), std::vector<std::string>{"nas"});
  Reopen();
  EXPECT_EQ(Names(), std::vector<std::string>{"nas"});
}

TEST_F(BackupsTest, ABackupIsNotForgottenByRestartsAndTicks) {
  Apply(log_, Success(1));
  for (int i = 0; i < 100; ++i) {
    if (i % 10 == 0) Reopen();
    Tick();
    now_ += 1min;
  }
  EXPECT_EQ(Names(), std::vector<std::string>{"home"});
}

// faults.md 69
TEST_F(BackupsTest, ABackupIsNotForgottenWhenTheClockJumps) {
  Apply(log_, Success(1));
  Tick();
  const std::string before = Standing();
  for (const auto jump : {+365 * 24h, -2 * 365 * 24h, +365 * 24h}) {
    now_ += jump;
    Tick();
    Reopen();
    Tick();
    EXPECT_EQ(Standing(), before);
  }
}

TEST_F(BackupsTest, ABackupIsForgottenInTimeAlthoughTheClockWasAheadOnce) {
  options_.discovered_backups_expire = std::chrono::days(3);
  Reopen();
  Apply(log_, Success(1));
  now_ += 365 * 24h;
  Tick();
  now_ -= 365 * 24h;
  for (int day = 0; day < 3; ++day) {
    Tick();
    now_ += 24h;
  }
  EXPECT_EQ(Names(), std::vector<std::string>{});
}

TEST_F(BackupsTest, AForgottenBackupMakesRoomForAnother) {
  options_.max_backups = 1;
  options_.discovered_backups_expire = std::chrono::days(1);
  Reopen();
  Apply(log_, Success(1));
  for (int day = 0; day < 3; ++day) {
    Tick();
    now_ += 24h;
  }
  TestFile nas("/log/nas.log");
  Apply(nas, Success(1));
  EXPECT_EQ(Names(), std::vector<std::string>{"nas"});
}

}  // namespace
}  // namespace backup_exporter
