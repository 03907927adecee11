// What a heartbeat says of the program.
#include "app.h"

#include <gtest/gtest.h>

namespace backup_exporter {
namespace {

using std::chrono::minutes;

class IsWellTest : public testing::Test {
 protected:
  [[nodiscard]] bool Well() const { return IsWell(standings_, statuses_, now_); }

  Time now_ = Time(std::chrono::hours(1));
  Standings standings_{.sources = {{"a", {}}, {"b", {}}}, .monitors = {{"m", {}}}};
  std::map<std::string, SourceStatus> statuses_{{"a", {.up = true, .looked = now_}},
                                                {"b", {.up = true, .looked = now_}}};
};

TEST_F(IsWellTest, WhileEverySourceAndTheLedgerWork) { EXPECT_TRUE(Well()); }

TEST_F(IsWellTest, NotWhileASourceCannotRead) {
  statuses_["b"].up = false;
  EXPECT_FALSE(Well());
}

TEST_F(IsWellTest, NotWhileASourceHangs) {
  now_ += minutes(1);
  statuses_["a"].looked = now_;
  EXPECT_FALSE(Well());
}

TEST_F(IsWellTest, NotWhileASourceWasNeverLookedAt) {
  statuses_.erase("b");
  EXPECT_FALSE(Well());
  statuses_.clear();
  EXPECT_FALSE(Well());
}

TEST_F(IsWellTest, NotWhileTheLedgerCannotBeWritten) {
  standings_.full = true;
  EXPECT_FALSE(Well());
}

TEST_F(IsWellTest, NotWhileANoticeIsStuck) {
  standings_.monitors["m"].oldest = now_ - minutes(5);
  EXPECT_TRUE(Well());
  standings_.monitors["m"].oldest = now_ - minutes(31);
  EXPECT_FALSE(Well());
}

TEST_F(IsWellTest, NotWhileAMonitorRefusesWhatItIsTold) {
  standings_.monitors["m"] = {.up = false, .notices = {0, 0, 1, 0, 0}};
  EXPECT_FALSE(Well());
  standings_.monitors["m"].waiting = 1;
  EXPECT_TRUE(Well()) << "it is tried again";
  standings_.monitors["m"] = {.up = false};
  EXPECT_TRUE(Well()) << "or the heartbeat would never come back";
}

}  // namespace
}  // namespace backup_exporter
