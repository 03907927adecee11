// The command line.

#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>

#include "base/build_info.h"
#include "base/log.h"
#include "commands/commands.h"

namespace {

using namespace backup_exporter;  // NOLINT(google-build-using-namespace): all of it is used here

// Runs a command after everything was parsed; returns the exit code.
using Command = std::function<int()>;

std::string Version() {
  return fmt::format("backup_exporter {} (revision {}, branch {}, {})", kVersion, kRevision,
                     kBranch, kCompiler);
}

// Each check returns what is wrong with an argument; empty if nothing is.

std::string CheckOperation(const std::string& name) {
  if (OperationNamed(name)) return {};
  std::string names;
  for (int i = 0; i < kOperations; ++i) {
    names += i == 0 ? "" : i + 1 == kOperations ? " or " : ", ";
    names += Name(static_cast<Operation>(i));
  }
  return fmt::format("unknown operation {}: it must be {}", name, names);
}

std::string CheckNotEmpty(const std::string& text) {
  return text.empty() ? "it must not be empty" : "";
}

std::string CheckDuration(const std::string& text) {
  return ParseSpan(text) ? "" : "it must be a number with s, m, h or d, such as 8h";
}

// The functions below add subcommands to `cli`. If one of them is on the command line, parsing sets
// `command`. `options` and `command` must outlive `cli`.

void AddOnce(CLI::App& cli, const AppOptions& options, Command& command) {
  cli.add_subcommand("once",
                     "Read everything, print the metrics to standard output and exit; writes no "
                     "ledger")
      ->callback([&] { command = [&options] { return OnceCommand(options); }; });
}

void AddEvent(CLI::App& cli, const AppOptions& options, Command& command) {
  const auto event = std::make_shared<EventOptions>();
  CLI::App* subcommand = cli.add_subcommand(
      "event", "Record an event of a backup, from a hook; works while the exporter is down");
  subcommand->add_option("NAME", event->backup, "The backup")->required()->check(CheckNotEmpty);
  subcommand->add_option("EVENT", event->event, "start, finish, fail or log")
      ->required()
      ->check(CLI::IsMember({"start", "finish", "fail", "log"}));
  subcommand->add_option("--operation", event->operation, "backup, check, prune …")
      ->check(CheckOperation);
  subcommand
      ->add_option("--exit-code", event->exit_code,
                   "Exit code of the backup program, with finish or fail")
      ->check(CLI::Range(0, 255));
  subcommand->add_option("--message", event->message, "Text to record for the run");
  subcommand->callback(
      [&, event] { command = [&options, event] { return EventCommand(options, *event); }; });
}

void AddPause(CLI::App& cli, const AppOptions& options, Command& command) {
  const auto pause = std::make_shared<PauseOptions>();
  const auto duration = std::make_shared<std::string>();
  CLI::App* subcommand = cli.add_subcommand(
      "pause", "Expect no runs of a backup for a while; works while the exporter is down");
  subcommand->add_option("NAME", pause->backup, "The backup")->required();
  subcommand
      ->add_option("--operation", pause->operation, "Only this operation: backup, check, prune …")
      ->check(CheckOperation);
  subcommand->add_option("--for", *duration, "How long, such as 8h")
      ->required()
      ->check(CheckDuration);
  subcommand->add_option("--reason", pause->reason, "Reason to show on the page");
  subcommand->callback([&, pause, duration] {
    pause->duration = *ParseSpan(*duration);
    command = [&options, pause] { return PauseCommand(options, *pause); };
  });
}

void AddResume(CLI::App& cli, const AppOptions& options, Command& command) {
  const auto resume = std::make_shared<ResumeOptions>();
  CLI::App* subcommand = cli.add_subcommand("resume", "End a pause early");
  subcommand->add_option("NAME", resume->backup, "The backup")->required();
  subcommand
      ->add_option("--operation", resume->operation, "Only this operation: backup, check, prune …")
      ->check(CheckOperation);
  subcommand->callback(
      [&, resume] { command = [&options, resume] { return ResumeCommand(options, *resume); }; });
}

void AddNotify(CLI::App& cli, const AppOptions& options, Command& command) {
  const auto notify = std::make_shared<NotifyOptions>();
  const auto pending = std::make_shared<bool>(false);
  CLI::App* subcommand =
      cli.add_subcommand("notify", "Send a test notice to monitors, or list pending notices");
  CLI::Option* test =
      subcommand
          ->add_option("--test", notify->monitor, "Send a test notice to one monitor, or to all")
          ->expected(0, 1)
          ->type_name("[MONITOR]");
  subcommand->add_flag("--pending", *pending, "List pending notices and dead letters")
      ->excludes(test);
  subcommand->callback([&, notify, pending, test] {
    notify->test = test->count() > 0;
    command = [&options, notify, pending]() -> int {
      if (notify->test || *pending) return NotifyCommand(options, *notify);
      fmt::print(stderr, "notify needs --test or --pending\n");
      return kMisused;
    };
  });
}

// A closed standard stream would give its number to the next file that is opened, which would then
// receive what is printed.
void OpenStandardStreams() {
  int file = -1;
  do {
    file = open("/dev/null", O_RDWR);
  } while (file >= 0 && file <= STDERR_FILENO);
  if (file >= 0) close(file);
}

}  // namespace

int main(int argc, char** argv) {
  OpenStandardStreams();
  // An ignored SIGCHLD, inherited from the parent, would hide the exit codes of child processes.
  std::signal(SIGCHLD, SIG_DFL);
  AppOptions options{
      .config_file = "/etc/backup_exporter/config.yaml", .storage_path = {}, .web = {}};
  std::string log_level = "info";
  std::string log_format = "logfmt";
  bool check = false;
  Command command = [&] { return ServeCommand(options); };

  CLI::App cli(
      "Prometheus exporter and notifier for restic, resticprofile, borg and borgmatic. It reads "
      "the "
      "files that they already write.");
  cli.set_version_flag("--version", Version());
  cli.option_defaults()->always_capture_default();
  cli.add_option("--config.file", options.config_file, "Configuration file");
  cli.add_flag("--config.check", check, "Check the configuration and exit");
  cli.add_option("--storage.path", options.storage_path,
                 "Directory of the ledger (default: the configuration's storage.path, else "
                 "$STATE_DIRECTORY, else /var/lib/backup_exporter)");
  cli.add_flag("--storage.recover", options.storage_recover,
               "Rename a ledger that cannot be used and start with a new one");
  cli.add_option("--web.listen-address", options.web.listen_addresses,
                 "Address to listen on; may be repeated")
      ->expected(1)
      ->take_all();
  cli.add_option("--web.telemetry-path", options.web.telemetry_path, "URL path of the metrics");
  cli.add_option("--log.level", log_level, "debug, info, warn or error");
  cli.add_option("--log.format", log_format, "logfmt or json");
  cli.fallthrough();
  for (const auto& add : {AddOnce, AddEvent, AddPause, AddResume, AddNotify}) {
    add(cli, options, command);
  }
  cli.footer(
      "Without a subcommand, the exporter serves. SIGHUP reloads the configuration.\n"
      "Exit codes: 0 success, 1 failure, 2 wrong usage or configuration.");

  try {
    cli.parse(argc, argv);
  } catch (const CLI::Success& success) {  // --help, --version
    return cli.exit(success);
  } catch (const CLI::ParseError& error) {
    cli.exit(error);
    return kMisused;
  }
  if (auto set = SetUpLog(log_level, log_format); !set) {
    fmt::print(stderr, "{}\n", set.error().message);
    return kMisused;
  }
  return check ? CheckConfigurationCommand(options.config_file) : command();
}
