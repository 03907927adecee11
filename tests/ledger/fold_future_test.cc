// Runs that are dated ahead of the clock.
#include "kit/ledger_fixture.h"

namespace backup_exporter {
namespace {

class Future : public LedgerTest {
 protected:
  std::uint64_t Stamps() { return ledger().standings()->future_stamps; }
};

TEST_F(Future, ASuccessAheadOfTheClockIsHeldBackUntilItsTime) {
  Apply(status_, {Finished(kSuccess).At(Night(1)).Whole()});
  Apply(status_, {Finished(kSuccess).From(now_ + 3h).At(now_ + 4h).Adding(9).Whole()});
  EXPECT_EQ(Home().last_success, Night(1));
  EXPECT_EQ(Home().last_start, std::nullopt) << "no part of it is shown";
  EXPECT_EQ(Home().runs, 2u);
  EXPECT_EQ(Stamps(), 1u);

  now_ += 4h - 5min - 1us;
  Tick();
  EXPECT_EQ(Home().last_success, Night(1));
  now_ += 1us;
  Tick();
  EXPECT_EQ(Home().last_success, Night(30) + 14h);
  EXPECT_EQ(Home().last_start, Night(30) + 13h);
  EXPECT_EQ(Home().last_success_figures.added_bytes, 9u);
  EXPECT_EQ(Home().runs, 2u);
  EXPECT_EQ(Stamps(), 1u);
}

TEST_F(Future, ARunUpToFiveMinutesAheadIsNotHeldBack) {
  Apply(status_, {Finished(kSuccess).At(now_ + 5min).Whole()});
  EXPECT_EQ(Home().last_success, now_ + 5min);
  EXPECT_EQ(Stamps(), 0u);
  Apply(status_, {Finished(kSuccess).At(now_ + 5min + 1us).Whole()});
  EXPECT_EQ(Home().last_success, now_ + 5min);
  EXPECT_EQ(Stamps(), 1u);
}

TEST_F(Future, ASuccessIsHeldBackWhateverTheFileDoes) {
  Apply(log_, {Finished(kSuccess).At(now_ + 24h)}, kGone);
  Apply(log_, {Started()}, kAtEnd);
  Apply(log_, {}, kOver);
  EXPECT_EQ(Home().last_success, std::nullopt);
}

TEST_F(Future, ARunAheadOfTheClockIsCountedOnce) {
  const Time start = now_ + 23h, end = now_ + 24h;
  Apply(status_, {Finished(kSuccess).From(start).At(end).Whole()});
  Apply(log_, {Finished(kSuccess).From(start).At(end - 1s)}, kQuiet);
  TestFile again("/status/home.json");
  Apply(again, {Finished(kSuccess).From(start).At(end).Whole()});
  EXPECT_EQ(Home().runs, 1u);
  EXPECT_EQ(Stamps(), 1u);
}

TEST_F(Future, ASuccessIsHeldBackAcrossARestart) {
  Apply(status_, {Finished(kSuccess).At(now_ + 24h).Whole()});
  Reopen();
  Tick();
  EXPECT_EQ(Home().last_success, std::nullopt);
  EXPECT_EQ(Stamps(), 1u);
  now_ += 24h;
  Tick();
  EXPECT_EQ(Home().last_success, now_);
}

TEST_F(Future, AFailureAheadOfTheClockIsShownAtOnce) {
  Apply(status_.Modified(now_ - 1h),
        {Finished(kFailure).From(now_ + 23h).At(now_ + 24h).Because(Reason::kAuth).Whole()});
  EXPECT_EQ(Home().last_run->result, kFailure);
  EXPECT_EQ(Home().last_failure, now_ - 1h) << "no later than it was read";
  EXPECT_EQ(Home().last_start, std::nullopt);
  EXPECT_EQ(Home().consecutive_failures, 1u);
  EXPECT_EQ(Stamps(), 1u);

  TestFile again("/status/home.json");
  Apply(again, {Finished(kFailure).At(now_ + 24h).Whole()});
  EXPECT_EQ(Home().failures, 1u);
  EXPECT_EQ(Stamps(), 1u);

  now_ += 1h;
  Apply(status_, {Finished(kSuccess).At(now_).Whole()});
  EXPECT_EQ(Home().last_run->result, kSuccess) << "it does not hide newer runs";
}

TEST_F(Future, ASuccessAheadOfTheClockThatTurnsIntoAFailureIsShownAtOnce) {
  Apply(log_.Modified(now_), {Finished(kSuccess).At(now_ + 24h)});
  Apply(log_.Modified(now_), {Finished(kFailure).Code(1).OfLastRun()}, kQuiet);
  EXPECT_EQ(Home().last_run->result, kFailure);
  EXPECT_EQ(Home().last_failure, now_);
}

TEST_F(Future, ASettledRunIsNotDatedAheadOfTheClock) {
  Apply(log_.Modified(Night(3)), {Finished(kSuccess), Noise()}, kQuiet);
  Apply(log_, {Finished(kSuccess).At(now_ + 24h).Code(0).OfLastRun().Whole()});
  EXPECT_EQ(Home().last_success, std::nullopt);

  TestFile listing("/status/listing.json");
  const std::string id(64, 'a');
  Apply(listing, {Listed(id, Night(5))});
  TestFile other("/log/other.log");
  Apply(other, {Finished(kSuccess).At(now_ + 24h).Id(id)}, kQuiet);
  EXPECT_EQ(Home().last_success, Night(5));
}

TEST_F(Future, ASuccessIsShownOnceTheClockIsSetRight) {
  now_ -= 365 * 24h;  // the clock was wrong, and is set later
  Apply(status_, {Finished(kSuccess).At(Night(30)).Whole()});
  EXPECT_EQ(Home().last_success, std::nullopt);
  now_ += 365 * 24h;
  Tick();
  EXPECT_EQ(Home().last_success, Night(30));
}

}  // namespace
}  // namespace backup_exporter
