// How much of what has no end is tried: some of it in CI, much with scripts/test --long. Suites
// that ask are named …AtLength.
#pragma once

#include <cstdlib>

namespace backup_exporter {

[[nodiscard]] inline int HowMany(int usually, int at_length) {
  return std::getenv("BACKUP_EXPORTER_LONG") != nullptr ? at_length : usually;
}

}  // namespace backup_exporter
