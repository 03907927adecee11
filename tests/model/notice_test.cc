#include "model/notice.h"

#include <gtest/gtest.h>

namespace backup_exporter {
namespace {

TEST(NoticeNames, EveryStateHasItsFixedName) {
  EXPECT_EQ(Name(NoticeState::kStart), "start");
  EXPECT_EQ(Name(NoticeState::kFinish), "finish");
  EXPECT_EQ(Name(NoticeState::kFail), "fail");
  EXPECT_EQ(Name(NoticeState::kLog), "log");
  EXPECT_EQ(Name(NoticeState::kResolve), "resolve");
}

TEST(NoticeNames, EveryCauseHasItsFixedName) {
  EXPECT_EQ(Name(NoticeCause::kRun), "run");
  EXPECT_EQ(Name(NoticeCause::kReminder), "reminder");
  EXPECT_EQ(Name(NoticeCause::kMissed), "missed");
  EXPECT_EQ(Name(NoticeCause::kTest), "test");
  EXPECT_EQ(Name(NoticeCause::kHeartbeat), "heartbeat");
}

TEST(NoticeNames, EveryStateIsFoundByItsName) {
  for (int i = 0; i < kNoticeStates; ++i) {
    const auto state = static_cast<NoticeState>(i);
    EXPECT_EQ(NoticeStateNamed(Name(state)), state);
  }
  EXPECT_EQ(NoticeStateNamed("finished"), std::nullopt);
}

TEST(NoticeNames, EveryCauseIsFoundByItsName) {
  for (int i = 0; i < kNoticeCauses; ++i) {
    const auto cause = static_cast<NoticeCause>(i);
    EXPECT_EQ(NoticeCauseNamed(Name(cause)), cause);
  }
  EXPECT_EQ(NoticeCauseNamed("0"), std::nullopt);
}

}  // namespace
}  // namespace backup_exporter
