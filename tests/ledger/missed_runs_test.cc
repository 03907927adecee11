// Which expectations are due, decided from standings alone.
#include "ledger/missed_runs.h"

#include <gmock/gmock.h>

#include <memory>

namespace backup_exporter {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr Time kNow{std::chrono::seconds(1'796'000'000)};
constexpr RowId kHome = 7;
constexpr Subject kSubject{.backup = kHome, .operation = Operation::kBackup};

// An operation whose next success counted as missed an hour ago.
OperationStanding Late() {
  OperationStanding standing;
  standing.expected = ExpectedStanding{.interval = 24h, .slack = 2h, .watched = true};
  standing.expected->next_miss = kNow - 1h;
  return standing;
}

DueExpectations Due(const OperationStanding& operation, const Pulse& pulse = {}) {
  auto standing = std::make_shared<BackupStanding>();
  standing->operations.push_back(operation);
  return FindDue({{kHome, std::move(standing)}}, kNow, pulse);
}

TEST(IsStuck, ARunIsStuckAfterItsMaximumDuration) {
  const RunningRun run{.start = kNow - 2h, .active = kNow};
  EXPECT_TRUE(IsStuck(run, 2h, kNow));
  EXPECT_FALSE(IsStuck(run, 2h + 1us, kNow));
}

TEST(IsStuck, ARunWithoutAMaximumDurationIsStuckAfterADayOfSilence) {
  EXPECT_FALSE(IsStuck({.start = kNow - 48h, .active = kNow - 23h}, std::nullopt, kNow));
  EXPECT_TRUE(IsStuck({.start = kNow - 48h, .active = kNow - 24h}, std::nullopt, kNow));
  EXPECT_TRUE(IsStuck({.start = kNow - 24h}, std::nullopt, kNow));
  EXPECT_TRUE(IsStuck({}, std::nullopt, kNow));
}

TEST(FindDue, ASuccessIsMissedOnceItsDeadlineHasPassed) {
  OperationStanding standing = Late();
  EXPECT_THAT(Due(standing).missed, ElementsAre(kSubject));
  EXPECT_THAT(Due(standing).backups, ElementsAre(kHome));
  standing.expected->next_miss = kNow;
  EXPECT_THAT(Due(standing).missed, ElementsAre(kSubject));
  standing.expected->next_miss = kNow + 1us;
  EXPECT_TRUE(Due(standing).empty());
  standing.expected->next_miss.reset();
  EXPECT_TRUE(Due(standing).empty());
}

TEST(FindDue, NothingIsMissedBeforeEverythingWasRead) {
  EXPECT_TRUE(Due(Late(), {.caught_up = false}).empty());
}

TEST(FindDue, NothingIsMissedWhileARunIsInProgress) {
  OperationStanding standing = Late();
  standing.running = RunningRun{.start = kNow - 1h, .active = kNow};
  EXPECT_TRUE(Due(standing).empty());
  standing.max_duration = 30min;
  EXPECT_THAT(Due(standing).missed, ElementsAre(kSubject)) << "the run is stuck";
}

TEST(FindDue, NothingIsMissedInAPause) {
  OperationStanding standing = Late();
  standing.paused = PauseStanding{.until = kNow + 1h, .reason = {}};
  EXPECT_TRUE(Due(standing).empty());
}

TEST(FindDue, ABackupWhosePauseIsOverIsDue) {
  OperationStanding standing;
  standing.paused = PauseStanding{.until = kNow, .reason = {}};
  EXPECT_THAT(Due(standing).backups, ElementsAre(kHome));
  EXPECT_THAT(Due(standing).missed, IsEmpty());
}

TEST(FindDue, AfterTheHostWokeADeadlineIsExtendedByTheGrace) {
  const DueExpectations due = Due(Late(), {.awake_since = kNow - 1min});
  EXPECT_THAT(due.late, ElementsAre(kSubject));
  EXPECT_THAT(due.missed, IsEmpty());
  EXPECT_THAT(Due(Late(), {.awake_since = kNow - 2h}).missed, ElementsAre(kSubject));
}

TEST(FindDue, ADeadlineIsExtendedOnlyOnce) {
  OperationStanding standing = Late();
  standing.expected->woke = kNow - 1h;
  EXPECT_TRUE(Due(standing, {.awake_since = kNow}).empty()) << "still in its grace";
  standing.expected->woke = kNow - 2h;
  EXPECT_THAT(Due(standing, {.awake_since = kNow}).missed, ElementsAre(kSubject));
  EXPECT_THAT(Due(standing, {.awake_since = kNow}).late, IsEmpty());
}

TEST(FindDue, AnOperationThatIsNewlyExpectedIsToBeWatched) {
  OperationStanding standing;
  standing.expected = ExpectedStanding{.interval = 24h};
  EXPECT_THAT(Due(standing).unwatched, ElementsAre(kSubject));
  EXPECT_THAT(Due(standing).backups, ElementsAre(kHome));
}

TEST(FindDue, AStepOfTheClockMakesEveryBackupDue) {
  EXPECT_THAT(Due({}, {.clock_jumps = 1}).backups, ElementsAre(kHome));
}

TEST(GraceOf, TheGraceIsAtLeastTheDefault) {
  EXPECT_EQ(GraceOf({.slack = 0s}), kDefaultGrace);
  EXPECT_EQ(GraceOf({.slack = 5h}), 5h);
}

}  // namespace
}  // namespace backup_exporter
