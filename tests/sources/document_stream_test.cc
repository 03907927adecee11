// Documents and text are cut out of the output of borg and borgmatic, however they are joined.
#include "sources/document_stream.h"

#include <gmock/gmock.h>

#include <random>
#include <string>
#include <vector>

namespace backup_exporter {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Texts = std::vector<std::string>;

struct Cut {
  Texts records;
  std::size_t used = 0;
  SkippedBytes skipped;
};

Cut CutText(std::string_view text, Tail tail = Tail::kOpen, std::uint64_t offset = 1000,
            std::size_t limit = 1 << 20) {
  Cut cut;
  std::vector<Record> records;
  cut.used = CutDocuments(text, offset, limit, tail, &records, &cut.skipped);
  std::uint64_t bytes_in_records = 0;
  for (const Record& record : records) {
    cut.records.emplace_back(record.bytes);
    bytes_in_records += record.bytes.size();
    EXPECT_EQ(text.substr(record.offset - offset, record.bytes.size()), record.bytes);
  }
  EXPECT_EQ(cut.used, bytes_in_records + cut.skipped.all());
  return cut;
}

TEST(CutDocuments, DocumentsOverManyLinesAndLinesOfTextAreCut) {
  const Cut cut =
      CutText("Creating archive\n{\n    \"a\": {\"b\": [1, 2]}\n}\n{\"c\": 3}\nthe end\n");
  EXPECT_THAT(cut.records, ElementsAre("Creating archive", "{\n    \"a\": {\"b\": [1, 2]}\n}",
                                       "{\"c\": 3}", "the end"));
}

TEST(CutDocuments, DocumentsAndTextWithinALineAreSeparated) {
  EXPECT_THAT(CutText("[{\"a\": 1}][{\"b\": 2}]").records,
              ElementsAre("[{\"a\": 1}]", "[{\"b\": 2}]"));
  EXPECT_THAT(CutText("[{\"a\": 1}]summary:\nall good\n").records,
              ElementsAre("[{\"a\": 1}]", "summary:", "all good"));
  EXPECT_THAT(CutText("[{\"a\": 1}]{\"type\": \"log_message\"}\n").records,
              ElementsAre("[{\"a\": 1}]", "{\"type\": \"log_message\"}"));
  EXPECT_THAT(CutText("Enter passphrase for key /k: {\"type\": 1}\n").records,
              ElementsAre("Enter passphrase for key /k:", "{\"type\": 1}"));
  EXPECT_THAT(CutText("hook says {\n  \"a\": 1\n}\n").records,
              ElementsAre("hook says", "{\n  \"a\": 1\n}"));
}

TEST(CutDocuments, BracketsInMessagesAreText) {
  for (const std::string line :
       {"[2026-11-21 00:26:27,450] INFO: local: Creating archive",
        "Command 'borg create /r::{hostname}-{now:%Y-%m-%dT%H:%M:%S.%f}' failed", "a { b",
        "b'{\\n    \"archive\": {\\n'", "see {\"a\": b} there", "[1, 2]", "{x}", "a ] b } c"}) {
    EXPECT_THAT(CutText(line + "\n").records, ElementsAre(line));
  }
}

TEST(CutDocuments, AnUnfinishedDocumentIsLeft) {
  const std::string whole = "text\n{\n  \"a\": \"} \\\" ]\",\n  \"b\": [{}, [], null, -1.5e3]\n}";
  for (std::size_t size = 6; size < whole.size(); ++size) {
    const Cut cut = CutText(whole.substr(0, size));
    EXPECT_THAT(cut.records, ElementsAre("text")) << size;
    EXPECT_EQ(cut.used, 5U) << size;
  }
  EXPECT_THAT(CutText(whole).records, ElementsAre("text", whole.substr(5)));
}

TEST(CutDocuments, AnUnfinishedLineOfTextIsLeft) {
  EXPECT_EQ(CutText("unfinished").used, 0U);
  EXPECT_EQ(CutText("unfinished", Tail::kQuiet).used, 0U);
  EXPECT_THAT(CutText("unfinished", Tail::kCut).records, ElementsAre("unfinished"));
}

TEST(CutDocuments, ADocumentThatBreaksOffIsSkippedOnceTheFileIsQuiet) {
  const std::string torn = "{\n    \"archive\": {\n        \"command_line\": [\n            \"/usr";
  EXPECT_THAT(CutText(torn).records, IsEmpty());
  const Cut cut = CutText(torn, Tail::kQuiet);
  EXPECT_THAT(cut.records, IsEmpty());
  EXPECT_EQ(cut.used, torn.size());
  EXPECT_GT(cut.skipped.cut_off, 0U);
}

TEST(CutDocuments, TheNextDocumentAfterOneThatBrokeOffIsCut) {
  const Cut cut = CutText("{\n  \"a\": {\n    \"b\": \"cut o\nKilled\n{\n  \"c\": 1\n}\n");
  EXPECT_THAT(cut.records, ElementsAre("Killed", "{\n  \"c\": 1\n}"));
  EXPECT_GT(cut.skipped.cut_off, 0U);
  EXPECT_THAT(CutText("{\"type\": \"log_me{\"type\": \"log_message\"}\n").records,
              ElementsAre("{\"type\": \"log_message\"}"));
}

// Within an array that broke off, a new document could be one of its items.
TEST(CutDocuments, ADocumentWithinOneThatBrokeOffIsCutOnceTheFileIsQuiet) {
  const std::string text = "{\n  \"a\": [\n    \"b\",\n{\n  \"c\": 1\n}\n";
  EXPECT_THAT(CutText(text).records, IsEmpty()) << "more may come";
  EXPECT_THAT(CutText(text, Tail::kQuiet).records, ElementsAre("{\n  \"c\": 1\n}"));
}

TEST(CutDocuments, ByteOrderMarksNulsAndBlankLinesBelongToNoRecord) {
  const Cut cut =
      CutText(std::string("\xEF\xBB\xBF\r\n\n") + std::string(5, '\0') + "text\r\n\n{\"a\": 1}\r\n",
              Tail::kOpen, 0);
  EXPECT_THAT(cut.records, ElementsAre("text", "{\"a\": 1}"));
  EXPECT_EQ(cut.skipped.nul, 5U);
}

TEST(CutDocuments, RecordsAboveTheLimitAreSkipped) {
  const Cut cut =
      CutText("{\"a\": \"0123456789\"}\n0123456789012345\nshort\n", Tail::kOpen, 1000, 15);
  EXPECT_THAT(cut.records, ElementsAre("short"));
  EXPECT_EQ(cut.skipped.too_long, 19U + 16U);
}

TEST(CutDocuments, TheRecordsDoNotDependOnHowTheBytesArrive) {
  const std::string text =
      "one\n[{\"a\": 1}, {\"b\": [2, 3]}][{\"c\": \"x\\\"{y\"}]two\n{\n \"d\": "
      "{}\n}\n{bad\nthree {now} [1]\nsee {\"e\": f} there\n{\n  \"g\": broken,\n  \"h\": [\n  "
      "]\n}\n"
      "four\n{\"i\": x {\"j\": y {\nfive {\"k\": 2}\n";
  const Cut whole = CutText(text, Tail::kCut);
  std::mt19937 random(7);
  for (int i = 0; i < 200; ++i) {
    Cut pieces;
    std::size_t end = 0;
    while (end < text.size()) {
      end = std::min(text.size(), end + 1 + random() % 12);
      const Tail tail = end == text.size() ? Tail::kCut : Tail::kOpen;
      const std::size_t begin = pieces.used;
      const Cut cut = CutText(std::string_view(text).substr(begin, end - begin), tail);
      pieces.records.insert(pieces.records.end(), cut.records.begin(), cut.records.end());
      pieces.used += cut.used;
      pieces.skipped.cut_off += cut.skipped.cut_off;
    }
    EXPECT_EQ(pieces.records, whole.records);
    EXPECT_EQ(pieces.skipped.cut_off, whole.skipped.cut_off);
  }
}

TEST(CutDocuments, EndlessNestingDoesNotHideTheNextRecord) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "{\"a\":";
  const Cut cut = CutText(deep + "\nafter\n");
  EXPECT_THAT(cut.records, testing::Contains("after"));
}

TEST(FindValueEnd, TheEndOfAJsonValueIsFound) {
  using enum ValueEnd::Kind;
  const auto kind = [](std::string_view text) { return FindValueEnd(text).kind; };
  EXPECT_EQ(kind(R"({"a": [true, false, null, 1e-5, "\u00e9"]} rest)"), kComplete);
  EXPECT_EQ(FindValueEnd(R"({"a": {}}{"b": 1})").size, 9U);
  for (const char* text : {"{", "{\"a\"", "{\"a\":", "{\"a\": 1", "[", "[1,", "[\"a", "[\"\\"}) {
    EXPECT_EQ(kind(text), kUnfinished) << text;
  }
  for (const char* text : {"{a", "{]", "[}", "{\"a\" 1}", "{\"a\": 1 \"b\"}", "[1 2]", "[,", "{,}",
                           "{\"a\": }", "[\"line\nend\"]", "{1: 2}", "[:]"}) {
    EXPECT_EQ(kind(text), kInvalid) << text;
  }
}

}  // namespace
}  // namespace backup_exporter
