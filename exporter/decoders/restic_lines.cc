#include "decoders/restic_lines.h"

#include <array>

namespace backup_exporter {
namespace {

// Bytes that stand for themselves in a JSON string: printable ASCII without quote and backslash.
constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> plain{};
  for (int c = 0x20; c < 0x7F; ++c) plain[static_cast<std::size_t>(c)] = c != '"' && c != '\\';
  return plain;
}();

// Reads a line from left to right. Each call returns whether the expected text followed, and does
// not advance if it did not.
class Scanner {
 public:
  explicit Scanner(std::string_view line) : rest_(line) {}

  bool Literal(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }

  // Up to 19 digits without leading zeros, enough for any figure of a real run.
  bool Digits(std::uint64_t* value) {
    std::size_t count = 0;
    std::uint64_t sum = 0;
    for (; count < rest_.size() && rest_[count] >= '0' && rest_[count] <= '9'; ++count) {
      if (count == 19) return false;
      sum = sum * 10 + static_cast<std::uint64_t>(rest_[count] - '0');
    }
    if (count == 0 || (count > 1 && rest_[0] == '0')) return false;
    rest_.remove_prefix(count);
    *value = sum;
    return true;
  }

  bool Fraction() {
    std::uint64_t ignored = 0;
    if (!Digits(&ignored)) return false;
    if (!Literal(".")) return true;
    std::size_t count = 0;
    while (count < rest_.size() && rest_[count] >= '0' && rest_[count] <= '9') ++count;
    rest_.remove_prefix(count);
    return count > 0;
  }

  bool String() {
    if (!Literal("\"")) return false;
    std::size_t count = 0;
    while (count < rest_.size() && kPlain[static_cast<unsigned char>(rest_[count])]) ++count;
    rest_.remove_prefix(count);
    return Literal("\"");
  }

  // `,"key":digits`, which may be absent; false if the key is there without a number.
  bool Optional(std::string_view key, std::uint64_t* value) {
    return !Literal(key) || Digits(value);
  }

  [[nodiscard]] bool AtEnd() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

}  // namespace

std::optional<ResticProgress> ScanStatusLine(std::string_view line) {
  Scanner scan(line);
  ResticProgress progress;
  std::uint64_t ignored = 0;
  bool of_backup = false;
  // The encoder leaves out zeros, so any of these members proves that the line is of a backup.
  const auto of_backup_only = [&](std::string_view key, std::uint64_t* value) {
    if (!scan.Literal(key)) return true;
    of_backup = true;
    return scan.Digits(value);
  };
  if (!scan.Literal(R"({"message_type":"status")") ||
      !scan.Optional(R"(,"seconds_elapsed":)", &progress.seconds_elapsed) ||
      !of_backup_only(R"(,"seconds_remaining":)", &ignored) ||
      !scan.Literal(R"(,"percent_done":)") || !scan.Fraction() ||
      !scan.Optional(R"(,"total_files":)", &ignored) ||
      !of_backup_only(R"(,"files_done":)", &progress.files_done) ||
      !scan.Optional(R"(,"total_bytes":)", &progress.total_bytes) ||
      !of_backup_only(R"(,"bytes_done":)", &progress.bytes_done) ||
      !of_backup_only(R"(,"error_count":)", &progress.error_count)) {
    return std::nullopt;
  }
  if (scan.Literal(R"(,"current_files":[)")) {
    of_backup = true;
    do {
      if (!scan.String()) return std::nullopt;
    } while (scan.Literal(","));
    if (!scan.Literal("]")) return std::nullopt;
  }
  if (!scan.Literal("}") || !scan.AtEnd() || !of_backup) return std::nullopt;
  return progress;
}

bool IsVerboseLine(std::string_view line) {
  Scanner scan(line);
  std::uint64_t ignored = 0;
  return scan.Literal(R"({"message_type":"verbose_status","action":")") &&
         (scan.Literal("new") || scan.Literal("unchanged") || scan.Literal("modified")) &&
         scan.Literal(R"(","item":)") && scan.String() && scan.Literal(R"(,"duration":)") &&
         scan.Fraction() && scan.Literal(R"(,"data_size":)") && scan.Digits(&ignored) &&
         scan.Optional(R"(,"data_size_in_repo":)", &ignored) &&
         scan.Literal(R"(,"metadata_size":)") && scan.Digits(&ignored) &&
         scan.Optional(R"(,"metadata_size_in_repo":)", &ignored) &&
         scan.Literal(R"(,"total_files":)") && scan.Digits(&ignored) && scan.Literal("}") &&
         scan.AtEnd();
}

}  // namespace backup_exporter
