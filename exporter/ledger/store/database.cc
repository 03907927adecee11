#include "ledger/store/database.h"

#include <fmt/format.h>

namespace backup_exporter {

StatementUse::StatementUse(CachedStatement& cached) : cached_(cached) {
  if (std::exchange(cached.in_use, true)) {
    throw std::logic_error("a statement is already in use: " + cached.statement.getQuery());
  }
}

// Without the reset SQLite could not start its WAL file over, which would grow without a limit, and
// a later write would fail if another process wrote in the meantime.
StatementUse::~StatementUse() {
  cached_.statement.tryReset();
  cached_.in_use = false;
}

void StatementUse::Require(int expected, std::size_t actual, const char* what) const {
  if (std::cmp_equal(expected, actual)) return;
  throw std::logic_error(fmt::format("a statement has {} {}, not {}: {}", expected, what, actual,
                                     cached_.statement.getQuery()));
}

CachedStatement& Database::Cached(std::string_view sql) {
  auto found = statements_.find(sql);
  if (found == statements_.end()) {
    std::string text(sql);
    SQLite::Statement statement(*handle_, text);
    found = statements_.try_emplace(std::move(text), std::move(statement)).first;
  }
  return found->second;
}

std::unique_ptr<SQLite::Database> Database::Replace(std::unique_ptr<SQLite::Database> connection) {
  statements_.clear();
  return std::exchange(handle_, std::move(connection));
}

}  // namespace backup_exporter
