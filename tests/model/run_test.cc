#include "model/run.h"

#include <gtest/gtest.h>

#include <set>
#include <string_view>

namespace backup_exporter {
namespace {

TEST(Names, EveryValueHasItsFixedName) {
  EXPECT_EQ(Name(Operation::kBackup), "backup");
  EXPECT_EQ(Name(Operation::kCheck), "check");
  EXPECT_EQ(Name(Operation::kPrune), "prune");
  EXPECT_EQ(Name(Operation::kForget), "forget");
  EXPECT_EQ(Name(Operation::kCompact), "compact");
  EXPECT_EQ(Name(Operation::kCopy), "copy");
  EXPECT_EQ(Name(Operation::kRestore), "restore");
  EXPECT_EQ(Name(Operation::kOther), "other");

  EXPECT_EQ(Name(RunResult::kSuccess), "success");
  EXPECT_EQ(Name(RunResult::kSkipped), "skipped");
  EXPECT_EQ(Name(RunResult::kWarning), "warning");
  EXPECT_EQ(Name(RunResult::kInterrupted), "interrupted");
  EXPECT_EQ(Name(RunResult::kFailure), "failure");

  EXPECT_EQ(Name(Evidence::kClaim), "claim");
  EXPECT_EQ(Name(Evidence::kExitCode), "exit_code");
  EXPECT_EQ(Name(Evidence::kReport), "report");
  EXPECT_EQ(Name(Evidence::kArchive), "archive");

  EXPECT_EQ(Name(Reason::kLocked), "locked");
  EXPECT_EQ(Name(Reason::kAuth), "auth");
  EXPECT_EQ(Name(Reason::kRepositoryMissing), "repository_missing");
  EXPECT_EQ(Name(Reason::kNetwork), "network");
  EXPECT_EQ(Name(Reason::kNoSpace), "no_space");
  EXPECT_EQ(Name(Reason::kSourceMissing), "source_missing");
  EXPECT_EQ(Name(Reason::kSourceUnreadable), "source_unreadable");
  EXPECT_EQ(Name(Reason::kInterrupted), "interrupted");
  EXPECT_EQ(Name(Reason::kHook), "hook");
  EXPECT_EQ(Name(Reason::kTimeout), "timeout");
  EXPECT_EQ(Name(Reason::kOther), "other");
}

TEST(Names, EveryOperationIsFoundByItsName) {
  for (int i = 0; i < kOperations; ++i) {
    const auto operation = static_cast<Operation>(i);
    EXPECT_EQ(OperationNamed(Name(operation)), operation);
  }
}

TEST(Names, EveryResultIsFoundByItsName) {
  for (int i = 0; i < kRunResults; ++i) {
    const auto result = static_cast<RunResult>(i);
    EXPECT_EQ(ResultNamed(Name(result)), result);
  }
  EXPECT_EQ(ResultNamed("Success"), std::nullopt);
}

TEST(Names, EveryEvidenceIsFoundByItsName) {
  for (int i = 0; i < kEvidences; ++i) {
    const auto evidence = static_cast<Evidence>(i);
    EXPECT_EQ(EvidenceNamed(Name(evidence)), evidence);
  }
  EXPECT_EQ(EvidenceNamed("proof"), std::nullopt);
}

TEST(Names, EveryReasonIsFoundByItsName) {
  for (int i = 0; i < kReasons; ++i) {
    const auto reason = static_cast<Reason>(i);
    EXPECT_EQ(ReasonNamed(Name(reason)), reason);
  }
  EXPECT_EQ(ReasonNamed(""), std::nullopt);
}

TEST(Names, AnUnknownNameIsNoOperation) {
  EXPECT_EQ(OperationNamed(""), std::nullopt);
  EXPECT_EQ(OperationNamed("Backup"), std::nullopt);
  EXPECT_EQ(OperationNamed("backups"), std::nullopt);
}

TEST(Names, EveryLevelIsFoundByItsName) {
  for (int i = 0; i < kLevels; ++i) {
    const auto level = static_cast<Level>(i);
    EXPECT_EQ(LevelNamed(Name(level)), level);
  }
  EXPECT_EQ(LevelNamed("ANSWER"), std::nullopt);
}

TEST(FigureFields, EveryFigureIsListedOnce) {
  std::set<std::string_view> columns;
  Figures figures;
  for (const FigureField& field : kFigureFields) {
    EXPECT_TRUE(columns.insert(field.column).second) << field.column;
    EXPECT_FALSE((figures.*field.member).has_value()) << field.column << " is listed twice";
    figures.*field.member = 1;
  }
  EXPECT_EQ(sizeof(Figures), kFigureFields.size() * sizeof(std::optional<std::uint64_t>));
}

}  // namespace
}  // namespace backup_exporter
