// Addresses to listen on: parsing and name lookup.
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
  bool both = false;  // listens on IPv4 and IPv6 with one socket

  // The syntax of civetweb's option listening_ports.
  [[nodiscard]] std::string ForCivetweb() const;
};

// Parses "host:port", ":port" or "[::1]:port". No host, like [::], means all addresses of IPv4 and,
// if `ipv6` is true, of IPv6. Names are looked up. Errors: kInvalid if the syntax is wrong,
// kRefused if the name is unknown.
[[nodiscard]] Result<ListenAddress> ParseListenAddress(const std::string& text, bool ipv6);

// Listens on all addresses for a moment. Error: kRefused, with the first address that fails and the
// reason.
[[nodiscard]] Result<void> TryToListen(std::span<const ListenAddress> addresses);

[[nodiscard]] bool SystemHasIpv6();

}  // namespace backup_exporter
