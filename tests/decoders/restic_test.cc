// The decoder of restic's output, line by line.

#include <gmock/gmock.h>

#include <string>

#include "kit/decoding.h"
#include "kit/event_text.h"

namespace backup_exporter {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using Texts = std::vector<std::string>;

Decoded DecodeOf(const std::string& text) {
  const auto decoder = MakeDecoder("restic");
  return DecodeLines(*decoder, text);
}

// Without messages.
Texts Events(const std::string& text) { return EventTexts(WithoutMessages(DecodeOf(text).events)); }
std::string Counts(const std::string& text) { return CountsText(DecodeOf(text).counts); }

std::string Summary(const std::string& members) {
  return R"({"message_type":"summary","files_new":1)" + members + "}";
}

constexpr const char* kSuccess = "finished backup success evidence=report files_new=1";

TEST(Restic, TheSummaryHasTheTimesOfTheRun) {
  EXPECT_THAT(
      Events(Summary(
          R"(,"backup_start":"2026-11-21T02:00:00.415219301+01:00",)"
          R"("backup_end":"2026-11-21T02:00:02.631602195+01:00","total_duration":2.216382894)")),
      ElementsAre("finished backup success evidence=report start=2026-11-21T01:00:00.415219Z "
                  "end=2026-11-21T01:00:02.631602Z duration=2.216383 files_new=1"));
  EXPECT_THAT(Events(Summary(R"(,"backup_start":"0001-01-01T00:00:00Z","total_duration":-1)")),
              ElementsAre(kSuccess));
}

TEST(Restic, RecordsWithValuesOfTheWrongTypeAreCounted) {
  for (const char* members :
       {R"(,"data_added":-1)", R"(,"data_added":"1")", R"(,"data_added":1.5)",
        R"(,"data_added":18446744073709551616)", R"(,"data_added":1e3)", R"(,"data_added":true)",
        R"(,"data_added":[])", R"(,"total_duration":"1")", R"(,"snapshot_id":7)",
        R"(,"backup_end":"2026-11-21 02:00:00")", R"(,"backup_end":1)", R"(,"dry_run":1)",
        R"(,"data_added":1e999)", R"(,"data_added":NaN)", ",\"snapshot_id\":\"\xff\""}) {
    EXPECT_THAT(Events(Summary(members)), IsEmpty()) << members;
    EXPECT_EQ(Counts(Summary(members)), "records=1 parse_errors=1") << members;
  }
  for (const char* line :
       {R"({"message_type":"status","percent_done":0,"files_done":-1})",
        R"({"message_type":"status","percent_done":0,"files_done":"1"})",
        R"({"message_type":"status","percent_done":0,"files_done":18446744073709551616})",
        R"({"message_type":"status","percent_done":1e999,"files_done":1})",
        R"({"message_type":"summary","num_errors":-1})",
        R"({"message_type":"summary","num_errors":"0"})",
        R"({"message_type":"summary","num_errors":0.0})",
        R"({"message_type":"exit_error","code":"1","message":"x"})",
        R"({"message_type":"exit_error","code":1,"message":2})",
        R"({"message_type":"wrapper_exit"})", R"({"message_type":"wrapper_exit","code":null})",
        R"({"message_type":"wrapper_exit","code":0,"time":"now"})",
        R"({"message_type":"wrapper_exit","code":99999999999})",
        R"({"message_type":"error","during":1})",
        R"({"message_type":"summary","files_restored":-1})"}) {
    EXPECT_THAT(Events(line), IsEmpty()) << line;
    EXPECT_EQ(Counts(line), "records=1 parse_errors=1") << line;
  }
}

TEST(Restic, TheLargestFiguresAreAccepted) {
  EXPECT_THAT(
      Events(Summary(R"(,"data_added":18446744073709551615)")),
      ElementsAre(
          "finished backup success evidence=report added_bytes=18446744073709551615 files_new=1"));
  EXPECT_THAT(Events(Summary(R"(,"total_duration":999999999)")),
              ElementsAre(HasSubstr(" duration=")));
  EXPECT_THAT(
      Events(
          R"({"message_type":"status","seconds_elapsed":18446744073709551615,"percent_done":0,"files_done":1})"),
      ElementsAre("started backup", HasSubstr("progress ")));
  EXPECT_THAT(Events(R"({"message_type":"wrapper_exit","code":1,"time":1e300})"),
              ElementsAre(HasSubstr("finished ? failure")));
}

TEST(Restic, OrderSpacesEscapesAndDuplicateKeysDoNotMatter) {
  for (const char* line :
       {R"({"files_new":1,"message_type":"summary"})",
        R"({ "message_type" : "summary", "files_new" : 1 })",
        R"({"message_\u0074ype":"summ\u0061ry","files_n\u0065w":1})",
        R"({"message_type":"status","files_new":0,"files_new":1,"message_type":"summary"})",
        "\r\x1b[2K{\"message_type\":\"summary\",\"files_new\":1}\r",
        "\x1b[2K\r{\"message_type\":\"summary\",\"files_new\":1} "}) {
    EXPECT_THAT(Events(line), ElementsAre(kSuccess)) << line;
    EXPECT_EQ(Counts(line), "records=1") << line;
  }
  EXPECT_THAT(Events(R"({"percent_done":0,"files_done":1,"message_type":"status"})"),
              ElementsAre("started backup", "progress 0s processed=0"));
}

TEST(Restic, DeepNestingIsHarmless) {
  std::string deep = R"({"message_type":"summary","files_new":)";
  for (int i = 0; i < 100'000; ++i) deep += R"({"a":[)";
  EXPECT_EQ(Counts(deep), "records=1 parse_errors=1");
  EXPECT_EQ(Counts(std::string(100'000, '[')), "records=1 text=1");
  std::string again;
  for (int i = 0; i < 10'000; ++i) again += R"({"message_type":)";
  EXPECT_EQ(Counts(again), "records=1 parse_errors=10000");
}

TEST(Restic, UnknownRecordsAndMembersAreCounted) {
  EXPECT_EQ(Counts(R"({"message_type":"weather","sun":true})"), "records=1 unknown_messages=1");
  EXPECT_EQ(Counts(R"({"sun":true})"), "records=1 unknown_messages=1");
  EXPECT_EQ(Counts(R"([1,2])"), "records=1 unknown_messages=1");
  EXPECT_EQ(Counts(R"([{"sun":true}])"), "records=1 unknown_messages=1");
  EXPECT_EQ(Counts(R"({"message_type":"error"})"), "records=1 unknown_messages=1");
  EXPECT_EQ(Counts(Summary(R"(,"sun":true,"moon":false)")), "records=1 unknown_fields=2");
  EXPECT_THAT(Events(Summary(R"(,"sun":true)")), ElementsAre(kSuccess));
}

TEST(Restic, KnownRecordsThatShowNoRunAreIgnored) {
  for (const char* line :
       {R"({"message_type":"initialized","id":"1","repository":"/srv"})",
        R"({"message_type":"version","version":"0.19.1"})",
        R"({"version":"0.17.3","go_version":"go1.23.3"})", R"({"name":"srv","struct_type":"node"})",
        R"({"message_type":"excluded_item","item":"/a"})",
        R"({"message_type":"summary","changed_snapshots":1})",
        R"({"message_type":"summary","packfiles":{},"blobs":{}})",
        R"([{"matches":[],"hits":0,"snapshot":"1"}])", R"([{"object_type":"blob","id":"1"}])",
        R"([{"current":true,"userName":"root"}])",
        R"({"message_type":"error","message":"advice"})"}) {
    EXPECT_THAT(Events(line), IsEmpty()) << line;
    EXPECT_EQ(Counts(line), "records=1") << line;
  }
  EXPECT_EQ(Counts("reading repository password from stdin\n{\n  \"version\": 2\n}\n"),
            "records=4 text=4");
}

// New versions have more kinds of summaries.
TEST(Restic, TheSummaryOfAnotherCommandIsNotThatOfRestore) {
  EXPECT_THAT(Events(R"({"message_type":"summary","copied_snapshots":3})"), IsEmpty());
  EXPECT_EQ(Counts(R"({"message_type":"summary","copied_snapshots":3,"total_bytes":1})"),
            "records=1 unknown_messages=1");
  EXPECT_THAT(Events(R"({"message_type":"summary"})"),
              ElementsAre(HasSubstr("finished restore success")));
  EXPECT_THAT(Events(R"({"message_type":"summary","files_restored":3,"new":1})"),
              ElementsAre(HasSubstr("finished restore success")));
}

TEST(Restic, TheEndOfTheScanStartsABackup) {
  const std::string up_to_0_15 =
      R"({"message_type":"status","action":"scan_finished","item":"","duration":0.2,"total_files":2})";
  const std::string since_0_16 =
      R"({"message_type":"verbose_status","action":"scan_finished","item":"","duration":0.2})";
  EXPECT_THAT(Events(up_to_0_15), ElementsAre("started backup"));
  EXPECT_THAT(Events(since_0_16), ElementsAre("started backup"));
  EXPECT_THAT(
      Events(R"({"message_type":"verbose_status","action":"restored","item":"/a","size":3})"),
      ElementsAre("started restore"));
}

TEST(Restic, SeveralRecordsInOneLineAreSeparated) {
  EXPECT_EQ(Counts(R"({"message_type":"sta)" + Summary("")), "records=1 parse_errors=1");
  EXPECT_THAT(Events(R"({"message_type":"sta)" + Summary("")), ElementsAre(kSuccess));
  EXPECT_THAT(Events(R"({"message_type":"sta{"message_type":"su)" + Summary("")),
              ElementsAre(kSuccess));
  EXPECT_THAT(Events("2026-11-21 host restic[7]: " + Summary("")), ElementsAre(kSuccess));
  EXPECT_EQ(Counts(R"([{"tags":null,"host":"we[{"tags":null}])"), "records=1 parse_errors=1");
  // A path may contain any text.
  EXPECT_THAT(
      Events(
          R"({"message_type":"error","error":{},"during":"archival","item":"/{\"message_type\":\"summary\",\"files_new\":1}"})"),
      ElementsAre("started backup"));
}

TEST(Restic, OnlyTheNewestProgressIsKept) {
  std::string text;
  for (int i = 1; i <= 1000; ++i) {
    text += R"({"message_type":"status","seconds_elapsed":)" + std::to_string(i) +
            R"(,"percent_done":0,"files_done":1})"
            "\n";
  }
  EXPECT_THAT(Events(text), ElementsAre("started backup", "progress 1000s processed=0"));
}

TEST(Restic, AnEventHasTheOffsetOfItsRecord) {
  const Decoded decoded = DecodeOf("some text\n" + Summary("") + "\n");
  ASSERT_EQ(decoded.events.size(), 1U);
  EXPECT_EQ(decoded.events[0].offset, 10U);
}

// Listings.

std::string Snapshot(const std::string& id, const std::string& host, const std::string& path) {
  return R"({"time":"2026-11-21T02:00:00+01:00","tree":"9b5e","paths":[")" + path +
         R"("],"hostname":")" + host + R"(","id":")" + id + "\"}";
}

TEST(Snapshots, SnapshotsOfOneHostAndPathProveTheirRuns) {
  EXPECT_THAT(
      Events("[" + Snapshot("a1", "web1", "/srv") + "," + Snapshot("a2", "web1", "/srv") + "]"),
      ElementsAre("archive a1 start=2026-11-21T01:00:00Z", "archive a2 start=2026-11-21T01:00:00Z",
                  StartsWith("archives 2")));
}

TEST(Snapshots, SnapshotsOfSeveralHostsOrPathsAreAmongOthers) {
  const Texts mixed{"archive a1 start=2026-11-21T01:00:00Z among_others",
                    "archive a2 start=2026-11-21T01:00:00Z among_others",
                    "archives 2 oldest=2026-11-21T01:00:00Z newest=2026-11-21T01:00:00Z"};
  EXPECT_EQ(
      Events("[" + Snapshot("a1", "web1", "/srv") + "," + Snapshot("a2", "db1", "/srv") + "]"),
      mixed);
  EXPECT_EQ(
      Events("[" + Snapshot("a1", "web1", "/srv") + "," + Snapshot("a2", "web1", "/home") + "]"),
      mixed);
  EXPECT_EQ(Events(R"([{"group_key":{},"snapshots":[)" + Snapshot("a1", "web1", "/srv") +
                   R"(]},{"group_key":{},"snapshots":[)" + Snapshot("a2", "db1", "/srv") + "]}]"),
            mixed);
}

TEST(Snapshots, ASnapshotKeepsItsFirstId) {
  std::string tagged = Snapshot("a2", "web1", "/srv");
  tagged.insert(1, R"("original":"a1",)");
  EXPECT_THAT(Events("[" + tagged + "]"),
              ElementsAre("archive a1 start=2026-11-21T01:00:00Z", StartsWith("archives 1")));
}

TEST(Snapshots, TheSummaryInASnapshotShowsTheRunSince0_17) {
  std::string snapshot = Snapshot("a1", "web1", "/srv");
  snapshot.insert(
      1,
      R"("summary":{"backup_end":"2026-11-21T02:00:07+01:00","data_added":5,"data_added_packed":3},)");
  EXPECT_THAT(Events("[" + snapshot + "]"),
              ElementsAre("archive a1 start=2026-11-21T01:00:00Z end=2026-11-21T01:00:07Z "
                          "added_bytes=5 added_stored_bytes=3",
                          StartsWith("archives 1")));
}

TEST(Snapshots, ADamagedSnapshotDoesNotHideTheOthers) {
  const std::string good = Snapshot("a1", "web1", "/srv");
  for (const char* bad :
       {R"({"time":"yesterday","tree":"1","id":"a2"})", R"({"tree":"1","id":"a2"})", "7", "null",
        R"({"time":"2026-11-21T02:00:00Z","tree":"1"})",
        R"({"time":"2026-11-21T02:00:00Z","tree":"1","id":7})",
        R"({"time":"2026-11-21T02:00:00Z","tree":"1","id":"a2","summary":{"data_added":-1}})"}) {
    const std::string text = "[" + good + "," + bad + "]";
    EXPECT_THAT(Events(text), ElementsAre("archive a1 start=2026-11-21T01:00:00Z")) << bad;
    EXPECT_EQ(Counts(text), "records=1 parse_errors=1") << bad;
  }
  EXPECT_THAT(Events(R"([{"group_key":{}},{"group_key":{},"snapshots":null}])"),
              ElementsAre("archives 0"));
}

TEST(Snapshots, AListingCountsItsSnapshots) {
  std::string later = Snapshot("a2", "web1", "/srv");
  later.replace(later.find("T02"), 3, "T03");
  EXPECT_THAT(
      Events("[" + later + "," + Snapshot("a1", "web1", "/srv") + "]"),
      testing::Contains("archives 2 oldest=2026-11-21T01:00:00Z newest=2026-11-21T02:00:00Z"));
  EXPECT_THAT(Events("[]"), ElementsAre("archives 0"));
}

// The output does not name the mode of `stats`; the counts show it in most cases.
TEST(Statistics, TheCountsShowWhichSizeIsMeasured) {
  EXPECT_THAT(Events(R"({"total_size":700,"total_blob_count":9,"snapshots_count":2})"),
              ElementsAre("repository stored=700 of_selection"))
      << "raw-data";
  EXPECT_THAT(Events(R"({"total_size":900,"total_file_count":4,"snapshots_count":2})"),
              ElementsAre("repository original=900 of_selection"))
      << "restore-size";
  EXPECT_THAT(Events(R"({"total_size":900,"total_file_count":4,"total_blob_count":9,)"
                     R"("snapshots_count":2})"),
              IsEmpty())
      << "blobs-per-file";
  EXPECT_THAT(Events(R"({"total_size":1,"snapshots_count":1})"), IsEmpty());
}

// Messages.

TEST(ResticRunMessages, UnreadableFilesAndTheFinalErrorAreMessages) {
  const std::string unreadable =
      R"({"message_type":"error","error":{"message":"open /a: permission denied"},)"
      R"("during":"archival","item":"/a"})";
  EXPECT_THAT(
      EventTexts(DecodeOf(unreadable + "\n" +
                          R"({"message_type":"exit_error","code":1,"message":"Fatal: no space"})")
                     .events),
      ElementsAre("started backup", R"(noted warning "open /a: permission denied")",
                  HasSubstr("finished backup failure"), R"(noted error "Fatal: no space")"));
}

TEST(ResticRunMessages, AnErrorWithoutTextGetsOne) {
  const auto note = [](const std::string& error) {
    return EventTexts(DecodeOf(R"({"message_type":"error",)" + error +
                               R"(,"during":"archival","item":"/a"})")
                          .events)
        .back();
  };
  EXPECT_EQ(note(R"("error":{})"), R"(noted warning "/a: error during archival")");
  EXPECT_EQ(note(R"("error":{"Op":"open","Path":"/a","Err":13})"),
            R"(noted warning "open /a: errno 13")");
  EXPECT_EQ(note(R"("error":{"message":"ciphertext"})"), R"(noted warning "/a: ciphertext")");
}

TEST(ResticRunMessages, MessagesOfACheckFollowItsEnd) {
  const std::string backup = R"({"message_type":"summary","files_new":1,"snapshot_id":"a1"})"
                             "\n";
  const std::string damage = R"({"message_type":"error","message":"pack x: does not exist\n"})"
                             "\n";
  const std::string end = R"({"message_type":"summary","num_errors":1})"
                          "\n";
  EXPECT_THAT(EventTexts(DecodeOf(backup + damage + end).events),
              ElementsAre(HasSubstr("finished backup success"), HasSubstr("finished check failure"),
                          R"(noted error "pack x: does not exist")"));
}

TEST(ResticRunMessages, ClassifiedLinesOfTextAreMessages) {
  EXPECT_THAT(EventTexts(DecodeOf("/none does not exist, skipping\nhello\n"
                                  "Fatal: all source directories/files do not exist\n")
                             .events),
              ElementsAre("started backup", R"(noted warning "/none does not exist, skipping")",
                          HasSubstr("finished backup failure"),
                          R"(noted error "Fatal: all source directories/files do not exist")"));
}

TEST(ResticRunMessages, ProgressIsNotAMessage) {
  EXPECT_THAT(
      EventTexts(
          DecodeOf(
              R"({"message_type":"status","percent_done":0,"files_done":1,"current_files":["/a"]})")
              .events),
      ElementsAre("started backup", HasSubstr("progress")));
}

}  // namespace
}  // namespace backup_exporter
