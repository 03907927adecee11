// The parts of short expressions that people write.
#pragma once

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace backup_exporter {

// What stands between separators: one more than there are separators.
[[nodiscard]] inline std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t at = 0; (at = text.find(separator)) != text.npos; text.remove_prefix(at + 1)) {
    parts.push_back(text.substr(0, at));
  }
  parts.push_back(text);
  return parts;
}

// The same for words between blanks, of which there may be several.
[[nodiscard]] inline std::vector<std::string_view> SplitAtBlanks(std::string_view text) {
  std::vector<std::string_view> words;
  for (std::size_t end = 0;; text.remove_prefix(end)) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
    if (text.empty()) return words;
    end = std::min(text.find_first_of(" \t"), text.size());
    words.push_back(text.substr(0, end));
  }
}

// Of digits only, and at most nine.
[[nodiscard]] inline std::optional<int> WholeNumber(std::string_view text) {
  int number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (text.size() > 9 || error != std::errc() || stop != end || text.front() == '-') {
    return std::nullopt;
  }
  return number;
}

// ASCII letters only.
[[nodiscard]] inline std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& letter : lower) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  return lower;
}

}  // namespace backup_exporter
