// The states of one file and what follows from them, without files and clocks.

#include "sources/lifecycle.h"

#include <gtest/gtest.h>

namespace backup_exporter {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

class LifecycleTest : public testing::Test {
 protected:
  [[nodiscard]] Moment At(seconds after) const {
    return {.wall = Time(hours(24 * 365 * 50)) + after, .steady = SteadyTime(hours(48)) + after};
  }
  // A file of `size` bytes was written and observed at that moment, and all of it was read.
  void Grow(std::uint64_t size, seconds after, bool closed = false) {
    life_.Observe({.inode = 1, .size = size, .links = 1, .modified = At(after).wall}, closed,
                  /*offset=*/0, At(after));
    life_.ReachEnd(At(after).wall);
    life_.Report({});
  }

  Lifecycle life_{/*present=*/false};
};

TEST_F(LifecycleTest, AFileIsReadUntilItsEndWasReported) {
  EXPECT_TRUE(life_.has_unread());
  life_.SetName(/*matching=*/true, /*renamed=*/false, At(seconds(0)));
  Grow(1, seconds(0));
  EXPECT_FALSE(life_.has_unread());
  EXPECT_EQ(life_.Due(), At(seconds(10)).steady) << "to report that it is quiet";
  life_.Report({.quiet = true});
  EXPECT_EQ(life_.Due(), std::nullopt);
  Grow(2, seconds(20));
  EXPECT_EQ(life_.Due(), At(seconds(30)).steady);
}

TEST_F(LifecycleTest, OnlyMoreThanWasReportedIsNews) {
  const FileStep quiet{.quiet = true};
  const FileStep gone{.quiet = true, .writer_gone = true};
  const FileStep over{.quiet = true, .over = true};
  EXPECT_FALSE(life_.IsNews({}));
  EXPECT_TRUE(life_.IsNews(quiet));
  life_.Report(gone);
  EXPECT_FALSE(life_.IsNews(quiet));
  EXPECT_FALSE(life_.IsNews(gone));
  EXPECT_TRUE(life_.IsNews(over));
  life_.End();
  life_.Report(quiet);
  EXPECT_TRUE(life_.ended()) << "an older step does not undo it";
  EXPECT_FALSE(life_.finished());
  life_.Report(over);
  EXPECT_TRUE(life_.finished());
}

TEST_F(LifecycleTest, AnUnreadableFileIsReadAgainOnlyAfterAnObservation) {
  life_.SetName(/*matching=*/true, /*renamed=*/false, At(seconds(0)));
  Grow(1, seconds(0));
  life_.MarkUnreadable();
  EXPECT_FALSE(life_.CanBeRead(/*reachable=*/true));
  Grow(1, seconds(25));
  EXPECT_TRUE(life_.CanBeRead(/*reachable=*/true));
  EXPECT_TRUE(life_.unreadable()) << "until a read succeeds";
  life_.MarkReadable();
  EXPECT_FALSE(life_.unreadable());
  life_.Refuse();
  Grow(2, seconds(50));
  life_.MarkReadable();
  EXPECT_FALSE(life_.CanBeRead(/*reachable=*/true)) << "a refused file stays unread";
  EXPECT_TRUE(life_.unreadable());
}

TEST_F(LifecycleTest, TheEndingFollowsFromNameAndTimes) {
  life_.SetName(/*matching=*/true, /*renamed=*/false, At(seconds(0)));
  Grow(1, seconds(0), /*closed=*/true);
  const auto ending = [&](Duration after) {
    return life_.EndingAt(
        {.wall = At(seconds(0)).wall + after, .steady = At(seconds(0)).steady + after},
        /*last_look=*/false, /*writer_gone=*/false);
  };
  EXPECT_TRUE(ending(seconds(0)).quiet) << "its writer closed it";
  EXPECT_FALSE(ending(seconds(9)).writer_gone);
  EXPECT_TRUE(ending(seconds(10)).writer_gone);
  EXPECT_FALSE(ending(hours(100)).over) << "it may grow for as long as its name matches";
  life_.SetName(/*matching=*/false, /*renamed=*/true, At(seconds(60)));
  EXPECT_TRUE(ending(seconds(60)).cut);
  EXPECT_FALSE(ending(hours(24)).over);
  EXPECT_TRUE(ending(hours(24) + seconds(60)).over);
  life_.LoseName(/*removed=*/true, At(seconds(61)));
  EXPECT_TRUE(ending(seconds(61)).over);
}

}  // namespace
}  // namespace backup_exporter
