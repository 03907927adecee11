#include "kit/power.h"

#include <filesystem>
#include <fstream>

namespace backup_exporter {

std::vector<std::string> PowerEnvironment(const PowerOptions& options) {
  return {"LD_PRELOAD=" + options.shim,
          // AddressSanitizer otherwise insists on being the first library.
          "ASAN_OPTIONS=verify_asan_link_order=0",
          "POWER_DIRECTORY=" + std::filesystem::canonical(options.directory).string(),
          "POWER_SCRATCH=" + options.scratch, "POWER_PORT=" + std::to_string(options.port),
          "POWER_POINT=" + std::to_string(options.point),
          "POWER_SEED=" + std::to_string(options.seed),
          "POWER_CUT=" + std::to_string(static_cast<int>(options.cut)),
          "POWER_AFTERWARDS=" + std::to_string(static_cast<int>(options.cut_afterwards))};
}

std::uint64_t CallsCounted(const std::string& scratch) {
  std::uint64_t calls = 0;
  std::ifstream(scratch + "/calls", std::ios::binary)
      .read(reinterpret_cast<char*>(&calls), sizeof calls);
  return calls;
}

}  // namespace backup_exporter
