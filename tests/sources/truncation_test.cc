// A file keeps its identity, but not its content.

#include <gtest/gtest.h>

#include <fstream>

#include "kit/source_rig.h"

namespace backup_exporter {
namespace {

class Truncation : public testing::Test, protected SourceRig {};

TEST_F(Truncation, ATruncatedFileBeginsANewGeneration) {
  directory.Write("a.log", "1\n2\n3\n");
  Read();
  directory.Write("a.log", "4\n");
  EXPECT_EQ(ReadAfterChange("a.log"), (Texts{"4"}));
  EXPECT_EQ(Over(), 1);
  ASSERT_EQ(ledger.size(), 1U);
  EXPECT_EQ(ledger.begin()->first, 2);
  EXPECT_EQ(Status().truncated, 0U) << "everything had been read";
}

TEST_F(Truncation, AfterATruncationTheOldGenerationIsOverBeforeTheNewOneBegins) {
  directory.Write("a.log", "1\n2\n3\n");
  Read();
  directory.Write("a.log", "4\n");
  Read();
  watcher->ReportChange(directory / "a.log");
  Read();
  ASSERT_EQ(steps.size(), 2U);
  EXPECT_TRUE(steps[0].over);
  EXPECT_TRUE(steps[0].at_end && steps[0].quiet);
  EXPECT_EQ(steps[0].position.offset, 6U);
  EXPECT_FALSE(steps[1].over);
  EXPECT_EQ(steps[1].position.offset, 2U);
}

TEST_F(Truncation, AfterATruncationToNothingTheSameBytesCountAgain) {
  directory.Write("a.log", "1\n2\n");
  Read();
  directory.Truncate("a.log", 0);
  EXPECT_EQ(ReadAfterChange("a.log"), Texts{});
  EXPECT_EQ(Over(), 1);
  directory.Append("a.log", "1\n2\n");
  EXPECT_EQ(ReadAfterChange("a.log"), (Texts{"1", "2"}));
}

TEST_F(Truncation, ATruncationFollowedByGrowthBeyondTheCheckpointIsNoticed) {
  directory.Write("a.log", "1\n2\n");
  Read();
  directory.Write("a.log", "3\n4\n5\n6\n");
  EXPECT_EQ(ReadAfterSweep(), (Texts{"3", "4", "5", "6"}));
}

TEST_F(Truncation, ATruncationFollowedByOtherBytesOfTheSameSizeIsNoticed) {
  directory.Write("a.log", "1\n2\n");
  Read();
  directory.Write("a.log", "3\n4\n");
  EXPECT_EQ(ReadAfterChange("a.log"), (Texts{"3", "4"}));
}

TEST_F(Truncation, ATruncationWithinTheGranularityOfTimestampsIsNoticed) {
  // Both writes have the same modification time, as two writes within one kernel tick do.
  directory.Write("a.log", "1\n2\n");
  directory.SetModified("a.log", clock.Now());
  Read();
  directory.Write("a.log", "3\n4\n");
  directory.SetModified("a.log", clock.Now());
  EXPECT_EQ(ReadAfterSweep(), (Texts{"3", "4"}));
}

TEST_F(Truncation, ATruncationIsNoticedAlthoughTheFileBeginsTheSame) {
  // restic's output begins the same way every time.
  std::string head;
  for (int i = 0; i < 100; ++i)
    head += R"({"message_type":"status","percent_done":0})"
            "\n";
  directory.Write("a.log", head + "end of one\n");
  Read();
  directory.Write("a.log", head + "end of two, and more\n");
  EXPECT_EQ(ReadAfterChange("a.log").back(), "end of two, and more");
  EXPECT_EQ(Over(), 1);
}

TEST_F(Truncation, ARewriteThatKeepsTheEndIsNoticedByTheBeginning) {
  const std::string tail(8000, 'x');
  directory.Write("a.log", "one\n" + tail + "\n");
  Read();
  directory.Write("a.log", "two\n" + tail + "\nmore\n");
  EXPECT_EQ(ReadAfterChange("a.log"), (Texts{"two", tail, "more"}));
}

TEST_F(Truncation, AFileTruncatedToHalfIsReadFromTheStart) {
  directory.Write("a.log", "1\n2\n3\n4\n");
  Read();
  directory.Truncate("a.log", 4);
  directory.Append("a.log", "5\n");
  EXPECT_EQ(ReadAfterChange("a.log"), (Texts{"1", "2", "5"}));
}

TEST_F(Truncation, ATruncationBeforeEverythingWasReadIsCounted) {
  directory.Write("a.log", "1\nunfini");
  Read();
  directory.Write("a.log", "2\n");
  EXPECT_EQ(ReadAfterChange("a.log"), (Texts{"2"}));
  EXPECT_EQ(Status().truncated, 1U);
  EXPECT_EQ(messages.size(), 1U);
  EXPECT_TRUE(Status().up);
}

TEST_F(Truncation, CopyTruncateUnderAnAppendingWriterLosesNothing) {
  directory.Write("a.log", "1\n");
  Read();
  std::ofstream writer(directory / "a.log", std::ios::app);
  writer << "2\n" << std::flush;
  EXPECT_EQ(ReadAfterChange("a.log"), (Texts{"2"}));
  directory.Truncate("a.log", 0);
  writer << "3\n" << std::flush;
  EXPECT_EQ(ReadAfterChange("a.log"), (Texts{"3"}));
}

TEST_F(Truncation, CopyTruncateUnderAWriterThatDoesNotAppendLeavesAHole) {
  std::ofstream writer(directory / "a.log");
  writer << "1\n2\n3\n" << std::flush;
  Read();
  directory.Truncate("a.log", 0);
  writer << "4\n" << std::flush;
  EXPECT_EQ(ReadAfterChange("a.log"), (Texts{"4"}));
  EXPECT_EQ(steps.back().skipped.nul, 6U);
}

TEST_F(Truncation, AHoleLeftByATruncationIsSkippedWithoutReadingIt) {
  constexpr std::uint64_t kHole = std::uint64_t{1} << 30;
  directory.Write("a.log", "1\n");
  Read();
  const std::uint64_t read = files.bytes_read();
  directory.Truncate("a.log", 0);
  directory.Truncate("a.log", kHole);
  directory.Append("a.log", "2\n");
  EXPECT_EQ(ReadAfterChange("a.log"), (Texts{"2"}));
  EXPECT_EQ(steps.back().skipped.nul, kHole);
  directory.Append("a.log", "3\n");
  Start();
  EXPECT_EQ(Read(), (Texts{"3"})) << "the file is recognised";
  EXPECT_EQ(ledger.begin()->second.position.offset, kHole + 4);
  EXPECT_LT(files.bytes_read() - read, kHole / 10);
}

TEST_F(Truncation, ATruncationWhileTheProgramWasDownIsNoticed) {
  directory.Write("a.log", "1\n2\n");
  Read();
  directory.Write("a.log", "3\n4\n5\n");
  Start();
  EXPECT_EQ(Read(), (Texts{"3", "4", "5"}));
  EXPECT_EQ(Over(), 1);
}

TEST_F(Truncation, ATruncatedRotatedFileEndsAndBeginsNoGeneration) {
  directory.Write("a.log", "1\n2\n");
  Read();
  directory.Rename("a.log", "a.log.1");
  directory.Write("a.log", "3\n");
  EXPECT_EQ(ReadAfterSweep(), (Texts{"3"}));
  directory.Write("a.log.1", "other\n");
  EXPECT_EQ(ReadAfterSweep(), Texts{});
  EXPECT_EQ(Over(), 1);
}

}  // namespace
}  // namespace backup_exporter
