#include "base/http.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <mutex>
#include <new>

#include "base/build_info.h"
#include "base/parse.h"

namespace backup_exporter {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kMostBody = 64 << 10;
constexpr std::size_t kMostHeaders = 64 << 10;

void InitialiseOnce() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

NetworkFailure FailureOf(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return NetworkFailure::kDns;
    case CURLE_OPERATION_TIMEDOUT:
      return NetworkFailure::kTimeout;
    case CURLE_ABORTED_BY_CALLBACK:
      return NetworkFailure::kStopped;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_ENGINE_INITFAILED:
      return NetworkFailure::kTls;
    default:
      return NetworkFailure::kConnect;
  }
}

// State of a request in progress, for libcurl's callbacks.
struct Transfer {
  HttpAnswer answer;
  std::size_t header_bytes = 0;
  bool headers_complete = false;
  bool interim = false;  // a 1xx answer, which the final answer follows
  const std::atomic<bool>* stop = nullptr;
};

std::size_t OnHeader(const char* bytes, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::string_view line(bytes, size * count);
  transfer.header_bytes += line.size();
  if (transfer.header_bytes > kMostHeaders) return 0;
  // Another status line: the final answer follows "100 Continue", or a proxy's answer.
  if (line.starts_with("HTTP/")) {
    transfer.answer.headers.clear();
    transfer.headers_complete = false;
    const std::size_t blank = line.find(' ');
    transfer.interim = blank != line.npos && line.substr(blank + 1).starts_with('1');
  }
  if (Trimmed(line).empty() && !transfer.interim) transfer.headers_complete = true;
  const std::size_t colon = line.find(':');
  if (colon != line.npos) {
    transfer.answer.headers[Lower(Trimmed(line.substr(0, colon)))] =
        std::string(Trimmed(line.substr(colon + 1)));
  }
  return line.size();
}

std::size_t OnBody(const char* bytes, std::size_t size, std::size_t count, void* user) {
  HttpAnswer& answer = static_cast<Transfer*>(user)->answer;
  const std::size_t room = kMostBody - answer.body.size();
  const std::size_t length = size * count;
  answer.body.append(bytes, std::min(room, length));
  return length <= room ? length : 0;  // 0 ends the transfer
}

int OnProgress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return *static_cast<Transfer*>(user)->stop ? 1 : 0;
}

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderLines = std::unique_ptr<curl_slist, FreeList>;

void Append(const std::string& line, HeaderLines& lines) {
  curl_slist* all = curl_slist_append(lines.get(), line.c_str());
  if (all == nullptr) throw std::bad_alloc();
  static_cast<void>(lines.release());  // now part of `all`
  lines.reset(all);
}

HeaderLines LinesOf(const std::vector<std::pair<std::string, std::string>>& headers) {
  HeaderLines lines;
  bool has_type = false;
  for (const auto& [name, value] : headers) {
    has_type = has_type || Lower(name) == "content-type";
    Append(value.empty() ? name + ";" : name + ": " + value, lines);
  }
  // Otherwise libcurl declares every body a form, and waits for "100 Continue" before a long one.
  if (!has_type) Append("Content-Type:", lines);
  Append("Expect:", lines);
  return lines;
}

}  // namespace

// A libcurl handle. It keeps connections open between requests.
class HttpClient::Handle {
 public:
  Handle() {
    InitialiseOnce();
    curl_ = curl_easy_init();
    if (curl_ == nullptr) throw std::bad_alloc();
  }
  ~Handle() { curl_easy_cleanup(curl_); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  HttpAnswer Send(const HttpRequest& request, const HttpLimits& limits, Transfer& transfer);
  TcpAnswer Exchange(const TcpRequest& request, const HttpLimits& limits, Transfer& transfer);

 private:
  class TimeLimit;

  template <typename Value>
  void Set(CURLoption option, Value value) {
    curl_easy_setopt(curl_, option, value);
  }
  void SetIfGiven(CURLoption option, const std::string& value) {
    if (!value.empty()) Set(option, value.c_str());
  }
  void Prepare(const HttpLimits& limits, Transfer& transfer);
  void SetMethodAndBody(const HttpRequest& request);
  void SetTls(const HttpRequest& request);
  CURLcode Connect(const std::string& host, int port);
  // Both return whether they succeeded. If not, the answer has the reason.
  bool SendAll(std::string_view bytes, const TimeLimit& limit, TcpAnswer& answer);
  bool ReceiveMore(const TimeLimit& limit, TcpAnswer& answer);

  // The text of an error: the details that libcurl or OpenSSL gave, else that of its code.
  [[nodiscard]] std::string Describe(CURLcode code) const {
    const std::string_view details = Trimmed(error_.data());
    return details.empty() ? curl_easy_strerror(code) : std::string(details);
  }

  CURL* curl_ = nullptr;
  std::array<char, CURL_ERROR_SIZE> error_{};
};

void HttpClient::Handle::Prepare(const HttpLimits& limits, Transfer& transfer) {
  curl_easy_reset(curl_);  // keeps the connections
  error_[0] = '\0';
  Set(CURLOPT_ERRORBUFFER, error_.data());
  Set(CURLOPT_NOSIGNAL, 1L);
  Set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(limits.connect.count()));
  Set(CURLOPT_TIMEOUT_MS, static_cast<long>(limits.total.count()));
  // Otherwise libcurl waits, without a limit, for a resolver whose name server does not answer. The
  // resolver's thread ends later, by itself.
  Set(CURLOPT_QUICK_EXIT, 1L);
  Set(CURLOPT_NOPROGRESS, 0L);
  Set(CURLOPT_XFERINFOFUNCTION, OnProgress);
  Set(CURLOPT_XFERINFODATA, &transfer);
}

void HttpClient::Handle::SetMethodAndBody(const HttpRequest& request) {
  if (request.method == "GET") return;
  Set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  Set(CURLOPT_POSTFIELDS, request.body.c_str());
  Set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

void HttpClient::Handle::SetTls(const HttpRequest& request) {
  if (!request.verify_tls) {
    Set(CURLOPT_SSL_VERIFYPEER, 0L);
    Set(CURLOPT_SSL_VERIFYHOST, 0L);
  }
  // Only the program curl reads these variables; libcurl does not.
  for (const auto* name : {"SSL_CERT_FILE", "CURL_CA_BUNDLE"}) {
    if (const char* file = std::getenv(name)) SetIfGiven(CURLOPT_CAINFO, file);
  }
  SetIfGiven(CURLOPT_SSLCERT, request.certificate_file);
  SetIfGiven(CURLOPT_SSLKEY, request.key_file);
}

HttpAnswer HttpClient::Handle::Send(const HttpRequest& request, const HttpLimits& limits,
                                    Transfer& transfer) {
  Prepare(limits, transfer);
  Set(CURLOPT_URL, request.url.c_str());
  Set(CURLOPT_PROTOCOLS_STR, "http,https");
  Set(CURLOPT_USERAGENT, fmt::format("backup_exporter/{}", kVersion).c_str());
  Set(CURLOPT_FOLLOWLOCATION, 0L);
  Set(CURLOPT_HEADERFUNCTION, OnHeader);
  Set(CURLOPT_HEADERDATA, &transfer);
  Set(CURLOPT_WRITEFUNCTION, OnBody);
  Set(CURLOPT_WRITEDATA, &transfer);
  Set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  SetMethodAndBody(request);
  SetTls(request);
  const HeaderLines lines = LinesOf(request.headers);
  Set(CURLOPT_HTTPHEADER, lines.get());

  const CURLcode code = curl_easy_perform(curl_);
  const bool stopped = code == CURLE_ABORTED_BY_CALLBACK;
  if (!transfer.headers_complete || stopped) {
    return {.failure = FailureOf(code), .error = Describe(code)};
  }
  HttpAnswer answer = std::move(transfer.answer);
  long status = 0;
  curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &status);
  answer.status = static_cast<int>(status);
  answer.cut = code != CURLE_OK;
  return answer;
}

// The time limit of an exchange, and its end by Stop.
class HttpClient::Handle::TimeLimit {
 public:
  TimeLimit(CURL* curl, SteadyClock::time_point end, const std::atomic<bool>& stop)
      : end_(end), stop_(stop) {
    curl_easy_getinfo(curl, CURLINFO_ACTIVESOCKET, &socket_);
  }

  // Waits for the socket. False: time is up, or Stop was called.
  bool Wait(short events, TcpAnswer& answer) const {
    constexpr int kStep = 200;  // milliseconds until Stop is noticed
    while (SteadyClock::now() < end_ && !stop_) {
      pollfd waiting{.fd = socket_, .events = events, .revents = 0};
      if (poll(&waiting, 1, kStep) != 0) return true;
    }
    answer.failure = stop_ ? NetworkFailure::kStopped : NetworkFailure::kTimeout;
    answer.error = "no answer in time";
    return false;
  }

 private:
  const SteadyClock::time_point end_;
  const std::atomic<bool>& stop_;
  curl_socket_t socket_ = CURL_SOCKET_BAD;
};

// libcurl resolves the name, tries both address families and limits the time.
CURLcode HttpClient::Handle::Connect(const std::string& host, int port) {
  const bool bare_ipv6 = host.find(':') != std::string::npos && host[0] != '[';
  const std::string in_url = bare_ipv6 ? "[" + host + "]" : host;
  Set(CURLOPT_URL, fmt::format("http://{}:{}", in_url, port).c_str());
  Set(CURLOPT_PROXY, "");
  Set(CURLOPT_CONNECT_ONLY, 1L);
  Set(CURLOPT_FRESH_CONNECT, 1L);
  return curl_easy_perform(curl_);
}

bool HttpClient::Handle::SendAll(std::string_view bytes, const TimeLimit& limit,
                                 TcpAnswer& answer) {
  while (!bytes.empty()) {
    std::size_t sent = 0;
    const CURLcode code = curl_easy_send(curl_, bytes.data(), bytes.size(), &sent);
    bytes.remove_prefix(sent);
    if (code == CURLE_AGAIN && !limit.Wait(POLLOUT, answer)) return false;
    if (code != CURLE_OK && code != CURLE_AGAIN) {
      answer.error = Describe(code);
      return false;
    }
  }
  return true;
}

bool HttpClient::Handle::ReceiveMore(const TimeLimit& limit, TcpAnswer& answer) {
  std::array<char, 4096> piece{};
  std::size_t received = 0;
  const CURLcode code = curl_easy_recv(curl_, piece.data(), piece.size(), &received);
  if (code == CURLE_AGAIN) return limit.Wait(POLLIN, answer);
  if (code != CURLE_OK || received == 0) {
    answer.error =
        code != CURLE_OK ? Describe(code) : "the connection was closed before the whole answer";
    return false;
  }
  answer.bytes.append(piece.data(), received);
  return true;
}

TcpAnswer HttpClient::Handle::Exchange(const TcpRequest& request, const HttpLimits& limits,
                                       Transfer& transfer) {
  const auto end = SteadyClock::now() + limits.total;
  Prepare(limits, transfer);
  const CURLcode code = Connect(request.host, request.port);
  if (code != CURLE_OK) return {.failure = FailureOf(code), .error = Describe(code)};
  TcpAnswer answer{.connected = true};
  const TimeLimit limit(curl_, end, *transfer.stop);
  if (!SendAll(request.bytes, limit, answer)) return answer;
  while (answer.bytes.size() < kMostBody && !request.complete(answer.bytes)) {
    if (!ReceiveMore(limit, answer)) break;
  }
  return answer;
}

HttpClient::HttpClient(HttpLimits limits) : limits_(limits), handle_(std::make_unique<Handle>()) {}
HttpClient::~HttpClient() = default;

HttpAnswer HttpClient::Send(const HttpRequest& request) {
  if (stop_) return {.failure = NetworkFailure::kStopped, .error = "stopping"};
  Transfer transfer{.stop = &stop_};
  return handle_->Send(request, limits_, transfer);
}

TcpAnswer HttpClient::Exchange(const TcpRequest& request) {
  if (stop_) return {.failure = NetworkFailure::kStopped, .error = "stopping"};
  Transfer transfer{.stop = &stop_};
  return handle_->Exchange(request, limits_, transfer);
}

std::string PercentEncode(std::string_view text) {
  if (text.empty()) return {};  // for which libcurl would measure the text itself
  const std::unique_ptr<char, decltype(&curl_free)> encoded(
      curl_easy_escape(nullptr, text.data(), static_cast<int>(text.size())), &curl_free);
  if (encoded == nullptr) throw std::bad_alloc();
  return encoded.get();
}

std::string FormEncode(const std::vector<std::pair<std::string, std::string>>& fields) {
  constexpr std::string_view kSpace = "%20";
  std::string form;
  for (const auto& [name, value] : fields) {
    if (!form.empty()) form += '&';
    form += PercentEncode(name) + "=" + PercentEncode(value);
  }
  for (std::size_t at = 0; (at = form.find(kSpace, at)) != form.npos;) {
    form.replace(at, kSpace.size(), "+");
  }
  return form;
}

std::string BasicAuthorization(std::string_view user, std::string_view password) {
  const std::string text = std::string(user) + ":" + std::string(password);
  std::string encoded((text.size() + 2) / 3 * 4 + 1, '\0');  // with the NUL that OpenSSL adds
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()),
                                     reinterpret_cast<const unsigned char*>(text.data()),
                                     static_cast<int>(text.size()));
  encoded.resize(static_cast<std::size_t>(length));
  return "Basic " + encoded;
}

// Not by libcurl's curl_url_set: it refuses a host with a placeholder or a token, and rewrites
// others.
UrlParts SplitUrl(std::string_view url) {
  UrlParts parts;
  const std::size_t scheme = url.find("://");
  if (scheme == url.npos) return parts;
  const std::string lower = Lower(url.substr(0, scheme));
  if (lower != "http" && lower != "https") return parts;
  url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find('#'));
  const std::size_t question = url.find('?');
  if (question != url.npos) parts.query = url.substr(question + 1);
  url = url.substr(0, question);
  const std::size_t slash = url.find('/');
  if (slash != url.npos) parts.path = url.substr(slash);
  url = url.substr(0, slash);
  const std::size_t at = url.rfind('@');
  if (at != url.npos) parts.user_info = url.substr(0, at);
  parts.host = at == url.npos ? url : url.substr(at + 1);
  if (!parts.host.empty()) parts.scheme = lower;
  return parts;
}

}  // namespace backup_exporter
