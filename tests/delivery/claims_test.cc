// A claim that does not count turns no monitor green: for every row of the table of services, with
// the notices of a ledger. A new service is covered by its row.
// Labels: heavy

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <set>

#include "delivery/services.h"
#include "kit/ledger_fixture.h"

namespace backup_exporter {
namespace {

using testing::IsEmpty;

class EveryServiceTest : public LedgerTest,
                         public testing::WithParamInterface<std::tuple<const Service*, bool>> {
 protected:
  EveryServiceTest() {
    options_.directory.clear();
    sources_.push_back(SourceOf("nas", "nas"));
    now_ = Night(1);
    Reopen();
    const auto& [service, all_states] = GetParam();
    ledger().Subscribe({{.monitor = "m",
                         .kind = std::string(service->key),
                         .states = all_states ? service->states : service->default_states,
                         .operations = {Operation::kBackup},
                         .superseding = service->superseding,
                         .one_state = service->one_state,
                         .start_is_good = service->start_is_good,
                         .recovery = true}},
                       now_);
  }
  void TearDown() override {}  // a ledger in memory does not survive a restart

  std::vector<Notice> Deliver() {
    std::vector<Notice> notices = ledger().Pending("m", 100);
    std::vector<Delivery> deliveries;
    for (const Notice& notice : notices) deliveries.push_back({.notice = notice.id});
    ledger().Report("m", deliveries, now_);
    return notices;
  }
  void Finish(const Finished& finished) {
    now_ += 1h;
    Apply(log_, {Finished(finished).At(now_).Whole()});
  }
  // Whether a notice shows as good.
  static bool IsGood(const Notice& notice) {
    return notice.state == NoticeState::kFinish || notice.state == NoticeState::kResolve;
  }
  void ExpectGreenAfterAnArchive() {
    Finish(Finished(kSuccess).Id("bbbbbbbb"));
    const std::vector<Notice> notices = Deliver();
    ASSERT_FALSE(notices.empty());
    EXPECT_TRUE(IsGood(notices.back()));
  }
};

TEST_P(EveryServiceTest, AClaimAfterAFailureDoesNotTurnAMonitorGreen) {
  Finish(Finished(kSuccess).Id("aaaaaaaa"));
  Finish(Finished(kFailure));
  Deliver();
  Finish(Finished(kSuccess).By(Evidence::kClaim));
  EXPECT_THAT(Deliver(), IsEmpty());
  EXPECT_EQ(Home().last_run->result, kFailure);
  ExpectGreenAfterAnArchive();
}

TEST_P(EveryServiceTest, AStartThatAClaimEndsIsClosedWithoutTurningAMonitorGreen) {
  Finish(Finished(kSuccess).Id("aaaaaaaa"));
  Finish(Finished(kFailure));
  Deliver();
  now_ += 1h;
  Apply(log_, {Started{.at = now_}});
  const std::vector<Notice> started = Deliver();
  Finish(Finished(kSuccess).By(Evidence::kClaim));
  const std::vector<Notice> closing = Deliver();
  ASSERT_EQ(closing.size(), started.size());
  for (const Notice& notice : closing) {
    EXPECT_EQ(notice.state, NoticeState::kFail);
    EXPECT_EQ(notice.result, kFailure);
    EXPECT_EQ(notice.uid, started[0].uid);
  }
  ExpectGreenAfterAnArchive();
}

TEST_P(EveryServiceTest, AClaimDoesNotTurnASharedStatusGood) {
  Finish(Finished(kSuccess).Id("aaaaaaaa"));
  Finish(Finished(kFailure));
  Finish(Finished(kSuccess).By(Evidence::kClaim));
  Deliver();
  TestFile nas("/nas/nas.log", now_);
  Apply(nas, {Finished(kSuccess).At(now_).Whole()});
  for (const Notice& notice : Deliver()) {
    EXPECT_TRUE(!IsGood(notice) || (notice.backup == "nas" && !std::get<0>(GetParam())->one_state));
  }
}

std::vector<const Service*> AllServices() {
  std::vector<const Service*> services;
  for (const Service& service : Services()) services.push_back(&service);
  return services;
}

std::string NameOf(const testing::TestParamInfo<EveryServiceTest::ParamType>& tested) {
  const auto& [service, all_states] = tested.param;
  return std::string(service->key) + (all_states ? "_AllStates" : "_DefaultStates");
}

INSTANTIATE_TEST_SUITE_P(Services, EveryServiceTest,
                         testing::Combine(testing::ValuesIn(AllServices()), testing::Bool()),
                         NameOf);

}  // namespace
}  // namespace backup_exporter
