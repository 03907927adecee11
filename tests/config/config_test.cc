#include "config/config.h"

#include <gmock/gmock.h>
#include <re2/re2.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "kit/paths.h"

namespace backup_exporter {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;

std::string ReadFile(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  EXPECT_TRUE(stream) << path;
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

std::vector<fs::path> Examples() {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(std::string(kTestdataDir) + "/config")) {
    if (entry.path().extension() == ".yaml") paths.push_back(entry.path());
  }
  std::ranges::sort(paths);
  return paths;
}

ConfigurationOrErrors Parse(std::string_view text) {
  return ParseConfiguration(text, "a.yaml", "/etc/backup_exporter");
}

Configuration Parsed(std::string_view text) {
  auto parsed = Parse(text);
  if (parsed) return *parsed;
  for (const ConfigError& error : parsed.error()) ADD_FAILURE() << Describe(error);
  return {};
}

std::vector<std::string> NamesOf(std::string_view text) {
  std::vector<std::string> names;
  for (const SourceConfig& source : Parsed(text).sources) names.push_back(source.ingest.input.name);
  return names;
}

// Holds for any text: it is a configuration with sources, or has errors at positions in the text.
void ExpectSourcesOrErrors(const std::string& text) {
  const auto parsed = Parse(text);
  if (parsed) {
    EXPECT_FALSE(parsed->sources.empty()) << text;
    return;
  }
  EXPECT_FALSE(parsed.error().empty()) << text;
  const auto lines = std::ranges::count(text, '\n') + 2;  // the error may be the end of the text
  for (const ConfigError& error : parsed.error()) {
    EXPECT_LE(error.line, lines) << Describe(error) << "\n" << text;
    EXPECT_GE(error.line, 0) << Describe(error) << "\n" << text;
    EXPECT_EQ(error.line > 0, error.column > 0) << Describe(error) << "\n" << text;
    EXPECT_FALSE(error.text.empty()) << text;
  }
}

class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "config_test.XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  fs::path operator/(const std::string& name) const { return path_ / name; }
  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
    return (path_ / name).string();
  }

 private:
  fs::path path_;
};

constexpr const char* kSmallest = "sources: [{format: restic, path: logs/*.jsonl}]\n";

TEST(Configuration, OptionsOfEachSourceFollowFromItsKeysAndFormat) {
  const Configuration configuration = Parsed(R"yaml(
sources:
  - {format: borg, path: /a/*.log, timezone: America/New_York, complete: true, operation: backup}
  - {format: borgmatic, path: /b/*.log, match: "/b/(?<host>[a-z]+)", backup: "{host} {label}"}
  - {format: borgmatic-checks, path: /c/*, backup: home}
  - {format: auto, path: /d/*}
)yaml");
  ASSERT_EQ(configuration.sources.size(), 4U);
  const SourceConfig& borg = configuration.sources[0];
  EXPECT_EQ(borg.ingest.input.framing, Framing::kDocuments);
  EXPECT_EQ(borg.ingest.decoder.zone.At(ParseLocalTime("2026-11-21T00:00:00").value()).first,
            ParseRfc3339("2026-11-21T05:00:00Z"));
  EXPECT_TRUE(borg.rules.complete);
  EXPECT_TRUE(borg.rules.operation_configured);
  EXPECT_EQ(borg.rules.tool, "borg");
  EXPECT_EQ(borg.rules.backup, "{stem}");
  const SourceConfig& borgmatic = configuration.sources[1];
  ASSERT_NE(borgmatic.rules.match, nullptr);
  EXPECT_EQ(borgmatic.rules.match->pattern(), "/b/(?P<host>[a-z]+)");
  EXPECT_EQ(borgmatic.rules.backup, "{host} {label}");
  EXPECT_FALSE(borgmatic.rules.complete);
  EXPECT_FALSE(borgmatic.rules.operation_configured);
  EXPECT_EQ(configuration.sources[2].ingest.input.framing, Framing::kStamps);
  EXPECT_EQ(configuration.sources[2].rules.tool, "borgmatic");
  EXPECT_EQ(configuration.sources[3].rules.backup, "") << "the recognised format gives the name";
}

TEST(Configuration, EveryExampleHasItsRecordedErrors) {
  const auto examples = Examples();
  ASSERT_FALSE(examples.empty());
  for (const fs::path& path : examples) {
    const std::string name = path.filename().string();
    std::string found;
    if (const auto parsed = ParseConfiguration(ReadFile(path), name, "/etc"); !parsed) {
      for (const ConfigError& error : parsed.error()) found += Describe(error) + "\n";
    }
    EXPECT_EQ(found, ReadFile(fs::path(path).replace_extension(".errors"))) << name;
  }
}

TEST(Configuration, TheSmallestConfigurationHasTheDefaultsOfItsFormat) {
  const Configuration configuration = Parsed(kSmallest);
  EXPECT_EQ(configuration.storage_path, std::nullopt);
  EXPECT_EQ(configuration.retention, std::chrono::days(400));
  ASSERT_EQ(configuration.sources.size(), 1u);
  const SourceConfig& source = configuration.sources[0];
  EXPECT_EQ(source.ingest.format, "restic");
  EXPECT_EQ(source.ingest.input.name, "restic");
  EXPECT_EQ(source.ingest.input.pattern, "/etc/backup_exporter/logs/*.jsonl");
  EXPECT_EQ(source.ingest.input.framing, FormatNamed("restic")->framing);
  EXPECT_FALSE(source.ingest.decoder.extended_status);
  EXPECT_EQ(source.rules.source, "restic");
  EXPECT_EQ(source.rules.tool, "restic");
  EXPECT_EQ(source.rules.pattern, source.ingest.input.pattern);
  EXPECT_EQ(source.rules.backup, FormatNamed("restic")->backup);
  EXPECT_FALSE(source.rules.backup_configured);
  EXPECT_EQ(source.rules.repository, "");
  EXPECT_EQ(source.rules.operation, Operation::kBackup);
  EXPECT_FALSE(source.rules.warnings_are_failures);
}

TEST(Configuration, EveryKeySetsItsOption) {
  const Configuration configuration = Parsed(R"(
sources:
  - name: nightly
    format: restic
    path: /var/log/restic/*.jsonl
    backup: "{dir}-{stem}"
    repository: nas
    operation: check
    warnings_count_as: failure
    record_limit: 1048576
  - format: resticprofile
    path: /var/lib/resticprofile/*.json
    backup: "{profile}"
    extended_status: true
    warnings_count_as: warning
storage:
  path: state
  retention: 30d
)");
  EXPECT_EQ(configuration.storage_path, "/etc/backup_exporter/state");
  EXPECT_EQ(configuration.retention, std::chrono::days(30));
  ASSERT_EQ(configuration.sources.size(), 2u);
  const SourceConfig& restic = configuration.sources[0];
  EXPECT_EQ(restic.ingest.input.name, "nightly");
  EXPECT_EQ(restic.ingest.input.pattern, "/var/log/restic/*.jsonl");
  EXPECT_EQ(restic.rules.source, "nightly");
  EXPECT_EQ(restic.rules.backup, "{dir}-{stem}");
  EXPECT_TRUE(restic.rules.backup_configured);
  EXPECT_EQ(restic.rules.repository, "nas");
  EXPECT_EQ(restic.rules.operation, Operation::kCheck);
  EXPECT_TRUE(restic.rules.warnings_are_failures);
  EXPECT_EQ(restic.ingest.input.record_limit, 1048576u);
  const SourceConfig& profiles = configuration.sources[1];
  EXPECT_EQ(profiles.ingest.input.framing, FormatNamed("resticprofile")->framing);
  EXPECT_TRUE(profiles.ingest.decoder.extended_status);
  EXPECT_EQ(profiles.rules.tool, "resticprofile");
  EXPECT_TRUE(profiles.rules.backup_configured);
  EXPECT_FALSE(profiles.rules.warnings_are_failures);
  EXPECT_EQ(profiles.ingest.input.record_limit, 16u << 20);
}

TEST(Configuration, SourcesWithoutANameAreNumberedAroundThoseWithOne) {
  EXPECT_THAT(NamesOf(R"(
sources:
  - {format: restic, path: /a}
  - {format: restic, path: /b}
  - {format: restic, path: /c, name: restic-2}
  - {format: resticprofile, path: /d}
  - {format: restic, path: /e, name: last}
)"),
              ElementsAre("restic", "restic-3", "restic-2", "resticprofile", "last"));
}

TEST(Configuration, AConfiguredNameIsNeverGivenToAnotherSource) {
  EXPECT_THAT(NamesOf(R"(
sources:
  - {format: restic, path: /a}
  - {format: resticprofile, path: /b, name: restic}
)"),
              ElementsAre("restic-2", "restic"));
}

TEST(Configuration, PathsLoseSingleDotsAndKeepDoubleDots) {
  const auto pattern = [](const std::string& path) {
    return Parsed("sources: [{format: restic, path: \"" + path + "\"}]")
        .sources.at(0)
        .ingest.input.pattern;
  };
  EXPECT_EQ(pattern("a.jsonl"), "/etc/backup_exporter/a.jsonl");
  EXPECT_EQ(pattern("./a//b/./*.jsonl"), "/etc/backup_exporter/a/b/*.jsonl");
  EXPECT_EQ(pattern("../log/a"), "/etc/backup_exporter/../log/a");
  EXPECT_EQ(pattern("//var/./log/[ab]?.jsonl"), "/var/log/[ab]?.jsonl");
}

TEST(Configuration, ARelativePathStartsAtTheDirectoryOfTheFile) {
  const Folder folder;
  const auto loaded = LoadConfiguration(folder.Write("a.yaml", kSmallest));
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->sources.at(0).ingest.input.pattern, (folder / "logs/*.jsonl").string());

  const fs::path here = fs::current_path();
  fs::current_path(folder / "");
  const auto loaded_here = LoadConfiguration("a.yaml");
  fs::current_path(here);
  ASSERT_TRUE(loaded_here);
  EXPECT_EQ(loaded_here->sources.at(0).ingest.input.pattern, (folder / "logs/*.jsonl").string());
}

TEST(Configuration, ErrorsNameTheFileAsOnTheCommandLine) {
  const Folder folder;
  const std::string path = folder.Write("a.yaml", "sources: x\n");
  const auto loaded = LoadConfiguration(path);
  ASSERT_FALSE(loaded);
  ASSERT_EQ(loaded.error().size(), 1u);
  EXPECT_EQ(Describe(loaded.error()[0]), path + ":1:10: `sources` must be a list, not text");
}

class UnreadableConfiguration : public ::testing::Test {
 protected:
  // The text of the one error that loading reports, without the path in front of it.
  static std::string WhyNot(const fs::path& path) {
    const auto loaded = LoadConfiguration(path.string());
    if (loaded || loaded.error().size() != 1) return "";
    const std::string described = Describe(loaded.error()[0]);
    const std::string begin = path.string() + ": ";
    return described.starts_with(begin) ? described.substr(begin.size()) : described;
  }
  Folder folder_;
};

TEST_F(UnreadableConfiguration, AMissingFileMayBeNamedWithAFlag) {
  constexpr const char* kMissing =
      "No such file or directory; name the configuration with --config.file";
  EXPECT_EQ(WhyNot(folder_ / "missing.yaml"), kMissing);
  EXPECT_EQ(WhyNot(""), kMissing);
}

TEST_F(UnreadableConfiguration, ADirectoryIsNotAConfiguration) {
  EXPECT_EQ(WhyNot(folder_ / ""), "is a directory, not a regular file");
}

TEST_F(UnreadableConfiguration, ALoopOfLinksIsReported) {
  fs::create_symlink("loop.yaml", folder_ / "loop.yaml");
  EXPECT_EQ(WhyNot(folder_ / "loop.yaml"), "Too many levels of symbolic links");
}

TEST_F(UnreadableConfiguration, MissingPermissionIsReported) {
  const std::string path = folder_.Write("a.yaml", kSmallest);
  fs::permissions(path, fs::perms::none);
  // Root has every permission.
  constexpr uid_t kNobody = 65534;
  const uid_t user = ::geteuid();
  if (user == 0) {
    ASSERT_EQ(::seteuid(kNobody), 0);
  }
  const std::string why = WhyNot(path);
  ASSERT_EQ(::seteuid(user), 0);
  EXPECT_EQ(why, "Permission denied");
}

TEST_F(UnreadableConfiguration, AFileAboveTheLimitIsReported) {
  const std::string comment = "#" + std::string((1 << 20) - std::string(kSmallest).size() - 2, 'x');
  const std::string largest = kSmallest + comment + "\n";
  EXPECT_TRUE(LoadConfiguration(folder_.Write("largest.yaml", largest)));
  EXPECT_EQ(WhyNot(folder_.Write("larger.yaml", largest + "\n")),
            "is larger than 1048576 bytes, which is the limit");
}

TEST(Configuration, FilesCutOffAnywhereAreAcceptedOrHaveErrors) {
  for (const fs::path& path : Examples()) {
    const std::string text = ReadFile(path);
    for (std::size_t size = 0; size <= text.size(); ++size)
      ExpectSourcesOrErrors(text.substr(0, size));
  }
}

TEST(Configuration, FilesWithChangedBytesAreAcceptedOrHaveErrors) {
  std::mt19937 random(20261121);
  const std::string bytes =
      "sources: - format restic path \n\n\n  \t{}[]\"'&*!|>#%@`,?~\\:-\xC3\xBC\xFF";
  const auto below = [&](std::size_t limit) { return random() % limit; };
  for (const fs::path& path : Examples()) {
    const std::string text = ReadFile(path);
    for (int round = 0; round < 200; ++round) {
      std::string changed = text;
      for (std::size_t changes = below(4); changes <= 4; ++changes) {
        const std::size_t at = below(changed.size() + 1);
        changed.replace(at, below(3), bytes.substr(below(bytes.size()), below(3)));
      }
      ExpectSourcesOrErrors(changed);
    }
  }
}

TEST(Configuration, RandomBytesAreAcceptedOrHaveErrors) {
  std::mt19937 random(20261121);
  const std::string yaml = "a: - \n\n \t{}[]\"'&*!|>#%@,?~\\.";
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (std::size_t size = random() % 60; text.size() < size;) {
      text += round % 4 == 0 ? static_cast<char>(random()) : yaml[random() % yaml.size()];
    }
    ExpectSourcesOrErrors(text);
  }
}

}  // namespace
}  // namespace backup_exporter
