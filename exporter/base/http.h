// HTTP(S) requests and bare TCP exchanges, by libcurl.
//
// Every request has these properties:
// - Certificates are verified unless the request disables it, against the system's authorities or
//   those in the file named by SSL_CERT_FILE or CURL_CA_BUNDLE. Revocation is not checked.
// - Redirects are not followed.
// - Proxies are those of the environment (http_proxy, https_proxy, no_proxy).
// - Connecting has a time limit of 10 s, the whole request one of 30 s. Both include name
//   resolution.
// - Answers are cut at 64 KiB.
// - Connections are kept open for the next request.
// Judging an answer and retrying are left to the caller.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace backup_exporter {

struct HttpRequest {
  std::string method = "POST";
  std::string url;  // http or https; user information in it is sent as Basic authentication
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
  bool verify_tls = true;
  std::string certificate_file = {};  // the client's certificate, PEM; empty: none
  std::string key_file = {};
};

enum class NetworkFailure { kDns, kConnect, kTls, kTimeout, kStopped };

struct HttpAnswer {
  int status = 0;                                   // 0: no complete header arrived
  std::map<std::string, std::string> headers = {};  // names in lower case
  std::string body = {};
  bool cut = false;  // the body is incomplete: it was too long, or the connection broke
  // If no answer arrived: the reason, and its description for a person.
  NetworkFailure failure = NetworkFailure::kConnect;
  std::string error = {};
};

// Bytes for a TCP port whose server answers with bytes.
struct TcpRequest {
  std::string host;
  int port = 0;
  std::string bytes;
  // Whether these bytes are a complete answer. An answer also ends with its connection.
  std::function<bool(std::string_view)> complete;
};

struct TcpAnswer {
  bool connected = false;
  std::string bytes = {};  // cut at 64 KiB
  // If the answer is incomplete: the reason.
  NetworkFailure failure = NetworkFailure::kConnect;
  std::string error = {};
};

struct HttpLimits {
  std::chrono::milliseconds connect{10'000};
  std::chrono::milliseconds total{30'000};
};

// Not thread-safe, except for Stop, which any thread may call. Network errors do not throw.
class HttpClient {
 public:
  explicit HttpClient(HttpLimits limits = {});
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  [[nodiscard]] HttpAnswer Send(const HttpRequest& request);
  [[nodiscard]] TcpAnswer Exchange(const TcpRequest& request);
  // Ends a request in progress within a second. Every later request fails immediately. Both fail
  // with NetworkFailure::kStopped.
  void Stop() { stop_ = true; }

 private:
  class Handle;
  const HttpLimits limits_;
  std::atomic<bool> stop_ = false;
  std::unique_ptr<Handle> handle_;
};

// Percent-encodes every byte except letters, digits and "-._~" (RFC 3986, unreserved).
[[nodiscard]] std::string PercentEncode(std::string_view text);
// "name=value&…": application/x-www-form-urlencoded, with a space as "+".
[[nodiscard]] std::string FormEncode(
    const std::vector<std::pair<std::string, std::string>>& fields);

// "Basic …" (RFC 7617, in UTF-8).
[[nodiscard]] std::string BasicAuthorization(std::string_view user, std::string_view password);

// The parts of an http or https URL, unchanged and still encoded. The scheme is empty if the text
// is not such a URL.
//
// The text comes from a configuration and need not be a URL that could be requested: its host may
// contain a placeholder ("{backup}.example.com") or a token with any characters.
struct UrlParts {
  std::string scheme;     // in lower case
  std::string user_info;  // before the @
  std::string host;       // with the port, if there is one
  std::string path;       // from the first slash
  std::string query;      // after the ?
};
[[nodiscard]] UrlParts SplitUrl(std::string_view url);

}  // namespace backup_exporter
