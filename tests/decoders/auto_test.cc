// Files whose tool is not configured.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "kit/decoding.h"
#include "kit/event_text.h"
#include "kit/paths.h"

namespace backup_exporter {
namespace {

namespace fs = std::filesystem;

// A recorded run that shows its tool is recognised, and decoded to the same events as by the
// decoder of that tool.
TEST(AutoFormat, EveryRecordedRunIsRecognisedAsItsOwnFormat) {
  std::size_t recognised = 0;
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(kTestdataDir) / "corpus")) {
    if (entry.path().filename() != "truth.json") continue;
    const auto truth = nlohmann::json::parse(ReadText(entry.path()));
    for (const auto& capture : truth.at("captures")) {
      const fs::path file = entry.path().parent_path() / capture.at("file").get<std::string>();
      const std::string name = capture.at("format");
      const std::string text = ReadText(file);
      const auto automatic = MakeDecoder("auto");
      const auto known = MakeDecoder(name);
      Decoded found;
      Decoded expected;
      for (const Record& record : RecordsOf(text, Framing::kDocuments)) {
        automatic->Decode(record, found);
        known->Decode(record, expected);
      }
      if (expected.events.empty()) continue;
      // A check or restore in plain text, or a text that any tool may print, is no proof.
      if (automatic->recognised() == nullptr) continue;
      ++recognised;
      EXPECT_EQ(automatic->recognised()->name, name) << file;
      EXPECT_EQ(EventTexts(WithoutMessages(found.events)),
                EventTexts(WithoutMessages(expected.events)))
          << file;
      // Of the records before the proof, only those that mean something are kept.
      const auto all = EventTexts(expected.events);
      for (const Event& event : found.events) {
        if (!std::holds_alternative<RunNoted>(event.what)) continue;
        EXPECT_THAT(all, testing::Contains(EventText(event))) << file;
      }
    }
  }
  EXPECT_GT(recognised, 600U);
}

TEST(AutoFormat, ARecordProvesOneFormatOnly) {
  for (const char* record :
       {R"({"message_type":"status","percent_done":0})", R"({"profiles":{"a":{}}})",
        R"({"type": "archive_progress", "finished": true})",
        R"([{"archives": [], "repository": {"label": "a"}}])", "Fatal: wrong password",
        "terminating with success status, rc 0",
        "[2026-11-21 00:26:27,450] INFO: a: Creating archive"}) {
    int proven = 0;
    for (const Format& format : Formats()) {
      if (format.recognises != nullptr && format.recognises(record)) ++proven;
    }
    EXPECT_EQ(proven, 1) << record;
  }
}

TEST(AutoFormat, RecordsBeforeTheRecognisedOneAreDecodedToo) {
  auto decoder = MakeDecoder("auto");
  Decoded out;
  decoder->Decode({.bytes = "/none does not exist, skipping", .offset = 0}, out);
  const std::string saved = decoder->Save();
  decoder = MakeDecoder("auto");
  decoder->Restore(saved);
  EXPECT_EQ(decoder->Save(), saved);
  decoder->Decode(
      {.bytes = R"({"message_type":"summary","files_new":1,"snapshot_id":"a1"})", .offset = 31},
      out);
  EXPECT_THAT(
      EventTexts(out.events),
      testing::ElementsAre("started backup", R"(noted warning "/none does not exist, skipping")",
                           testing::HasSubstr("reason=source_missing")));
  EXPECT_EQ(CountsText(out.counts), "records=2 text=1");
}

TEST(AutoFormat, TheRecognisedFormatIsSavedAndRestored) {
  auto decoder = MakeDecoder("auto");
  Decoded out;
  decoder->Decode(
      {.bytes = R"({"message_type":"status","percent_done":0,"files_done":1})", .offset = 0}, out);
  const std::string saved = decoder->Save();
  decoder = MakeDecoder("auto");
  EXPECT_EQ(decoder->recognised(), nullptr);
  decoder->Restore(saved);
  ASSERT_NE(decoder->recognised(), nullptr);
  EXPECT_EQ(decoder->recognised()->name, "restic");
  EXPECT_EQ(decoder->Save(), saved);
  decoder = MakeDecoder("auto");
  decoder->Restore("kopia {}");
  EXPECT_EQ(decoder->recognised(), nullptr);
}

}  // namespace
}  // namespace backup_exporter
