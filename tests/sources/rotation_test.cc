// A file is renamed, and another file appears under its name.

#include <gtest/gtest.h>

#include <fstream>

#include "kit/source_rig.h"

namespace backup_exporter {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

class Rotation : public testing::Test, protected SourceRig {
 protected:
  // As logrotate with `create`.
  void Rotate(const std::string& name = "a.log", const std::string& to = "a.log.1") {
    directory.Rename(name, to);
    directory.Write(name, "");
  }
  void ReportRotation() {
    watcher->ReportChange(directory / "a.log");
    watcher->ReportChange(directory / "a.log.1");
  }
};

TEST_F(Rotation, ARotatedFileIsReadToItsEndBeforeTheNewOne) {
  directory.Write("a.log", "1\n2\n");
  Read();
  directory.Append("a.log", "3\n4\n");
  Rotate();
  directory.Append("a.log", "5\n");
  ReportRotation();
  EXPECT_EQ(Read(), (Texts{"3", "4", "5"}));
  EXPECT_EQ(ledger.size(), 2U);
  EXPECT_EQ(ledger.at(1).position.path, directory / "a.log") << "not the rotated name";
}

TEST_F(Rotation, TheRotatedFileIsReadFirstWhenTheBudgetIsSmall) {
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
  // Modification times prove nothing: the new file seems older.
  directory.SetModified("a.log", clock.Now() - hours(48));
  ReportRotation();
  EXPECT_EQ(Read(), expected);
}

TEST_F(Rotation, ARotationIsNoticedWithoutAnyEvent) {
  directory.Write("a.log", "1\n");
  Read();
  directory.Append("a.log", "2\n");
  Rotate();
  directory.Append("a.log", "3\n");
  EXPECT_EQ(ReadAfterSweep(), (Texts{"2", "3"}));
}

TEST_F(Rotation, LateLinesOfAWriterThatKeptTheRotatedFileOpenAreRead) {
  directory.Write("a.log", "1\n");
  Read();
  std::ofstream writer(directory / "a.log", std::ios::app);
  Rotate();
  ReportRotation();
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

TEST_F(Rotation, AnUnfinishedLineIsCompletedAfterARotation) {
  directory.Write("a.log", "1\ntw");
  Read();
  std::ofstream writer(directory / "a.log", std::ios::app);
  Rotate();
  directory.Append("a.log", "new\n");
  ReportRotation();
  EXPECT_EQ(Read(), (Texts{"new"}));
  writer << "o\n" << std::flush;
  EXPECT_EQ(ReadAfterChange("a.log.1"), (Texts{"two"}));
}

TEST_F(Rotation, TheUnfinishedLineOfARotatedFileIsReturnedWhenTheFileIsQuiet) {
  directory.Write("a.log", "1\ntw");
  Read();
  Rotate();
  ReportRotation();
  EXPECT_EQ(Read(), Texts{});
  clock.Advance(seconds(10));
  EXPECT_EQ(Read(), (Texts{"tw"}));
  clock.Advance(seconds(60));
  EXPECT_EQ(Read(), Texts{});
}

TEST_F(Rotation, TenRotationsBetweenTwoLooksLoseNothing) {
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
  // Only the first file was known; no look saw the others under the matching name.
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

TEST_F(Rotation, ARotationBeforeTheFirstLookIsFollowedByItsEvents) {
  Read();
  directory.Write("a.log", "1\n");
  Rotate();
  directory.Append("a.log", "2\n");
  watcher->ReportMove(directory / "a.log", directory / "a.log.1");
  EXPECT_EQ(Read(), (Texts{"1", "2"}));
  ASSERT_EQ(ledger.size(), 2U);
  EXPECT_EQ(ledger.at(1).position.path, directory / "a.log") << "the path that matched";
  directory.Append("a.log.1", "late\n");
  Start();
  EXPECT_EQ(Read(), (Texts{"late"}));
}

TEST_F(Rotation, ASecondRotationBetweenAnEventAndTheLookIsFollowed) {
  Read();
  directory.Write("a.log", "1\n");
  directory.Rename("a.log", "a.log.1");
  watcher->ReportMove(directory / "a.log", directory / "a.log.1");
  directory.Rename("a.log.1", "a.log.2");
  EXPECT_EQ(Read(), Texts{});
  watcher->ReportMove(directory / "a.log.1", directory / "a.log.2");
  directory.Rename("a.log.2", "a.log.3");
  EXPECT_EQ(Read(), Texts{});
  watcher->ReportMove(directory / "a.log.2", directory / "a.log.3");
  EXPECT_EQ(Read(), (Texts{"1"}));
  EXPECT_EQ(ledger.at(1).position.path, directory / "a.log");
  EXPECT_EQ(ReadAfterSweep(), Texts{});
  clock.Advance(seconds(60));
  EXPECT_EQ(ReadAfterSweep(), Texts{});
  EXPECT_EQ(Status().missing, 0U);
}

TEST_F(Rotation, AnOldFileRotatedTwiceInAMinuteStaysTheSameFile) {
  directory.Write("a.log", "1\n");
  directory.SetModified("a.log", clock.Now() - hours(48));
  EXPECT_EQ(Read(), (Texts{"1"}));
  for (int i = 0; i < 3; ++i) {
    const std::string from = i == 0 ? "a.log" : "a.log." + std::to_string(i);
    const std::string to = "a.log." + std::to_string(i + 1);
    directory.Rename(from, to);
    watcher->ReportMove(directory / from, directory / to);
    EXPECT_EQ(Read(), Texts{});
    clock.Advance(seconds(15));
    EXPECT_EQ(Read(), Texts{});
  }
}

// The file appeared with an old modification time and was first observed under its second name.
TEST_F(Rotation, AnOldFileThatAppearsAndIsRotatedTwiceInAMinuteIsReadOnce) {
  Read();
  directory.Write("a.log.1", "1\n");
  directory.SetModified("a.log.1", clock.Now() - hours(48));
  watcher->ReportMove(directory / "a.log", directory / "a.log.1");
  EXPECT_EQ(Read(), (Texts{"1"}));
  directory.Rename("a.log.1", "a.log.2");
  watcher->ReportMove(directory / "a.log.1", directory / "a.log.2");
  EXPECT_EQ(Read(), Texts{});
}

TEST_F(Rotation, ARotationToACompressedNameIsNotFollowed) {
  Read();
  directory.Write("a.log.zst", "1\n");
  watcher->ReportMove(directory / "a.log", directory / "a.log.zst");
  EXPECT_EQ(Read(), Texts{});
}

// The renamed file stands for an unrelated one with the inode of a file that could not be opened.
TEST_F(Rotation, AFileWithTheInodeOfAnUnreadFileIsNotMistakenForIt) {
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

TEST_F(Rotation, ARotatedFileThatIsNeverFoundIsCountedAsMissing) {
  Read();
  watcher->ReportMove(directory / "a.log", directory / "a.log.1", /*written=*/true);
  EXPECT_EQ(Read(), Texts{});
  EXPECT_EQ(Status().missing, 0U) << "it may be between two names";
  clock.Advance(seconds(60));
  Read();
  EXPECT_EQ(Status().missing, 1U);
}

// The file was observed, and renamed before it could be opened, while its writer appended.
TEST_F(Rotation, AFileRotatedBetweenItsObservationAndItsOpeningIsFollowed) {
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

TEST_F(Rotation, ARotationBeforeTheFirstLookIsFollowedByASweep) {
  Read();
  directory.Write("a.log", "1\n");
  Rotate();
  directory.Append("a.log", "2\n");
  watcher->ReportMove(directory / "a.log", directory / "a.log.1");
  EXPECT_EQ(ReadAfterSweep(), (Texts{"1", "2"}));
  EXPECT_EQ(ReadAfterSweep(), Texts{});
}

TEST_F(Rotation, AMoveBetweenPathsThatDoNotMatchIsIgnored) {
  directory.Write("a.log.1", "old\n");
  Read();
  directory.Rename("a.log.1", "a.log.2");
  watcher->ReportMove(directory / "a.log.1", directory / "a.log.2");
  EXPECT_EQ(Read(), Texts{});
  directory.Write("b", "1\n");
  directory.Rename("b", "b.log");
  watcher->ReportMove(directory / "b", directory / "b.log");
  EXPECT_EQ(Read(), (Texts{"1"})) << "a move to a matching path is not";
  EXPECT_EQ(ledger.at(1).position.path, directory / "b.log");
}

TEST_F(Rotation, ARotatedFileWhoseNewNameMatchesIsReadOnce) {
  options.pattern = directory / "a.log*";
  directory.Write("a.log", "1\n");
  Read();
  directory.Append("a.log", "2\n");
  Rotate();
  directory.Append("a.log", "3\n");
  ReportRotation();
  EXPECT_EQ(Read(), (Texts{"2", "3"}));
  EXPECT_EQ(ReadAfterSweep(), Texts{});
  directory.Rename("a.log.1", "a.log.2");
  Rotate();
  EXPECT_EQ(ReadAfterSweep(), Texts{});
  Start();
  EXPECT_EQ(Read(), Texts{}) << "nor after a restart";
  clock.Advance(hours(25));
  EXPECT_EQ(Read(), Texts{});
  EXPECT_EQ(Over(), 0) << "it matches for as long as it exists";
  EXPECT_EQ(Status().files, 3U);
}

TEST_F(Rotation, ARotationWhileTheProgramWasDownLosesNothing) {
  directory.Write("a.log", "1\n");
  Read();
  directory.Append("a.log", "2\n");
  Rotate();
  directory.Append("a.log", "3\n");
  Start();
  EXPECT_EQ(Read(), (Texts{"2", "3"}));
  EXPECT_EQ(ledger.at(1).position.path, directory / "a.log");
}

TEST_F(Rotation, ARotatedFileIsReadOnAfterARestart) {
  directory.Write("a.log", "1\n");
  Read();
  std::ofstream writer(directory / "a.log", std::ios::app);
  Rotate();
  Start();
  EXPECT_EQ(Read(), Texts{});
  writer << "late\n" << std::flush;
  EXPECT_EQ(ReadAfterChange("a.log.1"), (Texts{"late"}));
}

TEST_F(Rotation, ARotatedFileIsOverAfterADayWithoutGrowth) {
  directory.Write("a.log", "1\n");
  Read();
  Rotate();
  directory.Append("a.log", "2\n");
  ReportRotation();
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
  EXPECT_EQ(ReadAfterSweep(), (Texts{"2", "3"})) << "the rest is read from the open file";
  EXPECT_EQ(Over(), 1);
}

TEST_F(Rotation, AFileRotatedIntoAnotherDirectoryIsReadOnThroughItsOpenFile) {
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

TEST_F(Rotation, ASymbolicLinkWithANewTargetCountsAsARotation) {
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

TEST_F(Rotation, ARotatedFileThatIsNotOpenIsFoundUnderItsNewName) {
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

TEST_F(Rotation, AFileBetweenTwoNamesIsNotGivenUpBeforeASweep) {
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

TEST_F(Rotation, TheClosingOfAFileWithoutAPathIsRememberedWhenItGetsOne) {
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
