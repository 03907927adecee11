// Files and directories that cannot be read for a while, and paths with special files.

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>

#include "kit/source_rig.h"

namespace backup_exporter {
namespace {

using std::chrono::seconds;

class Permission : public testing::Test, protected SourceRig {};

TEST_F(Permission, AFileThatCanBeReadAgainResumesAtItsCheckpoint) {
  options.max_open_files = 1;
  directory.Write("a.log", "1\n");
  directory.Write("b.log", "1\n");
  Read();
  ReadAfterChange("b.log");
  directory.Append("a.log", "2\n");
  directory.Append("b.log", "2\n");
  files.FailOpen(directory / "a.log", ErrorKind::kRefused);
  EXPECT_EQ(ReadAfterSweep(), (Texts{"2"})) << "the other file is not affected";
  EXPECT_FALSE(Status().up);
  EXPECT_EQ(Status().unreadable_files, 1U);
  EXPECT_EQ(Status().permission, 1U);
  EXPECT_EQ(Status().lag_bytes, 2U);
  ReadAfterSweep();
  ReadAfterSweep();
  EXPECT_EQ(Status().permission, 1U) << "once each time it is lost";
  EXPECT_EQ(messages.size(), 1U);
  files.Heal();
  EXPECT_EQ(ReadAfterChange("a.log"), (Texts{"2"}));
  EXPECT_TRUE(Status().up);
  EXPECT_EQ(messages.size(), 2U);
}

TEST_F(Permission, AFileUnreadableFromTheStartIsReportedOnce) {
  directory.Write("a.log", "1\n");
  files.FailOpen(directory / "a.log", ErrorKind::kRefused);
  EXPECT_EQ(Read(), Texts{});
  ReadAfterSweep();
  EXPECT_EQ(Status().permission, 1U);
  EXPECT_FALSE(Status().last_read);
  files.Heal();
  EXPECT_EQ(ReadAfterSweep(), (Texts{"1"}));
  EXPECT_TRUE(Status().last_read);
}

TEST_F(Permission, AnUnreadableDirectoryIsNotMistakenForDeletedFiles) {
  options.pattern = directory / "*/a.log";
  for (const char* name : {"one", "two", "three"}) {
    directory.MakeDirectory(name);
    directory.Write(std::string(name) + "/a.log", "1\n");
  }
  Read();
  files.FailList(directory / "two", ErrorKind::kRefused);
  files.FailStat(directory / "two", ErrorKind::kRefused);
  directory.Append("one/a.log", "2 of one\n");
  directory.Append("two/a.log", "2 of two\n");
  directory.Append("three/a.log", "2 of three\n");
  EXPECT_EQ(ReadAfterSweep(), (Texts{"2 of one", "2 of three"}));
  EXPECT_EQ(Over(), 0);
  EXPECT_FALSE(Status().up);
  EXPECT_EQ(Status().permission, 2U) << "of the directory, and of the file in it";
  ReadAfterSweep();
  EXPECT_EQ(Status().permission, 2U);
  files.Heal();
  EXPECT_EQ(ReadAfterSweep(), (Texts{"2 of two"}));
  EXPECT_TRUE(Status().up);
}

TEST_F(Permission, AnUnreadableDirectoryAtTheStartForgetsNothing) {
  options.pattern = directory / "*/a.log";
  directory.MakeDirectory("one");
  directory.Write("one/a.log", "1\n");
  Read();
  files.FailList(directory / "one", ErrorKind::kRefused);
  files.FailStat(directory / "one", ErrorKind::kRefused);
  Start();
  EXPECT_EQ(Read(), Texts{});
  EXPECT_EQ(Over(), 0);
  files.Heal();
  directory.Append("one/a.log", "2\n");
  EXPECT_EQ(ReadAfterSweep(), (Texts{"2"}));
}

TEST_F(Permission, AFileThatBecomesReadableIsNoticedByAnEvent) {
  directory.Write("a.log", "1\n");
  Read();
  files.FailStat(directory / "a.log", ErrorKind::kRefused);
  Start();
  EXPECT_EQ(Read(), Texts{});
  files.Heal();
  directory.Append("a.log", "2\n");
  EXPECT_EQ(ReadAfterChange("a.log"), (Texts{"2"}));
  EXPECT_EQ(ledger.size(), 1U);
}

TEST_F(Permission, AFailedReadIsCountedAndRetried) {
  directory.Write("a.log", "1\n");
  Read();
  directory.Append("a.log", "2\n");
  files.FailRead(directory / "a.log", ErrorKind::kIo);
  EXPECT_EQ(ReadAfterChange("a.log"), Texts{});
  EXPECT_EQ(Status().io, 1U);
  EXPECT_FALSE(Status().up);
  EXPECT_GT(source->NextRead(), clock.Steady()) << "not at once";
  EXPECT_EQ(ReadAfterSweep(), Texts{});
  const std::size_t opened = files.opened();
  files.Heal();
  EXPECT_EQ(ReadAfterSweep(), (Texts{"2"}));
  EXPECT_GT(files.opened(), opened) << "opened anew, as a stale handle needs";
  EXPECT_TRUE(Status().up);
}

TEST_F(Permission, AFileWithAStaleHandleIsOpenedAnew) {
  directory.Write("a.log", "1\n");
  Read();
  directory.Append("a.log", "2\n");
  files.BreakOpenFiles();
  ReadAfterChange("a.log");
  EXPECT_EQ(ReadAfterSweep(), (Texts{"2"}));
  EXPECT_EQ(ledger.size(), 1U);
  EXPECT_TRUE(Status().up);
}

TEST_F(Permission, AFileIsReadOnWhenItsServerIsBackAsAnotherDevice) {
  options.piece_size = budget = 2;
  directory.Write("a.log", "1\n2\n");
  auto pieces = Turn();
  ASSERT_EQ(pieces.size(), 1U);
  Accept(pieces[0]);
  EXPECT_EQ(Status().lag_bytes, 2U);
  files.BreakOpenFiles();
  directory.Write("again", "1\n2\n3\n");
  directory.Rename("again", "a.log");
  EXPECT_EQ(ReadAfterChange("a.log"), (Texts{"2", "3"}));
  EXPECT_EQ(ledger.size(), 1U);
  EXPECT_TRUE(Status().up);
}

TEST_F(Permission, AFileWithAStaleHandleAndNoPathIsGivenUpAfterADay) {
  directory.MakeDirectory("old");
  directory.Write("a.log", "1\n");
  Read();
  directory.Rename("a.log", "old/a.log");
  ReadAfterChange("a.log");
  files.BreakOpenFiles();
  ReadAfterSweep();
  EXPECT_FALSE(Status().up);
  clock.Advance(std::chrono::hours(24));
  Read();
  EXPECT_EQ(Over(), 1);
  EXPECT_EQ(files.open_now(), 0);
  EXPECT_TRUE(Status().up);
}

TEST_F(Permission, AnUnreadableFileDoesNotDelayItsSuccessor) {
  directory.Write("a.log", "1\n");
  Read();
  directory.Append("a.log", "2\n");
  directory.Rename("a.log", "a.log.1");
  directory.Write("a.log", "3\n");
  // The file was opened under its first name, so the failure is set for that.
  files.FailRead(directory / "a.log", ErrorKind::kIo);
  EXPECT_EQ(ReadAfterSweep(), Texts{});
  files.Heal();
  EXPECT_EQ(ReadAfterSweep(), (Texts{"2", "3"}));
}

struct SpecialFile {
  const char* kind;
  void (*put)(const std::string& path);
};

void PutSocket(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  ASSERT_LT(path.size(), sizeof address.sun_path);
  std::ranges::copy(path, address.sun_path);
  const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  EXPECT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ::close(socket);
}

class NotAFile : public testing::TestWithParam<SpecialFile>, protected SourceRig {};

TEST_P(NotAFile, ASpecialFileAtThePathNeverBlocksAndIsCountedOnce) {
  directory.Write("a.log", "1\n");
  Read();
  directory.Rename("a.log", "aside");
  GetParam().put(directory / "a.log");
  EXPECT_EQ(ReadAfterChange("a.log"), Texts{});
  ReadAfterSweep();
  EXPECT_FALSE(Status().up);
  EXPECT_EQ(Status().unreadable_files, 1U);
  EXPECT_EQ(Status().io, 1U);
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_NE(messages[0].find(GetParam().kind), std::string::npos) << messages[0];
  directory.Append("aside", "2\n");
  directory.Remove("a.log");
  directory.Rename("aside", "a.log");
  EXPECT_EQ(ReadAfterSweep(), (Texts{"2"}));
  EXPECT_TRUE(Status().up);
}

TEST_P(NotAFile, ARegularFileThatReplacesASpecialFileIsRead) {
  options.pattern = directory / "a.log";
  GetParam().put(directory / "a.log");
  EXPECT_EQ(Read(), Texts{});
  EXPECT_FALSE(Status().up);
  EXPECT_EQ(Status().io, 1U);
  directory.Remove("a.log");
  directory.Write("a.log", "1\n");
  EXPECT_EQ(ReadAfterChange("a.log"), (Texts{"1"}));
  EXPECT_TRUE(Status().up);
}

INSTANTIATE_TEST_SUITE_P(
    Permission, NotAFile,
    testing::Values(
        SpecialFile{"FIFO", [](const auto& path) { EXPECT_EQ(::mkfifo(path.c_str(), 0600), 0); }},
        SpecialFile{"directory", [](const auto& path) { std::filesystem::create_directory(path); }},
        SpecialFile{"socket", PutSocket},
        SpecialFile{"device",
                    [](const auto& path) { std::filesystem::create_symlink("/dev/zero", path); }}),
    [](const auto& instance) { return std::string(instance.param.kind); });

TEST_F(Permission, ADirectoryThatMatchesThePatternIsIgnored) {
  options.pattern = directory / "*";
  directory.MakeDirectory("old");
  directory.Write("a", "1\n");
  EXPECT_EQ(Read(), (Texts{"1"}));
  EXPECT_TRUE(Status().up);
  EXPECT_EQ(Status().files, 1U);
}

TEST_F(Permission, BrokenSymbolicLinksAreCountedAndReadOnceFixed) {
  std::filesystem::create_symlink("nowhere", directory / "a.log");
  std::filesystem::create_symlink("b.log", directory / "b.log");
  directory.Write("c.log", "1\n");
  EXPECT_EQ(Read(), (Texts{"1"}));
  ReadAfterSweep();
  EXPECT_EQ(Status().unreadable_files, 2U);
  EXPECT_EQ(Status().io, 2U);
  directory.Write("nowhere", "2\n");
  std::filesystem::remove(directory / "b.log");
  directory.Write("somewhere", "3\n");
  std::filesystem::create_symlink("somewhere", directory / "b.log");
  EXPECT_THAT(ReadAfterSweep(), testing::UnorderedElementsAre("2", "3"));
  EXPECT_TRUE(Status().up);
}

TEST_F(Permission, TooManyOpenFilesInTheSystemLoseNothing) {
  files.LimitOpen(4);
  for (int i = 0; i < 20; ++i) directory.Write(std::to_string(i) + ".log", "1\n");
  EXPECT_EQ(Read().size(), 20U);
  for (int i = 0; i < 20; ++i) directory.Append(std::to_string(i) + ".log", "2\n");
  EXPECT_EQ(ReadAfterSweep(), Texts(20, "2"));
  EXPECT_TRUE(Status().up);
}

}  // namespace
}  // namespace backup_exporter
