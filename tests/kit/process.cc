#include "kit/process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

namespace backup_exporter {
namespace {

int OpenForAppend(const std::string& path) {
  return open(path.empty() ? "/dev/null" : path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
              0644);
}

int ExitCode(int status) {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

Process::Process(std::vector<std::string> command, ProcessOptions options) {
  std::vector<char*> arguments;
  for (std::string& argument : command) arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  pid_ = fork();
  if (pid_ != 0) return;
  const int output = OpenForAppend(options.output);
  const int errors = options.errors == "&1" ? output : OpenForAppend(options.errors);
  const int input = options.input >= 0 ? options.input : open("/dev/null", O_RDONLY);
  dup2(input, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(errors, STDERR_FILENO);
  for (std::string& variable : options.environment) putenv(variable.data());
  if (options.user != 0 && (setgid(options.user) != 0 || setuid(options.user) != 0)) _exit(126);
  execvp(arguments[0], arguments.data());
  _exit(127);
}

Process::~Process() {
  if (!Running()) return;
  Signal(SIGKILL);
  Wait();
}

int Process::Wait() {
  if (pid_ > 0) {
    while (waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
  }
  return ExitCode(status_);
}

void Process::Signal(int number) const {
  if (pid_ > 0) kill(pid_, number);
}

bool Process::Running() {
  if (pid_ > 0 && waitpid(pid_, &status_, WNOHANG) == pid_) pid_ = -1;
  return pid_ > 0;
}

int RunProcess(std::vector<std::string> command, const ProcessOptions& options) {
  return Process(std::move(command), options).Wait();
}

std::string OutputOf(std::vector<std::string> command, const ProcessOptions& options) {
  std::string path = testing::TempDir() + "/output-XXXXXX";
  close(mkstemp(path.data()));
  ProcessOptions all = options;
  all.output = path;
  const std::string name = command.front();
  EXPECT_EQ(RunProcess(std::move(command), all), 0) << name;
  std::string text = ReadText(path);
  unlink(path.c_str());
  return text;
}

bool Eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    poll(nullptr, 0, 20);
  }
  return true;
}

std::string ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::size_t Kilobytes(pid_t process, const std::string& what) {
  const std::string status = ReadText("/proc/" + std::to_string(process) + "/status");
  std::smatch match;
  const bool found = std::regex_search(status, match, std::regex(what + R"(:\s+([0-9]+) kB)"));
  EXPECT_TRUE(found) << what << " in " << status;
  return found ? std::stoul(match[1]) : 0;
}

std::size_t OpenFiles(pid_t process) {
  const std::filesystem::directory_iterator files("/proc/" + std::to_string(process) + "/fd");
  return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

}  // namespace backup_exporter
