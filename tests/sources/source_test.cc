// A source as a whole: when it looks at which files, many files at a time, and its status.

#include "sources/source.h"

#include <gtest/gtest.h>

#include "kit/source_rig.h"
#include "sources/discovery.h"

namespace backup_exporter {
namespace {

using std::chrono::seconds;

class Sweeping : public testing::Test, protected SourceRig {};

TEST_F(Sweeping, NothingIsTouchedBeforeTheFirstRead) {
  directory.Write("a.log", "1\n");
  Start();
  EXPECT_EQ(files.opened(), 0U);
  EXPECT_TRUE(watcher->watched().empty());
  EXPECT_FALSE(Status().up);
  EXPECT_FALSE(Status().checked);
}

TEST_F(Sweeping, ASweepHappensEvery25Seconds) {
  Read();
  EXPECT_EQ(source->NextRead(), clock.Steady() + seconds(25));
  directory.Write("a.log", "1\n");
  clock.Advance(seconds(24));
  EXPECT_EQ(Read(), Texts{});
  clock.Advance(seconds(1));
  EXPECT_EQ(Read(), (Texts{"1"}));
}

TEST_F(Sweeping, ASweepHappensEvery5SecondsWithoutAWatcher) {
  Start();
  watcher->SetBlind(true);
  Read();
  EXPECT_TRUE(Status().polling);
  EXPECT_EQ(source->NextRead(), clock.Steady() + seconds(5));
  directory.Write("a.log", "1\n");
  clock.Advance(seconds(5));
  EXPECT_EQ(Read(), (Texts{"1"}));
  watcher->SetBlind(false);
  clock.Advance(seconds(5));
  Read();
  EXPECT_FALSE(Status().polling);
}

TEST_F(Sweeping, ASweepHappensAtOnceWhenEventsWereLost) {
  Read();
  directory.Write("a.log", "1\n");
  watcher->RequestSweep();
  EXPECT_EQ(Read(), (Texts{"1"}));
}

TEST_F(Sweeping, AChangedFileIsReadAtOnceAndNoOtherIs) {
  directory.Write("a.log", "1\n");
  directory.Write("b.log", "1\n");
  Read();
  directory.Append("a.log", "2\n");
  directory.Append("b.log", "2\n");
  EXPECT_EQ(ReadAfterChange("a.log"), (Texts{"2"}));
}

TEST_F(Sweeping, DirectoriesThatMayHaveMatchingFilesAreWatched) {
  options.pattern = directory / "*/*.log";
  directory.MakeDirectory("one");
  directory.Write("file", "");
  Read();
  EXPECT_EQ(watcher->watched(), (Texts{directory / "one"}));
  directory.MakeDirectory("two");
  directory.Write("two/a.log", "1\n");
  EXPECT_EQ(ReadAfterSweep(), (Texts{"1"}));
  EXPECT_EQ(watcher->watched(), (Texts{directory / "one", directory / "two"}));
}

TEST_F(Sweeping, FilesThatDoNotMatchAreIgnored) {
  Read();
  directory.Write("a.txt", "1\n");
  EXPECT_EQ(ReadAfterChange("a.txt"), Texts{});
  EXPECT_EQ(ReadAfterSweep(), Texts{});
  EXPECT_EQ(files.opened(), 0U);
}

class ManyFiles : public testing::Test, protected SourceRig {};

TEST_F(ManyFiles, TheOldestFileIsReadFirst) {
  for (int i = 0; i < 5; ++i) {
    const std::string name = std::to_string(i) + ".log";
    directory.Write(name, name + "\n");
    directory.SetModified(name, clock.Now() - seconds(i));
  }
  EXPECT_EQ(Read(), (Texts{"4.log", "3.log", "2.log", "1.log", "0.log"}));
}

TEST_F(ManyFiles, OneReadReturnsPiecesOfSeveralFilesUpToTheBudget) {
  const std::string line(9999, 'x');
  for (int i = 0; i < 10; ++i) directory.Write(std::to_string(i) + ".log", line + "\n");
  budget = 50'000;
  const auto pieces = Turn();
  EXPECT_EQ(pieces.size(), 5U);
  EXPECT_LE(source->NextRead(), clock.Steady());
  EXPECT_EQ(Read().size(), 10U);
}

TEST_F(ManyFiles, ShortPiecesCountAsTheMemoryThatTheyUse) {
  for (int i = 0; i < 10; ++i) directory.Write(std::to_string(i) + ".log", "1\n");
  budget = 5 * kLeastPiece;
  EXPECT_EQ(Turn().size(), 5U);
  EXPECT_EQ(Read().size(), 10U);
}

TEST_F(ManyFiles, EachFileYieldsOnePieceATurn) {
  options.piece_size = 10;
  directory.Write("a.log", "1234\n1234\n1234\n");
  directory.Write("b.log", "1234\n1234\n1234\n");
  const auto pieces = Turn();
  ASSERT_EQ(pieces.size(), 2U);
  EXPECT_EQ(pieces[0].records.size(), 2U);
  EXPECT_FALSE(pieces[0].step.at_end);
  EXPECT_NE(pieces[0].file, pieces[1].file);
}

TEST_F(ManyFiles, FewFilesAreKeptOpen) {
  options.max_open_files = 8;
  for (int i = 0; i < 100; ++i) directory.Write(std::to_string(i) + ".log", "1\n");
  EXPECT_EQ(Read().size(), 100U);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 100; ++i) directory.Append(std::to_string(i) + ".log", "2\n");
    EXPECT_EQ(ReadAfterSweep(), Texts(100, "2"));
  }
  EXPECT_LE(files.most_open(), 8);
  EXPECT_EQ(Status().files, 100U);
  EXPECT_EQ(ledger.size(), 100U) << "no file was mistaken for a new one";
}

TEST_F(ManyFiles, TenThousandFilesAreRead) {
  for (int i = 0; i < 10'000; ++i) directory.Write(std::to_string(i) + ".log", "1\n");
  EXPECT_EQ(Read().size(), 10'000U);
  Start();
  EXPECT_EQ(Read().size(), 0U);
  EXPECT_EQ(Status().files, 10'000U);
  directory.Append("77.log", "2\n");
  EXPECT_EQ(ReadAfterChange("77.log"), (Texts{"2"}));
}

TEST_F(ManyFiles, AnIdleTurnTouchesNoFile) {
  for (int i = 0; i < 100; ++i) {
    const std::string name = std::to_string(i) + ".log";
    directory.Write(name, "1\n");
    directory.SetModified(name, clock.Now() - seconds(60));
    directory.Write(std::to_string(i) + ".txt", "1\n");
  }
  EXPECT_EQ(Read().size(), 100U);
  const std::size_t looks = files.looks();
  const std::size_t opened = files.opened();
  const std::uint64_t read = files.bytes_read();
  EXPECT_EQ(source->NextRead(), clock.Steady() + seconds(25));
  for (int i = 0; i < 24; ++i) {
    clock.Advance(seconds(1));
    EXPECT_EQ(Read(), Texts{});
  }
  EXPECT_EQ(files.looks(), looks);
  clock.Advance(seconds(1));
  EXPECT_EQ(Read(), Texts{});
  EXPECT_GT(files.looks(), looks) << "the sweep";
  EXPECT_EQ(files.opened(), opened) << "which opens nothing";
  EXPECT_EQ(files.bytes_read(), read);
}

TEST_F(ManyFiles, TheStatusReportsUnreadBytes) {
  options.piece_size = budget = 10;
  directory.Write("a.log", "1234\n1234\n1234\n");
  directory.Write("b.log", "1234\nunfin");
  directory.SetModified("a.log", clock.Now() - seconds(7));
  directory.SetModified("b.log", clock.Now() - seconds(8));
  auto pieces = Turn();
  EXPECT_EQ(Status().lag_bytes, 25U);
  for (Piece& piece : pieces) Accept(piece);
  EXPECT_LT(Status().lag_bytes, 25U);
  Read();
  EXPECT_EQ(Status().lag_bytes, 5U);
  EXPECT_EQ(Status().checked, clock.Now());
  EXPECT_EQ(Status().last_read, clock.Now());
  EXPECT_EQ(Status().modified, clock.Now() - seconds(7));
  EXPECT_TRUE(Status().up);
}

TEST_F(ManyFiles, TheNewestModificationIsThatOfExistingFiles) {
  directory.Write("a.log", "1\n");
  directory.SetModified("a.log", clock.Now() - seconds(100));
  directory.Write("b.log", "1\n");
  Read();
  directory.Remove("b.log");
  ReadAfterSweep();
  EXPECT_EQ(Status().modified, clock.Now() - seconds(130));
}

TEST(Discovery, PatternsMatchAsInTheShell) {
  const SystemFiles files;
  const Discovery discovery(files, "/var//log/./*/[ab]?.log");
  EXPECT_FALSE(discovery.literal());
  EXPECT_TRUE(discovery.Matches("/var/log/restic/a1.log"));
  EXPECT_FALSE(discovery.Matches("/var/log/restic/c1.log"));
  EXPECT_FALSE(discovery.Matches("/var/log/restic/deep/a1.log"));
  EXPECT_FALSE(discovery.Matches("/var/log/.hidden/a1.log"));
}

TEST(Discovery, CompressedFilesDoNotMatch) {
  const TemporaryDirectory directory;
  for (const char* name : {"a.log", "a.log.1", "a.log.2.gz", "a.log.3.xz", "a.log.4.zst"}) {
    directory.Write(name, "");
  }
  const SystemFiles files;
  const Discovery discovery(files, directory / "a.log*");
  EXPECT_EQ(discovery.Find().paths, (Texts{directory / "a.log", directory / "a.log.1"}));
  EXPECT_FALSE(discovery.Matches(directory / "a.log.2.gz"));
}

TEST(Discovery, ALiteralPatternIsItsOwnPath) {
  const SystemFiles files;
  const Discovery discovery(files, "/nowhere/a.log");
  EXPECT_TRUE(discovery.literal());
  EXPECT_EQ(discovery.Find().paths, (Texts{"/nowhere/a.log"}));
  EXPECT_TRUE(discovery.Directories().empty());
  EXPECT_EQ(Discovery(files, "/a.log").Directories(), (Texts{"/"}));
}

TEST(Discovery, PathsAreSplitAndJoined) {
  EXPECT_EQ(DirectoryOf("/a/b/c"), "/a/b");
  EXPECT_EQ(DirectoryOf("/c"), "/");
  EXPECT_EQ(NameOf("/a/b/c"), "c");
  EXPECT_EQ(JoinPath("/", "c"), "/c");
  EXPECT_EQ(JoinPath("/a", "c"), "/a/c");
}

}  // namespace
}  // namespace backup_exporter
