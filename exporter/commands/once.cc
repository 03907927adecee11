#include <fmt/format.h>

#include <cstdio>
#include <filesystem>

#include "commands/commands.h"
#include "commands/configuration.h"

namespace backup_exporter {

int OnceCommand(const AppOptions& options) {
  auto configuration = LoadOrPrintErrors(options.config_file);
  if (!configuration) return kMisused;
  const std::string storage = StoragePath(options.storage_path, *configuration);
  std::error_code ignored;  // there is no spool before the first event
  if (std::filesystem::is_directory(SpoolDirectory(storage), ignored)) {
    configuration->sources.push_back(EventSource(storage));
  }
  auto ledger = Ledger::Open({.directory = {}});
  if (!ledger) {
    fmt::print(stderr, "{}\n", ledger.error().message);
    return kFailed;
  }
  SystemFiles files;
  SystemClock clock;
  StatusBoard board;
  std::vector<SourceRules> rules;
  for (const SourceConfig& source : configuration->sources) rules.push_back(source.rules);
  (*ledger)->Configure(std::move(rules));
  (*ledger)->Expect(configuration->expectations, clock.Now());
  for (const SourceConfig& source : configuration->sources) {
    auto ingest = Ingest::Create(source.ingest, files, MakeInotifyWatcher(), **ledger, board);
    if (!ingest) {
      fmt::print(stderr, "{}\n", ingest.error().message);
      return kFailed;
    }
    do {
      (*ingest)->Step({.wall = clock.Now(), .steady = clock.Steady()}, /*last_look=*/true);
    } while (!(*ingest)->caught_up());
  }
  const ProgramStatus program{.reloaded = clock.Now()};
  MetricsPage page([&] { return (*ledger)->standings(); }, [&] { return program; }, board, clock);
  const std::string body = page.Render();
  const bool written =
      std::fwrite(body.data(), 1, body.size(), stdout) == body.size() && std::fflush(stdout) == 0;
  if (!written) fmt::print(stderr, "cannot write the metrics to standard output\n");
  return written ? kFine : kFailed;
}

}  // namespace backup_exporter
