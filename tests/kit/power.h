// The program under kit/shim/power.cc, which ends it at one of its calls that change files or speak
// to a monitor.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace backup_exporter {

struct PowerOptions {
  std::string shim;         // the library
  std::string directory;    // what lies below is watched
  std::string scratch;      // empty, beside it
  int port = 0;             // of the monitor; 0: none
  std::uint64_t point = 0;  // the call that it ends at; 0: it is only counted
  std::uint64_t seed = 0;
  bool cut = false;             // a power cut, not a kill
  bool cut_afterwards = false;  // when it has ended by itself
};

// NAME=value
[[nodiscard]] std::vector<std::string> PowerEnvironment(const PowerOptions& options);
// How many calls were made by now.
[[nodiscard]] std::uint64_t CallsCounted(const std::string& scratch);

}  // namespace backup_exporter
