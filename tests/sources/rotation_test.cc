// A file is renamed and another one takes its name.

#include <gtest/gtest.h>

#include <fstream>

#include "kit/source_rig.h"

namespace backup_exporter {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

class Rotation : public testing::Test, protected SourceRig {
 protected:
  // As logrotate does with `create`.
  void Rotate(const std::string& name = "a.log", const std::string& to = "a.log.1") {
    directory.Rename(name, to);
    directory.Write(name, "");
  }
  void TellOfRotation() {
    watcher->Tell(directory / "a.log");
    watcher->Tell(directory / "a.log.1");
  }
};

TEST_F(Rotation, TheOldFileIsReadToItsEndBeforeTheNewOne) {
  directory.Write("a.log", "1\n2\n");
  Read();
  directory.Append("a.log", "3\n4\n");
  Rotate();
  directory.Append("a.log", "5\n");
  TellOfRotation();
  EXPECT_EQ(Read(), (Texts{"3", "4", "5"}));
  EXPECT_EQ(ledger.size(), 2U);
  EXPECT_EQ(ledger.at(1).position.path, directory / "a.log") << "not the rotated name";
}

TEST_F(Rotation, TheOldFileGoesFirstWhenTheBudgetIsSmall) {
  options.piece_size = 8;
  budget = 8;
  directory.Write("a.log", "1\n");
  Read();
  Texts expected;
  for (int i = 10; i < 50; ++i) {
    directory.Append("a.log", std::to_string(i) + "\n");
    expected.push_back(std::to_string(i));
  }
  Rotate();
  directory.Append("a.log", "new\n");
  expected.push_back("new");
  // Stamps lie: the new file looks older.
  directory.SetModified("a.log", clock.Now() - hours(48));
  TellOfRotation();
  EXPECT_EQ(Read(), expected);
}

TEST_F(Rotation, IsNoticedWithoutAnyEvent) {
  directory.Write("a.log", "1\n");
  Read();
  directory.Append("a.log", "2\n");
  Rotate();
  directory.Append("a.log", "3\n");
  EXPECT_EQ(ReadAfterSweep(), (Texts{"2", "3"}));
}

TEST_F(Rotation, LateLinesOfAWriterThatKeptTheOldFileAreRead) {
  directory.Write("a.log", "1\n");
  Read();
  std::ofstream writer(directory / "a.log", std::ios::app);
  Rotate();
  TellOfRotation();
  EXPECT_EQ(Read(), Texts{});
  for (int i = 0; i < 30; ++i) {
    writer << "late " << i << std::endl;
    clock.Advance(seconds(1));
    EXPECT_EQ(ReadAfterChange("a.log.1"), (Texts{"late " + std::to_string(i)}));
  }
  directory.Append("a.log", "new\n");
  writer << "last" << std::endl;
  EXPECT_EQ(ReadAfterSweep(), (Texts{"last", "new"})) << "by the sweep, too";
}

TEST_F(Rotation, TheUnfinishedLineIsKeptAcrossIt) {
  directory.Write("a.log", "1\ntw");
  Read();
  std::ofstream writer(directory / "a.log", std::ios::app);
  Rotate();
  directory.Append("a.log", "new\n");
  TellOfRotation();
  EXPECT_EQ(Read(), (Texts{"new"}));
  writer << "o\n" << std::flush;
  EXPECT_EQ(ReadAfterChange("a.log.1"), (Texts{"two"}));
}

TEST_F(Rotation, TheUnfinishedLineOfARotatedFileIsGivenOutOnceItIsQuiet) {
  directory.Write("a.log", "1\ntw");
  Read();
  Rotate();
  TellOfRotation();
  EXPECT_EQ(Read(), Texts{});
  clock.Advance(seconds(10));
  EXPECT_EQ(Read(), (Texts{"tw"}));
  clock.Advance(seconds(60));
  EXPECT_EQ(Read(), Texts{});
}

TEST_F(Rotation, TenBetweenTwoLooksLoseNothing) {
  directory.Write("a.log", "0\n");
  Read();
  Texts expected;
  for (int i = 1; i <= 10; ++i) {
    for (int old = i - 1; old >= 1; --old) {
      directory.Rename("a.log." + std::to_string(old), "a.log." + std::to_string(old + 1));
    }
    directory.Append("a.log", "more of " + std::to_string(i) + "\n");
    Rotate();
  }
  // Only the first was known; the others never had the name while somebody looked.
  EXPECT_EQ(ReadAfterSweep(), (Texts{"more of 1"}));

  SourceRig all("a.log*");
  all.directory.Write("a.log", "0\n");
  all.Read();
  for (int i = 1; i <= 10; ++i) {
    for (int old = i - 1; old >= 1; --old) {
      all.directory.Rename("a.log." + std::to_string(old), "a.log." + std::to_string(old + 1));
    }
    all.directory.Append("a.log", "more of " + std::to_string(i) + "\n");
    all.directory.SetModified("a.log", all.clock.Now() + seconds(i));
    all.directory.Rename("a.log", "a.log.1");
    all.directory.Write("a.log", "");
    expected.push_back("more of " + std::to_string(i));
  }
  all.clock.Advance(seconds(30));
  EXPECT_EQ(all.Read(), expected);
}

TEST_F(Rotation, BeforeTheFirstLookIsFollowedByWhatIsToldOfIt) {
  Read();
  directory.Write("a.log", "1\n");
  Rotate();
  directory.Append("a.log", "2\n");
  watcher->TellOfMove(directory / "a.log", directory / "a.log.1");
  EXPECT_EQ(Read(), (Texts{"1", "2"}));
  ASSERT_EQ(ledger.size(), 2U);
  EXPECT_EQ(ledger.at(1).position.path, directory / "a.log") << "the name that it is ours by";
  directory.Append("a.log.1", "late\n");
  Start();
  EXPECT_EQ(Read(), (Texts{"late"}));
}

TEST_F(Rotation, AgainBetweenWhatIsToldOfItAndTheLookIsFollowed) {
  Read();
  directory.Write("a.log", "1\n");
  directory.Rename("a.log", "a.log.1");
  watcher->TellOfMove(directory / "a.log", directory / "a.log.1");
  directory.Rename("a.log.1", "a.log.2");
  EXPECT_EQ(Read(), Texts{});
  watcher->TellOfMove(directory / "a.log.1", directory / "a.log.2");
  directory.Rename("a.log.2", "a.log.3");
  EXPECT_EQ(Read(), Texts{});
  watcher->TellOfMove(directory / "a.log.2", directory / "a.log.3");
  EXPECT_EQ(Read(), (Texts{"1"}));
  EXPECT_EQ(ledger.at(1).position.path, directory / "a.log");
  EXPECT_EQ(ReadAfterSweep(), Texts{});
  clock.Advance(seconds(60));
  EXPECT_EQ(ReadAfterSweep(), Texts{});
  EXPECT_EQ(Status().missing, 0U);
}

TEST_F(Rotation, TwiceInAMinuteOfAnOldFileDoesNotMakeItANewOne) {
  directory.Write("a.log", "1\n");
  directory.SetModified("a.log", clock.Now() - hours(48));
  EXPECT_EQ(Read(), (Texts{"1"}));
  for (int i = 0; i < 3; ++i) {
    const std::string from = i == 0 ? "a.log" : "a.log." + std::to_string(i);
    const std::string to = "a.log." + std::to_string(i + 1);
    directory.Rename(from, to);
    watcher->TellOfMove(directory / from, directory / to);
    EXPECT_EQ(Read(), Texts{});
    clock.Advance(seconds(15));
    EXPECT_EQ(Read(), Texts{});
  }
}

// It came with its old stamp, and was first looked at under its second name.
TEST_F(Rotation, TwiceInAMinuteOfAnOldFileThatCameDoesNotReadItTwice) {
  Read();
  directory.Write("a.log.1", "1\n");
  directory.SetModified("a.log.1", clock.Now() - hours(48));
  watcher->TellOfMove(directory / "a.log", directory / "a.log.1");
  EXPECT_EQ(Read(), (Texts{"1"}));
  directory.Rename("a.log.1", "a.log.2");
  watcher->TellOfMove(directory / "a.log.1", directory / "a.log.2");
  EXPECT_EQ(Read(), Texts{});
}

TEST_F(Rotation, ToACompressedNameIsNotFollowed) {
  Read();
  directory.Write("a.log.zst", "1\n");
  watcher->TellOfMove(directory / "a.log", directory / "a.log.zst");
  EXPECT_EQ(Read(), Texts{});
}

// A stranger's file that got the inode of one that could not be opened.
TEST_F(Rotation, OfAnUnreadFileIsNotSeenInWhateverHasItsInode) {
  Read();
  directory.Write("a.log", "1\n");
  files.FailOpen(directory / "a.log", ErrorKind::kRefused);
  EXPECT_EQ(ReadAfterChange("a.log"), Texts{});
  directory.Rename("a.log", "other.txt");
  directory.Append("other.txt", "2\n");
  EXPECT_EQ(ReadAfterChange("a.log"), Texts{});
  EXPECT_EQ(ReadAfterSweep(), Texts{});
  EXPECT_EQ(Status().missing, 1U);
}

TEST_F(Rotation, OfWhatIsNeverFoundIsCounted) {
  Read();
  watcher->TellOfMove(directory / "a.log", directory / "a.log.1", /*written=*/true);
  EXPECT_EQ(Read(), Texts{});
  EXPECT_EQ(Status().missing, 0U) << "it may be on its way";
  clock.Advance(seconds(60));
  Read();
  EXPECT_EQ(Status().missing, 1U);
}

// It was seen, and then renamed before it could be opened, while its writer went on.
TEST_F(Rotation, UnderTheEyesOfItsReaderIsFollowed) {
  Read();
  directory.Write("a.log", "1\n");
  files.FailOpen(directory / "a.log", ErrorKind::kNotFound);
  EXPECT_EQ(ReadAfterChange("a.log"), Texts{});
  files.FailList(directory.path(), ErrorKind::kNotFound);
  directory.Rename("a.log", "a.log.1");
  directory.Append("a.log.1", "late\n");
  EXPECT_EQ(ReadAfterChange("a.log"), Texts{});
  files.Heal();
  EXPECT_EQ(ReadAfterChange("b.log"), (Texts{"1", "late"}));
  EXPECT_EQ(ledger.at(1).position.path, directory / "a.log");
}

TEST_F(Rotation, BeforeTheFirstLookIsFollowedWhenAllIsLookedAt) {
  Read();
  directory.Write("a.log", "1\n");
  Rotate();
  directory.Append("a.log", "2\n");
  watcher->TellOfMove(directory / "a.log", directory / "a.log.1");
  EXPECT_EQ(ReadAfterSweep(), (Texts{"1", "2"}));
  EXPECT_EQ(ReadAfterSweep(), Texts{});
}

TEST_F(Rotation, OfAFileThatIsNotOursMakesItNotOurs) {
  directory.Write("a.log.1", "old\n");
  Read();
  directory.Rename("a.log.1", "a.log.2");
  watcher->TellOfMove(directory / "a.log.1", directory / "a.log.2");
  EXPECT_EQ(Read(), Texts{});
  directory.Write("b", "1\n");
  directory.Rename("b", "b.log");
  watcher->TellOfMove(directory / "b", directory / "b.log");
  EXPECT_EQ(Read(), (Texts{"1"})) << "but what is moved to a name of ours is";
  EXPECT_EQ(ledger.at(1).position.path, directory / "b.log");
}

TEST_F(Rotation, ARotatedNameThatMatchesIsNotReadTwice) {
  options.pattern = directory / "a.log*";
  directory.Write("a.log", "1\n");
  Read();
  directory.Append("a.log", "2\n");
  Rotate();
  directory.Append("a.log", "3\n");
  TellOfRotation();
  EXPECT_EQ(Read(), (Texts{"2", "3"}));
  EXPECT_EQ(ReadAfterSweep(), Texts{});
  directory.Rename("a.log.1", "a.log.2");
  Rotate();
  EXPECT_EQ(ReadAfterSweep(), Texts{});
  Start();
  EXPECT_EQ(Read(), Texts{}) << "nor after a restart";
  clock.Advance(hours(25));
  EXPECT_EQ(Read(), Texts{});
  EXPECT_EQ(Over(), 0) << "it is a file of the source for as long as it is there";
  EXPECT_EQ(Status().files, 3U);
}

TEST_F(Rotation, WhileTheProgramWasDownIsMadeUpFor) {
  directory.Write("a.log", "1\n");
  Read();
  directory.Append("a.log", "2\n");
  Rotate();
  directory.Append("a.log", "3\n");
  Start();
  EXPECT_EQ(Read(), (Texts{"2", "3"}));
  EXPECT_EQ(ledger.at(1).position.path, directory / "a.log");
}

TEST_F(Rotation, AfterARestartTheRotatedFileIsFollowed) {
  directory.Write("a.log", "1\n");
  Read();
  std::ofstream writer(directory / "a.log", std::ios::app);
  Rotate();
  Start();
  EXPECT_EQ(Read(), Texts{});
  writer << "late\n" << std::flush;
  EXPECT_EQ(ReadAfterChange("a.log.1"), (Texts{"late"}));
}

TEST_F(Rotation, ARotatedFileIsOverWhenItWasIdleForADay) {
  directory.Write("a.log", "1\n");
  Read();
  Rotate();
  directory.Append("a.log", "2\n");
  TellOfRotation();
  Read();
  clock.Advance(hours(23));
  Read();
  EXPECT_EQ(Over(), 0);
  clock.Advance(hours(1));
  Read();
  EXPECT_EQ(Over(), 1);
  EXPECT_EQ(ledger.size(), 1U);
  EXPECT_EQ(files.open_now(), 1);
}

TEST_F(Rotation, AnOldRotatedFileIsOverRightAfterARestart) {
  directory.Write("a.log", "1\n");
  Read();
  directory.SetModified("a.log", clock.Now() - hours(30));
  Rotate();
  Start();
  Read();
  EXPECT_EQ(Over(), 1);
  EXPECT_EQ(ledger.size(), 0U);
}

TEST_F(Rotation, ACompressedCopyIsNotRead) {
  options.pattern = directory / "a.log*";
  directory.Write("a.log", "1\n");
  Read();
  directory.Append("a.log", "2\n3\n");
  directory.Rename("a.log", "a.log.1");
  directory.Write("a.log.1.gz", "compressed\n");
  directory.Remove("a.log.1");
  EXPECT_EQ(ReadAfterSweep(), (Texts{"2", "3"})) << "the rest comes from the open file";
  EXPECT_EQ(Over(), 1);
}

TEST_F(Rotation, IntoAnotherDirectoryIsFollowedByTheOpenFile) {
  directory.MakeDirectory("old");
  directory.Write("a.log", "1\n");
  Read();
  std::ofstream writer(directory / "a.log", std::ios::app);
  directory.Rename("a.log", "old/a.log");
  directory.Write("a.log", "new\n");
  writer << "late\n" << std::flush;
  EXPECT_EQ(ReadAfterSweep(), (Texts{"late", "new"}));
  writer << "later\n" << std::flush;
  EXPECT_EQ(ReadAfterSweep(), (Texts{"later"}));
}

TEST_F(Rotation, ASymbolicLinkThatPointsElsewhereNowIsOne) {
  directory.MakeDirectory("data");
  directory.Write("data/one", "1\n");
  directory.Write("data/two", "3\n");
  std::filesystem::create_symlink("data/one", directory / "a.log");
  EXPECT_EQ(Read(), (Texts{"1"}));
  directory.Append("data/one", "2\n");
  std::filesystem::create_symlink("data/two", directory / "next");
  directory.Rename("next", "a.log");
  EXPECT_EQ(ReadAfterSweep(), (Texts{"2", "3"}));
}

TEST_F(Rotation, AFileThatIsNotOpenIsFoundUnderItsNewName) {
  options.max_open_files = 1;
  directory.Write("a.log", "1\n");
  directory.Write("b.log", "1\n");
  Read();
  directory.Append("a.log", "2\n");
  directory.Rename("a.log", "rotated away");
  directory.Write("a.log", "3\n");
  directory.Append("b.log", "2\n");
  directory.Rename("b.log", "b.log.1");
  directory.Write("b.log", "3\n");
  directory.SetModified("rotated away", clock.Now() - seconds(40));
  directory.SetModified("a.log", clock.Now() - seconds(30));
  directory.SetModified("b.log.1", clock.Now() - seconds(20));
  directory.SetModified("b.log", clock.Now() - seconds(10));
  EXPECT_EQ(ReadAfterSweep(), (Texts{"2", "3", "2", "3"}));
}

TEST_F(Rotation, AnIdleFileThatGetsItsNameBackIsNotReadAgain) {
  directory.Write("a.log", "1\n");
  Read();
  clock.Advance(hours(30));
  Read();
  directory.Rename("a.log", "a.log.bak");
  EXPECT_EQ(ReadAfterSweep(), Texts{});
  clock.Advance(hours(1));
  Read();
  directory.Rename("a.log.bak", "a.log");
  EXPECT_EQ(ReadAfterSweep(), Texts{});
  directory.Append("a.log", "2\n");
  EXPECT_EQ(ReadAfterSweep(), (Texts{"2"}));
}

TEST_F(Rotation, AFileOnItsWayIsNotGivenUpBeforeAllWasLookedAt) {
  options.max_open_files = 1;
  directory.MakeDirectory("away");
  directory.Write("a.log", "1\n");
  directory.Write("b.log", "1\n");
  Read();
  ASSERT_EQ(files.open_now(), 1);
  for (const char* name : {"a.log", "b.log"}) {
    directory.Rename(name, std::string("away/") + name);
    ReadAfterChange(name);
    directory.Rename(std::string("away/") + name, std::string(name) + ".2");
  }
  EXPECT_EQ(ReadAfterSweep(), Texts{});
  EXPECT_EQ(ledger.size(), 2U);
  directory.Append("a.log.2", "2\n");
  directory.Append("b.log.2", "3\n");
  EXPECT_EQ(ReadAfterSweep(), (Texts{"2", "3"}));
}

TEST_F(Rotation, ThatAFileWithoutANameWasClosedIsNotForgottenWhenItGetsOne) {
  directory.MakeDirectory("away");
  directory.Write("a.log", "1\n");
  Read();
  directory.Rename("a.log", "away/a.log");
  ReadAfterChange("a.log");
  directory.Rename("away/a.log", "a.log");
  ReadAfterChange("a.log", /*closed=*/true);
  clock.Advance(seconds(10));
  Read();
  EXPECT_EQ(Gone(), 1);
}

}  // namespace
}  // namespace backup_exporter
