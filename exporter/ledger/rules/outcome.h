// Defines which results are good, bad and clean, and when a claim counts.
//
// Metrics, monitors and expectations all judge runs by these functions. Queries do the same
// through the view `counted_runs` (store/counted_runs.h), which is written from this list.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "model/run.h"

namespace backup_exporter {

// The backup succeeded, perhaps with warnings.
[[nodiscard]] constexpr bool IsGood(RunResult result) {
  return result == RunResult::kSuccess || result == RunResult::kWarning;
}

// It succeeded without a warning.
[[nodiscard]] constexpr bool IsClean(RunResult result) { return result == RunResult::kSuccess; }

// It failed or was interrupted.
[[nodiscard]] constexpr bool IsBad(RunResult result) {
  return result == RunResult::kFailure || result == RunResult::kInterrupted;
}

// It did nothing: neither good nor bad.
[[nodiscard]] constexpr bool IsSkipped(RunResult result) { return result == RunResult::kSkipped; }

// Whether a settled run counts at all. A claim with a good result does not count where archives
// prove the successes of the same backup and operation. `evidence`: nullopt if the end of the run
// was inferred. `archives_prove`: some run of this backup and operation has an archive
// (store/counted_runs.h, ArchivesProve).
[[nodiscard]] constexpr bool Counts(RunResult result, std::optional<Evidence> evidence,
                                    bool archives_prove) {
  return !(IsGood(result) && evidence == Evidence::kClaim && archives_prove);
}

// Whether a settled run counts as a success, and thereby ends a failure.
[[nodiscard]] constexpr bool CountsAsSuccess(RunResult result, std::optional<Evidence> evidence,
                                             bool archives_prove) {
  return IsGood(result) && Counts(result, evidence, archives_prove);
}

// The names of the results for which the predicate is true, from best to worst.
[[nodiscard]] std::vector<std::string_view> ResultsThat(bool (*predicate)(RunResult));

}  // namespace backup_exporter
