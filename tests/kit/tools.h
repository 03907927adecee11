// The real backup tools that end-to-end tests run: Debian's, or the newest releases if
// BACKUP_EXPORTER_PEERS names the folder that scripts/peers fills.
#pragma once

#include <string>
#include <vector>

namespace backup_exporter {

// The path of "restic", "resticprofile", "borg", "borgmatic" or "apprise". Empty if the tool is not
// available (Debian has no resticprofile; outside of CI a peer may be missing): then the test is to
// be skipped. Services are in kit/services.h.
[[nodiscard]] std::string Tool(const std::string& name);
// "1.2.4"; empty if the tool is not available.
[[nodiscard]] std::string ToolVersion(const std::string& name);
[[nodiscard]] bool WithPeers();

// Why a test that needs these tools cannot run; empty if all are available. In CI with the newest
// releases, all must be available, and the text is that of a failure.
[[nodiscard]] std::string MissingTool(const std::vector<std::string>& tools);
[[nodiscard]] bool MustHaveTools();

}  // namespace backup_exporter
