// The real backup tools that end-to-end tests drive: Debian's, or the newest ones where
// BACKUP_EXPORTER_PEERS names the folder that scripts/peers fills.
#pragma once

#include <string>

namespace backup_exporter {

// What to run for "restic", "resticprofile", "borg" or "borgmatic"; empty where it is not to be had
// (Debian has no resticprofile; a peer may be missing outside of CI): then the test is to be
// skipped.
[[nodiscard]] std::string Tool(const std::string& name);
// "1.2.4"; empty without the tool.
[[nodiscard]] std::string ToolVersion(const std::string& name);
[[nodiscard]] bool WithPeers();

}  // namespace backup_exporter
