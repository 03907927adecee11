#include "kit/socket_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <stdexcept>

namespace backup_exporter {
namespace {

// An address of this machine, of either family.
struct Address {
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_storage);

  Address() = default;
  Address(int port, bool ipv6) {
    const auto network_port = htons(static_cast<std::uint16_t>(port));
    if (ipv6) {
      auto& address = reinterpret_cast<sockaddr_in6&>(storage);
      address.sin6_family = AF_INET6;
      address.sin6_addr = in6addr_loopback;
      address.sin6_port = network_port;
      size = sizeof(address);
    } else {
      auto& address = reinterpret_cast<sockaddr_in&>(storage);
      address.sin_family = AF_INET;
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      address.sin_port = network_port;
      size = sizeof(address);
    }
  }

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  [[nodiscard]] int port() const {
    return ntohs(storage.ss_family == AF_INET6
                     ? reinterpret_cast<const sockaddr_in6&>(storage).sin6_port
                     : reinterpret_cast<const sockaddr_in&>(storage).sin_port);
  }
  [[nodiscard]] std::string Text() const {
    const bool ipv6 = storage.ss_family == AF_INET6;
    return (ipv6 ? "[::1]:" : "127.0.0.1:") + std::to_string(port());
  }
};

void Check(bool good, const char* what) {
  if (!good) throw std::runtime_error(std::string("kit: cannot ") + what);
}

int NewSocket(bool ipv6) {
  const int fd = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  Check(fd >= 0, "make a socket");
  return fd;
}

void Bind(int fd, bool ipv6, int port) {
  Address address(port, ipv6);
  Check(bind(fd, address.get(), address.size) == 0, "bind to the port");
}

void SetOption(int fd, int level, int option) {
  const int on = 1;
  setsockopt(fd, level, option, &on, sizeof(on));
}

int ListeningSocket(bool ipv6, int port, int backlog) {
  Descriptor made(NewSocket(ipv6));
  SetOption(made.get(), SOL_SOCKET, SO_REUSEADDR);  // so that another server can use the port soon
  Bind(made.get(), ipv6, port);
  Check(listen(made.get(), backlog) == 0, "listen");
  return made.Release();
}

int PortOf(int fd) {
  Address address;
  Check(getsockname(fd, address.get(), &address.size) == 0, "get the port");
  return address.port();
}

bool SendAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::size_t ReceiveSome(int fd, char* buffer, std::size_t size) {
  while (true) {
    const ssize_t got = recv(fd, buffer, size, 0);
    if (got < 0 && errno == EINTR) continue;
    return got < 0 ? 0 : static_cast<std::size_t>(got);
  }
}

// Relays bytes until both sides have ended.
void RelayBothWays(int left, int right) {
  std::array<pollfd, 2> sides{{{left, POLLIN, 0}, {right, POLLIN, 0}}};
  std::array<char, 65536> buffer;
  while (sides[0].fd >= 0 || sides[1].fd >= 0) {
    if (poll(sides.data(), sides.size(), -1) < 0 && errno != EINTR) return;
    for (std::size_t i = 0; i < sides.size(); ++i) {
      if (sides[i].fd < 0 || sides[i].revents == 0) continue;
      const int other = i == 0 ? right : left;
      const std::size_t got = ReceiveSome(sides[i].fd, buffer.data(), buffer.size());
      if (got > 0 && SendAll(other, {buffer.data(), got})) continue;
      shutdown(other, SHUT_WR);
      sides[i].fd = -1;
    }
  }
}

}  // namespace

std::size_t ServedConnection::Receive(char* buffer, std::size_t size) const {
  return ReceiveSome(fd_, buffer, size);
}

bool ServedConnection::Send(std::string_view bytes) const { return SendAll(fd_, bytes); }

bool ServedConnection::Wait(std::chrono::milliseconds time) const {
  pollfd waiting{fd_, POLLRDHUP, 0};
  int ready = -1;
  do {
    ready = poll(&waiting, 1, static_cast<int>(time.count()));
  } while (ready < 0 && errno == EINTR);
  return ready == 0;
}

void ServedConnection::Reset() const {
  const linger at_once{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

SocketServer::SocketServer(Serve serve, bool ipv6, int port)
    : serve_(std::move(serve)),
      listening_(ListeningSocket(ipv6, port, SOMAXCONN)),
      port_(PortOf(listening_.get())),
      acceptor_([this] { Accept(); }) {}

SocketServer::~SocketServer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    shutdown(listening_.get(), SHUT_RDWR);
    for (const auto& [number, open] : open_) {
      for (const int fd : open.fds) shutdown(fd, SHUT_RDWR);
    }
  }
  acceptor_.join();
  std::unique_lock lock(mutex_);
  ended_one_.wait(lock, [this] { return open_.empty(); });
  for (std::thread& thread : ended_) thread.join();
}

std::size_t SocketServer::connections() const {
  const std::lock_guard lock(mutex_);
  return accepted_;
}

std::size_t SocketServer::open_connections() const {
  const std::lock_guard lock(mutex_);
  return open_.size();
}

void SocketServer::Accept() {
  // OpenSSL writes without MSG_NOSIGNAL. The threads of the connections inherit this.
  sigset_t pipe_signal;
  sigemptyset(&pipe_signal);
  sigaddset(&pipe_signal, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe_signal, nullptr);
  while (true) {
    Address peer;
    const int fd = accept4(listening_.get(), peer.get(), &peer.size, SOCK_CLOEXEC);
    std::vector<std::thread> ended;
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) {
        if (fd >= 0) close(fd);
        return;
      }
      ended.swap(ended_);
    }
    for (std::thread& thread : ended) thread.join();
    if (fd >= 0) {
      Start(fd, peer.Text());
    } else {
      std::this_thread::yield();  // no free descriptors, or the client has disconnected
    }
  }
}

void SocketServer::Start(int fd, std::string peer) {
  SetOption(fd, IPPROTO_TCP, TCP_NODELAY);
  const std::lock_guard lock(mutex_);
  if (stopping_) {
    close(fd);
    return;
  }
  const std::size_t number = accepted_++;
  Open& open = open_[number];
  open.fds = {fd};
  open.thread = std::thread([this, connection = ServedConnection(fd, number, std::move(peer))] {
    serve_(connection);
    const std::lock_guard ending(mutex_);
    const auto found = open_.find(connection.number());
    for (const int open_fd : found->second.fds) close(open_fd);
    ended_.push_back(std::move(found->second.thread));
    open_.erase(found);
    ended_one_.notify_all();
  });
}

bool SocketServer::Relay(const ServedConnection& connection, int port, bool ipv6,
                         std::string_view first, std::string_view established) {
  const int other = NewSocket(ipv6);
  {
    const std::lock_guard lock(mutex_);
    open_.at(connection.number()).fds.push_back(other);
    if (stopping_) return true;
  }
  Address address(port, ipv6);
  if (connect(other, address.get(), address.size) != 0) return false;
  {
    // A shutdown before the connection was established had no effect.
    const std::lock_guard lock(mutex_);
    if (stopping_) return true;
  }
  SetOption(other, IPPROTO_TCP, TCP_NODELAY);
  if (!SendAll(connection.fd(), established) || !SendAll(other, first)) return true;
  RelayBothWays(connection.fd(), other);
  return true;
}

TcpServer::TcpServer(Handler handler, bool ipv6, int port)
    : handler_(std::move(handler)),
      server_([this](const ServedConnection& connection) { Serve(connection); }, ipv6, port) {}

std::vector<std::string> TcpServer::Received() const {
  const std::lock_guard lock(mutex_);
  return received_;
}

void TcpServer::Serve(const ServedConnection& connection) {
  std::string received;
  std::array<char, 65536> buffer;
  while (const std::size_t got = connection.Receive(buffer.data(), buffer.size())) {
    received.append(buffer.data(), got);
    const std::optional<TcpReply> reply = handler_(received);
    if (!reply) continue;
    {
      const std::lock_guard lock(mutex_);
      received_.push_back(received);
    }
    connection.Send(reply->bytes);
    if (reply->reset) connection.Reset();
    return;
  }
}

ClosedPort::ClosedPort() : socket_(NewSocket(false)) {
  Bind(socket_.get(), false, 0);
  port_ = PortOf(socket_.get());
}

BlackHole::BlackHole(bool ipv6, int port)
    : listening_(ListeningSocket(ipv6, port, 0)),
      port_(PortOf(listening_.get())),
      filler_(NewSocket(ipv6)) {
  Address address(port_, ipv6);
  Check(connect(filler_.get(), address.get(), address.size) == 0, "fill the backlog");
  // The connection is in the queue when the socket is readable.
  pollfd queued{listening_.get(), POLLIN, 0};
  Check(poll(&queued, 1, -1) == 1, "fill the backlog");
}

}  // namespace backup_exporter
