// A test that drives the real borg, or borgmatic, in a directory of its own.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "kit/exporter_process.h"
#include "kit/process.h"
#include "kit/temporary_directory.h"

namespace backup_exporter {

// A named pipe with some content, which does not end before Close or the destructor. A program that
// reads it to its end keeps running until then.
class HeldPipe {
 public:
  explicit HeldPipe(const std::string& path);
  ~HeldPipe();
  HeldPipe(const HeldPipe&) = delete;
  HeldPipe& operator=(const HeldPipe&) = delete;

  [[nodiscard]] int reading_end() const { return reading_; }
  // Waits until a reader has read the whole content and blocks for more; false after 30 s.
  [[nodiscard]] bool WaitForReader() const;
  // Lets the reader reach the end of the pipe.
  void Close();

 private:
  int reading_ = -1;
  int writing_ = -1;
};

class BorgFixture : public testing::Test {
 protected:
  void SetUp() override;

  [[nodiscard]] std::string Path(const std::string& name) const { return directory_ / name; }
  // Options for a borg or borgmatic process: caches in the directory, passphrase_, zone_, and no
  // questions.
  [[nodiscard]] ProcessOptions Options(ProcessOptions options = {}) const;
  [[nodiscard]] std::vector<std::string> Command(std::vector<std::string> arguments) const;
  int Borg(std::vector<std::string> arguments, ProcessOptions options = {}) const;
  // The output of borg with these arguments and --json; a discarded value if it is not JSON.
  [[nodiscard]] nlohmann::json Ask(std::vector<std::string> arguments) const;
  // The newest archive of a repository with its times and sizes, from `borg info`.
  [[nodiscard]] nlohmann::json NewestArchive(const std::string& repository) const;

  void Initialise(const std::string& repository, const std::string& encryption = "none") const;
  // Overwrites some bytes of the largest segment of the repository.
  void Damage(const std::string& repository) const;
  // The command without the capabilities of root, so that file modes apply to it even as root.
  [[nodiscard]] static std::vector<std::string> Unprivileged(std::vector<std::string> command);

  // Seconds since the epoch of a time that borg prints. Requires that zone_ is UTC.
  [[nodiscard]] static double Seconds(const nlohmann::json& time);

  TemporaryDirectory directory_;
  std::string passphrase_ = "right";
  std::string zone_ = "UTC";
};

// The value of a series of this backup, or operation of a backup; -1 without such a series.
[[nodiscard]] double OperationNumber(const Page& page, const std::string& metric,
                                     const std::string& backup, const std::string& operation);
[[nodiscard]] double BackupNumber(const Page& page, const std::string& metric,
                                  const std::string& backup);
[[nodiscard]] double LastSuccess(const Page& page, const std::string& backup,
                                 const std::string& operation = "backup");
// The reason of the last failure, and the evidence of the last success; empty if no series is 1.
[[nodiscard]] std::string FailureReason(const Page& page, const std::string& backup,
                                        const std::string& operation = "backup");
[[nodiscard]] std::string SuccessEvidence(const Page& page, const std::string& backup,
                                          const std::string& operation = "backup");

}  // namespace backup_exporter
