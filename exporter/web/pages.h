// What the web side answers to each request, apart from sockets: landing page, metrics, health.
//
// Paths match exactly; GET and HEAD only. Knows nothing of civetweb.
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
  // Values of the headers Accept and Accept-Encoding; empty where there are none.
  std::string_view accept;
  std::string_view accept_encoding;
};

struct Response {
  int status = 200;
  std::vector<std::pair<std::string_view, std::string>> headers;  // without those of the transport
  MetricsBody body;
};

// Thread-safe where the functions of `content` are. May throw what they throw.
[[nodiscard]] Response Answer(const Request& request, const WebOptions& options,
                              const WebContent& content, Time now);

// A short text with this status, as for all errors.
[[nodiscard]] Response TextResponse(int status, std::string text);

// "Not Found"; empty for a status that is not used here.
[[nodiscard]] std::string_view StatusText(int status);

}  // namespace backup_exporter
