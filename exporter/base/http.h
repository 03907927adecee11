// Requests to other programs over the network, by libcurl: HTTP(S), and a bare TCP exchange.
//
// What every caller gets: certificates checked unless told otherwise, by the system's authorities
// or those in the file that SSL_CERT_FILE or CURL_CA_BUNDLE names (one that was revoked still
// counts: nobody is asked), no redirect followed, proxies from the environment (http_proxy,
// https_proxy, no_proxy), 10 s to connect and 30 s in all, names included, answers cut at 64 KiB,
// connections kept for the next request. Whether an answer is good, and whether to try again, is
// the caller's to judge.
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
  std::string url;  // http or https; user information in it becomes Basic authentication
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
  bool verify_tls = true;
  std::string certificate_file = {};  // of the client, PEM; empty: none
  std::string key_file = {};
};

enum class NetworkFailure { kDns, kConnect, kTls, kTimeout, kStopped };

struct HttpAnswer {
  int status = 0;                                   // 0: no whole header came
  std::map<std::string, std::string> headers = {};  // names in lower case
  std::string body = {};
  bool cut = false;  // the body is not whole: too long, or the connection broke
  // Where no answer came: why, and that in words for a person.
  NetworkFailure failure = NetworkFailure::kConnect;
  std::string error = {};
};

// A message to a port, and the answer.
struct TcpRequest {
  std::string host;
  int port = 0;
  std::string bytes;
  // Whether this much of the answer is all of it; otherwise it ends with the connection.
  std::function<bool(std::string_view)> complete;
};

struct TcpAnswer {
  bool connected = false;
  std::string bytes = {};  // cut at 64 KiB
  // Where it is not complete.
  NetworkFailure failure = NetworkFailure::kConnect;
  std::string error = {};
};

struct HttpLimits {
  std::chrono::milliseconds connect{10'000};
  std::chrono::milliseconds total{30'000};
};

// One user at a time; Stop may be called from any thread.
class HttpClient {
 public:
  explicit HttpClient(HttpLimits limits = {});
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  [[nodiscard]] HttpAnswer Send(const HttpRequest& request);
  [[nodiscard]] TcpAnswer Exchange(const TcpRequest& request);
  // Ends what is under way within a second, and every later call at once: NetworkFailure::kStopped.
  void Stop() { stop_ = true; }

 private:
  struct Handle;
  const HttpLimits limits_;
  std::atomic<bool> stop_ = false;
  std::unique_ptr<Handle> handle_;
};

// Percent-encodes all but letters, digits and "-._~" (RFC 3986, unreserved).
[[nodiscard]] std::string PercentEncode(std::string_view text);
// "name=value&…": application/x-www-form-urlencoded, space as +.
[[nodiscard]] std::string FormEncode(
    const std::vector<std::pair<std::string, std::string>>& fields);

// "Basic …" (RFC 7617, in UTF-8).
[[nodiscard]] std::string BasicAuthorization(std::string_view user, std::string_view password);

// The parts of an http or https URL as they stand in it. Empty scheme: it is none.
struct UrlParts {
  std::string scheme;     // in lower case
  std::string user_info;  // before the @
  std::string host;       // with its port, if it has one
  std::string path;       // from the first slash
  std::string query;      // after the ?
};
[[nodiscard]] UrlParts SplitUrl(std::string_view url);

}  // namespace backup_exporter
