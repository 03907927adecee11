// The last line of a file while it is being written.

#include <gtest/gtest.h>

#include "kit/source_rig.h"

namespace backup_exporter {
namespace {

using std::chrono::seconds;

class PartialLine : public testing::Test, protected SourceRig {};

TEST_F(PartialLine, AnUnfinishedLineIsNotReturned) {
  directory.Write("a.log", "one\ntw");
  EXPECT_EQ(Read(), (Texts{"one"}));
  EXPECT_EQ(Status().lag_bytes, 2U);
  directory.Append("a.log", "o\n");
  EXPECT_EQ(ReadAfterChange("a.log"), (Texts{"two"}));
  EXPECT_EQ(Status().lag_bytes, 0U);
}

TEST_F(PartialLine, ALineWrittenInFivePartsWithPausesIsOneRecord) {
  directory.Write("a.log", "");
  Read();
  for (const char* part : {R"({"mes)", R"(sage_type":)", R"("summary",)", R"("x":1)"}) {
    directory.Append("a.log", part);
    EXPECT_EQ(ReadAfterChange("a.log"), Texts{});
    clock.Advance(seconds(1));
    EXPECT_EQ(Read(), Texts{});
  }
  directory.Append("a.log", "}\n");
  EXPECT_EQ(ReadAfterChange("a.log"), (Texts{R"({"message_type":"summary","x":1})"}));
}

TEST_F(PartialLine, TheCheckpointStaysAtTheStartOfAPartialLine) {
  directory.Write("a.log", "one\ntwo");
  Read();
  EXPECT_EQ(ledger.at(1).position.offset, 4U);
}

TEST_F(PartialLine, APartialLineIsReturnedOnceAcrossARestart) {
  directory.Write("a.log", "one\ntw");
  Read();
  Start();
  EXPECT_EQ(Read(), Texts{});
  directory.Append("a.log", "o\nthree\n");
  EXPECT_EQ(ReadAfterChange("a.log"), (Texts{"two", "three"}));
  Start();
  EXPECT_EQ(Read(), Texts{});
}

TEST_F(PartialLine, CompleteJsonWithoutANewlineIsReturnedWhenTheFileIsQuiet) {
  directory.Write("a.log", "one\n{\"a\":1}");
  EXPECT_EQ(Read(), (Texts{"one"}));
  clock.Advance(seconds(9));
  EXPECT_EQ(Read(), Texts{});
  clock.Advance(seconds(1));
  EXPECT_EQ(Read(), (Texts{"{\"a\":1}"}));
  EXPECT_EQ(Quiet(), 1);
  directory.Append("a.log", "\ntwo\n");
  EXPECT_EQ(ReadAfterChange("a.log"), (Texts{"two"}));
}

TEST_F(PartialLine, CompleteJsonWithoutANewlineIsReturnedWhenTheWriterClosesTheFile) {
  directory.Write("a.log", "{\"a\":1}");
  EXPECT_EQ(Read(), Texts{});
  EXPECT_EQ(ReadAfterChange("a.log", /*closed=*/true), (Texts{"{\"a\":1}"}));
}

TEST_F(PartialLine, TextWithoutANewlineIsNotReturnedHoweverQuietTheFileIs) {
  directory.Write("a.log", "repository lo");
  Read();
  clock.Advance(seconds(3600));
  EXPECT_EQ(Read(), Texts{});
  directory.Append("a.log", "cked\n");
  EXPECT_EQ(ReadAfterChange("a.log", true), (Texts{"repository locked"}));
}

TEST_F(PartialLine, APartialLineIsReturnedAtTheLastLook) {
  directory.Write("a.log", "one\nrepository lo");
  EXPECT_EQ(Read(/*last_look=*/true), (Texts{"one", "repository lo"}));
  EXPECT_EQ(Read(/*last_look=*/true), Texts{});
}

TEST_F(PartialLine, APartialLineOfNulsIsNoRecord) {
  directory.Write("a.log", std::string("one\n\0\0\0", 7));
  EXPECT_EQ(Read(/*last_look=*/true), (Texts{"one"}));
  EXPECT_EQ(steps.back().skipped.nul, 3U);
}

TEST_F(PartialLine, ATooLongPartialLineIsSkippedAtTheLastLook) {
  options.piece_size = 64;
  options.record_limit = 500;
  directory.Write("a.log", "one\n" + std::string(5000, 'x'));
  EXPECT_EQ(Read(/*last_look=*/true), (Texts{"one"}));
  EXPECT_EQ(steps.back().skipped.too_long, 5000U);
}

TEST_F(PartialLine, RecordsThatAreNotAcceptedAreReturnedAgain) {
  directory.Write("a.log", "one\ntwo\n");
  for (int i = 0; i < 3; ++i) {
    auto pieces = Turn();
    ASSERT_EQ(pieces.size(), 1U);
    ASSERT_EQ(pieces[0].records.size(), 2U);
    EXPECT_EQ(pieces[0].records[1].bytes, "two");
    EXPECT_LE(source->NextRead(), clock.Steady());
  }
  EXPECT_EQ(Read(), (Texts{"one", "two"}));
}

TEST_F(PartialLine, TheAcceptedDecoderStateIsPartOfTheNextPiece) {
  directory.Write("a.log", "one\n");
  auto pieces = Turn();
  ASSERT_EQ(pieces.size(), 1U);
  EXPECT_EQ(pieces[0].step.decoder_state, "");
  pieces[0].step.decoder_state = "state after one";
  Accept(pieces[0]);
  directory.Append("a.log", "two\n");
  watcher->ReportChange(directory / "a.log");
  pieces = Turn();
  ASSERT_EQ(pieces.size(), 1U);
  EXPECT_EQ(pieces[0].step.decoder_state, "state after one");
  Start();
  pieces = Turn();
  ASSERT_EQ(pieces.size(), 1U);
  EXPECT_EQ(pieces[0].step.decoder_state, "state after one");
}

}  // namespace
}  // namespace backup_exporter
