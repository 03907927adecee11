// Random UUIDs (RFC 9562, version 4).
#pragma once

#include <string>

namespace backup_exporter {

[[nodiscard]] std::string RandomUuid();

}  // namespace backup_exporter
