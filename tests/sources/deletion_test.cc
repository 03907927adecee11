// A file is deleted, or its directory vanishes.

#include <gtest/gtest.h>

#include "kit/mounts.h"
#include "kit/need.h"
#include "kit/source_rig.h"

namespace backup_exporter {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

class Deletion : public testing::Test, protected SourceRig {};

TEST_F(Deletion, ADeletedFileIsReadToItsEndAndThenIsOver) {
  options.piece_size = 1024;
  budget = 1024;
  directory.Write("a.log", "first\n");
  EXPECT_EQ(Read(), (Texts{"first"}));
  Texts expected;
  for (int i = 0; i < 10'000; ++i) {
    expected.push_back("line " + std::to_string(i));
  }
  std::string text;
  for (const std::string& line : expected) text += line + "\n";
  directory.Append("a.log", text);
  directory.Remove("a.log");
  EXPECT_EQ(ReadAfterChange("a.log"), expected);
  EXPECT_EQ(Over(), 1);
  EXPECT_EQ(files.open_now(), 0) << "its disk space is free";
  EXPECT_TRUE(ledger.empty());
  EXPECT_EQ(Status().files, 0U);
}

TEST_F(Deletion, TheUnfinishedLineOfADeletedFileIsReturned) {
  directory.Write("a.log", "1\nunfini");
  Read();
  directory.Remove("a.log");
  EXPECT_EQ(ReadAfterChange("a.log"), (Texts{"unfini"}));
  EXPECT_EQ(Over(), 1);
}

TEST_F(Deletion, ANewFileOfTheSameNameWaitsForTheDeletedOne) {
  options.piece_size = budget = 16;
  directory.Write("a.log", "1\n");
  Read();
  directory.Append("a.log", "2\n3\n4\n5\n6\n7\n8\n9\nunfini");
  directory.Remove("a.log");
  directory.Write("a.log", "new\n");
  EXPECT_EQ(ReadAfterChange("a.log"),
            (Texts{"2", "3", "4", "5", "6", "7", "8", "9", "unfini", "new"}));
}

TEST_F(Deletion, TheSameBytesInANewFileCountAgainIfThePathWasEmptyBefore) {
  directory.Write("a.log", "1\n2\n");
  Read();
  directory.Remove("a.log");
  EXPECT_EQ(ReadAfterChange("a.log"), Texts{});
  directory.Write("a.log", "1\n2\n");
  EXPECT_EQ(ReadAfterChange("a.log"), (Texts{"1", "2"}));
}

TEST_F(Deletion, AFileRecreatedWithTheSameInodeIsANewGeneration) {
  options.max_open_files = 1;  // the inode of an open file is not reused
  directory.Write("a.log", "1\n2\n");
  Read();
  directory.Write("b.log", "1\n");
  ReadAfterChange("b.log");
  const auto inode = [&] { return SystemFiles().Stat(directory / "a.log")->inode; };
  const auto before = inode();
  for (int tries = 0; tries == 0 || (tries < 1000 && inode() != before); ++tries) {
    directory.Remove("a.log");
    directory.Write("a.log", "3\n4\n5\n");
  }
  if (inode() != before)
    GTEST_SKIP() << "this file system does not reuse inodes, like tmpfs and btrfs";
  EXPECT_EQ(ReadAfterChange("a.log"), (Texts{"3", "4", "5"}));
}

TEST_F(Deletion, TheDeletionOfAFileThatWasNeverOpenedIsNotReported) {
  directory.Write("a.log", "");
  Read();
  directory.Write("b.log", "1\n");
  directory.Remove("b.log");
  EXPECT_EQ(ReadAfterChange("b.log"), Texts{});
  EXPECT_TRUE(steps.empty());
  EXPECT_TRUE(Status().up);
}

TEST_F(Deletion, TheDeletionOfAnUnreadFileThatWasNotOpenIsCounted) {
  options.max_open_files = 1;
  directory.Write("a.log", "1\nunfini");
  directory.SetModified("a.log", clock.Now() - seconds(5));
  directory.Write("b.log", "1\n");
  Read();
  directory.Remove("a.log");
  EXPECT_EQ(ReadAfterChange("a.log"), Texts{});
  EXPECT_EQ(Over(), 0) << "it may be between two names";
  EXPECT_EQ(ReadAfterSweep(), Texts{});
  EXPECT_EQ(Over(), 1);
  EXPECT_EQ(Status().missing, 1U);
  EXPECT_EQ(messages.size(), 1U);
}

TEST_F(Deletion, AFileDeletedBeforeTheFirstLookIsCounted) {
  Read();
  watcher->ReportNew(directory / "a.log");
  watcher->ReportNew(directory / "a.txt");
  EXPECT_EQ(Read(), Texts{});
  EXPECT_EQ(Status().missing, 1U);
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_NE(messages[0].find("a.log: was deleted or moved before"), std::string::npos)
      << messages[0];
  EXPECT_TRUE(Status().up);
  watcher->ReportNew(directory / "b.log");
  ReadAfterSweep();
  EXPECT_EQ(Status().missing, 2U);

  directory.Write("c.log", "1\n");
  watcher->ReportNew(directory / "c.log");
  EXPECT_EQ(Read(), (Texts{"1"}));
  directory.Remove("c.log");
  watcher->ReportNew(directory / "c.log");
  Read();
  EXPECT_EQ(Status().missing, 2U) << "that one was read";
}

TEST_F(Deletion, ADeletionWhileTheProgramWasDownEndsTheGeneration) {
  directory.Write("a.log", "1\n");
  Read();
  directory.Remove("a.log");
  Start();
  EXPECT_EQ(Read(), Texts{});
  EXPECT_EQ(Over(), 1);
  EXPECT_TRUE(ledger.empty());
}

TEST_F(Deletion, TheDeletionOfAnEmptyFileIsNotReported) {
  directory.Write("a.log", "");
  Read();
  directory.Remove("a.log");
  ReadAfterChange("a.log");
  EXPECT_TRUE(steps.empty());
  EXPECT_EQ(files.open_now(), 0);
}

TEST_F(Deletion, EachDeletionOfTheFileOfALiteralPatternIsCountedOnce) {
  options.pattern = directory / "a.log";
  directory.Write("a.log", "1\n");
  Read();
  EXPECT_TRUE(Status().up);
  directory.Remove("a.log");
  ReadAfterChange("a.log");
  EXPECT_FALSE(Status().up);
  EXPECT_EQ(Status().missing, 1U);
  ReadAfterSweep();
  ReadAfterSweep();
  EXPECT_EQ(Status().missing, 1U);
  directory.Write("a.log", "2\n");
  EXPECT_EQ(ReadAfterChange("a.log"), (Texts{"2"}));
  EXPECT_TRUE(Status().up);
  directory.Remove("a.log");
  ReadAfterSweep();
  EXPECT_EQ(Status().missing, 2U);
  EXPECT_EQ(messages.size(), 3U);
}

TEST_F(Deletion, TheDeletionOfAllFilesOfAPatternIsNoFailure) {
  directory.Write("a.log", "1\n");
  Read();
  directory.Remove("a.log");
  ReadAfterSweep();
  EXPECT_TRUE(Status().up);
  EXPECT_EQ(Status().missing, 0U);
}

TEST_F(Deletion, AMissingDirectoryIsCounted) {
  options.pattern = directory / "logs/*.log";
  Read();
  EXPECT_FALSE(Status().up);
  EXPECT_EQ(Status().missing, 1U);
  directory.MakeDirectory("logs");
  directory.Write("logs/a.log", "1\n");
  EXPECT_EQ(ReadAfterSweep(), (Texts{"1"}));
  EXPECT_TRUE(Status().up);
  EXPECT_EQ(watcher->watched(), (Texts{directory / "logs"}));
}

TEST_F(Deletion, FilesOfADirectoryThatVanishedCountAsDeletedAfterADay) {
  // It may be on a file system that is not mounted for now.
  options.max_open_files = 1;
  options.pattern = directory / "logs/*.log";
  directory.MakeDirectory("logs");
  directory.Write("logs/a.log", "1\n");
  directory.Write("logs/b.log", "1\n");
  Read();
  directory.Rename("logs", "elsewhere");
  ReadAfterSweep();
  EXPECT_EQ(Over(), 0);
  EXPECT_FALSE(Status().up);
  directory.Rename("elsewhere", "logs");
  directory.Append("logs/a.log", "2\n");
  EXPECT_EQ(ReadAfterSweep(), (Texts{"2"}));
  EXPECT_TRUE(Status().up);

  std::filesystem::remove_all(directory / "logs");
  ReadAfterSweep();
  clock.Advance(hours(24));
  Read();
  EXPECT_EQ(ledger.size(), 0U);
  EXPECT_EQ(files.open_now(), 0);
}

TEST_F(Deletion, ARestartWhileTheDirectoryIsAwayForgetsNothing) {
  options.pattern = directory / "logs/*.log";
  directory.MakeDirectory("logs");
  directory.Write("logs/a.log", "1\n");
  Read();
  directory.Rename("logs", "elsewhere");
  Start();
  EXPECT_EQ(Read(), Texts{});
  EXPECT_EQ(Over(), 0);
  directory.Rename("elsewhere", "logs");
  directory.Append("logs/a.log", "2\n");
  EXPECT_EQ(ReadAfterSweep(), (Texts{"2"}));
}

// A disk with logs that is mounted and unmounted.
class Unmounting : public testing::Test, protected SourceRig {
 protected:
  Unmounting() : SourceRig("logs/*.log") {
    directory.MakeDirectory("logs");
    directory.MakeDirectory("disk");
    disk_.emplace(directory / "disk");
  }
  void SetUp() override { NEED(disk_->mounted() ? "" : "only root may mount"); }
  void MountDisk() { there_.emplace(directory / "disk", directory / "logs"); }
  void UnmountDisk() { there_.reset(); }

  std::optional<Mount> disk_, there_;
};

TEST_F(Unmounting, FilesOfAnUnmountedDiskCountAsDeletedAfterADay) {
  for (const std::size_t open : {256U, 1U}) {
    options.max_open_files = open;
    MountDisk();
    directory.Write("logs/a.log", "1\n");
    directory.Write("logs/b.log", "1\n");
    Start();
    Read();
    UnmountDisk();
    EXPECT_EQ(ReadAfterSweep(), Texts{});
    EXPECT_EQ(Over(), 0);
    directory.Append("disk/a.log", "2\n");
    MountDisk();
    EXPECT_EQ(ReadAfterSweep(), (Texts{"2"}));
    directory.Append("disk/b.log", "2\n");
    EXPECT_EQ(ReadAfterSweep(), (Texts{"2"}));
    directory.Remove("disk/a.log");
    directory.Remove("disk/b.log");
    EXPECT_EQ(ReadAfterSweep(), Texts{});
    EXPECT_TRUE(ledger.empty()) << "these files were deleted";
    UnmountDisk();
  }
  MountDisk();
  directory.Write("logs/a.log", "1\n");
  Start();
  Read();
  UnmountDisk();
  Start();
  Read();
  EXPECT_EQ(ledger.size(), 1U);
  clock.Advance(hours(24));
  Read();
  EXPECT_TRUE(ledger.empty());
}

TEST_F(Unmounting, UnmountingForgetsNoFilesThatWereIdleForDays) {
  MountDisk();
  directory.Write("logs/a.log", "1\n");
  Read();
  clock.Advance(hours(30));
  Read();
  UnmountDisk();
  EXPECT_EQ(ReadAfterSweep(), Texts{});
  EXPECT_EQ(Over(), 0);
  MountDisk();
  EXPECT_EQ(ReadAfterSweep(), Texts{}) << "they were read before";
  directory.Append("disk/a.log", "2\n");
  EXPECT_EQ(ReadAfterSweep(), (Texts{"2"}));
}

TEST_F(Unmounting, UnmountingBeforeAStartForgetsNothing) {
  MountDisk();
  directory.Write("logs/a.log", "1\n");
  Read();
  UnmountDisk();
  Start();
  EXPECT_EQ(Read(), Texts{});
  MountDisk();
  directory.Append("logs/a.log", "2\n");
  EXPECT_EQ(ReadAfterSweep(), (Texts{"2"}));
  EXPECT_EQ(ledger.size(), 1U);
}

TEST_F(Unmounting, FilesThatMovedToAnotherDiskAreReadOn) {
  directory.Write("logs/a.log", "1\n");
  directory.Write("logs/b.log", "1\n");
  Read();
  for (const char* name : {"a.log", "b.log"}) {
    std::filesystem::copy_file(directory / ("logs/" + std::string(name)),
                               directory / ("disk/" + std::string(name)));
  }
  directory.Append("disk/a.log", "2\n");
  MountDisk();
  EXPECT_EQ(ReadAfterSweep(), (Texts{"2"}));
  directory.Append("disk/b.log", "2\n");
  Start();
  EXPECT_EQ(Read(), (Texts{"2"}));
  EXPECT_EQ(ledger.size(), 2U);
}

TEST_F(Unmounting, AFileThatIsMovedToAnotherDiskIsReadToItsEnd) {
  directory.Write("logs/a.log", "1\n");
  Read();
  directory.Append("logs/a.log", "2\n");
  // As mv does between file systems.
  std::filesystem::copy_file(directory / "logs/a.log", directory / "disk/a.log");
  directory.Remove("logs/a.log");
  EXPECT_EQ(ReadAfterChange("logs/a.log"), (Texts{"2"}));
  EXPECT_EQ(Over(), 1);
  EXPECT_EQ(files.open_now(), 0);
}

}  // namespace
}  // namespace backup_exporter
