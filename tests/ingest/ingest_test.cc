#include "ingest/ingest.h"

#include <gtest/gtest.h>

#include "kit/fake_clock.h"
#include "kit/fake_watcher.h"
#include "kit/restic_log.h"
#include "kit/temporary_directory.h"
#include "ledger/ledger.h"

namespace backup_exporter {
namespace {

TEST(Ingest, AStoppedIngestCommitsNothingOfTheStepInProgress) {
  const TemporaryDirectory directory;
  const FakeClock clock;
  directory.Write("home.jsonl", ResticSummary(std::chrono::hours(1)));
  const std::string pattern = directory / "*.jsonl";
  auto ledger = Ledger::Open({}).value();
  ledger->Configure(
      {{.source = "restic", .tool = "restic", .pattern = pattern, .backup = "{stem}"}});
  SystemFiles files;
  StatusBoard board;
  IngestOptions options;
  options.input.name = options.format = "restic";
  options.input.pattern = pattern;
  auto ingest =
      Ingest::Create(options, files, std::make_unique<FakeWatcher>(), *ledger, board).value();

  ingest->Stop();
  ingest->Step(clock.Both());
  EXPECT_EQ(ledger->Checkpoints("restic").value().size(), 0U);

  // Its replacement reads all of it.
  ingest = Ingest::Create(options, files, std::make_unique<FakeWatcher>(), *ledger, board).value();
  ingest->Step(clock.Both());
  EXPECT_EQ(ledger->Checkpoints("restic").value().size(), 1U);
}

// The process that writes the spool is not the run, so its end does not end the run.
TEST(Ingest, AClosedFileOfEventsIsCommittedOnceAndItsOpenRunStaysOpen) {
  const TemporaryDirectory directory;
  FakeClock clock;
  const std::string path = directory / "events.jsonl";
  directory.Write("events.jsonl",
                  R"({"backup":"home","event":"start","operation":"backup","time":1893455999})"
                  "\n");
  const std::string pattern = directory / "*.jsonl";
  auto ledger = Ledger::Open({}).value();
  ledger->Configure({{.source = "events",
                      .tool = "other",
                      .pattern = pattern,
                      .backup = "{label}",
                      .names_backup = true}});
  SystemFiles files;
  StatusBoard board;
  auto fake = std::make_unique<FakeWatcher>();
  FakeWatcher& watcher = *fake;
  const auto ingest =
      Ingest::Create(
          {.input = {.name = "events", .pattern = pattern}, .decoder = {}, .format = "event"},
          files, std::move(fake), *ledger, board)
          .value();
  ingest->Step(clock.Both());
  watcher.ReportChange(path, /*closed=*/true);
  ingest->Step(clock.Both());
  clock.Advance(std::chrono::seconds(10));
  ingest->Step(clock.Both());
  const auto committed = ledger->standings()->committed;

  clock.Advance(std::chrono::seconds(1));
  EXPECT_GT(ingest->Step(clock.Both()), clock.Steady());
  EXPECT_EQ(ledger->standings()->committed, committed);
  const auto standings = ledger->standings();
  ASSERT_EQ(standings->backups.size(), 1U);
  EXPECT_TRUE(standings->backups[0]->operations.at(0).running.has_value());
}

}  // namespace
}  // namespace backup_exporter
