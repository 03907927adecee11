// What is expected of the backups: the list `backups` of a configuration.
#pragma once

#include <vector>

#include "base/section.h"
#include "model/expectation.h"

namespace backup_exporter {

// One for each backup and operation that an entry names, in their order: the first that fits holds.
[[nodiscard]] std::vector<Expectation> ReadExpectations(Section& root);

}  // namespace backup_exporter
