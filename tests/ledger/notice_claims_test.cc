// A claim, as `event finish` without an exit code makes one, is no success where archives prove
// what there is. It ends no failure and no miss for any kind of monitor.
// Labels: heavy

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <map>
#include <ostream>
#include <set>

#include "kit/ledger_fixture.h"
#include "model/notice.h"

namespace backup_exporter {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using enum NoticeState;

// The traits in which monitors differ for the ledger.
struct Traits {
  Superseding superseding = Superseding::kStarts;
  bool one_state = false;
  bool start_is_good = false;
  bool recovery = false;
  std::set<NoticeState> states;
};

std::string NameOf(const Traits& traits) {
  constexpr std::array kSuperseding{"Nothing", "Starts", "Fails", "States"};
  std::string name = kSuperseding.at(static_cast<std::size_t>(traits.superseding));
  if (traits.one_state) name += "_OneState";
  if (traits.start_is_good) name += "_StartIsGood";
  if (traits.recovery) name += "_Recovery";
  for (const NoticeState state : traits.states) name += "_" + std::string(Name(state));
  return name;
}

void PrintTo(const Traits& traits, std::ostream* out) { *out << NameOf(traits); }

std::vector<Traits> AllTraits() {
  std::vector<Traits> all;
  for (const auto superseding :
       {Superseding::kNothing, Superseding::kStarts, Superseding::kFails, Superseding::kStates}) {
    for (const bool one_state : {false, true}) {
      for (const bool start_is_good : {false, true}) {
        for (const bool recovery : {false, true}) {
          for (const auto& states :
               {std::set{kFail}, std::set{kStart, kFinish}, std::set{kStart, kFail},
                std::set{kStart, kFinish, kFail}, std::set{kStart, kFinish, kFail, kLog}}) {
            // A trait without effect needs no test of its own.
            if (start_is_good && !one_state) continue;
            if (recovery && states.contains(kFinish)) continue;
            all.push_back({superseding, one_state, start_is_good, recovery, states});
          }
        }
      }
    }
  }
  return all;
}

class ClaimTest : public LedgerTest, public testing::WithParamInterface<Traits> {
 protected:
  ClaimTest() {
    options_.directory.clear();
    sources_.push_back(SourceOf("nas", "nas"));
    expectations_ = {{.backup = "home", .schedule = Every(24h), .grace = 2h}};
    now_ = Night(1);
    Reopen();
    ledger().Expect(expectations_, now_);
    ledger().Subscribe({{.monitor = "m",
                         .states = GetParam().states,
                         .operations = {Operation::kBackup},
                         .messages = Level::kDebug,
                         .superseding = GetParam().superseding,
                         .one_state = GetParam().one_state,
                         .start_is_good = GetParam().start_is_good,
                         .recovery = GetParam().recovery,
                         .remind = 48h}},
                       now_);
  }
  void TearDown() override {}  // a ledger in memory does not survive a restart

  [[nodiscard]] bool Subscribes(NoticeState state) const {
    return GetParam().states.contains(state);
  }
  std::vector<Notice> Deliver() {
    std::vector<Notice> notices = ledger().Pending("m", 100);
    std::vector<Delivery> deliveries;
    for (const Notice& notice : notices) deliveries.push_back({.notice = notice.id});
    ledger().Report("m", deliveries, now_);
    return notices;
  }
  static std::vector<std::string> StatesOf(const std::vector<Notice>& notices) {
    std::vector<std::string> states;
    for (const Notice& notice : notices) states.emplace_back(Name(notice.state));
    return states;
  }
  // No notice says that the backup is well.
  static void ExpectNotGood(const std::vector<Notice>& notices) {
    for (const Notice& notice : notices) {
      EXPECT_NE(notice.state, kFinish);
      EXPECT_NE(notice.state, kResolve);
      EXPECT_NE(notice.result, kSuccess) << Name(notice.state);
    }
  }

  void Archive() {
    now_ += 1h;
    Apply(log_, {Finished(kSuccess).At(now_).Whole().Id(fmt::format("{:08}", ++archives_))});
  }
  void Fail() {
    now_ += 1h;
    Apply(log_, {Finished(kFailure).At(now_).Whole()});
  }
  // A start that a claim ends.
  void Start() {
    now_ += 1h;
    Apply(log_, {Started{.at = now_}});
  }
  void Claim() {
    now_ += 1min;
    Apply(log_, {Finished(kSuccess).At(now_).By(Evidence::kClaim).Whole()});
  }
  void SucceedNas() {
    now_ += 1min;
    Apply(nas_, {Finished(kSuccess).At(now_).Whole()});
  }
  // A success that counts is reported, as far as the monitor is sent such things.
  void ExpectRecovery() {
    Archive();
    const auto states = StatesOf(Deliver());
    if (Subscribes(kFinish)) {
      EXPECT_THAT(states, testing::Contains("finish"));
    } else if (GetParam().recovery && Subscribes(kFail)) {
      EXPECT_THAT(states, testing::Contains("resolve"));
    } else {
      EXPECT_THAT(states, IsEmpty());
    }
  }

  int archives_ = 0;
  TestFile nas_{"/nas/nas.log"};
};

TEST_P(ClaimTest, AClaimEndsNoFailure) {
  Archive();
  Fail();
  Deliver();
  Claim();
  EXPECT_THAT(Deliver(), IsEmpty());
  EXPECT_EQ(Home().last_run->result, kFailure);
  EXPECT_EQ(Home().consecutive_failures, 1U);
  ExpectRecovery();
}

TEST_P(ClaimTest, AClaimDropsNoFailureThatIsPending) {
  Archive();
  Deliver();
  Fail();
  const auto pending = StatesOf(ledger().Pending("m", 100));
  Claim();
  EXPECT_EQ(StatesOf(Deliver()), pending);
}

TEST_P(ClaimTest, AStartThatAClaimEndsIsClosedByTheFailureThatHolds) {
  Archive();
  Fail();
  Deliver();
  Start();
  const std::vector<Notice> started = Deliver();
  Claim();
  const std::vector<Notice> closing = Deliver();
  ExpectNotGood(closing);
  if (started.empty() || !Subscribes(kFail)) {
    EXPECT_THAT(closing, IsEmpty());
  } else {
    ASSERT_EQ(closing.size(), 1U);
    EXPECT_EQ(closing[0].uid, started.at(0).uid);
    EXPECT_EQ(closing[0].result, kFailure);
    EXPECT_TRUE(closing[0].closes);
  }
  ExpectRecovery();
}

TEST_P(ClaimTest, AClaimEndsNoMiss) {
  Archive();
  Deliver();
  now_ = Night(3);
  Tick();
  EXPECT_EQ(Home().missed_in_a_row, 1U);
  Deliver();
  Claim();
  EXPECT_THAT(Deliver(), IsEmpty());
  EXPECT_EQ(Home().missed_in_a_row, 1U);
  Start();
  const bool started = !Deliver().empty();
  Claim();
  const std::vector<Notice> closing = Deliver();
  ExpectNotGood(closing);
  EXPECT_EQ(closing.size(), started && Subscribes(kFail) ? 1U : 0U);
  ExpectRecovery();
}

TEST_P(ClaimTest, AMissIsReportedDespiteAClaim) {
  Archive();
  Deliver();
  now_ = Night(2);
  Claim();
  Deliver();
  now_ = Night(3) + 4h;
  Tick();
  const auto missed = Deliver();
  ASSERT_EQ(missed.size(), Subscribes(kFail) ? 1U : 0U);
  if (!missed.empty()) {
    EXPECT_EQ(missed[0].cause, NoticeCause::kMissed);
  }
}

TEST_P(ClaimTest, RemindersGoOnAfterAClaim) {
  Archive();
  Fail();
  Deliver();
  Claim();
  Deliver();
  expectations_.clear();
  ledger().Expect(expectations_, now_);
  now_ += 48h;
  Tick();
  const auto reminders = Deliver();
  ASSERT_EQ(reminders.size(), Subscribes(kFail) ? 1U : 0U);
  if (!reminders.empty()) {
    EXPECT_EQ(reminders[0].cause, NoticeCause::kReminder);
  }
}

TEST_P(ClaimTest, AClaimDoesNotInterruptACountOfFailures) {
  Archive();
  Fail();
  Claim();
  Deliver();
  Fail();
  const auto notices = Deliver();
  ASSERT_EQ(notices.size(), Subscribes(kFail) ? 1U : 0U);
  if (!notices.empty()) {
    EXPECT_EQ(notices[0].failures, 2U);
  }
}

TEST_P(ClaimTest, AClaimDoesNotTurnASharedStatusGood) {
  Archive();
  Fail();
  Deliver();
  Claim();
  SucceedNas();
  const auto notices = Deliver();
  if (GetParam().one_state) {
    EXPECT_THAT(notices, IsEmpty());
  } else {
    EXPECT_EQ(notices.size(), Subscribes(kFinish) ? 1U : 0U);
  }
}

TEST_P(ClaimTest, AClaimIsReportedWhileAllIsWell) {
  Archive();
  Deliver();
  Claim();
  EXPECT_EQ(StatesOf(Deliver()),
            Subscribes(kFinish) ? std::vector<std::string>{"finish"} : std::vector<std::string>());
}

TEST_P(ClaimTest, AWithheldNoticeIsSentOnceAnArchiveProvesTheClaim) {
  Archive();
  Fail();
  Deliver();
  Claim();
  Deliver();
  Apply(status_, {Finished(kSuccess).At(now_).Id("a1b2c3d4").Whole()});
  EXPECT_EQ(Home().consecutive_failures, 0U);
  const auto states = StatesOf(Deliver());
  if (Subscribes(kFinish)) {
    EXPECT_THAT(states, ElementsAre("finish"));
  } else if (GetParam().recovery && Subscribes(kFail)) {
    EXPECT_THAT(states, ElementsAre("resolve"));
  } else {
    EXPECT_THAT(states, IsEmpty());
  }
}

INSTANTIATE_TEST_SUITE_P(EveryKind, ClaimTest, testing::ValuesIn(AllTraits()),
                         [](const auto& tested) { return NameOf(tested.param); });

}  // namespace
}  // namespace backup_exporter
