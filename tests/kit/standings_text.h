// Standings as text, every field of them, so that tests compare and show them whole.
#pragma once

#include <ostream>
#include <string>

#include "ledger/standing.h"

namespace backup_exporter {

// Leaves out what is not known, and what a restart begins anew: the last commit and the errors.
[[nodiscard]] std::string StandingsText(const Standings& standings);
[[nodiscard]] std::string StandingText(const BackupStanding& standing);

// For GoogleTest's messages.
inline void PrintTo(Operation value, std::ostream* out) { *out << Name(value); }
inline void PrintTo(RunResult value, std::ostream* out) { *out << Name(value); }
inline void PrintTo(Evidence value, std::ostream* out) { *out << Name(value); }
inline void PrintTo(Reason value, std::ostream* out) { *out << Name(value); }

}  // namespace backup_exporter
