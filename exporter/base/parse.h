// Parsing the parts of short texts that people write: numbers, lists, words in any case.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace backup_exporter {

// The texts between separators: one more than there are separators, some of them perhaps empty.
[[nodiscard]] inline std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t at = 0; (at = text.find(separator)) != text.npos; text.remove_prefix(at + 1)) {
    parts.push_back(text.substr(0, at));
  }
  parts.push_back(text);
  return parts;
}

// The texts between runs of blanks and tabs; none of them is empty.
[[nodiscard]] inline std::vector<std::string_view> SplitAtBlanks(std::string_view text) {
  std::vector<std::string_view> words;
  for (std::size_t end = 0;; text.remove_prefix(end)) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
    if (text.empty()) return words;
    end = std::min(text.find_first_of(" \t"), text.size());
    words.push_back(text.substr(0, end));
  }
}

// A decimal number with or without a leading "-". nullopt for any other text and for a number that
// does not fit.
[[nodiscard]] inline std::optional<std::int64_t> ParseInteger(std::string_view text) {
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

// A number of one to nine decimal digits and nothing else.
[[nodiscard]] inline std::optional<int> WholeNumber(std::string_view text) {
  const auto number = ParseInteger(text);
  if (!number || text.size() > 9 || text.front() == '-') return std::nullopt;
  return static_cast<int>(*number);
}

// `text` with the ASCII letters in lower case; all other bytes stay.
[[nodiscard]] inline std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& letter : lower) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  return lower;
}

}  // namespace backup_exporter
