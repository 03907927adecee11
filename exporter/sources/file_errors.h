// Errors of the files of one source: counters for metrics, and messages for the log.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace backup_exporter {

struct FileErrors {
  std::uint64_t missing = 0, permission = 0, truncated = 0, too_large = 0, io = 0;
  // Messages that were not logged yet. Those about recoveries are included, but not counted above.
  std::vector<std::string> messages;

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
    messages.push_back(error.message);
  }
  void AddMissing(std::string message) { ++missing, messages.push_back(std::move(message)); }
  void AddTruncated(std::string message) { ++truncated, messages.push_back(std::move(message)); }
  void AddTooLarge(std::string message) { ++too_large, messages.push_back(std::move(message)); }
  void NoteReadableAgain(const std::string& path) {
    messages.push_back(path + ": can be read again");
  }
};

}  // namespace backup_exporter
