// The subcommands: one file each, with a function and an options struct of the same name.
//
// main.cc parses the arguments into the options. A command prints its answer to standard output and
// errors to standard error, and returns the process's exit code.
#pragma once

#include <optional>
#include <string>

#include "app.h"

namespace backup_exporter {

enum ExitCode : int {
  kFine = 0,
  kFailed = 1,
  kMisused = 2,  // wrong usage or configuration
};

// Serves until SIGTERM or SIGINT; SIGHUP reloads the configuration.
[[nodiscard]] int ServeCommand(const AppOptions& options);

// Reads every source into a ledger in memory and prints the metrics page. Sources that cannot be
// read are reported on standard error and by the metrics.
[[nodiscard]] int OnceCommand(const AppOptions& options);

struct EventOptions {
  std::string backup;
  std::string event;  // start, finish, fail or log
  std::string operation = "backup";
  std::optional<int> exit_code;  // for finish and fail only
  std::string message;
};
// Appends an event to the spool, whether or not the exporter is running. After 0 was returned, the
// event is on disk.
[[nodiscard]] int EventCommand(const AppOptions& options, const EventOptions& event);

struct PauseOptions {
  std::string backup;
  std::string operation;  // empty: all operations
  Duration duration{};
  std::string reason;
};
// Appends a pause to the spool: no runs of the backup are expected for the duration. After 0 was
// returned, the pause is on disk.
[[nodiscard]] int PauseCommand(const AppOptions& options, const PauseOptions& pause);

struct ResumeOptions {
  std::string backup;
  std::string operation;  // empty: all operations
};
// Ends a pause, in the same way.
[[nodiscard]] int ResumeCommand(const AppOptions& options, const ResumeOptions& resume);

struct NotifyOptions {
  bool test = false;    // false: list the notices
  std::string monitor;  // the monitor to test; empty: all
};
// Sends a test notice and prints its result, or lists pending notices and dead letters. Works while
// the exporter is running.
[[nodiscard]] int NotifyCommand(const AppOptions& options, const NotifyOptions& notify);

// Checks the configuration and prints its errors and warnings, or how many sources and monitors it
// has.
[[nodiscard]] int CheckConfigurationCommand(const std::string& config_file);

}  // namespace backup_exporter
