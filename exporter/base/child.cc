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
constexpr int kStep = 50;  // milliseconds between looks at the clock and at `stop`

// Memory that reads as a file.
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

// A name that the caller sets takes the place of the exporter's own.
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

// Somebody else has waited for it: whatever it said, that is no success.
constexpr int kUnknown = 255 << 8;

// Reads from the program until it has ended; false: its time is up, or it is to stop. What it left
// in the background may hold its end of the pipe for as long as it likes.
bool Attend(pid_t child, int from, std::chrono::steady_clock::time_point end,
            const std::atomic<bool>& stop, std::string& output, int* status) {
  // Where the kernel has none, the end is seen at the next step.
  const Descriptor ending(static_cast<int>(syscall(SYS_pidfd_open, child, 0)));
  std::array<pollfd, 2> awaited{{{.fd = from, .events = POLLIN, .revents = 0},
                                 {.fd = ending.get(), .events = POLLIN, .revents = 0}}};
  std::string piece(kMostOutput, '\0');
  while (true) {
    // In this order one more read has all that it wrote, as far as it is kept.
    const pid_t gone = waitpid(child, status, WNOHANG);
    const bool ended = gone != 0;
    if (gone < 0) *status = kUnknown;
    const ssize_t length = read(from, piece.data(), piece.size());
    if (length > 0) {
      output.append(piece, 0,
                    std::min(static_cast<std::size_t>(length), kMostOutput - output.size()));
    }
    if (ended) return true;
    if (std::chrono::steady_clock::now() >= end || stop) return false;
    if (length == 0) awaited[0].fd = -1;  // closed, which poll would tell without end
    poll(awaited.data(), awaited.size(), kStep);
  }
}

}  // namespace

ChildAnswer RunChild(const ChildRequest& request, const std::atomic<bool>& stop) {
  const auto end = std::chrono::steady_clock::now() + request.limit;
  ChildAnswer answer;
  std::array<int, 2> ends{-1, -1};
  const Descriptor input = InMemory("input", request.input);
  const Descriptor secret = InMemory("secret", request.secret_file);
  if (input.get() < 0 || secret.get() < 0 || pipe2(ends.data(), O_CLOEXEC) != 0) {
    answer.error = std::strerror(errno);
    return answer;
  }
  const Descriptor output(ends[0]);
  fcntl(output.get(), F_SETFL, O_NONBLOCK);  // of this end alone
  Descriptor outputs_end(ends[1]);

  // The child has the secret at this number, which no other descriptor of ours is given to it at.
  constexpr int kSecret = 3;
  std::vector<std::string> arguments = request.command;
  if (!request.secret_file.empty()) {
    std::ranges::replace(arguments, std::string("{file}"), "/dev/fd/" + std::to_string(kSecret));
  }
  std::vector<std::string> environment = Environment(request.environment);
  posix_spawn_file_actions_t actions{};
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, outputs_end.get(), STDOUT_FILENO);
  if (request.without_errors) {
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  } else {
    posix_spawn_file_actions_adddup2(&actions, outputs_end.get(), STDERR_FILENO);
  }
  if (!request.secret_file.empty()) {
    posix_spawn_file_actions_adddup2(&actions, secret.get(), kSecret);
  }
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
  pid_t child = -1;
  const int failed = posix_spawnp(&child, arguments[0].c_str(), &actions, &attributes,
                                  Pointers(arguments).data(), Pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  { const Descriptor closed(outputs_end.Release()); }
  if (failed != 0) {
    answer.error = arguments[0] + ": " + std::strerror(failed);
    return answer;
  }
  int status = 0;
  if (!Attend(child, output.get(), end, stop, answer.output, &status)) {
    kill(-child, SIGKILL);
    waitpid(child, &status, 0);
    answer.stopped = stop;
    answer.timed_out = !answer.stopped;
    answer.error = answer.stopped ? "stopping" : arguments[0] + " took too long and was ended";
  } else if (WIFEXITED(status)) {
    answer.exit_code = WEXITSTATUS(status);
  } else {
    answer.error = arguments[0] + " was ended by signal " + std::to_string(WTERMSIG(status));
  }
  return answer;
}

}  // namespace backup_exporter
