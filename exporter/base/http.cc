#include "base/http.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <mutex>

#include "base/build_info.h"
#include "base/parse.h"

namespace backup_exporter {
namespace {

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

// What arrives while a request is under way.
struct Receiving {
  HttpAnswer answer;
  std::size_t header_bytes = 0;
  bool headers_whole = false;
  bool interim = false;  // a 1xx, after which the answer itself comes
  const std::atomic<bool>* stop = nullptr;
};

std::size_t OnHeader(const char* bytes, std::size_t size, std::size_t count, void* user) {
  auto& receiving = *static_cast<Receiving*>(user);
  const std::string_view line(bytes, size * count);
  receiving.header_bytes += line.size();
  if (receiving.header_bytes > kMostHeaders) return 0;
  // A new head: that of the answer itself after "100 Continue" or a proxy's.
  if (line.starts_with("HTTP/")) {
    receiving.answer.headers.clear();
    receiving.headers_whole = false;
    const std::size_t blank = line.find(' ');
    receiving.interim = blank != line.npos && line.substr(blank + 1).starts_with('1');
  }
  if (Trimmed(line).empty() && !receiving.interim) receiving.headers_whole = true;
  const std::size_t colon = line.find(':');
  if (colon != line.npos) {
    receiving.answer.headers[Lower(Trimmed(line.substr(0, colon)))] =
        std::string(Trimmed(line.substr(colon + 1)));
  }
  return line.size();
}

std::size_t OnBody(const char* bytes, std::size_t size, std::size_t count, void* user) {
  HttpAnswer& answer = static_cast<Receiving*>(user)->answer;
  const std::size_t room = kMostBody - answer.body.size();
  const std::size_t length = size * count;
  answer.body.append(bytes, std::min(room, length));
  return length <= room ? length : 0;  // 0 ends the transfer
}

int OnProgress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return *static_cast<Receiving*>(user)->stop ? 1 : 0;
}

// libcurl's words, or OpenSSL's where it has more to say.
std::string InWords(CURLcode code, const char* details) {
  const std::string_view more = Trimmed(details);
  return more.empty() ? curl_easy_strerror(code) : std::string(more);
}

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

void Set(CURL* curl, CURLoption option, const std::string& value) {
  if (!value.empty()) curl_easy_setopt(curl, option, value.c_str());
}

}  // namespace

struct HttpClient::Handle {
  Handle() {
    InitialiseOnce();
    curl = curl_easy_init();
    if (curl == nullptr) throw std::bad_alloc();
  }
  ~Handle() { curl_easy_cleanup(curl); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  // Connections outlive this.
  void Prepare(const HttpLimits& limits, Receiving& receiving) {
    curl_easy_reset(curl);
    error[0] = '\0';
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error.data());
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(limits.connect.count()));
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(limits.total.count()));
    // Or libcurl would wait, beyond every limit, for a resolver whose name server does not answer.
    // The thread of the resolver then ends later, by itself.
    curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, OnProgress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &receiving);
  }

  CURL* curl = nullptr;
  std::array<char, CURL_ERROR_SIZE> error{};
};

HttpClient::HttpClient(HttpLimits limits) : limits_(limits), handle_(std::make_unique<Handle>()) {}
HttpClient::~HttpClient() = default;

HttpAnswer HttpClient::Send(const HttpRequest& request) {
  Receiving receiving{.stop = &stop_};
  if (stop_) return {.failure = NetworkFailure::kStopped, .error = "stopping"};
  handle_->Prepare(limits_, receiving);
  CURL* curl = handle_->curl;
  curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_USERAGENT, fmt::format("backup_exporter/{}", kVersion).c_str());
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, OnHeader);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &receiving);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, OnBody);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &receiving);
  curl_easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  if (request.method != "GET") {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.c_str());
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
  if (!request.verify_tls) {
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
  }
  // As the program curl has it: libcurl by itself knows only the system's authorities.
  for (const auto* name : {"SSL_CERT_FILE", "CURL_CA_BUNDLE"}) {
    if (const char* file = std::getenv(name)) Set(curl, CURLOPT_CAINFO, file);
  }
  Set(curl, CURLOPT_SSLCERT, request.certificate_file);
  Set(curl, CURLOPT_SSLKEY, request.key_file);
  std::unique_ptr<curl_slist, FreeList> lines;
  const auto add_line = [&](const std::string& line) {
    curl_slist* all = curl_slist_append(lines.get(), line.c_str());
    if (all == nullptr) throw std::bad_alloc();
    [[maybe_unused]] auto* before = lines.release();
    lines.reset(all);
  };
  bool typed = false;
  for (const auto& [name, value] : request.headers) {
    typed = typed || Lower(name) == "content-type";
    add_line(value.empty() ? name + ";" : name + ": " + value);
  }
  // libcurl would call any body a form, and wait for "100 Continue" before a long one.
  if (!typed) add_line("Content-Type:");
  add_line("Expect:");
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, lines.get());

  const CURLcode code = curl_easy_perform(curl);
  HttpAnswer answer = std::move(receiving.answer);
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  answer.cut = code != CURLE_OK;
  const bool stopped = code == CURLE_ABORTED_BY_CALLBACK;
  if (receiving.headers_whole && !stopped) {
    answer.status = static_cast<int>(status);
    return answer;
  }
  return {.failure = FailureOf(code), .error = InWords(code, handle_->error.data())};
}

TcpAnswer HttpClient::Exchange(const TcpRequest& request) {
  using Clock = std::chrono::steady_clock;
  Receiving receiving{.stop = &stop_};
  if (stop_) return {.failure = NetworkFailure::kStopped, .error = "stopping"};
  const auto end = Clock::now() + limits_.total;
  handle_->Prepare(limits_, receiving);
  CURL* curl = handle_->curl;
  // Only the connection is libcurl's: names, both families of addresses, the time limit.
  const bool bare_ipv6 = request.host.find(':') != std::string::npos && request.host[0] != '[';
  const std::string host = bare_ipv6 ? "[" + request.host + "]" : request.host;
  curl_easy_setopt(curl, CURLOPT_URL, fmt::format("http://{}:{}", host, request.port).c_str());
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_CONNECT_ONLY, 1L);
  curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
  CURLcode code = curl_easy_perform(curl);
  if (code != CURLE_OK) {
    return {.failure = FailureOf(code), .error = InWords(code, handle_->error.data())};
  }
  TcpAnswer answer{.connected = true};
  curl_socket_t descriptor = CURL_SOCKET_BAD;
  curl_easy_getinfo(curl, CURLINFO_ACTIVESOCKET, &descriptor);
  // Waits for the socket, in steps that notice Stop; false: it is time to give up.
  const auto wait = [&](short events) {
    constexpr int kStep = 200;
    while (Clock::now() < end && !stop_) {
      pollfd one{.fd = descriptor, .events = events, .revents = 0};
      if (poll(&one, 1, kStep) != 0) return true;
    }
    answer.failure = stop_ ? NetworkFailure::kStopped : NetworkFailure::kTimeout;
    answer.error = "no answer in time";
    return false;
  };
  std::string_view rest = request.bytes;
  while (!rest.empty()) {
    std::size_t sent = 0;
    code = curl_easy_send(curl, rest.data(), rest.size(), &sent);
    rest.remove_prefix(sent);
    if (code == CURLE_AGAIN && !wait(POLLOUT)) return answer;
    if (code != CURLE_OK && code != CURLE_AGAIN) {
      answer.error = InWords(code, handle_->error.data());
      return answer;
    }
  }
  std::array<char, 4096> piece{};
  while (answer.bytes.size() < kMostBody && !request.complete(answer.bytes)) {
    std::size_t received = 0;
    code = curl_easy_recv(curl, piece.data(), piece.size(), &received);
    if (code == CURLE_AGAIN) {
      if (!wait(POLLIN)) return answer;
      continue;
    }
    if (code != CURLE_OK || received == 0) {
      answer.error = code != CURLE_OK ? InWords(code, handle_->error.data())
                                      : "the connection was closed before the whole answer";
      return answer;
    }
    answer.bytes.append(piece.data(), received);
  }
  return answer;
}

std::string PercentEncode(std::string_view text) {
  std::string encoded;
  for (const char byte : text) {
    const auto value = static_cast<unsigned char>(byte);
    if ((std::isalnum(value) != 0 && value < 0x80) ||
        std::string_view("-._~").find(byte) != std::string_view::npos) {
      encoded += byte;
    } else {
      encoded += fmt::format("%{:02X}", value);
    }
  }
  return encoded;
}

std::string FormEncode(const std::vector<std::pair<std::string, std::string>>& fields) {
  std::string form;
  const auto add = [&](std::string_view text) {
    for (std::size_t begin = 0;;) {
      const std::size_t space = text.find(' ', begin);
      form += PercentEncode(text.substr(begin, space - begin));
      if (space == text.npos) return;
      form += '+';
      begin = space + 1;
    }
  };
  for (const auto& [name, value] : fields) {
    if (!form.empty()) form += '&';
    add(name);
    form += '=';
    add(value);
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
