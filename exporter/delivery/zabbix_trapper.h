// Zabbix's sender protocol (8.0, concepts/sender/sender_protocol and
// appendix/protocols/header_datalen): what zabbix_sender speaks to a server or proxy, in one packet
// each way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace backup_exporter {

// "ZBXD", flags and lengths in front of `text`.
[[nodiscard]] std::string TrapperPacket(std::string_view text);
// Whether these bytes are a whole packet, or will never be one.
[[nodiscard]] bool IsWholeTrapperPacket(std::string_view bytes);
// What a packet holds; nullopt: it is none, or not whole.
[[nodiscard]] std::optional<std::string> TrapperText(std::string_view bytes);

// What a server or proxy answers to values.
struct TrapperAnswer {
  bool success = false;
  std::string info;          // its words
  std::uint64_t failed = 0;  // values, as the words count them; 0 where they do not
};
// nullopt: it is no such answer.
[[nodiscard]] std::optional<TrapperAnswer> ReadTrapperAnswer(std::string_view text);

}  // namespace backup_exporter
