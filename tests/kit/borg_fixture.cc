#include "kit/borg_fixture.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string_view>

#include "base/time.h"
#include "kit/need.h"
#include "kit/tools.h"
#include "model/run.h"

namespace backup_exporter {

namespace fs = std::filesystem;
using nlohmann::json;

HeldPipe::HeldPipe(const std::string& path) {
  EXPECT_EQ(mkfifo(path.c_str(), 0600), 0) << path;
  writing_ = open(path.c_str(), O_RDWR | O_CLOEXEC);
  reading_ = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const std::string content(20'000, 'x');
  EXPECT_EQ(write(writing_, content.data(), content.size()), ssize_t(content.size()));
}

HeldPipe::~HeldPipe() { Close(); }

bool HeldPipe::WaitForReader() const {
  return Eventually([this] {
    int left = -1;
    return ioctl(reading_, FIONREAD, &left) == 0 && left == 0;
  });
}

void HeldPipe::Close() {
  for (int* end : {&writing_, &reading_}) {
    if (*end >= 0) close(*end);
    *end = -1;
  }
}

void BorgFixture::SetUp() {
  NEED(MissingTool({"borg"}));
  for (const char* folder : {"home", "run", "data"}) directory_.MakeDirectory(folder);
  directory_.Write("data/one.bin", std::string(300'000, 'a') + "unlike");
  directory_.Write("data/two.txt", "hello");
}

ProcessOptions BorgFixture::Options(ProcessOptions options) const {
  options.environment = {"HOME=" + Path("home"),
                         "XDG_CACHE_HOME=" + Path("home/cache"),
                         "XDG_CONFIG_HOME=" + Path("home/config"),
                         "XDG_DATA_HOME=" + Path("home/data"),
                         "XDG_STATE_HOME=" + Path("home/state"),
                         "XDG_RUNTIME_DIR=" + Path("run"),
                         "BORG_BASE_DIR=" + Path("borg"),
                         "BORG_PASSPHRASE=" + passphrase_,
                         "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes",
                         "BORG_RELOCATED_REPO_ACCESS_IS_OK=yes",
                         "LC_ALL=C.UTF-8",
                         "TZ=" + zone_};
  return options;
}

std::vector<std::string> BorgFixture::Command(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), Tool("borg"));
  return arguments;
}

int BorgFixture::Borg(std::vector<std::string> arguments, ProcessOptions options) const {
  return RunProcess(Command(std::move(arguments)), Options(std::move(options)));
}

json BorgFixture::Ask(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin() + 1, "--json");
  return json::parse(OutputOf(Command(std::move(arguments)), Options()), nullptr,
                     /*allow_exceptions=*/false);
}

json BorgFixture::NewestArchive(const std::string& repository) const {
  const json info = Ask({"info", "--last", "1", repository});
  EXPECT_EQ(info["archives"].size(), 1U) << info;
  return info["archives"][0];
}

void BorgFixture::Initialise(const std::string& repository, const std::string& encryption) const {
  ASSERT_EQ(Borg({"init", "--encryption=" + encryption, repository}), 0);
}

void BorgFixture::Damage(const std::string& repository) const {
  fs::path largest;
  for (const auto& segment : fs::directory_iterator(repository + "/data/0")) {
    if (largest.empty() || segment.file_size() > fs::file_size(largest)) largest = segment.path();
  }
  std::fstream file(largest, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(100) << "damage";
  ASSERT_TRUE(file.flush()) << largest;
}

std::vector<std::string> BorgFixture::Unprivileged(std::vector<std::string> command) {
  if (geteuid() != 0) return command;
  const std::vector<std::string> without{"setpriv", "--bounding-set", "-all", "--inh-caps", "-all"};
  command.insert(command.begin(), without.begin(), without.end());
  return command;
}

double BorgFixture::Seconds(const json& time) {
  const auto parsed = ParseRfc3339(time.get<std::string>() + "Z");
  EXPECT_TRUE(parsed.has_value()) << time;
  return parsed ? ToSeconds(*parsed) : -1;
}

double OperationNumber(const Page& page, const std::string& metric, const std::string& backup,
                       const std::string& operation) {
  return page.Number(metric + "{backup=\"" + backup + "\",operation=\"" + operation + "\"}");
}

double BackupNumber(const Page& page, const std::string& metric, const std::string& backup) {
  return page.Number(metric + "{backup=\"" + backup + "\"}");
}

double LastSuccess(const Page& page, const std::string& backup, const std::string& operation) {
  return OperationNumber(page, "backup_last_success_timestamp_seconds", backup, operation);
}

namespace {

template <typename Enum>
std::string OneOf(const Page& page, const std::string& metric, const std::string& backup,
                  const std::string& operation, const std::string& label, int members) {
  for (int i = 0; i < members; ++i) {
    const std::string name(Name(static_cast<Enum>(i)));
    std::string series = metric + "{backup=\"" + backup + "\",operation=\"" + operation + "\",";
    series.append(label).append("=\"").append(name).append("\"}");
    if (page.Number(series) == 1) return name;
  }
  return {};
}

}  // namespace

std::string FailureReason(const Page& page, const std::string& backup,
                          const std::string& operation) {
  return OneOf<Reason>(page, "backup_last_run_failure_reason", backup, operation, "reason",
                       kReasons);
}

std::string SuccessEvidence(const Page& page, const std::string& backup,
                            const std::string& operation) {
  return OneOf<Evidence>(page, "backup_last_success_evidence", backup, operation, "evidence",
                         kEvidences);
}

}  // namespace backup_exporter
