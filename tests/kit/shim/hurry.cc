// Preloaded into the program, speeds up its time: whenever the main thread waits for a signal, the
// wait takes a millisecond, and all of the program's clocks and timeouts advance by its full
// length. The clocks stay consistent with one another.

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <chrono>

namespace {

using std::chrono::nanoseconds;

constexpr nanoseconds kMoment = std::chrono::milliseconds(1);

std::atomic<nanoseconds::rep> ahead = 0;  // of the real clocks

nanoseconds Real(clockid_t clock) {
  timespec now{};
  syscall(SYS_clock_gettime, clock, &now);
  return std::chrono::seconds(now.tv_sec) + nanoseconds(now.tv_nsec);
}

nanoseconds Now(clockid_t clock) { return Real(clock) + nanoseconds(ahead.load()); }

timespec ToSpec(nanoseconds time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  return {seconds.count(), (time - seconds).count()};
}

nanoseconds FromSpec(const timespec& time) {
  return std::chrono::seconds(time.tv_sec) + nanoseconds(time.tv_nsec);
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* now) noexcept {
  const bool is_hurried = clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC;
  *now = ToSpec(is_hurried ? Now(clock) : Real(clock));
  return 0;
}

int sigtimedwait(const sigset_t* signals, siginfo_t* info, const timespec* timeout) {
  constexpr std::size_t kKernelsSet = 8;  // bytes
  const timespec moment = ToSpec(kMoment);
  const long signal = syscall(SYS_rt_sigtimedwait, signals, info, &moment, kKernelsSet);
  if (signal < 0 && errno == EAGAIN) ahead += FromSpec(*timeout).count();
  return static_cast<int>(signal);
}

int poll(pollfd* files, nfds_t count, int timeout) {
  const timespec moment = ToSpec(kMoment);
  const nanoseconds end = Now(CLOCK_MONOTONIC) + std::chrono::milliseconds(timeout);
  for (;;) {
    const bool is_over = timeout >= 0 && Now(CLOCK_MONOTONIC) >= end;
    const timespec none{};
    const long ready =
        syscall(SYS_ppoll, files, count, is_over ? &none : &moment, nullptr, std::size_t{0});
    if (ready != 0 || is_over) return static_cast<int>(ready);
  }
}

int pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock,
                           const timespec* end) {
  using Wait = int (*)(pthread_cond_t*, pthread_mutex_t*, clockid_t, const timespec*);
  static const Wait wait = reinterpret_cast<Wait>(dlsym(RTLD_NEXT, "pthread_cond_clockwait"));
  const timespec moment = ToSpec(Real(clock) + kMoment);
  const int woken = wait(condition, mutex, clock, &moment);
  // Reported as a spurious wakeup, after which the caller checks its condition again.
  return woken == ETIMEDOUT && Now(clock) < FromSpec(*end) ? 0 : woken;
}

}  // extern "C"
