// An HTTP proxy for tests.
#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <vector>

#include "kit/faulty_server.h"
#include "kit/socket_server.h"

namespace backup_exporter {

struct TestProxyOptions {
  std::string user;  // not empty: without these as Basic authentication, the answer is 407
  std::string password;
  bool refuse_connect = false;  // with 403
  int forward_to = 0;           // the port of all hosts; 0: the requested port
};

// Connects to 127.0.0.1 for every host, except for [::1]. A connection is used for one request or
// one tunnel.
class TestProxy {
 public:
  using Options = TestProxyOptions;

  explicit TestProxy(Options options = {});

  [[nodiscard]] int port() const { return server_.port(); }
  [[nodiscard]] std::string url() const;  // http://127.0.0.1:1, without a user
  // All requests, including refused ones, without their bodies.
  [[nodiscard]] std::vector<ReceivedRequest> Requests() const;
  [[nodiscard]] std::size_t connections() const { return server_.connections(); }

 private:
  void Serve(const ServedConnection& connection);

  const Options options_;
  mutable std::mutex mutex_;
  std::vector<ReceivedRequest> requests_;
  SocketServer server_;  // last, so that its threads end first
};

}  // namespace backup_exporter
