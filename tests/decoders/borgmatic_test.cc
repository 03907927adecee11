// The decoder of borgmatic's arrays and log, line by line. For whole captures of the real tool see
// ingest/corpus_test.
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "decoders/borgmatic_lines.h"
#include "kit/decoding.h"
#include "kit/event_text.h"

namespace backup_exporter {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Texts = std::vector<std::string>;

std::vector<Event> AllEvents(const std::string& text, const DecoderOptions& options = {}) {
  const auto decoder = MakeDecoder("borgmatic", options);
  Decoded out;
  for (const Record& record : RecordsOf(text, Framing::kDocuments)) decoder->Decode(record, out);
  return out.events;
}

// Without messages.
Texts Events(const std::string& text, const DecoderOptions& options = {}) {
  return EventTexts(WithoutMessages(AllEvents(text, options)));
}

// The same with a decoder that is saved and restored after every line.
std::vector<Event> AllEventsInPieces(const std::string& text) {
  Decoded out;
  std::string saved;
  for (const Record& record : RecordsOf(text, Framing::kDocuments)) {
    const auto decoder = MakeDecoder("borgmatic");
    decoder->Restore(saved);
    decoder->Decode(record, out);
    saved = decoder->Save();
  }
  return out.events;
}
Texts EventsInPieces(const std::string& text) {
  return EventTexts(WithoutMessages(AllEventsInPieces(text)));
}

std::string At(int second, const std::string& text) {
  return "[2026-11-21 02:00:0" + std::to_string(second) + ",250] " + text + "\n";
}

std::string Element(const std::string& label, const std::string& id = "e1") {
  return R"({"archive": {"id": ")" + id +
         R"(", "name": "n", "start": "2026-11-21T02:00:00.000000", "end": "2026-11-21T02:00:02.000000",
         "duration": 2.0, "stats": {"deduplicated_size": 5, "original_size": 9, "nfiles": 2}},
         "repository": {"id": "r", "last_modified": "2026-11-21T02:00:02.000000",
         "location": "/srv/)" +
         label + R"(", "label": ")" + label + R"("}})";
}

const std::string kSummary =
    At(8, "INFO: ") + At(8, "INFO: summary:") +
    At(8, "INFO: /etc/borgmatic.yaml: Successfully ran configuration file");

// Only the summary proves that an action ended well: a process that was killed prints nothing.
TEST(BorgmaticLog, ActionsStartAtOnceAndEndWithTheSummary) {
  EXPECT_THAT(
      Events(At(1, "INFO: local: Creating archive") + At(3, "INFO: local: Pruning archives") +
             At(4, "INFO: nas: Creating archive") + kSummary),
      ElementsAre("\"local\" started backup at=2026-11-21T02:00:01.250000Z", "\"local\" withdrawn",
                  HasSubstr("\"local\" started prune"), "\"local\" withdrawn",
                  HasSubstr("\"nas\" started backup"),
                  HasSubstr("\"local\" finished backup success evidence=report "
                            "start=2026-11-21T02:00:01.250000Z "
                            "end=2026-11-21T02:00:03.250000Z duration=2"),
                  HasSubstr("\"local\" finished prune success"),
                  HasSubstr("\"nas\" finished backup success")));
}

TEST(BorgmaticLog, WithoutASummaryNoEndIsReported) {
  EXPECT_THAT(Events(At(1, "INFO: local: Creating archive")), ElementsAre(HasSubstr("started")));
}

TEST(BorgmaticLog, AFailureBelongsToTheNamedRepository) {
  const std::string text =
      At(1, "INFO: local: Creating archive") + At(3, "INFO: nas: Creating archive") +
      At(4, "ERROR: Failed to create/acquire the lock /srv/nas/lock.exclusive (timeout).") +
      At(4, "CRITICAL: nas: Error running actions for repository") +
      At(4,
         "CRITICAL: nas: Command 'borg create /srv/nas::{hostname}' returned non-zero exit status "
         "73.") +
      At(4, "CRITICAL: /etc/borgmatic.yaml: Error running configuration") + At(5, "CRITICAL: ") +
      At(5, "CRITICAL: summary:") + At(4, "CRITICAL: An error occurred") +
      At(4, "CRITICAL: Error running actions for repository") +
      At(5, "CRITICAL: Need some help? https://torsion.org/borgmatic/#issues");
  const auto expected = ElementsAre(
      HasSubstr("\"local\" started"), "\"local\" withdrawn", HasSubstr("\"nas\" started"),
      AllOf(HasSubstr("\"nas\" finished backup failure"), HasSubstr("exit_code=73 reason=locked")),
      HasSubstr("\"local\" finished backup success"));
  EXPECT_THAT(Events(text), expected);
  EXPECT_THAT(EventsInPieces(text), expected);
}

TEST(BorgmaticLog, AnAttemptThatIsRetriedIsNotAFailure) {
  EXPECT_THAT(
      Events(At(1, "INFO: local: Creating archive") +
             At(2, "WARNING: local: Error running actions for repository") +
             At(2, "WARNING: local: Command 'borg create /r::x' returned non-zero exit status 2.") +
             At(2, "INFO: /etc/borgmatic.yaml: Retrying... attempt 1/3") +
             At(4, "INFO: local: Creating archive") + kSummary),
      ElementsAre(HasSubstr("started"),
                  AllOf(HasSubstr("backup success"), HasSubstr("start=2026-11-21T02:00:01"))));
}

TEST(BorgmaticLog, WarningsOfBorgAreWarnings) {
  const std::string begin = At(1, "INFO: local: Creating archive");
  EXPECT_THAT(
      Events(begin + At(2, "WARNING: /src/x: open: [Errno 13] Permission denied: 'x'") + kSummary)
          .back(),
      HasSubstr("backup warning"));
  EXPECT_THAT(
      Events(begin + At(2, "INFO: /none: [Errno 2] No such file or directory: 'none'") + kSummary)
          .back(),
      HasSubstr("backup failure"))
      << "before 2.1 all lines of borg are INFO";
}

// borgmatic treats both as successes.
TEST(BorgmaticLog, ASignalAndADamagedRepositoryAreNoSuccess) {
  EXPECT_THAT(
      Events(At(1, "INFO: local: Creating archive") + At(2, "ERROR: Received SIGTERM") +
             At(2, "WARNING: Treating exit code 143 as a warning, as per borgmatic defaults") +
             kSummary)
          .back(),
      HasSubstr("backup interrupted"));
  EXPECT_THAT(Events(At(1, "INFO: local: Running consistency checks") +
                     At(2, "INFO: Finished full repository check, errors found.") + kSummary)
                  .back(),
              HasSubstr("check failure"));
}

TEST(BorgmaticLog, AFailureThatMadeAnArchiveIsAWarning) {
  const auto failing = [](const std::string& command, int code) {
    return Events(At(1, "INFO: local: Creating archive") +
                  At(2, "CRITICAL: local: Error running actions for repository") +
                  At(2, "CRITICAL: local: Command '" + command +
                            "' returned non-zero exit status " + std::to_string(code) + "."))
        .back();
  };
  EXPECT_THAT(failing("borg create /r::x", 105), HasSubstr("backup warning"));
  EXPECT_THAT(failing("borg create --dry-run --list /r::x", 105), HasSubstr("backup failure"));
  EXPECT_THAT(failing("borg create /r::x", 2), HasSubstr("backup failure"));
  EXPECT_THAT(failing("/bin/false", 1), HasSubstr("backup failure"));
}

TEST(BorgmaticLog, ASoftFailureOfAHookIsSkipped) {
  EXPECT_THAT(Events(At(1,
                        "INFO: local: Command hook exited with soft failure exit code (75); "
                        "skipping remaining repository actions") +
                     kSummary),
              ElementsAre(HasSubstr("\"local\" finished ? skipped")));
  EXPECT_THAT(Events(At(1,
                        "INFO: /etc/borgmatic.yaml: Command hook exited with soft failure exit "
                        "code (75); skipping remaining actions") +
                     kSummary),
              ElementsAre(HasSubstr("unnamed finished ? skipped")));
}

// borgmatic was killed and started again. The lines do not show that, and prove nothing.
TEST(BorgmaticLog, TheStartOfTheNextRunDoesNotProveSuccess) {
  const Texts events = Events(At(1, "INFO: local: Creating archive") +
                              At(3, "INFO: local: Creating archive") + kSummary);
  EXPECT_THAT(events, ElementsAre(HasSubstr("started"), HasSubstr("withdrawn"),
                                  HasSubstr("started"), HasSubstr("start=2026-11-21T02:00:03")));
  EXPECT_THAT(Events(At(1, "INFO: local: Running consistency checks") +
                     At(3, "INFO: local: Creating archive") + kSummary),
              ElementsAre(HasSubstr("started check"), HasSubstr("withdrawn"),
                          HasSubstr("started backup"), HasSubstr("finished backup success")));
}

TEST(BorgmaticLog, ADryRunIsNoRun) {
  EXPECT_THAT(
      Events(At(1, "INFO: local: Creating archive (dry run; not making any changes)") + kSummary),
      IsEmpty());
}

TEST(BorgmaticLog, AFailureWithoutANameAppliesToUnfinishedRepositories) {
  const std::string hook =
      At(2, "CRITICAL: /etc/b.yaml: Error running before everything hook") +
      At(2, "CRITICAL: /etc/b.yaml: Command '/bin/false' returned non-zero exit status 1.");
  EXPECT_THAT(
      Events(hook + At(3, "CRITICAL: summary:")),
      ElementsAre(AllOf(HasSubstr("unnamed finished ? failure"), HasSubstr("reason=hook"))));
  EXPECT_THAT(Events(At(1, "INFO: local: Creating archive") + At(2, "INFO: nas: Creating archive") +
                     At(3, "CRITICAL: summary:") +
                     At(1, "CRITICAL: /etc/b.yaml: Error parsing configuration file") +
                     At(3, "CRITICAL: Need some help? x"))
                  .back(),
              HasSubstr("but=\"local\" but=\"nas\""));
}

TEST(BorgmaticLog, ANewRunBeginsAfterTheSummary) {
  const std::string night = At(1, "INFO: local: Creating archive") + kSummary;
  std::string next = night;
  for (std::size_t at = 0; (at = next.find("-21 ", at)) != std::string::npos; ++at)
    next[at + 2] = '2';
  EXPECT_THAT(Events(night + next), ElementsAre(HasSubstr("started"), HasSubstr("success"),
                                                HasSubstr("started"), HasSubstr("success")));
}

TEST(BorgmaticLog, ASignalInterruptsTheOpenAction) {
  EXPECT_THAT(Events(At(1, "INFO: local: Creating archive") +
                     At(2, "CRITICAL: Exiting due to TERM signal")),
              ElementsAre(HasSubstr("started"), HasSubstr("backup interrupted")));
}

TEST(BorgmaticLog, OtherLogFormatsAreParsed) {
  for (const std::string head :
       {"1795226401.25 71 INFO borgmatic.actions.create ", "2026-11-21 02:00:01,250 INFO ",
        "[2026-11-21 02:00:01,250] [INFO] "}) {
    EXPECT_THAT(Events(head + "local: Creating archive\n"),
                ElementsAre("\"local\" started backup at=2026-11-21T02:00:01.250000Z"))
        << head;
  }
}

TEST(BorgmaticLog, InJsonLinesTheMessagesOfBorgNameTheRepository) {
  const auto line = [](const std::string& level, const std::string& message,
                       const std::string& name) {
    return R"({"type": "log_message", "time": 1795226401.25, "message": ")" + message +
           R"(", "levelname": ")" + level + R"(", "name": ")" + name + "\"}\n";
  };
  EXPECT_THAT(Events(line("INFO", "Creating archive", "borgmatic.actions.create") +
                     line("INFO", R"(Creating archive at \"/srv/nas::x\")", "borg.archiver") +
                     line("INFO", "Pruning archives", "borgmatic.actions.prune") +
                     line("INFO", "summary:", "borgmatic.commands.borgmatic")),
              ElementsAre(HasSubstr("\"/srv/nas\" finished backup success"),
                          HasSubstr("\"/srv/nas\" finished prune success")));
}

TEST(BorgmaticArray, EachRepositoryHasARun) {
  EXPECT_THAT(Events("[" + Element("local") + ", " + Element("nas", "e2") + "]"),
              ElementsAre(HasSubstr("\"local\" in \"/srv/local\" finished backup success"),
                          HasSubstr("\"nas\" in \"/srv/nas\" finished backup success")));
}

TEST(BorgmaticArray, AnArrayAndTheLinesAroundItAreOneRun) {
  EXPECT_THAT(Events("local: Creating archive\n[" + Element("local") + "]\nsummary:\nall good\n"),
              ElementsAre(AllOf(HasSubstr("backup success"), HasSubstr("added_bytes=5"))));
  EXPECT_THAT(Events("/src/x: open: [Errno 13] Permission denied: 'x'\n[" + Element("local") + "]"),
              ElementsAre(HasSubstr("backup warning")));
}

TEST(BorgmaticArray, ARepositoryWithoutALabelIsNamedByItsLocation) {
  std::string element = Element("local");
  element.replace(element.find(R"("label": "local")"), 16, R"("label": "")");
  EXPECT_THAT(Events("[" + element + "]"), ElementsAre(HasSubstr("\"/srv/local\" finished")));
}

// Both changes of the clock.
TEST(BorgmaticLog, TheOrderOfLinesResolvesTheHourThatOccursTwice) {
  const DecoderOptions berlin{.zone = TimeZone::Find("Europe/Berlin").value()};
  EXPECT_THAT(Events("[2026-10-25 02:50:00,000] INFO: a: Creating archive\n"
                     "[2026-10-25 02:10:00,000] INFO: b: Creating archive\n"
                     "[2026-10-25 03:00:00,000] INFO: summary:\n",
                     berlin),
              ElementsAre(HasSubstr("started backup at=2026-10-25T00:50:00Z"), "\"a\" withdrawn",
                          HasSubstr("started backup at=2026-10-25T01:10:00Z"),
                          HasSubstr("end=2026-10-25T01:10:00Z duration=1200"),
                          HasSubstr("end=2026-10-25T02:00:00Z duration=3000")));
  EXPECT_THAT(Events("[2026-03-29 01:59:00,000] INFO: a: Creating archive\n"
                     "[2026-03-29 03:01:00,000] INFO: summary:\n",
                     berlin),
              ElementsAre(HasSubstr("at=2026-03-29T00:59:00Z"), HasSubstr("duration=120")));
}

TEST(ParseLogLine, ALineWithoutALevelIsReturnedWhole) {
  const LocalClock clock{TimeZone()};
  for (const std::string text :
       {"summary:", "local: Creating archive", "INFORMATION", "", "a b c INFO"}) {
    const LogLine line = ParseLogLine(text, clock);
    EXPECT_EQ(line.level, LogLevel::kNone) << text;
    EXPECT_EQ(line.text, text);
  }
}

// Messages. An action that is followed by another is reported again with the summary, with all its
// messages.
TEST(BorgmaticLog, MessagesAreReportedAtOnceAndAgainAfterTheEnd) {
  const std::string text = At(1, "INFO: local: Creating archive") +
                           At(2, "WARNING: /a: file changed while we backed it up") +
                           At(3, "INFO: nas: Creating archive") + kSummary;
  const std::string begins =
      R"("local" noted info at=2026-11-21T02:00:01.250000Z "local: Creating archive")";
  const std::string warns =
      R"("local" noted warning at=2026-11-21T02:00:02.250000Z "/a: file changed while we backed it up")";
  const auto expected =
      ElementsAre(HasSubstr("\"local\" started"), begins, warns, "\"local\" withdrawn",
                  HasSubstr("\"nas\" started"), HasSubstr(R"("nas" noted info)"),
                  HasSubstr("\"local\" finished backup warning"), begins, warns,
                  HasSubstr("\"nas\" finished backup success"));
  EXPECT_THAT(EventTexts(AllEvents(text)), expected);
  EXPECT_THAT(EventTexts(AllEventsInPieces(text)), expected);
}

TEST(BorgmaticLog, ErrorsBelongToTheRepositoryNamedAfterThem) {
  const std::string text =
      At(1, "ERROR: Repository /none does not exist.") +
      At(2, "CRITICAL: nas: Error running actions for repository") +
      At(2, "CRITICAL: nas: Command 'borg create /none::x' returned non-zero exit status 13.") +
      At(2, "CRITICAL: /etc/b.yaml: Error running configuration") + At(3, "CRITICAL: summary:") +
      At(1, "CRITICAL: Repository /none does not exist.") +
      At(3, "CRITICAL: Need some help? https://torsion.org/borgmatic/#issues");
  const auto expected = ElementsAre(
      HasSubstr("\"nas\" finished backup failure"),
      R"("nas" noted error at=2026-11-21T02:00:01.250000Z "Repository /none does not exist.")",
      HasSubstr(R"("nas: Error running actions for repository")"),
      HasSubstr("returned non-zero exit status 13."));
  EXPECT_THAT(EventTexts(AllEvents(text)), expected);
  EXPECT_THAT(EventTexts(AllEventsInPieces(text)), expected);
}

TEST(BorgmaticLog, MessagesOfAFailureWithoutANameComeWithIt) {
  EXPECT_THAT(
      EventTexts(AllEvents(
          At(2, "CRITICAL: /etc/b.yaml: Error running before everything hook") +
          At(2, "CRITICAL: /etc/b.yaml: Command '/bin/false' returned non-zero exit status 1."))),
      ElementsAre(AllOf(HasSubstr("unnamed finished ? failure"),
                        HasSubstr("noted error at=2026-11-21T02:00:02.250000Z "
                                  "\"/etc/b.yaml: Error running before everything hook\""),
                        HasSubstr("returned non-zero exit status 1.\""))));
}

TEST(BorgmaticLog, FilesFiguresAndLinesOutsideRunsAreNotMessages) {
  EXPECT_THAT(
      EventTexts(AllEvents(
          At(1, "INFO: /etc/b.yaml: Starting") + At(1, "DEBUG: x") +
          At(1, "INFO: local: Creating archive") + At(2, "ANSWER: A /srv/timed out after") +
          At(2, "ANSWER: Archive name: x") + At(2, "ANSWER:          Original size   x") +
          At(2, "ANSWER: three of four") + At(2, "INFO: ") + kSummary)),
      ElementsAre(HasSubstr("started"), HasSubstr("Creating archive"),
                  HasSubstr(R"(noted warning at=2026-11-21T02:00:02.250000Z "three of four")"),
                  HasSubstr("finished")));
}

TEST(BorgmaticLog, ErrorsThatOldVersionsLogAsInfoAreErrors) {
  EXPECT_THAT(EventTexts(AllEvents(At(1, "INFO: local: Creating archive") +
                                   At(2, "INFO: Repository /none does not exist.") +
                                   At(2, "INFO: /a: open: [Errno 13] Permission denied: 'a'"))),
              ElementsAre(HasSubstr("started"), HasSubstr("noted info"),
                          HasSubstr(R"(noted error at=2026-11-21T02:00:02.250000Z "Repository)"),
                          HasSubstr(R"(noted warning at=2026-11-21T02:00:02.250000Z "/a)")));
}

TEST(BorgmaticLog, MessagesOfADryRunAreDropped) {
  EXPECT_THAT(EventTexts(AllEvents(
                  At(1, "INFO: local: Creating archive (dry run; not making any changes)") +
                  At(2, "WARNING: /a: file changed while we backed it up") + kSummary +
                  At(9, "INFO: nas: Creating archive"))),
              ElementsAre(HasSubstr("\"nas\" started"), HasSubstr("\"nas\" noted")));
}

TEST(BorgmaticJson, MessagesFollowTheEndOfTheRun) {
  const auto record = [](const std::string& level, const std::string& message) {
    return R"({"type": "log_message", "time": 1795216386.5, "message": ")" + message +
           R"(", "levelname": ")" + level + R"(", "name": "borgmatic.x"})" + "\n";
  };
  EXPECT_THAT(
      EventTexts(AllEvents(record("INFO", "Creating archive") +
                           record("INFO", R"(Creating archive at \"/srv/r::x\")") +
                           record("WARNING", "/a: file changed while we backed it up") +
                           record("INFO", "summary:"))),
      ElementsAre(
          HasSubstr("\"/srv/r\" finished backup warning"),
          HasSubstr(R"("/srv/r" noted info at=2026-11-20T23:13:06.500000Z "Creating archive")"),
          HasSubstr("Creating archive at"), HasSubstr("noted warning")));
}

}  // namespace
}  // namespace backup_exporter
