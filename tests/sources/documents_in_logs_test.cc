// Growing files of JSON documents and text.
#include <gmock/gmock.h>

#include <fstream>

#include "kit/source_rig.h"

namespace backup_exporter {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class DocumentsInLogs : public testing::Test {
 protected:
  void Append(const std::string& text) {
    std::ofstream(rig_.directory / "nas.log", std::ios::app) << text;
  }
  SourceRig rig_{"*.log", Framing::kDocuments};
};

TEST_F(DocumentsInLogs, ADocumentIsReadWhenItIsComplete) {
  Append("Creating archive\n{\n  \"archive\": ");
  EXPECT_THAT(rig_.Read(), ElementsAre("Creating archive"));
  Append("{}\n}\n");
  EXPECT_THAT(rig_.ReadAfterChange("nas.log"), ElementsAre("{\n  \"archive\": {}\n}"));
}

TEST_F(DocumentsInLogs, ADocumentWithoutANewlineIsReadAtOnce) {
  Append("[{\"a\": 1}]");
  EXPECT_THAT(rig_.Read(), ElementsAre("[{\"a\": 1}]"));
  Append("[{\"b\": 2}]");
  EXPECT_THAT(rig_.ReadAfterChange("nas.log"), ElementsAre("[{\"b\": 2}]"));
}

TEST_F(DocumentsInLogs, ADocumentThatBreaksOffIsSkippedWhenTheFileIsQuiet) {
  Append("{\n  \"archive\": {\n");
  EXPECT_THAT(rig_.Read(), IsEmpty());
  rig_.clock.Advance(std::chrono::seconds(11));
  EXPECT_THAT(rig_.Read(), IsEmpty());
  std::uint64_t cut_off = 0;
  for (const FileStep& step : rig_.steps) cut_off += step.skipped.cut_off;
  EXPECT_GT(cut_off, 0U);
  Append("{\"a\": 1}\n");
  EXPECT_THAT(rig_.ReadAfterChange("nas.log"), ElementsAre("{\"a\": 1}"));
}

TEST_F(DocumentsInLogs, ADocumentMayBeLargerThanOnePiece) {
  rig_.options.piece_size = 4096;
  std::string large = "{\n  \"archives\": [\n";
  for (int i = 0; i < 2000; ++i) large += "    {\"name\": \"archive\"},\n";
  large += "    {}\n  ]\n}";
  Append("before\n" + large + "\nafter\n");
  EXPECT_THAT(rig_.Read(), ElementsAre("before", large, "after"));
}

TEST_F(DocumentsInLogs, ADocumentAboveTheLimitIsSkippedAndTheNextOneIsRead) {
  rig_.options.piece_size = 4096;
  rig_.options.record_limit = 20'000;
  Append("[{\"a\": \"" + std::string(100'000, 'x') + "\"}]\nnext\n{\"b\": 2}\n");
  const Texts records = rig_.Read();
  EXPECT_THAT(records, testing::IsSupersetOf({"{\"b\": 2}"}));
  for (const std::string& record : records) EXPECT_LE(record.size(), 20'000U);
  std::uint64_t too_long = 0;
  for (const FileStep& step : rig_.steps) too_long += step.skipped.too_long;
  EXPECT_GT(too_long, 20'000U);
}

TEST_F(DocumentsInLogs, AReplacedFileOfDocumentsIsReadAnew) {
  Append("{\n  \"a\": 1\n}\n");
  EXPECT_THAT(rig_.Read(), ElementsAre("{\n  \"a\": 1\n}"));
  std::ofstream(rig_.directory / "nas.log", std::ios::trunc) << "{\n  \"a\": 2\n}\n";
  EXPECT_THAT(rig_.ReadAfterChange("nas.log"), ElementsAre("{\n  \"a\": 2\n}"));
}

TEST_F(DocumentsInLogs, AFileOfDocumentsIsReadOnAfterARestart) {
  Append("one\n{\"a\": 1}\n{\n");
  EXPECT_THAT(rig_.Read(), ElementsAre("one", "{\"a\": 1}"));
  rig_.Start();
  Append("  \"b\": 2\n}\n");
  EXPECT_THAT(rig_.Read(), ElementsAre("{\n  \"b\": 2\n}"));
}

}  // namespace
}  // namespace backup_exporter
