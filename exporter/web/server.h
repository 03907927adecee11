// The HTTP server. It serves the pages of pages.h over IPv4 and IPv6.
//
// No other part of the program knows civetweb, the library that it is built on. Handlers run on
// civetweb's threads. The server keeps no data of its own; all content comes from WebContent.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "metrics/page.h"
#include "model/source_status.h"
#include "model/standing.h"

namespace backup_exporter {

struct WebOptions {
  // "host:port", ":port" (all addresses, IPv4 and IPv6), "[::1]:port", "127.0.0.1:0" (any free
  // port).
  std::vector<std::string> listen_addresses{":10078"};
  std::string telemetry_path = "/metrics";  // "/" replaces the landing page
};

// The content of the pages. The functions are called on civetweb's threads, several at a time.
struct WebContent {
  std::function<MetricsBody(MetricsForm)> metrics;               // body of the metrics page
  std::function<std::shared_ptr<const Standings>()> standings;   // for the landing page
  std::function<std::map<std::string, SourceStatus>()> sources;  // for the landing page
  std::function<bool()> ready;  // whether every source has been read to its end once
};

class WebServer {
 public:
  // The server is listening when this returns. Errors: kRefused, with the address that failed and
  // the reason; kInvalid if an address or the path is malformed.
  [[nodiscard]] static Result<std::unique_ptr<WebServer>> Start(const WebOptions& options,
                                                                WebContent content);
  // Stops listening and waits for running calls of the functions of the content. Responses in
  // progress are cut off.
  ~WebServer();
  WebServer(const WebServer&) = delete;
  WebServer& operator=(const WebServer&) = delete;

  // The ports of the sockets, in the order of the addresses in the options.
  [[nodiscard]] std::vector<int> ports() const;

 private:
  class State;
  explicit WebServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace backup_exporter
