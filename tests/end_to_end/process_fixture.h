// A fixture for tests of the program as a process: an exporter with one source of restic logs,
// started by the test or by a shell.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

#include "kit/exporter_process.h"
#include "kit/http_client.h"
#include "kit/paths.h"
#include "kit/process.h"
#include "kit/temporary_directory.h"

namespace backup_exporter {

class ProcessFixture : public testing::Test {
 protected:
  ProcessFixture() {
    directory_.MakeDirectory("logs");
    directory_.MakeDirectory("ledger");
    Configure("");
  }

  void Configure(const std::string& more) const {
    directory_.Write("config.yaml", "sources:\n  - {format: restic, path: logs/*.jsonl}\n" + more);
  }
  [[nodiscard]] ExporterProcess Start() const {
    return {kProgram, directory_ / "config.yaml", directory_.path()};
  }
  // The command line of an exporter on this port, for a shell. It logs to standard error.
  [[nodiscard]] std::string CommandLine(int port) const {
    return fmt::format("{} --config.file={} --storage.path={} --web.listen-address=127.0.0.1:{}",
                       kProgram, directory_ / "config.yaml", directory_ / "ledger", port);
  }
  [[nodiscard]] std::string Log() const { return ReadText(directory_ / "log"); }
  static double Runs(const Page& page, const std::string& backup = "home") {
    return page.Number("backup_runs_total{backup=\"" + backup + "\",operation=\"backup\"}");
  }
  static Page PageAt(int port) {
    Page page(Get(port, "/metrics").body);
    EXPECT_EQ(page.NotConserved(), "");
    return page;
  }
  static bool Ready(int port) { return Get(port, "/-/ready").status == 200; }

  TemporaryDirectory directory_;
};

}  // namespace backup_exporter
