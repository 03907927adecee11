#include "base/files.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "kit/need.h"
#include "kit/temporary_directory.h"

namespace backup_exporter {
namespace {

using Paths = std::vector<std::string>;

class FilesTest : public testing::Test {
 protected:
  TemporaryDirectory directory;
  SystemFiles files;
};

TEST_F(FilesTest, StatReturnsSizeTimeAndIdentityOfAFile) {
  directory.Write("a", "12345");
  const Time modified(std::chrono::microseconds(1'700'000'000'123'456));
  directory.SetModified("a", modified);
  const auto stat = files.Stat(directory / "a");
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->size, 5U);
  EXPECT_EQ(stat->links, 1U);
  EXPECT_EQ(stat->modified, modified);
  const auto file = files.Open(directory / "a");
  ASSERT_TRUE(file);
  EXPECT_EQ((*file)->Stat(), *stat);
}

TEST_F(FilesTest, StatReportsWhyAFileCannotBeUsed) {
  const auto kind = [&](const std::string& name) {
    return files.Stat(directory / name).error().kind;
  };
  directory.MakeDirectory("directory");
  directory.Write("file", "");
  ASSERT_EQ(::mkfifo((directory / "fifo").c_str(), 0600), 0);
  std::filesystem::create_symlink("nowhere", directory / "dangling");
  std::filesystem::create_symlink("circle", directory / "circle");
  EXPECT_EQ(kind("nothing"), ErrorKind::kNotFound);
  EXPECT_EQ(kind("file/in/a/file"), ErrorKind::kNotFound);
  EXPECT_EQ(kind("directory"), ErrorKind::kInvalid);
  EXPECT_EQ(kind("fifo"), ErrorKind::kInvalid);
  EXPECT_EQ(kind("dangling"), ErrorKind::kIo);
  EXPECT_EQ(kind("circle"), ErrorKind::kIo);
  EXPECT_EQ(files.Stat("/dev/null").error().kind, ErrorKind::kInvalid);
}

TEST_F(FilesTest, OpenNeitherBlocksOnAFifoNorOpensASocket) {
  ASSERT_EQ(::mkfifo((directory / "fifo").c_str(), 0600), 0);
  const auto fifo = files.Open(directory / "fifo");
  ASSERT_FALSE(fifo);
  EXPECT_EQ(fifo.error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(fifo.error().message, (directory / "fifo") + ": is a FIFO, not a regular file");

  const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, (directory / "socket").c_str(), sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(files.Open(directory / "socket").error().kind, ErrorKind::kInvalid);
  ::close(socket);
}

TEST_F(FilesTest, TheEndOfAHoleIsFound) {
  constexpr std::uint64_t kMiB = 1 << 20;
  directory.Write("a", "begin");
  directory.Truncate("a", kMiB);
  directory.Append("a", "middle");
  directory.Truncate("a", 2 * kMiB);
  const auto file = files.Open(directory / "a");
  ASSERT_TRUE(file);
  EXPECT_EQ((*file)->HoleEnd(0), 0U);
  EXPECT_EQ((*file)->HoleEnd(kMiB), kMiB) << "that is data";
  EXPECT_EQ((*file)->HoleEnd(2 * kMiB), 2 * kMiB) << "that is the end";
  EXPECT_EQ((*file)->HoleEnd(5 * kMiB), 5 * kMiB) << "and that behind it";
  const std::uint64_t in_the_hole = kMiB / 2;
  const std::uint64_t end = (*file)->HoleEnd(in_the_hole);
  EXPECT_LE(end, kMiB) << "no written byte is skipped";
  NEED(end > in_the_hole ? "" : "this file system has no holes");
  EXPECT_GT(end, in_the_hole);
  EXPECT_EQ((*file)->HoleEnd(2 * kMiB - 1), 2 * kMiB) << "nothing but a hole is left";
}

TEST_F(FilesTest, MissingPermissionIsRefused) {
  directory.Write("a", "1");
  ASSERT_EQ(::chmod((directory / "a").c_str(), 0), 0);
  const auto file = files.Open(directory / "a");
  if (::geteuid() == 0) {
    EXPECT_TRUE(file) << "root may";
  } else {
    ASSERT_FALSE(file);
    EXPECT_EQ(file.error().kind, ErrorKind::kRefused);
  }
}

TEST_F(FilesTest, AFileIsReadAtAnyOffset) {
  directory.Write("a", "0123456789");
  const auto file = files.Open(directory / "a");
  ASSERT_TRUE(file);
  std::array<char, 4> buffer{};
  EXPECT_EQ((*file)->ReadAt(2, buffer), 4U);
  EXPECT_EQ(std::string_view(buffer.data(), 4), "2345");
  EXPECT_EQ((*file)->ReadAt(8, buffer), 2U);
  EXPECT_EQ((*file)->ReadAt(10, buffer), 0U);
  EXPECT_EQ((*file)->ReadAt(1000, buffer), 0U);
}

TEST_F(FilesTest, AnOpenFileOutlivesItsName) {
  directory.Write("a", "1");
  const auto file = files.Open(directory / "a");
  directory.Remove("a");
  EXPECT_EQ((*file)->Stat()->links, 0U);
  char byte = 0;
  EXPECT_EQ((*file)->ReadAt(0, {&byte, 1}), 1U);
}

TEST_F(FilesTest, GlobReturnsSortedPaths) {
  directory.MakeDirectory("one");
  directory.MakeDirectory("two");
  for (const char* name : {"two/b.log", "two/a.log", "one/c.log", "one/d.txt", "one/.e.log"}) {
    directory.Write(name, "");
  }
  const PathMatches found = files.Glob(directory / "*/*.log");
  EXPECT_EQ(found.paths,
            (Paths{directory / "one/c.log", directory / "two/a.log", directory / "two/b.log"}));
  EXPECT_TRUE(found.unreadable.empty());
  EXPECT_TRUE(files.Glob(directory / "nowhere/*").paths.empty());
  EXPECT_TRUE(files.Glob(directory / "nowhere/*").unreadable.empty());
}

TEST_F(FilesTest, ListReturnsTheNamesInADirectory) {
  directory.Write("b", "");
  directory.Write(".a", "");
  EXPECT_EQ(files.List(directory.path()), (Paths{".a", "b"}));
  EXPECT_EQ(files.List(directory / "nowhere").error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(files.List(directory / "b").error().kind, ErrorKind::kNotFound);
}

TEST_F(FilesTest, AFileAboveTheLimitIsRefused) {
  directory.Write("a", "12345");
  EXPECT_EQ(ReadWhole(files, directory / "a", 5), "12345");
  EXPECT_EQ(ReadWhole(files, directory / "a", 4).error().kind, ErrorKind::kRefused);
  EXPECT_EQ(ReadWhole(files, directory / "nowhere", 5).error().kind, ErrorKind::kNotFound);
  directory.Write("a", "");
  EXPECT_EQ(ReadWhole(files, directory / "a", 5), "");
}

TEST(FailErrno, AnErrorSaysWhatFailedAndWhy) {
  const Error error = FailErrno("open /a", ENOENT).value();
  EXPECT_EQ(error.message, "open /a: No such file or directory");
  EXPECT_EQ(error.kind, ErrorKind::kNotFound);
  EXPECT_EQ(FailErrno("", ENOTDIR).value().kind, ErrorKind::kNotFound);
  EXPECT_EQ(FailErrno("", EMFILE).value().kind, ErrorKind::kTemporary);
  EXPECT_EQ(FailErrno("", EAGAIN).value().kind, ErrorKind::kTemporary);
  EXPECT_EQ(FailErrno("", EACCES).value().kind, ErrorKind::kIo);
  EXPECT_EQ(FailErrno("", ENOSPC).value().kind, ErrorKind::kIo);
}

}  // namespace
}  // namespace backup_exporter
