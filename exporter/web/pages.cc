#include "web/pages.h"

#include "metrics/exposition.h"
#include "web/landing.h"
#include "web/negotiation.h"

namespace backup_exporter {
namespace {

Response Page(int status, std::string_view content_type, MetricsBody body) {
  return {status,
          {{"Content-Type", std::string(content_type)},
           {"X-Content-Type-Options", "nosniff"},
           {"Cache-Control", "no-store"}},
          std::move(body)};
}

Response Metrics(const Request& request, const WebContent& content) {
  const MetricsForm form = NegotiatedForm(request.accept, request.accept_encoding);
  Response response =
      Page(200, form.format == MetricsFormat::kText ? kTextContentType : kOpenMetricsContentType,
           content.metrics(form));
  response.headers.emplace_back("Vary", "Accept, Accept-Encoding");
  if (form.gzip) response.headers.emplace_back("Content-Encoding", "gzip");
  return response;
}

Response Landing(const WebOptions& options, const WebContent& content, Time now) {
  Response response = Page(
      200, "text/html; charset=utf-8",
      {nullptr, LandingPage(*content.standings(), content.sources(), options.telemetry_path, now)});
  response.headers.emplace_back("Content-Security-Policy",
                                "default-src 'none'; style-src 'unsafe-inline'");
  return response;
}

Response Ready(const WebContent& content) {
  if (content.ready()) return TextResponse(200, "backup_exporter is ready.");
  return TextResponse(503, "not ready: some sources have not been read to their end yet");
}

}  // namespace

Response Answer(const Request& request, const WebOptions& options, const WebContent& content,
                Time now) {
  const std::string_view path = request.path;
  const bool metrics = path == options.telemetry_path;
  if (!metrics && path != "/" && path != "/-/healthy" && path != "/-/ready") {
    return TextResponse(404, "page not found");
  }
  if (request.method != "GET" && request.method != "HEAD") {
    Response refusal = TextResponse(405, "only GET and HEAD are allowed");
    refusal.headers.emplace_back("Allow", "GET, HEAD");
    return refusal;
  }
  if (metrics) return Metrics(request, content);
  if (path == "/-/healthy") return TextResponse(200, "backup_exporter is healthy.");
  if (path == "/-/ready") return Ready(content);
  return Landing(options, content, now);
}

Response TextResponse(int status, std::string text) {
  return Page(status, "text/plain; charset=utf-8", {nullptr, std::move(text) + "\n"});
}

std::string_view StatusText(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 411:
      return "Length Required";
    case 413:
      return "Content Too Large";
    case 500:
      return "Internal Server Error";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "";
  }
}

}  // namespace backup_exporter
