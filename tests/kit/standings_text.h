// Standings as text with every field, for comparisons and messages of tests.
#pragma once

#include <ostream>
#include <string>

#include "model/standing.h"

namespace backup_exporter {

// Omits unknown values, and those that a restart resets: the last commit and the errors.
[[nodiscard]] std::string StandingsText(const Standings& standings);
[[nodiscard]] std::string StandingText(const BackupStanding& standing);

// For GoogleTest's messages.
inline void PrintTo(Operation value, std::ostream* out) { *out << Name(value); }
inline void PrintTo(RunResult value, std::ostream* out) { *out << Name(value); }
inline void PrintTo(Evidence value, std::ostream* out) { *out << Name(value); }
inline void PrintTo(Reason value, std::ostream* out) { *out << Name(value); }

}  // namespace backup_exporter
