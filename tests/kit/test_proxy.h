// An HTTP proxy for tests of what goes through one.
#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <vector>

#include "kit/faulty_server.h"
#include "kit/socket_server.h"

namespace backup_exporter {

struct TestProxyOptions {
  std::string user;  // not empty: who does not show these as Basic gets 407
  std::string password;
  bool refuse_connect = false;  // 403
  int forward_to = 0;           // the port that all hosts are at; 0: the port that was asked for
};

// Whatever host it is asked for, it goes to 127.0.0.1, or to [::1] if that was asked for. A
// connection is for one request or one tunnel.
class TestProxy {
 public:
  using Options = TestProxyOptions;

  explicit TestProxy(Options options = {});

  [[nodiscard]] int port() const { return server_.port(); }
  [[nodiscard]] std::string url() const;  // http://127.0.0.1:1, with no user
  // All that it was asked, also what it refused; no bodies.
  [[nodiscard]] std::vector<ReceivedRequest> Requests() const;
  [[nodiscard]] std::size_t connections() const { return server_.connections(); }

 private:
  void Serve(const ServedConnection& connection);

  const Options options_;
  mutable std::mutex mutex_;
  std::vector<ReceivedRequest> requests_;
  SocketServer server_;  // the last, so that its threads end first
};

}  // namespace backup_exporter
