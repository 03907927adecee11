// The vocabulary of runs: operation, result, evidence, reason, level and figures.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace backup_exporter {

enum class Operation { kBackup, kCheck, kPrune, kForget, kCompact, kCopy, kRestore, kOther };
inline constexpr int kOperations = 8;

// From best to worst: of two results for one run the later one in this order counts.
enum class RunResult { kSuccess, kSkipped, kWarning, kInterrupted, kFailure };
inline constexpr int kRunResults = 5;

// What a result is based on, weakest first.
enum class Evidence { kClaim, kExitCode, kReport, kArchive };
inline constexpr int kEvidences = 4;

// Why a run failed, as far as its messages show.
enum class Reason {
  kLocked,
  kAuth,
  kRepositoryMissing,
  kNetwork,
  kNoSpace,
  kSourceMissing,
  kSourceUnreadable,
  kInterrupted,
  kHook,
  kTimeout,
  kOther,
};
inline constexpr int kReasons = 11;

// Severity of a message, most severe first. borgmatic's ANSWER counts as a warning, since borgmatic
// prints it wherever it prints warnings.
enum class Level { kError, kWarning, kInfo, kDebug };
inline constexpr int kLevels = 4;

// The names that metrics, configuration and ledger use: "backup", "success", "report", "no_space".
[[nodiscard]] std::string_view Name(Operation operation);
[[nodiscard]] std::string_view Name(RunResult result);
[[nodiscard]] std::string_view Name(Evidence evidence);
[[nodiscard]] std::string_view Name(Reason reason);
[[nodiscard]] std::string_view Name(Level level);
[[nodiscard]] std::optional<Operation> OperationNamed(std::string_view name);
[[nodiscard]] std::optional<RunResult> ResultNamed(std::string_view name);
[[nodiscard]] std::optional<Evidence> EvidenceNamed(std::string_view name);
[[nodiscard]] std::optional<Reason> ReasonNamed(std::string_view name);
[[nodiscard]] std::optional<Level> LevelNamed(std::string_view name);

// Amounts of data and files in a run. An absent value is unknown, which is not zero.
struct Figures {
  std::optional<std::uint64_t> added_bytes;         // as the tool counts them
  std::optional<std::uint64_t> added_stored_bytes;  // after compression, as stored
  std::optional<std::uint64_t> processed_bytes;     // source bytes covered
  std::optional<std::uint64_t> processed_files;
  std::optional<std::uint64_t> files_new;
  std::optional<std::uint64_t> files_changed;
  std::optional<std::uint64_t> files_unmodified;
  std::optional<std::uint64_t> directories_new;
  std::optional<std::uint64_t> directories_changed;
  std::optional<std::uint64_t> directories_unmodified;
  std::optional<std::uint64_t> errors;  // unreadable files and the like

  bool operator==(const Figures&) const = default;
};

// All figures, for code that treats them alike (storing, merging, printing in tests). `column` is
// the name in the ledger.
struct FigureField {
  std::string_view column;
  std::optional<std::uint64_t> Figures::*member;
};
inline constexpr std::array kFigureFields{
    FigureField{"added_bytes", &Figures::added_bytes},
    FigureField{"added_stored_bytes", &Figures::added_stored_bytes},
    FigureField{"processed_bytes", &Figures::processed_bytes},
    FigureField{"processed_files", &Figures::processed_files},
    FigureField{"files_new", &Figures::files_new},
    FigureField{"files_changed", &Figures::files_changed},
    FigureField{"files_unmodified", &Figures::files_unmodified},
    FigureField{"directories_new", &Figures::directories_new},
    FigureField{"directories_changed", &Figures::directories_changed},
    FigureField{"directories_unmodified", &Figures::directories_unmodified},
    FigureField{"errors", &Figures::errors},
};

}  // namespace backup_exporter
