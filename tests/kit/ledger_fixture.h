// A ledger and files that report runs to it, so that a test case is a few lines:
//
//   Apply(log_, {Started(), Finished(kFailure)}, kAtEnd);
//   EXPECT_EQ(Home().failures, 1u);
//
// Tests create the events themselves, without files and decoders.
#pragma once

#include <gtest/gtest.h>

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kit/standings_text.h"
#include "kit/temporary_directory.h"
#include "ledger/ledger.h"
#include "model/event.h"

namespace backup_exporter {

using namespace std::chrono_literals;

using enum RunResult;

// 02:00 UTC in the n-th night of the tests' calendar. The tests' present is noon after night 30.
[[nodiscard]] Time Night(int n);

// A RunFinished that reads like a sentence. Without At it has no time.
struct Finished : RunFinished {
  explicit Finished(RunResult how) { result = how; }
  Finished& At(Time time) { return end = time, *this; }
  Finished& From(Time time) { return start = time, *this; }
  Finished& Lasting(Duration time) { return duration = time, *this; }
  Finished& Of(Operation what) { return operation = what, *this; }
  Finished& Id(std::string id) { return snapshot_id = std::move(id), *this; }
  Finished& Code(int code) { return exit_code = code, *this; }
  Finished& Because(Reason why) { return reason = why, *this; }
  Finished& By(Evidence by) { return evidence = by, *this; }
  Finished& Adding(std::uint64_t bytes) { return figures.added_bytes = bytes, *this; }
  Finished& With(const Figures& all) { return figures = all, *this; }
  Finished& Whole() { return final = true, *this; }  // nothing worse can follow
  Finished& OfLastRun() { return of_last_run = true, *this; }
};

using Started = RunStarted;
using Progress = RunProgress;
using Withdrawn = RunWithdrawn;

struct Listed : ArchiveListed {
  Listed(std::string id, Time time) { snapshot_id = std::move(id), start = time; }
  Listed& Until(Time time) { return end = time, *this; }
  Listed& AmongOthers() { return among_others = true, *this; }
};

// A record without information about a run.
struct Noise {};

// One record: its event, if it has one, and the label of the event.
struct TestRecord {
  // Implicit: a list of events reads better without conversions.
  template <typename T>
  requires(!std::same_as<std::remove_cvref_t<T>, TestRecord>)
      TestRecord(T&& event, std::string name = {})  // NOLINT
      : label(std::move(name)) {
    if constexpr (!std::same_as<std::remove_cvref_t<T>, Noise>) what = std::forward<T>(event);
  }
  std::optional<decltype(Event::what)> what;
  std::string label;
};

// The state of the file after the step. Each includes those before it.
enum class Rest { kMore, kAtEnd, kQuiet, kGone, kOver };
using enum Rest;

// One generation of a file.
struct TestFile {
  explicit TestFile(const std::string& path, Time modified = Night(30)) {
    position.path = path;
    position.modified = modified;
  }
  TestFile& Modified(Time time) { return position.modified = time, *this; }
  FilePosition position;
};

// A source named `name` with all files below /NAME/, and a template of its own if one is given.
[[nodiscard]] SourceRules SourceOf(const std::string& name, const std::string& backup = {});

// The next step of a file. Moves the file's position on.
[[nodiscard]] FileStep Step(TestFile& file, const std::vector<TestRecord>& records,
                            Rest rest = kAtEnd);

// A ledger in a directory, with two sources that feed one backup, `home`: logs (/log/home.log) and
// status files (/status/home.json).
class LedgerTest : public testing::Test {
 protected:
  LedgerTest();
  void TearDown() override;

  // Commits one step. Fails the test unless it is accepted.
  void Apply(TestFile& file, const std::vector<TestRecord>& records, Rest rest = kAtEnd);
  // Commits one step. Returns why it was refused; empty: it was accepted.
  std::string Refused(TestFile& file, const std::vector<TestRecord>& records, Rest rest = kAtEnd);
  Result<void> Commit(std::vector<FileStep>& steps);
  void Tick();
  // Closes the ledger and opens it again, as a restart does.
  void Reopen();

  [[nodiscard]] Ledger& ledger() { return *ledger_; }
  [[nodiscard]] std::string Standing() const { return StandingsText(*ledger_->standings()); }
  [[nodiscard]] std::vector<std::string> Names() const;
  // Empty standings if there is no such backup or operation.
  [[nodiscard]] BackupStanding Backup(const std::string& name) const;
  [[nodiscard]] OperationStanding Of(const std::string& name, Operation operation) const;
  [[nodiscard]] OperationStanding Home() const { return Of("home", Operation::kBackup); }

  TemporaryDirectory directory_;
  LedgerOptions options_;
  std::vector<SourceRules> sources_{SourceOf("log", "home"), SourceOf("status", "home")};
  std::vector<Expectation> expectations_;
  Time now_ = Night(30) + 10h;
  TestFile log_{"/log/home.log"};
  TestFile status_{"/status/home.json"};

 private:
  void Open();
  std::unique_ptr<Ledger> ledger_;
};

}  // namespace backup_exporter
