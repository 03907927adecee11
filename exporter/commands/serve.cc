#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>

#include "base/build_info.h"
#include "base/log.h"
#include "commands/commands.h"

namespace backup_exporter {
namespace {

// The signals that the program handles. They are blocked before the first thread starts, so that
// only this thread receives them.
sigset_t Signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGHUP, SIGTERM, SIGINT}) sigaddset(&signals, number);
  return signals;
}

}  // namespace

int ServeCommand(const AppOptions& options) {
  const sigset_t signals = Signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  // A client that closes its connection must not end the program; SIGUSR1 and SIGUSR2 have no
  // meaning.
  for (const int number : {SIGPIPE, SIGUSR1, SIGUSR2}) signal(number, SIG_IGN);

  auto app = App::Start(options);
  if (!app) {
    fmt::print(stderr, "{}\n", app.error().message);
    return app.error().kind == ErrorKind::kTemporary ? kFailed : kMisused;
  }
  for (std::size_t i = 0; i < (*app)->ports().size(); ++i) {
    Log().info("backup_exporter {} listens on {} (port {})", kVersion,
               options.web.listen_addresses[i], (*app)->ports()[i]);
  }
  for (;;) {
    const timespec second{.tv_sec = 1, .tv_nsec = 0};
    const int signal_number = sigtimedwait(&signals, nullptr, &second);
    if (signal_number == SIGHUP) (*app)->Reload();
    if (signal_number == SIGTERM || signal_number == SIGINT) {
      Log().info("stopping on signal {}", signal_number);
      // A second signal ends the program immediately. That is safe: the ledger only has whole
      // commits.
      for (const int number : {SIGTERM, SIGINT}) signal(number, [](int) { _exit(kFine); });
      signal(SIGHUP, SIG_IGN);
      pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
      app->reset();
      return kFine;
    }
    (*app)->Tick();
  }
}

}  // namespace backup_exporter
