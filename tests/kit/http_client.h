// A small HTTP client on bare sockets, so that tests see every byte that a server sends, and may
// send what no proper client would.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>

namespace backup_exporter {

// A connection to a port of this machine. Calls wait for at most 20 s; what failed by then is
// empty.
class Connection {
 public:
  explicit Connection(int port, const std::string& address = "127.0.0.1");
  ~Connection();
  Connection(Connection&& other) noexcept;
  Connection& operator=(Connection&&) = delete;

  [[nodiscard]] bool open() const { return fd_ >= 0; }
  // Sends what the server takes.
  void Send(std::string_view bytes) const;
  // All that comes until the server closes.
  [[nodiscard]] std::string ReadToEnd() const;
  // Whether the server closes within that time, whatever it says before.
  [[nodiscard]] bool ClosedWithin(std::chrono::milliseconds time) const;

 private:
  int fd_;
};

struct HttpReply {
  int status = 0;                              // 0: there was no proper answer
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

// The body of a chunked reply is put together.
[[nodiscard]] HttpReply ParseReply(std::string_view bytes);

// A port that was free a moment ago and nearly always still is: for programs that cannot say which
// one they took.
[[nodiscard]] int FreePort();

// Sends these bytes and takes what comes until the server closes.
[[nodiscard]] std::string Exchange(int port, std::string_view request);

// `headers` are whole lines, each with its "\r\n".
[[nodiscard]] HttpReply Fetch(int port, std::string_view method, std::string_view path,
                              std::string_view headers = {});
[[nodiscard]] HttpReply Get(int port, std::string_view path, std::string_view headers = {});
[[nodiscard]] HttpReply Post(int port, std::string_view path, std::string_view body,
                             std::string_view headers = {});

}  // namespace backup_exporter
