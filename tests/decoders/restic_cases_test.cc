// Compares the decoded runs of every capture of restic with cases.json, which has the command and
// its exit code.

#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "kit/decoding.h"
#include "kit/paths.h"

namespace backup_exporter {
namespace {

using ::testing::Ge;
using ::testing::StartsWith;
using Json = nlohmann::json;

// Captures of commands whose output does not show the result.
const std::map<std::string, std::string> kShowNothing{
    {"0.14.0/backup-no-source-list.both.jsonl",
     "an error without \"Fatal: \", like any other line"},
    {"0.14.0/restore-no-snapshot.both.txt", "an error without \"Fatal: \", like any other line"},
    {"0.14.0/backup-text.stdout.txt", "not --json"},
    {"0.14.0/restore-success.stdout.txt", "one line, at the beginning"},
    {"0.14.0/forget-by-id.stdout.jsonl", "nothing is printed"},
    {"0.14.0/forget-no-match.stdout.jsonl", "nothing is printed"},
};

// Captures of standard output alone that cannot be distinguished from those of a success.
const std::map<std::string, std::string> kLookLikeSuccess{
    {"0.14.0/backup-unreadable.stdout.jsonl", "ended before a status line could count the errors"},
    {"0.14.0/backup-unreadable-quiet.stdout.jsonl", "no status line counts the errors"},
    {"0.14.0/backup-unreadable-then-success.stdout.jsonl", "as backup-unreadable"},
    {"0.14.0/backup-unreadable-and-missing-source.stdout.jsonl", "as backup-unreadable"},
    {"0.18-documented/backup-missing-source.stdout.jsonl", "the path is named on standard error"},
    {"0.18-documented/restore-damaged.stdout.jsonl", "the summary counts no errors"},
};

struct CaseRun {
  int exit_code = 0;
  std::string note;
  std::string snapshot_id;
  std::optional<std::uint64_t> data_added;
};

struct Case {
  std::string file;  // "0.14.0/backup-success.stdout.jsonl"
  std::string command;
  bool with_stderr = false;
  bool dry_run = false;
  std::vector<CaseRun> runs;
};

CaseRun RunOf(const Json& json) {
  CaseRun run{.exit_code = json.at("exit_code"),
              .note = json.value("note", ""),
              .snapshot_id = json.value("snapshot_id", "")};
  if (json.contains("data_added")) run.data_added = json.at("data_added").get<std::uint64_t>();
  return run;
}

std::vector<Case> Cases() {
  std::vector<Case> cases;
  for (const auto& folder :
       std::filesystem::directory_iterator(std::string(kTestdataDir) + "/restic")) {
    for (const Json& json : Json::parse(ReadText(folder.path() / "cases.json"))) {
      Case& added = cases.emplace_back();
      added.file = folder.path().filename() / json.at("file").get<std::string>();
      added.command = json.at("command");
      added.with_stderr = json.at("capture") == "both";
      added.dry_run = added.command == "backup" && added.file.find("dry-run") != std::string::npos;
      for (const Json& run : json.value("runs", Json::array({json})))
        added.runs.push_back(RunOf(run));
    }
  }
  return cases;
}

std::vector<DecodedRun> RunsOf(const Case& one) {
  const auto decoder = MakeDecoder("restic");
  const std::string text =
      ReadText(std::filesystem::path(std::string(kTestdataDir) + "/restic") / one.file);
  return RunsIn(DecodeLines(*decoder, text).events);
}

bool IsRun(const Case& one) {
  return one.command == "backup" || one.command == "check" || one.command == "forget" ||
         one.command == "restore";
}

// The expected result of a run whose output was captured completely. nullopt: it was killed, which
// only the next run, or the end of its process, shows.
std::optional<RunResult> Expected(const Case& one, const CaseRun& run) {
  const auto noted = [&run](const char* what) { return run.note.find(what) != std::string::npos; };
  const bool missing = noted("does not exist") && run.exit_code != 1;
  if (missing) return RunResult::kFailure;
  if (run.exit_code == 0) return RunResult::kSuccess;
  if (run.exit_code == 3 && one.command == "backup") return RunResult::kWarning;
  if (noted("not handled") || noted("SIGKILL")) return std::nullopt;
  // The report of check counts an error for every failure, a signal included.
  const bool signalled = noted("SIGINT") || noted("SIGTERM");
  return signalled && one.command != "check" ? RunResult::kInterrupted : RunResult::kFailure;
}

std::size_t CountOf(const std::vector<DecodedRun>& runs, RunResult result) {
  return static_cast<std::size_t>(
      std::ranges::count(runs, std::optional(result), &DecodedRun::result));
}

TEST(ResticCases, EveryCaptureHasACase) {
  std::vector<std::string> files;
  for (const Case& one : Cases())
    files.push_back(std::string(kTestdataDir) + "/restic/" + one.file);
  std::vector<std::string> captures;
  for (const Capture& capture : CapturesOf("restic")) captures.push_back(capture.path);
  EXPECT_THAT(files, testing::UnorderedElementsAreArray(captures));
  for (const auto* list : {&kShowNothing, &kLookLikeSuccess}) {
    for (const auto& [file, why] : *list)
      EXPECT_THAT(files, testing::Contains(std::string(kTestdataDir) + "/restic/" + file));
  }
}

TEST(ResticCases, CapturesOfBothStreamsHaveTheResultOfTheExitCode) {
  for (const Case& one : Cases()) {
    if (!IsRun(one) || !one.with_stderr) continue;
    SCOPED_TRACE(one.file);
    const std::vector<DecodedRun> runs = RunsOf(one);
    if (kShowNothing.contains(one.file)) {
      EXPECT_TRUE(runs.empty());
      continue;
    }
    EXPECT_EQ(runs.size(), one.runs.size());
    for (std::size_t i = 0; i < std::min(runs.size(), one.runs.size()); ++i) {
      EXPECT_EQ(runs[i].result, Expected(one, one.runs[i])) << RunText(runs[i]);
      if (runs[i].operation) {
        EXPECT_EQ(Name(*runs[i].operation), one.command);
      }
    }
  }
}

TEST(ResticCases, ExitCode0IsASuccess) {
  for (const Case& one : Cases()) {
    if (!IsRun(one) || one.with_stderr || one.dry_run || kShowNothing.contains(one.file)) continue;
    if (std::ranges::any_of(one.runs, [](const CaseRun& run) { return run.exit_code != 0; }))
      continue;
    SCOPED_TRACE(one.file);
    const std::vector<DecodedRun> runs = RunsOf(one);
    EXPECT_EQ(RunTexts(runs), std::vector(one.runs.size(), one.command + " success"));
  }
}

TEST(ResticCases, NoCaptureShowsMoreSuccessThanThereWas) {
  for (const Case& one : Cases()) {
    SCOPED_TRACE(one.file);
    const std::vector<DecodedRun> runs = RunsOf(one);
    const auto succeeded =
        static_cast<std::size_t>(std::ranges::count(one.runs, 0, &CaseRun::exit_code));
    const auto warned =
        static_cast<std::size_t>(std::ranges::count(one.runs, 3, &CaseRun::exit_code));
    if (kLookLikeSuccess.contains(one.file)) {
      EXPECT_GT(CountOf(runs, RunResult::kSuccess), succeeded)
          << "it can be distinguished after all";
    } else {
      EXPECT_LE(CountOf(runs, RunResult::kSuccess), succeeded);
    }
    EXPECT_LE(CountOf(runs, RunResult::kWarning), warned);
  }
}

TEST(ResticCases, RunsHaveTheirSnapshotsAndAddedBytes) {
  for (const Case& one : Cases()) {
    if (one.command != "backup") continue;
    SCOPED_TRACE(one.file);
    std::vector<DecodedRun> runs = RunsOf(one);
    std::erase_if(runs, [](const DecodedRun& run) { return !run.figures.added_bytes; });
    std::vector<CaseRun> expected = one.runs;
    std::erase_if(expected, [](const CaseRun& run) { return !run.data_added; });
    EXPECT_EQ(runs.size(), expected.size());
    for (std::size_t i = 0; i < std::min(runs.size(), expected.size()); ++i) {
      EXPECT_EQ(runs[i].figures.added_bytes, expected[i].data_added);
      EXPECT_EQ(runs[i].snapshot_id.empty(), expected[i].snapshot_id.empty());
      EXPECT_THAT(expected[i].snapshot_id, StartsWith(runs[i].snapshot_id));
    }
  }
}

TEST(ResticCases, DryRunsAreNoRuns) {
  int dry_runs = 0;
  for (const Case& one : Cases()) {
    if (!one.dry_run) continue;
    ++dry_runs;
    EXPECT_TRUE(RunsOf(one).empty()) << one.file;
  }
  EXPECT_THAT(dry_runs, Ge(2));
}

}  // namespace
}  // namespace backup_exporter
