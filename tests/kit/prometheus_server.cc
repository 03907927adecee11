#include "kit/prometheus_server.h"

#include <gtest/gtest.h>
#include <signal.h>

#include "base/http.h"
#include "kit/http_client.h"

namespace backup_exporter {

PrometheusServer::PrometheusServer(const TemporaryDirectory& directory,
                                   const std::map<std::string, int>& jobs,
                                   const PrometheusOptions& options)
    : port_(FreePort()) {
  std::string config = "global: {evaluation_interval: 1s}\nrule_files:\n";
  for (const std::string& file : options.rule_files) config += "  - " + file + "\n";
  if (options.alertmanager != 0) {
    config +=
        "alerting:\n  alertmanagers:\n    - static_configs:\n        - targets: ['127.0.0.1:" +
        std::to_string(options.alertmanager) + "']\n";
  }
  config += "scrape_configs:\n";
  for (const auto& [name, port] : jobs) {
    config += "  - job_name: " + name +
              "\n    scrape_interval: 1s\n    static_configs:\n      - targets: ['127.0.0.1:" +
              std::to_string(port) + "']\n";
  }
  directory.Write("prometheus.yml", config);
  process_ = std::make_unique<Process>(
      std::vector<std::string>{"prometheus", "--config.file=" + directory / "prometheus.yml",
                               "--storage.tsdb.path=" + directory / "tsdb",
                               // Alerts sent before Alertmanager is discovered (for 5 s) are lost.
                               // An alert not sent again for four times this delay is resolved.
                               "--rules.alert.resend-delay=5s",
                               "--web.listen-address=127.0.0.1:" + std::to_string(port_)},
      ProcessOptions{.errors = directory / "prometheus.log"});
  EXPECT_TRUE(Eventually([this] { return backup_exporter::Get(port_, "/-/ready").status == 200; }))
      << ReadText(directory / "prometheus.log");
}

nlohmann::json PrometheusServer::Get(
    const std::string& path,
    const std::vector<std::pair<std::string, std::string>>& parameters) const {
  const HttpReply reply =
      backup_exporter::Get(port_, "/api/v1/" + path + "?" + FormEncode(parameters));
  const auto answer = nlohmann::json::parse(reply.body, nullptr, /*allow_exceptions=*/false);
  return answer.is_discarded() ? nlohmann::json() : answer;
}

nlohmann::json PrometheusServer::Ask(const std::string& query) const {
  const nlohmann::json answer = Get("query", {{"query", query}});
  if (answer.is_object() && answer.value("status", "") == "success") {
    return answer["data"]["result"];
  }
  ADD_FAILURE() << query << ": " << answer;
  return nlohmann::json::array();
}

int PrometheusServer::Stop() {
  process_->Signal(SIGTERM);
  return process_->Wait();
}

}  // namespace backup_exporter
