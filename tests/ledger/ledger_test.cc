// The ledger as a whole: restarts, failed commits and a full disk.
// Labels: threads
#include "ledger/ledger.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/resource.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "kit/ledger_fixture.h"

namespace backup_exporter {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Changes the file through a connection of its own, to cause faults.
void Execute(const std::string& directory, const std::string& sql) {
  SQLite::Database(directory + "/ledger.db", SQLite::OPEN_READWRITE, 5000).exec(sql);
}

// LedgerTest compares the standings before and after a restart in every TearDown.
class LedgerAsAWhole : public LedgerTest {
 protected:
  std::string state() { return directory_ / "state"; }
  std::vector<FileStep> SomeSteps() {
    TestFile nas("/log/nas.log");
    return {Step(log_, {Started(), Finished(kSuccess).At(Night(1)).Adding(5)}, kQuiet),
            Step(nas, {Finished(kFailure).At(Night(2))}, kQuiet)};
  }
};

TEST_F(LedgerAsAWhole, ANewLedgerIsEmpty) {
  EXPECT_EQ(Standing(),
            "source log: records=0 bad=0 text=0 messages=0 fields=0 too_long=0 nul=0\n"
            "source status: records=0 bad=0 text=0 messages=0 fields=0 too_long=0 nul=0\n"
            "future=0 dropped=0 jumps=0\n");
  EXPECT_TRUE(ledger().Checkpoints("log")->empty());
  EXPECT_EQ(ledger().standings()->committed, std::nullopt);
  EXPECT_EQ(ledger().standings()->errors, 0u);
}

TEST_F(LedgerAsAWhole, CheckpointsSurviveARestart) {
  log_.position.device = 0xffffffffffffffff;
  log_.position.inode = 0x8000000000000001;
  log_.position.prefix_crc = 0xffffffff;
  log_.position.modified = Night(1) + 1us;
  Apply(log_, {Noise(), Noise()});
  TestFile other("/log/other.log");
  Apply(other, {Finished(kSuccess).At(Night(1))});
  Apply(status_, {Noise()});
  EXPECT_NE(log_.position.id, 0);
  EXPECT_NE(log_.position.id, other.position.id);
  for (int restart = 0; restart < 2; ++restart) {
    const auto known = ledger().Checkpoints("log");
    ASSERT_TRUE(known);
    ASSERT_EQ(known->size(), 2u);
    EXPECT_EQ((*known)[0].position, log_.position);
    EXPECT_EQ((*known)[0].decoder_state, "after 200");
    EXPECT_EQ((*known)[1].position, other.position);
    Reopen();
  }
  Apply(log_, {Noise()});
  EXPECT_EQ(ledger().Checkpoints("log")->size(), 2u) << "a file keeps its id";
  EXPECT_EQ(ledger().Checkpoints("log")->at(0).position.offset, 300u);
}

TEST_F(LedgerAsAWhole, TheCheckpointOfAFileThatIsOverIsRemoved) {
  Apply(log_, {Noise()});
  Apply(log_, {}, kOver);
  EXPECT_TRUE(ledger().Checkpoints("log")->empty());
}

TEST_F(LedgerAsAWhole, CountersOfSourcesSurviveARestart) {
  FileStep step = Step(log_, {});
  step.counts = {
      .records = 1, .parse_errors = 2, .text = 3, .unknown_messages = 4, .unknown_fields = 5};
  step.skipped = {.too_long = 6, .nul = 7};
  std::vector<FileStep> steps{step};
  ASSERT_TRUE(Commit(steps));
  Reopen();
  ASSERT_TRUE(Commit(steps));
  Reopen();
  EXPECT_THAT(
      Standing(),
      HasSubstr("source log: records=2 bad=4 text=6 messages=8 fields=10 too_long=12 nul=14\n"));
  EXPECT_THAT(Standing(), HasSubstr("source status: records=0 "));
}

TEST_F(LedgerAsAWhole, ASourceThatIsConfiguredAgainHasItsOldCounters) {
  Apply(log_, {Noise()});
  ledger().Configure({SourceOf("status")});
  EXPECT_EQ(ledger().standings()->sources.count("log"), 0u);
  ledger().Configure(sources_);
  EXPECT_EQ(ledger().standings()->sources.at("log").counts.records, 1u);
}

TEST_F(LedgerAsAWhole, ClockJumpsAreCountedAcrossARestart) {
  ASSERT_TRUE(ledger().Tick(now_, {.clock_jumps = 2}));
  ASSERT_TRUE(ledger().Tick(now_, {.clock_jumps = 1}));
  Reopen();
  EXPECT_EQ(ledger().standings()->clock_jumps, 3u);
}

TEST_F(LedgerAsAWhole, TheTimeOfTheLastCommitIsPublished) {
  Apply(log_, {Noise()});
  EXPECT_EQ(ledger().standings()->committed, now_);
  now_ += 1min;
  Apply(log_, {Noise()});
  EXPECT_EQ(ledger().standings()->committed, now_);
}

TEST_F(LedgerAsAWhole, PublishedStandingsNeverChange) {
  Apply(status_, {Finished(kSuccess).At(Night(1)).Whole()});
  const auto before = ledger().standings();
  Apply(status_, {Finished(kFailure).At(Night(2)).Whole()});
  EXPECT_EQ(before->backups[0]->operations[0].runs, 1u);
  EXPECT_NE(ledger().standings(), before);
}

TEST_F(LedgerAsAWhole, StandingsOfUnchangedBackupsAreShared) {
  sources_ = {SourceOf("log")};
  ledger().Configure(sources_);
  auto steps = SomeSteps();
  ASSERT_TRUE(Commit(steps));
  const auto before = ledger().standings();
  Apply(log_, {Finished(kSuccess).At(Night(3))}, kQuiet);
  const auto after = ledger().standings();
  EXPECT_NE(after->backups[0], before->backups[0]);
  EXPECT_EQ(after->backups[1], before->backups[1]);
}

TEST_F(LedgerAsAWhole, ACommitOfAnUnconfiguredSourceIsAnError) {
  std::vector<FileStep> steps{Step(log_, {Noise()})};
  const auto done = ledger().Commit("strange", steps, now_);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, ErrorKind::kInvalid);
  EXPECT_THAT(done.error().message, HasSubstr("strange"));
}

TEST_F(LedgerAsAWhole, ALedgerWithoutADirectoryWorksInMemory) {
  auto memory = Ledger::Open({});
  ASSERT_TRUE(memory);
  (*memory)->Configure(sources_);
  auto steps = SomeSteps();
  ASSERT_TRUE((*memory)->Commit("log", steps, now_));
  EXPECT_EQ((*memory)->standings()->backups.at(0)->operations.at(0).runs, 2u);
  ASSERT_TRUE((*memory)->Tick(now_));
}

TEST_F(LedgerAsAWhole, TheWriteAheadLogDoesNotGrowWithoutLimit) {
  for (int i = 0; i < 300; ++i)
    Apply(log_, {Started(), Finished(kSuccess).At(Night(1) + i * 1min)}, kQuiet);
  EXPECT_LT(std::filesystem::file_size(state() + "/ledger.db-wal"), 6u << 20);
}

// A commit that fails.

TEST_F(LedgerAsAWhole, ACommitThatFailsHalfWayLeavesNoTrace) {
  Apply(log_, {Finished(kSuccess).At(Night(5))}, kQuiet);
  const std::string before = Standing();
  const auto positions = ledger().Checkpoints("log");
  // The second step is the one that cannot be written.
  Execute(state(),
          "CREATE TRIGGER full BEFORE INSERT ON runs WHEN NEW.result='failure' "
          "BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END");
  auto steps = SomeSteps();
  const std::int64_t first = steps[0].position.id;
  const auto done = Commit(steps);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, ErrorKind::kIo);
  EXPECT_EQ(done.error().message, "ledger: commit: database or disk is full");
  EXPECT_EQ(Standing(), before);
  EXPECT_EQ(ledger().standings()->errors, 1u);
  EXPECT_TRUE(ledger().standings()->full);
  EXPECT_EQ(steps[0].position.id, first);
  EXPECT_EQ(steps[1].position.id, 0);
  EXPECT_EQ(ledger().Checkpoints("log")->size(), positions->size());

  Execute(state(), "DROP TRIGGER full");
  ASSERT_TRUE(Commit(steps));
  EXPECT_NE(steps[1].position.id, 0);
  EXPECT_EQ(Home().runs, 3u);
  EXPECT_EQ(Home().failures, 1u);
  EXPECT_EQ(ledger().standings()->sources.at("log").counts.records, 4u);
  EXPECT_EQ(ledger().standings()->errors, 1u);
  EXPECT_FALSE(ledger().standings()->full);
}

TEST_F(LedgerAsAWhole, ACommitThatFailsAtItsEndLeavesNoTrace) {
  Execute(state(), "ALTER TABLE counters RENAME TO away");
  auto steps = SomeSteps();
  for (int attempt = 1; attempt <= 3; ++attempt) {
    const auto done = Commit(steps);
    ASSERT_FALSE(done);
    EXPECT_THAT(done.error().message, HasSubstr("no such table: "));
    EXPECT_EQ(steps[0].position.id, 0);
    EXPECT_EQ(ledger().standings()->errors, static_cast<std::uint64_t>(attempt));
    EXPECT_EQ(ledger().standings()->sources.at("log").counts.records, 0u);
  }
  Execute(state(), "ALTER TABLE away RENAME TO counters");
  EXPECT_EQ(Backup("home").operations.size(), 0u);
  ASSERT_TRUE(Commit(steps));
  EXPECT_EQ(Home().runs, 2u);
}

TEST_F(LedgerAsAWhole, ATickThatFailsLeavesNoTrace) {
  Apply(status_, {Finished(kSuccess).At(now_ + 1h).Whole()});
  Tick();
  now_ += 2h;
  Execute(state(),
          "CREATE TRIGGER full BEFORE UPDATE ON runs BEGIN SELECT RAISE(ABORT, 'database or disk "
          "is full'); END");
  EXPECT_FALSE(ledger().Tick(now_, {.clock_jumps = 1}));
  EXPECT_EQ(Home().last_success, std::nullopt);
  EXPECT_EQ(ledger().standings()->clock_jumps, 0u);
  EXPECT_EQ(ledger().standings()->errors, 1u);
  Execute(state(), "DROP TRIGGER full");
  EXPECT_TRUE(ledger().Tick(now_, {.clock_jumps = 1}));
  EXPECT_EQ(Home().last_success, now_ - 1h);
  EXPECT_EQ(ledger().standings()->clock_jumps, 1u);
}

TEST_F(LedgerAsAWhole, ACommitThatCannotBeReadBackIsStillACommit) {
  Execute(state(), "ALTER TABLE backups RENAME COLUMN added_bytes TO away");
  const std::vector<TestRecord> check{Finished(kFailure).Of(Operation::kCheck).At(Night(1))};
  Apply(log_, check, kQuiet);
  EXPECT_NE(log_.position.id, 0);
  EXPECT_EQ(ledger().standings()->errors, 1u);
  Execute(state(), "ALTER TABLE backups RENAME COLUMN away TO added_bytes");
  Apply(log_, {Finished(kFailure).Of(Operation::kCheck).At(Night(2))}, kQuiet);
  EXPECT_EQ(Of("home", Operation::kCheck).runs, 2u);
}

TEST_F(LedgerAsAWhole, ATickThatCannotBeReadBackIsCountedOnce) {
  Apply(log_, {Finished(kFailure).Of(Operation::kCheck).At(Night(1))}, kQuiet);
  Tick();
  Execute(state(), "ALTER TABLE backups RENAME COLUMN added_bytes TO away");
  EXPECT_FALSE(ledger().Tick(now_, {.clock_jumps = 1}));
  EXPECT_EQ(ledger().standings()->clock_jumps, 1u);
  Execute(state(), "ALTER TABLE backups RENAME COLUMN away TO added_bytes");
  Reopen();
  EXPECT_EQ(ledger().standings()->clock_jumps, 1u) << "in the file";
}

TEST_F(LedgerAsAWhole, AStandingThatCouldNotBeReadBackIsReadByTheNextTick) {
  Apply(log_, {Finished(kSuccess).At(Night(1))}, kQuiet);
  Tick();
  Execute(state(), "ALTER TABLE backups RENAME COLUMN added_bytes TO away");
  Apply(log_, {Finished(kFailure).Of(Operation::kCheck).At(Night(2))}, kQuiet);
  EXPECT_EQ(Of("home", Operation::kCheck).failures, 0u);
  EXPECT_FALSE(ledger().Tick(now_));
  Execute(state(), "ALTER TABLE backups RENAME COLUMN away TO added_bytes");
  Tick();
  EXPECT_EQ(Of("home", Operation::kCheck).failures, 1u);
}

TEST_F(LedgerAsAWhole, AStandingThatCouldNotBeReadBackIsReadByTheNextCommitOfAnotherBackup) {
  sources_ = {SourceOf("log")};
  ledger().Configure(sources_);
  Apply(log_, {Finished(kSuccess).At(Night(1))}, kQuiet);
  Execute(state(), "ALTER TABLE backups RENAME COLUMN added_bytes TO away");
  Apply(log_, {Finished(kFailure).Of(Operation::kCheck).At(Night(2))}, kQuiet);
  Execute(state(), "ALTER TABLE backups RENAME COLUMN away TO added_bytes");
  TestFile nas("/log/nas.log");
  Apply(nas, {Finished(kSuccess).At(Night(2))}, kQuiet);
  EXPECT_EQ(Of("home", Operation::kCheck).failures, 1u);
}

TEST_F(LedgerAsAWhole, AMissIsCountedOnceThoughTheStandingCannotBeReadBack) {
  expectations_ = {{.backup = "home", .schedule = Every(24h), .grace = 1h}};
  ledger().Expect(expectations_, Night(29));
  Apply(log_, {Finished(kSuccess).At(Night(29)).Whole()});
  now_ = Night(29) + 1h;
  Tick();
  ASSERT_EQ(Home().missed, 0u);
  Execute(state(), "ALTER TABLE backups RENAME COLUMN added_bytes TO away");
  now_ = Night(30) + 2h;
  EXPECT_FALSE(ledger().Tick(now_, {.caught_up = true}));
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(ledger().Tick(now_, {.caught_up = true}));
  Execute(state(), "ALTER TABLE backups RENAME COLUMN away TO added_bytes");
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(ledger().Tick(now_, {.caught_up = true}));
  EXPECT_EQ(Home().missed, 1u);
  EXPECT_EQ(Home().missed_in_a_row, 1u);
}

TEST_F(LedgerAsAWhole, BackupsThatCannotBeReadStayInTheStandings) {
  Apply(log_, {Finished(kSuccess).At(Night(1))}, kQuiet);
  Execute(state(), "ALTER TABLE backups RENAME COLUMN added_bytes TO away");
  sources_ = {SourceOf("log")};
  ledger().Configure(sources_);
  EXPECT_THAT(Names(), ElementsAre("home"));
  EXPECT_EQ(ledger().standings()->errors, 1u);
  Execute(state(), "ALTER TABLE backups RENAME COLUMN away TO added_bytes");
  sources_ = {SourceOf("status")};
  ledger().Configure(sources_);
  EXPECT_THAT(Names(), IsEmpty());
}

TEST_F(LedgerAsAWhole, ExpectationsThatCannotBeStoredAreNotPublished) {
  ledger().Expect({{.backup = "nas", .schedule = Every(24h)}}, now_);
  ASSERT_THAT(Names(), ElementsAre("nas"));
  Execute(state(),
          "CREATE TRIGGER full BEFORE DELETE ON expected BEGIN SELECT RAISE(ABORT, 'database or "
          "disk is full'); END");
  ledger().Expect({{.backup = "other", .never = true}}, now_);
  EXPECT_THAT(Names(), IsEmpty()) << "`other` was not stored, and `nas` is not expected any more";
  Execute(state(), "DROP TRIGGER full");
  ledger().Expect({{.backup = "other", .never = true}}, now_);
  EXPECT_THAT(Names(), ElementsAre("other"));
  expectations_ = {{.backup = "other", .never = true}};
}

TEST_F(LedgerAsAWhole, StandingsCanBeReadDuringCommits) {
  std::atomic<bool> stop = false;
  std::jthread reader([&] {
    std::uint64_t last = 0;
    while (!stop) {
      const auto standings = ledger().standings();
      const std::uint64_t runs =
          standings->backups.empty() ? 0 : standings->backups[0]->operations.at(0).runs;
      EXPECT_GE(runs, last);
      last = runs;
    }
  });
  std::jthread ticker([&] {
    while (!stop) EXPECT_TRUE(ledger().Tick(now_));
  });
  for (int i = 0; i < 50; ++i) Apply(status_, {Finished(kSuccess).At(Night(1) + i * 1min).Whole()});
  stop = true;
}

// A full disk for this process: writes of files fail.
class FullDisk {
 public:
  FullDisk() {
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    rlimit none = before_;
    none.rlim_cur = 0;
    setrlimit(RLIMIT_FSIZE, &none);
  }
  ~FullDisk() { setrlimit(RLIMIT_FSIZE, &before_); }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit before_{};
};

TEST_F(LedgerTest, OnAFullDiskRunsAndNoticesAreProcessedInMemory) {
  const Subscription subscription{.monitor = "m",
                                  .states = {NoticeState::kFinish, NoticeState::kFail},
                                  .operations = {Operation::kBackup}};
  ledger().Subscribe({subscription}, Night(1));
  Apply(log_, {Finished(kSuccess).At(Night(28)).Whole()});
  const auto deliver = [&] {
    std::vector<std::string_view> states;
    std::vector<Delivery> deliveries;
    for (const Notice& notice : ledger().Pending("m", 10)) {
      states.push_back(Name(notice.state));
      deliveries.push_back({.notice = notice.id});
    }
    ledger().Report("m", deliveries, now_);
    return states;
  };
  {
    const FullDisk full;
    EXPECT_THAT(deliver(), ElementsAre("finish"));
    EXPECT_THAT(deliver(), IsEmpty()) << "a delivered notice is not delivered again";
    Tick();
    EXPECT_TRUE(ledger().standings()->full) << "later changes are not on the disk";
    Apply(log_, {Finished(kFailure).At(Night(29)).Whole()});
    EXPECT_EQ(Home().failures, 1U);
    EXPECT_TRUE(ledger().standings()->full);
    EXPECT_THAT(deliver(), ElementsAre("fail"));
    now_ += 10s;
    Tick();
    EXPECT_TRUE(ledger().standings()->full);
  }
  now_ += 10s;
  Tick();
  EXPECT_FALSE(ledger().standings()->full);
  Reopen();
  EXPECT_EQ(Home().failures, 1U);
  ledger().Subscribe({subscription}, now_);
  EXPECT_THAT(deliver(), IsEmpty());
}

TEST_F(LedgerTest, OpenedOnAFullDiskItStartsInMemoryAndCatchesUp) {
  Apply(log_, {Finished(kSuccess).At(Night(28)).Whole()});
  {
    const FullDisk full;
    Reopen();
    EXPECT_TRUE(ledger().standings()->full);
    EXPECT_EQ(Home().runs, 1U);
    Apply(log_, {Finished(kFailure).At(Night(29)).Whole()});
    now_ += 10s;
    Tick();
    EXPECT_TRUE(ledger().standings()->full);
    EXPECT_EQ(Home().runs, 2U);
  }
  now_ += 10s;
  Tick();
  EXPECT_FALSE(ledger().standings()->full);
  Reopen();
  EXPECT_EQ(Home().failures, 1U);
}

}  // namespace
}  // namespace backup_exporter
