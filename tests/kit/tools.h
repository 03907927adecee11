// The real programs that end-to-end tests drive: Debian's, or the newest ones where
// BACKUP_EXPORTER_PEERS names the folder that scripts/peers fills.
#pragma once

#include <string>
#include <vector>

namespace backup_exporter {

// What to run for "restic", "resticprofile", "borg", "borgmatic" or "apprise"; empty where it is
// not to be had (Debian has no resticprofile; a peer may be missing outside of CI): then the test
// is to be skipped. Services are in kit/services.h.
[[nodiscard]] std::string Tool(const std::string& name);
// "1.2.4"; empty without the tool.
[[nodiscard]] std::string ToolVersion(const std::string& name);
[[nodiscard]] bool WithPeers();

// Says why a test cannot run without one of these tools; empty if all are there. In CI the newest
// ones must be: there the text is that of a failure.
[[nodiscard]] std::string MissingTool(const std::vector<std::string>& tools);
[[nodiscard]] bool MustHaveTools();

}  // namespace backup_exporter
