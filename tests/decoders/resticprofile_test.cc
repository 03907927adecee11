#include <fmt/format.h>
#include <gmock/gmock.h>

#include <string>

#include "kit/decoding.h"
#include "kit/event_text.h"
#include "kit/paths.h"

namespace backup_exporter {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Decoded DecodeOf(const std::string& document, DecoderOptions options = {}) {
  const auto decoder = MakeDecoder("resticprofile", options);
  Decoded out;
  decoder->Decode({.bytes = document, .offset = 0}, out);
  return out;
}

// Without messages.
std::vector<std::string> Events(const std::string& document, DecoderOptions options = {}) {
  return EventTexts(WithoutMessages(DecodeOf(document, options).events));
}

std::string Document(const std::string& sections) {
  return R"({"profiles":{"web":{)" + sections + "}}}";
}

// The members that every section has; `text` is the content of `stderr`, escaped.
std::string Status(bool success, const std::string& error = "", const std::string& text = "") {
  return fmt::format(
      R"("success":{},"time":"2026-11-21T02:00:02+01:00","error":"{}","stderr":"{}","duration":3)",
      success, error, text);
}

std::string Backup(const std::string& members) { return Document(R"("backup":{)" + members + "}"); }

// The only run, as text.
std::string ResultIn(const std::string& document) {
  const auto runs = RunTexts(RunsIn(DecodeOf(document).events));
  return runs.size() == 1 ? runs[0] : fmt::format("{} runs", runs.size());
}

TEST(Resticprofile, ASectionShowsStartAndEndOfARun) {
  EXPECT_THAT(
      Events(Backup(Status(true))),
      ElementsAre(
          "\"web\" finished backup success evidence=report final start=2026-11-21T00:59:59Z "
          "end=2026-11-21T01:00:02Z duration=3"));
}

TEST(Resticprofile, RetentionIsForget) {
  const auto events = Events(Document(R"("retention":{)" + Status(true) + R"(},"check":{)" +
                                      Status(false, "exit status 1") + "}"));
  EXPECT_THAT(events, ElementsAre(HasSubstr("finished check failure"),
                                  HasSubstr("finished forget success")));
}

TEST(Resticprofile, UnknownSectionsAndMembersAreCounted) {
  const Decoded decoded = DecodeOf(Document(R"("prune":{},"backup":{)" + Status(true) + "}"));
  EXPECT_EQ(CountsText(decoded.counts), "records=1 unknown_messages=1");
  EXPECT_EQ(decoded.events.size(), 1U);
  EXPECT_EQ(CountsText(DecodeOf(Backup(Status(true) + R"(,"sun":1)")).counts),
            "records=1 unknown_fields=1");
}

TEST(Resticprofile, ACommandThatNeverRanGivesNoEvent) {
  EXPECT_THAT(Events(Document(R"("backup":null)")), IsEmpty());
  EXPECT_THAT(Events(R"({"profiles":{}})"), IsEmpty());
  EXPECT_THAT(Events(R"({"profiles":{"web":{}}})"), IsEmpty());
}

TEST(Resticprofile, AnIncompleteDocumentGivesNoEvent) {
  const std::string whole = ReadText(std::string(kTestdataDir) + "/resticprofile/documented.json");
  for (std::size_t size = 0; size + 1 < whole.size(); ++size) {
    if (whole[size] == '\n') continue;
    const Decoded decoded = DecodeOf(whole.substr(0, size));
    ASSERT_EQ(CountsText(decoded.counts), "records=1 parse_errors=1") << size;
    ASSERT_THAT(decoded.events, IsEmpty()) << size;
  }
}

TEST(Resticprofile, AMalformedSectionIsCountedAndTheOthersAreDecoded) {
  for (const char* section :
       {R"("check":{})", R"("check":7)", R"("check":{"success":true})",
        R"("check":{"time":"2026-11-21T02:00:02Z"})",
        R"("check":{"success":"true","time":"2026-11-21T02:00:02Z"})",
        R"("check":{"success":true,"time":"yesterday"})",
        R"("check":{"success":true,"time":"0001-01-01T00:00:00Z"})",
        R"("check":{"success":true,"time":"2026-11-21T02:00:02Z","duration":-1})",
        R"("check":{"success":true,"time":"2026-11-21T02:00:02Z","error":1})"}) {
    const Decoded decoded =
        DecodeOf(Document(section + std::string(R"(,"backup":{)") + Status(true) + "}"));
    EXPECT_EQ(CountsText(decoded.counts), "records=1 parse_errors=1") << section;
    EXPECT_EQ(decoded.events.size(), 1U) << section;
  }
  for (const char* document : {"[]", "7", "{}", R"({"profiles":null})", R"({"profiles":[]})",
                               R"({"profiles":{"web":7}})", R"({"profiles":{"":{}}})"}) {
    const Decoded decoded = DecodeOf(document);
    EXPECT_EQ(CountsText(decoded.counts), "records=1 parse_errors=1") << document;
    EXPECT_THAT(decoded.events, IsEmpty()) << document;
  }
}

// Results.

TEST(Resticprofile, ExitCode3OfABackupIsAWarning) {
  EXPECT_EQ(ResultIn(Backup(Status(false, "exit status 3"))), "backup warning source_unreadable");
  EXPECT_EQ(ResultIn(Document(R"("retention":{)" + Status(false, "exit status 3") + "}")),
            "forget failure other");
  EXPECT_EQ(ResultIn(Document(R"("check":{)" + Status(false, "exit status 3") + "}")),
            "check failure other");
}

// no-error-on-warning
TEST(Resticprofile, ASuccessWithUnreadableFilesIsAWarning) {
  EXPECT_EQ(
      ResultIn(Backup(Status(true, "", "Warning: at least one source file could not be read\\n"))),
      "backup warning source_unreadable");
  EXPECT_EQ(
      ResultIn(Backup(Status(
          true, "",
          R"({\"message_type\":\"error\",\"error\":{},\"during\":\"archival\",\"item\":\"/a\"}\n)"))),
      "backup warning source_unreadable");
  EXPECT_EQ(ResultIn(Backup(Status(
                true, "", R"({\"message_type\":\"exit_error\",\"code\":3,\"message\":\"x\"}\n)"))),
            "backup warning source_unreadable");
}

TEST(Resticprofile, HarmlessMessagesDoNotChangeASuccess) {
  for (const char* text :
       {R"({\"message_type\":\"error\",\"error\":{},\"during\":\"scan\",\"item\":\"/a\"}\n)",
        "Save(<data/7d>) returned error, retrying after 1.5s: connection reset by peer\\n",
        "unable to open cache: x\\n", "{\\n", "{}\\n[]\\n7\\n\\n\\n"}) {
    EXPECT_EQ(ResultIn(Backup(Status(true, "", text))), "backup success") << text;
  }
}

TEST(Resticprofile, AMissingSourceIsAFailure) {
  const std::string missing = "/srv/missing does not exist, skipping\\n";
  EXPECT_EQ(ResultIn(Backup(Status(true, "", missing))), "backup failure source_missing");
  EXPECT_EQ(ResultIn(Backup(Status(false, "exit status 3", missing))),
            "backup failure source_missing");
  EXPECT_EQ(
      ResultIn(Backup(Status(false, "exit status 1",
                             missing + "Fatal: all target directories/files do not exist\\n"))),
      "backup failure source_missing");
  EXPECT_EQ(ResultIn(Document(R"("check":{)" + Status(true, "", missing) + "}")), "check success");
}

TEST(Resticprofile, AKilledRunIsInterrupted) {
  for (const char* error : {"signal: killed", "signal: terminated", "exit status 137",
                            "exit status 143", "exit status 130"}) {
    EXPECT_EQ(ResultIn(Backup(Status(false, error))), "backup interrupted interrupted") << error;
  }
  EXPECT_EQ(ResultIn(Backup(Status(false, "exit status 1",
                                   "Fatal: unable to save snapshot: context canceled\\n"))),
            "backup interrupted interrupted");
  EXPECT_EQ(
      ResultIn(Backup(Status(false, "exit status 1", "signal interrupt received, cleaning up\\n"))),
      "backup interrupted interrupted");
}

TEST(Resticprofile, TheReasonComesFromTheMessagesOrTheExitCode) {
  EXPECT_EQ(
      ResultIn(Backup(Status(false, "exit status 1", "Fatal: wrong password or no key found\\n"))),
      "backup failure auth");
  EXPECT_EQ(ResultIn(Backup(Status(false, "exit status 11"))), "backup failure locked");
  EXPECT_EQ(ResultIn(Backup(
                Status(false, "exit status 1",
                       R"({\"message_type\":\"exit_error\",\"code\":12,\"message\":\"x\"}\n)"))),
            "backup failure auth");
  EXPECT_EQ(ResultIn(Backup(Status(false, "exit status 1"))), "backup failure other");
  EXPECT_EQ(ResultIn(Backup(Status(false, "bufio.Scanner: token too long"))),
            "backup failure other");
  EXPECT_EQ(ResultIn(Backup(Status(false))), "backup failure other");
}

TEST(Resticprofile, TheExitCodeIsParsedFromTheError) {
  const auto event = [](const char* error) { return Events(Backup(Status(false, error)))[0]; };
  EXPECT_THAT(event("exit status 11"), HasSubstr("exit_code=11 "));
  for (const char* error : {"exit status", "exit status ", "exit status x", "exit status 1x",
                            "exit status 99999999999", "signal: killed"}) {
    EXPECT_THAT(event(error), Not(HasSubstr("exit_code="))) << error;
  }
}

// Figures.

std::string Collected(const std::string& figures, DecoderOptions options = {}) {
  const auto events = Events(Backup(Status(true) + figures), options);
  const std::string head =
      "\"web\" finished backup success evidence=report final start=2026-11-21T00:59:59Z "
      "end=2026-11-21T01:00:02Z duration=3";
  EXPECT_EQ(events.size(), 1U);
  EXPECT_TRUE(events[0].starts_with(head)) << events[0];
  return events[0].substr(head.size());
}

constexpr DecoderOptions kExtended{.extended_status = true};

TEST(Resticprofile, ZerosAreUnknownFigures) {
  const char* zeros =
      R"(,"files_new":0,"files_changed":0,"files_unmodified":0,"files_total":0,"bytes_added":0,"bytes_added_packed":0,"bytes_total":0)";
  EXPECT_EQ(Collected(zeros), "");
  EXPECT_EQ(Collected(zeros, kExtended),
            " added_bytes=0 added_stored_bytes=0 processed_bytes=0 processed_files=0 files_new=0 "
            "files_changed=0 files_unmodified=0");
  EXPECT_EQ(Collected(""), "");
}

TEST(Resticprofile, NewFilesWithZeroBytesAddedHaveAnUnknownSize) {
  EXPECT_EQ(Collected(R"(,"files_new":3,"bytes_added":0,"bytes_added_packed":0,"bytes_total":9)"),
            " processed_bytes=9 files_new=3");
  EXPECT_EQ(Collected(R"(,"files_changed":3,"bytes_added":0,"bytes_total":9)"),
            " processed_bytes=9 files_changed=3");
  EXPECT_EQ(Collected(R"(,"files_new":3,"bytes_added":0,"bytes_total":9)", kExtended),
            " added_bytes=0 processed_bytes=9 files_new=3");
}

TEST(Resticprofile, AnUnchangedBackupAddedZeroBytes) {
  EXPECT_EQ(
      Collected(
          R"(,"files_new":0,"files_changed":0,"files_unmodified":3,"bytes_added":0,"bytes_added_packed":0,"bytes_total":9)"),
      " added_bytes=0 added_stored_bytes=0 processed_bytes=9 files_new=0 files_changed=0 "
      "files_unmodified=3");
}

// restic before 0.17 below resticprofile 0.32.
TEST(Resticprofile, AddedBytesStoredInZeroBytesHaveAnUnknownStoredSize) {
  for (const DecoderOptions options : {DecoderOptions{}, kExtended}) {
    EXPECT_EQ(Collected(R"(,"bytes_added":7,"bytes_added_packed":0)", options), " added_bytes=7");
    EXPECT_EQ(Collected(R"(,"bytes_added":7,"bytes_added_packed":5)", options),
              " added_bytes=7 added_stored_bytes=5");
  }
}

TEST(Resticprofile, AFailedRunHasNoFigures) {
  EXPECT_THAT(Events(Backup(Status(false, "exit status 3") + R"(,"files_new":3,"bytes_added":7)"),
                     kExtended),
              ElementsAre(AllOf(HasSubstr("finished backup warning"), Not(HasSubstr("added_bytes")),
                                Not(HasSubstr("files")))));
}

TEST(Resticprofile, ARunThatCouldNotStartHasNoDuration) {
  EXPECT_THAT(
      Events(Backup(
          R"("success":false,"time":"2026-11-21T02:00:02+01:00","error":"x","stderr":"","duration":0)")),
      ElementsAre("\"web\" finished backup failure evidence=report final end=2026-11-21T01:00:02Z "
                  "reason=other message=\"x\""));
}

// Messages.

TEST(Resticprofile, MessagesHaveTheTimeOfTheEnd) {
  const std::string text =
      R"(ssh: no route\n{\"message_type\":\"error\",\"error\":{\"message\":\"open /a: denied\"},)"
      R"(\"during\":\"archival\",\"item\":\"/a\"}\n\nFatal: gone\n)";
  EXPECT_THAT(EventTexts(DecodeOf(Backup(Status(false, "exit status 1", text))).events),
              ElementsAre(HasSubstr("finished backup failure"),
                          R"("web" noted warning at=2026-11-21T01:00:02Z "ssh: no route")",
                          R"("web" noted warning at=2026-11-21T01:00:02Z "open /a: denied")",
                          R"("web" noted error at=2026-11-21T01:00:02Z "Fatal: gone")",
                          R"("web" noted error at=2026-11-21T01:00:02Z "exit status 1")"));
}

}  // namespace
}  // namespace backup_exporter
