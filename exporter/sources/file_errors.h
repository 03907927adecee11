// What goes wrong with the files of a source: counted for metrics and told to the user in one go.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace backup_exporter {

struct FileErrors {
  std::uint64_t missing = 0, permission = 0, truncated = 0, too_large = 0, io = 0;
  std::vector<std::string> sentences;

  void Add(const Error& error) {
    switch (error.kind) {
      case ErrorKind::kNotFound:
        ++missing;
        break;
      case ErrorKind::kRefused:
        ++permission;
        break;
      case ErrorKind::kInvalid:
      case ErrorKind::kIo:
      case ErrorKind::kTemporary:
        ++io;
        break;
    }
    sentences.push_back(error.message);
  }
  void Missing(std::string sentence) { ++missing, sentences.push_back(std::move(sentence)); }
  void Truncated(std::string sentence) { ++truncated, sentences.push_back(std::move(sentence)); }
  void TooLarge(std::string sentence) { ++too_large, sentences.push_back(std::move(sentence)); }
  void Over(const std::string& path) { sentences.push_back(path + ": can be read again"); }
};

}  // namespace backup_exporter
