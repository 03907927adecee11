#include "kit/alertmanager_server.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <regex>
#include <vector>

#include "kit/http_client.h"
#include "kit/paths.h"

namespace backup_exporter {
namespace {

// Debian's Alertmanager reads templates from an absolute path. If its package is only unpacked,
// that folder is mounted there in a namespace of the process.
std::vector<std::string> WithTemplates(std::vector<std::string> command) {
  if (std::filesystem::exists("/usr/share/prometheus/alertmanager")) return command;
  const std::string unpacked = std::string(kSourceDir) + "/.deps/prometheus/usr/share";
  command.insert(command.begin(), {"unshare", "-rm", "sh", "-c",
                                   R"(mount --bind "$0" /usr/share && exec "$@")", unpacked});
  return command;
}

}  // namespace

std::string AlertmanagerServer::Missing() {
  for (const char* tool : {"prometheus", "prometheus-alertmanager"}) {
    if (RunProcess({tool, "--version"}) != 0) {
      return std::string("there is no ") + tool + "; scripts/test fetches it";
    }
  }
  if (RunProcess(WithTemplates({"true"})) != 0) {
    return "this system does not allow mount namespaces, which the unpacked Alertmanager needs";
  }
  return {};
}

AlertmanagerServer::AlertmanagerServer(const TemporaryDirectory& directory,
                                       const std::string& webhook) {
  directory.Write("alertmanager.yml",
                  "route:\n  receiver: webhook\n  group_by: ['...']\n"
                  "  group_wait: 0s\n  group_interval: 1s\n"
                  "receivers:\n  - name: webhook\n    webhook_configs:\n      - url: " +
                      webhook + "\n        send_resolved: true\n");
  const std::string log = directory / "alertmanager.log";
  process_ = std::make_unique<Process>(
      WithTemplates({"prometheus-alertmanager", "--config.file=" + directory / "alertmanager.yml",
                     "--storage.path=" + directory / "alertmanager",
                     "--web.listen-address=127.0.0.1:0", "--cluster.listen-address="}),
      ProcessOptions{.output = log, .errors = "&1"});
  const std::regex kPort(R"("Listening on" address=127\.0\.0\.1:([0-9]+))");
  const bool ready = Eventually([&] {
    const std::string text = ReadText(log);
    std::smatch match;
    if (std::regex_search(text, match, kPort)) port_ = std::stoi(match[1]);
    return (port_ != 0 && Get(port_, "/-/ready").status == 200) || !process_->Running();
  });
  EXPECT_TRUE(ready && process_->Running()) << ReadText(log);
}

}  // namespace backup_exporter
