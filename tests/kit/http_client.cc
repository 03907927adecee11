#include "kit/http_client.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <utility>

namespace backup_exporter {
namespace {

constexpr std::chrono::seconds kDeadline{20};

// Waits until the socket is ready; false if the time is over first.
bool WaitFor(int fd, short events, std::chrono::milliseconds time) {
  pollfd waiting{fd, events, 0};
  return poll(&waiting, 1, static_cast<int>(time.count())) > 0;
}

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return lower;
}

std::string JoinChunks(std::string_view bytes) {
  std::string all;
  while (true) {
    std::size_t size = 0;
    std::from_chars(bytes.data(), bytes.data() + bytes.size(), size, 16);
    const std::size_t line_end = bytes.find("\r\n");
    if (size == 0 || line_end == std::string_view::npos) return all;
    bytes.remove_prefix(line_end + 2);
    all += bytes.substr(0, size);
    bytes.remove_prefix(std::min(size + 2, bytes.size()));
  }
}

// The request line and the headers that every request has.
std::string RequestHead(std::string_view method, std::string_view path, std::string_view headers) {
  std::string head(method);
  head += ' ';
  head += path;
  head += " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
  head += headers;
  return head;
}

}  // namespace

Connection::Connection(int port, const std::string& address) : fd_(-1) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return;
  fd_ = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd_ >= 0 && connect(fd_, found->ai_addr, found->ai_addrlen) != 0) {
    close(fd_);
    fd_ = -1;
  }
  freeaddrinfo(found);
}

Connection::~Connection() {
  if (fd_ >= 0) close(fd_);
}

Connection::Connection(Connection&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

void Connection::Send(std::string_view bytes) const {
  while (!bytes.empty() && WaitFor(fd_, POLLOUT, kDeadline)) {
    const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

std::string Connection::ReadToEnd() const {
  std::string all;
  std::array<char, 65536> buffer{};
  while (WaitFor(fd_, POLLIN, kDeadline)) {
    const ssize_t got = recv(fd_, buffer.data(), buffer.size(), 0);
    if (got <= 0) break;
    all.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return all;
}

bool Connection::ClosedWithin(std::chrono::milliseconds time) const {
  const auto deadline = std::chrono::steady_clock::now() + time;
  std::array<char, 65536> buffer{};
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0 || !WaitFor(fd_, POLLIN, left)) return false;
    if (recv(fd_, buffer.data(), buffer.size(), 0) <= 0) return true;
  }
}

HttpReply ParseReply(std::string_view bytes) {
  HttpReply reply;
  const std::size_t head_end = bytes.find("\r\n\r\n");
  if (!bytes.starts_with("HTTP/1.1 ") || head_end == std::string_view::npos) return reply;
  reply.body = bytes.substr(head_end + 4);
  std::string_view head = bytes.substr(0, head_end + 2);
  std::from_chars(head.data() + 9, head.data() + 12, reply.status);
  head.remove_prefix(head.find("\r\n") + 2);
  while (!head.empty()) {
    const std::string_view line = head.substr(0, head.find("\r\n"));
    head.remove_prefix(line.size() + 2);
    const std::size_t colon = line.find(": ");
    if (colon == std::string_view::npos) return {};
    reply.headers.emplace(LowerCase(line.substr(0, colon)), line.substr(colon + 2));
  }
  const auto coding = reply.headers.find("transfer-encoding");
  if (coding != reply.headers.end() && coding->second == "chunked") {
    reply.body = JoinChunks(reply.body);
  }
  return reply;
}

int FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof address;
  const bool bound = bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  close(fd);
  return bound ? ntohs(address.sin_port) : 0;
}

std::string Exchange(int port, std::string_view request) {
  const Connection connection(port);
  if (!connection.open()) return "";
  connection.Send(request);
  return connection.ReadToEnd();
}

HttpReply Fetch(int port, std::string_view method, std::string_view path,
                std::string_view headers) {
  return ParseReply(Exchange(port, RequestHead(method, path, headers) + "\r\n"));
}

HttpReply Get(int port, std::string_view path, std::string_view headers) {
  return Fetch(port, "GET", path, headers);
}

HttpReply Post(int port, std::string_view path, std::string_view body, std::string_view headers) {
  std::string request = RequestHead("POST", path, headers);
  request += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  request += body;
  return ParseReply(Exchange(port, request));
}

}  // namespace backup_exporter
