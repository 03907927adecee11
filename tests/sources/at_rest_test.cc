// When a file is quiet, and when its writer is gone.

#include <gtest/gtest.h>

#include <fstream>

#include "kit/need.h"
#include "kit/source_rig.h"

namespace backup_exporter {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

class AtRest : public testing::Test, protected SourceRig {
 protected:
  [[nodiscard]] FileIdentity IdentityOf(const std::string& name) const {
    return SystemFiles().Stat(directory / name)->identity();
  }
};

TEST_F(AtRest, AFileIsQuietTenSecondsAfterItsLastGrowth) {
  directory.Write("a.log", "1\n");
  Read();
  EXPECT_EQ(Quiet(), 0);
  clock.Advance(seconds(9));
  directory.Append("a.log", "2\n");
  ReadAfterChange("a.log");
  EXPECT_EQ(Quiet(), 0);
  EXPECT_EQ(source->NextRead(), clock.Steady() + seconds(10));
  clock.Advance(seconds(9));
  Read();
  EXPECT_EQ(Quiet(), 0);
  clock.Advance(seconds(1));
  Read();
  EXPECT_EQ(Quiet(), 1);
  EXPECT_EQ(Gone(), 0) << "it may write again";
  ASSERT_EQ(steps.size(), 1U);
  EXPECT_TRUE(steps[0].at_end);
  EXPECT_EQ(steps[0].position.offset, 4U);
}

TEST_F(AtRest, QuietIsReportedOnceForEachGrowth) {
  directory.Write("a.log", "1\n");
  Read();
  clock.Advance(seconds(10));
  Read();
  EXPECT_EQ(Quiet(), 1);
  for (int i = 0; i < 5; ++i) {
    ReadAfterSweep();
    EXPECT_TRUE(steps.empty());
  }
  directory.Append("a.log", "2\n");
  ReadAfterChange("a.log");
  EXPECT_EQ(Quiet(), 0);
  clock.Advance(seconds(10));
  Read();
  EXPECT_EQ(Quiet(), 1);
}

TEST_F(AtRest, QuietIsReportedUntilItIsAccepted) {
  directory.Write("a.log", "1\n");
  Read();
  clock.Advance(seconds(10));
  for (int i = 0; i < 3; ++i) {
    const auto pieces = Turn();
    ASSERT_EQ(pieces.size(), 1U);
    EXPECT_TRUE(pieces[0].step.quiet);
  }
}

TEST_F(AtRest, AFileIsQuietAtOnceWhenItsWriterClosesIt) {
  directory.Write("a.log", "1\n");
  Read();
  directory.Append("a.log", "2\n");
  EXPECT_EQ(ReadAfterChange("a.log", /*closed=*/true), (Texts{"2"}));
  EXPECT_EQ(Quiet(), 1);
  EXPECT_EQ(steps.size(), 1U) << "with the last records, not after them";
  EXPECT_EQ(Gone(), 0);
}

TEST_F(AtRest, AFileIsQuietWhenItsWriterClosesItLater) {
  directory.Write("a.log", "1\n");
  Read();
  clock.Advance(seconds(3));
  ReadAfterChange("a.log", /*closed=*/true);
  EXPECT_EQ(Quiet(), 1);
}

TEST_F(AtRest, TheWriterIsGoneTenSecondsAfterItClosedTheFile) {
  directory.Write("a.log", "1\n");
  Read();
  ReadAfterChange("a.log", /*closed=*/true);
  clock.Advance(seconds(9));
  Read();
  EXPECT_EQ(Gone(), 0);
  EXPECT_EQ(source->NextRead(), clock.Steady() + seconds(1));
  clock.Advance(seconds(1));
  Read();
  EXPECT_EQ(Gone(), 1);
  EXPECT_TRUE(steps[0].quiet && steps[0].at_end);
  for (int i = 0; i < 5; ++i) {
    ReadAfterSweep();
    EXPECT_TRUE(steps.empty());
  }
}

TEST_F(AtRest, TheWriterIsNotGoneIfItWritesAfterClosing) {
  directory.Write("a.log", "1\n");
  Read();
  ReadAfterChange("a.log", /*closed=*/true);
  directory.Append("a.log", "2\n");
  ReadAfterChange("a.log");
  clock.Advance(hours(1));
  Read();
  EXPECT_EQ(Quiet(), 1);
  EXPECT_EQ(Gone(), 0);
}

TEST_F(AtRest, TheClosingOfAFileIsRememberedAcrossARotation) {
  directory.Write("a.log", "1\n");
  Read();
  directory.Append("a.log", "2\n");
  directory.Rename("a.log", "a.log.1");
  watcher->ReportChange(directory / "a.log", /*closed=*/true);
  watcher->ReportChange(directory / "a.log.1");
  EXPECT_EQ(Read(), (Texts{"2"}));
  clock.Advance(seconds(10));
  Read();
  EXPECT_EQ(Gone(), 1);
}

TEST_F(AtRest, AnOldFileIsQuietAtTheFirstLook) {
  directory.Write("a.log", "1\n");
  directory.SetModified("a.log", clock.Now() - seconds(10));
  directory.Write("b.log", "1\n");
  directory.SetModified("b.log", clock.Now() - seconds(9));
  Read();
  EXPECT_EQ(Quiet(), 1);
  clock.Advance(seconds(1));
  Read();
  EXPECT_EQ(Quiet(), 1);
}

TEST_F(AtRest, QuietIsReportedAgainAfterARestart) {
  directory.Write("a.log", "1\n");
  directory.SetModified("a.log", clock.Now() - seconds(60));
  Read();
  Start();
  Read();
  ASSERT_EQ(steps.size(), 1U);
  EXPECT_EQ(steps[0].position, ledger.at(1).position);
  EXPECT_EQ(Quiet(), 1);
}

TEST_F(AtRest, AFileIsQuietAtTheLastLook) {
  directory.Write("a.log", "1\n");
  Read(/*last_look=*/true);
  EXPECT_EQ(Quiet(), 1);
  Read(/*last_look=*/true);
  EXPECT_TRUE(steps.empty());
}

TEST_F(AtRest, AnEmptyFileIsNotReported) {
  directory.Write("a.log", "");
  directory.Write("b.log", "unfinished");
  Read();
  clock.Advance(hours(1));
  Read();
  EXPECT_TRUE(steps.empty());
}

TEST_F(AtRest, QuietDoesNotDependOnTheWallClockWhileTheProgramRuns) {
  directory.Write("a.log", "1\n");
  Read();
  clock.SetWall(clock.Now() + hours(24 * 365));
  Read();
  EXPECT_EQ(Quiet(), 0);
  clock.SetWall(clock.Now() - hours(24 * 365 * 2));
  clock.Advance(seconds(10));
  Read();
  EXPECT_EQ(Quiet(), 1);
}

TEST_F(AtRest, AtTheFirstLookTheWriterIsGoneIfNoProcessHasTheFileOpen) {
  directory.Write("a.log", "1\n");
  directory.Write("b.log", "1\n");
  directory.Write("c.log", "1\n");
  for (const char* name : {"a.log", "b.log"}) directory.SetModified(name, clock.Now() - seconds(1));
  directory.SetModified("c.log", clock.Now() + seconds(1));
  files.SetOpenForWriting(std::set{IdentityOf("b.log")});
  Read();
  EXPECT_EQ(Gone(), 1);
  EXPECT_EQ(Quiet(), 1);
  for (const FileStep& step : steps) {
    EXPECT_EQ(step.writer_gone, step.position.path == directory / "a.log") << step.position.path;
  }
  // c.log was written to after the processes were examined.
  clock.Advance(hours(1));
  Read();
  EXPECT_EQ(Gone(), 0);
}

TEST_F(AtRest, AtTheFirstLookNoWriterIsGoneIfTheProcessesCannotBeExamined) {
  directory.Write("a.log", "1\n");
  directory.SetModified("a.log", clock.Now() - seconds(60));
  files.SetOpenForWriting(std::nullopt);
  Read();
  EXPECT_EQ(Quiet(), 1);
  EXPECT_EQ(Gone(), 0);
}

TEST_F(AtRest, TheWriterIsGoneIfTheMachineWasBootedSince) {
  directory.Write("a.log", "1\n");
  directory.SetModified("a.log", Time(seconds(1'000'000'000)));
  files.SetOpenForWriting(std::nullopt);
  Read();
  EXPECT_EQ(Gone(), 1);
}

TEST_F(AtRest, AfterARestartAWriterThatEndedMeanwhileIsGone) {
  directory.Write("a.log", "1\n");
  directory.SetModified("a.log", clock.Now() - seconds(60));
  files.SetOpenForWriting(std::set{IdentityOf("a.log")});
  Read();
  EXPECT_EQ(Gone(), 0);
  Start();
  files.SetOpenForWriting(std::set<FileIdentity>{});
  Read();
  EXPECT_EQ(Gone(), 1);
}

TEST_F(AtRest, AFileThatAppearsLaterIsNotJudgedByTheFirstLook) {
  directory.Write("a.log", "1\n");
  files.SetOpenForWriting(std::set<FileIdentity>{});
  Read();
  directory.Write("b.log", "1\n");
  directory.SetModified("b.log", clock.Now() - seconds(60));
  ReadAfterChange("b.log");
  EXPECT_EQ(Quiet(), 1);
  EXPECT_EQ(Gone(), 0);
}

TEST_F(AtRest, AtTheLastLookTheWriterIsGoneIfNoProcessHasTheFileOpen) {
  directory.Write("a.log", "1\n");
  files.SetOpenForWriting(std::set<FileIdentity>{});
  directory.SetModified("a.log", clock.Now());
  Read(/*last_look=*/true);
  EXPECT_EQ(Gone(), 1);
}

TEST(Writers, FilesOpenForWritingAreFound) {
  const TemporaryDirectory directory;
  directory.Write("closed", "1\n");
  directory.Write("read", "1\n");
  std::ofstream writer(directory / "written");
  std::ifstream reader(directory / "read");
  const auto open = FilesOpenForWriting();
  NEED(open ? "" : "not every process can be seen here");
  const auto is_open = [&](const char* name) {
    return open->contains(SystemFiles().Stat(directory / name)->identity());
  };
  EXPECT_TRUE(is_open("written"));
  EXPECT_FALSE(is_open("closed"));
  EXPECT_FALSE(is_open("read"));
}

}  // namespace
}  // namespace backup_exporter
