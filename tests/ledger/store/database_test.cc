// Typed parameters and rows, and the cache of statements.
#include "ledger/store/database.h"

#include <gmock/gmock.h>

#include <limits>
#include <vector>

namespace backup_exporter {
namespace {

using testing::ElementsAre;

class DatabaseTest : public testing::Test {
 protected:
  DatabaseTest() { database_.Run("CREATE TEMP TABLE cells(value)"); }
  // The value as it is read back after it was stored.
  template <typename T>
  T Stored(const T& value) {
    database_.Run("DELETE FROM cells");
    database_.Run("INSERT INTO cells VALUES(?)", value);
    if constexpr (kIsOptional<T>) {
      return database_.Row<T>("SELECT value FROM cells");
    } else {
      return database_.Row<T>("SELECT value FROM cells").value();
    }
  }
  std::string StoredText() { return database_.Row<std::string>("SELECT value FROM cells").value(); }
  void Fill(int rows) {
    for (int i = 1; i <= rows; ++i) database_.Run("INSERT INTO cells VALUES(?)", i);
  }

  Database database_{std::make_unique<SQLite::Database>(":memory:", SQLite::OPEN_READWRITE)};
};

TEST_F(DatabaseTest, EveryTypeIsReadBackAsItWasStored) {
  EXPECT_EQ(Stored(std::int64_t{-7}), -7);
  EXPECT_EQ(Stored(std::uint32_t{4'000'000'000}), 4'000'000'000);
  EXPECT_EQ(Stored(true), true);
  EXPECT_EQ(Stored(0.25), 0.25);
  EXPECT_EQ(Stored(std::string("a\0b", 3)), std::string("a\0b", 3));
  EXPECT_EQ(Stored(Time(Duration(-5))), Time(Duration(-5)));
  EXPECT_EQ(Stored(Duration(1'500'000)), Duration(1'500'000));
  EXPECT_EQ(Stored(std::optional<Time>()), std::nullopt);
  EXPECT_EQ(Stored(std::optional(Evidence::kReport)), Evidence::kReport);
}

TEST_F(DatabaseTest, AnEnumIsStoredByItsName) {
  EXPECT_EQ(Stored(Reason::kNoSpace), Reason::kNoSpace);
  EXPECT_EQ(StoredText(), "no_space");
}

TEST_F(DatabaseTest, ANameThatTheEnumDoesNotHaveIsAnError) {
  database_.Run("INSERT INTO cells VALUES('sideways')");
  EXPECT_THROW(static_cast<void>(database_.Row<RunResult>("SELECT value FROM cells")),
               std::runtime_error);
}

TEST_F(DatabaseTest, ACountBeyondTheRangeOfSqliteIsStoredAsTheLargest) {
  EXPECT_EQ(Stored(std::numeric_limits<std::uint64_t>::max()),
            std::uint64_t{std::numeric_limits<std::int64_t>::max()});
}

TEST_F(DatabaseTest, RowsOfOneColumnArePlainValues) {
  Fill(3);
  std::vector<int> values;
  for (const int value : database_.Rows<int>("SELECT value FROM cells WHERE value>?", 1)) {
    values.push_back(value);
  }
  EXPECT_THAT(values, ElementsAre(2, 3));
}

TEST_F(DatabaseTest, RowsOfSeveralColumnsAreTuples) {
  Fill(2);
  std::vector<std::string> found;
  for (const auto& [value, text] :
       database_.Rows<int, std::string>("SELECT value,'no. '||value FROM cells")) {
    found.push_back(text + (value == 2 ? "!" : ""));
  }
  EXPECT_THAT(found, ElementsAre("no. 1", "no. 2!"));
}

TEST_F(DatabaseTest, AFirstRowIsOptional) {
  EXPECT_EQ(database_.Row<int>("SELECT value FROM cells"), std::nullopt);
  database_.Run("INSERT INTO cells VALUES(NULL)");
  EXPECT_EQ(database_.Row<std::optional<int>>("SELECT value FROM cells"), std::nullopt);
  database_.Run("DELETE FROM cells");
  int value = 5;
  std::string text = "as before";
  EXPECT_FALSE(database_.ReadInto(std::tie(value, text), "SELECT value,'' FROM cells"));
  EXPECT_EQ(text, "as before");
  Fill(1);
  EXPECT_TRUE(database_.ReadInto(std::tie(value, text), "SELECT value,'' FROM cells"));
  EXPECT_EQ(value, 1);
  EXPECT_EQ(text, "");
}

TEST_F(DatabaseTest, RunReturnsTheNumberOfRowsChanged) {
  Fill(3);
  EXPECT_EQ(database_.Run("DELETE FROM cells WHERE value>?", 1), 2);
}

TEST_F(DatabaseTest, AStatementThatIsInUseCannotBeUsedASecondTime) {
  Fill(2);
  const std::string_view sql = "SELECT value FROM cells";
  {
    auto rows = database_.Rows<int>(sql);
    EXPECT_THROW(static_cast<void>(database_.Row<int>(sql)), std::logic_error);
    EXPECT_THROW(static_cast<void>(database_.Rows<int>(sql)), std::logic_error);
    EXPECT_EQ(*rows.begin(), 1) << "the first use is not disturbed";
  }
  EXPECT_EQ(database_.Row<int>(sql), 1);
}

TEST_F(DatabaseTest, AStatementIsFreeAgainAfterAnException) {
  Fill(2);
  const std::string_view sql = "SELECT value FROM cells";
  try {
    for (const int value : database_.Rows<int>(sql)) throw value;
  } catch (const int value) {
    EXPECT_EQ(value, 1);
  }
  EXPECT_EQ(database_.Row<int>(sql), 1);
  database_.Run("CREATE TEMP TABLE once(value UNIQUE)");
  const std::string_view insert = "INSERT INTO once VALUES(?)";
  database_.Run(insert, 1);
  EXPECT_THROW(database_.Run(insert, 1), SQLite::Exception);
  EXPECT_EQ(database_.Run(insert, 2), 1);
}

TEST_F(DatabaseTest, AWrongNumberOfParametersOrColumnsIsAnError) {
  EXPECT_THROW(database_.Run("INSERT INTO cells VALUES(?)"), std::logic_error);
  EXPECT_THROW(database_.Run("INSERT INTO cells VALUES(?)", 1, 2), std::logic_error);
  EXPECT_THROW(static_cast<void>(database_.Row<int>("SELECT value,value FROM cells")),
               std::logic_error);
}

}  // namespace
}  // namespace backup_exporter
