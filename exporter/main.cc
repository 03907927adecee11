// The command line.

#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <string>

#include "base/build_info.h"
#include "base/log.h"
#include "commands/commands.h"

namespace {

using namespace backup_exporter;  // NOLINT(google-build-using-namespace): all of it is used here

std::string Version() {
  return fmt::format("backup_exporter {} (revision {}, branch {}, {})", kVersion, kRevision,
                     kBranch, kCompiler);
}

// Empty where there is none.
std::string OperationMistake(const std::string& name) {
  if (OperationNamed(name)) return {};
  std::string names;
  for (int i = 0; i < kOperations; ++i) {
    names += i == 0 ? "" : i + 1 == kOperations ? " or " : ", ";
    names += Name(static_cast<Operation>(i));
  }
  return fmt::format("unknown operation {}: it must be {}", name, names);
}

// Whatever is opened next would take the number of a standard stream that is closed, and be written
// to in its place.
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
  // Whoever started this may have it ignored, and then no program's exit code can be had.
  std::signal(SIGCHLD, SIG_DFL);
  AppOptions options{
      .config_file = "/etc/backup_exporter/config.yaml", .storage_path = {}, .web = {}};
  std::string log_level = "info";
  std::string log_format = "logfmt";
  bool check = false;

  CLI::App cli(
      "What restic, resticprofile, borg and borgmatic did, for Prometheus and monitors, from the "
      "files "
      "that these already write.");
  cli.set_version_flag("--version", Version());
  cli.option_defaults()->always_capture_default();
  cli.add_option("--config.file", options.config_file, "The configuration");
  cli.add_flag("--config.check", check, "Say whether the configuration is right, and end");
  cli.add_option("--storage.path", options.storage_path,
                 "Directory of the ledger (default: the configuration's storage.path, else "
                 "$STATE_DIRECTORY, else /var/lib/backup_exporter)");
  cli.add_flag("--storage.recover", options.storage_recover,
               "Keep aside a ledger that cannot be used, and begin a new one");
  cli.add_option("--web.listen-address", options.web.listen_addresses,
                 "Where to serve; may be repeated")
      ->expected(1)
      ->take_all();
  cli.add_option("--web.telemetry-path", options.web.telemetry_path, "Path of the metrics");
  cli.add_option("--log.level", log_level, "debug, info, warn or error");
  cli.add_option("--log.format", log_format, "logfmt or json");
  cli.fallthrough();
  const CLI::App* once = cli.add_subcommand(
      "once", "Read everything, print the metrics to standard output, and end; keeps no ledger");
  EventOptions event;
  const CLI::App* leave = cli.add_subcommand(
      "event", "Tell that something happened, from a hook; works while the exporter is down");
  auto* told = cli.get_subcommand("event");
  told->add_option("NAME", event.backup, "The backup")
      ->required()
      ->check([](const std::string& name) { return name.empty() ? "it must not be empty" : ""; });
  told->add_option("EVENT", event.event, "start, finish, fail or log")
      ->required()
      ->check(CLI::IsMember({"start", "finish", "fail", "log"}));
  told->add_option("--operation", event.operation, "backup, check, prune …")
      ->check(OperationMistake);
  told->add_option("--exit-code", event.exit_code, "How the process ended")
      ->check(CLI::Range(0, 255));
  told->add_option("--message", event.message, "What is known about it");
  PauseOptions pause;
  std::string pause_for;
  const auto as_span = [](const std::string& text) {
    return ParseSpan(text) ? "" : "it must be a number with s, m, h or d, such as 8h";
  };
  auto* hold = cli.add_subcommand(
      "pause", "Expect nothing of a backup for a while; works while the exporter is down");
  auto* resume = cli.add_subcommand("resume", "End a pause before its time");
  for (auto* command : {hold, resume}) {
    command->add_option("NAME", pause.backup, "The backup")->required();
    command->add_option("--operation", pause.operation, "Of this only: backup, check, prune …")
        ->check(OperationMistake);
  }
  hold->add_option("--for", pause_for, "How long, such as 8h")->required()->check(as_span);
  hold->add_option("--reason", pause.reason, "Shown on the page");
  NotifyOptions notify;
  bool pending = false;
  auto* tell = cli.add_subcommand("notify", "Send a test to the monitors, or list what waits");
  auto* test =
      tell->add_option("--test", notify.monitor, "Send a test notice to one monitor, or all")
          ->expected(0, 1)
          ->type_name("[MONITOR]");
  tell->add_flag("--pending", pending, "List what waits, why and until when, and what was given up")
      ->excludes(test);
  cli.footer(
      "Without a subcommand it serves. SIGHUP reloads the configuration.\n"
      "Exit codes: 0 fine, 1 failed, 2 usage or configuration.");

  try {
    cli.parse(argc, argv);
  } catch (const CLI::Success& wanted) {  // --help, --version
    return cli.exit(wanted);
  } catch (const CLI::ParseError& error) {
    cli.exit(error);
    return kMisused;
  }
  if (auto set = SetUpLog(log_level, log_format); !set) {
    fmt::print(stderr, "{}\n", set.error().message);
    return kMisused;
  }
  if (check) return CheckConfiguration(options.config_file);
  if (once->parsed()) return Once(options);
  if (leave->parsed()) {
    const bool ends = event.event == "finish" || event.event == "fail";
    if (event.exit_code && !ends) {
      fmt::print(stderr, "--exit-code goes with finish and fail\n");
      return kMisused;
    }
    if (event.event == "log" && event.message.empty()) {
      fmt::print(stderr, "log needs --message: what there is to note about the run\n");
      return kMisused;
    }
    return LeaveEvent(options, event);
  }
  if (hold->parsed()) pause.duration = ParseSpan(pause_for);
  if (hold->parsed() || resume->parsed()) return LeavePause(options, pause);
  if (tell->parsed()) {
    notify.test = test->count() > 0;
    if (notify.test || pending) return Notify(options, notify);
    fmt::print(stderr, "notify needs --test or --pending\n");
    return kMisused;
  }
  return Serve(options);
}
