#include "base/child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/descriptor.h"

extern char** environ;

namespace backup_exporter {
namespace {

constexpr std::size_t kMostOutput = 64 << 10;
constexpr int kStep = 50;  // milliseconds between checks of the time and of `stop`

// A file in memory with this content; negative after an error.
Descriptor InMemory(const char* name, const std::string& text) {
  Descriptor file(memfd_create(name, MFD_CLOEXEC));
  if (file.get() < 0) return file;
  std::size_t written = 0;
  while (written < text.size()) {
    const ssize_t more = write(file.get(), text.data() + written, text.size() - written);
    if (more <= 0) return Descriptor(-1);
    written += static_cast<std::size_t>(more);
  }
  lseek(file.get(), 0, SEEK_SET);
  return file;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// The child's environment: `more`, and the exporter's own variables that `more` does not replace.
std::vector<std::string> Environment(const std::vector<std::string>& more) {
  std::vector<std::string> all = more;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view line = *entry;
    const std::string_view name = line.substr(0, line.find('=') + 1);
    if (std::ranges::none_of(more, [&](const auto& own) { return own.starts_with(name); })) {
      all.emplace_back(line);
    }
  }
  return all;
}

// The wait status recorded when another thread has reaped the child: any exit code but success.
constexpr int kUnknownStatus = 255 << 8;

// Collects output until the program has ended and stores its wait status. Returns false if it has
// not ended by `end`, or when `stop` becomes true. Background processes may keep the pipe open for
// longer.
bool WaitForEnd(pid_t child, int from, std::chrono::steady_clock::time_point end,
                const std::atomic<bool>& stop, std::string& output, int* status) {
  // Without pidfd_open in the kernel, the end is noticed at the next step.
  const Descriptor ending(static_cast<int>(syscall(SYS_pidfd_open, child, 0)));
  std::array<pollfd, 2> awaited{{{.fd = from, .events = POLLIN, .revents = 0},
                                 {.fd = ending.get(), .events = POLLIN, .revents = 0}}};
  std::string piece(kMostOutput, '\0');
  while (true) {
    // The status comes first: after the end, one more read gets all output that is kept.
    const pid_t waited = waitpid(child, status, WNOHANG);
    const bool ended = waited != 0;
    if (waited < 0) *status = kUnknownStatus;
    const ssize_t length = read(from, piece.data(), piece.size());
    if (length > 0) {
      output.append(piece, 0,
                    std::min(static_cast<std::size_t>(length), kMostOutput - output.size()));
    }
    if (ended) return true;
    if (std::chrono::steady_clock::now() >= end || stop) return false;
    if (length == 0) awaited[0].fd = -1;  // closed: poll would report it endlessly
    poll(awaited.data(), awaited.size(), kStep);
  }
}

// Starts the program with these descriptors, in a process group of its own, with default signal
// handling. Returns 0 or an errno value.
int Spawn(const ChildRequest& request, int input, int output, int secret, pid_t* child) {
  constexpr int kSecret = 3;  // the secret's number in the child; no other descriptor is inherited
  const bool has_secret = !request.secret_file.empty();
  std::vector<std::string> arguments = request.command;
  if (has_secret) {
    std::ranges::replace(arguments, std::string("{file}"), "/dev/fd/" + std::to_string(kSecret));
  }
  std::vector<std::string> environment = Environment(request.environment);
  posix_spawn_file_actions_t actions{};
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  if (request.without_errors) {
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  } else {
    posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
  }
  if (has_secret) posix_spawn_file_actions_adddup2(&actions, secret, kSecret);
  posix_spawnattr_t attributes{};
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  const int failed = posix_spawnp(child, arguments[0].c_str(), &actions, &attributes,
                                  Pointers(arguments).data(), Pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  return failed;
}

}  // namespace

ChildAnswer RunChild(const ChildRequest& request, const std::atomic<bool>& stop) {
  const auto end = std::chrono::steady_clock::now() + request.limit;
  const std::string& program = request.command[0];
  ChildAnswer answer;
  std::array<int, 2> ends{-1, -1};
  const Descriptor input = InMemory("input", request.input);
  const Descriptor secret = InMemory("secret", request.secret_file);
  if (input.get() < 0 || secret.get() < 0 || pipe2(ends.data(), O_CLOEXEC) != 0) {
    answer.error = std::strerror(errno);
    return answer;
  }
  const Descriptor output(ends[0]);
  fcntl(output.get(), F_SETFL, O_NONBLOCK);  // this end only
  Descriptor childs_end(ends[1]);

  pid_t child = -1;
  const int failed = Spawn(request, input.get(), childs_end.get(), secret.get(), &child);
  { const Descriptor closed(childs_end.Release()); }
  if (failed != 0) {
    answer.error = program + ": " + std::strerror(failed);
    return answer;
  }
  int status = 0;
  if (!WaitForEnd(child, output.get(), end, stop, answer.output, &status)) {
    kill(-child, SIGKILL);
    waitpid(child, &status, 0);
    answer.stopped = stop;
    answer.timed_out = !answer.stopped;
    answer.error = answer.stopped ? "stopping" : program + " took too long and was killed";
  } else if (WIFEXITED(status)) {
    answer.exit_code = WEXITSTATUS(status);
  } else {
    answer.error = program + " was killed by signal " + std::to_string(WTERMSIG(status));
  }
  return answer;
}

}  // namespace backup_exporter
