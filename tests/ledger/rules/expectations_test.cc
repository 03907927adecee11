#include "ledger/rules/expectations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace backup_exporter {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;
using testing::Optional;

// Midnight of the n-th day.
Time Day(int n) { return Time(std::chrono::sys_days(std::chrono::year(2026) / 11 / 1) + days(n)); }

class ExpectationRulesTest : public testing::Test {
 protected:
  ExpectationRulesTest() {
    daily_.schedule = Every(24h);
    daily_.grace = 2h;
    facts_.configured = &daily_;
    facts_.last_success = Day(1);
    facts_.watch = Watch{.since = Day(0), .configured = 24h};
  }

  Expectation daily_{.backup = "home"};
  ExpectationFacts facts_;
};

TEST_F(ExpectationRulesTest, TheDeadlineIsOneIntervalAndTheSlackAfterTheLastSuccess) {
  const auto expected = Expect(facts_);
  ASSERT_TRUE(expected);
  EXPECT_EQ(expected->origin, Origin::kConfigured);
  EXPECT_EQ(expected->interval, 24h);
  EXPECT_EQ(expected->slack, 2h);
  EXPECT_THAT(expected->deadline, Optional(Day(2) + 2h));
  EXPECT_THAT(expected->next_miss, Optional(Day(2) + 2h));
}

TEST_F(ExpectationRulesTest, TheSlackIncludesTheTimeThatARunTakes) {
  facts_.longest_run = 3h;
  EXPECT_EQ(Expect(facts_)->slack, 5h);
  daily_.max_duration = 1h;
  EXPECT_EQ(Expect(facts_)->slack, 3h);
  daily_.grace.reset();
  EXPECT_EQ(Expect(facts_)->slack, kDefaultGrace + 1h);
}

TEST_F(ExpectationRulesTest, WithoutASuccessTheDeadlineCountsFromTheBeginningOfTheWatch) {
  facts_.last_success.reset();
  EXPECT_THAT(Expect(facts_)->deadline, Optional(Day(1) + 2h));
  facts_.watch.reset();
  EXPECT_EQ(Expect(facts_)->deadline, std::nullopt);
}

TEST_F(ExpectationRulesTest, NothingIsExpectedWithoutASchedule) {
  facts_.configured = nullptr;
  EXPECT_EQ(Expect(facts_), std::nullopt);
  daily_.never = true;
  facts_.configured = &daily_;
  facts_.learned = 24h;
  EXPECT_EQ(Expect(facts_), std::nullopt);
}

TEST_F(ExpectationRulesTest, ALearnedIntervalHasNoSlackButAConfiguredGrace) {
  daily_.schedule = nullptr;
  facts_.learned = 36h;
  facts_.watch->configured.reset();
  EXPECT_EQ(Expect(facts_)->slack, 2h);
  facts_.configured = nullptr;
  const auto expected = Expect(facts_);
  EXPECT_EQ(expected->origin, Origin::kLearned);
  EXPECT_EQ(expected->slack, 0h);
  EXPECT_THAT(expected->deadline, Optional(Day(1) + 36h));
  EXPECT_TRUE(expected->watched);
}

TEST_F(ExpectationRulesTest, UnderAChangedScheduleNothingIsCountedYet) {
  facts_.watch->configured = 12h;
  const auto expected = Expect(facts_);
  EXPECT_FALSE(expected->watched);
  EXPECT_EQ(expected->next_miss, std::nullopt);
  EXPECT_THAT(expected->deadline, Optional(Day(2) + 2h));
}

TEST_F(ExpectationRulesTest, TheNextMissFollowsTheLastOccurrenceThatWasJudged) {
  facts_.watch->judged = Day(4);
  const auto expected = Expect(facts_);
  EXPECT_THAT(expected->deadline, Optional(Day(2) + 2h));
  EXPECT_THAT(expected->next_miss, Optional(Day(5) + 2h));
}

TEST_F(ExpectationRulesTest, TheNightAHostSleptThroughIsRememberedForThatDeadlineOnly) {
  facts_.watch->late = Day(2) + 2h;
  facts_.watch->woke = Day(2) + 7h;
  EXPECT_THAT(Expect(facts_)->woke, Optional(Day(2) + 7h));
  facts_.last_success = Day(2);
  EXPECT_EQ(Expect(facts_)->woke, std::nullopt);
}

TEST_F(ExpectationRulesTest, APauseMovesTheDeadlineBehindItsEnd) {
  facts_.pauses = {{.begins = Day(1) + 1h, .ends = Day(4), .reason = "disk"}};
  EXPECT_THAT(Expect(facts_)->deadline, Optional(Day(4) + 2h));
  facts_.pauses = {{.begins = Day(2) + 1h, .ends = Day(2) + 9h, .reason = "disk"}};
  EXPECT_THAT(Expect(facts_)->deadline, Optional(Day(2) + 11h)) << "the deadline was in the pause";
}

TEST_F(ExpectationRulesTest, APauseCoversItsBeginningAndNotItsEnd) {
  const std::vector<PausePeriod> pauses{{.begins = Day(1), .ends = Day(2), .reason = "disk"}};
  EXPECT_EQ(PauseAt(pauses, Day(1) - 1s), nullptr);
  ASSERT_NE(PauseAt(pauses, Day(1)), nullptr);
  EXPECT_EQ(PauseAt(pauses, Day(1))->reason, "disk");
  EXPECT_EQ(PauseAt(pauses, Day(2)), nullptr);
  EXPECT_EQ(PauseAt({}, Day(2)), nullptr);
}

TEST_F(ExpectationRulesTest, ASuccessAfterTheLastMissMakesUpForAll) {
  facts_.watch->judged = Day(4);
  facts_.watch->in_a_row = 3;
  EXPECT_EQ(MissedInARow(facts_), 3U);
  facts_.last_success = Day(4);
  EXPECT_EQ(MissedInARow(facts_), 0U);
  facts_.watch.reset();
  EXPECT_EQ(MissedInARow(facts_), 0U);
}

TEST_F(ExpectationRulesTest, EachOccurrenceWhoseSlackHasPassedIsMissed) {
  const auto expected = Expect(facts_);
  const auto count = [&](Time now) {
    return CountMisses(*daily_.schedule, *expected, facts_.pauses, now);
  };
  EXPECT_EQ(count(Day(2) + 2h - 1s).count, 0U);
  EXPECT_EQ(count(Day(2) + 2h).count, 1U);
  EXPECT_EQ(count(Day(5) + 3h).count, 4U);
  EXPECT_THAT(count(Day(5) + 3h).last, Optional(Day(5)));
}

TEST_F(ExpectationRulesTest, NoMoreThanFiveThousandMissesAreCountedAtOnce) {
  daily_.schedule = Every(1min);
  facts_.watch->configured = 1min;
  const auto expected = Expect(facts_);
  EXPECT_EQ(CountMisses(*daily_.schedule, *expected, {}, Day(300)).count, 5000U);
}

TEST_F(ExpectationRulesTest, OccurrencesInAPauseAreNotMissed) {
  facts_.pauses = {{.begins = Day(2) + 12h, .ends = Day(4) + 12h, .reason = "disk"}};
  const auto expected = Expect(facts_);
  EXPECT_EQ(CountMisses(*daily_.schedule, *expected, facts_.pauses, Day(4) + 12h).count, 1U);
}

TEST(LongestGap, TheLongestTimeBetweenTwoOccurrencesIsFound) {
  EXPECT_EQ(LongestGap(*Every(24h)), 24h);
  EXPECT_EQ(LongestGap(*Every(90min)), 90min);
}

TEST(IsLearned, ManualOperationsAreNotLearned) {
  EXPECT_TRUE(IsLearned(Operation::kBackup));
  EXPECT_TRUE(IsLearned(Operation::kPrune));
  EXPECT_FALSE(IsLearned(Operation::kRestore));
  EXPECT_FALSE(IsLearned(Operation::kOther));
}

TEST(ConfiguredExpectations, TheFirstThatMatchesIsFound) {
  const ConfiguredExpectations configured(
      {{.backup = "home", .schedule = Every(24h)},
       {.backup = "ho*", .never = true},
       {.backup = "nas", .operation = Operation::kCheck, .schedule = Every(days(7))}});
  ASSERT_NE(configured.Find("home", Operation::kBackup), nullptr);
  EXPECT_FALSE(configured.Find("home", Operation::kBackup)->never);
  EXPECT_TRUE(configured.Find("hobby", Operation::kBackup)->never);
  EXPECT_EQ(configured.Find("home", Operation::kCheck), nullptr);
  EXPECT_TRUE(configured.Names("home"));
  EXPECT_FALSE(configured.Names("hobby")) << "a pattern names no backup";
  EXPECT_TRUE(configured.Names("nas", Operation::kCheck));
  EXPECT_FALSE(configured.Names("nas", Operation::kBackup));
  EXPECT_TRUE(configured.HasSchedule("nas"));
  EXPECT_FALSE(configured.HasSchedule("hobby"));
}

}  // namespace
}  // namespace backup_exporter
