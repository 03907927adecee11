// A source of format `auto` over files of all tools.

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <sstream>

#include "kit/exporter_process.h"
#include "kit/paths.h"
#include "kit/temporary_directory.h"

namespace backup_exporter {
namespace {

namespace fs = std::filesystem;

struct Recorded {
  std::string file;    // below testdata/corpus
  std::string name;    // what it is copied to
  std::string format;  // the format to be recognised
  std::string backup;  // the backup that it is about
};

const std::vector<Recorded> kRecorded{
    {"restic-0.19.1/backup-both/both.jsonl", "web.jsonl", "restic", "web"},
    {"resticprofile-0.33.1/backup/status.json", "status.json", "resticprofile", "home"},
    {"borg-1.4.5/create-json/stdout.json", "mail.json", "borg", "mail"},
    {"borgmatic-2.1.10/create-json/stdout.json", "borgmatic.json", "borgmatic", "local"},
    {"borgmatic-2.1.10/log-json-stats/borgmatic.log", "borgmatic.log", "borgmatic", "/srv/repo"},
};

class AutoFormat : public testing::Test {
 protected:
  void SetUp() override {
    directory_.MakeDirectory("in");
    for (const Recorded& recorded : kRecorded) {
      fs::copy_file(fs::path(kTestdataDir) / "corpus" / recorded.file,
                    directory_ / ("in/" + recorded.name));
    }
  }
  [[nodiscard]] std::string Configured(const std::string& sources) const {
    directory_.Write("config.yaml", "sources:\n" + sources);
    return directory_ / "config.yaml";
  }
  // The series of backups on a page, except backup_info, which names the source.
  static std::vector<std::string> Backups(const Page& page) {
    std::vector<std::string> lines;
    std::istringstream text(page.text());
    for (std::string line; std::getline(text, line);) {
      const bool of_backup = line.find("{backup=\"") != std::string::npos;
      if (of_backup && !line.starts_with("backup_info{")) lines.push_back(line);
    }
    return lines;
  }
  // The tool that `backup_info` names.
  static std::string ToolOf(const Page& page, const std::string& backup) {
    const std::string head = "\nbackup_info{backup=\"" + backup + "\",tool=\"";
    const std::size_t at = page.text().find(head);
    if (at == std::string::npos) return {};
    const std::size_t begin = at + head.size();
    return page.text().substr(begin, page.text().find('"', begin) - begin);
  }

  TemporaryDirectory directory_;
};

// The recordings print local times.
constexpr const char* kAuto = "  - format: auto\n    path: in/*\n    timezone: Europe/Berlin\n";

TEST_F(AutoFormat, EveryFileIsReadAsItsOwnFormatWouldReadIt) {
  std::string sources;
  for (const Recorded& recorded : kRecorded) {
    sources += "  - format: " + recorded.format + "\n    path: in/" + recorded.name + "\n";
    if (recorded.format.starts_with("borg")) sources += "    timezone: Europe/Berlin\n";
  }
  const Page right = OncePage(kProgram, Configured(sources));
  const Page found = OncePage(kProgram, Configured(kAuto));
  EXPECT_EQ(Backups(found), Backups(right));
  for (const Recorded& recorded : kRecorded) {
    EXPECT_EQ(ToolOf(found, recorded.backup), recorded.format) << recorded.file;
    EXPECT_EQ(found.Result(recorded.backup, "backup"), "success") << recorded.file;
    EXPECT_GT(found.Number("backup_last_success_timestamp_seconds{backup=\"" + recorded.backup +
                           "\",operation=\"backup\"}"),
              0)
        << recorded.file;
  }
  EXPECT_EQ(found.Number("backup_source_up{source=\"auto\"}"), 1);
  EXPECT_EQ(found.Number("backup_source_parse_errors_total{source=\"auto\"}"), 0);
  EXPECT_EQ(found.Number("backup_source_files{source=\"auto\"}"), kRecorded.size());
}

TEST_F(AutoFormat, TheRecognisedFormatSurvivesARestart) {
  const std::string config = Configured(kAuto);
  ExporterProcess first(kProgram, config, directory_.path());
  ASSERT_TRUE(Eventually([&] { return first.Scrape().Result("web", "backup") == "success"; }));
  const Page before = first.Scrape();
  EXPECT_EQ(first.Stop(), 0);
  // This line alone does not show which tool wrote it.
  directory_.Append("in/web.jsonl", "Fatal: wrong password or no key found\n");
  const ExporterProcess second(kProgram, config, directory_.path());
  ASSERT_TRUE(Eventually([&] { return second.Scrape().Result("web", "backup") == "failure"; }));
  const Page after = second.Scrape();
  for (const Recorded& recorded : kRecorded) {
    const std::string success = "backup_last_success_timestamp_seconds{backup=\"" +
                                recorded.backup + "\",operation=\"backup\"}";
    EXPECT_EQ(after.Find(success), before.Find(success));
    EXPECT_EQ(ToolOf(after, recorded.backup), recorded.format);
  }
}

TEST_F(AutoFormat, AFileOfNoKnownToolIsIgnored) {
  directory_.Write("in/notes.txt", "a backup was made\n{\"success\":true}\n[1,2]\n");
  const Page page = OncePage(kProgram, Configured(kAuto));
  EXPECT_EQ(page.Result("notes", "backup"), "");
  EXPECT_EQ(page.Result("web", "backup"), "success");
}

}  // namespace
}  // namespace backup_exporter
