// Errors in files that people write, with their positions. Errors are collected, so that the user
// sees all of them at once.
//
// A ConfigError is for text with a position. Result's Error is for an operation that failed.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace backup_exporter {

// A position in a text file. Lines and columns count from 1, columns in bytes. 0: not known.
struct TextPosition {
  int line = 0;
  int column = 0;
};

struct ConfigError {
  std::string file;
  int line = 0;
  int column = 0;
  std::string text;

  bool operator==(const ConfigError&) const = default;
};

// "FILE:LINE:COLUMN: text", without the numbers that are 0.
[[nodiscard]] std::string Describe(const ConfigError& error);

// The errors found in one file.
class ConfigErrors {
 public:
  explicit ConfigErrors(std::string file) : file_(std::move(file)) {}

  void Add(TextPosition position, std::string text);
  [[nodiscard]] bool empty() const { return all_.empty(); }
  // In the order of the file, without duplicates: text behind a YAML alias is read more than once.
  [[nodiscard]] std::vector<ConfigError> Sorted() const;

 private:
  std::string file_;
  std::vector<ConfigError> all_;
};

}  // namespace backup_exporter
