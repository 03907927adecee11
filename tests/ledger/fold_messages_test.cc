// Messages of runs: to which run they belong, how many are kept, and where they move.
#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>

#include "kit/ledger_fixture.h"
#include "ledger/store/open.h"
#include "ledger/store/runs.h"

namespace backup_exporter {
namespace {

using Level::kDebug;
using Level::kError;
using Level::kInfo;
using testing::ElementsAre;
using testing::IsEmpty;

class Messages : public LedgerTest {
 protected:
  using Texts = std::vector<std::string>;

  // All messages, by run and in their order: "success: error it hurts".
  [[nodiscard]] Texts Kept() const {
    SQLite::Database ledger(options_.directory + "/ledger.db", SQLite::OPEN_READONLY);
    SQLite::Statement all(ledger,
                          "SELECT coalesce(result,'open'),level,text FROM messages JOIN runs ON "
                          "runs.id=run ORDER BY run,messages.id");
    Texts texts;
    while (all.executeStep()) {
      texts.push_back(all.getColumn(0).getString() + ": " + all.getColumn(1).getString() + " " +
                      all.getColumn(2).getString());
    }
    return texts;
  }

  static RunNoted Noted(const std::string& text, Level level = kInfo,
                        std::optional<Time> at = std::nullopt) {
    return {.message = text, .level = level, .at = at};
  }
};

TEST_F(Messages, AMessageBelongsToTheOpenRunElseToTheLastOne) {
  Apply(log_,
        {Started(Operation::kBackup), Noted("a"), Finished(kWarning), Noted("b", Level::kWarning)});
  Apply(log_, {Noted("c"), Started(Operation::kBackup), Noted("d", kError)});
  EXPECT_THAT(Kept(), ElementsAre("warning: info a", "warning: warning b", "warning: info c",
                                  "open: error d"));
}

TEST_F(Messages, AMessageWithoutARunIsIgnoredAndCreatesNoBackup) {
  Apply(log_, {Noted("a", kError)});
  EXPECT_THAT(Kept(), IsEmpty());
  EXPECT_THAT(Names(), IsEmpty());
  EXPECT_EQ(ledger().standings()->series_dropped, 0u);
}

TEST_F(Messages, AWithdrawnRunTakesItsMessagesWithIt) {
  Apply(log_, {Started(Operation::kBackup), Noted("a")});
  Apply(log_, {Noted("b"), Withdrawn(), Noted("c")});
  EXPECT_THAT(Kept(), IsEmpty());
}

TEST_F(Messages, MessagesOfADuplicateMoveToTheRunThatItTurnsOutToBe) {
  Apply(status_, {Finished(kSuccess).At(Night(1)).Id("abcdef01"), Noted("there", kInfo, Night(1))});
  Apply(log_, {Started(Operation::kBackup), Noted("here"), Noted("there", kInfo, Night(1))});
  Apply(log_, {Noted("last"), Finished(kSuccess).At(Night(1)).Id("abcdef01"), Noted("after")});
  EXPECT_EQ(Home().runs, 1u);
  EXPECT_THAT(Kept(), ElementsAre("success: info there", "success: info here", "success: info last",
                                  "success: info after"))
      << "a message of both is kept once";
}

TEST_F(Messages, AMessageIsADuplicateOnlyWithTheSameTimeAndLevel) {
  Apply(log_, {Finished(kSuccess).At(Night(1)), Noted("a"), Noted("a"), Noted("a", Level::kWarning),
               Noted("a", kInfo, Night(1)), Noted("a", kInfo, Night(1)),
               Noted("a", kInfo, Night(1) + 1s)});
  EXPECT_EQ(Kept().size(), 4u);
  Apply(log_, {Noted("a")});
  EXPECT_EQ(Kept().size(), 4u);
}

TEST_F(Messages, TheMostSevereAndNewest1000MessagesAreKept) {
  std::vector<TestRecord> records{Finished(kFailure).At(Night(1)), Noted("first", kError),
                                  Noted("second", Level::kWarning)};
  for (int i = 0; i < 1500; ++i) records.emplace_back(Noted(std::to_string(i)));
  Apply(log_, records);
  Texts kept = Kept();
  ASSERT_EQ(kept.size(), 1000u);
  EXPECT_EQ(kept[0], "failure: error first");
  EXPECT_EQ(kept[1], "failure: warning second");
  EXPECT_EQ(kept[2], "failure: info 502");
  EXPECT_EQ(kept[999], "failure: info 1499");
  Apply(log_, {Noted("more"), Noted("lighter", kDebug)});
  kept = Kept();
  ASSERT_EQ(kept.size(), 1000u);
  EXPECT_EQ(kept[2], "failure: info 503");
  EXPECT_EQ(kept[999], "failure: info more");
}

TEST_F(Messages, AtMost64KiBOfMessagesAreKept) {
  std::vector<TestRecord> records{Finished(kFailure).At(Night(1)), Noted("first", kError)};
  for (char c = 'a'; c <= 'z'; ++c) records.emplace_back(Noted(std::string(5000, c)));
  Apply(log_, records);
  const Texts kept = Kept();
  ASSERT_EQ(kept.size(), 16u);
  EXPECT_EQ(kept[0], "failure: error first");
  EXPECT_EQ(kept[1], "failure: info " + std::string(4096, 'l'));
  EXPECT_EQ(kept[15], "failure: info " + std::string(4096, 'z'));
}

TEST_F(Messages, MessagesOfAnUnnamedFailureBelongToEveryRunThatFailed) {
  sources_ = {SourceOf("log", "{label}")};
  ledger().Configure(sources_);
  Apply(log_, {{Finished(kSuccess).At(Night(1)), "a"}, {Finished(kSuccess).At(Night(1)), "b"}});
  Apply(log_, {FailedUnnamed{Finished(kFailure).At(Night(2)), {}, {Noted("hook", kError)}}});
  EXPECT_THAT(Kept(), ElementsAre("failure: error hook", "failure: error hook"));
}

TEST_F(Messages, AMessageMayContainAnyBytes) {
  const std::string text("a\0\xff\n", 4);
  Apply(log_, {Finished(kSuccess).At(Night(1)), Noted(text)});
  EXPECT_THAT(Kept(), ElementsAre("success: info " + text));
}

TEST_F(Messages, AMessageDoesNotChangeTheDateOfItsRun) {
  Apply(log_.Modified(Night(1)), {Finished(kFailure), Noted("a", kError)}, kQuiet);
  EXPECT_EQ(Home().last_failure, Night(1));
  Apply(log_.Modified(Night(2) + 5min),
        {Started(Operation::kBackup), Progress(5min), Noted("a", kError)});
  EXPECT_EQ(Home().last_start, Night(2));
  Apply(log_.Modified(Night(3)), {Noted("b"), Started(Operation::kBackup)});
  EXPECT_EQ(Home().last_run->end, Night(2) + 5min);
}

TEST_F(Messages, MessagesAreReadInTheirOrderWithTimeAndLevel) {
  auto file = LedgerFile::Open("");
  ASSERT_TRUE(file);
  Database& database = (*file)->database();
  database.handle().exec("INSERT INTO backups(id,name) VALUES(1,'home')");
  RunStore store(database);
  StoredRun run{.backup = 1};
  store.Save(run);
  const std::vector<Message> messages{{.at = Night(1), .level = kError, .text = "a"},
                                      {.at = std::nullopt, .level = kDebug, .text = "b"}};
  store.AddMessage(run.id, messages[0]);
  store.AddMessage(run.id, messages[1]);
  store.AddMessage(run.id + 1, messages[1]);
  EXPECT_EQ(store.MessagesOf(run.id), messages);
  EXPECT_THAT(store.MessagesOf(run.id + 1), IsEmpty()) << "the run does not exist";
  store.Remove(run.id);
  EXPECT_THAT(store.MessagesOf(run.id), IsEmpty());
}

}  // namespace
}  // namespace backup_exporter
