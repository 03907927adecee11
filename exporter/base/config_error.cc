#include "base/config_error.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace backup_exporter {

std::string Describe(const ConfigError& error) {
  std::string described = error.file;
  if (error.line > 0) described += ":" + std::to_string(error.line);
  if (error.column > 0) described += ":" + std::to_string(error.column);
  return described + ": " + error.text;
}

void ConfigErrors::Add(TextPosition position, std::string text) {
  all_.push_back({file_, position.line, position.column, std::move(text)});
}

std::vector<ConfigError> ConfigErrors::Sorted() const {
  std::vector<ConfigError> sorted = all_;
  std::ranges::stable_sort(
      sorted, {}, [](const ConfigError& error) { return std::tie(error.line, error.column); });
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  return sorted;
}

}  // namespace backup_exporter
