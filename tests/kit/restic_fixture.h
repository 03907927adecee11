// A test that drives the real restic: with a directory of its own, in which it has an empty
// repository, two files to back up, and folders for logs.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "kit/exporter_process.h"
#include "kit/process.h"
#include "kit/temporary_directory.h"
#include "kit/tools.h"

namespace backup_exporter {

class ResticFixture : public testing::Test {
 public:
  static constexpr unsigned kNobody = 65534;

 protected:
  // Making a repository takes seconds, copying it none.
  static void SetUpTestSuite();
  static void TearDownTestSuite();
  void SetUp() override;

  // Whether this is restic 0.MINOR or later.
  [[nodiscard]] static bool Since(int minor);

  [[nodiscard]] std::string Path(const std::string& name) const { return directory_ / name; }
  // A copy of the tool that every user can run.
  [[nodiscard]] static std::string Program(const std::string& tool);
  // Runs as nobody from now on, who cannot read data/two.txt.
  void BecomeNobody();

  [[nodiscard]] ProcessOptions Options() const;
  // With both streams appended to the file.
  [[nodiscard]] ProcessOptions Logged(const std::string& name) const;
  // Runs restic with both streams in logs/home.jsonl; its exit code.
  [[nodiscard]] int Run(std::vector<std::string> arguments) const;
  [[nodiscard]] int RunSilently(std::vector<std::string> arguments) const;
  // What restic itself says, as JSON.
  [[nodiscard]] nlohmann::json Ask(std::vector<std::string> arguments) const;
  // Writes what restic prints into a new file.
  void List(std::vector<std::string> arguments, const std::string& name) const;
  [[nodiscard]] nlohmann::json Snapshots() const { return Ask({"snapshots"}); }
  // Bytes in the repository as restic counts `data_added`, in one of format 1.
  [[nodiscard]] double Stored() const;
  void Damage() const;
  // A check that holds an exclusive lock for as long as this is kept.
  [[nodiscard]] std::unique_ptr<Process> Lock() const;

  void Configure(const std::string& text) const { directory_.Write("config.yaml", text); }

  static std::string Series(const std::string& metric, const std::string& operation = "backup");
  static double LastSuccess(const Page& page, const std::string& operation = "backup");
  static double Runs(const Page& page, const std::string& operation = "backup");
  // The one that is 1; empty where there is none.
  static std::string Reason(const Page& page, const std::string& operation = "backup");
  static std::string Evidence(const Page& page, const std::string& operation = "backup");
  // As restic or resticprofile prints a time.
  static double Seconds(const nlohmann::json& stamp);

  TemporaryDirectory directory_;
  std::string password_ = "right";
  std::string repository_;  // empty: the test's own
  unsigned user_ = 0;
};

}  // namespace backup_exporter
