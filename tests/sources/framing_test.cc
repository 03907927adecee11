#include "sources/framing.h"

#include <gtest/gtest.h>

#include "kit/source_rig.h"

namespace backup_exporter {
namespace {

using namespace std::string_literals;

struct Cut {
  Texts records;
  std::size_t used = 0;
  SkippedBytes skipped;
};

Cut CutAll(std::string_view bytes, std::uint64_t offset = 100, std::size_t limit = 1000) {
  Cut cut;
  std::vector<Record> records;
  cut.used = CutLines(bytes, offset, limit, &records, &cut.skipped);
  std::uint64_t bytes_in_records = 0;
  for (const Record& record : records) {
    cut.records.emplace_back(record.bytes);
    bytes_in_records += record.bytes.size();
  }
  EXPECT_EQ(cut.used, bytes_in_records + cut.skipped.all());
  return cut;
}

TEST(Framing, CompleteLinesAreCutAndAnUnfinishedOneIsLeft) {
  const Cut cut = CutAll("one\ntwo\nthr");
  EXPECT_EQ(cut.records, (Texts{"one", "two"}));
  EXPECT_EQ(cut.used, 8U);
}

TEST(Framing, EachRecordHasItsOffset) {
  std::vector<Record> records;
  SkippedBytes skipped;
  CutLines("one\n\n\0\0two\n"s, 100, 1000, &records, &skipped);
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].offset, 100U);
  EXPECT_EQ(records[1].offset, 107U);
}

TEST(Framing, OneCarriageReturnBeforeTheNewlineIsRemoved) {
  EXPECT_EQ(CutAll("one\r\ntwo\r\r\nth\rree\n\r\n").records, (Texts{"one", "two\r", "th\rree"}));
}

TEST(Framing, BlankLinesAreSkipped) {
  EXPECT_EQ(CutAll("\n\n\r\none\n\n").records, (Texts{"one"}));
}

TEST(Framing, OtherLineSeparatorsAreData) {
  EXPECT_EQ(CutAll("a\xE2\x80\xA8"
                   "b\fc\vd\n")
                .records,
            (Texts{"a\xE2\x80\xA8"
                   "b\fc\vd"}));
}

TEST(Framing, NulsAreCountedAndTheTextAroundThemIsCut) {
  const Cut cut = CutAll("\0\0\0one\0\n\0\0\nhalf a li\0\0\0two\r\n"s);
  EXPECT_EQ(cut.records, (Texts{"one", "half a li", "two"}));
  EXPECT_EQ(cut.skipped.nul, 9U);
}

TEST(Framing, ALineOfTwoByteTextBecomesAFewRecords) {
  std::string line;
  for (int i = 0; i < 100; ++i) line += "a\0"s;
  EXPECT_EQ(CutAll(line + "\n").records.size(), 16U);
  const Cut cut = CutAll(line + "\0\0\0{}\n"s);
  EXPECT_EQ(cut.records.size(), 17U);
  EXPECT_EQ(cut.records.back(), "{}") << "the limit applies anew after a gap";
}

TEST(Framing, ALineAtTheLimitIsCutAndALongerOneIsSkipped) {
  const Cut cut = CutAll("12345\n123456\r\n12345\r\n", 100, 5);
  EXPECT_EQ(cut.records, (Texts{"12345", "12345"}));
  EXPECT_EQ(cut.skipped.too_long, 6U);
  EXPECT_EQ(cut.used, 21U);
}

TEST(Framing, AByteOrderMarkIsIgnoredOnlyAtTheStartOfTheFile) {
  EXPECT_EQ(CutAll("\xEF\xBB\xBFone\n", 0).records, (Texts{"one"}));
  EXPECT_EQ(CutAll("\xEF\xBB\xBFone\n", 7).records, (Texts{"\xEF\xBB\xBFone"}));
}

TEST(Framing, LeadingNulsAreCounted) {
  EXPECT_EQ(LeadingNuls(""), 0U);
  EXPECT_EQ(LeadingNuls("a\0"s), 0U);
  EXPECT_EQ(LeadingNuls("\0"s), 1U);
  EXPECT_EQ(LeadingNuls(std::string(100, '\0')), 100U);
  EXPECT_EQ(LeadingNuls(std::string(100, '\0') + "a\0\0"s), 100U);
}

TEST(Framing, AnUnfinishedLineIsCompleteIfItIsAClosedJsonObjectOrArray) {
  EXPECT_TRUE(IsWholeJsonLine("half a li\0\0{\"a\":1}"s, 100));
  EXPECT_FALSE(IsWholeJsonLine("{\"a\":1}\0\0half a li"s, 100));
  EXPECT_TRUE(IsWholeJsonLine(R"({"a":1})", 5));
  EXPECT_TRUE(IsWholeJsonLine(R"([1])", 5));
  EXPECT_FALSE(IsWholeJsonLine(R"({"a":1)", 5));
  EXPECT_FALSE(IsWholeJsonLine("12", 5));  // it may become 123
  EXPECT_FALSE(IsWholeJsonLine("done", 5));
  EXPECT_FALSE(IsWholeJsonLine("", 5));
}

TEST(Framing, DeeplyNestedJsonDoesNotOverflowTheStack) {
  EXPECT_FALSE(IsJson(std::string(1'000'000, '[')));
  EXPECT_TRUE(IsJson(std::string(1'000'000, '[') + std::string(1'000'000, ']')));
}

class Lines : public testing::Test, protected SourceRig {
 protected:
  static std::uint64_t Sum(const std::vector<FileStep>& of, std::uint64_t SkippedBytes::*what) {
    std::uint64_t sum = 0;
    for (const FileStep& step : of) sum += step.skipped.*what;
    return sum;
  }
};

TEST_F(Lines, ALineLongerThanAPieceIsReadWhole) {
  options.piece_size = 64;
  const std::string line(1000, 'x');
  directory.Write("a.log", "one\n" + line + "\ntwo\n");
  EXPECT_EQ(Read(), (Texts{"one", line, "two"}));
  EXPECT_EQ(ledger.at(1).position.offset, 1009U);
}

TEST_F(Lines, ALineMayBeMuchLongerThanTheBudget) {
  options.piece_size = 64;
  budget = 50;
  const std::string line(100'000, 'x');
  directory.Write("a.log", line + "\n" + line + "\r\ntwo\n");
  EXPECT_EQ(Read(), (Texts{line, line, "two"}));
}

TEST_F(Lines, ALineAboveTheLimitIsSkippedAndTheNextOneIsRead) {
  options.piece_size = 64;
  options.record_limit = 500;
  directory.Write("a.log",
                  "one\n" + std::string(501, 'x') + "\n" + std::string(500, 'y') + "\r\ntwo\n");
  EXPECT_EQ(Read(), (Texts{"one", std::string(500, 'y'), "two"}));
  EXPECT_EQ(Sum(steps, &SkippedBytes::too_long), 501U);
}

TEST_F(Lines, SkippingALongLineSurvivesARestart) {
  options.piece_size = 64;
  options.record_limit = 500;
  directory.Write("a.log", "one\n" + std::string(5000, 'x'));
  EXPECT_EQ(Read(), (Texts{"one"}));
  EXPECT_EQ(ledger.at(1).position.offset, 4U) << "the position is the start of the unfinished line";
  Start();
  EXPECT_EQ(Read(), Texts{});
  directory.Append("a.log", "xxx\ntwo\n");
  EXPECT_EQ(ReadAfterChange("a.log"), (Texts{"two"}));
  EXPECT_EQ(Sum(steps, &SkippedBytes::too_long), 5003U);
  Start();
  directory.Append("a.log", "three\n");
  EXPECT_EQ(Read(), (Texts{"three"})) << "its checksum is right";
}

TEST_F(Lines, ASlowlyGrowingLongLineIsNotReadAgainAndAgain) {
  options.piece_size = 64;
  std::string line;
  for (int i = 0; i < 200; ++i) {
    const std::string more(100, static_cast<char>('a' + i % 26));
    line += more;
    directory.Append("a.log", more);
    EXPECT_EQ(i == 0 ? Read() : ReadAfterChange("a.log"), Texts{});
  }
  EXPECT_LT(files.bytes_read(), 10U * line.size());
  directory.Append("a.log", "\n");
  EXPECT_EQ(ReadAfterChange("a.log"), Texts{line});
}

TEST_F(Lines, AHoleFullOfNulsIsSkippedWithoutBeingBuffered) {
  directory.Write("a.log", "one\n");
  directory.Truncate("a.log", 200 << 20);  // sparse
  directory.Append("a.log", "two\n");
  EXPECT_EQ(Read(), (Texts{"one", "two"}));
  EXPECT_EQ(Sum(steps, &SkippedBytes::nul), (200U << 20) - 4);
  Start();
  directory.Append("a.log", "three\n");
  EXPECT_EQ(Read(), (Texts{"three"})) << "its checksum is right";
}

TEST_F(Lines, TextBeforeAndAfterAHoleIsRead) {
  directory.Write("a.log", "one\nhalf a li");
  directory.Truncate("a.log", 200 << 20);
  directory.Append("a.log", "two\n");
  EXPECT_EQ(Read(), (Texts{"one", "half a li", "two"}));
  EXPECT_EQ(Sum(steps, &SkippedBytes::nul), (200U << 20) - 13);
  EXPECT_EQ(Sum(steps, &SkippedBytes::too_long), 0U);
  EXPECT_LT(files.bytes_read(), 20U << 20) << "most of the hole is not read";
  Start();
  directory.Append("a.log", "three\n");
  EXPECT_EQ(Read(), (Texts{"three"})) << "its checksum is right";
}

TEST_F(Lines, TextAfterATooLongLineAndAHoleIsRead) {
  options.piece_size = 64;
  options.record_limit = 500;
  directory.Write("a.log", std::string(501, 'x') + std::string(1000, '\0') + "two\n");
  EXPECT_EQ(Read(), (Texts{"two"}));
  EXPECT_EQ(Sum(steps, &SkippedBytes::too_long), 501U);
  EXPECT_EQ(Sum(steps, &SkippedBytes::nul), 1000U);
}

TEST_F(Lines, Utf16TextIsRefusedOnce) {
  directory.Write("a.log", "\xFF\xFEo\0n\0e\0\n\0"s);
  directory.Write("b.log", "one\n");
  EXPECT_EQ(Read(), (Texts{"one"}));
  EXPECT_EQ(ReadAfterSweep(), Texts{});
  EXPECT_EQ(messages.size(), 1U);
  EXPECT_EQ(Status().unreadable_files, 1U);
  EXPECT_FALSE(Status().up);
  directory.Write("a.log", "better\n");
  EXPECT_EQ(ReadAfterChange("a.log"), (Texts{"better"}));
  EXPECT_TRUE(Status().up);
}

TEST_F(Lines, AByteOrderMarkIsIgnored) {
  directory.Write("a.log", "\xEF\xBB\xBF{}\n");
  EXPECT_EQ(Read(), (Texts{"{}"}));
}

}  // namespace
}  // namespace backup_exporter
