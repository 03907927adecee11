// Every recorded run in testdata/corpus is compared with the truth.json beside it: each capture
// passes through source, decoder and ledger as a file that existed from the start.
//
// `expect` in truth.json is what can be known from the capture alone, `truth` what really happened;
// if the two differ, `cannot_tell` gives the reason.

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "ingest/ingest.h"
#include "kit/fake_watcher.h"
#include "kit/paths.h"
#include "kit/temporary_directory.h"

namespace backup_exporter {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

const fs::path kCorpus = std::string(kTestdataDir) + "/corpus";

struct RecordedCapture {
  fs::path folder;
  Json capture;
  Json run;  // all of truth.json
};

std::string Text(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found == json.end() || found->is_null() ? "" : found->get<std::string>();
}

std::string NameOf(const RecordedCapture& one) {
  std::string name = one.folder.lexically_relative(kCorpus).string() + " " +
                     Text(one.capture, "file") +
                     (one.capture.contains("options") ? " options" : "");
  std::ranges::replace_if(
      name, [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

void PrintTo(const RecordedCapture& one, std::ostream* out) { *out << NameOf(one); }

std::vector<RecordedCapture> AllCaptures() {
  std::vector<RecordedCapture> captures;
  for (const auto& entry : fs::recursive_directory_iterator(kCorpus)) {
    if (entry.path().filename() != "truth.json") continue;
    std::ifstream stream(entry.path());
    const Json run = Json::parse(stream);
    for (const Json& capture : run.at("captures")) {
      captures.push_back({entry.path().parent_path(), capture, run});
    }
  }
  std::ranges::sort(captures, {}, [](const RecordedCapture& one) { return NameOf(one); });
  return captures;
}

// A run with the keys of truth.json that `like` has. An operation that is not named is the
// source's, which is a backup by default; restic before 0.15 prints the first 8 digits of an id.
std::string RunText(const Json& run, const Json& like) {
  std::string text;
  for (const char* key : {"backup", "operation", "result", "evidence", "id", "added_bytes"}) {
    if (!like.contains(key)) continue;
    Json value = run.value(key, Json());
    if (value == "") value = Json();
    if (key == std::string("id") && value.is_string()) value = Text(run, key).substr(0, 8);
    if (key == std::string("operation") && value.is_null()) value = "backup";
    text += std::string(text.empty() ? "" : " ") + key + "=" + value.dump();
  }
  return text;
}

// `open`: the capture was copied while the tool had it open; else its process is gone.
class FilesOf final : public Files {
 public:
  explicit FilesOf(bool open) : open_(open) {}
  [[nodiscard]] Result<FileStat> Stat(const std::string& path) const override {
    auto stat = files_.Stat(path);
    if (stat && open_) writers_.insert(stat->identity());
    return stat;
  }
  [[nodiscard]] Result<std::unique_ptr<File>> Open(const std::string& path) const override {
    return files_.Open(path);
  }
  [[nodiscard]] PathMatches Glob(const std::string& pattern) const override {
    return files_.Glob(pattern);
  }
  [[nodiscard]] Result<std::vector<std::string>> List(const std::string& path) const override {
    return files_.List(path);
  }
  [[nodiscard]] Result<std::uint64_t> DeviceOf(const std::string& path) const override {
    return files_.DeviceOf(path);
  }
  [[nodiscard]] std::optional<std::set<FileIdentity>> OpenForWriting() const override {
    return writers_;
  }

 private:
  SystemFiles files_;
  bool open_;
  mutable std::set<FileIdentity> writers_;
};

class Corpus : public testing::TestWithParam<RecordedCapture> {
 protected:
  // The runs in the ledger after reading the capture, in the order of reading.
  std::vector<Json> Runs() {
    const RecordedCapture& one = GetParam();
    const fs::path file =
        directory_ / ("capture" + fs::path(Text(one.capture, "file")).extension().string());
    fs::copy_file(one.folder / Text(one.capture, "file"), file);
    const bool open = one.capture.value("open", false);
    const SystemClock clock;
    const double ended = open ? ToSeconds(clock.Now()) : one.run.at("ended").get<double>();
    const timespec stamp{.tv_sec = static_cast<time_t>(ended),
                         .tv_nsec = static_cast<long>((ended - std::floor(ended)) * 1e9)};
    const timespec times[2] = {stamp, stamp};
    EXPECT_EQ(utimensat(AT_FDCWD, file.c_str(), times, 0), 0);

    const Format& format = *FormatNamed(Text(one.capture, "format"));
    const Json options = one.capture.value("options", Json::object());
    SourceRules rules{.source = "capture",
                      .tool = std::string(format.tool),
                      .pattern = file,
                      .backup = std::string(format.backup)};
    if (const auto operation = OperationNamed(Text(options, "operation"))) {
      rules.operation = *operation;
      rules.operation_configured = true;
    }
    IngestOptions ingest{.input = {.name = "capture", .pattern = file, .framing = format.framing},
                         .decoder = {.extended_status = options.value("extended_status", false),
                                     .zone = TimeZone::Find(Text(one.capture, "timezone")).value()},
                         .format = std::string(format.name)};
    auto ledger = Ledger::Open({.directory = directory_ / "ledger"}).value();
    ledger->Configure({rules});
    FilesOf files(open);
    StatusBoard board;
    auto reader =
        Ingest::Create(ingest, files, std::make_unique<FakeWatcher>(), *ledger, board).value();
    do {
      reader->Step({.wall = clock.Now(), .steady = clock.Steady()}, /*last_look=*/true);
    } while (!reader->caught_up());
    return Stored();
  }

 private:
  std::vector<Json> Stored() {
    SQLite::Database database(directory_ / "ledger/ledger.db");
    SQLite::Statement select(database,
                             "SELECT name, operation, result, evidence, snapshot_id, "
                             "runs.added_bytes FROM runs JOIN backups "
                             "ON backups.id=backup WHERE state<>'open' ORDER BY runs.id");
    std::vector<Json> runs;
    while (select.executeStep()) {
      const auto text = [&](int column) { return select.getColumn(column).getString(); };
      Json run{{"backup", text(0) == "capture" ? Json() : Json(text(0))},
               {"operation", text(1)},
               {"result", text(2)},
               {"evidence", text(3)},
               {"id", text(4)},
               {"added_bytes", Json()}};
      if (!select.getColumn(5).isNull()) run["added_bytes"] = select.getColumn(5).getInt64();
      runs.push_back(std::move(run));
    }
    return runs;
  }

  TemporaryDirectory directory_;
};

// By backup and operation. Runs of one backup and operation keep their order.
void Order(std::vector<Json>& runs) {
  std::ranges::stable_sort(runs, {}, [](const Json& run) {
    const std::string operation = Text(run, "operation");
    return Text(run, "backup") + " " + (operation.empty() ? "backup" : operation);
  });
}

TEST_P(Corpus, EachCapturedRunGetsItsExpectedResult) {
  auto expect = GetParam().capture.at("expect").get<std::vector<Json>>();
  std::vector<Json> runs = Runs();
  Order(expect);
  Order(runs);
  const std::size_t count = std::max(runs.size(), expect.size());
  for (std::size_t i = 0; i < count; ++i) {
    const Json like = i < expect.size() ? expect[i] : Json(runs[i]);
    EXPECT_EQ(i < runs.size() ? RunText(runs[i], like) : "no run",
              i < expect.size() ? RunText(like, like) : "no run")
        << "run " << i << " of: " << Text(GetParam().run, "what");
  }
}

// The true result is among the expected ones, unless truth.json says that the capture cannot show
// it.
TEST_P(Corpus, TheExpectationIsTheTruthUnlessTheCaptureCannotShowIt) {
  const Json& expect = GetParam().capture.at("expect");
  const std::string truth = GetParam().run.at("truth").at("result");
  const bool shown = std::ranges::any_of(
      expect, [&truth](const Json& run) { return Text(run, "result") == truth; });
  EXPECT_TRUE(shown || GetParam().capture.contains("cannot_tell") ||
              Text(GetParam().run, "operation") == "other")  // a listing is not a run itself
      << truth;
}

INSTANTIATE_TEST_SUITE_P(All, Corpus, testing::ValuesIn(AllCaptures()),
                         [](const auto& test) { return NameOf(test.param); });

TEST(CorpusOfRuns, TheCorpusHasRunsOfEveryTool) {
  std::set<std::string> tools;
  std::set<fs::path> runs;
  for (const RecordedCapture& one : AllCaptures()) {
    tools.insert(Text(one.run, "tool"));
    runs.insert(one.folder);
  }
  EXPECT_THAT(tools, testing::ElementsAre("borg", "borgmatic", "restic", "resticprofile"));
  EXPECT_GE(runs.size(), 120U);
}

}  // namespace
}  // namespace backup_exporter
