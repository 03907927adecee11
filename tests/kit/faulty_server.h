// A server for tests of what speaks HTTP to others: it keeps every request, and fails on purpose.
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
  std::map<std::string, std::string> headers;  // names in lower case; several of one name: "a, b"
  std::string body;                            // without chunks
  std::size_t connection = 0;                  // that it came on; 0 is the first one
  std::size_t nth = 0;                         // of that connection; 0 is the first one
  std::string client;                          // 127.0.0.1:40000

  [[nodiscard]] std::string Header(const std::string& name) const;  // empty: it has none
};

// The line and the headers of a request, with the empty line; nothing: it is no HTTP.
[[nodiscard]] std::optional<ReceivedRequest> ParseRequestHead(std::string_view head);

enum class Fault {
  kNone,
  kResetBeforeAnswer,  // RST when the request was read
  kResetAfterHead,     // RST after the answer's complete headers
  kResetInBody,        // RST after half of the body
  kCloseBeforeAnswer,  // FIN, as the others but in order
  kCloseAfterHead,
  kCloseInBody,
  kCloseAfterAnswer,  // an idle connection goes, though the answer said nothing of it
  kHang,              // no answer at all
  kSlow,              // the whole answer, a byte at a time
  kSlowBody,          // the body alone
  kEndlessHead,       // headers without end
  kEndlessBody,       // chunks without end
  kBigBody,           // `size` bytes of "a"
  kGzipBomb,          // `size` zeros, gzipped to a thousandth: whole MiB
  kRaw,               // `body` alone, without status and headers
};

struct FaultyReply {
  int status = 200;
  // Content-Length is added where neither it nor Transfer-Encoding is among them.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  Fault fault = Fault::kNone;
  std::uint64_t size = 0;                         // of kBigBody and kGzipBomb
  std::chrono::milliseconds delay{0};             // before all else
  std::chrono::milliseconds byte_interval{1000};  // of kSlow and kSlowBody
};

struct FaultyTls {
  Certificate certificate;
  std::string client_authority;  // PEM; not empty: whose certificate a client must have
  bool only_tls_1_0 = false;
};

struct FaultyServerOptions {
  bool ipv6 = false;  // [::1], else 127.0.0.1
  int port = 0;       // 0: any that is free
  std::optional<FaultyTls> tls;
  bool silent = false;  // takes connections and neither reads nor says anything, not even TLS
  // After how many bytes of requests and answers, counted together and inside TLS, a connection is
  // cut: those with odd numbers by RST, others by FIN. Nothing: never.
  std::function<std::optional<std::size_t>(std::size_t connection)> cut_after;
  bool keep_requests = true;  // else they are only counted
};

// For `cut_after`: each connection after a number of bytes that is below `limit` and depends on the
// seed and the connection alone.
[[nodiscard]] std::function<std::optional<std::size_t>(std::size_t)> RandomCuts(std::uint64_t seed,
                                                                                std::size_t limit);

class FaultyServer {
 public:
  using Request = ReceivedRequest;
  using Reply = FaultyReply;
  using Options = FaultyServerOptions;
  using Handler = std::function<Reply(const Request& request)>;

  // The handler is called by many threads at once, for each request that came completely, after it
  // was recorded.
  explicit FaultyServer(Handler handler, Options options = {});
  ~FaultyServer();  // ends at once, whatever hangs
  FaultyServer(const FaultyServer&) = delete;
  FaultyServer& operator=(const FaultyServer&) = delete;

  [[nodiscard]] int port() const { return server_->port(); }
  // http://127.0.0.1:1, https://[::1]:1
  [[nodiscard]] std::string url() const;

  // Those that came completely, in that order.
  [[nodiscard]] std::vector<Request> Requests() const;
  [[nodiscard]] std::size_t request_count() const;
  // Waits until so many came; false: they did not within half a minute.
  [[nodiscard]] bool AwaitRequests(std::size_t count) const;

  [[nodiscard]] std::size_t connections() const { return server_->connections(); }
  [[nodiscard]] std::size_t open_connections() const { return server_->open_connections(); }

 private:
  class Stream;
  struct TlsContext;

  void Serve(const ServedConnection& connection);
  // Whether another request may come on this connection.
  bool Answer(Stream& stream, const Request& request, const Reply& reply) const;
  void Record(const Request& request);

  const Handler handler_;
  const Options options_;
  std::unique_ptr<TlsContext> tls_;
  mutable std::mutex mutex_;
  mutable std::condition_variable more_;
  std::vector<Request> requests_;
  std::size_t count_ = 0;
  std::unique_ptr<SocketServer> server_;  // the last, so that its threads end first
};

}  // namespace backup_exporter
