// Whether a file is the one that was read before.

#include "sources/identity.h"

#include <gtest/gtest.h>

#include "kit/source_rig.h"

namespace backup_exporter {
namespace {

using std::chrono::seconds;

TEST(PrefixCheck, APrefixIsComparedOverSeveralCalls) {
  const TemporaryDirectory directory;
  std::string text;
  while (text.size() < 1'000'000) text += "some line\n";
  directory.Write("a", text);
  const auto file = SystemFiles().Open(directory / "a");
  ASSERT_TRUE(file);

  PrefixCheck check(900'000, Crc(0, std::string_view(text).substr(0, 900'000)));
  int parts = 1;
  auto answer = check.Advance(**file, 300'000);
  while (answer == PrefixCheck::Outcome::kUnfinished) {
    ++parts;
    answer = check.Advance(**file, 300'000);
  }
  EXPECT_EQ(answer, PrefixCheck::Outcome::kSame);
  EXPECT_GT(parts, 1);
  EXPECT_EQ(StillHas(**file, check.fingerprint()), true);

  EXPECT_EQ(PrefixCheck(900'000, 12345).Advance(**file, 2'000'000), PrefixCheck::Outcome::kOther);
  EXPECT_EQ(PrefixCheck(2'000'000, 12345).Advance(**file, 9'000'000), PrefixCheck::Outcome::kOther);
}

TEST(Crc, TheCrcOfNulsIsComputedWithoutReadingThem) {
  const std::uint32_t crc = Crc(0, "some line");
  EXPECT_EQ(CrcWithNuls(crc, 0), crc);
  for (const std::size_t count : {1U, 2U, 3U, 1000U, 4096U, 1'000'001U}) {
    EXPECT_EQ(CrcWithNuls(crc, count), Crc(crc, std::string(count, '\0'))) << count;
    EXPECT_EQ(CrcWithNuls(0, count), Crc(0, std::string(count, '\0'))) << count;
  }
}

TEST(Fingerprint, AFingerprintIsTheSameReadOrComputed) {
  const TemporaryDirectory directory;
  std::string text;
  for (int i = 0; text.size() < 20'000; ++i) text += std::to_string(i) + "\n";
  directory.Write("a", text);
  const auto file = SystemFiles().Open(directory / "a");
  ASSERT_TRUE(file);
  std::optional<Fingerprint> previous;
  for (const std::uint64_t offset : {1U, 1000U, 1024U, 1025U, 4096U, 4097U, 5000U, 20'000U}) {
    const auto read = ReadFingerprint(**file, offset);
    ASSERT_TRUE(read);
    const std::size_t known = std::min<std::size_t>(offset, Fingerprint::kTail);
    const auto after = FingerprintAfter(
        **file, previous, std::string_view(text).substr(offset - known, known), offset);
    ASSERT_TRUE(after);
    EXPECT_EQ(after->head, read->head) << offset;
    EXPECT_EQ(after->tail, read->tail) << offset;
    EXPECT_EQ(StillHas(**file, *after), true);
    previous = *after;
  }
}

TEST(Fingerprint, AChangeAtEitherEndIsNoticed) {
  const TemporaryDirectory directory;
  const std::string text(10'000, 'x');
  directory.Write("a", text);
  const auto file = SystemFiles().Open(directory / "a");
  const auto read = ReadFingerprint(**file, text.size());
  for (const std::size_t at : {0U, 1023U, 10'000U - 4096U, 9'999U}) {
    std::string changed = text;
    changed[at] = 'y';
    directory.Write("a", changed);
    EXPECT_EQ(StillHas(**file, *read), false) << at;
  }
  directory.Write("a", text.substr(0, 9'999));
  EXPECT_EQ(StillHas(**file, *read), false);
}

class SameFile : public testing::Test, protected SourceRig {};

TEST_F(SameFile, NothingIsReadWhileNothingChanges) {
  directory.Write("a.log", "1\n");
  directory.SetModified("a.log", clock.Now() - seconds(60));
  Read();
  const std::uint64_t read = files.bytes_read();
  for (int i = 0; i < 10; ++i) ReadAfterSweep();
  EXPECT_EQ(files.bytes_read(), read);
}

TEST_F(SameFile, AfterARestartAnUnchangedFileIsNotEvenOpened) {
  directory.Write("a.log", "1\n");
  Read();
  Start();
  const std::size_t opened = files.opened();
  EXPECT_EQ(Read(), Texts{});
  EXPECT_EQ(files.opened(), opened);
}

TEST_F(SameFile, AfterARestartAGrownFileIsReadFromItsCheckpoint) {
  std::string text;
  for (int i = 0; i < 5'000; ++i) text += "line " + std::to_string(i) + "\n";
  directory.Write("a.log", text);
  Read();
  directory.Append("a.log", "more\n");
  Start();
  EXPECT_EQ(Read(), (Texts{"more"}));
  directory.Append("a.log", "and more\n");
  EXPECT_EQ(ReadAfterChange("a.log"), (Texts{"and more"}));
  EXPECT_EQ(ledger.size(), 1U);
}

TEST_F(SameFile, ALargeFileIsComparedInSeveralTurns) {
  budget = 100'000;
  directory.Write("a.log", std::string(1'000'000, 'x') + "\n");
  Read();
  directory.Append("a.log", "more\n");
  Start();
  EXPECT_TRUE(Turn().empty());
  EXPECT_LE(source->NextRead(), clock.Steady()) << "it must be called again at once";
  EXPECT_EQ(Read(), (Texts{"more"}));
}

TEST_F(SameFile, AReplacedFileOfTheSameSizeAndTimeIsRead) {
  directory.Write("a.log", "1\n2\n");
  directory.SetModified("a.log", clock.Now() - seconds(60));
  Read();
  directory.Write("new", "3\n4\n");
  directory.SetModified("new", clock.Now() - seconds(60));
  directory.Rename("new", "a.log");
  EXPECT_EQ(ReadAfterSweep(), (Texts{"3", "4"}));
  EXPECT_EQ(Over(), 1);
}

TEST_F(SameFile, AReplacedFileOfTheSameSizeAndTimeIsReadAfterARestart) {
  directory.Write("a.log", "1\n2\n");
  directory.SetModified("a.log", clock.Now() - seconds(60));
  Read();
  directory.Write("new", "3\n4\n");
  directory.SetModified("new", clock.Now() - seconds(60));
  directory.Rename("new", "a.log");
  Start();
  EXPECT_EQ(Read(), (Texts{"3", "4"}));
}

TEST_F(SameFile, AFileReplacedByACopyOfItselfIsReadOn) {
  directory.Write("a.log", "1\n2\n");
  Read();
  directory.Write("new", "1\n2\n3\n");
  directory.Rename("new", "a.log");
  EXPECT_EQ(ReadAfterChange("a.log"), (Texts{"3"}));
  EXPECT_EQ(Over(), 0);
  EXPECT_EQ(ledger.size(), 1U);
}

TEST_F(SameFile, AFileRestoredWhileTheProgramWasDownIsReadOn) {
  directory.Write("a.log", "1\n2\n");
  Read();
  directory.Write("new", "1\n2\n3\n");
  directory.Rename("new", "a.log");
  Start();
  EXPECT_EQ(Read(), (Texts{"3"}));
  EXPECT_EQ(ledger.size(), 1U);
}

TEST_F(SameFile, ANewFileDoesNotContinueAnOldOneWithUnreadBytes) {
  directory.Write("a.log", "1\n");
  Read();
  directory.Append("a.log", "2\n");
  directory.Write("new", "1\n3\n");
  directory.Rename("new", "a.log");
  EXPECT_EQ(ReadAfterChange("a.log"), (Texts{"2", "1", "3"}));
}

TEST_F(SameFile, AnInodeReusedAtAnotherPathIsAnotherFile) {
  directory.Write("a.log", "1\n2\n");
  Read();
  // This stands for another file with the same inode: the same file, under a new name and with
  // other content.
  directory.Rename("a.log", "b.log");
  directory.Write("b.log", "3\n4\n5\n");
  Start();
  EXPECT_EQ(Read(), (Texts{"3", "4", "5"}));
  ASSERT_EQ(ledger.size(), 1U);
  EXPECT_EQ(ledger.begin()->second.position.path, directory / "b.log");
}

TEST_F(SameFile, FilesWithTheSameBeginningAreTwoFiles) {
  const std::string head(2000, 'x');
  directory.Write("a.log", head + "\n1\n");
  directory.Write("b.log", head + "\n2\n");
  EXPECT_EQ(Read(), (Texts{head, "1", head, "2"}));
  directory.Append("a.log", "3\n");
  directory.Append("b.log", "4\n");
  Start();
  EXPECT_EQ(Read(), (Texts{"3", "4"}));
}

TEST_F(SameFile, ACopyUnderAnotherNameIsAnotherFile) {
  directory.Write("a.log", "1\n2\n");
  Read();
  directory.Write("b.log", "1\n2\n");
  EXPECT_EQ(ReadAfterChange("b.log"), (Texts{"1", "2"}));
  Start();
  EXPECT_EQ(Read(), Texts{});
  EXPECT_EQ(ledger.size(), 2U);
}

TEST_F(SameFile, AHardLinkIsNotASecondFile) {
  directory.Write("a.log", "1\n");
  std::filesystem::create_hard_link(directory / "a.log", directory / "b.log");
  EXPECT_EQ(Read(), (Texts{"1"}));
  directory.Append("b.log", "2\n");
  EXPECT_EQ(ReadAfterChange("b.log"), (Texts{"2"})) << "whichever name it is written under";
  Start();
  directory.Append("a.log", "3\n");
  EXPECT_EQ(Read(), (Texts{"3"}));
  directory.Remove("a.log");
  directory.Append("b.log", "4\n");
  EXPECT_EQ(ReadAfterChange("a.log"), (Texts{"4"})) << "under its other name";
  EXPECT_EQ(Over(), 0);
}

TEST_F(SameFile, ASymbolicLinkToAMatchingFileIsNotASecondFile) {
  directory.Write("a.log", "1\n");
  std::filesystem::create_symlink("a.log", directory / "current.log");
  EXPECT_EQ(Read(), (Texts{"1"}));
  EXPECT_EQ(Status().files, 1U);
}

TEST_F(SameFile, AFileRenamedWithinThePatternIsReadOn) {
  directory.Write("a.log", "1\n");
  Read();
  directory.Rename("a.log", "b.log");
  directory.Append("b.log", "2\n");
  watcher->ReportChange(directory / "a.log");
  EXPECT_EQ(ReadAfterChange("b.log"), (Texts{"2"}));
  directory.Rename("b.log", "c.log");
  directory.Append("c.log", "3\n");
  Start();
  EXPECT_EQ(Read(), (Texts{"3"}));
  EXPECT_EQ(ledger.size(), 1U);
}

TEST_F(SameFile, ModificationTimesThatGoBackwardsOrStandStillHideNothing) {
  directory.Write("a.log", "1\n");
  directory.SetModified("a.log", clock.Now() - seconds(1000));
  Read();
  for (int i = 0; i < 5; ++i) {
    directory.Append("a.log", std::to_string(i) + "\n");
    directory.SetModified("a.log", clock.Now() - seconds(i % 2 == 0 ? 1000 : 2000));
    EXPECT_EQ(ReadAfterSweep(), (Texts{std::to_string(i)}));
  }
}

TEST_F(SameFile, AnAbsurdModificationTimeDoesNoHarm) {
  directory.Write("a.log", "1\n");
  directory.Write("b.log", "2\n");
  directory.SetModified("a.log", clock.Now() + std::chrono::days(100'000));
  directory.SetModified("b.log", Time(seconds(-1'000'000'000)));
  EXPECT_EQ(Read(), (Texts{"2", "1"}));
  clock.Advance(seconds(60));
  EXPECT_EQ(Read(), Texts{});
}

}  // namespace
}  // namespace backup_exporter
