// A connection to the ledger's SQLite file: cached statements, typed parameters and typed rows.
//
// For the sources of ledger/ only. Not thread-safe. SQLite's errors are thrown as
// SQLite::Exception; misuse (wrong number of parameters or columns, a statement that is already in
// use) is thrown as std::logic_error, in every build.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "base/time.h"
#include "model/notice.h"
#include "model/run.h"

namespace backup_exporter {

using RowId = std::int64_t;

// Stored forms of values: integers and bool as INTEGER (a uint64 above 2^63-1, which no real run
// has, as 2^63-1), Time and Duration as whole microseconds, an enum by its Name(), an empty
// optional as NULL.
template <typename T>
void BindValue(SQLite::Statement& statement, int index, const T& value);
// The reverse. NULL is an empty optional, or 0, or "". A name that no value of the enum has throws
// std::runtime_error.
template <typename T>
[[nodiscard]] T ReadValue(SQLite::Statement& statement, int column);

// A cached statement and whether it is in use.
struct CachedStatement {
  SQLite::Statement statement;
  bool in_use = false;
};

// Use of a cached statement, from binding its parameters until it is reset.
class StatementUse {
 public:
  explicit StatementUse(CachedStatement& cached);
  ~StatementUse();
  StatementUse(const StatementUse&) = delete;
  StatementUse& operator=(const StatementUse&) = delete;

  // Binds all parameters, in their order.
  template <typename... Args>
  void Bind(const Args&... args) {
    Require(cached_.statement.getBindParameterCount(), sizeof...(args), "parameters");
    [[maybe_unused]] int index = 0;
    (BindValue(cached_.statement, ++index, args), ...);
  }
  // Reads all columns, in their order.
  template <typename... Columns>
  [[nodiscard]] std::tuple<Columns...> Read() {
    return [&]<std::size_t... column>(std::index_sequence<column...>) {
      return std::tuple<Columns...>{
          ReadValue<Columns>(cached_.statement, static_cast<int>(column))...};
    }
    (std::index_sequence_for<Columns...>());
  }
  void RequireColumns(std::size_t count) const {
    Require(cached_.statement.getColumnCount(), count, "columns");
  }
  SQLite::Statement& operator*() const { return cached_.statement; }

 private:
  void Require(int expected, std::size_t actual, const char* what) const;

  CachedStatement& cached_;
};

// The rows of a query, for one pass of a range-based for loop. A row of one column is a plain
// value, a wider one a tuple. The statement is in use until the range is destroyed.
template <typename... Columns>
class RowRange {
 public:
  struct Iterator {
    StatementUse* use;
    bool has_row;

    auto operator*() const {
      if constexpr (sizeof...(Columns) == 1) {
        return std::get<0>(use->Read<Columns...>());
      } else {
        return use->Read<Columns...>();
      }
    }
    Iterator& operator++() { return has_row = (**use).executeStep(), *this; }
    bool operator==(std::default_sentinel_t) const { return !has_row; }
  };

  template <typename... Args>
  explicit RowRange(CachedStatement& cached, const Args&... args) : use_(cached) {
    use_.RequireColumns(sizeof...(Columns));
    use_.Bind(args...);
  }
  Iterator begin() { return {&use_, (*use_).executeStep()}; }
  std::default_sentinel_t end() const { return {}; }

 private:
  StatementUse use_;
};

class Database {
 public:
  explicit Database(std::unique_ptr<SQLite::Database> connection)
      : handle_(std::move(connection)) {}

  // In the following, `sql` is one of few fixed texts: its statement is prepared once and kept.
  // Arguments are bound to its parameters in order.

  // Executes a statement that returns no rows. The number of rows changed.
  template <typename... Args>
  int Run(std::string_view sql, const Args&... args) {
    StatementUse use(Cached(sql));
    use.Bind(args...);
    return (*use).exec();
  }
  // The rows of a query.
  template <typename... Columns, typename... Args>
  [[nodiscard]] RowRange<Columns...> Rows(std::string_view sql, const Args&... args) {
    return RowRange<Columns...>(Cached(sql), args...);
  }
  // The first row, as a value if it has one column, else as a tuple; nullopt if there is none, or
  // if its only column is an empty optional.
  template <typename... Columns, typename... Args>
  [[nodiscard]] auto Row(std::string_view sql, const Args&... args) {
    RowRange<Columns...> rows(Cached(sql), args...);
    const auto first = rows.begin();
    return first == rows.end() ? std::nullopt : std::optional(*first);
  }
  // Reads the first row into the referenced variables; false if there is none.
  template <typename... Columns, typename... Args>
  [[nodiscard]] bool ReadInto(std::tuple<Columns&...> to, std::string_view sql,
                              const Args&... args) {
    RowRange<Columns...> rows(Cached(sql), args...);
    const auto first = rows.begin();
    if (first == rows.end()) return false;
    to = first.use->template Read<Columns...>();
    return true;
  }
  // The id of the row that was inserted last.
  [[nodiscard]] RowId LastInserted() const { return handle_->getLastInsertRowid(); }

  // For transactions, pragmas and schemas.
  SQLite::Database& handle() { return *handle_; }

  // Continues with another connection, and returns the one it used. No statement may be in use.
  std::unique_ptr<SQLite::Database> Replace(std::unique_ptr<SQLite::Database> connection);

 private:
  CachedStatement& Cached(std::string_view sql);

  std::unique_ptr<SQLite::Database> handle_;
  std::map<std::string, CachedStatement, std::less<>> statements_;  // destroyed before handle_
};

// The number of values of each enum that rows hold by name.
constexpr int Values(Operation) { return kOperations; }
constexpr int Values(RunResult) { return kRunResults; }
constexpr int Values(Evidence) { return kEvidences; }
constexpr int Values(Reason) { return kReasons; }
constexpr int Values(Level) { return kLevels; }
constexpr int Values(NoticeState) { return kNoticeStates; }
constexpr int Values(NoticeCause) { return kNoticeCauses; }

template <typename T>
inline constexpr bool kIsOptional = false;
template <typename T>
inline constexpr bool kIsOptional<std::optional<T>> = true;

template <typename T>
void BindValue(SQLite::Statement& statement, int index, const T& value) {
  if constexpr (kIsOptional<T>) {
    value ? BindValue(statement, index, *value) : statement.bind(index);
  } else if constexpr (std::is_same_v<T, std::string>) {
    statement.bind(index, value);
  } else if constexpr (std::is_convertible_v<T, std::string_view>) {
    statement.bind(index, std::string(std::string_view(value)));
  } else if constexpr (std::is_enum_v<T>) {
    statement.bind(index, std::string(Name(value)));
  } else if constexpr (std::is_convertible_v<T, Time>) {
    statement.bind(index, std::int64_t{Time(value).time_since_epoch().count()});
  } else if constexpr (std::is_convertible_v<T, Duration>) {
    statement.bind(index, std::int64_t{Duration(value).count()});
  } else if constexpr (std::is_floating_point_v<T>) {
    statement.bind(index, double{value});
  } else if constexpr (std::is_same_v<T, bool>) {
    statement.bind(index, value ? 1 : 0);
  } else {
    static_assert(std::is_integral_v<T>);
    constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
    statement.bind(index,
                   std::cmp_greater(value, kMost) ? kMost : static_cast<std::int64_t>(value));
  }
}

template <typename T>
T ReadValue(SQLite::Statement& statement, int column) {
  const SQLite::Column value = statement.getColumn(column);
  if constexpr (kIsOptional<T>) {
    if (value.isNull()) return std::nullopt;
    return ReadValue<typename T::value_type>(statement, column);
  } else if constexpr (std::is_same_v<T, std::string>) {
    return value.getString();
  } else if constexpr (std::is_enum_v<T>) {
    const std::string_view name = value.getText();
    for (int i = 0; i < Values(T{}); ++i) {
      if (Name(static_cast<T>(i)) == name) return static_cast<T>(i);
    }
    throw std::runtime_error("the ledger contains an unknown name: " + std::string(name));
  } else if constexpr (std::is_same_v<T, Time>) {
    return Time(Duration(value.getInt64()));
  } else if constexpr (std::is_same_v<T, Duration>) {
    return Duration(value.getInt64());
  } else if constexpr (std::is_floating_point_v<T>) {
    return value.getDouble();
  } else {
    static_assert(std::is_integral_v<T>);
    return static_cast<T>(value.getInt64());
  }
}

}  // namespace backup_exporter
