// The real borg in a directory of its own, for tests of what it and borgmatic write.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "kit/exporter_process.h"
#include "kit/process.h"
#include "kit/temporary_directory.h"

namespace backup_exporter {

// A named pipe with something in it that ends only when this object does. So who reads it to its
// end is surely in the middle.
class HeldPipe {
 public:
  explicit HeldPipe(const std::string& path);
  ~HeldPipe();
  HeldPipe(const HeldPipe&) = delete;
  HeldPipe& operator=(const HeldPipe&) = delete;

  [[nodiscard]] int reading_end() const { return reading_; }
  // Until somebody has read all that there is, and waits for more.
  [[nodiscard]] bool WaitForReader() const;
  // Lets the reader come to the end.
  void Close();

 private:
  int reading_ = -1;
  int writing_ = -1;
};

class BorgFixture : public testing::Test {
 protected:
  void SetUp() override;

  [[nodiscard]] std::string Path(const std::string& name) const { return directory_ / name; }
  // A borg or borgmatic process of this fixture: private caches, UTC, and nothing asked.
  [[nodiscard]] ProcessOptions Options(ProcessOptions options = {}) const;
  [[nodiscard]] std::vector<std::string> Command(std::vector<std::string> arguments) const;
  int Borg(std::vector<std::string> arguments, ProcessOptions options = {}) const;
  // What `borg ARGUMENTS --json` prints.
  [[nodiscard]] nlohmann::json Ask(std::vector<std::string> arguments) const;
  // The newest archive of a repository by `borg info`, which has its times and sizes.
  [[nodiscard]] nlohmann::json NewestArchive(const std::string& repository) const;

  void Initialise(const std::string& repository, const std::string& encryption = "none") const;
  // Spoils what the largest segment of the repository holds.
  void Damage(const std::string& repository) const;
  // The command by a root without privileges, whom file modes bind.
  [[nodiscard]] static std::vector<std::string> Unprivileged(std::vector<std::string> command);

  // Seconds since the epoch of a time that borg prints, which is UTC by Options.
  [[nodiscard]] static double Seconds(const nlohmann::json& time);

  TemporaryDirectory directory_;
  std::string passphrase_ = "right";
  std::string zone_ = "UTC";
};

// Series of a page, by the backup and the operation that they are of.
[[nodiscard]] double OperationNumber(const Page& page, const std::string& metric,
                                     const std::string& backup, const std::string& operation);
[[nodiscard]] double BackupNumber(const Page& page, const std::string& metric,
                                  const std::string& backup);
[[nodiscard]] double LastSuccess(const Page& page, const std::string& backup,
                                 const std::string& operation = "backup");
// The one reason of the last failure, the one evidence of the last success; empty where none is 1.
[[nodiscard]] std::string FailureReason(const Page& page, const std::string& backup,
                                        const std::string& operation = "backup");
[[nodiscard]] std::string SuccessEvidence(const Page& page, const std::string& backup,
                                          const std::string& operation = "backup");

}  // namespace backup_exporter
