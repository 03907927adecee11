// The decoder of borg's output, record by record. For whole captures of the real tool see
// ingest/corpus_test.
#include <gmock/gmock.h>

#include <random>
#include <string>
#include <vector>

#include "decoders/borg_messages.h"
#include "kit/decoding.h"
#include "kit/event_text.h"

namespace backup_exporter {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;
using Texts = std::vector<std::string>;

Decoded Decode(const std::string& text, const DecoderOptions& options = {}) {
  const auto decoder = MakeDecoder("borg", options);
  Decoded out;
  for (const Record& record : RecordsOf(text, Framing::kDocuments)) decoder->Decode(record, out);
  return out;
}

// Without messages.
Texts Events(const std::string& text, const DecoderOptions& options = {}) {
  return EventTexts(WithoutMessages(Decode(text, options).events));
}

std::string Log(const std::string& level, const std::string& message,
                const std::string& name = "borg.archiver", const std::string& msgid = "") {
  return R"({"type": "log_message", "time": 1795216386.5, "message": ")" + message +
         R"(", "levelname": ")" + level + R"(", "name": ")" + name + '"' +
         (msgid.empty() ? "" : R"(, "msgid": ")" + msgid + '"') + "}\n";
}

std::string Rc(int code) {
  return Log("INFO", "terminating with some status, rc " + std::to_string(code),
             "borg.output.show-rc");
}

std::string Progress(std::uint64_t size, bool finished = false) {
  return R"({"original_size": )" + std::to_string(size) +
         R"(, "nfiles": 1, "path": "a", "type": "archive_progress", "time": 1795216387.0, "finished": )" +
         (finished ? "true" : "false") + "}\n";
}

std::string Created(const std::string& start, const std::string& end, double duration = 60,
                    const std::string& stats = R"("deduplicated_size": 5, "original_size": 9,
                    "compressed_size": 7, "nfiles": 2)") {
  return R"({"archive": {"id": "e1", "name": "n", "start": ")" + start + R"(", "end": ")" + end +
         R"(", "duration": )" + std::to_string(duration) + R"(, "stats": {)" + stats +
         R"(}}, "repository": {"id": "r", "last_modified": ")" + end +
         R"(", "location": "ssh://me:secret@nas/./repo?x=1"}})" + "\n";
}

const std::string kBegins = Log("INFO", R"(Creating archive at \"/r::n\")");

TEST(Borg, ADocumentOfCreateReportsTheArchive) {
  EXPECT_THAT(Events(Created("2026-11-21T00:12:00.000000", "2026-11-21T00:13:00.000000")),
              ElementsAre("in \"ssh://nas/./repo\" finished backup success evidence=report "
                          "start=2026-11-21T00:12:00Z end=2026-11-21T00:13:00Z duration=60 "
                          "added_bytes=5 added_stored_bytes=5 processed_bytes=9 processed_files=2 "
                          "snapshot=e1"));
}

TEST(Borg, ADocumentOfVersion2HasFileCounts) {
  const std::string text =
      Created("2026-11-21T00:12:00.123456+01:00", "2026-11-21T00:13:00.123456+01:00", 60,
              R"("original_size": 9, "nfiles": 12, "hashing_time": 0.1,
                                   "files_stats": {"A": 5, "U": 4, "M": 1, "E": 1, "C": 1})");
  EXPECT_THAT(Events(text), ElementsAre(HasSubstr(
                                "backup warning evidence=report start=2026-11-20T23:12:00.123456Z "
                                "end=2026-11-20T23:13:00.123456Z duration=60 processed_bytes=9 "
                                "processed_files=12 files_new=5 files_changed=1 "
                                "files_unmodified=4 errors=2 snapshot=e1")));
}

TEST(Borg, AnExitCodeConfirmsOrWorsensTheRun) {
  const std::string document = Created("2026-11-21T00:12:00", "2026-11-21T00:13:00");
  EXPECT_THAT(Events(document + Rc(0)),
              ElementsAre(HasSubstr("backup success"), HasSubstr("success evidence=exit_code "
                                                                 "of_last_run final")));
  EXPECT_THAT(Events(document + Rc(1)),
              ElementsAre(HasSubstr("backup success"), HasSubstr("backup warning")));
  EXPECT_THAT(Events(document + Rc(2)),
              ElementsAre(HasSubstr("backup success"), HasSubstr("backup failure")));
  EXPECT_THAT(Events(kBegins + Rc(143)),
              ElementsAre(HasSubstr("started backup"), HasSubstr("backup interrupted")));
  EXPECT_THAT(Events(kBegins + Rc(73)),
              ElementsAre(HasSubstr("started backup"), HasSubstr("exit_code=73 reason=locked")));
  EXPECT_THAT(Events(Rc(0)), ElementsAre(StartsWith("finished ? success evidence=exit_code")))
      << "without an operation";
}

TEST(Borg, AMissingSourceIsAFailure) {
  const std::string document = Created("2026-11-21T00:12:00", "2026-11-21T00:13:00");
  for (const std::string missing :
       {"/none: [Errno 2] No such file or directory: 'none'",
        "/none: stat: [Errno 2] No such file or directory: '/none'",
        "/no/ne: open_root: [Errno 2] No such file or directory: '/no'"}) {
    EXPECT_THAT(Events(Log("WARNING", missing) + document),
                ElementsAre(HasSubstr("backup failure")))
        << missing;
  }
  EXPECT_THAT(
      Events(Log("WARNING", "/src/x: stat: [Errno 2] No such file or directory: 'x'") + document),
      ElementsAre(HasSubstr("backup warning")))
      << "it vanished during the backup";
}

TEST(Borg, WarningsThatAreNotAboutFilesDoNotCount) {
  const std::string document = Created("2026-11-21T00:12:00", "2026-11-21T00:13:00");
  EXPECT_THAT(Events(Log("WARNING", "Killed stale lock web1.60-0.", "borg.locking") +
                     Log("WARNING", R"(Warning: \"--prefix\" is deprecated.)") +
                     Log("WARNING", "Remote: x: [Errno 5] y", "root") + document),
              ElementsAre(HasSubstr("backup success")));
}

TEST(Borg, AFinalErrorFailsTheRun) {
  EXPECT_THAT(Events(Log("ERROR", "Repository /r does not exist.", "borg.archiver",
                         "Repository.DoesNotExist") +
                     Rc(13)),
              ElementsAre(StartsWith("finished ? failure evidence=report"),
                          HasSubstr("failure evidence=exit_code of_last_run")));
  EXPECT_THAT(Events(kBegins + Log("ERROR", "Got Ctrl-C / SIGINT.") + Rc(2)),
              ElementsAre(HasSubstr("started"), HasSubstr("backup interrupted"),
                          HasSubstr("interrupted evidence=exit_code of_last_run")));
}

// An error that prevents a run from starting belongs to another run than the reported one. An error
// while the cache was closed belongs to the reported run.
TEST(Borg, AnErrorAfterTheReportBelongsToTheRunOnlyIfItCanComeThen) {
  const std::string document = Created("2026-11-21T00:12:00", "2026-11-21T00:13:00");
  EXPECT_THAT(Events(document + Log("ERROR", "x", "borg.archiver", "LockTimeout")),
              ElementsAre(HasSubstr("backup success"), testing::Not(HasSubstr("of_last_run"))));
  EXPECT_THAT(Events(document + Log("ERROR", "[Errno 28] No space left on device", "borg.archiver",
                                    "Exception")),
              ElementsAre(HasSubstr("backup success"), HasSubstr("of_last_run")));
}

TEST(Borg, ProgressRecordsShowTheProgressOfTheRun) {
  EXPECT_THAT(
      Events(kBegins + Progress(0) + Progress(700)),
      ElementsAre(HasSubstr("started backup at=2026-11-20T23:13:06.500000Z may_end_silently"),
                  HasSubstr("progress 0.5s processed=700")));
  EXPECT_THAT(Events(Progress(0) + Progress(700) + Progress(0)),
              ElementsAre(HasSubstr("started"), HasSubstr("progress"), HasSubstr("started"),
                          HasSubstr("progress")))
      << "a new run begins with zeros";
}

// Without --json, --stats or --show-rc a run does not report its end.
TEST(Borg, ARunMayEndSilentlyUntilTheFileHasShownTheEndOfARun) {
  EXPECT_THAT(Events(Progress(700) +
                     R"({"time": 1795216388.0, "type": "archive_progress", "finished": true})"
                     "\n"),
              ElementsAre(HasSubstr("started"), HasSubstr("may_end_silently")));
  EXPECT_THAT(Events(kBegins + Rc(0) + kBegins),
              ElementsAre(HasSubstr("may_end_silently"), HasSubstr("success"),
                          testing::Not(HasSubstr("may_end_silently"))));
}

// The backup was killed, and the exit code is that of another command.
TEST(Borg, OutputThatCreateNeverPrintsDoesNotEndABackupWell) {
  const std::string compact = Log("INFO", "Remote: compaction freed about 1 kB", "root") + Rc(0);
  EXPECT_THAT(Events(kBegins + compact), ElementsAre(HasSubstr("started"), HasSubstr("withdrawn"),
                                                     HasSubstr("compact success")));
  const std::string whole = kBegins + Created("2026-11-21T00:12:00", "2026-11-21T00:13:00") + Rc(0);
  EXPECT_THAT(Events(whole + kBegins + compact).back(), HasSubstr("compact success"));
  EXPECT_THAT(Events(whole + kBegins + compact),
              testing::Contains(HasSubstr("backup interrupted")));
  EXPECT_THAT(Events(whole + kBegins + Rc(0)).back(), HasSubstr("backup interrupted"))
      << "the file shows every archive that was made";
}

TEST(Borg, AnInterruptedRunEndsAtTheTimeOfItsLastRecord) {
  const std::string text = kBegins + Rc(0) + kBegins + Progress(1) +
                           "Finished full repository check, no problems found.\n";
  EXPECT_THAT(Events(text),
              testing::Contains(testing::AllOf(HasSubstr("backup interrupted"),
                                               HasSubstr("end=2026-11-20T23:13:07Z"))));
}

TEST(Borg, MessagesAboutFilesDoNotProveABackup) {
  EXPECT_THAT(Events(Log("WARNING", "Include pattern 'x' never matched.") + Rc(1)),
              ElementsAre(HasSubstr("finished ? warning")))
      << "extract prints this too";
  EXPECT_THAT(Events(R"({"type": "file_status", "status": "A", "path": "a"})"
                     "\n" +
                     Rc(0)),
              ElementsAre(HasSubstr("finished ? success")))
      << "recreate prints this too";
}

TEST(Borg, AListedArchiveOfAnotherSeriesIsAmongOthers) {
  const std::string made = Created("2026-11-21T00:12:00", "2026-11-21T00:13:00");
  const std::string list =
      R"({"archives": [{"name": "db-1", "id": "a1", "time": "2026-11-20T01:00:00"}],
                              "repository": {"location": "/r"}})";
  EXPECT_THAT(Events(list).front(), testing::Not(HasSubstr("among_others")));
  EXPECT_THAT(Events(made + list)[1], HasSubstr("among_others"));
}

TEST(Borg, ADryRunIsRecognisedByItsList) {
  const std::string list = R"({"type": "file_status", "status": "-", "path": "a"})"
                           "\n";
  EXPECT_THAT(Events(kBegins + list + Rc(0)),
              ElementsAre(HasSubstr("started"), HasSubstr("withdrawn")));
}

TEST(Borg, OtherOperationsAreRecognisedByTheirOutput) {
  const auto last = [](const std::string& text) { return Events(text).back(); };
  EXPECT_THAT(last(Log("INFO", "Keeping archive (rule: daily #1): x", "borg.output.list") + Rc(0)),
              HasSubstr("finished prune success"));
  EXPECT_THAT(last(Log("INFO", "compaction freed about 1 kB", "borg.repository") + Rc(1)),
              HasSubstr("finished compact failure"));
  EXPECT_THAT(
      last(
          R"({"operation": 1, "msgid": "extract", "type": "progress_percent", "finished": true, "time": 1.0})"
          "\n" +
          Rc(0)),
      HasSubstr("finished restore success"));
  EXPECT_THAT(Events(Log("INFO", "Would prune:     x", "borg.output.list") + Rc(0)), IsEmpty());
}

TEST(Borg, DamageInEitherPartOfACheckIsAFailure) {
  const std::string first =
      Log("INFO", "Starting repository check", "borg.repository") +
      Log("INFO", "Finished full repository check, no problems found.", "borg.repository");
  const std::string second = Log("INFO", "Starting archive consistency check...", "borg.archive");
  const std::string clean =
      Log("INFO", "Archive consistency check complete, no problems found.", "borg.archive");
  const std::string bad =
      Log("ERROR", "Archive consistency check complete, problems found.", "borg.archive");
  EXPECT_THAT(
      Events(first + second + clean + Rc(0)),
      ElementsAre(HasSubstr("check success"), HasSubstr("of_last_run"), HasSubstr("of_last_run")));
  EXPECT_THAT(Events(first + second + bad + Rc(1)),
              ElementsAre(HasSubstr("check success"), HasSubstr("check failure"),
                          HasSubstr("check failure")));
}

TEST(Borg, ListingsShowArchivesAndTheSizeOfTheRepository) {
  const std::string repository = R"("repository": {"id": "r", "location": "/r"})";
  EXPECT_THAT(
      Events(
          R"({"archives": [{"name": "web1-2026-11-20", "id": "a1", "time": "2026-11-20T01:00:00.000000"},
                {"name": "web1-2026-11-21", "id": "a2", "time": "2026-11-21T01:00:00.000000"},
                {"name": "web1-2026-11-22.checkpoint", "id": "a3", "time": "2026-11-22T01:00:00.000000"}], )" +
          repository + "}\n"),
      ElementsAre("in \"/r\" archive a1 start=2026-11-20T01:00:00Z",
                  "in \"/r\" archive a2 start=2026-11-21T01:00:00Z",
                  "in \"/r\" archives 2 oldest=2026-11-20T01:00:00Z newest=2026-11-21T01:00:00Z"));
  EXPECT_THAT(
      Events(
          R"({"cache": {"stats": {"unique_csize": 7, "total_size": 9}}, "security_dir": "/s", )" +
          repository + "}\n"),
      ElementsAre("in \"/r\" repository stored=7 original=9"));
}

TEST(Borg, ArchivesOfSeveralSeriesAreAmongOthers) {
  const auto list = [](const std::string& a, const std::string& b) {
    return R"({"archives": [{"name": ")" + a + R"(", "id": "a1", "time": "2026-11-20T01:00:00"},
              {"name": ")" +
           b + R"(", "id": "a2", "time": "2026-11-21T01:00:00"}],
              "repository": {"location": "/r"}})";
  };
  for (const auto& [a, b] : {std::pair("web1-1", "web2-1"), std::pair("docs", "home"),
                             std::pair("web1-2026-11-20T01:00:00", "web2-2026-11-21T01:00:00")}) {
    EXPECT_THAT(Events(list(a, b)).front(), HasSubstr("among_others")) << a;
  }
  for (const auto& [a, b] :
       {std::pair("web1-1", "web1-2"), std::pair("web1-2026-11-20T01:00:00.5", "web1-2026-11-21"),
        std::pair("nas.20261120", "nas.20261121")}) {
    EXPECT_THAT(Events(list(a, b)).front(), testing::Not(HasSubstr("among_others"))) << a;
  }
}

TEST(Borg, TheDurationResolvesTheHourThatOccursTwice) {
  const DecoderOptions berlin{.zone = TimeZone::Find("Europe/Berlin").value()};
  const auto span = [&](const std::string& start, const std::string& end, double duration) {
    return Events(Created(start, end, duration), berlin).front();
  };
  EXPECT_THAT(span("2026-10-25T02:30:00", "2026-10-25T02:40:00", 600),
              HasSubstr("start=2026-10-25T00:30:00Z end=2026-10-25T00:40:00Z"));
  EXPECT_THAT(span("2026-10-25T02:30:00", "2026-10-25T02:40:00", 4200),
              HasSubstr("start=2026-10-25T00:30:00Z end=2026-10-25T01:40:00Z"));
  EXPECT_THAT(span("2026-10-25T02:30:00", "2026-10-25T02:10:00", 2400),
              HasSubstr("start=2026-10-25T00:30:00Z end=2026-10-25T01:10:00Z"));
  EXPECT_THAT(span("2026-10-25T01:30:00", "2026-10-25T02:30:00", 7200),
              HasSubstr("start=2026-10-24T23:30:00Z end=2026-10-25T01:30:00Z"));
  EXPECT_THAT(span("2026-03-29T01:30:00", "2026-03-29T03:30:00", 3600),
              HasSubstr("start=2026-03-29T00:30:00Z end=2026-03-29T01:30:00Z"));
}

TEST(Borg, EarlierRecordsResolveTheHourThatOccursTwice) {
  const DecoderOptions berlin{.zone = TimeZone::Find("Europe/Berlin").value()};
  const Texts events = Events(Created("2026-10-25T02:20:00", "2026-10-25T02:21:00") +
                                  Created("2026-10-25T02:40:00", "2026-10-25T02:41:00") +
                                  Created("2026-10-25T02:10:00", "2026-10-25T02:11:00"),
                              berlin);
  EXPECT_THAT(events, ElementsAre(HasSubstr("end=2026-10-25T00:21:00Z"),
                                  HasSubstr("end=2026-10-25T00:41:00Z"),
                                  HasSubstr("end=2026-10-25T01:11:00Z")));
}

TEST(Borg, TheTimestampOptionIsNotTheTimeOfTheRun) {
  std::string text = Created("2020-01-01T10:00:00", "2020-01-01T10:00:00", 30);
  const std::string modified = R"("last_modified": ")";
  text.replace(text.find(modified) + modified.size(), 19, "2026-11-21T00:13:00");
  EXPECT_THAT(Events(text), ElementsAre(HasSubstr("start=2026-11-21T00:12:30Z "
                                                  "end=2026-11-21T00:13:00Z duration=30")));
}

TEST(Borg, ProgressForPeopleIsParsed) {
  EXPECT_THAT(
      Events("Creating archive at \"/r::n\"\n0 B O 0 B C 0 B D 0 N src\rSaving files cache\r"
             "terminating with success status, rc 0\n"),
      ElementsAre(HasSubstr("started"), HasSubstr("progress"), HasSubstr("backup success")));
}

TEST(Borg, TheStatisticsTableReportsTheArchive) {
  EXPECT_THAT(
      Events("Archive fingerprint: ab12\nTime (start): Sat, 2026-11-21 00:13:06\n"
             "Time (end):   Sat, 2026-11-21 00:14:06\nNumber of files: 5\n"
             "This archive:            600.56 kB            600.54 kB                508 B\n"),
      ElementsAre(HasSubstr("backup success evidence=report start=2026-11-21T00:13:06Z "
                            "end=2026-11-21T00:14:06Z duration=60 snapshot=ab12"),
                  HasSubstr("of_last_run start=2026-11-21T00:13:06Z "
                            "end=2026-11-21T00:14:06Z duration=60 added_bytes=508 "
                            "added_stored_bytes=508 processed_bytes=600560 "
                            "processed_files=5 snapshot=ab12")));
}

TEST(Borg, TheFastPathForFileRecordsEqualsTheParser) {
  std::mt19937 random(5);
  const std::string letters = "AMUdbcfshix?-EC";
  for (int i = 0; i < 500; ++i) {
    const std::string status(1, letters[random() % letters.size()]);
    std::string fast = R"({"type": "file_status", "status": ")" + status + R"(", "path": "a"})";
    std::string full = R"({ "type": "file_status", "status": ")" + status + R"(", "path": "a"})";
    const std::string end = Created("2026-11-21T00:12:00", "2026-11-21T00:13:00") + Rc(0);
    const Decoded a = Decode(kBegins + fast + "\n" + end);
    const Decoded b = Decode(kBegins + full + "\n" + end);
    EXPECT_EQ(EventTexts(a.events), EventTexts(b.events)) << status;
    EXPECT_EQ(CountsText(a.counts), CountsText(b.counts)) << status;
  }
}

TEST(Borg, RecordsThatAreNotUnderstoodAreCounted) {
  EXPECT_EQ(CountsText(Decode("{\"a\": 1}\n").counts), "records=1 unknown_messages=1");
  EXPECT_EQ(CountsText(Decode(R"({"type": "log_message", "message": 7})"
                              "\n")
                           .counts),
            "records=1 parse_errors=1");
  EXPECT_EQ(CountsText(Decode("some text\n").counts), "records=1 text=1");
  EXPECT_EQ(CountsText(Decode(R"({"archive": {"id": "x"}, "repository": {}})"
                              "\n")
                           .counts),
            "records=1 parse_errors=1");
}

TEST(PublicLocation, UserInformationAndQueryAreRemoved) {
  EXPECT_EQ(PublicLocation("ssh://me:secret@nas:22/./repo"), "ssh://nas:22/./repo");
  EXPECT_EQ(PublicLocation("https://a@b@host/x?token=y"), "https://host/x");
  EXPECT_EQ(PublicLocation("/srv/repo"), "/srv/repo");
  EXPECT_EQ(PublicLocation("s3:KEY:SECRET@https://minio:9000/bucket"),
            "s3:https://minio:9000/bucket");
  EXPECT_EQ(PublicLocation("ssh://user:pa/ss@host/repo"), "ssh://host/repo");
  EXPECT_EQ(PublicLocation("user@host:repo"), "host:repo");
  EXPECT_EQ(PublicLocation("ssh://nas/srv/a@b"), "ssh://nas/srv/a@b");
  EXPECT_EQ(PublicName("b2:KEY:SECRET@/bucket/p"), "b2:/bucket/p");
  EXPECT_EQ(PublicName("offsite@nas"), "offsite@nas");
  EXPECT_EQ(PublicLocation("repo"), "") << "a relative path";
}

// borg 1.4's list of codes.
TEST(BorgExitCodes, AWarningCodeIsAWarningForBackupsOnly) {
  for (const int code : {1, 100, 107, 127}) {
    EXPECT_EQ(BorgResultOf(code, Operation::kBackup), RunResult::kWarning) << code;
    EXPECT_EQ(BorgResultOf(code, std::nullopt), RunResult::kWarning) << code;
    EXPECT_EQ(BorgResultOf(code, Operation::kCheck), RunResult::kFailure) << code;
  }
  for (const int code : {2, 3, 13, 73, 99}) {
    EXPECT_EQ(BorgResultOf(code, Operation::kBackup), RunResult::kFailure) << code;
  }
  EXPECT_EQ(BorgResultOf(0, Operation::kPrune), RunResult::kSuccess);
  EXPECT_EQ(BorgResultOf(143, Operation::kBackup), RunResult::kInterrupted);
}

// Messages.

TEST(Borg, MessagesOfAnOpenRunAreReportedAtOnce) {
  EXPECT_THAT(
      EventTexts(Decode(kBegins + Log("WARNING", "/a: [Errno 13] Permission denied: 'a'") +
                        Log("ERROR", "Data integrity error", "borg.archiver", "IntegrityError"))
                     .events),
      ElementsAre(
          HasSubstr("started backup"),
          HasSubstr(R"(noted info at=2026-11-20T23:13:06.500000Z "Creating archive at)"),
          HasSubstr(R"(noted warning at=2026-11-20T23:13:06.500000Z "/a: [Errno 13])"),
          HasSubstr("finished backup failure"),
          HasSubstr(R"(noted error at=2026-11-20T23:13:06.500000Z "Data integrity error")")));
}

TEST(Borg, MessagesOfARunThatOnlyItsEndShowsFollowTheEnd) {
  const std::string text = Log("WARNING", "/a: [Errno 13] Permission denied: 'a'") + Rc(1) +
                           Log("INFO", "of the next one") + Rc(0);
  const auto expected = ElementsAre(
      HasSubstr("finished ? warning"),
      HasSubstr("noted warning at=2026-11-20T23:13:06.500000Z \"/a"),
      HasSubstr(R"("terminating with some status, rc 1")"), HasSubstr("finished ? success"),
      HasSubstr(R"("of the next one")"), HasSubstr(R"("terminating with some status, rc 0")"));
  EXPECT_THAT(EventTexts(Decode(text).events), expected);
  Decoded pieces;
  std::string saved;
  for (const Record& record : LinesOf(text)) {
    const auto decoder = MakeDecoder("borg");
    decoder->Restore(saved);
    decoder->Decode(record, pieces);
    saved = decoder->Save();
  }
  EXPECT_THAT(EventTexts(pieces.events), expected) << "interrupted after every record";
}

TEST(Borg, FilesFiguresAndProgressAreNotMessages) {
  const std::string end = Created("2026-11-21T00:12:00", "2026-11-21T00:13:00");
  EXPECT_THAT(
      EventTexts(Decode(R"({"type": "file_status", "status": "E", "path": "/a"})" +
                        std::string("\n") + Log("INFO", "srv/data/a.txt", "borg.output.list") +
                        Log("INFO", "This archive: 1 B", "borg.output.stats") +
                        Log("INFO", "Saving files cache", "borg.output.progress") + end)
                     .events),
      ElementsAre(HasSubstr("finished backup")));
  EXPECT_THAT(
      EventTexts(Decode("A /srv/Repository x does not exist\nNumber of files: 3\n" + end).events),
      ElementsAre(HasSubstr("finished backup")));
}

TEST(Borg, ArchivesKeptByPruneAreMessages) {
  EXPECT_THAT(
      EventTexts(Decode(Log("INFO", "Keeping archive: x", "borg.output.list") + Rc(0)).events),
      ElementsAre(HasSubstr("finished prune"), HasSubstr(R"("Keeping archive: x")"),
                  HasSubstr("rc 0")));
}

TEST(Borg, ErrorsInPlainTextAreMessages) {
  EXPECT_THAT(
      EventTexts(
          Decode("Repository /none does not exist.\nterminating with error status, rc 2\n").events),
      ElementsAre(HasSubstr("finished ? failure"),
                  R"(noted error "Repository /none does not exist.")",
                  R"(noted error "terminating with error status, rc 2")"));
}

TEST(Borg, MessagesOfADryRunAreDropped) {
  EXPECT_THAT(
      EventTexts(Decode(Log("WARNING", "/a: [Errno 13] Permission denied: 'a'") +
                        R"({"type": "file_status", "status": "-", "path": "/a"})" + "\n" + Rc(1))
                     .events),
      IsEmpty());
}

TEST(Borg, LongMessagesAreCutBetweenCharacters) {
  std::string text(4095, 'x');
  const Decoded decoded = Decode(kBegins + Log("WARNING", text + "\u00e4"));
  EXPECT_EQ(std::get<RunNoted>(decoded.events.back().what).message, text);
}

}  // namespace
}  // namespace backup_exporter
