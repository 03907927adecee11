// Starts real programs in tests and kills them at the end of the test.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

namespace backup_exporter {

struct ProcessOptions {
  std::vector<std::string> environment;  // NAME=value, added to the test's environment
  std::string output;                    // file to append standard output to; empty: discard it
  std::string errors;  // the same for standard error; "&1": the same file as standard output
  int input = -1;      // file descriptor for standard input; -1: none
  unsigned user = 0;   // user to run as, if the test runs as root; 0: the test's user
};

class Process {
 public:
  Process(std::vector<std::string> command, ProcessOptions options);
  ~Process();  // kills the program if it is still running
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // Waits for the end. Returns the exit code, or 128 + the signal that killed the program.
  int Wait();
  void Signal(int number) const;
  [[nodiscard]] bool Running();
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  int status_ = -1;  // once it ended
};

// Runs a command and waits for its end; returns as Wait does.
int RunProcess(std::vector<std::string> command, const ProcessOptions& options = {});
// Runs a command and returns its standard output; fails the test unless the exit code is 0.
std::string OutputOf(std::vector<std::string> command, const ProcessOptions& options = {});

// Polls until the condition is true; returns false after 30 s. For what other processes do in their
// own time.
[[nodiscard]] bool Eventually(const std::function<bool()>& condition);

[[nodiscard]] std::string ReadText(const std::string& path);

// The kilobytes in a line of /proc/PID/status, such as VmRSS or VmHWM, the peak of VmRSS.
[[nodiscard]] std::size_t Kilobytes(pid_t process, const std::string& what);
[[nodiscard]] std::size_t OpenFiles(pid_t process);

}  // namespace backup_exporter
