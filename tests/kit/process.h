// Real programs, started by tests and ended with them.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

namespace backup_exporter {

struct ProcessOptions {
  std::vector<std::string> environment;  // NAME=value, besides the test's own
  std::string output;  // file that standard output is appended to; empty: thrown away
  std::string errors;  // the same for standard error; "&1": where standard output goes
  int input = -1;      // file descriptor for standard input; -1: none
  unsigned user = 0;   // to run as, where the test runs as root; 0: as the test
};

class Process {
 public:
  Process(std::vector<std::string> command, ProcessOptions options);
  ~Process();  // kills it if it still runs
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // Waits for the end: its exit code, or 128 + the signal that ended it.
  int Wait();
  void Signal(int number) const;
  [[nodiscard]] bool Running();
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  int status_ = -1;  // once it ended
};

// Runs a command to its end.
int RunProcess(std::vector<std::string> command, const ProcessOptions& options = {});
// What a command printed on standard output; fails the test unless it ended with 0.
std::string OutputOf(std::vector<std::string> command, const ProcessOptions& options = {});

// Asks again and again until the answer is yes; fails after half a minute. For things that other
// processes do in their own time.
[[nodiscard]] bool Eventually(const std::function<bool()>& condition);

[[nodiscard]] std::string ReadText(const std::string& path);

// Kilobytes that a line of /proc/PID/status tells of: VmRSS, VmHWM (the most that it ever was).
[[nodiscard]] std::size_t Kilobytes(pid_t process, const std::string& what);
[[nodiscard]] std::size_t OpenFiles(pid_t process);

}  // namespace backup_exporter
