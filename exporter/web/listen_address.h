// Addresses to listen on, as they are configured and as numbers.
#pragma once

#include <sys/socket.h>

#include <span>
#include <string>

#include "base/result.h"

namespace backup_exporter {

struct ListenAddress {
  std::string text;  // as configured
  sockaddr_storage socket{};
  socklen_t length = 0;
  bool both = false;  // IPv4 and IPv6 over one socket

  // As civetweb's option listening_ports takes it.
  [[nodiscard]] std::string ForCivetweb() const;
};

// "host:port", ":port", "[::1]:port". No host means all addresses: of IPv4 and IPv6, where there is
// `ipv6`, which is also what [::] means. Names are looked up. kInvalid: no address; kRefused: the
// name is not known.
[[nodiscard]] Result<ListenAddress> ParseListenAddress(const std::string& text, bool ipv6);

// Listens on all of them for a moment. kRefused names the first that cannot be had, and why.
[[nodiscard]] Result<void> TryToListen(std::span<const ListenAddress> addresses);

[[nodiscard]] bool SystemHasIpv6();

}  // namespace backup_exporter
