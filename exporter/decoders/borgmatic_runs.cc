#include "decoders/borgmatic_runs.h"

#include <algorithm>
#include <array>
#include <utility>

#include "decoders/run_events.h"

namespace backup_exporter {
namespace {

constexpr std::size_t kMaxErrorText = 2000;  // bytes that are kept; the last line may exceed them
constexpr std::size_t kMaxActions = 1000;
// The longest time that borgmatic takes to print its summary. The next run takes longer to start.
constexpr Duration kSummaryDuration = std::chrono::milliseconds(100);

// In the order of Action::State.
constexpr std::array<std::string_view, 4> kStateNames{"open", "retrying", "ended", "reported"};

void AppendLine(std::string& text, std::string_view line) {
  if (text.size() < kMaxErrorText) text.append(line).append("\n");
}

RunFinished Interruption(std::optional<Time> time) {
  return {.operation = std::nullopt,
          .result = RunResult::kInterrupted,
          .end = time,
          .reason = Reason::kInterrupted};
}

// The reason for a failure by its error text, else by its exit code.
Reason ReasonOfFailure(const std::string& text, std::optional<int> exit_code) {
  Reason reason = BorgReasonOf("", text);
  if (reason == Reason::kOther && exit_code) {
    reason = BorgReasonOf(*exit_code).value_or(Reason::kOther);
  }
  const bool hook = text.find(" hook") != std::string::npos;
  return reason == Reason::kOther && hook ? Reason::kHook : reason;
}

}  // namespace

void BorgmaticRuns::At(std::uint64_t offset, Decoded* out) {
  offset_ = offset;
  out_ = out;
}

void BorgmaticRuns::Write(const Named& of, decltype(Event::what) what) {
  out_->events.push_back({.of = of, .offset = offset_, .what = std::move(what)});
}

void BorgmaticRuns::ArchiveCreated(const Named& of, RunFinished end) {
  const auto backup = std::ranges::find_if(actions_, [&of](const Action& action) {
    return action.operation == Operation::kBackup && action.state != Action::State::kReported &&
           (action.of.label == of.label || action.of.label.empty() ||
            (!of.repository.empty() && action.of.label == of.repository));
  });
  if (backup != actions_.end()) {
    if (backup->state == Action::State::kOpen) JudgeByFindings(*backup);
    end.result = std::max(end.result, backup->result);
    if (!end.reason) end.reason = backup->reason;
    backup->of = of;
    backup->state = Action::State::kReported;
    Write(of, std::move(end));
    return WritePending(*backup);
  }
  if (findings_.warnings > 0 || findings_.source_missing) {
    // Warnings that came before the document, whichever repository they belong to.
    Action alone{.of = of, .operation = Operation::kBackup};
    JudgeByFindings(alone);
    end.result = std::max(end.result, alone.result);
    end.reason = alone.reason;
  }
  Write(of, std::move(end));
  for (RunNoted& message : messages_.Release()) Write(of, std::move(message));
}

// ---- messages ----

void BorgmaticRuns::AddMessage(Level level, const LogLine& line, BorgmaticMessage kind) {
  const bool severe = level <= Level::kWarning && line.level != LogLevel::kAnswer;
  const bool of_run = current_ || kind == BorgmaticMessage::kSoftFailure;
  if (!severe && !of_run) return;
  // Lines that only follow from a failure that was reported.
  const bool follows = line.level == LogLevel::kCritical && kind == BorgmaticMessage::kOther &&
                       failed_ && !current_ && !failure_;
  if (follows) return;
  std::optional<std::size_t> action = current_;
  if (!current_ && failure_) action = failure_->action;
  // These lines name their repository, which may not be that of the current action.
  if (kind == BorgmaticMessage::kRepositoryFailed || kind == BorgmaticMessage::kSoftFailure) {
    action.reset();
  }
  AddMessage(MessageOf(level, line.text, line.time), action);
}

void BorgmaticRuns::AddMessage(RunNoted message, std::optional<std::size_t> action) {
  if (action && actions_[*action].announced) Write(actions_[*action].of, message);
  messages_.Add(std::move(message), action);
}

// Messages that belonged to no known action belong to this one.
void BorgmaticRuns::AssignPending(std::size_t action) {
  for (RunNoted& message : messages_.Release()) AddMessage(std::move(message), action);
}

// To be called after the end was reported. An announced action got its messages at once.
void BorgmaticRuns::WritePending(const Action& action) {
  for (RunNoted& message : messages_.Release(IndexOf(action))) {
    if (!action.announced) Write(action.of, std::move(message));
  }
}

// ---- messages of borg ----

void BorgmaticRuns::AddErrorText(std::string_view text) {
  AppendLine(errors_, text.substr(0, kMaxErrorText));
}

bool BorgmaticRuns::StatisticsLine(std::string_view text, const LocalClock& clock) {
  return statistics_.Parse(text, clock) != BorgStatistics::Line::kOther;
}

bool BorgmaticRuns::Apply(BorgMessage message, std::string_view text) {
  switch (message) {
    case BorgMessage::kCreateBegins:
      if (std::string repository = BorgRepositoryOf(text); current_ && !repository.empty()) {
        Named& of = actions_[*current_].of;
        if (of.label.empty()) of.label = repository;
        of.repository = std::move(repository);
      }
      return true;
    case BorgMessage::kUnreadable:
      ++findings_.warnings;
      return true;
    case BorgMessage::kSourceMissing:
      findings_.source_missing = true;
      return true;
    case BorgMessage::kInterrupted:
      findings_.interrupted = true;
      return true;
    case BorgMessage::kCheckDamaged:
      findings_.damaged = true;
      return true;
    default:
      return false;
  }
}

// borgmatic goes on, but an exit code from 128 on means that a signal ended borg.
void BorgmaticRuns::ExitCodeTreatedAsWarning(int exit_code, std::optional<Time> time) {
  ++findings_.warnings;
  if (exit_code < 128) return;
  findings_.interrupted = true;
  if (!current_) ReportUnnamed(Interruption(time));
}

// ---- actions ----

BorgmaticRuns::Action* BorgmaticRuns::FindRetrying(const std::string& label) {
  const auto found = std::ranges::find_if(actions_, [&label](const Action& action) {
    return action.state == Action::State::kRetrying && action.of.label == label;
  });
  return found == actions_.end() ? nullptr : &*found;
}

bool BorgmaticRuns::HasDone(const Named& of, Operation operation) const {
  return std::ranges::any_of(actions_, [&](const Action& action) {
    return action.of == of && action.operation == operation;
  });
}

void BorgmaticRuns::ActionBegins(const BorgmaticLine& begun, std::optional<Time> time,
                                 bool report_start) {
  EndCurrent(time);
  WithdrawAnnounced();
  DropWithoutSummary(begun);
  findings_ = {};
  errors_.clear();
  if (actions_.size() >= kMaxActions) return;
  if (ResumeRetried(begun)) return;
  Action action{.of = {.label = begun.label, .repository = PublicLocation(begun.label)},
                .operation = begun.operation,
                .announced = report_start && !begun.dry_run,
                .dry_run = begun.dry_run,
                .started = time};
  // JSON lines do not name the repository, but all actions on one come before those on the next.
  if (begun.label.empty() && !actions_.empty() && !HasDone(actions_.back().of, *begun.operation)) {
    action.of = actions_.back().of;
  }
  if (action.announced) {
    Write(action.of, RunStarted{.operation = action.operation, .at = action.started});
  }
  current_ = actions_.size();
  actions_.push_back(std::move(action));
  AssignPending(*current_);
}

// Continues an action that failed and is repeated now. False if there is none.
bool BorgmaticRuns::ResumeRetried(const BorgmaticLine& begun) {
  Action* retried = FindRetrying(begun.label);
  if (retried == nullptr) return false;
  if (retried->operation == begun.operation) {
    retried->state = Action::State::kOpen;
    current_ = IndexOf(*retried);
    AssignPending(*current_);
    return true;
  }
  // borgmatic repeats all actions on the repository, and another one comes before the failed one.
  if (retried->announced) Write(retried->of, RunWithdrawn{});
  messages_.Drop(IndexOf(*retried));
  retried->state = Action::State::kReported;
  return false;
}

// An action that ended is not in progress; its result comes with the summary.
void BorgmaticRuns::WithdrawAnnounced() {
  for (Action& action : actions_) {
    if (action.state != Action::State::kEnded || !action.announced) continue;
    Write(action.of, RunWithdrawn{});
    action.announced = false;
  }
}

// The result of an action by borg's messages since its start, if borgmatic reported no failure.
void BorgmaticRuns::JudgeByFindings(Action& action) const {
  const bool backup = action.operation == Operation::kBackup;
  if (findings_.interrupted) {
    action.result = RunResult::kInterrupted;
    action.reason = Reason::kInterrupted;
  } else if (backup && findings_.source_missing) {
    action.result = RunResult::kFailure;
    action.reason = Reason::kSourceMissing;
  } else if (findings_.damaged) {
    action.result = RunResult::kFailure;
    action.reason = Reason::kOther;
  } else if (backup && findings_.warnings > 0) {
    action.result = RunResult::kWarning;
    action.reason = Reason::kSourceUnreadable;
  }
}

// The current action ended without a failure: the next one begins, or the run of borgmatic is over.
void BorgmaticRuns::EndCurrent(std::optional<Time> time) {
  if (!current_) return;
  Action& action = actions_[*std::exchange(current_, std::nullopt)];
  if (action.state != Action::State::kOpen) return;
  JudgeByFindings(action);
  action.ended = time;
  action.state = Action::State::kEnded;
  if (action.operation == Operation::kBackup && !statistics_.id().empty()) {
    action.archive = statistics_.id();
    action.figures = statistics_.figures();
    statistics_ = {};
  }
}

// Within one run of borgmatic, no action on a repository is repeated, and only deletion follows a
// check. If one does, borgmatic was started again after a run without a summary, or works on
// another configuration. The lines do not show how the ended actions of the earlier run turned out,
// so these are not reported.
void BorgmaticRuns::DropWithoutSummary(const BorgmaticLine& next) {
  const auto is_earlier = [&next](const Action& action) {
    return action.of.label == next.label && !next.label.empty() &&
           action.state == Action::State::kEnded;
  };
  const bool again = std::ranges::any_of(actions_, [&](const Action& action) {
    return is_earlier(action) &&
           (action.operation == next.operation || action.operation == Operation::kCheck);
  });
  if (!again) return;
  for (Action& action : actions_) {
    if (!is_earlier(action)) continue;
    action.state = Action::State::kReported;
    messages_.Drop(IndexOf(action));
  }
}

// The action that a line about `label` belongs to: the current one, else one that never began.
std::size_t BorgmaticRuns::ActionOn(const std::string& label, std::optional<Time> time) {
  const std::size_t action = FindOrAdd(label, time);
  AssignPending(action);
  return action;
}

std::size_t BorgmaticRuns::FindOrAdd(const std::string& label, std::optional<Time> time) {
  if (current_ && (label.empty() || actions_[*current_].of.label == label)) return *current_;
  EndCurrent(time);
  if (Action* retried = FindRetrying(label); retried != nullptr) {
    retried->state = Action::State::kOpen;
    return IndexOf(*retried);
  }
  if (actions_.size() < kMaxActions) actions_.emplace_back();
  messages_.Drop(actions_.size() - 1);
  actions_.back() = {.of = {.label = label, .repository = PublicLocation(label)}};
  return actions_.size() - 1;
}

void BorgmaticRuns::Report(Action& action) {
  action.state = Action::State::kReported;
  if (action.dry_run) return messages_.Drop(IndexOf(action));
  RunFinished end{.operation = action.operation,
                  .result = action.result,
                  .start = action.started,
                  .end = action.ended,
                  .figures = action.figures,
                  .snapshot_id = action.archive,
                  .reason = action.reason,
                  .guessed = action.archive.empty()};
  SetDuration(end);
  Write(action.of, std::move(end));
  WritePending(action);
}

void BorgmaticRuns::ReportEnded() {
  for (Action& action : actions_) {
    if (action.state == Action::State::kEnded) Report(action);
  }
}

void BorgmaticRuns::Skipped(const std::string& label, std::optional<Time> time) {
  const bool of_configuration = label.ends_with(".yaml") || label.ends_with(".yml");
  if (!current_ && (of_configuration || label.empty())) {
    return ReportUnnamed({.operation = std::nullopt, .result = RunResult::kSkipped, .end = time});
  }
  Action& action = actions_[ActionOn(of_configuration ? "" : label, time)];
  current_.reset();
  action.result = RunResult::kSkipped;
  action.ended = time;
  Report(action);
}

void BorgmaticRuns::Stopped(std::optional<Time> time) {
  if (current_) {
    findings_.interrupted = true;
    EndCurrent(time);
  } else {
    ReportUnnamed(Interruption(time));
  }
  ReportEnded();
  has_summary_ = summary_complete_ = true;
  summary_time_ = time;
}

// ---- failures ----

void BorgmaticRuns::RepositoryFailed(const std::string& label, const LogLine& line) {
  const std::size_t action = ActionOn(label, line.time);
  JudgeByFindings(actions_[action]);
  current_.reset();
  if (line.level == LogLevel::kWarning) return Retry(action);
  failure_ = Failure{.action = action, .time = line.time, .text = std::exchange(errors_, {})};
}

void BorgmaticRuns::Retry(std::size_t action) {
  actions_[action].state = Action::State::kRetrying;
  findings_ = {};
  errors_.clear();
}

void BorgmaticRuns::Retrying() {
  if (failure_ && failure_->action) Retry(*failure_->action);
  failure_.reset();
}

void BorgmaticRuns::CommandFailed(int exit_code, const LogLine& line) {
  // At level WARNING the command will be repeated.
  if (line.level == LogLevel::kWarning || (!failure_ && line.level != LogLevel::kCritical)) return;
  if (!failure_) return SomethingFailed(line);
  failure_->exit_code = exit_code;
  failure_->text.append(line.text.substr(0, kMaxErrorText));
  if (failure_->action) {
    Action& action = actions_[*failure_->action];
    const BorgCommand command = ParseBorgCommand(line.text);
    if (!action.operation) action.operation = command.operation;
    if (action.of.label.empty()) action.of.label = action.of.repository = command.repository;
    // borgmatic treats borg's warnings as errors, but the archive was made.
    failure_->archive_made = command.operation == Operation::kBackup && !command.dry_run &&
                             BorgResultOf(exit_code, command.operation) == RunResult::kWarning;
  }
  // A line without a level may be about a command that will be repeated.
  if (line.level == LogLevel::kCritical) ReportFailure();
}

void BorgmaticRuns::SomethingFailed(const LogLine& line) {
  if (failure_) return AppendLine(failure_->text, line.text);
  if (failed_) return;
  failure_ = Failure{.action = current_, .time = line.time, .text = errors_ + line.text + "\n"};
  current_.reset();
}

bool BorgmaticRuns::ContinuesFailure(const LogLine& line, BorgmaticMessage kind) {
  const bool own_method =
      kind == BorgmaticMessage::kExitCode || kind == BorgmaticMessage::kRetrying;
  if (!failure_ || own_method || line.level == LogLevel::kError || line.text.empty()) return false;
  const bool unleveled = line.level == LogLevel::kNone;
  const bool more =
      (line.level == LogLevel::kCritical || unleveled) && kind == BorgmaticMessage::kOther;
  if (!more) ReportFailure();
  if (more && unleveled) SomethingFailed(line);
  return more && unleveled;
}

void BorgmaticRuns::ReportFailure() {
  if (!failure_) return;
  const Failure failure = std::move(*std::exchange(failure_, std::nullopt));
  failed_ = true;
  RunFinished end{.operation = std::nullopt,
                  .result = RunResult::kFailure,
                  .evidence = Evidence::kExitCode,
                  .end = failure.time,
                  .exit_code = failure.exit_code,
                  .reason = ReasonOfFailure(failure.text, failure.exit_code),
                  .message = failure.text};
  if (end.reason == Reason::kInterrupted) end.result = RunResult::kInterrupted;
  if (!failure.action) return ReportUnnamed(std::move(end));

  Action& action = actions_[*failure.action];
  end.operation = action.operation;
  end.start = action.started;
  SetDuration(end);
  if (failure.archive_made) {
    end.result = std::max(RunResult::kWarning, action.result);
    end.reason = action.reason.value_or(Reason::kSourceUnreadable);
  }
  action.state = Action::State::kReported;
  action.result = end.result;
  if (action.of.label.empty()) {
    for (RunNoted& message : messages_.Release(IndexOf(action))) messages_.Add(std::move(message));
    return ReportUnnamed(std::move(end));
  }
  Write(action.of, std::move(end));
  WritePending(action);
}

// Applies to all repositories but those whose actions are all over.
void BorgmaticRuns::ReportUnnamed(RunFinished end) {
  ReportEnded();
  std::vector<Named> finished;
  for (const Action& action : actions_) {
    const bool reported = action.state == Action::State::kReported;
    if (reported && !action.of.label.empty()) finished.push_back(action.of);
  }
  Write({}, FailedUnnamed{std::move(end), std::move(finished), messages_.Release()});
}

// ---- the summary ----

void BorgmaticRuns::SummaryBegins(const LogLine& line) {
  EndCurrent(line.time);
  ReportEnded();
  for (Action& action : actions_) {
    if (action.state != Action::State::kRetrying) continue;
    action.result = RunResult::kFailure;
    action.ended = line.time;
    Report(action);
  }
  has_summary_ = true;
  summary_time_ = line.time;
  // After a failure, or without levels, a line that offers help ends the summary.
  summary_complete_ = line.level != LogLevel::kCritical && line.level != LogLevel::kNone;
  // A configuration that could not be read is named only in the summary.
  if (line.level == LogLevel::kCritical && !failed_) failure_ = Failure{.time = line.time};
}

bool BorgmaticRuns::IsInSummary(const LogLine& line) const {
  if (!has_summary_) return false;
  const bool has_times = line.time && summary_time_;
  return has_times ? *line.time <= *summary_time_ + kSummaryDuration : !summary_complete_;
}

void BorgmaticRuns::SummaryLine(const LogLine& line, BorgmaticMessage kind) {
  const bool last = kind == BorgmaticMessage::kHelp;
  summary_complete_ = summary_complete_ || last;
  if (!failure_) return;
  if (last) return ReportFailure();
  if (line.level != LogLevel::kCritical || failure_->text.size() >= kMaxErrorText) return;
  AppendLine(failure_->text, line.text);
  if (!line.text.empty()) messages_.Add(MessageOf(Level::kError, line.text, line.time));
}

void BorgmaticRuns::LeaveSummary() {
  if (!has_summary_) return;
  ReportFailure();
  const std::uint64_t offset = offset_;
  Decoded* out = out_;
  Reset();
  At(offset, out);
}

// ---- saved state ----

Json BorgmaticRuns::SaveAction(const Action& action) {
  StateWriter saved;
  saved.Add("label", action.of.label);
  saved.Add("repository", action.of.repository);
  saved.Add("operation", action.operation);
  saved.Add("state", kStateNames[static_cast<std::size_t>(action.state)]);
  saved.Add("announced", action.announced);
  saved.Add("dry_run", action.dry_run);
  saved.Add("started", action.started);
  saved.Add("ended", action.ended);
  saved.Add("result", Name(action.result));
  if (action.reason) saved.Add("reason", Name(*action.reason));
  saved.Add("archive", action.archive);
  saved.Add("files", action.figures.processed_files);
  saved.Add("processed", action.figures.processed_bytes);
  saved.Add("added", action.figures.added_bytes);
  return saved.Take();
}

std::optional<BorgmaticRuns::Action> BorgmaticRuns::ReadAction(const Json& saved) {
  if (!saved.is_object()) return std::nullopt;
  StateReader reader(saved);
  const auto state = reader.IndexIn("state", kStateNames);
  const auto result = reader.ResultIn("result");
  Action action{.of = {.label = reader.Text("label"), .repository = reader.Text("repository")},
                .operation = reader.OperationIn("operation"),
                .announced = reader.Boolean("announced").value_or(false),
                .dry_run = reader.Boolean("dry_run").value_or(false),
                .started = reader.Instant("started"),
                .ended = reader.Instant("ended"),
                .reason = reader.ReasonIn("reason"),
                .archive = reader.Text("archive")};
  action.figures.processed_files = reader.Count("files");
  action.figures.processed_bytes = reader.Count("processed");
  action.figures.added_bytes = action.figures.added_stored_bytes = reader.Count("added");
  if (!reader.Sound() || !state || !result) return std::nullopt;
  action.state = static_cast<Action::State>(*state);
  action.result = *result;
  return action;
}

void BorgmaticRuns::Save(StateWriter& saved) const {
  Json actions = Json::array();
  for (const Action& action : actions_) actions.push_back(SaveAction(action));
  saved.AddJson("actions", std::move(actions));
  saved.Add("current", current_);
  saved.Add("warnings", findings_.warnings);
  saved.Add("source_missing", findings_.source_missing);
  saved.Add("damaged", findings_.damaged);
  saved.Add("interrupted", findings_.interrupted);
  saved.Add("errors", errors_);
  saved.AddJson("statistics", statistics_.Save());
  if (failure_) {
    Json failure{{"text", failure_->text}};
    if (failure_->action) failure["action"] = *failure_->action;
    if (failure_->time) failure["time"] = failure_->time->time_since_epoch().count();
    if (failure_->exit_code) failure["exit_code"] = *failure_->exit_code;
    if (failure_->archive_made) failure["archive_made"] = true;
    saved.AddJson("failure", std::move(failure));
  }
  saved.AddJson("messages", messages_.Save());
  saved.Add("failed", failed_);
  saved.Add("has_summary", has_summary_);
  saved.Add("summary_complete", summary_complete_);
  saved.Add("summary_time", summary_time_);
}

bool BorgmaticRuns::Restore(StateReader& saved) {
  if (const Json* actions = saved.Array("actions"); actions != nullptr) {
    for (const Json& item : *actions) {
      auto action = ReadAction(item);
      if (!action) return false;
      actions_.push_back(std::move(*action));
    }
  }
  const auto index_in = [this](StateReader& reader, const char* key) {
    const auto index = reader.Count(key);
    return index && *index < actions_.size() ? std::optional<std::size_t>(*index) : std::nullopt;
  };
  current_ = index_in(saved, "current");
  findings_ = {.warnings = saved.Count("warnings").value_or(0),
               .source_missing = saved.Boolean("source_missing").value_or(false),
               .damaged = saved.Boolean("damaged").value_or(false),
               .interrupted = saved.Boolean("interrupted").value_or(false)};
  errors_ = saved.Text("errors");
  statistics_.Restore(saved.Object("statistics"));
  if (const Json* failure = saved.Object("failure"); failure != nullptr) {
    StateReader reader(*failure);
    failure_ = Failure{.action = index_in(reader, "action"),
                       .time = reader.Instant("time"),
                       .text = reader.Text("text"),
                       .exit_code = reader.Integer("exit_code"),
                       .archive_made = reader.Boolean("archive_made").value_or(false)};
  }
  messages_.Restore(saved.Array("messages"), actions_.size());
  failed_ = saved.Boolean("failed").value_or(false);
  has_summary_ = saved.Boolean("has_summary").value_or(false);
  summary_complete_ = saved.Boolean("summary_complete").value_or(false);
  summary_time_ = saved.Instant("summary_time");
  return saved.Sound();
}

}  // namespace backup_exporter
