// A test that drives the real restic in a directory of its own, with an empty repository, two files
// to back up, and folders for logs.
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
  // Creates a repository once per suite, which takes seconds. Tests get copies.
  static void SetUpTestSuite();
  static void TearDownTestSuite();
  void SetUp() override;

  // Whether the installed restic is 0.MINOR or later.
  [[nodiscard]] static bool Since(int minor);

  [[nodiscard]] std::string Path(const std::string& name) const { return directory_ / name; }
  // A copy of the tool that every user can run.
  [[nodiscard]] static std::string Program(const std::string& tool);
  // Runs programs as the user nobody from now on, who cannot read data/two.txt. The test must run
  // as root.
  void BecomeNobody();

  [[nodiscard]] ProcessOptions Options() const;
  // The same with both streams appended to the file.
  [[nodiscard]] ProcessOptions Logged(const std::string& name) const;
  // Runs restic with both streams appended to logs/home.jsonl; returns its exit code.
  [[nodiscard]] int Run(std::vector<std::string> arguments) const;
  [[nodiscard]] int RunSilently(std::vector<std::string> arguments) const;
  // The output of restic with these arguments and --json.
  [[nodiscard]] nlohmann::json Ask(std::vector<std::string> arguments) const;
  // Writes the JSON that restic prints into a new file.
  void List(std::vector<std::string> arguments, const std::string& name) const;
  [[nodiscard]] nlohmann::json Snapshots() const { return Ask({"snapshots"}); }
  // The bytes in the repository, counted as in restic's `data_added`. Requires format 1.
  [[nodiscard]] double Stored() const;
  // Overwrites some bytes of every pack file.
  void Damage() const;
  // Starts a check and stops it with SIGSTOP once it has locked the repository exclusively. The
  // lock is valid for as long as the caller keeps the process.
  [[nodiscard]] std::unique_ptr<Process> Lock() const;

  void Configure(const std::string& text) const { directory_.Write("config.yaml", text); }

  static std::string Series(const std::string& metric, const std::string& operation = "backup");
  static double LastSuccess(const Page& page, const std::string& operation = "backup");
  static double Runs(const Page& page, const std::string& operation = "backup");
  // The value whose series is 1; empty if there is none.
  static std::string Reason(const Page& page, const std::string& operation = "backup");
  static std::string Evidence(const Page& page, const std::string& operation = "backup");
  // Seconds since the epoch of a time that restic or resticprofile prints.
  static double Seconds(const nlohmann::json& stamp);

  TemporaryDirectory directory_;
  std::string password_ = "right";
  std::string repository_;  // empty: the test's own
  unsigned user_ = 0;
};

}  // namespace backup_exporter
