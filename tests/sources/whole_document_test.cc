// Files that are rewritten whole, such as the status file of resticprofile.

#include <gtest/gtest.h>

#include "kit/source_rig.h"

namespace backup_exporter {
namespace {

using std::chrono::seconds;

class WholeDocument : public testing::Test, protected SourceRig {
 protected:
  WholeDocument() : SourceRig("*.json", Framing::kWhole) {}

  [[nodiscard]] std::uint64_t ParseErrors() const {
    std::uint64_t sum = 0;
    for (const FileStep& step : steps) sum += step.counts.parse_errors;
    return sum;
  }
};

TEST_F(WholeDocument, AWholeDocumentIsOneRecord) {
  directory.Write("a.json", "{\n  \"a\": 1\n}\n");
  EXPECT_EQ(Read(), (Texts{"{\n  \"a\": 1\n}\n"}));
  ASSERT_EQ(steps.size(), 1U);
  EXPECT_TRUE(steps[0].at_end && steps[0].quiet);
  EXPECT_EQ(steps[0].position.offset, 13U);
  EXPECT_TRUE(Status().up);
}

TEST_F(WholeDocument, ARewrittenDocumentIsReadAgain) {
  directory.Write("a.json", R"({"a":1})");
  Read();
  directory.Write("a.json", R"({"a":2})");
  EXPECT_EQ(ReadAfterChange("a.json", true), (Texts{R"({"a":2})"}));
  directory.Write("a.json", R"({"a":3})");
  EXPECT_EQ(ReadAfterSweep(), (Texts{R"({"a":3})"}));
  EXPECT_EQ(ledger.size(), 1U) << "one generation";
}

TEST_F(WholeDocument, AReplacedDocumentIsReadAgain) {
  directory.Write("a.json", R"({"a":1})");
  Read();
  directory.Write("new", R"({"a":2})");
  directory.Rename("new", "a.json");
  EXPECT_EQ(ReadAfterChange("a.json"), (Texts{R"({"a":2})"}));
  EXPECT_EQ(ledger.size(), 1U);
}

TEST_F(WholeDocument, UnchangedContentYieldsNoRecord) {
  directory.Write("a.json", R"({"a":1})");
  Read();
  directory.Write("a.json", R"({"a":1})");
  EXPECT_EQ(ReadAfterChange("a.json", true), Texts{});
  directory.Write("new", R"({"a":1})");
  directory.Rename("new", "a.json");
  EXPECT_EQ(ReadAfterChange("a.json"), Texts{});
  EXPECT_TRUE(steps.empty());
  Start();
  EXPECT_EQ(Read(), Texts{});
  EXPECT_TRUE(steps.empty());
}

TEST_F(WholeDocument, AfterARestartAnUnchangedFileIsNotEvenOpened) {
  directory.Write("a.json", R"({"a":1})");
  Read();
  Start();
  const std::size_t opened = files.opened();
  EXPECT_EQ(Read(), Texts{});
  EXPECT_EQ(files.opened(), opened);
}

TEST_F(WholeDocument, NothingIsReadWhileNothingChanges) {
  directory.Write("a.json", R"({"a":1})");
  directory.SetModified("a.json", clock.Now() - seconds(60));
  Read();
  const std::size_t opened = files.opened();
  for (int i = 0; i < 10; ++i) ReadAfterSweep();
  EXPECT_EQ(files.opened(), opened);
}

TEST_F(WholeDocument, AChangeWithinTheGranularityOfTimestampsIsNoticed) {
  directory.Write("a.json", R"({"a":1})");
  directory.SetModified("a.json", clock.Now());
  Read();
  directory.Write("a.json", R"({"a":2})");
  directory.SetModified("a.json", clock.Now());
  EXPECT_EQ(ReadAfterSweep(), (Texts{R"({"a":2})"}));
}

TEST_F(WholeDocument, ATornReadChangesNothingAndIsRetriedAfterASecond) {
  directory.Write("a.json", R"({"a":1})");
  Read();
  const FilePosition position = ledger.at(1).position;
  directory.Write("a.json", R"({"a":)");
  EXPECT_EQ(ReadAfterChange("a.json"), Texts{});
  EXPECT_TRUE(Status().up);
  EXPECT_EQ(source->NextRead(), clock.Steady() + seconds(1));
  EXPECT_EQ(ledger.at(1).position, position);
  directory.Write("a.json", R"({"a":2})");
  clock.Advance(seconds(1));
  EXPECT_EQ(Read(), (Texts{R"({"a":2})"}));
}

TEST_F(WholeDocument, AnEmptyDocumentIsTorn) {
  directory.Write("a.json", R"({"a":1})");
  Read();
  directory.Write("a.json", "");
  EXPECT_EQ(ReadAfterChange("a.json"), Texts{});
  clock.Advance(seconds(1));
  EXPECT_EQ(Read(), Texts{});
  EXPECT_TRUE(Status().up);
  directory.Write("a.json", R"({"a":1})");
  EXPECT_EQ(ReadAfterChange("a.json", true), Texts{}) << "its content is what it was before";
  clock.Advance(seconds(60));
  EXPECT_EQ(Read(), Texts{});
  EXPECT_TRUE(Status().up);
}

TEST_F(WholeDocument, ADocumentBrokenForTenSecondsIsUnreadableAndCountedOnce) {
  directory.Write("a.json", R"({"a":1})");
  Read();
  const FilePosition position = ledger.at(1).position;
  directory.Write("a.json", R"({"a":)");
  ReadAfterChange("a.json");
  for (int i = 1; i < 10; ++i) {
    clock.Advance(seconds(1));
    Read();
    EXPECT_TRUE(Status().up) << i;
    EXPECT_EQ(ParseErrors(), 0U);
  }
  clock.Advance(seconds(1));
  Read();
  EXPECT_FALSE(Status().up);
  EXPECT_EQ(Status().unreadable_files, 1U);
  ASSERT_EQ(steps.size(), 1U);
  EXPECT_EQ(steps[0].counts.records, 1U);
  EXPECT_EQ(steps[0].counts.parse_errors, 1U);
  EXPECT_EQ(steps[0].position, position);
  EXPECT_EQ(messages.size(), 1U);
  for (int i = 0; i < 5; ++i) {
    ReadAfterSweep();
    EXPECT_TRUE(steps.empty());
  }
  EXPECT_FALSE(Status().up);
  directory.Write("a.json", R"({"a":)"
                            "\n");
  ReadAfterChange("a.json");
  EXPECT_EQ(ParseErrors(), 1U) << "other broken content";
  directory.Write("a.json", R"({"a":2})");
  EXPECT_EQ(ReadAfterChange("a.json"), (Texts{R"({"a":2})"}));
  EXPECT_TRUE(Status().up);
  EXPECT_EQ(messages.size(), 2U);
}

TEST_F(WholeDocument, ABrokenDocumentIsReportedUntilItIsAccepted) {
  directory.Write("a.json", "[");
  Read();
  clock.Advance(seconds(10));
  for (int i = 0; i < 3; ++i) {
    const auto pieces = Turn();
    ASSERT_EQ(pieces.size(), 1U);
    EXPECT_EQ(pieces[0].step.counts.parse_errors, 1U);
  }
}

TEST_F(WholeDocument, ADocumentBrokenAtTheLastLookIsCountedAtOnce) {
  directory.Write("a.json", "[");
  directory.Write("b.json", "[1]");
  EXPECT_EQ(Read(/*last_look=*/true), (Texts{"[1]"}));
  EXPECT_EQ(ParseErrors(), 1U);
  EXPECT_FALSE(Status().up);
  Read(/*last_look=*/true);
  EXPECT_TRUE(steps.empty());
}

TEST_F(WholeDocument, ATornDocumentIsCountedAtTheLastLook) {
  directory.Write("a.json", "[");
  Read();
  Read(/*last_look=*/true);
  EXPECT_EQ(ParseErrors(), 1U);
}

TEST_F(WholeDocument, ADeletedDocumentIsOver) {
  directory.Write("a.json", R"({"a":1})");
  Read();
  directory.Remove("a.json");
  Read();
  EXPECT_EQ(ReadAfterChange("a.json"), Texts{});
  EXPECT_EQ(Over(), 1);
  EXPECT_TRUE(ledger.empty());
  directory.Write("a.json", R"({"a":1})");
  EXPECT_EQ(ReadAfterChange("a.json"), (Texts{R"({"a":1})"}));
}

TEST_F(WholeDocument, ADocumentDeletedWhileTheProgramWasDownIsOver) {
  directory.Write("a.json", R"({"a":1})");
  Read();
  directory.Remove("a.json");
  Start();
  Read();
  EXPECT_EQ(Over(), 1);
}

TEST_F(WholeDocument, ADeletedDocumentThatWasNeverReadIsNotReported) {
  directory.Write("a.json", "");
  Read();
  directory.Remove("a.json");
  ReadAfterChange("a.json");
  EXPECT_TRUE(steps.empty());
  EXPECT_EQ(Status().files, 0U);
}

TEST_F(WholeDocument, ADocumentAboveTheLimitIsCountedOnceAsTooLarge) {
  options.record_limit = 20;
  directory.Write("a.json", "[" + std::string(18, ' ') + "]");
  EXPECT_EQ(Read().size(), 1U);
  directory.Write("a.json", "[" + std::string(19, ' ') + "]");
  EXPECT_EQ(ReadAfterChange("a.json"), Texts{});
  ReadAfterSweep();
  EXPECT_EQ(Status().too_large, 1U);
  EXPECT_FALSE(Status().up);
  directory.Write("a.json", "[]");
  EXPECT_EQ(ReadAfterChange("a.json"), (Texts{"[]"}));
  EXPECT_TRUE(Status().up);
}

TEST_F(WholeDocument, AByteOrderMarkIsIgnored) {
  directory.Write("a.json", "\xEF\xBB\xBF[1]");
  EXPECT_EQ(Read(), (Texts{"[1]"}));
  directory.SetModified("a.json", clock.Now());
  EXPECT_EQ(ReadAfterSweep(), Texts{});
}

TEST_F(WholeDocument, AnUnreadableDocumentIsCountedAndReadLater) {
  directory.Write("a.json", "[1]");
  directory.Write("b.json", "[2]");
  files.FailOpen(directory / "a.json", ErrorKind::kRefused);
  EXPECT_EQ(Read(), (Texts{"[2]"}));
  ReadAfterSweep();
  EXPECT_EQ(Status().permission, 1U);
  EXPECT_FALSE(Status().up);
  files.Heal();
  EXPECT_EQ(ReadAfterSweep(), (Texts{"[1]"}));
  EXPECT_TRUE(Status().up);
}

TEST_F(WholeDocument, ADocumentInAnUnreadableDirectoryIsNotMistakenForDeleted) {
  directory.Write("a.json", "[1]");
  Read();
  files.FailStat(directory.path(), ErrorKind::kRefused);
  ReadAfterSweep();
  EXPECT_EQ(Over(), 0);
  EXPECT_FALSE(Status().up);
  files.Heal();
  EXPECT_EQ(ReadAfterSweep(), Texts{});
  EXPECT_TRUE(Status().up);
}

TEST_F(WholeDocument, AMissingDocumentOfALiteralPatternIsCounted) {
  options.pattern = directory / "status.json";
  Read();
  EXPECT_FALSE(Status().up);
  EXPECT_EQ(Status().missing, 1U);
  directory.Write("status.json", "[1]");
  EXPECT_EQ(ReadAfterChange("status.json"), (Texts{"[1]"}));
  EXPECT_TRUE(Status().up);
}

TEST_F(WholeDocument, ASecondNameOfADocumentIsNotASecondDocument) {
  directory.Write("a.json", "[1]");
  std::filesystem::create_symlink("a.json", directory / "latest.json");
  EXPECT_EQ(Read(), (Texts{"[1]"}));
  EXPECT_EQ(ReadAfterSweep(), Texts{});
  EXPECT_EQ(Status().files, 1U);
}

TEST_F(WholeDocument, TheOldestDocumentIsReadFirst) {
  for (int i = 0; i < 5; ++i) {
    const std::string name = std::to_string(i) + ".json";
    directory.Write(name, "[" + std::to_string(i) + "]");
    directory.SetModified(name, clock.Now() - seconds(i));
  }
  budget = 4;
  EXPECT_EQ(Read(), (Texts{"[4]", "[3]", "[2]", "[1]", "[0]"}));
}

}  // namespace
}  // namespace backup_exporter
