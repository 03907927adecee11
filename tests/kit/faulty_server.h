// A server for tests of HTTP clients: it records every request, and fails on purpose.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kit/certificates.h"
#include "kit/socket_server.h"

namespace backup_exporter {

struct ReceivedRequest {
  std::string method;
  std::string target;                          // as it was sent
  std::map<std::string, std::string> headers;  // names in lower case; repeated ones: "a, b"
  std::string body;                            // without chunks
  std::size_t connection = 0;                  // its number; 0 is the first one
  std::size_t nth = 0;  // number of the request on its connection; 0 is the first one
  std::string client;   // 127.0.0.1:40000

  [[nodiscard]] std::string Header(const std::string& name) const;  // empty: missing
};

// Parses the request line and the headers, up to the empty line. nullopt: they are not HTTP.
[[nodiscard]] std::optional<ReceivedRequest> ParseRequestHead(std::string_view head);

enum class Fault {
  kNone,
  kResetBeforeAnswer,  // RST after the request was read
  kResetAfterHead,     // RST after the complete headers of the answer
  kResetInBody,        // RST after half of the body
  kCloseBeforeAnswer,  // the same three with an orderly close (FIN)
  kCloseAfterHead,
  kCloseInBody,
  kCloseAfterAnswer,  // the idle connection is closed, although the answer did not announce it
  kHang,              // no answer
  kSlow,              // the whole answer, one byte at a time
  kSlowBody,          // the same for the body only
  kEndlessHead,       // headers that never end
  kEndlessBody,       // chunks that never end
  kBigBody,           // `size` bytes of "a"
  kGzipBomb,          // `size` zeros, compressed to a thousandth; a multiple of 1 MiB
  kRaw,               // only `body`, without status and headers
};

struct FaultyReply {
  int status = 200;
  // Content-Length is added unless it or Transfer-Encoding is given.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  Fault fault = Fault::kNone;
  std::uint64_t size = 0;                         // of kBigBody and kGzipBomb
  std::chrono::milliseconds delay{0};             // before anything is sent
  std::chrono::milliseconds byte_interval{1000};  // of kSlow and kSlowBody
};

struct FaultyTls {
  Certificate certificate;
  std::string client_authority;  // PEM; not empty: a client must have a certificate signed by it
  bool only_tls_1_0 = false;
};

struct FaultyServerOptions {
  bool ipv6 = false;  // [::1], else 127.0.0.1
  int port = 0;       // 0: any free port
  std::optional<FaultyTls> tls;
  bool silent = false;  // accepts connections, but neither reads nor sends, not even for TLS
  // Number of bytes after which a connection is cut, by RST if its number is odd, else by FIN.
  // Bytes of requests and answers are counted together, inside TLS. nullopt: never.
  std::function<std::optional<std::size_t>(std::size_t connection)> cut_after;
  bool keep_requests = true;  // otherwise they are only counted
};

// For `cut_after`: cuts each connection after a random number of bytes below `limit`, which depends
// only on the seed and the number of the connection.
[[nodiscard]] std::function<std::optional<std::size_t>(std::size_t)> RandomCuts(std::uint64_t seed,
                                                                                std::size_t limit);

class FaultyServer {
 public:
  using Request = ReceivedRequest;
  using Reply = FaultyReply;
  using Options = FaultyServerOptions;
  using Handler = std::function<Reply(const Request& request)>;

  // Many threads call the handler concurrently, for each complete request, after it was recorded.
  explicit FaultyServer(Handler handler, Options options = {});
  ~FaultyServer();  // returns immediately, even if requests hang
  FaultyServer(const FaultyServer&) = delete;
  FaultyServer& operator=(const FaultyServer&) = delete;

  [[nodiscard]] int port() const { return server_->port(); }
  // http://127.0.0.1:1, https://[::1]:1
  [[nodiscard]] std::string url() const;

  // The complete requests, in the order of their arrival.
  [[nodiscard]] std::vector<Request> Requests() const;
  [[nodiscard]] std::size_t request_count() const;
  // Waits for at least this many requests; false: they did not arrive within 30 s.
  [[nodiscard]] bool AwaitRequests(std::size_t count) const;

  [[nodiscard]] std::size_t connections() const { return server_->connections(); }
  [[nodiscard]] std::size_t open_connections() const { return server_->open_connections(); }

 private:
  class Stream;
  struct TlsContext;

  void Serve(const ServedConnection& connection);
  // Returns whether the connection stays open for another request.
  bool Answer(Stream& stream, const Request& request, const Reply& reply) const;
  void Record(const Request& request);

  const Handler handler_;
  const Options options_;
  std::unique_ptr<TlsContext> tls_;
  mutable std::mutex mutex_;
  mutable std::condition_variable more_;
  std::vector<Request> requests_;
  std::size_t count_ = 0;
  std::unique_ptr<SocketServer> server_;  // last, so that its threads end first
};

}  // namespace backup_exporter
