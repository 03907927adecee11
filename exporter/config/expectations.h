// Parses the list `backups` of the configuration: when runs are due.
#pragma once

#include <vector>

#include "base/section.h"
#include "model/expectation.h"

namespace backup_exporter {

// One expectation per entry and operation, in the order of the file. The first that matches a
// backup applies to it.
[[nodiscard]] std::vector<Expectation> ReadExpectations(Section& root);

}  // namespace backup_exporter
