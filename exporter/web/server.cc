#include "web/server.h"

#include <civetweb.h>
#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <ctime>
#include <exception>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "base/log.h"
#include "base/time.h"
#include "web/listen_address.h"
#include "web/pages.h"

namespace backup_exporter {
namespace {

// A worker serves one connection at a time, and is blocked until the request timeout by a client
// that sends nothing. 208 workers leave room for the scrape beside 200 such clients. An idle worker
// costs 40 KB, half of it in the kernel. Connections are not kept alive for the same reason.
constexpr const char* kWorkers = "208";
constexpr const char* kListenBacklog = "1024";
// The longest wait for the next bytes of a request. An unfinished request is disconnected after
// twice that time at the latest.
constexpr const char* kRequestTimeoutMs = "5000";
constexpr std::chrono::seconds kWriteTimeout{30};  // for a whole response

// RFC 9110's IMF-fixdate.
std::string HttpDate() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  std::array<char, 64> text{};
  const std::size_t length =
      std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
  return {text.data(), length};
}

// The value of a list header. Several headers with this name are joined (RFC 9110, section 5.3).
// Empty if there is none.
std::string ListOf(const mg_request_info& info, const char* name) {
  std::string list;
  for (int i = 0; i < info.num_headers; ++i) {
    const mg_header& header = info.http_headers[i];
    if (mg_strcasecmp(header.name, name) != 0) continue;
    if (!list.empty()) list += ", ";
    list += header.value;
  }
  return list;
}

// Writes to a connection until the client closes it or the timeout is over.
class Writer {
 public:
  explicit Writer(mg_connection* connection) : connection_(connection) {}

  // False on failure; nothing more must be written then.
  bool Write(std::string_view bytes) {
    constexpr std::size_t kPart = 64 * 1024;
    while (!bytes.empty()) {
      if (std::chrono::steady_clock::now() > deadline_) return false;
      const std::string_view part = bytes.substr(0, kPart);
      if (mg_write(connection_, part.data(), part.size()) != static_cast<int>(part.size())) {
        return false;
      }
      bytes.remove_prefix(part.size());
    }
    return true;
  }

 private:
  mg_connection* connection_;
  std::chrono::steady_clock::time_point deadline_ =
      std::chrono::steady_clock::now() + kWriteTimeout;
};

void Send(mg_connection* connection, const Response& response, bool with_body) {
  static const std::string kNothing;
  const std::string& first = response.body.backups ? *response.body.backups : kNothing;
  const std::string& second = response.body.rest;
  std::string head = fmt::format("HTTP/1.1 {} {}\r\nDate: {}\r\n", response.status,
                                 StatusText(response.status), HttpDate());
  for (const auto& [name, value] : response.headers) {
    head += fmt::format("{}: {}\r\n", name, value);
  }
  head +=
      fmt::format("Content-Length: {}\r\nConnection: close\r\n\r\n", first.size() + second.size());
  Writer writer(connection);
  if (writer.Write(head) && with_body && writer.Write(first)) writer.Write(second);
}

}  // namespace

class WebServer::State {
 public:
  State(WebOptions options, WebContent content)
      : options_(std::move(options)), content_(std::move(content)) {}
  ~State() { mg_stop(context_); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  Result<void> Listen();
  [[nodiscard]] std::vector<int> Ports() const;

 private:
  // Callbacks of civetweb: for each valid request, for each error of its own (such as a malformed
  // request), and for its log messages.
  static int OnRequest(mg_connection* connection);
  static int OnError(mg_connection* connection, int status, const char* message);
  static int OnMessage(const mg_connection* connection, const char* message);

  const WebOptions options_;
  const WebContent content_;
  const SystemClock clock_;
  mg_context* context_ = nullptr;
};

Result<void> WebServer::State::Listen() {
  if (options_.listen_addresses.empty()) {
    return Fail(ErrorKind::kInvalid, "web: no address to listen on");
  }
  if (!options_.telemetry_path.starts_with('/')) {
    return Fail(ErrorKind::kInvalid, fmt::format("web: telemetry path \"{}\" does not begin with /",
                                                 options_.telemetry_path));
  }
  [[maybe_unused]] static const unsigned kInitialised = mg_init_library(MG_FEATURES_DEFAULT);
  const bool ipv6 = mg_check_feature(MG_FEATURES_IPV6) != 0 && SystemHasIpv6();
  std::vector<ListenAddress> addresses;
  std::string ports;
  for (const std::string& text : options_.listen_addresses) {
    auto address = ParseListenAddress(text, ipv6);
    if (!address) return tl::unexpected(address.error());
    if (!ports.empty()) ports += ',';
    ports += address->ForCivetweb();
    addresses.push_back(std::move(*address));
  }

  mg_callbacks callbacks{};
  callbacks.begin_request = &State::OnRequest;
  callbacks.http_error = &State::OnError;
  callbacks.log_message = &State::OnMessage;
  const std::initializer_list<std::pair<const char*, const char*>> settings{
      {"listening_ports", ports.c_str()},
      {"num_threads", kWorkers},
      {"listen_backlog", kListenBacklog},
      {"request_timeout_ms", kRequestTimeoutMs},
      {"enable_keep_alive", "no"},
      {"tcp_nodelay", "1"},
      {"decode_url", "no"},  // paths are compared as sent
      {"enable_auth_domain_check", "no"},
  };
  std::vector<const char*> options;
  for (const auto& [name, value] : settings) options.insert(options.end(), {name, value});
  options.push_back(nullptr);
  mg_init_data init{};
  init.callbacks = &callbacks;
  init.user_data = this;
  init.configuration_options = options.data();
  std::array<char, 256> text{};
  mg_error_data error{};
  error.text = text.data();
  error.text_buffer_size = text.size();
  context_ = mg_start2(&init, &error);
  if (context_ == nullptr) {
    // civetweb does not report the reason.
    if (auto tried = TryToListen(addresses); !tried) return tl::unexpected(tried.error());
    return Fail(ErrorKind::kRefused,
                fmt::format("web: cannot listen on {}: {}", ports, text.data()));
  }
  return {};
}

std::vector<int> WebServer::State::Ports() const {
  std::vector<mg_server_port> listening(options_.listen_addresses.size());
  const int count =
      mg_get_server_ports(context_, static_cast<int>(listening.size()), listening.data());
  std::vector<int> ports;
  for (int i = 0; i < count; ++i) ports.push_back(listening[static_cast<std::size_t>(i)].port);
  return ports;
}

int WebServer::State::OnRequest(mg_connection* connection) {
  // This also keeps civetweb from reading the body of the request.
  mg_disable_connection_keep_alive(connection);
  const mg_request_info* info = mg_get_request_info(connection);
  const auto* state = static_cast<const State*>(info->user_data);
  Response response;
  try {
    // In local_uri, dot segments are resolved already.
    response = Answer({info->request_method, info->local_uri_raw, ListOf(*info, "Accept"),
                       ListOf(*info, "Accept-Encoding")},
                      state->options_, state->content_, state->clock_.Now());
  } catch (const std::exception& error) {
    Log().error("web: cannot answer {}: {}", info->local_uri_raw, error.what());
    response = TextResponse(500, "internal error; see the log of backup_exporter");
  }
  Send(connection, response, std::string_view(info->request_method) != "HEAD");
  return response.status;
}

int WebServer::State::OnError(mg_connection* connection, int status, const char* message) {
  Send(connection, TextResponse(status, message), true);
  return 0;
}

int WebServer::State::OnMessage(const mg_connection*, const char* message) {
  Log().debug("web: {}", message);
  return 1;
}

Result<std::unique_ptr<WebServer>> WebServer::Start(const WebOptions& options, WebContent content) {
  auto state = std::make_unique<State>(options, std::move(content));
  if (auto listening = state->Listen(); !listening) return tl::unexpected(listening.error());
  return std::unique_ptr<WebServer>(new WebServer(std::move(state)));
}

WebServer::WebServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

WebServer::~WebServer() = default;

std::vector<int> WebServer::ports() const { return state_->Ports(); }

}  // namespace backup_exporter
