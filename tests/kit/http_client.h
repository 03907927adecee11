// A small HTTP client on plain sockets: tests see every byte that a server sends, and can send
// requests that no proper client would.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>

namespace backup_exporter {

// A connection to a port of this host. Calls wait for at most 20 s, and return an empty result on
// failure.
class Connection {
 public:
  explicit Connection(int port, const std::string& address = "127.0.0.1");
  ~Connection();
  Connection(Connection&& other) noexcept;
  Connection& operator=(Connection&&) = delete;

  [[nodiscard]] bool open() const { return fd_ >= 0; }
  // Sends as much as the server accepts.
  void Send(std::string_view bytes) const;
  // Everything that the server sends until it closes the connection.
  [[nodiscard]] std::string ReadToEnd() const;
  // Whether the server closes the connection within this time, whatever it sends before.
  [[nodiscard]] bool ClosedWithin(std::chrono::milliseconds time) const;

 private:
  int fd_;
};

struct HttpReply {
  int status = 0;                              // 0: no valid response
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

// Joins the chunks of a chunked body.
[[nodiscard]] HttpReply ParseReply(std::string_view bytes);

// A port that was free a moment ago and nearly always still is, for programs that cannot choose a
// free port and report it.
[[nodiscard]] int FreePort();

// Sends these bytes and returns everything that the server sends until it closes the connection.
[[nodiscard]] std::string Exchange(int port, std::string_view request);

// `headers` are complete lines, each ending in "\r\n".
[[nodiscard]] HttpReply Fetch(int port, std::string_view method, std::string_view path,
                              std::string_view headers = {});
[[nodiscard]] HttpReply Get(int port, std::string_view path, std::string_view headers = {});
[[nodiscard]] HttpReply Post(int port, std::string_view path, std::string_view body,
                             std::string_view headers = {});

}  // namespace backup_exporter
