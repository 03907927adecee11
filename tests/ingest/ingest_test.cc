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

}  // namespace
}  // namespace backup_exporter
