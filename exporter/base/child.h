// Runs another program to its end, with a time limit and without a shell.
#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace backup_exporter {

struct ChildRequest {
  std::vector<std::string> command;      // the program, searched for in PATH, and its arguments
  std::vector<std::string> environment;  // NAME=value, added to the exporter's own environment
  std::string input;                     // the program's standard input
  // For a program that reads a secret from a file: the content of that file. Its path replaces the
  // argument "{file}". The file is in memory, readable by the program only, and gone afterwards.
  std::string secret_file;
  bool without_errors = false;              // standard error is discarded
  std::chrono::milliseconds limit{30'000};  // for the whole run
};

struct ChildAnswer {
  std::optional<int> exit_code;  // nullopt: not started, ended by a signal, timed out or stopped
  bool timed_out = false;
  bool stopped = false;  // `stop` became true
  std::string output;    // standard output and error, at most the first 64 KiB
  std::string error;     // for people; only without an exit code
};

// Waits for the program. When the limit has passed or `stop` becomes true, the program and its
// whole process group are killed. Background processes that outlive the program are neither waited
// for nor killed, and their later output is not read. The program starts with default signal
// handling and without the exporter's file descriptors. Thread-safe.
[[nodiscard]] ChildAnswer RunChild(const ChildRequest& request, const std::atomic<bool>& stop);

}  // namespace backup_exporter
