// Opening the ledger's file, and everything that can be wrong with it. The tests may run as root,
// to whom permissions do not apply.
#include "ledger/store/open.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "kit/ledger_fixture.h"

namespace backup_exporter {
namespace {

using testing::AllOf;

using testing::HasSubstr;

class Opening : public testing::Test {
 protected:
  // The error of opening the ledger; empty if there is none.
  [[nodiscard]] Error Open() const { return OpenAt(state_); }
  [[nodiscard]] static Error OpenAt(const std::string& directory) {
    auto opened = Ledger::Open({.directory = directory});
    return opened ? Error{} : opened.error();
  }
  [[nodiscard]] std::string Bytes(const std::string& name = "ledger.db") const {
    std::ifstream file(state_ + "/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void Write(const std::string& bytes) const {
    std::filesystem::create_directories(state_);
    std::ofstream(path_, std::ios::binary) << bytes;
  }
  // Creates a ledger with runs, and closes it.
  void Make() const {
    auto ledger = Ledger::Open({.directory = state_});
    ASSERT_TRUE(ledger);
    (*ledger)->Configure({SourceOf("log")});
    TestFile file("/log/home.log");
    for (int i = 0; i < 50; ++i) {
      std::vector<FileStep> steps{Step(file, {Finished(kSuccess).At(Night(1) + i * 1min)}, kQuiet)};
      ASSERT_TRUE((*ledger)->Commit("log", steps, Night(30)));
      file.position = steps[0].position;
    }
  }
  // The directory of a ledger that was never closed, with a success a night.
  [[nodiscard]] std::string Crashed(int nights) const {
    std::string crashed = directory_ / "crashed";
    const auto ledger = Ledger::Open({.directory = state_});
    EXPECT_TRUE(ledger);
    (*ledger)->Configure({SourceOf("log")});
    TestFile file("/log/home.log");
    for (int night = 1; night <= nights; ++night) {
      std::vector<FileStep> steps{Step(file, {Finished(kSuccess).At(Night(night))}, kQuiet)};
      EXPECT_TRUE((*ledger)->Commit("log", steps, Night(30)));
      file.position = steps[0].position;
    }
    std::filesystem::copy(state_, crashed);
    return crashed;
  }
  void Execute(const std::string& sql) const {
    SQLite::Database(path_, SQLite::OPEN_READWRITE).exec(sql);
  }
  // Opening fails each time, with a message that says how to proceed, and leaves the file
  // unchanged.
  void ExpectRefused(const std::string& why) const {
    const std::string before = Bytes();
    for (int attempt = 0; attempt < 2; ++attempt) {
      const Error error = Open();
      EXPECT_EQ(error.kind, ErrorKind::kInvalid);
      EXPECT_THAT(error.message, AllOf(HasSubstr("ledger: " + path_ + " " + why),
                                       HasSubstr("nothing was changed")));
      EXPECT_EQ(Bytes(), before);
    }
  }

  TemporaryDirectory directory_;
  const std::string state_ = directory_ / "a/state";
  const std::string path_ = state_ + "/ledger.db";
};

// Undoes the upgrades, which leaves a file of the earlier version.
TEST_F(Opening, AFileOfAnEarlierVersionIsUpgraded) {
  const std::string to_version_5 =
      "DROP INDEX runs_with_archive; ALTER TABLE monitor_counters RENAME TO tellings;"
      "ALTER TABLE failing RENAME COLUMN sent TO told;"
      "ALTER TABLE repositories RENAME COLUMN reported TO told;"
      "UPDATE counters SET name='folded' WHERE name='decoded'; PRAGMA user_version=5;";
  const std::string to_version_4 =
      to_version_5 +
      "ALTER TABLE expected DROP COLUMN configured; ALTER TABLE expected DROP COLUMN late;"
      "ALTER TABLE expected DROP COLUMN woke; DROP TABLE pauses;"
      "CREATE TABLE pauses(backup INTEGER NOT NULL, operation TEXT NOT NULL, begins INTEGER NOT "
      "NULL, ends INTEGER NOT NULL, reason TEXT NOT NULL, PRIMARY KEY(backup, operation));"
      "PRAGMA user_version=4;";
  const std::string to_version_3 =
      to_version_4 +
      "DROP TABLE expected; DROP TABLE pauses; ALTER TABLE totals DROP COLUMN missed;"
      "PRAGMA user_version=3;";
  const std::string to_version_2 =
      to_version_3 +
      "DROP TABLE messages; DROP TABLE entered; DROP TABLE failing; DROP TABLE tellings;"
      "PRAGMA user_version=2;";
  const std::string to_version_1 =
      "DROP TABLE progress; DROP TABLE listings; DROP TABLE repositories;"
      "ALTER TABLE feeds DROP COLUMN tool; ALTER TABLE feeds DROP COLUMN repository;"
      "PRAGMA user_version=1";
  for (const std::string& back :
       {to_version_5, to_version_4, to_version_3, to_version_2, to_version_2 + to_version_1}) {
    std::filesystem::remove_all(state_);
    Make();
    Execute(back);
    for (unsigned start = 0; start < 2; ++start) {
      auto ledger = Ledger::Open({.directory = state_});
      ASSERT_TRUE(ledger) << ledger.error().message;
      (*ledger)->Configure({SourceOf("log")});
      const auto standings = (*ledger)->standings();
      ASSERT_EQ(standings->backups.size(), 1U);
      EXPECT_EQ(standings->backups[0]->operations[0].runs, 50U + start);
      TestFile file("/log/home.log");
      std::vector<FileStep> steps{
          Step(file, {ArchivesCounted{.archives = 1, .oldest = Night(1), .newest = Night(2)},
                      Finished(kFailure).At(Night(9)), RunNoted{"it failed"}})};
      EXPECT_TRUE((*ledger)->Commit("log", steps, Night(30)));
    }
  }
}

TEST_F(Opening, TheDirectoryAndTheFileAreCreated) {
  EXPECT_EQ(Open().message, "");
  EXPECT_TRUE(std::filesystem::exists(path_));
  EXPECT_FALSE(std::filesystem::exists(path_ + ".new"));
  EXPECT_EQ(Open().message, "") << "and found again";
}

TEST_F(Opening, AHalfCreatedFileIsReplaced) {
  std::filesystem::create_directories(state_);
  std::ofstream(path_ + ".new") << "half";
  EXPECT_EQ(Open().message, "");
}

TEST_F(Opening, ADirectoryThatCannotBeCreatedIsAnError) {
  const std::string file = directory_ / "file";
  directory_.Write("file", "mine");
  for (const std::string& place : {file, file + "/state"}) {
    const Error error = OpenAt(place);
    EXPECT_EQ(error.kind, ErrorKind::kIo);
    EXPECT_THAT(error.message, AllOf(HasSubstr("ledger: cannot create the directory " + place +
                                               ": Not a directory"),
                                     HasSubstr("--storage.path")));
  }
  EXPECT_EQ(std::filesystem::file_size(file), 4u);
}

TEST_F(Opening, ADirectoryThatTakesNoFilesIsAnError) {
  // Nobody can create files in /proc.
  const Error error = OpenAt("/proc");
  EXPECT_EQ(error.kind, ErrorKind::kIo);
  EXPECT_THAT(error.message,
              AllOf(HasSubstr("ledger: cannot write to /proc: "), HasSubstr("--storage.path")));
}

TEST_F(Opening, ADirectoryWithoutWritePermissionIsAnError) {
  std::filesystem::create_directories(state_);
  std::filesystem::permissions(
      state_, std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  // Root may write everywhere.
  constexpr uid_t kNobody = 65534;
  const uid_t user = geteuid();
  if (user == 0) {
    ASSERT_EQ(chown(state_.c_str(), kNobody, kNobody), 0);
    for (auto above = std::filesystem::path(state_).parent_path();
         above != std::filesystem::temp_directory_path(); above = above.parent_path()) {
      std::filesystem::permissions(above, std::filesystem::perms(0755));
    }
    ASSERT_EQ(seteuid(kNobody), 0);
  }
  const std::string message = Open().message;
  ASSERT_EQ(seteuid(user), 0);
  EXPECT_THAT(message, HasSubstr("cannot write to " + state_ + ": Permission denied"));
  std::filesystem::permissions(state_, std::filesystem::perms::owner_all);
}

TEST_F(Opening, OnlyTheOwnerCanReadALedgerThatWasReadableByEveryone) {
  namespace fs = std::filesystem;
  const std::string crashed = Crashed(3);
  fs::permissions(crashed, fs::perms(0755));
  ASSERT_TRUE(fs::exists(crashed + "/ledger.db-wal"));
  for (const char* part : {"", "-wal", "-shm"}) {
    if (fs::exists(crashed + "/ledger.db" + part)) {
      fs::permissions(crashed + "/ledger.db" + part, fs::perms(0644));
    }
  }
  const auto ledger = Ledger::Open({.directory = crashed});
  ASSERT_TRUE(ledger) << ledger.error().message;
  for (const char* part : {"", "-wal", "-shm"}) {
    EXPECT_EQ(fs::status(crashed + "/ledger.db" + part).permissions(), fs::perms(0600)) << part;
  }
  EXPECT_EQ(fs::status(crashed).permissions(), fs::perms(0755)) << "it may be shared";
}

// faults.md 73
TEST_F(Opening, ALedgerInUseByAnotherExporterIsRefused) {
  {
    const auto first = Ledger::Open({.directory = state_});
    ASSERT_TRUE(first);
    (*first)->Configure({SourceOf("log")});
    const Error error = Open();
    EXPECT_EQ(error.kind, ErrorKind::kRefused);
    EXPECT_THAT(error.message, AllOf(HasSubstr(state_ + " is in use"),
                                     HasSubstr("(process " + std::to_string(getpid()) + ")"),
                                     HasSubstr("--storage.path")));
    TestFile file("/log/home.log");
    std::vector<FileStep> steps{Step(file, {Finished(kSuccess).At(Night(1))})};
    EXPECT_TRUE((*first)->Commit("log", steps, Night(30))) << "the first goes on";
  }
  EXPECT_EQ(Open().message, "") << "once the first is closed";
}

// faults.md 53
TEST_F(Opening, AnEmptyFileIsRefused) {
  Write("");
  ExpectRefused("is empty");
}

TEST_F(Opening, GarbageIsRefused) {
  Write(std::string(10000, 'x'));
  ExpectRefused("is damaged");
}

TEST_F(Opening, AFileOfZerosIsRefused) {
  Write(std::string(65536, '\0'));
  ExpectRefused("is ");
}

TEST_F(Opening, ATruncatedFileIsRefused) {
  Make();
  const auto size = std::filesystem::file_size(path_);
  for (const auto part : {size / 2, std::uintmax_t{5000}, std::uintmax_t{100}}) {
    SCOPED_TRACE(part);
    std::filesystem::resize_file(path_, part);
    ExpectRefused("is damaged");
  }
}

TEST_F(Opening, AFileWithADamagedPageIsRefused) {
  Make();
  std::string bytes = Bytes();
  for (std::size_t i = 4096 * 5; i < 4096 * 12 && i < bytes.size(); ++i)
    bytes[i] = static_cast<char>(i * 7);
  Write(bytes);
  ExpectRefused("is damaged");
}

// faults.md 75
TEST_F(Opening, AFileOfANewerVersionIsRefused) {
  Make();
  Execute("PRAGMA user_version=99");
  ExpectRefused(
      "was written by a newer backup_exporter (format 99, this version supports up to 6)");
}

TEST_F(Opening, AFileOfANewerVersionKeepsItsWalAfterACrash) {
  Make();
  // As after a crash, the newest pages are in the WAL.
  const std::string aside = directory_ / "aside";
  {
    SQLite::Database newer(path_, SQLite::OPEN_READWRITE);
    newer.exec("PRAGMA user_version=99");
    std::filesystem::copy(state_, aside);
  }
  std::filesystem::remove_all(state_);
  std::filesystem::rename(aside, state_);
  const std::string wal = Bytes("ledger.db-wal");
  EXPECT_NE(wal, "");
  ExpectRefused("was written by a newer backup_exporter");
  EXPECT_EQ(Bytes("ledger.db-wal"), wal);
}

TEST_F(Opening, TheDatabaseOfAnotherProgramIsRefused) {
  std::filesystem::create_directories(state_);
  SQLite::Database(path_, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE)
      .exec("CREATE TABLE songs(title)");
  ExpectRefused("is not a ledger of backup_exporter");
}

// faults.md 53.
TEST_F(Opening, WithRecoverAnUnusableFileIsSetAside) {
  for (const std::string garbage : {"garbage", "", "more garbage"}) {
    Write(garbage);
    EXPECT_THAT(Open().message, HasSubstr("start once with --storage.recover"));
    std::ofstream(path_ + "-wal") << "the rest of " << garbage;
    auto ledger = Ledger::Open({.directory = state_, .recover = true});
    ASSERT_TRUE(ledger) << ledger.error().message;
    EXPECT_EQ((*ledger)->standings()->errors, 1U);
    ledger->reset();
    EXPECT_EQ(Open().message, "");
  }
  EXPECT_EQ(Bytes("ledger.db.damaged"), "garbage");
  EXPECT_EQ(Bytes("ledger.db.damaged-wal"), "the rest of garbage");
  EXPECT_EQ(Bytes("ledger.db.damaged-2"), "");
  EXPECT_EQ(Bytes("ledger.db.damaged-3"), "more garbage");
}

TEST_F(Opening, WithRecoverASoundLedgerIsKept) {
  ASSERT_EQ(Open().message, "");
  const auto ledger = Ledger::Open({.directory = state_, .recover = true});
  ASSERT_TRUE(ledger);
  EXPECT_EQ((*ledger)->standings()->errors, 0U);
  EXPECT_FALSE(std::filesystem::exists(path_ + ".damaged"));
}

// faults.md 61, 63.
TEST_F(Opening, CommitsBeforeACrashAreThere) {
  auto after = Ledger::Open({.directory = Crashed(1)});
  ASSERT_TRUE(after);
  (*after)->Configure({SourceOf("log")});
  EXPECT_EQ((*after)->standings()->backups.at(0)->operations.at(0).last_success, Night(1));
}

// After a crash, someone moves ledger.db away, but not the files beside it.
TEST_F(Opening, TheWalOfAFileThatWasMovedAwayIsSetAside) {
  const std::string crashed = Crashed(1);
  std::filesystem::remove(crashed + "/ledger.db");
  auto after = Ledger::Open({.directory = crashed});
  ASSERT_TRUE(after);
  (*after)->Configure({SourceOf("log")});
  EXPECT_TRUE((*after)->standings()->backups.empty());
  EXPECT_TRUE(std::filesystem::exists(crashed + "/ledger.db.damaged-wal"));
}

TEST_F(Opening, ACommitTornByACrashIsDiscarded) {
  const std::string crashed = Crashed(2);
  const std::string wal = crashed + "/ledger.db-wal";
  std::filesystem::resize_file(wal, std::filesystem::file_size(wal) - 1000);
  auto after = Ledger::Open({.directory = crashed});
  ASSERT_TRUE(after);
  (*after)->Configure({SourceOf("log")});
  EXPECT_EQ((*after)->standings()->backups.at(0)->operations.at(0).last_success, Night(1));
  EXPECT_EQ((*after)->Checkpoints("log")->at(0).position.offset, 100u)
      << "position and runs go together";
}

}  // namespace
}  // namespace backup_exporter
