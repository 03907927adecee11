#include "ledger/rules/merge.h"

#include <algorithm>

#include "base/utf8.h"
#include "ledger/rules/outcome.h"
#include "model/message.h"

namespace backup_exporter {
namespace {

// The end of a run that has a result without evidence was inferred: no record reported it.
bool IsInferred(const StoredRun& run) { return run.result && !run.evidence; }

bool IsAhead(const std::optional<Time>& end, Time now) { return end && *end > now + kMostAhead; }

// The first report of the end replaces an inferred result. After that only a worse result does.
void MergeResult(const RunFinished& event, RunResult result, StoredRun& run) {
  const bool replaces = !run.result || IsInferred(run) || result > *run.result;
  if (replaces) {
    run.result = result;
    run.reason = event.reason;
    if (!event.message.empty()) run.message = CutBytes(event.message, kMostMessage);
  } else if (!run.reason && result == *run.result) {
    run.reason = event.reason;
  }
  if (event.exit_code && (replaces || !run.exit_code)) run.exit_code = event.exit_code;
  run.evidence = std::max(run.evidence.value_or(event.evidence), event.evidence);
}

// Known times stay as they are, except those of an inferred end.
void MergeTimes(const RunFinished& event, const MergeFacts& facts, bool inferred, StoredRun& run) {
  std::optional<Time> end = event.end ? event.end : facts.end;
  // A settled run can no longer be held back.
  if (run.state == RunState::kSettled && IsAhead(end, facts.now)) end.reset();
  if (inferred && end) {
    run.ended.reset();
    run.duration.reset();
  }
  // A listing may know only when an archive was started.
  const bool is_point = run.ended && run.ended == run.started;
  if (!run.ended || (is_point && end > run.ended)) run.ended = end;
  if (!run.started) run.started = event.start;
  if (!run.duration) run.duration = event.duration;
  run.ended_by = run.ended ? *run.ended : run.ended_by.value_or(facts.end_by);
}

void MergeFigures(const Figures& from, Figures& figures) {
  for (const FigureField& field : kFigureFields) {
    auto& figure = figures.*field.member;
    if (!figure) figure = from.*field.member;
  }
}

// Whether the run is held back for the first time.
bool HoldBack(const MergeFacts& facts, StoredRun& run) {
  if (run.state == RunState::kSettled || !IsAhead(run.ended, facts.now)) return false;
  const bool is_first = !run.settles_at;
  run.settles_at = *run.ended - kMostAhead;
  if (IsBad(*run.result)) {
    // A bad result is shown at once: a record that can be read has been written already.
    run.ended = run.ended_by = facts.end_by;
    run.settles_at.reset();
  }
  return is_first;
}

}  // namespace

Merged Merge(StoredRun run, const RunFinished& event, const MergeFacts& facts) {
  RunResult result = event.result;
  if (result == RunResult::kWarning && facts.warnings_are_failures) result = RunResult::kFailure;
  const bool inferred = IsInferred(run);
  if (inferred && event.guessed && result <= *run.result) {
    return {.run = std::move(run), .ignored = true};
  }

  const std::optional<RunResult> before = run.result;
  Merged merged{.first_result = !before};
  MergeResult(event, result, run);
  MergeTimes(event, facts, inferred, run);
  if (event.snapshot_id.size() > run.snapshot_id.size()) run.snapshot_id = event.snapshot_id;
  MergeFigures(event.figures, run.figures);
  if (run.state == RunState::kOpen) run.state = RunState::kProvisional;
  merged.held_back = HoldBack(facts, run);
  if (run.started > run.ended_by) run.started.reset();
  // Two records may give one end of the run each.
  if (!run.duration && run.started && run.ended > run.started) {
    run.duration = *run.ended - *run.started;
  }

  merged.revised = run.state == RunState::kSettled && run.result != before;
  merged.failed = merged.revised && IsBad(*run.result) && !(before && IsBad(*before));
  merged.warned = merged.revised && run.result == RunResult::kWarning;
  merged.run = std::move(run);
  return merged;
}

}  // namespace backup_exporter
