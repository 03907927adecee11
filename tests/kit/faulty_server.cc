#include "kit/faulty_server.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <random>
#include <stdexcept>

namespace backup_exporter {
namespace {

constexpr std::size_t kMebibyte = 1 << 20;

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

std::string_view Trim(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

// nullopt: the text is not a number.
std::optional<std::size_t> Number(std::string_view text, int base) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

bool HasBody(const std::string& method, int status) {
  return method != "HEAD" && status >= 200 && status != 204 && status != 304;
}

// The reply's status line and headers. `framing`: the headers that determine where the body ends.
std::string Head(const FaultyReply& reply, const std::string& framing) {
  std::string head = "HTTP/1.1 " + std::to_string(reply.status);
  head += reply.status < 400 ? " OK\r\n" : " Error\r\n";
  bool framed = false;
  for (const auto& [name, value] : reply.headers) {
    const std::string lower = LowerCase(name);
    framed = framed || lower == "content-length" || lower == "transfer-encoding";
    head += name;
    head += ": ";
    head += value;
    head += "\r\n";
  }
  if (!framed) head += framing;
  head += "\r\n";
  return head;
}

std::string ContentLength(std::uint64_t size) {
  return "Content-Length: " + std::to_string(size) + "\r\n";
}

// One MiB of zeros, as a part of a gzip file that can be repeated.
std::string DeflatedMebibyte() {
  std::string zeros(kMebibyte, '\0');
  std::string deflated(kMebibyte, '\0');
  z_stream stream{};
  if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) !=
      Z_OK) {
    throw std::runtime_error("kit: cannot deflate");
  }
  stream.next_in = reinterpret_cast<Bytef*>(zeros.data());
  stream.avail_in = static_cast<uInt>(zeros.size());
  stream.next_out = reinterpret_cast<Bytef*>(deflated.data());
  stream.avail_out = static_cast<uInt>(deflated.size());
  deflate(&stream, Z_FULL_FLUSH);
  deflated.resize(deflated.size() - stream.avail_out);
  deflateEnd(&stream);
  return deflated;
}

// The end of a gzip file of this many MiB of zeros.
std::string GzipEnd(std::uint64_t mebibytes) {
  const std::string zeros(kMebibyte, '\0');
  const uLong part =
      crc32(0, reinterpret_cast<const Bytef*>(zeros.data()), static_cast<uInt>(zeros.size()));
  uLong sum = crc32(0, nullptr, 0);
  for (std::uint64_t i = 0; i < mebibytes; ++i) {
    sum = crc32_combine(sum, part, static_cast<z_off_t>(kMebibyte));
  }
  std::string end("\x03\x00", 2);  // the last block, an empty one
  for (const std::uint64_t number : {std::uint64_t{sum}, mebibytes * kMebibyte}) {
    for (unsigned shift = 0; shift < 32; shift += 8) {
      end += static_cast<char>(number >> shift & 0xFF);
    }
  }
  return end;
}

}  // namespace

std::string ReceivedRequest::Header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

std::optional<ReceivedRequest> ParseRequestHead(std::string_view head) {
  ReceivedRequest request;
  bool first = true;
  while (true) {
    const std::size_t end = head.find("\r\n");
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(end + 2);
    if (first) {
      const std::size_t space = line.find(' ');
      const std::size_t last = line.rfind(' ');
      if (space == last || !line.substr(last + 1).starts_with("HTTP/1.")) return std::nullopt;
      request.method = line.substr(0, space);
      request.target = line.substr(space + 1, last - space - 1);
      first = false;
      continue;
    }
    if (line.empty()) return request;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    std::string& value = request.headers[LowerCase(line.substr(0, colon))];
    if (!value.empty()) value += ", ";
    value += Trim(line.substr(colon + 1));
  }
}

std::function<std::optional<std::size_t>(std::size_t)> RandomCuts(std::uint64_t seed,
                                                                  std::size_t limit) {
  return [seed, limit](std::size_t connection) -> std::optional<std::size_t> {
    std::seed_seq sequence{seed, std::uint64_t{connection}};
    std::mt19937_64 random(sequence);
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
  };
}

// OpenSSL's side of the server.
struct FaultyServer::TlsContext {
  struct Free {
    void operator()(SSL_CTX* made) const { SSL_CTX_free(made); }
  };
  std::unique_ptr<SSL_CTX, Free> context;

  explicit TlsContext(const FaultyTls& options) : context(SSL_CTX_new(TLS_server_method())) {
    SSL_CTX* const made = context.get();
    if (options.only_tls_1_0) {
      Check(SSL_CTX_set_min_proto_version(made, TLS1_VERSION) == 1);
      Check(SSL_CTX_set_max_proto_version(made, TLS1_VERSION) == 1);
      Check(SSL_CTX_set_cipher_list(made, "ALL:@SECLEVEL=0") == 1);
    }
    const auto read = [](const std::string& pem) {
      return std::unique_ptr<BIO, decltype(&BIO_free)>(
          BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
    };
    const auto certificate_of = [&](const std::string& pem) {
      return std::unique_ptr<X509, decltype(&X509_free)>(
          PEM_read_bio_X509(read(pem).get(), nullptr, nullptr, nullptr), &X509_free);
    };
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
        PEM_read_bio_PrivateKey(read(options.certificate.key).get(), nullptr, nullptr, nullptr),
        &EVP_PKEY_free);
    Check(SSL_CTX_use_certificate(made, certificate_of(options.certificate.certificate).get()) ==
          1);
    Check(SSL_CTX_use_PrivateKey(made, key.get()) == 1);
    const std::array<unsigned char, 1> session_context{1};
    SSL_CTX_set_session_id_context(made, session_context.data(), session_context.size());
    if (options.client_authority.empty()) return;
    const auto authority = certificate_of(options.client_authority);
    Check(X509_STORE_add_cert(SSL_CTX_get_cert_store(made), authority.get()) == 1);
    Check(SSL_CTX_add_client_CA(made, authority.get()) == 1);
    SSL_CTX_set_verify(made, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }

  static void Check(bool good) {
    if (!good) throw std::runtime_error("kit: cannot set up TLS");
  }
};

// A connection, with TLS and a cut.
class FaultyServer::Stream {
 public:
  Stream(const ServedConnection& connection, SSL_CTX* tls, std::optional<std::size_t> cut_after)
      : connection_(connection), left_(cut_after) {
    if (tls == nullptr) return;
    ssl_ = SSL_new(tls);
    SSL_set_fd(ssl_, connection.fd());
  }
  ~Stream() {
    if (ssl_ == nullptr) return;
    if (good_) SSL_shutdown(ssl_);
    SSL_free(ssl_);
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  bool Handshake() { return good_ = ssl_ == nullptr || SSL_accept(ssl_) == 1; }

  bool Send(std::string_view bytes) {
    if (!good_) return false;
    const std::string_view rest = left_ ? bytes.substr(0, *left_) : bytes;
    if (ssl_ == nullptr) {
      good_ = connection_.Send(rest);
    } else if (!rest.empty()) {
      good_ = SSL_write(ssl_, rest.data(), static_cast<int>(rest.size())) > 0;
    }
    if (left_) *left_ -= rest.size();
    if (good_ && rest.size() < bytes.size()) Cut();
    return good_;
  }

  // Reads up to and including `end`, or until there are `size` bytes.
  std::optional<std::string> Until(std::string_view end) {
    std::size_t found = 0;
    while ((found = input_.find(end)) == std::string::npos) {
      if (!More()) return std::nullopt;
    }
    return Pop(found + end.size());
  }
  std::optional<std::string> Exactly(std::size_t size) {
    while (input_.size() < size) {
      if (!More()) return std::nullopt;
    }
    return Pop(size);
  }
  [[nodiscard]] bool HasRead(std::size_t size) const { return input_.size() >= size; }
  void DrainToEnd() {
    while (More()) input_.clear();
  }

  [[nodiscard]] bool Wait(std::chrono::milliseconds time) const { return connection_.Wait(time); }
  void Reset() {
    connection_.Reset();
    good_ = false;
  }

 private:
  void Cut() {
    if (connection_.number() % 2 == 1) connection_.Reset();
    good_ = false;
  }

  bool More() {
    if (left_ && *left_ == 0) Cut();
    if (!good_) return false;
    std::array<char, 16384> buffer;
    const std::size_t wanted = left_ ? std::min(*left_, buffer.size()) : buffer.size();
    std::size_t got = 0;
    if (ssl_ == nullptr) {
      got = connection_.Receive(buffer.data(), wanted);
    } else {
      const int read = SSL_read(ssl_, buffer.data(), static_cast<int>(wanted));
      got = read > 0 ? static_cast<std::size_t>(read) : 0;
    }
    good_ = got > 0;
    if (left_) *left_ -= got;
    input_.append(buffer.data(), got);
    return good_;
  }

  std::string Pop(std::size_t size) {
    std::string popped = input_.substr(0, size);
    input_.erase(0, size);
    return popped;
  }

  const ServedConnection& connection_;
  std::optional<std::size_t> left_;  // until the cut
  SSL* ssl_ = nullptr;
  bool good_ = true;
  std::string input_;  // read, but not yet popped
};

namespace {

// nullopt: the connection ended, or the request is not HTTP.
template <typename Stream>
std::optional<ReceivedRequest> ReadRequest(Stream& stream) {
  const std::optional<std::string> head = stream.Until("\r\n\r\n");
  if (!head) return std::nullopt;
  std::optional<ReceivedRequest> request = ParseRequestHead(*head);
  if (!request) return std::nullopt;
  const std::string length = request->Header("content-length");
  const bool chunked = LowerCase(request->Header("transfer-encoding")) == "chunked";
  const std::optional<std::size_t> size = Number(length, 10);
  if (!length.empty() && (chunked || !size)) return std::nullopt;
  if (LowerCase(request->Header("expect")) == "100-continue" && !stream.HasRead(size.value_or(1)) &&
      !stream.Send("HTTP/1.1 100 Continue\r\n\r\n")) {
    return std::nullopt;
  }
  if (size && !chunked) {
    std::optional<std::string> body = stream.Exactly(*size);
    if (!body) return std::nullopt;
    request->body = std::move(*body);
  }
  while (chunked) {
    const std::optional<std::string> line = stream.Until("\r\n");
    if (!line) return std::nullopt;
    const std::optional<std::size_t> chunk =
        Number(line->substr(0, line->find_first_of(";\r")), 16);
    if (!chunk) return std::nullopt;
    const std::optional<std::string> bytes =
        stream.Exactly(*chunk + 2);  // trailers are not supported
    if (!bytes || !bytes->ends_with("\r\n")) return std::nullopt;
    if (*chunk == 0) break;
    request->body.append(*bytes, 0, *chunk);
  }
  return request;
}

// Both return whether all was sent.
template <typename Stream>
bool SendBigBody(Stream& stream, const FaultyReply& reply) {
  const std::string part(0x40000, 'a');
  bool good = stream.Send(Head(reply, ContentLength(reply.size)));
  for (std::uint64_t left = reply.size; good && left > 0;) {
    const std::size_t now = std::min<std::uint64_t>(left, part.size());
    good = stream.Send(std::string_view(part).substr(0, now));
    left -= now;
  }
  return good;
}

template <typename Stream>
bool SendGzipBomb(Stream& stream, const FaultyReply& reply) {
  const std::string start("\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff", 10);
  const std::string part = DeflatedMebibyte();
  const std::uint64_t parts = reply.size / kMebibyte;
  const std::string end = GzipEnd(parts);
  const std::string framing = ContentLength(start.size() + part.size() * parts + end.size());
  bool good = stream.Send(Head(reply, "Content-Encoding: gzip\r\n" + framing) + start);
  for (std::uint64_t i = 0; good && i < parts; ++i) good = stream.Send(part);
  return good && stream.Send(end);
}

}  // namespace

FaultyServer::FaultyServer(Handler handler, Options options)
    : handler_(std::move(handler)), options_(std::move(options)) {
  if (options_.tls) tls_ = std::make_unique<TlsContext>(*options_.tls);
  server_ = std::make_unique<SocketServer>(
      [this](const ServedConnection& connection) { Serve(connection); }, options_.ipv6,
      options_.port);
}

FaultyServer::~FaultyServer() = default;

std::string FaultyServer::url() const {
  return std::string(options_.tls ? "https" : "http") + "://" +
         (options_.ipv6 ? "[::1]" : "127.0.0.1") + ":" + std::to_string(port());
}

std::vector<FaultyServer::Request> FaultyServer::Requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::size_t FaultyServer::request_count() const {
  const std::lock_guard lock(mutex_);
  return count_;
}

bool FaultyServer::AwaitRequests(std::size_t count) const {
  std::unique_lock lock(mutex_);
  return more_.wait_for(lock, std::chrono::seconds(30), [&] { return count_ >= count; });
}

void FaultyServer::Record(const Request& request) {
  const std::lock_guard lock(mutex_);
  ++count_;
  if (options_.keep_requests) requests_.push_back(request);
  more_.notify_all();
}

void FaultyServer::Serve(const ServedConnection& connection) {
  if (options_.silent) {
    while (connection.Wait(std::chrono::hours(1))) {
    }
    return;
  }
  Stream stream(connection, tls_ ? tls_->context.get() : nullptr,
                options_.cut_after ? options_.cut_after(connection.number()) : std::nullopt);
  if (!stream.Handshake()) return;
  for (std::size_t nth = 0;; ++nth) {
    std::optional<Request> request = ReadRequest(stream);
    if (!request) return;
    request->connection = connection.number();
    request->nth = nth;
    request->client = connection.peer();
    Record(*request);
    if (!Answer(stream, *request, handler_(*request))) return;
  }
}

bool FaultyServer::Answer(Stream& stream, const Request& request, const Reply& reply) const {
  if (reply.delay.count() > 0 && !stream.Wait(reply.delay)) return false;
  const bool has_body = HasBody(request.method, reply.status);
  const std::string body = has_body ? reply.body : "";
  const bool has_length = has_body || request.method == "HEAD";
  const std::string head = Head(reply, has_length ? ContentLength(reply.body.size()) : "");
  const auto send_slowly = [&](std::string_view bytes) {
    for (const char& byte : bytes) {
      if (!stream.Send({&byte, 1}) || !stream.Wait(reply.byte_interval)) return false;
    }
    return true;
  };
  const auto send_forever = [&](const std::string& part) {
    while (stream.Send(part)) {
    }
    return false;
  };
  switch (reply.fault) {
    case Fault::kNone: {
      const auto is_close = [](const auto& header) {
        return LowerCase(header.first) == "connection" && LowerCase(header.second) == "close";
      };
      return stream.Send(head + body) && LowerCase(request.Header("connection")) != "close" &&
             std::ranges::none_of(reply.headers, is_close);
    }
    case Fault::kResetBeforeAnswer:
      stream.Reset();
      return false;
    case Fault::kResetAfterHead:
      stream.Send(head);
      stream.Reset();
      return false;
    case Fault::kResetInBody:
      stream.Send(head + body.substr(0, body.size() / 2));
      stream.Reset();
      return false;
    case Fault::kCloseBeforeAnswer:
      return false;
    case Fault::kCloseAfterHead:
      stream.Send(head);
      return false;
    case Fault::kCloseInBody:
      stream.Send(head + body.substr(0, body.size() / 2));
      return false;
    case Fault::kCloseAfterAnswer:
      stream.Send(head + body);
      return false;
    case Fault::kHang:
      stream.DrainToEnd();
      return false;
    case Fault::kSlow:
      return send_slowly(head + body);
    case Fault::kSlowBody:
      return stream.Send(head) && send_slowly(body);
    case Fault::kEndlessHead: {
      std::string lines;
      while (lines.size() < 65536) lines += "X-Endless: " + std::string(100, 'a') + "\r\n";
      return stream.Send("HTTP/1.1 " + std::to_string(reply.status) + " OK\r\n") &&
             send_forever(lines);
    }
    case Fault::kEndlessBody:
      return stream.Send(Head(reply, "Transfer-Encoding: chunked\r\n")) &&
             send_forever("10000\r\n" + std::string(0x10000, 'a') + "\r\n");
    case Fault::kBigBody:
      return SendBigBody(stream, reply);
    case Fault::kGzipBomb:
      return SendGzipBomb(stream, reply);
    case Fault::kRaw:
      stream.Send(reply.body);
      return false;
  }
  return false;
}

}  // namespace backup_exporter
