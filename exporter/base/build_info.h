#pragma once

// The version and the compiler of this build, for --version and the metric
// backup_exporter_build_info.

#include <string_view>

namespace backup_exporter {

extern const std::string_view kVersion;   // "0.1.0"
extern const std::string_view kRevision;  // short commit hash; "unknown" outside git
extern const std::string_view kBranch;    // "HEAD" without a branch; "unknown" outside git
extern const std::string_view kCompiler;  // "GNU 12.2.0"

}  // namespace backup_exporter
