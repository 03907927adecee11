// Labels: threads

// The health that heartbeats report.
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
  std::map<std::string, SourceStatus> statuses_{{"a", {.up = true, .checked = now_}},
                                                {"b", {.up = true, .checked = now_}}};
};

TEST_F(IsWellTest, TheExporterIsWellWhileEverySourceAndTheLedgerWork) { EXPECT_TRUE(Well()); }

TEST_F(IsWellTest, TheExporterIsNotWellWhileASourceCannotBeRead) {
  statuses_["b"].up = false;
  EXPECT_FALSE(Well());
}

TEST_F(IsWellTest, TheExporterIsNotWellWhileASourceHangs) {
  now_ += minutes(1);
  statuses_["a"].checked = now_;
  EXPECT_FALSE(Well());
}

TEST_F(IsWellTest, TheExporterIsNotWellWhileASourceWasNeverRead) {
  statuses_.erase("b");
  EXPECT_FALSE(Well());
  statuses_.clear();
  EXPECT_FALSE(Well());
}

TEST_F(IsWellTest, TheExporterIsNotWellWhileTheLedgerCannotBeWritten) {
  standings_.full = true;
  EXPECT_FALSE(Well());
}

TEST_F(IsWellTest, TheExporterIsNotWellWhileANoticeIsStuck) {
  standings_.monitors["m"].oldest = now_ - minutes(5);
  EXPECT_TRUE(Well());
  standings_.monitors["m"].oldest = now_ - minutes(31);
  EXPECT_FALSE(Well());
}

TEST_F(IsWellTest, TheExporterIsNotWellWhileAMonitorRefusesNotices) {
  standings_.monitors["m"] = {.up = false, .notices = {0, 0, 1, 0, 0}};
  EXPECT_FALSE(Well());
  standings_.monitors["m"].pending = 1;
  EXPECT_TRUE(Well()) << "the notice will be retried";
  standings_.monitors["m"] = {.up = false};
  EXPECT_TRUE(Well()) << "without notices, a failed heartbeat must not block the next";
}

}  // namespace
}  // namespace backup_exporter
