// The real program while nothing happens.
// Labels: serial

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <list>
#include <map>
#include <utility>

#include "base/time.h"
#include "kit/environment.h"
#include "kit/exporter_process.h"
#include "kit/faulty_server.h"
#include "kit/paths.h"
#include "kit/power.h"
#include "kit/process.h"
#include "kit/restic_log.h"
#include "kit/temporary_directory.h"

namespace backup_exporter {
namespace {

namespace fs = std::filesystem;

// The content and modification time of every file below a directory.
std::map<std::string, std::pair<std::string, fs::file_time_type>> Contents(
    const std::string& directory) {
  std::map<std::string, std::pair<std::string, fs::file_time_type>> contents;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    contents[entry.path()] = {entry.is_directory() ? "" : ReadText(entry.path()),
                              entry.last_write_time()};
  }
  return contents;
}

TEST(Idle, AnIdleProgramWritesNothingToTheDisk) {
  const FaultyServer server([](const FaultyServer::Request&) { return FaultyServer::Reply{}; });
  const TemporaryDirectory directory;
  for (const char* name : {"logs", "profiles", "ledger", "scratch"}) directory.MakeDirectory(name);
  directory.Write("config.yaml",
                  "sources:\n  - {format: restic, path: logs/*.jsonl}\n"
                  "  - {format: resticprofile, path: profiles/*.json}\n"
                  "backups:\n  - {name: home, every: 31d}\n"
                  "monitors:\n  - webhook: {url: " +
                      server.url() + "/x}\n");
  std::list<ScopedEnvironment> environment;
  for (const std::string& variable :
       PowerEnvironment({.shim = std::string(kHurryShim) + ":" + kPowerShim,
       .directory = directory / "ledger",
       .scratch = directory / "scratch"})) {
    const std::size_t equals = variable.find('=');
    environment.emplace_back(variable.substr(0, equals), variable.substr(equals + 1));
  }
  ExporterProcess exporter(kProgram, directory / "config.yaml", directory.path());
  environment.clear();

  directory.Write("logs/home.jsonl", ResticSummary(Duration(0)));
  directory.Write(
      "profiles/status.json",
      R"({"profiles":{"web":{"backup":{"success":true,"time":"2026-01-01T00:00:00Z"}}}})");
  ASSERT_TRUE(server.AwaitRequests(1));
  // Scrapes until so many seconds have passed for the program.
  const auto pass = [&](double seconds) {
    const auto now = [&] {
      return exporter.Scrape().Number("backup_source_look_timestamp_seconds{source=\"restic\"}");
    };
    const double begin = now();
    ASSERT_TRUE(Eventually([&] { return now() >= begin + seconds; })) << now() - begin;
  };
  pass(120);  // until every result has settled
  const auto before = Contents(directory / "ledger");
  const auto calls = CallsCounted(directory / "scratch");
  EXPECT_GT(calls, 0U);
  pass(1800);
  EXPECT_EQ(CallsCounted(directory / "scratch"), calls);
  EXPECT_TRUE(Contents(directory / "ledger") == before);
  EXPECT_EQ(server.request_count(), 1U);
}

}  // namespace
}  // namespace backup_exporter
