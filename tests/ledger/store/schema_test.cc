// Versions of the tables: a ledger of version 5, as the program of that time wrote it, is upgraded.
// tests/testdata/ledger/README.md says how the file was made.
#include "ledger/store/schema.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>

#include <filesystem>
#include <map>
#include <tuple>

#include "kit/ledger_fixture.h"
#include "kit/paths.h"
#include "ledger/offline_reader.h"
#include "ledger/store/open.h"

namespace backup_exporter {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

// When the file was written.
constexpr Time kWritten{std::chrono::seconds(1'796'079'050)};

class UpgradeFromVersion5 : public testing::Test {
 protected:
  UpgradeFromVersion5() {
    std::filesystem::create_directories(state_);
    std::filesystem::copy_file(std::string(kTestdataDir) + "/ledger/schema-5.db", path_);
    Open();
  }
  void Open() {
    ledger_.reset();
    auto opened = Ledger::Open({.directory = state_});
    ASSERT_TRUE(opened) << opened.error().message;
    ledger_ = std::move(*opened);
    std::vector<SourceRules> sources;
    for (const auto& [name, pattern] :
         std::map<std::string, std::string>{{"restic", "*.jsonl"},
                                            {"listing", "mail.json"},
                                            {"borg", "nas.log"},
                                            {"borgmatic", "borgmatic.log"}}) {
      sources.push_back({.source = name, .pattern = "/var/log/backups/" + pattern});
    }
    ledger_->Configure(std::move(sources));
    ledger_->Expect({{.backup = "home", .schedule = Every(24h), .grace = 2h}}, kWritten);
    ledger_->Subscribe({Monitor("healthchecks"), Monitor("ntfy")}, kWritten);
  }
  static Subscription Monitor(const std::string& name) {
    return {.monitor = name,
            .kind = name,
            .states = {NoticeState::kStart, NoticeState::kFinish, NoticeState::kFail,
                       NoticeState::kLog},
            .operations = {Operation::kBackup}};
  }
  // "state cause backup operation result reason" of each pending notice.
  std::vector<std::string> Pending(const std::string& monitor) {
    std::vector<std::string> pending;
    for (const Notice& notice : ledger_->Pending(monitor, 10)) {
      std::string line(Name(notice.state));
      for (const std::string_view name :
           {Name(notice.cause), std::string_view(notice.backup), Name(notice.operation),
            notice.result ? Name(*notice.result) : "-",
            notice.reason ? Name(*notice.reason) : "-"}) {
        line.append(" ").append(name);
      }
      pending.push_back(std::move(line));
    }
    return pending;
  }
  OperationStanding Of(const std::string& name) {
    const auto standings = ledger_->standings();
    for (const auto& backup : standings->backups) {
      if (backup->name == name) return backup->operations.at(0);
    }
    ADD_FAILURE() << "no backup " << name;
    return {};
  }
  int Version() {
    return SQLite::Database(path_, SQLite::OPEN_READONLY)
        .execAndGet("PRAGMA user_version")
        .getInt();
  }

  TemporaryDirectory directory_;
  const std::string state_ = directory_ / "state";
  const std::string path_ = state_ + "/ledger.db";
  std::unique_ptr<Ledger> ledger_;
};

TEST_F(UpgradeFromVersion5, TheFileHasTheNewVersionAndOpensAgain) {
  EXPECT_EQ(Version(), kSchemaVersion);
  const std::string before = StandingsText(*ledger_->standings());
  Open();
  EXPECT_EQ(StandingsText(*ledger_->standings()), before);
}

TEST_F(UpgradeFromVersion5, StandingsAreAsBefore) {
  const OperationStanding home = Of("home");
  EXPECT_EQ(home.runs, 1u);
  EXPECT_EQ(home.last_success, Time(Duration(1'796'079'031'986'071)));
  EXPECT_EQ(home.last_success_evidence, Evidence::kReport);
  ASSERT_TRUE(home.running);
  EXPECT_EQ(home.running->processed_bytes, 1'000'000u);
  EXPECT_EQ(home.running->expected_bytes, 4'000'000u);
  ASSERT_TRUE(home.expected);
  EXPECT_EQ(home.expected->origin, Origin::kConfigured);
  EXPECT_EQ(home.expected->interval, 24h);
  EXPECT_TRUE(home.expected->watched);

  const OperationStanding mail = Of("mail");
  EXPECT_EQ(mail.runs, 9u);
  EXPECT_EQ(mail.last_success_evidence, Evidence::kArchive);
  ASSERT_TRUE(mail.expected);
  EXPECT_EQ(mail.expected->origin, Origin::kLearned);
  EXPECT_EQ(mail.expected->interval, 72h);

  const OperationStanding photos = Of("photos");
  EXPECT_EQ(photos.consecutive_failures, 1u);
  EXPECT_EQ(photos.last_failure_reason, Reason::kNoSpace);
  ASSERT_TRUE(photos.paused);
  EXPECT_EQ(photos.paused->reason, "new disk");
  EXPECT_EQ(photos.paused->until, Time(Duration(1'796'107'846'213'007)));

  EXPECT_TRUE(Of("nas").running);
  EXPECT_TRUE(Of("local").running);
}

TEST_F(UpgradeFromVersion5, CountersOfSourcesAndMonitorsAreKept) {
  const auto standings = ledger_->standings();
  EXPECT_EQ(standings->sources.at("restic").counts.records, 6u);
  EXPECT_EQ(standings->sources.at("restic").counts.decoded, 6u) << "was stored as `folded`";
  EXPECT_EQ(standings->sources.at("borgmatic").counts.decoded, 14u);
  EXPECT_EQ(standings->monitors.at("healthchecks").pending, 3u);
  EXPECT_EQ(standings->monitors.at("ntfy").pending, 3u);
  EXPECT_EQ(standings->monitors.at("ntfy").up, false);
}

TEST_F(UpgradeFromVersion5, PendingNoticesAreRead) {
  EXPECT_THAT(Pending("ntfy"),
              ElementsAre("finish run home backup success -",
                          "fail run photos backup failure no_space", "start run home backup - -"));
  EXPECT_THAT(Pending("healthchecks"),
              ElementsAre("log run photos backup failure no_space",
                          "fail run photos backup failure no_space", "start run home backup - -"));
}

TEST_F(UpgradeFromVersion5, CheckpointsAndDecoderStatesAreKept) {
  std::map<std::string, std::tuple<std::uint64_t, std::string>> files;
  for (const char* source : {"restic", "listing", "borg", "borgmatic"}) {
    const auto checkpoints = ledger_->Checkpoints(source);
    ASSERT_TRUE(checkpoints);
    for (const Checkpoint& checkpoint : *checkpoints) {
      files[checkpoint.position.path] = {checkpoint.position.offset,
                                         checkpoint.decoder_state.substr(0, 12)};
    }
  }
  using Kept = std::tuple<std::uint64_t, std::string>;
  EXPECT_THAT(files,
              UnorderedElementsAre(
                  std::pair("/var/log/backups/home.jsonl", Kept(589, "[1,0,4,100,1")),
                  std::pair("/var/log/backups/photos.jsonl", Kept(239, "[4,0,0,0,0,0")),
                  std::pair("/var/log/backups/mail.json", Kept(2449, "")),
                  std::pair("/var/log/backups/nas.log", Kept(179, "{\"archive\":\"")),
                  std::pair("/var/log/backups/borgmatic.log", Kept(1691, "{\"actions\":["))));
}

// The exporter is not running, so nothing has upgraded the file.
TEST(LedgerOfVersion5, CanBeReadWithoutAnUpgrade) {
  const TemporaryDirectory directory;
  std::filesystem::copy_file(std::string(kTestdataDir) + "/ledger/schema-5.db",
                             directory / "ledger.db");
  const std::string state = directory / "";
  const auto pending = ReadPending(state);
  ASSERT_TRUE(pending) << pending.error().message;
  ASSERT_EQ(pending->size(), 6u);
  EXPECT_EQ(pending->at(0).backup, "photos");
  EXPECT_EQ(pending->at(0).operation, "backup");
  EXPECT_THAT(ReadBackupNames(state).value(),
              ElementsAre("home", "local", "mail", "nas", "photos"));
  EXPECT_EQ(ReadPause(state, "photos", kWritten).value(), Time(Duration(1'796'107'846'213'007)));
}

TEST(LedgerOfVersion7, ALedgerOfVersion7IsRefused) {
  const TemporaryDirectory directory;
  const std::string state = directory / "state";
  ASSERT_TRUE(Ledger::Open({.directory = state}));
  SQLite::Database(state + "/ledger.db", SQLite::OPEN_READWRITE).exec("PRAGMA user_version=7");
  const auto opened = Ledger::Open({.directory = state});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::kInvalid);
  EXPECT_THAT(opened.error().message, HasSubstr("newer backup_exporter (format 7"));
}

// The columns of every table, by its name.
std::map<std::string, std::vector<std::string>> ColumnsOf(SQLite::Database& database) {
  std::map<std::string, std::vector<std::string>> tables;
  SQLite::Statement select(
      database,
      "SELECT m.name,c.name FROM sqlite_master AS m, pragma_table_info(m.name) "
      "AS c WHERE m.type IN ('table','index') ORDER BY m.name,c.name");
  while (select.executeStep()) {
    tables[select.getColumn(0).getString()].push_back(select.getColumn(1).getString());
  }
  return tables;
}

TEST_F(UpgradeFromVersion5, TheTablesAreThoseOfANewLedger) {
  SQLite::Database fresh(":memory:", SQLite::OPEN_READWRITE);
  CreateTables(fresh);
  SQLite::Database upgraded(path_, SQLite::OPEN_READONLY);
  EXPECT_EQ(ColumnsOf(upgraded), ColumnsOf(fresh));
}

TEST(NewLedger, OnlyItsOwnerCanReadIt) {
  const TemporaryDirectory directory;
  const std::string state = directory / "state";
  auto ledger = Ledger::Open({.directory = state});
  ASSERT_TRUE(ledger);
  (*ledger)->Expect({}, kWritten);
  using std::filesystem::perms;
  EXPECT_EQ(std::filesystem::status(state).permissions(), perms::owner_all);
  for (const char* name : {"/ledger.db", "/ledger.db-wal", "/ledger.db-shm", "/lock"}) {
    EXPECT_EQ(std::filesystem::status(state + name).permissions(),
              perms::owner_read | perms::owner_write)
        << name;
  }
}

}  // namespace
}  // namespace backup_exporter
