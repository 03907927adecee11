// The subcommands. Each is one file, gets its options parsed, and answers with the exit code: 0
// fine, 1 failed, 2 usage or configuration.
#pragma once

#include <optional>
#include <string>

#include "app.h"

namespace backup_exporter {

enum ExitCode : int { kFine = 0, kFailed = 1, kMisused = 2 };

// Serves until SIGTERM or SIGINT; SIGHUP reloads the configuration.
[[nodiscard]] int Serve(const AppOptions& options);

// Reads everything into a ledger in memory and prints the metrics page to standard output. What
// could not be read is said on standard error, and shows on the page.
[[nodiscard]] int Once(const AppOptions& options);

// What happened, in the words of whoever calls.
struct EventOptions {
  std::string backup;
  std::string event;                 // start, finish, fail or log; pause
  std::string operation = "backup";  // empty: any, for a pause
  std::optional<int> exit_code;
  std::string message;
  std::optional<Time> until;  // of a pause
};
// Leaves an event in the spool for the exporter, whether or not that is running. On disk when this
// returns with 0.
[[nodiscard]] int LeaveEvent(const AppOptions& options, const EventOptions& event);

struct PauseOptions {
  std::string backup;
  std::string operation;             // empty: any
  std::optional<Duration> duration;  // nullopt: it ends
  std::string reason;
};
// Leaves word that nothing is expected of a backup for a while, or that something is again. On disk
// when this returns with 0.
[[nodiscard]] int LeavePause(const AppOptions& options, const PauseOptions& pause);

struct NotifyOptions {
  bool test = false;    // else list what waits
  std::string monitor;  // the one to test; empty: all
};
// Sends a test notice and prints what happened; or prints what waits to be delivered, and what was
// given up. Works beside a running exporter.
[[nodiscard]] int Notify(const AppOptions& options, const NotifyOptions& notify);

// Says whether the configuration is right, and everything that is wrong with it.
[[nodiscard]] int CheckConfiguration(const std::string& config_file);

}  // namespace backup_exporter
