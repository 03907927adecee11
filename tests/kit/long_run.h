// The number of cases that an open-ended test tries: few in CI, many with scripts/test --long.
// Suites that use it are named …AtLength.
#pragma once

#include <cstdlib>

namespace backup_exporter {

[[nodiscard]] inline int HowMany(int usually, int at_length) {
  return std::getenv("BACKUP_EXPORTER_LONG") != nullptr ? at_length : usually;
}

}  // namespace backup_exporter
