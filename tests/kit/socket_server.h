// What the servers of the kit are made of: TCP on this machine alone, a thread for each connection.
// And addresses where nobody answers.
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

// A connection that a server took. Every wait in here ends when the server stops.
class ServedConnection {
 public:
  ServedConnection(int fd, std::size_t number, std::string peer)
      : fd_(fd), number_(number), peer_(std::move(peer)) {}

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] std::size_t number() const { return number_; }     // 0 is the first one
  [[nodiscard]] const std::string& peer() const { return peer_; }  // 127.0.0.1:40000

  // How many bytes came; 0: no more will.
  [[nodiscard]] std::size_t Receive(char* buffer, std::size_t size) const;
  // Whether all of it could be sent.
  bool Send(std::string_view bytes) const;
  // Whether the connection still stands after that time.
  [[nodiscard]] bool Wait(std::chrono::milliseconds time) const;
  // Has the closing of it send a RST, also when all was read.
  void Reset() const;

 private:
  int fd_;
  std::size_t number_;
  std::string peer_;
};

class SocketServer {
 public:
  // Runs in the connection's thread; the connection is closed after it.
  using Serve = std::function<void(const ServedConnection& connection)>;

  // On [::1] or 127.0.0.1; port 0: any that is free.
  explicit SocketServer(Serve serve, bool ipv6 = false, int port = 0);
  ~SocketServer();  // shuts every connection down and joins all threads
  SocketServer(const SocketServer&) = delete;
  SocketServer& operator=(const SocketServer&) = delete;

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::size_t connections() const;       // that there ever were
  [[nodiscard]] std::size_t open_connections() const;  // that are served now

  // Connects `connection` with a port of this machine and carries bytes both ways until both sides
  // end. `first` goes to that port before all else, `established` to the client. False: nobody
  // listens there.
  bool Relay(const ServedConnection& connection, int port, bool ipv6, std::string_view first,
             std::string_view established);

 private:
  struct Open {
    std::vector<int> fds;
    std::thread thread;
  };

  void Accept();
  void Take(int fd, std::string peer);

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
  bool reset = false;  // rather than an orderly close after them
};

// Answers bytes with bytes, for protocols that are not HTTP.
class TcpServer {
 public:
  // Is asked with all that came on a connection so far, each time that more came. Nothing: waits
  // for more, for ever if need be. A reply is the end of the connection. Called by many threads.
  using Handler = std::function<std::optional<TcpReply>(const std::string& received)>;

  explicit TcpServer(Handler handler, bool ipv6 = false, int port = 0);

  [[nodiscard]] int port() const { return server_.port(); }
  [[nodiscard]] std::size_t connections() const { return server_.connections(); }
  // What came on each connection that was answered, in the order of the answers.
  [[nodiscard]] std::vector<std::string> Received() const;

 private:
  void Serve(const ServedConnection& connection);

  const Handler handler_;
  mutable std::mutex mutex_;
  std::vector<std::string> received_;
  SocketServer server_;  // the last, so that its threads end first
};

// A port that refuses connections, and that nobody else gets while this lives.
class ClosedPort {
 public:
  ClosedPort();
  [[nodiscard]] int port() const { return port_; }

 private:
  Descriptor socket_;
  int port_ = 0;
};

// A port where SYNs are lost: who connects waits.
class BlackHole {
 public:
  explicit BlackHole(bool ipv6 = false, int port = 0);
  [[nodiscard]] int port() const { return port_; }

 private:
  Descriptor listening_;
  int port_;
  Descriptor filler_;  // all that the backlog holds
};

}  // namespace backup_exporter
