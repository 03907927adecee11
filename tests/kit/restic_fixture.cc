#include "kit/restic_fixture.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/time.h"
#include "kit/need.h"
#include "kit/tools.h"

namespace backup_exporter {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// The repository and tools that the tests of one process copy.
std::unique_ptr<TemporaryDirectory> common;

std::string OneOf(const Page& page, const std::string& head,
                  std::initializer_list<const char*> values) {
  for (const char* value : values) {
    if (page.Number(head + value + "\"}") == 1) return value;
  }
  return {};
}

}  // namespace

void ResticFixture::SetUpTestSuite() {
  if (Tool("restic").empty()) return;
  common = std::make_unique<TemporaryDirectory>();
  fs::permissions(common->path(), fs::perms(0755));
  // Other users may have no access to the directories of the checkout and the tools.
  for (const char* tool : {"restic", "resticprofile"}) {
    if (!Tool(tool).empty()) fs::copy_file(Tool(tool), *common / tool);
  }
  // Since 0.17 restic reports the figures of each snapshot. For earlier versions the test computes
  // them, which is exact only in format 1: data is not compressed, and every blob takes 32 bytes
  // more.
  ASSERT_EQ(
      RunProcess(
          {Program("restic"), "init", "-q", "--repository-version", Since(17) ? "2" : "1"},
          {.environment = {"RESTIC_REPOSITORY=" + *common / "repository", "RESTIC_PASSWORD=right",
                           "RESTIC_CACHE_DIR=" + *common / "cache"}}),
      0);
}

void ResticFixture::TearDownTestSuite() { common.reset(); }

void ResticFixture::SetUp() {
  NEED(MissingTool({"restic"}));
  fs::permissions(directory_.path(), fs::perms(0755));
  fs::copy(*common / "repository", Path("repository"), fs::copy_options::recursive);
  for (const char* folder : {"data", "logs", "lists"}) directory_.MakeDirectory(folder);
  directory_.Write("data/one.bin", std::string(300'000, 'a') + "unlike");
  directory_.Write("data/two.txt", "hello");
  Configure("sources:\n  - format: restic\n    path: logs/*.jsonl\n");
}

bool ResticFixture::Since(int minor) {
  static const std::string version = ToolVersion("restic");
  const std::size_t dot = version.find('.');
  return version.substr(0, dot) != "0" || std::stoi(version.substr(dot + 1)) >= minor;
}

std::string ResticFixture::Program(const std::string& tool) { return *common / tool; }

void ResticFixture::BecomeNobody() {
  ASSERT_EQ(geteuid(), 0U) << "this test needs root";
  ASSERT_EQ(RunProcess({"chown", "-R", "nobody", directory_.path()}), 0);
  ASSERT_EQ(chmod(Path("data/two.txt").c_str(), 0), 0);
  user_ = kNobody;
}

ProcessOptions ResticFixture::Options() const {
  return {.environment = {"RESTIC_REPOSITORY=" +
                              (repository_.empty() ? Path("repository") : repository_),
                          "RESTIC_PASSWORD=" + password_, "RESTIC_CACHE_DIR=" + Path("cache"),
                          "RESTIC_PROGRESS_FPS=5", "HOME=" + directory_.path(),
                          "XDG_CONFIG_HOME=" + directory_.path(),
                          "XDG_CACHE_HOME=" + directory_.path()},
          .user = user_};
}

ProcessOptions ResticFixture::Logged(const std::string& name) const {
  ProcessOptions options = Options();
  options.output = Path(name);
  options.errors = "&1";
  return options;
}

int ResticFixture::Run(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), Program("restic"));
  return RunProcess(std::move(arguments), Logged("logs/home.jsonl"));
}

int ResticFixture::RunSilently(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), Program("restic"));
  return RunProcess(std::move(arguments), Options());
}

json ResticFixture::Ask(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), {Program("restic"), "--json"});
  return json::parse(OutputOf(std::move(arguments), Options()));
}

void ResticFixture::List(std::vector<std::string> arguments, const std::string& name) const {
  arguments.insert(arguments.begin(), {Program("restic"), "--json"});
  directory_.Write(name, OutputOf(std::move(arguments), Options()));
}

double ResticFixture::Stored() const {
  const json raw = Ask({"stats", "--mode", "raw-data"});
  return raw["total_size"].get<double>() - 32 * raw.value("total_blob_count", 0.0);
}

void ResticFixture::Damage() const {
  for (const auto& file : fs::recursive_directory_iterator(Path("repository/data"))) {
    if (!file.is_regular_file()) continue;
    fs::permissions(file.path(), fs::perms(0600));
    std::fstream pack(file.path(), std::ios::in | std::ios::out);
    pack.seekp(100) << "damage";
  }
}

std::unique_ptr<Process> ResticFixture::Lock() const {
  auto check = std::make_unique<Process>(
      std::vector<std::string>{Program("restic"), "check", "--read-data", "--limit-download", "1"},
      Options());
  EXPECT_TRUE(Eventually([this] {
    // A lock that is still being written has another name.
    return std::ranges::any_of(
        fs::directory_iterator(Path("repository/locks")),
        [](const auto& file) { return file.path().filename().string().size() == 64; });
  }));
  check->Signal(SIGSTOP);
  return check;
}

std::string ResticFixture::Series(const std::string& metric, const std::string& operation) {
  return metric + "{backup=\"home\",operation=\"" + operation + "\"}";
}

double ResticFixture::LastSuccess(const Page& page, const std::string& operation) {
  return page.Number(Series("backup_last_success_timestamp_seconds", operation));
}

double ResticFixture::Runs(const Page& page, const std::string& operation) {
  return page.Number(Series("backup_runs_total", operation));
}

std::string ResticFixture::Reason(const Page& page, const std::string& operation) {
  return OneOf(
      page,
      "backup_last_run_failure_reason{backup=\"home\",operation=\"" + operation + "\",reason=\"",
      {"locked", "auth", "repository_missing", "network", "no_space", "source_missing",
       "source_unreadable", "interrupted", "hook", "timeout", "other"});
}

std::string ResticFixture::Evidence(const Page& page, const std::string& operation) {
  return OneOf(
      page,
      "backup_last_success_evidence{backup=\"home\",operation=\"" + operation + "\",evidence=\"",
      {"claim", "exit_code", "report", "archive"});
}

double ResticFixture::Seconds(const json& stamp) {
  const auto time = ParseRfc3339(stamp.get<std::string>());
  EXPECT_TRUE(time.has_value()) << stamp;
  return time ? ToSeconds(*time) : 0;
}

}  // namespace backup_exporter
