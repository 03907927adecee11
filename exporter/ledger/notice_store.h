// Notices as rows, once they are made: what became of each, and what each monitor's come to.
//
// For the ledger's own sources; throws SQLite::Exception.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ledger/store/database.h"
#include "ledger/standing.h"
#include "model/notice.h"

namespace backup_exporter {

// Notices that were given up, for a person to see.
inline constexpr std::chrono::days kDeadLettersKept{30};

// A notice as the ledger keeps it, without what has a column of its own or can be looked up: id,
// state, attempts, messages.
[[nodiscard]] std::string SavedNotice(const Notice& notice);
[[nodiscard]] Notice LoadedNotice(const std::string& text);
// The tables hold only names that Name() gave.
[[nodiscard]] NoticeState StateNamed(std::string_view name);

// Counts and values of a monitor, by a name of few: "notices fail", "dropped expired", "up".
void CountTelling(Database& database, const std::string& monitor, std::string_view name,
                  std::int64_t add = 1);
void SetTelling(Database& database, const std::string& monitor, std::string_view name,
                std::int64_t value);

// Takes in what came of a notice.
void TakeIn(Database& database, const Subscription& subscription, const Delivery& delivery,
            Time now);

[[nodiscard]] MonitorStanding QueryMonitor(Database& database, const Subscription& subscription);

}  // namespace backup_exporter
