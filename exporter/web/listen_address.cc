#include "web/listen_address.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace backup_exporter {
namespace {

const sockaddr* AsSockaddr(const sockaddr_storage& socket) {
  return reinterpret_cast<const sockaddr*>(&socket);
}

bool IsPort(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size();
}

// The text of an errno value, for use within a sentence.
std::string ErrorText(int error_number) {
  std::string reason = strerrordesc_np(error_number);
  reason[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(reason[0])));
  return reason;
}

// A socket that its destructor closes.
class Socket {
 public:
  explicit Socket(int family) : fd_(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&&) = delete;

  [[nodiscard]] bool open() const { return fd_ >= 0; }

  // On failure false, with errno set.
  bool Listen(const ListenAddress& address) const {
    const int on = 1;
    const int v6_only = address.both ? 0 : 1;
    setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    setsockopt(fd_, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof(v6_only));
    return bind(fd_, AsSockaddr(address.socket), address.length) == 0 && listen(fd_, 1) == 0;
  }

 private:
  int fd_;
};

}  // namespace

std::string ListenAddress::ForCivetweb() const {
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> port{};
  getnameinfo(AsSockaddr(socket), length, host.data(), host.size(), port.data(), port.size(),
              NI_NUMERICHOST | NI_NUMERICSERV);
  if (both) return fmt::format("+{}", port.data());
  if (socket.ss_family == AF_INET6) return fmt::format("[{}]:{}", host.data(), port.data());
  return fmt::format("{}:{}", host.data(), port.data());
}

Result<ListenAddress> ParseListenAddress(const std::string& text, bool ipv6) {
  const auto invalid = [&](std::string_view why) {
    return Fail(ErrorKind::kInvalid,
                fmt::format("web: listen address \"{}\": {}; write host:port or :port", text, why));
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return invalid("the port is missing");
  const std::string port = text.substr(colon + 1);
  if (!IsPort(port)) return invalid("the port is not a number from 0 to 65535");
  std::string host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    if (host.find(':') == std::string::npos) return invalid("only IPv6 addresses have brackets");
  } else if (host.find_first_of(":[]") != std::string::npos) {
    return invalid("an IPv6 address needs brackets");
  }

  const bool all = host.empty() || host == "::";
  if (all) host = ipv6 ? "::" : "0.0.0.0";
  addrinfo hints{};
  hints.ai_family = ipv6 ? AF_UNSPEC : AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(host.c_str(), port.c_str(), &hints, &found); error != 0) {
    return Fail(ErrorKind::kRefused,
                fmt::format("web: cannot listen on {}: {}", text,
                            error == EAI_SYSTEM ? ErrorText(errno) : gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, freeaddrinfo);
  // A name may have addresses of both families; more clients can reach IPv4.
  const addrinfo* chosen = found;
  while (chosen->ai_family != AF_INET && chosen->ai_next != nullptr) chosen = chosen->ai_next;
  if (chosen->ai_family != AF_INET) chosen = found;

  ListenAddress address{text, {}, chosen->ai_addrlen, all && ipv6};
  std::memcpy(&address.socket, chosen->ai_addr, chosen->ai_addrlen);
  return address;
}

Result<void> TryToListen(std::span<const ListenAddress> addresses) {
  std::vector<Socket> sockets;  // all stay open, so that an address given twice fails
  for (const ListenAddress& address : addresses) {
    const Socket& socket = sockets.emplace_back(address.socket.ss_family);
    if (!socket.open() || !socket.Listen(address)) {
      return Fail(ErrorKind::kRefused,
                  fmt::format("web: cannot listen on {}: {}", address.text, ErrorText(errno)));
    }
  }
  return {};
}

bool SystemHasIpv6() { return Socket(AF_INET6).open(); }

}  // namespace backup_exporter
