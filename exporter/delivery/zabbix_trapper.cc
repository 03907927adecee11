#include "delivery/zabbix_trapper.h"

#include <zlib.h>

#include <algorithm>
#include <charconv>

#include "base/json.h"

namespace backup_exporter {
namespace {

constexpr std::string_view kMagic = "ZBXD";
constexpr unsigned char kProtocol = 0x01;
constexpr unsigned char kCompressed = 0x02;
constexpr unsigned char kLarge = 0x04;            // lengths of 8 bytes instead of 4
constexpr std::uint64_t kMostText = 1024 * 1024;  // bytes of an answer; a real one is one line

struct Header {
  bool compressed = false;
  std::size_t size = 0;        // bytes of the header
  std::uint64_t data = 0;      // bytes after the header
  std::uint64_t unpacked = 0;  // bytes of the data without compression
};

// Little-endian.
std::uint64_t Number(std::string_view bytes) {
  std::uint64_t number = 0;
  for (std::size_t i = bytes.size(); i > 0; --i) {
    number = number << 8 | static_cast<unsigned char>(bytes[i - 1]);
  }
  return number;
}

// Whether the bytes can be the beginning of a packet.
bool Begins(std::string_view bytes) {
  const std::size_t compared = std::min(bytes.size(), kMagic.size());
  if (bytes.substr(0, compared) != kMagic.substr(0, compared)) return false;
  if (bytes.size() <= kMagic.size()) return true;
  const auto flags = static_cast<unsigned char>(bytes[kMagic.size()]);
  return (flags & kProtocol) != 0 && (flags & ~(kProtocol | kCompressed | kLarge)) == 0;
}

std::optional<Header> ReadHeader(std::string_view bytes) {
  const std::size_t flags_end = kMagic.size() + 1;
  if (!Begins(bytes) || bytes.size() < flags_end) return std::nullopt;
  const auto flags = static_cast<unsigned char>(bytes[kMagic.size()]);
  const std::size_t width = (flags & kLarge) != 0 ? 8 : 4;
  Header header{.compressed = (flags & kCompressed) != 0, .size = flags_end + 2 * width};
  if (bytes.size() < header.size) return std::nullopt;
  header.data = Number(bytes.substr(flags_end, width));
  header.unpacked = Number(bytes.substr(flags_end + width, width));
  return header;
}

// The number of failed values in "processed: 1; failed: 2; total: 3; …"; 0 if there is none.
std::uint64_t FailedOf(std::string_view info) {
  constexpr std::string_view kName = "failed: ";
  const std::size_t at = info.find(kName);
  if (at == info.npos) return 0;
  info.remove_prefix(at + kName.size());
  std::uint64_t count = 0;
  std::from_chars(info.data(), info.data() + info.size(), count);
  return count;
}

}  // namespace

std::string TrapperPacket(std::string_view payload) {
  std::string packet(kMagic);
  packet += static_cast<char>(kProtocol);
  for (int shift = 0; shift < 32; shift += 8) {
    packet += static_cast<char>(payload.size() >> shift & 0xFF);
  }
  packet.append(4, '\0');
  return packet.append(payload);
}

bool IsCompleteTrapperPacket(std::string_view bytes) {
  if (!Begins(bytes)) return true;
  const auto header = ReadHeader(bytes);
  return header && bytes.size() - header->size >= header->data;
}

std::optional<std::string> TrapperPayload(std::string_view bytes) {
  const auto header = ReadHeader(bytes);
  if (!header || bytes.size() - header->size < header->data) return std::nullopt;
  const std::string_view data = bytes.substr(header->size, header->data);
  if (!header->compressed) return std::string(data);
  if (header->unpacked > kMostText) return std::nullopt;
  std::string payload(header->unpacked, '\0');
  uLongf size = payload.size();
  const int status = uncompress(reinterpret_cast<Bytef*>(payload.data()), &size,
                                reinterpret_cast<const Bytef*>(data.data()), data.size());
  if (status != Z_OK || size != payload.size()) return std::nullopt;
  return payload;
}

std::optional<TrapperAnswer> ParseTrapperAnswer(std::string_view payload) {
  const Json json = ParseJson(payload).value_or(Json());
  const auto member = [&](const char* key) {
    const bool is_text = json.is_object() && json.contains(key) && json[key].is_string();
    return is_text ? json[key].get<std::string>() : "";
  };
  const std::string response = member("response");
  if (response.empty()) return std::nullopt;
  TrapperAnswer answer{.success = response == "success", .info = member("info")};
  answer.failed = FailedOf(answer.info);
  return answer;
}

}  // namespace backup_exporter
