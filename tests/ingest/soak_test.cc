// Memory and open files do not grow with the number of lines read.
// Labels: serial

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "ingest/ingest.h"
#include "kit/fake_clock.h"
#include "kit/fake_watcher.h"
#include "kit/long_run.h"
#include "kit/process.h"
#include "kit/restic_log.h"
#include "kit/sanitizers.h"
#include "kit/temporary_directory.h"

namespace backup_exporter {
namespace {

namespace fs = std::filesystem;

// Rotated every few runs, as logrotate does with `rotate 2`.
TEST(SoakAtLength, MillionsOfLinesAndRotationsGrowNeitherMemoryNorOpenFiles) {
  constexpr int kLinesOfARun = 2000;
  const int runs = HowMany(500, 50'000);
  const TemporaryDirectory directory;
  directory.MakeDirectory("logs");
  const std::string pattern = directory / "logs/home.jsonl*";
  SystemFiles files;
  FakeClock clock(*ParseRfc3339("2026-01-01T02:00:00Z"));
  StatusBoard board;
  auto ledger = Ledger::Open({.directory = directory / "ledger"}).value();
  ledger->Configure({{.source = "log", .tool = "restic", .pattern = pattern, .backup = "home"}});
  auto fake = std::make_unique<FakeWatcher>();
  FakeWatcher& watcher = *fake;
  const auto ingest =
      Ingest::Create(
          {.input = {.name = "log", .pattern = pattern}, .decoder = {}, .format = "restic"}, files,
          std::move(fake), *ledger, board)
          .value();

  std::string progress;
  for (int line = 1; line < kLinesOfARun; ++line) {
    progress += R"({"message_type":"status","percent_done":0.5,"files_done":)" +
                std::to_string(line) + "}\n";
  }
  [[maybe_unused]] std::size_t memory = 0;  // not checked with sanitizers
  std::size_t open = 0;
  for (int run = 1; run <= runs; ++run) {
    directory.Append("logs/home.jsonl",
                     progress + ResticSummary(SystemClock().Now() - clock.Now()));
    watcher.ReportChange(directory / "logs/home.jsonl");
    ingest->Step(clock.Both());
    clock.Advance(std::chrono::minutes(7));
    if (run % 7 == 0) {
      fs::remove(directory / "logs/home.jsonl.2");
      if (run > 7) directory.Rename("logs/home.jsonl.1", "logs/home.jsonl.2");
      directory.Rename("logs/home.jsonl", "logs/home.jsonl.1");
    }
    ASSERT_TRUE(ledger->Tick(clock.Now()));
    if (run != runs / 2) continue;
    memory = Kilobytes(getpid(), "VmRSS");
    open = OpenFiles(getpid());
  }
  const auto standings = ledger->standings();
  EXPECT_EQ(standings->backups.at(0)->operations.at(0).runs, static_cast<std::uint64_t>(runs));
  EXPECT_EQ(standings->sources.at("log").counts.records,
            static_cast<std::uint64_t>(runs) * kLinesOfARun);
  EXPECT_LE(OpenFiles(getpid()), open + 1) << "save one that was just rotated";
#ifndef BACKUP_EXPORTER_ASAN  // it keeps freed memory
  EXPECT_LE(Kilobytes(getpid(), "VmRSS"), memory + (1 << 10));
#endif
}

}  // namespace
}  // namespace backup_exporter
