// Which records of restic's output belong to one run, and its result.

#include "decoders/restic_runs.h"

#include <gmock/gmock.h>

#include <initializer_list>
#include <string>

#include "kit/decoding.h"
#include "kit/event_text.h"

namespace backup_exporter {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Texts = std::vector<std::string>;

const std::string kFirstStatus =
    R"({"message_type":"status","percent_done":0,"total_files":1,"total_bytes":1932})";
const std::string kStatus =
    R"({"message_type":"status","seconds_elapsed":5,"percent_done":0.4,"total_files":3,"files_done":2,)"
    R"("total_bytes":500005,"bytes_done":200005,"current_files":["/srv/data/a.bin"]})";
const std::string kLaterStatus =
    R"({"message_type":"status","seconds_elapsed":9,"percent_done":0.4,"total_files":3,"files_done":2,)"
    R"("total_bytes":500005,"bytes_done":200005})";
const std::string kVerbose =
    R"({"message_type":"verbose_status","action":"new","item":"/srv/a","duration":0.1,"data_size":0,)"
    R"("data_size_in_repo":0,"metadata_size":0,"metadata_size_in_repo":0,"total_files":0})";
const std::string kUnreadable =
    R"({"message_type":"error","error":{"message":"permission denied"},"during":"archival","item":"/srv/b"})";
const std::string kScanError =
    R"({"message_type":"error","error":{"message":"permission denied"},"during":"scan","item":"/srv/b"})";
const std::string kSummary =
    R"({"message_type":"summary","files_new":0,"files_changed":1,"files_unmodified":2,"data_added":3708,)"
    R"("total_files_processed":3,"total_bytes_processed":31943,"total_duration":0.2,"snapshot_id":"c423da6e"})";
const std::string kDryRun =
    R"({"message_type":"summary","files_new":0,"files_changed":1,"files_unmodified":2,"data_added":3708,)"
    R"("total_duration":0.2,"snapshot_id":"2ecde8e2","dry_run":true})";
const std::string kMissing = "/srv/missing does not exist, skipping";
const std::string kExit3Text = "Warning: at least one source file could not be read";
const std::string kWrongPassword = "Fatal: wrong password or no key found";
const std::string kLocked =
    "unable to create lock in backend: repository is already locked by PID 2683 on web1 by root "
    "(UID 0, GID 0)";
const std::string kSignal = "\x1b[2Ksignal interrupt received, cleaning up";
const std::string kCanceled = "Fatal: unable to save snapshot: context canceled";
const std::string kForgot =
    R"([{"tags":null,"host":"web1","paths":["/srv"],"keep":null,"remove":null,"reasons":null}])";
const std::string kCheckClean =
    R"({"message_type":"summary","num_errors":0,"broken_packs":null,"suggest_repair_index":false,"suggest_prune":false})";
const std::string kCheckDamaged =
    R"({"message_type":"summary","num_errors":1,"broken_packs":null,"suggest_repair_index":false,"suggest_prune":false})";
const std::string kRestoreStatus =
    R"({"message_type":"status","seconds_elapsed":1,"percent_done":0.5,"total_files":4,"files_restored":1})";
const std::string kRestored =
    R"({"message_type":"summary","seconds_elapsed":2,"total_files":4,"files_restored":4})";

std::string ExitError(int code, const std::string& message) {
  return R"({"message_type":"exit_error","code":)" + std::to_string(code) + R"(,"message":")" +
         message + "\"}";
}

std::string Exited(int code) {
  return R"({"message_type":"wrapper_exit","code":)" + std::to_string(code) +
         R"(,"time":1795222802})";
}

// Without messages.
std::vector<Event> Events(std::initializer_list<std::string> lines) {
  std::string text;
  for (const std::string& line : lines) text += line + '\n';
  const auto decoder = MakeDecoder("restic");
  return WithoutMessages(DecodeLines(*decoder, text).events);
}

Texts Runs(std::initializer_list<std::string> lines) { return RunTexts(RunsIn(Events(lines))); }

// Several runs in one file.

TEST(ResticRuns, ASummaryEndsARun) {
  EXPECT_THAT(Runs({kFirstStatus, kStatus, kSummary, kFirstStatus, kStatus, kSummary}),
              ElementsAre("backup success", "backup success"));
  EXPECT_THAT(Runs({kSummary, kSummary}), ElementsAre("backup success", "backup success"));
}

TEST(ResticRuns, FiguresThatDecreaseStartANewRun) {
  EXPECT_THAT(
      EventTexts(Events({kStatus, kLaterStatus, kFirstStatus, kStatus, kSummary})),
      ElementsAre("started backup", "progress 9s processed=200005 expected=500005 done=0.400",
                  "started ?", "progress 5s processed=200005 expected=500005 done=0.400",
                  HasSubstr("finished backup success")));
  EXPECT_THAT(Runs({R"({"message_type":"status","percent_done":0,"error_count":1})", kFirstStatus}),
              ElementsAre("backup open", "? open"));
}

TEST(ResticRuns, ARunCanStartInTheMiddleOfATornLine) {
  EXPECT_THAT(Runs({kStatus, kLaterStatus.substr(0, 50) + kFirstStatus, kSummary}),
              ElementsAre("backup open", "backup success"));
  EXPECT_THAT(Runs({kStatus, kLaterStatus.substr(0, 50) + kSummary}),
              ElementsAre("backup success"));
  EXPECT_THAT(Runs({kSummary.substr(0, 100) + kFirstStatus}), ElementsAre("? open"));
}

TEST(ResticRuns, ARunCanFailInTheMiddleOfATornLine) {
  EXPECT_THAT(Runs({kStatus, kLaterStatus.substr(0, 50) + kWrongPassword}),
              ElementsAre("backup open", "? failure auth"));
  EXPECT_THAT(Runs({kStatus, kLaterStatus.substr(0, 50) + "unknown flag: --no-such-flag"}),
              ElementsAre("backup failure other"));
}

TEST(ResticRuns, AMissingSourceIsFoundInTheMiddleOfATornLine) {
  EXPECT_THAT(Runs({kStatus, kLaterStatus.substr(0, 50) + kMissing, kFirstStatus, kSummary}),
              ElementsAre("backup open", "backup failure source_missing"));
}

TEST(ResticRuns, ARunIsOpenAfterOneThatFailed) {
  for (const std::string& error :
       {std::string("Fatal: unable to save snapshot: no space left on device"), kExit3Text,
        ExitError(1, "Fatal: unable to save snapshot: x")}) {
    EXPECT_THAT(EventTexts(Events({kFirstStatus, error, kFirstStatus, kStatus})),
                ElementsAre("started ?", "progress 0s processed=0 expected=1932 done=0.000",
                            HasSubstr("finished backup"), "started ?",
                            "progress 5s processed=200005 expected=500005 done=0.400"))
        << error;
  }
}

TEST(ResticRuns, ARunDoesNotReplaceOneOfAnotherOperation) {
  EXPECT_THAT(Runs({kStatus, kCheckClean}), ElementsAre("backup open", "check success"));
  EXPECT_THAT(Runs({kStatus, kRestoreStatus, kRestored}),
              ElementsAre("backup open", "restore success"));
  EXPECT_THAT(Runs({kStatus, "load indexes", "no errors were found"}),
              ElementsAre("backup open", "check success"));
  EXPECT_THAT(Runs({kStatus, "Fatal: repository contains errors"}),
              ElementsAre("backup open", "check failure other"));
}

// The run that an error belongs to.

TEST(ResticRuns, AReportedSuccessIsNotChangedByTheNextRun) {
  EXPECT_THAT(Runs({kStatus, kSummary, kWrongPassword}),
              ElementsAre("backup success", "? failure auth"));
  EXPECT_THAT(Runs({kSummary, kLocked}), ElementsAre("backup success", "? failure locked"));
  EXPECT_THAT(Runs({kSummary, "Fatal: unable to save snapshot: x"}),
              ElementsAre("backup success", "backup failure other"));
  EXPECT_THAT(Runs({kCheckClean, kLocked}), ElementsAre("check success", "? failure locked"));
  EXPECT_THAT(Runs({kRestored, kWrongPassword}), ElementsAre("restore success", "? failure auth"));
}

TEST(ResticRuns, ARunThatDidWorkCannotHaveFailedToOpenTheRepository) {
  EXPECT_THAT(Runs({kStatus, kLocked}), ElementsAre("backup open", "? failure locked"));
  EXPECT_THAT(Runs({"using temporary cache in /tmp/x", "load indexes", kWrongPassword}),
              ElementsAre("check open", "? failure auth"));
  EXPECT_THAT(Runs({"using temporary cache in /tmp/x", kLocked}),
              ElementsAre("check failure locked"));
  EXPECT_THAT(Runs({kMissing, kWrongPassword}), ElementsAre("backup failure auth"));
  EXPECT_THAT(Runs({kStatus, "Fatal: failed to refresh lock in time"}),
              ElementsAre("backup failure timeout"));
}

TEST(ResticRuns, ExitCode3AfterTheSummaryIsAWarning) {
  EXPECT_THAT(Runs({kStatus, kSummary, kExit3Text}),
              ElementsAre("backup warning source_unreadable"));
  EXPECT_THAT(Runs({kSummary, ExitError(3, kExit3Text)}),
              ElementsAre("backup warning source_unreadable"));
  EXPECT_THAT(Runs({kSummary, ExitError(3, "something new")}),
              ElementsAre("backup warning source_unreadable"));
  EXPECT_THAT(Runs({kSummary, "Warning: failed to read all source data during backup"}),
              ElementsAre("backup warning source_unreadable"));
  // Standard error alone.
  EXPECT_THAT(Runs({kUnreadable, kExit3Text}), ElementsAre("backup warning source_unreadable"));
  EXPECT_THAT(Runs({kExit3Text, kExit3Text}),
              ElementsAre("backup warning source_unreadable", "backup warning source_unreadable"));
}

TEST(ResticRuns, ExitCode3WithoutASnapshotIsAFailure) {
  EXPECT_THAT(Runs({ExitError(3, "something new")}), ElementsAre("? failure other"));
  EXPECT_THAT(Runs({kForgot, ExitError(3, "something new")}), ElementsAre("forget failure other"));
  EXPECT_THAT(Runs({kForgot, ExitError(3, "failed to remove one or more snapshots")}),
              ElementsAre("forget failure other"));
  EXPECT_THAT(Runs({kRestoreStatus, ExitError(3, "something new")}),
              ElementsAre("restore failure other"));
  EXPECT_THAT(Runs({kSummary, ExitError(3, "failed to remove one or more snapshots")}),
              ElementsAre("backup success", "forget failure other"));
}

TEST(ResticRuns, ErrorsDuringTheRunAreAWarning) {
  EXPECT_THAT(EventTexts(Events({kUnreadable, kStatus, kUnreadable, kSummary})).back(),
              HasSubstr("finished backup warning evidence=report"));
  EXPECT_THAT(EventTexts(Events({kUnreadable, kStatus, kUnreadable, kSummary})).back(),
              HasSubstr("errors=2 snapshot=c423da6e reason=source_unreadable"));
  EXPECT_THAT(Runs({R"({"message_type":"status","percent_done":0,"error_count":1})", kSummary}),
              ElementsAre("backup warning source_unreadable"));
}

TEST(ResticRuns, ErrorsOfTheScanAloneDoNotChangeTheResult) {
  EXPECT_THAT(Runs({kScanError, kStatus, kSummary}), ElementsAre("backup success"));
}

TEST(ResticRuns, TheNumberOfErrorsIsUnknownWithoutAnExitCode) {
  EXPECT_THAT(EventTexts(Events({kStatus, kSummary})).back(), Not(HasSubstr("errors=")));
  EXPECT_THAT(EventTexts(Events({kRestoreStatus, kRestored})).back(), Not(HasSubstr("errors=")));
  EXPECT_THAT(EventTexts(Events({kStatus, kSummary, Exited(0)})).back(), HasSubstr("errors=0"));
}

TEST(ResticRuns, AMissingSourceIsAFailure) {
  EXPECT_THAT(Runs({kMissing, kFirstStatus, kSummary}),
              ElementsAre("backup failure source_missing"));
  EXPECT_THAT(Runs({kMissing, kSummary, ExitError(3, kExit3Text)}),
              ElementsAre("backup failure source_missing"));
  EXPECT_THAT(Runs({kMissing, "/srv/gone cannot be accessed, skipping",
                    "Fatal: all source directories/files do not exist"}),
              ElementsAre("backup failure source_missing"));
  EXPECT_THAT(Runs({kMissing, kUnreadable, kSummary, kExit3Text}),
              ElementsAre("backup failure source_missing"));
}

TEST(ResticRuns, AMissingSourceDoesNotAffectTheNextRun) {
  EXPECT_THAT(Runs({kMissing, kSummary, kFirstStatus, kSummary}),
              ElementsAre("backup failure source_missing", "backup success"));
  EXPECT_THAT(Runs({kMissing, "Fatal: something", kExit3Text}),
              ElementsAre("backup failure source_missing", "backup warning source_unreadable"));
  EXPECT_THAT(Runs({kStatus, kMissing, kFirstStatus, kSummary}),
              ElementsAre("backup open", "backup failure source_missing"));
}

TEST(ResticRuns, AFailedPruneFailsTheForgetBeforeIt) {
  EXPECT_THAT(Runs({kForgot, "loading indexes...", "Fatal: packs from index missing in repo"}),
              ElementsAre("forget failure other"));
  EXPECT_THAT(Runs({kForgot, ExitError(1, "Fatal: Save failed: no space left on device")}),
              ElementsAre("forget failure no_space"));
  EXPECT_THAT(EventTexts(Events({kForgot, "done"})),
              ElementsAre("finished forget success evidence=report",
                          "finished forget success evidence=report of_last_run"));
  EXPECT_THAT(Runs({"done"}), IsEmpty());
}

TEST(ResticRuns, ALockOfTheNextRunDoesNotFailAForget) {
  EXPECT_THAT(Runs({kForgot, kLocked}), ElementsAre("forget success", "? failure locked"));
  EXPECT_THAT(Runs({kForgot, ExitError(11, kLocked)}),
              ElementsAre("forget success", "? failure locked"));
  EXPECT_THAT(Runs({kForgot, kWrongPassword}), ElementsAre("forget success", "? failure auth"));
  EXPECT_THAT(Runs({kForgot, "Fatal: unable to save snapshot: x"}),
              ElementsAre("forget success", "backup failure other"));
}

TEST(ResticRuns, AnErrorAfterAFailedCheckBelongsToIt) {
  const Texts locked = EventTexts(Events({kCheckDamaged, ExitError(11, kLocked)}));
  EXPECT_THAT(
      locked,
      ElementsAre(
          "finished check failure evidence=report errors=1",
          HasSubstr(
              "finished check failure evidence=exit_code of_last_run exit_code=11 reason=locked")));
  EXPECT_THAT(Runs({kCheckDamaged, ExitError(1, "Fatal: repository contains errors")}),
              ElementsAre("check failure other"));
}

TEST(ResticRuns, AStageThatRepeatsStartsANewCheck) {
  EXPECT_THAT(Runs({"load indexes", "check all packs", "load indexes", "check all packs",
                    "no errors were found"}),
              ElementsAre("check open", "check success"));
  EXPECT_THAT(
      Runs({"using temporary cache in /tmp/a", "load indexes", "using temporary cache in /tmp/b"}),
      ElementsAre("check open", "check open"));
}

TEST(ResticRuns, ErrorsInJsonAndTextFailARestore) {
  const std::string error =
      R"({"message_type":"error","error":{"message":"x"},"during":"restore","item":"/a"})";
  EXPECT_THAT(Runs({kRestoreStatus, error, kRestored, ExitError(1, "Fatal: There were 1 errors")}),
              ElementsAre("restore failure other"));
  EXPECT_THAT(Runs({kRestoreStatus, "ignoring error for /a: x", kRestored}),
              ElementsAre("restore failure"));
  EXPECT_THAT(Runs({"restoring <Snapshot 1 of [/srv]> to /r", "ignoring error for /a: x",
                    "Fatal: There were 1 errors"}),
              ElementsAre("restore failure other"));
  EXPECT_THAT(Runs({"restoring <Snapshot 1 of [/srv]> to /r"}), IsEmpty());
}

// Signals.

TEST(ResticRuns, RecordsAfterASignalBelongToTheInterruptedRun) {
  EXPECT_THAT(Runs({kStatus, kSignal}), ElementsAre("backup interrupted interrupted"));
  EXPECT_THAT(Runs({kStatus, kSignal, kLaterStatus, kVerbose, kSignal, kCanceled}),
              ElementsAre("backup interrupted interrupted"));
  EXPECT_THAT(Runs({kStatus, "\rsignal terminated received, cleaning up ", kLaterStatus,
                    ExitError(130, kCanceled)}),
              ElementsAre("backup interrupted interrupted"));
  EXPECT_THAT(Runs({kStatus, kSignal, ExitError(1, kCanceled)}),
              ElementsAre("backup interrupted interrupted"));
}

TEST(ResticRuns, ANewRunStartsAfterAnInterruptedOne) {
  EXPECT_THAT(Runs({kStatus, kSignal, kFirstStatus, kStatus, kSummary}),
              ElementsAre("backup interrupted interrupted", "backup success"));
  // Records of two runs that had only zeros cannot be distinguished.
  EXPECT_THAT(Runs({kFirstStatus, kSignal, kFirstStatus, kFirstStatus, kCanceled}),
              ElementsAre("? interrupted interrupted"));
  EXPECT_THAT(Runs({kFirstStatus, kSignal, kFirstStatus, kStatus, kSummary}),
              ElementsAre("? interrupted interrupted", "backup success"));
  EXPECT_THAT(Runs({kStatus, kSignal, kCanceled, kLaterStatus}),
              ElementsAre("backup interrupted interrupted", "backup open"));
  EXPECT_THAT(Runs({kStatus, kSignal, kWrongPassword}),
              ElementsAre("backup interrupted interrupted", "? failure auth"));
  EXPECT_THAT(Runs({kStatus, kSignal, kMissing, kSummary}),
              ElementsAre("backup interrupted interrupted", "backup failure source_missing"));
  // The first status line, all zeros, may continue the torn last line of the previous run.
  const std::string errors = R"({"message_type":"status","percent_done":0,"error_count":2})";
  EXPECT_THAT(
      Runs({kFirstStatus, kSignal, R"({"message_type":"stat)" + kFirstStatus, errors, kSummary}),
      ElementsAre("? interrupted interrupted", "backup warning source_unreadable"));
  EXPECT_THAT(Runs({errors, kSignal, errors, kSummary}),
              ElementsAre("backup interrupted interrupted", "backup success"));
  EXPECT_THAT(Runs({kWrongPassword, ExitError(130, "context canceled")}),
              ElementsAre("? failure auth", "? interrupted interrupted"));
}

TEST(ResticRuns, TheFinalErrorShowsWhatASignalInterrupted) {
  EXPECT_THAT(Runs({kSignal}), ElementsAre("? open"));
  EXPECT_THAT(Runs({kSignal, ExitError(130, "context canceled")}),
              ElementsAre("? interrupted interrupted"));
  EXPECT_THAT(Runs({kSignal, kCheckDamaged, ExitError(130, "context canceled")}),
              ElementsAre("check failure"));
  EXPECT_THAT(Runs({kSignal, kFirstStatus, kSummary}), ElementsAre("? open", "backup success"));
}

TEST(ResticRuns, ASignalAfterTheReportChangesNothing) {
  EXPECT_THAT(Runs({kStatus, kSummary, kSignal}), ElementsAre("backup success"));
}

// Dry runs.

TEST(ResticRuns, ADryRunIsNoRunWhateverItsExitCode) {
  EXPECT_THAT(
      EventTexts(Events({kFirstStatus, kDryRun})),
      ElementsAre("started ?", "progress 0s processed=0 expected=1932 done=0.000", "withdrawn"));
  EXPECT_THAT(Events({kDryRun}), IsEmpty());
  EXPECT_THAT(Runs({kUnreadable, kFirstStatus, kDryRun, kExit3Text}), IsEmpty());
  EXPECT_THAT(Runs({kFirstStatus, kDryRun, ExitError(3, kExit3Text), Exited(3)}), IsEmpty());
  EXPECT_THAT(Runs({kFirstStatus, kDryRun, Exited(3)}), IsEmpty());
  EXPECT_THAT(Runs({kFirstStatus, kDryRun, Exited(0)}), IsEmpty());
  EXPECT_THAT(Runs({kMissing, kFirstStatus, kDryRun}), IsEmpty());
}

TEST(ResticRuns, ARunAfterADryRunIsReported) {
  EXPECT_THAT(Runs({kFirstStatus, kDryRun, kFirstStatus, kSummary}), ElementsAre("backup success"));
  EXPECT_THAT(Runs({kFirstStatus, kDryRun, kWrongPassword}), ElementsAre("? failure auth"));
  EXPECT_THAT(Runs({kFirstStatus, kDryRun, Exited(1)}), ElementsAre("? failure"));
  EXPECT_THAT(Runs({kSummary, kFirstStatus, kDryRun, kExit3Text}), ElementsAre("backup success"));
}

// The exit code that a wrapper recorded.

Texts ExitedAfter(std::initializer_list<std::string> lines) {
  Texts all;
  for (const int code : {0, 1, 3, 130}) {
    std::string text;
    for (const std::string& line : lines) text += line + '\n';
    const auto decoder = MakeDecoder("restic");
    std::string runs;
    for (const std::string& run :
         RunTexts(RunsIn(DecodeLines(*decoder, text + Exited(code)).events))) {
      runs += runs.empty() ? run : ", " + run;
    }
    all.push_back(runs);
  }
  return all;
}

// The configuration may name the operation; otherwise the ledger counts no success.
TEST(WrapperExit, AnExitCodeAloneHasNoOperation) {
  EXPECT_THAT(ExitedAfter({}),
              ElementsAre("? success", "? failure", "? failure", "? interrupted interrupted"));
  EXPECT_THAT(EventTexts(Events({Exited(11)})),
              ElementsAre("finished ? failure evidence=exit_code final end=2026-11-21T01:00:02Z "
                          "exit_code=11 reason=locked"));
}

TEST(WrapperExit, AnExitCodeEndsTheOpenRun) {
  EXPECT_THAT(ExitedAfter({kUnreadable}),
              ElementsAre("backup success", "backup failure", "backup warning source_unreadable",
                          "backup interrupted interrupted"));
}

// A run that shows progress also reports its success, so the code belongs to another command.
TEST(WrapperExit, ExitCode0IsNoSuccessOfARunThatShouldHaveReportedIt) {
  EXPECT_THAT(ExitedAfter({kStatus}),
              ElementsAre("backup open", "backup failure", "backup failure source_unreadable",
                          "backup interrupted interrupted"));
  EXPECT_THAT(ExitedAfter({kStatus, "restoring <Snapshot 1 of [/srv]> to /r"})[0], "backup open");
  EXPECT_THAT(ExitedAfter({"load indexes"})[0], "check open");
}

TEST(WrapperExit, AnExitCodeConfirmsOrWorsensAReport) {
  EXPECT_THAT(ExitedAfter({kStatus, kSummary}),
              ElementsAre("backup success", "backup failure", "backup warning source_unreadable",
                          "backup interrupted interrupted"));
  EXPECT_THAT(ExitedAfter({kForgot}),
              ElementsAre("forget success", "forget failure", "forget failure",
                          "forget interrupted interrupted"));
  EXPECT_THAT(ExitedAfter({kMissing, kSummary})[0], "backup failure source_missing");
  EXPECT_THAT(ExitedAfter({kCheckDamaged})[0], "check failure");
}

TEST(WrapperExit, AnExitCodeDoesNotImproveAFailure) {
  EXPECT_THAT(ExitedAfter({kStatus, "Fatal: unable to save snapshot: x"}),
              ElementsAre("backup failure other", "backup failure other", "backup failure other",
                          "backup failure other"));
  EXPECT_THAT(ExitedAfter({kStatus, kSummary, kExit3Text})[0], "backup warning source_unreadable");
  EXPECT_THAT(ExitedAfter({kStatus, kSummary, kExit3Text})[2], "backup warning source_unreadable");
}

TEST(WrapperExit, ExitCode1AfterASignalIsStillAnInterruption) {
  EXPECT_THAT(ExitedAfter({kStatus, kSignal, kCanceled}),
              ElementsAre("backup interrupted interrupted", "backup interrupted interrupted",
                          "backup interrupted interrupted", "backup interrupted interrupted"));
  EXPECT_THAT(ExitedAfter({kStatus, kSignal})[1], "backup interrupted interrupted");
  EXPECT_THAT(ExitedAfter({kSignal})[3], "? interrupted interrupted");
}

TEST(WrapperExit, ExitCode0OfATextRunDoesNotHideAMissingSource) {
  EXPECT_THAT(ExitedAfter({kMissing, "snapshot fee1cfe5 saved"}),
              ElementsAre("backup failure source_missing", "backup failure source_missing",
                          "backup failure source_missing", "backup failure source_missing"));
}

TEST(WrapperExit, ExitCode0IsTheSuccessOfATextRestore) {
  EXPECT_THAT(ExitedAfter({"restoring <Snapshot 1 of [/srv]> to /r"}),
              ElementsAre("restore success", "restore failure", "restore failure",
                          "restore interrupted interrupted"));
}

TEST(WrapperExit, AnExitCodeClosesTheRun) {
  EXPECT_THAT(Runs({kStatus, kSummary, Exited(0), Exited(1)}),
              ElementsAre("backup success", "? failure"));
  EXPECT_THAT(Runs({kStatus, kSummary, Exited(0), kExit3Text}),
              ElementsAre("backup success", "backup warning source_unreadable"));
}

}  // namespace
}  // namespace backup_exporter
