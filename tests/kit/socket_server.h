// The basis of the kit's servers: TCP on loopback, with one thread per connection. Also ports that
// do not answer.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/descriptor.h"

namespace backup_exporter {

// A connection that a server accepted. Every wait ends when the server stops.
class ServedConnection {
 public:
  ServedConnection(int fd, std::size_t number, std::string peer)
      : fd_(fd), number_(number), peer_(std::move(peer)) {}

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] std::size_t number() const { return number_; }     // 0 is the first one
  [[nodiscard]] const std::string& peer() const { return peer_; }  // 127.0.0.1:40000

  // Number of bytes received; 0: the connection has ended.
  [[nodiscard]] std::size_t Receive(char* buffer, std::size_t size) const;
  // Returns whether all bytes were sent.
  bool Send(std::string_view bytes) const;
  // Waits this long; false: the connection ended.
  [[nodiscard]] bool Wait(std::chrono::milliseconds time) const;
  // Lets the close send a RST, even if all bytes were read.
  void Reset() const;

 private:
  int fd_;
  std::size_t number_;
  std::string peer_;
};

class SocketServer {
 public:
  // Runs in the connection's thread; the connection is closed when it returns.
  using Serve = std::function<void(const ServedConnection& connection)>;

  // On [::1] or 127.0.0.1; port 0: any free port.
  explicit SocketServer(Serve serve, bool ipv6 = false, int port = 0);
  ~SocketServer();  // shuts down every connection and joins all threads
  SocketServer(const SocketServer&) = delete;
  SocketServer& operator=(const SocketServer&) = delete;

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::size_t connections() const;       // since the start
  [[nodiscard]] std::size_t open_connections() const;  // at this time

  // Connects `connection` to a port of this machine and relays bytes in both directions until both
  // sides end. `first` is sent to that port before that, and `established` to the client. False:
  // the port does not accept connections.
  bool Relay(const ServedConnection& connection, int port, bool ipv6, std::string_view first,
             std::string_view established);

 private:
  struct Open {
    std::vector<int> fds;
    std::thread thread;
  };

  void Accept();
  void Start(int fd, std::string peer);

  const Serve serve_;
  const Descriptor listening_;
  int port_;
  mutable std::mutex mutex_;
  std::condition_variable ended_one_;
  bool stopping_ = false;
  std::size_t accepted_ = 0;
  std::map<std::size_t, Open> open_;
  std::vector<std::thread> ended_;
  std::thread acceptor_;
};

struct TcpReply {
  std::string bytes;
  bool reset = false;  // after the bytes, instead of an orderly close
};

// Answers bytes with bytes, for protocols that are not HTTP.
class TcpServer {
 public:
  // Called with all bytes received on a connection, each time that more arrive. nullopt: waits for
  // more. A reply ends the connection. Many threads call it concurrently.
  using Handler = std::function<std::optional<TcpReply>(const std::string& received)>;

  explicit TcpServer(Handler handler, bool ipv6 = false, int port = 0);

  [[nodiscard]] int port() const { return server_.port(); }
  [[nodiscard]] std::size_t connections() const { return server_.connections(); }
  // The bytes received on each connection that was answered, in the order of the answers.
  [[nodiscard]] std::vector<std::string> Received() const;

 private:
  void Serve(const ServedConnection& connection);

  const Handler handler_;
  mutable std::mutex mutex_;
  std::vector<std::string> received_;
  SocketServer server_;  // last, so that its threads end first
};

// A port that refuses connections. It stays reserved during the lifetime of this object.
class ClosedPort {
 public:
  ClosedPort();
  [[nodiscard]] int port() const { return port_; }

 private:
  Descriptor socket_;
  int port_ = 0;
};

// A port that drops SYN packets: connecting to it hangs.
class BlackHole {
 public:
  explicit BlackHole(bool ipv6 = false, int port = 0);
  [[nodiscard]] int port() const { return port_; }

 private:
  Descriptor listening_;
  int port_;
  Descriptor filler_;  // fills the backlog
};

}  // namespace backup_exporter
