// The web side: pages, health and the metrics page, over civetweb, which no other part knows.
//
// Serves IPv4 and IPv6. Handlers run on civetweb's own threads. It holds no state of the domain:
// what it shows it is handed. What is answered to which request is in pages.h.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/standing.h"
#include "metrics/page.h"
#include "model/source_status.h"

namespace backup_exporter {

struct WebOptions {
  // "host:port", ":port" (all addresses, IPv4 and IPv6), "[::1]:port", "127.0.0.1:0" (any free
  // port).
  std::vector<std::string> listen_addresses{":10078"};
  std::string telemetry_path = "/metrics";  // "/" leaves no room for the landing page
};

// What the pages show. The functions are called on civetweb's threads.
struct WebContent {
  std::function<MetricsBody(MetricsForm)> metrics;               // body of the metrics page
  std::function<std::shared_ptr<const Standings>()> standings;   // for the landing page
  std::function<std::map<std::string, SourceStatus>()> sources;  // for the landing page
  std::function<bool()> ready;  // every source was read to its end once
};

class WebServer {
 public:
  // Listens when it returns. kRefused names the address that could not be had, and why; kInvalid
  // what is no address or no path.
  [[nodiscard]] static Result<std::unique_ptr<WebServer>> Start(const WebOptions& options,
                                                                WebContent content);
  // Stops listening and waits until no function of the content is called any more. Answers under
  // way are cut off.
  ~WebServer();
  WebServer(const WebServer&) = delete;
  WebServer& operator=(const WebServer&) = delete;

  // The ports listened on, in the order of the options' addresses.
  [[nodiscard]] std::vector<int> ports() const;

 private:
  class State;
  explicit WebServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace backup_exporter
