// The view counted_runs gives the same answers as the functions of rules/outcome.h.
#include "ledger/store/counted_runs.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "ledger/rules/outcome.h"
#include "ledger/store/open.h"
#include "ledger/store/runs.h"

namespace backup_exporter {
namespace {

constexpr Time kEnd = Time(std::chrono::hours(1));

// Whether, besides the run in question, there is another.
enum class Other { kNone, kWithoutArchive, kWithArchive, kOfAnotherOperation, kOfAnotherBackup };

class CountedRuns : public testing::Test {
 protected:
  CountedRuns() {
    database_.handle().exec("INSERT INTO backups(id,name) VALUES(1,'home'),(2,'nas')");
  }

  RowId Add(RunResult result, std::optional<Evidence> evidence, const std::string& snapshot_id = {},
            RowId backup = 1, Operation operation = Operation::kBackup, Time ended = kEnd,
            RunState state = RunState::kSettled) {
    StoredRun run{.backup = backup,
                  .operation = operation,
                  .state = state,
                  .ended = ended,
                  .ended_by = ended,
                  .result = result,
                  .evidence = evidence,
                  .snapshot_id = snapshot_id};
    RunStore(database_).Save(run);
    return run.id;
  }

  void Add(Other other) {
    const std::string archive = "0123abcd";
    switch (other) {
      case Other::kNone:
        return;
      case Other::kWithoutArchive:
        Add(RunResult::kFailure, Evidence::kReport);
        return;
      case Other::kWithArchive:
        Add(RunResult::kSuccess, Evidence::kArchive, archive);
        return;
      case Other::kOfAnotherOperation:
        Add(RunResult::kSuccess, Evidence::kArchive, archive, 1, Operation::kCopy);
        return;
      case Other::kOfAnotherBackup:
        Add(RunResult::kSuccess, Evidence::kArchive, archive, 2);
        return;
    }
  }

  // "good,bad,clean,skipped" as the view has them; empty: the run is not in the view.
  std::string InView(RowId run) {
    SQLite::Statement select(database_.handle(),
                             "SELECT good||','||bad||','||clean||','||skipped FROM counted_runs "
                             "WHERE id=?");
    select.bind(1, run);
    return select.executeStep() ? select.getColumn(0).getString() : "";
  }

  std::string Plan(std::string_view rest) {
    SQLite::Statement explain(database_.handle(),
                              "EXPLAIN QUERY PLAN SELECT id FROM counted_runs WHERE backup=? AND "
                              "operation=? AND " +
                                  std::string(rest));
    std::string plan;
    while (explain.executeStep()) plan += explain.getColumn(3).getString() + "\n";
    return plan;
  }

  std::unique_ptr<LedgerFile> file_ = std::move(*LedgerFile::Open(""));
  Database& database_ = file_->database();
};

std::string ByFunctions(RunResult result, std::optional<Evidence> evidence, bool archives_prove) {
  if (!Counts(result, evidence, archives_prove)) return "";
  const auto number = [&](bool yes) { return std::string(yes ? "1" : "0"); };
  return number(IsGood(result)) + "," + number(IsBad(result)) + "," + number(IsClean(result)) +
         "," + number(IsSkipped(result));
}

TEST_F(CountedRuns, TheViewAndTheFunctionsAgreeOnEveryCombination) {
  std::vector<std::optional<Evidence>> evidences{std::nullopt};
  for (int i = 0; i < kEvidences; ++i) evidences.emplace_back(static_cast<Evidence>(i));
  for (const Other other : {Other::kNone, Other::kWithoutArchive, Other::kWithArchive,
                            Other::kOfAnotherOperation, Other::kOfAnotherBackup}) {
    for (int i = 0; i < kRunResults; ++i) {
      for (const auto& evidence : evidences) {
        const auto result = static_cast<RunResult>(i);
        database_.handle().exec("DELETE FROM runs");
        const RowId run = Add(result, evidence);
        Add(other);
        const bool archives_prove = other == Other::kWithArchive;
        EXPECT_EQ(InView(run), ByFunctions(result, evidence, archives_prove))
            << Name(result) << " by " << (evidence ? Name(*evidence) : "nothing") << ", other "
            << static_cast<int>(other);
        EXPECT_EQ(ArchivesProve(database_, 1, Operation::kBackup), archives_prove);
      }
    }
  }
}

TEST_F(CountedRuns, ARunThatIsNotSettledIsNotInTheView) {
  EXPECT_EQ(InView(Add(RunResult::kSuccess, Evidence::kReport, "", 1, Operation::kBackup, kEnd,
                       RunState::kProvisional)),
            "");
}

TEST_F(CountedRuns, TheLastSuccessIsTheNewestGoodRunThatCounts) {
  EXPECT_EQ(LastSuccess(database_, 1, Operation::kBackup), std::nullopt);
  const auto hours = [](int n) { return kEnd + std::chrono::hours(n); };
  Add(RunResult::kWarning, Evidence::kReport, "0123abcd", 1, Operation::kBackup, hours(1));
  Add(RunResult::kFailure, Evidence::kReport, "", 1, Operation::kBackup, hours(2));
  Add(RunResult::kSuccess, Evidence::kClaim, "", 1, Operation::kBackup, hours(3));
  EXPECT_EQ(LastSuccess(database_, 1, Operation::kBackup), hours(1));
}

TEST_F(CountedRuns, QueriesOfOneOperationUseTheIndexes) {
  for (const char* rest :
       {"good AND ended IS NOT NULL ORDER BY ended DESC, id DESC LIMIT 1",
        "bad AND (ended_by,id)>(?,?)", "clean ORDER BY ended_by DESC, id DESC LIMIT 1"}) {
    const std::string plan = Plan(rest);
    EXPECT_NE(plan.find("SEARCH run USING INDEX runs_by_"), std::string::npos) << plan;
    EXPECT_NE(plan.find("SEARCH proof USING INDEX runs_with_archive"), std::string::npos) << plan;
    EXPECT_EQ(plan.find("SCAN"), std::string::npos) << plan;
  }
}

}  // namespace
}  // namespace backup_exporter
