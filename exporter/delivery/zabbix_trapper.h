// Zabbix's sender protocol (8.0, concepts/sender/sender_protocol and
// appendix/protocols/header_datalen), as zabbix_sender uses it with a server or a proxy: one packet
// in each direction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace backup_exporter {

// A packet with this payload: "ZBXD", flags, lengths and the payload.
[[nodiscard]] std::string TrapperPacket(std::string_view payload);
// Whether these bytes are a complete packet, or cannot become one.
[[nodiscard]] bool IsCompleteTrapperPacket(std::string_view bytes);
// The payload of a packet; nullopt if the bytes are not a complete packet.
[[nodiscard]] std::optional<std::string> TrapperPayload(std::string_view bytes);

// The answer of a server or a proxy to a packet of values.
struct TrapperAnswer {
  bool success = false;
  std::string info;          // its message: "processed: 1; failed: 0; …"
  std::uint64_t failed = 0;  // number of failed values in the message; 0 if it has none
};
// nullopt: the payload is not such an answer.
[[nodiscard]] std::optional<TrapperAnswer> ParseTrapperAnswer(std::string_view payload);

}  // namespace backup_exporter
