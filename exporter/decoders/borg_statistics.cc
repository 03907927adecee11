#include "decoders/borg_statistics.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <vector>

#include "decoders/saved_state.h"

namespace backup_exporter {
namespace {

std::string_view Trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// Parses "Sat, 2026-11-21 00:13:06". The day is in the user's language; 2.0 appends " +0100".
std::optional<Time> ParseStamp(std::string_view text, const LocalClock& clock) {
  const std::size_t comma = text.rfind(", ");
  if (comma != std::string_view::npos) text.remove_prefix(comma + 2);
  text = Trimmed(text);
  const std::size_t zone = text.find_last_of("+-");
  if (zone == std::string_view::npos || zone < 11 || zone + 5 != text.size()) {
    return clock.Parse(text);
  }
  std::string exact(Trimmed(text.substr(0, zone)));
  std::ranges::replace(exact, ' ', 'T');
  exact.append(text.substr(zone, 3)).append(":").append(text.substr(zone + 3));
  return clock.Parse(exact);
}

// Parses "600.56 kB" and "508 B", and with --iec "1.95 KiB".
std::optional<std::uint64_t> ParseSize(std::string_view number, std::string_view unit) {
  constexpr std::array<std::string_view, 7> kUnits{"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  constexpr std::array<std::string_view, 7> kBinary{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double value = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (error != std::errc() || end != number.data() + number.size() || value < 0)
    return std::nullopt;
  for (std::size_t i = 0; i < kUnits.size(); ++i) {
    const auto power = static_cast<double>(i);
    if (unit == kUnits[i]) value *= std::pow(1000.0, power);
    if (unit != kUnits[i] && unit == kBinary[i]) value *= std::pow(1024.0, power);
    if (unit == kUnits[i] || unit == kBinary[i]) {
      return static_cast<std::uint64_t>(std::llround(value));
    }
  }
  return std::nullopt;
}

std::vector<std::uint64_t> ParseSizes(std::string_view text) {
  std::vector<std::uint64_t> sizes;
  for (text = Trimmed(text); !text.empty(); text = Trimmed(text)) {
    const std::size_t gap = text.find(' ');
    if (gap == std::string_view::npos) break;
    const std::string_view number = text.substr(0, gap);
    text = Trimmed(text.substr(gap));
    const std::size_t end = std::min(text.find(' '), text.size());
    const auto size = ParseSize(number, text.substr(0, end));
    if (!size) break;
    sizes.push_back(*size);
    text.remove_prefix(end);
  }
  return sizes;
}

}  // namespace

BorgStatistics::Line BorgStatistics::Parse(std::string_view line, const LocalClock& clock) {
  const auto value_of = [line](std::string_view head) {
    return line.starts_with(head) ? std::optional(Trimmed(line.substr(head.size()))) : std::nullopt;
  };
  if (const auto id = value_of("Archive fingerprint: ")) {
    *this = {};
    id_ = *id;
    return Line::kPart;
  }
  if (id_.empty()) return Line::kOther;
  if (const auto start = value_of("Time (start): ")) {
    start_ = ParseStamp(*start, clock);
    return Line::kPart;
  }
  if (const auto end = value_of("Time (end): ")) {
    end_ = ParseStamp(*end, clock);
    return Line::kTimes;
  }
  if (const auto files = value_of("Number of files: ")) {
    std::uint64_t count = 0;
    const auto [end, error] = std::from_chars(files->data(), files->data() + files->size(), count);
    if (error == std::errc()) figures_.processed_files = count;
    return Line::kPart;
  }
  if (const auto text = value_of("This archive: ")) {
    const auto sizes = ParseSizes(*text);
    if (!sizes.empty()) figures_.processed_bytes = sizes[0];
    if (sizes.size() == 3) figures_.added_bytes = figures_.added_stored_bytes = sizes[2];
    return Line::kSizes;
  }
  const bool part = line.starts_with("Archive name: ") || line.starts_with("Repository: ") ||
                    line.starts_with("Duration: ") || line.starts_with("All archives: ") ||
                    line.starts_with("Utilization of ") || line.starts_with("Chunk index: ") ||
                    line.starts_with("-----");
  return part ? Line::kPart : Line::kOther;
}

bool BorgStatistics::IsRow(std::string_view line) {
  constexpr std::array<std::string_view, 15> kHeads{
      "-----",          "Archive name: ",    "Archive fingerprint: ",
      "Repository: ",   "Time (start): ",    "Time (end): ",
      "Duration: ",     "Number of files: ", "This archive: ",
      "All archives: ", "Deleted data: ",    "Chunk index: ",
      "Original size",  "Utilization of ",   "Unique chunks"};
  const std::string_view text = Trimmed(line);
  return std::ranges::any_of(kHeads,
                             [text](std::string_view head) { return text.starts_with(head); });
}

Json BorgStatistics::Save() const {
  StateWriter saved;
  saved.Add("id", id_);
  saved.Add("start", start_);
  saved.Add("end", end_);
  saved.Add("files", figures_.processed_files);
  saved.Add("processed", figures_.processed_bytes);
  saved.Add("added", figures_.added_bytes);
  return saved.Take();
}

void BorgStatistics::Restore(const Json* saved) {
  *this = {};
  if (saved == nullptr) return;
  StateReader reader(*saved);
  id_ = reader.Text("id");
  start_ = reader.Instant("start");
  end_ = reader.Instant("end");
  figures_.processed_files = reader.Count("files");
  figures_.processed_bytes = reader.Count("processed");
  figures_.added_bytes = figures_.added_stored_bytes = reader.Count("added");
}

}  // namespace backup_exporter
