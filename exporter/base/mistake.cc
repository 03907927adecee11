#include "base/mistake.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace backup_exporter {

std::string Describe(const Mistake& mistake) {
  std::string place = mistake.file;
  if (mistake.line > 0) place += ":" + std::to_string(mistake.line);
  if (mistake.column > 0) place += ":" + std::to_string(mistake.column);
  return place + ": " + mistake.text;
}

bool IsControl(std::string_view text, std::size_t i) {
  const auto byte = static_cast<unsigned char>(text[i]);
  return byte < 0x20 || byte == 0x7F ||
         (byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0);
}

std::string Quoted(std::string_view text) {
  constexpr std::size_t kLongest = 100;
  const auto is_inside = [&](std::size_t i) { return i < text.size() && (text[i] & 0xC0) == 0x80; };
  std::string shown = "`";
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i >= kLongest && !is_inside(i)) {
      shown += "…";
      break;
    }
    shown += IsControl(text, i) ? '?' : text[i];
    if (IsControl(text, i) && is_inside(i + 1)) ++i;
  }
  return shown + "`";
}

void Mistakes::Add(Place place, std::string text) {
  all_.push_back({file_, place.line, place.column, std::move(text)});
}

std::vector<Mistake> Mistakes::Sorted() const {
  std::vector<Mistake> sorted = all_;
  std::ranges::stable_sort(
      sorted, {}, [](const Mistake& mistake) { return std::tie(mistake.line, mistake.column); });
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  return sorted;
}

}  // namespace backup_exporter
