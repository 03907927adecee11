// Old runs are forgotten, except those that a standing depends on.
#include "ledger/retention.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include "kit/ledger_fixture.h"

namespace backup_exporter {
namespace {

class History : public LedgerTest {
 protected:
  History() {
    options_.history = std::chrono::days(10);
    Reopen();
  }
  int Rows() {
    SQLite::Database database(directory_ / "state/ledger.db", SQLite::OPEN_READONLY);
    return database.execAndGet("SELECT count(*) FROM runs").getInt();
  }
  // The standings are the same after the old runs are forgotten. `rows` is the number of rows kept.
  void ExpectOnlyRowsToGo(int rows) {
    const std::string before = Standing();
    now_ = Night(30) + 10h;
    Tick();
    EXPECT_EQ(Standing(), before);
    EXPECT_EQ(Rows(), rows);
  }
};

TEST_F(History, OldRunsAreForgottenAndTheirCountersAreKept) {
  ledger().Expect({{.backup = "home", .never = true}}, now_);
  for (int night = 1; night <= 30; ++night) {
    Apply(status_,
          {Finished(kSuccess).From(Night(night) - 1min).At(Night(night)).Adding(1).Whole()});
  }
  ExpectOnlyRowsToGo(10);
  EXPECT_EQ(Home().runs, 30u);
  EXPECT_EQ(Backup("home").added_bytes, 30u);
}

TEST_F(History, ARetentionThatIsChangedWhileTheLedgerIsOpenApplies) {
  ledger().Expect({{.backup = "home", .never = true}}, now_);
  ledger().Retain(std::chrono::days(5));
  for (int night = 1; night <= 30; ++night) {
    Apply(status_, {Finished(kSuccess).At(Night(night)).Whole()});
  }
  ExpectOnlyRowsToGo(5);
}

TEST_F(History, TheLastRunOfEachKindIsKeptHoweverOld) {
  Apply(status_, {Finished(kSuccess).At(Night(1)).Whole(), Finished(kFailure).At(Night(2)).Whole(),
                  Finished(kSuccess).At(Night(3)).Adding(3).Whole(),
                  Finished(kInterrupted).At(Night(4)).Whole(),
                  Finished(kWarning).At(Night(5)).Adding(5).Whole()});
  ExpectOnlyRowsToGo(3);
  EXPECT_EQ(Home().last_success, Night(5));
  EXPECT_EQ(Home().last_clean_success, Night(3));
  EXPECT_EQ(Home().last_failure, Night(4));
}

TEST_F(History, TheLastCleanSuccessIsKeptBehindAnUndatedOne) {
  Apply(status_,
        {Finished(kSuccess).At(Night(1)).Whole(), Finished(kWarning).At(Night(2)).Whole()});
  Apply(log_.Modified(Night(9)), {Finished(kSuccess), Noise()}, kQuiet);
  Apply(log_.Modified(Night(29)), {Finished(kSuccess), Noise()}, kQuiet);
  ExpectOnlyRowsToGo(3);
  EXPECT_EQ(Home().last_clean_success, Night(1));
}

TEST_F(History, TheLastRunIsKeptThoughItWasSkipped) {
  Apply(status_,
        {Finished(kSuccess).At(Night(1)).Whole(), Finished(kSkipped).At(Night(2)).Whole()});
  Apply(log_.Modified(Night(29)), {Finished(kSuccess), Noise()}, kQuiet);
  ExpectOnlyRowsToGo(3);
  EXPECT_EQ(Home().last_run->result, kSkipped);
}

TEST_F(History, TheRunThatStartedLastIsKept) {
  Apply(log_.Modified(Night(3)), {Started(Operation::kBackup), Progress(1min)});
  Apply(log_.Modified(Night(4)),
        {Progress(5min), Started(Operation::kBackup), Finished(kSuccess), Noise()}, kQuiet);
  Apply(log_.Modified(Night(29)), {Finished(kSuccess), Noise()}, kQuiet);
  ExpectOnlyRowsToGo(2);
  EXPECT_EQ(Home().last_start, Night(3) - 1min);
}

TEST_F(History, FailuresInARowAreKept) {
  Apply(status_, {Finished(kSuccess).At(Night(1)).Whole()});
  for (int night = 2; night <= 12; ++night)
    Apply(status_, {Finished(kFailure).At(Night(night)).Whole()});
  ExpectOnlyRowsToGo(12);
  EXPECT_EQ(Home().consecutive_failures, 11u);
}

TEST_F(History, FailuresOfABackupThatNeverSucceededAreKept) {
  for (int night = 1; night <= 12; ++night)
    Apply(status_, {Finished(kFailure).At(Night(night)).Whole()});
  ExpectOnlyRowsToGo(12);
}

TEST_F(History, RunsThatAreNotSettledAreKept) {
  Apply(log_.Modified(Night(5)), {Started(Operation::kCheck), Progress(1min)});
  TestFile other("/log/other.log");
  Apply(other, {Finished(kSuccess).At(Night(4))});
  Apply(status_,
        {Finished(kSuccess).At(Night(1)).Whole(), Finished(kSuccess).At(Night(29)).Whole()});
  Tick();
  EXPECT_EQ(Rows(), 3) << "the run of night 1 is forgotten";
}

TEST_F(History, OldRunsAreForgottenOnceADay) {
  now_ = Night(12);
  for (int night = 1; night <= 3; ++night)
    Apply(status_, {Finished(kSuccess).At(Night(night)).Whole()});
  Tick();
  EXPECT_EQ(Rows(), 2);
  now_ += 23h;
  Tick();
  Reopen();
  Tick();
  EXPECT_EQ(Rows(), 2);
  now_ += 1h;
  Tick();
  EXPECT_EQ(Rows(), 1);
}

TEST_F(History, ARunIsKeptWhileANoticeAboutItIsPending) {
  options_.history = std::chrono::days(1);
  Reopen();
  ledger().Expect({{.backup = "home", .never = true}}, now_);
  ledger().Subscribe({{.monitor = "m",
                       .states = {NoticeState::kFinish},
                       .operations = {Operation::kBackup},
                       .messages = Level::kWarning}},
                     Night(1));
  now_ = Night(27);
  for (const int night : {26, 27}) {
    Apply(log_, {Started{.at = Night(night) - 1min},
                 RunNoted{.message = "busy", .level = Level::kWarning},
                 Finished(kSuccess).At(Night(night)).Whole()});
  }
  ExpectOnlyRowsToGo(2);
  const auto notices = ledger().Pending("m", 10);
  ASSERT_EQ(notices.size(), 2U);
  for (const Notice& notice : notices) EXPECT_EQ(notice.messages.size(), 1U);

  ledger().Report("m", std::vector<Delivery>{{.notice = notices[0].id}}, now_);
  now_ += 25h;
  Tick();
  EXPECT_EQ(Rows(), 1) << "the notice about the first run was delivered";
}

}  // namespace
}  // namespace backup_exporter
