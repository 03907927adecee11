#include <fmt/format.h>

#include <cstdio>

#include "commands/commands.h"
#include "commands/configuration.h"
#include "commands/spool.h"

namespace backup_exporter {

int EventCommand(const AppOptions& options, const EventOptions& event) {
  const bool ends = event.event == "finish" || event.event == "fail";
  if (event.exit_code && !ends) {
    fmt::print(stderr, "--exit-code is only for finish and fail\n");
    return kMisused;
  }
  if (event.event == "log" && event.message.empty()) {
    fmt::print(stderr, "log needs --message: the text to record for the run\n");
    return kMisused;
  }
  const auto storage_path = FindStoragePathOrPrintErrors(options);
  if (!storage_path) {
    fmt::print(
        stderr,
        "the event was not recorded: the ledger's directory is unknown; use --storage.path\n");
    return kMisused;
  }
  const auto appended = AppendToSpool(*storage_path,
                                      {.event = event.event,
                                       .backup = event.backup,
                                       .operation = event.operation,
                                       .exit_code = event.exit_code,
                                       .message = event.message},
                                      SystemClock().Now());
  if (appended) return kFine;
  fmt::print(stderr, "the event was not recorded: {}\n", appended.error().message);
  return kFailed;
}

}  // namespace backup_exporter
