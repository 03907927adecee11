#include "kit/tools.h"

#include <cstdlib>
#include <filesystem>
#include <regex>

#include "kit/process.h"

namespace backup_exporter {
namespace {

namespace fs = std::filesystem;

std::string PeersFolder() {
  const char* folder = std::getenv("BACKUP_EXPORTER_PEERS");
  return folder == nullptr ? "" : folder;
}

}  // namespace

bool WithPeers() { return !PeersFolder().empty(); }

std::string Tool(const std::string& name) {
  if (!WithPeers()) {
    const std::string debian = "/usr/bin/" + name;
    return fs::exists(debian) ? debian : "";
  }
  for (const auto& entry : fs::directory_iterator(PeersFolder())) {
    if (!entry.path().filename().string().starts_with(name + "-")) continue;
    if (!fs::exists(entry.path() / "complete")) continue;
    for (const fs::path& program : {entry.path() / name, entry.path() / "bin" / name}) {
      if (fs::is_regular_file(program)) return program;
    }
  }
  return "";
}

std::string ToolVersion(const std::string& name) {
  const std::string tool = Tool(name);
  if (tool.empty()) return "";
  const bool flag = name.starts_with("borg") || name == "apprise";
  const std::string printed = OutputOf({tool, flag ? "--version" : "version"});
  std::smatch version;
  return std::regex_search(printed, version, std::regex("[0-9]+(\\.[0-9]+)+")) ? version.str() : "";
}

std::string MissingTool(const std::vector<std::string>& tools) {
  for (const std::string& tool : tools) {
    if (!Tool(tool).empty()) continue;
    return WithPeers() ? "the folder of the newest tools has no " + tool
                       : "Debian has no " + tool + "; scripts/test --peers runs this";
  }
  return {};
}

bool MustHaveTools() { return WithPeers() && std::getenv("CI") != nullptr; }

}  // namespace backup_exporter
