// The disk of the ledger is full under the real program (faults.md 51).

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/time.h"
#include "kit/exporter_process.h"
#include "kit/faulty_server.h"
#include "kit/need.h"
#include "kit/paths.h"
#include "kit/process.h"
#include "kit/restic_log.h"
#include "kit/small_disk.h"
#include "kit/temporary_directory.h"

namespace backup_exporter {
namespace {

class FullDisk : public testing::Test {
 protected:
  FullDisk() {
    directory_.MakeDirectory("logs");
    directory_.MakeDirectory("ledger");
    directory_.Write("config.yaml",
                     "sources:\n  - {format: restic, path: logs/*.jsonl}\n"
                     "monitors:\n  - webhook: {url: " +
                         server_.url() + "/x}\n");
    disk_ = std::make_unique<SmallDisk>(directory_ / "ledger");
  }
  void SetUp() override { NEED(disk_->missing()); }

  void Start() {
    exporter_.reset();
    exporter_ =
        std::make_unique<ExporterProcess>(kProgram, directory_ / "config.yaml", directory_.path());
  }
  void Kill() const {
    exporter_->process().Signal(SIGKILL);
    exporter_->process().Wait();
  }
  [[nodiscard]] double Runs() const {
    return exporter_->Scrape().Number("backup_runs_total{backup=\"home\",operation=\"backup\"}");
  }
  [[nodiscard]] double Full() const {
    return exporter_->Scrape().Number("backup_exporter_ledger_full");
  }
  // The number of notices that the monitor received for each run, by the run's end.
  [[nodiscard]] std::map<std::string, int> Received() const {
    std::map<std::string, int> received;
    for (const auto& request : server_.Requests()) {
      ++received[nlohmann::json::parse(request.body).at("time")];
    }
    return received;
  }
  void RunABackup() {
    directory_.Append("logs/home.jsonl", ResticSummary(Duration(0)));
    ++runs_;
    EXPECT_TRUE(Eventually([&] { return Runs() == runs_; }));
    EXPECT_TRUE(Eventually([&] { return Received().size() == runs_; })) << Received().size();
  }

  // Stops the program, fills the disk, starts the program on it and frees the disk: the ledger
  // catches up.
  void ExpectStartAfter(void (SmallDisk::*fill)() const) {
    Start();
    RunABackup();
    EXPECT_EQ(exporter_->Stop(), 0);
    ((*disk_).*fill)();
    Start();
    EXPECT_EQ(Full(), 1);
    EXPECT_EQ(Runs(), runs_);
    RunABackup();
    disk_->Free();
    EXPECT_TRUE(Eventually([&] { return Full() == 0; }));
  }
  void ExpectUnchangedByARestartAndNotifiedOnce() {
    const std::string before = exporter_->Scrape().Lasting();
    EXPECT_EQ(exporter_->Stop(), 0);
    Start();
    EXPECT_EQ(exporter_->Scrape().Lasting(), before);
    for (const auto& [end, times] : Received()) EXPECT_EQ(times, 1) << end;
  }

  FaultyServer server_{[](const FaultyServer::Request&) { return FaultyServer::Reply{}; }};
  TemporaryDirectory directory_;
  std::unique_ptr<SmallDisk> disk_;
  std::unique_ptr<ExporterProcess> exporter_;
  unsigned runs_ = 0;
};

TEST_F(FullDisk, AFullDiskStopsNeitherIngestNorDeliveryAndTheLedgerCatchesUp) {
  Start();
  RunABackup();
  EXPECT_EQ(Full(), 0);
  disk_->Fill();
  for (int run = 0; run < 3; ++run) RunABackup();
  EXPECT_EQ(Full(), 1);
  disk_->Free();
  EXPECT_TRUE(Eventually([&] { return Full() == 0; }));
  RunABackup();
  EXPECT_TRUE(Eventually([&] {
    return exporter_->Scrape().Number("backup_monitor_deliveries_total{monitor=\"webhook\"}") ==
           runs_;
  }));
  ExpectUnchangedByARestartAndNotifiedOnce();
}

TEST_F(FullDisk, AnExporterKilledOnAFullDiskStartsThereAndLosesNothing) {
  Start();
  RunABackup();
  const std::string first = Received().begin()->first;
  disk_->Fill();
  RunABackup();
  Kill();
  Start();
  EXPECT_EQ(Full(), 1);
  EXPECT_EQ(Runs(), runs_);
  RunABackup();
  disk_->Free();
  EXPECT_TRUE(Eventually([&] { return Full() == 0; }));
  RunABackup();
  Kill();
  Start();
  EXPECT_EQ(Runs(), runs_);
  EXPECT_EQ(exporter_->Stop(), 0);
  EXPECT_EQ(Received().at(first), 1) << "its delivery was stored in the ledger";
  EXPECT_EQ(Received().size(), runs_);
  for (const auto& [end, times] : Received()) EXPECT_LE(times, 2) << end;
}

TEST_F(FullDisk, AStoppedExporterStartsOnADiskThatFilledMeanwhile) {
  ExpectStartAfter(&SmallDisk::Fill);
  EXPECT_EQ(exporter_->Stop(), 0);
  EXPECT_EQ(OutputOf({kProgram, "--config.file=" + (directory_ / "config.yaml"),
                      "--storage.path=" + (directory_ / "ledger"), "notify", "--pending"}),
            "no pending notices, no dead letters\n");
  for (const auto& [end, times] : Received()) EXPECT_EQ(times, 1) << end;
}

TEST_F(FullDisk, AStoppedExporterStartsOnADiskWithoutFreeInodes) {
  ExpectStartAfter(&SmallDisk::UseAllInodes);
  ExpectUnchangedByARestartAndNotifiedOnce();
}

// faults.md 52
TEST_F(FullDisk, AReadOnlyDiskIsRefusedWithOneLine) {
  Start();
  EXPECT_EQ(exporter_->Stop(), 0);
  disk_->MakeReadOnly();
  EXPECT_EQ(
      RunProcess({kProgram, "--config.file=" + (directory_ / "config.yaml"),
                  "--storage.path=" + (directory_ / "ledger"), "--web.listen-address=127.0.0.1:0"},
                 {.errors = directory_ / "errors"}),
      2);
  const std::string output = ReadText(directory_ / "errors");
  EXPECT_NE(output.find("ledger: cannot write to " + (directory_ / "ledger") + ": Read-only"),
            std::string::npos)
      << output;
  EXPECT_EQ(std::ranges::count(output, '\n'), 1) << output;
}

}  // namespace
}  // namespace backup_exporter
