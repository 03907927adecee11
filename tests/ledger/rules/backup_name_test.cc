// Names of backups, from the paths of files and the names in records.
#include "ledger/rules/backup_name.h"

#include <gtest/gtest.h>

namespace backup_exporter {
namespace {

std::string NameOf(std::string_view pattern, const std::string& path, const Named& of = {}) {
  return BackupName(pattern, nullptr, path, of);
}

TEST(BackupName, PlaceholdersAreFilledFromFileAndRecord) {
  const Named work{.label = "work", .repository = "/mnt/nas"};
  EXPECT_EQ(NameOf("{stem}", "/var/log/nas/home.2026.jsonl"), "home.2026");
  EXPECT_EQ(NameOf("{stem}", "/var/log/nas/home"), "home");
  EXPECT_EQ(NameOf("{dir}", "/var/log/nas/home.jsonl"), "nas");
  EXPECT_EQ(NameOf("{profile}", "/var/log/nas/home.jsonl", work), "work");
  EXPECT_EQ(NameOf("{label}", "/var/log/nas/home.jsonl", work), "work");
  EXPECT_EQ(NameOf("{repository}", "/var/log/nas/home.jsonl", work), "/mnt/nas");
  EXPECT_EQ(NameOf("{dir}/{stem} of {profile}", "/var/log/nas/home.jsonl", work),
            "nas/home of work");
  EXPECT_EQ(NameOf("nas", "/var/log/home.jsonl", work), "nas");
}

TEST(BackupName, FilledInTextIsNotATemplate) {
  EXPECT_EQ(NameOf("{stem}", "/log/{dir}.json", {.label = "work"}), "{dir}");
  EXPECT_EQ(NameOf("{stem", "/log/home.json"), "{stem");
  EXPECT_EQ(NameOf("{other}", "/log/home.json"), "{other}");
  EXPECT_EQ(NameOf("", "/log/home.json"), "");
}

TEST(BackupName, TheStemReplacesANameThatTheRecordLacks) {
  EXPECT_EQ(NameOf("{label}", "/log/home.log"), "home");
  EXPECT_EQ(NameOf("{dir}-{repository}", "/log/home.log"), "log-home");
}

TEST(BackupName, ARotatedFileKeepsItsName) {
  for (const std::string name :
       {"home.jsonl", "home.jsonl.1", "home.jsonl.14", "home.jsonl-20261121", "home.jsonl.20261121",
        "home.jsonl-20261121-0230", "home.jsonl-2026-11-21", "home-20261121.jsonl",
        "home.2026-11-21.jsonl"}) {
    EXPECT_EQ(NameOf("{stem}", "/log/" + name), "home") << name;
    EXPECT_EQ(WithoutRotation("/log/" + name), "/log/home.jsonl") << name;
  }
}

TEST(BackupName, NumbersThatAreNoRotationSuffixAreKept) {
  EXPECT_EQ(NameOf("{stem}", "/log/host-1.jsonl"), "host-1");
  EXPECT_EQ(NameOf("{stem}", "/log/db.2.json"), "db.2");
  EXPECT_EQ(NameOf("{stem}", "/log/srv-12345678.log"), "srv-12345678");
  EXPECT_EQ(NameOf("{stem}", "/log/20261121.json"), "20261121");
}

TEST(BackupName, NamedGroupsOfTheMatchArePlaceholders) {
  const re2::RE2 match("^/srv/(?P<host>[^/]+)/(?P<job>[a-z]+)");
  EXPECT_EQ(BackupName("{host}/{job}", &match, "/srv/web1/home.json", {}), "web1/home");
  EXPECT_EQ(BackupName("{job} {stem}", &match, "/srv/web1/home.json", {}), "home home");
  EXPECT_EQ(BackupName("{host}", &match, "/var/log/home.json", {}), "") << "it does not match";
}

}  // namespace
}  // namespace backup_exporter
