// A program run to its end, with a time limit. Not by a shell.
#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace backup_exporter {

struct ChildRequest {
  std::vector<std::string> command;      // the program, found on the PATH, and its arguments
  std::vector<std::string> environment;  // NAME=value, besides the exporter's own
  std::string input;                     // for its standard input
  // For a program that reads secrets from a file: the text of one that only we can read, whose path
  // takes the place of the argument "{file}". Gone when the program ends.
  std::string secret_file;
  bool without_errors = false;  // what it writes to standard error goes to nobody
  std::chrono::milliseconds limit{30'000};
};

struct ChildAnswer {
  std::optional<int> exit_code;  // nullopt: it did not run, was ended by a signal, or took too long
  bool timed_out = false;
  bool stopped = false;  // `stop` became true
  std::string output;    // of its streams, cut at 64 KiB
  std::string error;     // in words, without an exit code
};

// The program is ended, with all that it started in its process group, when its time is up or
// `stop` becomes true. What it leaves in the background when it ends by itself is not waited for,
// nor ended; what that writes later is read by nobody.
[[nodiscard]] ChildAnswer RunChild(const ChildRequest& request, const std::atomic<bool>& stop);

}  // namespace backup_exporter
