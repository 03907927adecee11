#include "kit/ledger_fixture.h"

#include <algorithm>
#include <iostream>

namespace backup_exporter {

Time Night(int n) {
  return Time(std::chrono::sys_days(std::chrono::year(2026) / 11 / 1)) + (n - 1) * 24h + 2h;
}

SourceRules SourceOf(const std::string& name, const std::string& backup) {
  return {.source = name,
          .tool = "restic",
          .pattern = "/" + name + "/*",
          .backup = backup.empty() ? "{stem}" : backup,
          .backup_configured = !backup.empty(),
          .operation_configured = true};
}

FileStep Step(TestFile& file, const std::vector<TestRecord>& records, Rest rest) {
  FileStep step;
  for (const TestRecord& record : records) {
    step.last_record = file.position.offset;
    if (record.what)
      step.events.push_back({.of = {.label = record.label, .repository = {}},
                             .offset = file.position.offset,
                             .what = *record.what});
    file.position.offset += 100;
  }
  step.counts.records = records.size();
  step.position = file.position;
  step.decoder_state = "after " + std::to_string(file.position.offset);
  step.at_end = rest >= kAtEnd;
  step.quiet = rest >= kQuiet;
  step.writer_gone = step.runs_ended = rest >= kGone;
  step.over = rest >= kOver;
  return step;
}

LedgerTest::LedgerTest() {
  options_.directory = directory_ / "state";
  Open();
}

void LedgerTest::TearDown() {
  if (!ledger_) return;
  if (HasFailure()) std::cerr << Standing();
  const std::string before = Standing();
  Reopen();
  EXPECT_EQ(Standing(), before) << "after a restart";
}

void LedgerTest::Open() {
  auto opened = Ledger::Open(options_);
  if (!opened) {
    ADD_FAILURE() << opened.error().message;
    return;
  }
  ledger_ = std::move(*opened);
  ledger_->Configure(sources_);
  ledger_->Expect(expectations_, now_);
}

void LedgerTest::Reopen() {
  ledger_.reset();
  Open();
}

Result<void> LedgerTest::Commit(std::vector<FileStep>& steps) {
  const std::string& path = steps.at(0).position.path;
  return ledger_->Commit(path.substr(1, path.find('/', 1) - 1), steps, now_);
}

std::string LedgerTest::Refused(TestFile& file, const std::vector<TestRecord>& records, Rest rest) {
  const FilePosition before = file.position;
  std::vector<FileStep> steps{Step(file, records, rest)};
  const auto done = Commit(steps);
  EXPECT_TRUE(done) << (done ? "" : done.error().message);
  file.position = steps[0].refused.empty() ? steps[0].position : before;
  return steps[0].refused;
}

void LedgerTest::Apply(TestFile& file, const std::vector<TestRecord>& records, Rest rest) {
  EXPECT_EQ(Refused(file, records, rest), "");
}

void LedgerTest::Tick() {
  const auto done = ledger_->Tick(now_);
  EXPECT_TRUE(done) << (done ? "" : done.error().message);
}

std::vector<std::string> LedgerTest::Names() const {
  std::vector<std::string> names;
  for (const auto& backup : ledger_->standings()->backups) names.push_back(backup->name);
  return names;
}

BackupStanding LedgerTest::Backup(const std::string& name) const {
  const auto standings = ledger_->standings();
  const auto found =
      std::ranges::find(standings->backups, name, [](const auto& backup) { return backup->name; });
  return found == standings->backups.end() ? BackupStanding{} : **found;
}

OperationStanding LedgerTest::Of(const std::string& name, Operation operation) const {
  const BackupStanding backup = Backup(name);
  const auto found = std::ranges::find(backup.operations, operation, &OperationStanding::operation);
  return found == backup.operations.end() ? OperationStanding{} : *found;
}

}  // namespace backup_exporter
