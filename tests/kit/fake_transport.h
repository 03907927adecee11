// A transport that records requests, and answers them by functions.
#pragma once

#include <functional>
#include <vector>

#include "delivery/monitor.h"

namespace backup_exporter {

class FakeTransport final : public Transport {
 public:
  std::vector<HttpRequest> requests;
  std::vector<TcpRequest> exchanges;
  std::vector<ChildRequest> children;
  std::function<HttpAnswer(const HttpRequest&)> http = [](const HttpRequest&) {
    return HttpAnswer{.status = 200, .body = "OK"};
  };
  std::function<TcpAnswer(const TcpRequest&)> tcp = [](const TcpRequest&) { return TcpAnswer{}; };
  std::function<ChildAnswer(const ChildRequest&)> child = [](const ChildRequest&) {
    return ChildAnswer{.exit_code = 0};
  };

  HttpAnswer Send(const HttpRequest& request) override {
    requests.push_back(request);
    return http(request);
  }
  TcpAnswer Exchange(const TcpRequest& request) override {
    exchanges.push_back(request);
    return tcp(request);
  }
  ChildAnswer Run(const ChildRequest& request) override {
    children.push_back(request);
    return child(request);
  }
};

}  // namespace backup_exporter
