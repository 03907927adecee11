// Runs the program under kit/shim/power.cc, which ends it at a chosen call that changes a file or
// sends to a monitor.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace backup_exporter {

struct PowerOptions {
  std::string shim;         // the library
  std::string directory;    // calls on files below it count
  std::string scratch;      // an empty directory on the same file system
  int port = 0;             // of the monitor, whose sends count, too; 0: none
  std::uint64_t point = 0;  // the number of the call to end at; 0: calls are only counted
  std::uint64_t seed = 0;
  bool cut = false;             // end by a power cut, which loses unsynced changes, not by a kill
  bool cut_afterwards = false;  // cut the power after the program ended by itself
};

// NAME=value
[[nodiscard]] std::vector<std::string> PowerEnvironment(const PowerOptions& options);
// The number of calls so far.
[[nodiscard]] std::uint64_t CallsCounted(const std::string& scratch);

}  // namespace backup_exporter
