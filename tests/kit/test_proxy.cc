#include "kit/test_proxy.h"

#include <openssl/evp.h>

#include <array>
#include <charconv>
#include <string_view>
#include <utility>

namespace backup_exporter {
namespace {

std::string Base64(const std::string& text) {
  std::string encoded(4 * ((text.size() + 2) / 3) + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  encoded.resize(static_cast<std::size_t>(size));
  return encoded;
}

void Refuse(const ServedConnection& connection, const std::string& status,
            const std::string& headers = "") {
  connection.Send("HTTP/1.1 " + status + "\r\n" + headers +
                  "Content-Length: 0\r\nConnection: close\r\n\r\n");
}

// The request as it is forwarded to the server.
std::string Forwarded(const ReceivedRequest& request, std::string_view path) {
  std::string head = request.method + " " + std::string(path) + " HTTP/1.1\r\n";
  for (const auto& [name, value] : request.headers) {
    if (name != "connection" && !name.starts_with("proxy-")) head += name + ": " + value + "\r\n";
  }
  return head + "Connection: close\r\n\r\n";
}

}  // namespace

TestProxy::TestProxy(Options options)
    : options_(std::move(options)),
      server_([this](const ServedConnection& connection) { Serve(connection); }) {}

std::string TestProxy::url() const { return "http://127.0.0.1:" + std::to_string(port()); }

std::vector<ReceivedRequest> TestProxy::Requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void TestProxy::Serve(const ServedConnection& connection) {
  std::string received;
  std::array<char, 16384> buffer;
  std::size_t head_end = 0;
  while ((head_end = received.find("\r\n\r\n")) == std::string::npos) {
    const std::size_t got = connection.Receive(buffer.data(), buffer.size());
    if (got == 0) return;
    received.append(buffer.data(), got);
  }
  head_end += 4;
  std::optional<ReceivedRequest> request =
      ParseRequestHead(std::string_view(received).substr(0, head_end));
  if (!request) return Refuse(connection, "400 Bad Request");
  request->connection = connection.number();
  request->client = connection.peer();
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(*request);
  }
  if (!options_.user.empty() && request->Header("proxy-authorization") !=
                                    "Basic " + Base64(options_.user + ":" + options_.password)) {
    return Refuse(connection, "407 Proxy Authentication Required",
                  "Proxy-Authenticate: Basic realm=\"test\"\r\n");
  }
  const bool tunnel = request->method == "CONNECT";
  if (tunnel && options_.refuse_connect) return Refuse(connection, "403 Forbidden");

  std::string_view authority = request->target;
  std::string_view path = "/";
  if (!tunnel) {
    constexpr std::string_view kScheme = "http://";
    if (!authority.starts_with(kScheme)) return Refuse(connection, "400 Bad Request");
    authority.remove_prefix(kScheme.size());
    if (const std::size_t slash = authority.find('/'); slash != std::string_view::npos) {
      path = authority.substr(slash);
      authority = authority.substr(0, slash);
    }
  }
  int port = 80;
  const std::string_view behind = authority.substr(authority.find_last_of(":]") + 1);
  if (behind.size() < authority.size()) {  // otherwise there is no port
    std::from_chars(behind.data(), behind.data() + behind.size(), port);
  }
  if (options_.forward_to != 0) port = options_.forward_to;
  const bool ipv6 = authority.starts_with("[::1]");
  const std::string first = (tunnel ? "" : Forwarded(*request, path)) + received.substr(head_end);
  const std::string established = tunnel ? "HTTP/1.1 200 Connection established\r\n\r\n" : "";
  if (!server_.Relay(connection, port, ipv6, first, established)) {
    Refuse(connection, "502 Bad Gateway");
  }
}

}  // namespace backup_exporter
