// The response to each HTTP request, independent of sockets and of civetweb: landing page, metrics,
// health and readiness.
//
// Paths match exactly. Only GET and HEAD are allowed.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "metrics/page.h"
#include "web/server.h"

namespace backup_exporter {

struct Request {
  std::string_view method;
  std::string_view path;  // as sent: not decoded, without the query
  // Values of the headers Accept and Accept-Encoding; empty if absent.
  std::string_view accept;
  std::string_view accept_encoding;
};

struct Response {
  int status = 200;
  std::vector<std::pair<std::string_view, std::string>>
      headers;  // without those that server.cc adds
  MetricsBody body;
};

// Thread-safe if the functions of `content` are. Passes on their exceptions.
[[nodiscard]] Response Answer(const Request& request, const WebOptions& options,
                              const WebContent& content, Time now);

// A plain-text page with this status. All errors are sent like this.
[[nodiscard]] Response TextResponse(int status, std::string text);

// The reason phrase of a status, such as "Not Found". Empty if the status is not used here.
[[nodiscard]] std::string_view StatusText(int status);

}  // namespace backup_exporter
