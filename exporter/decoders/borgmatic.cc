// borgmatic: the arrays that it prints with --json, and its log.
//
// An array comes after all the work and holds borg's own documents, one for each repository and
// action; of what failed it says nothing. The log (text in the default or another format, or JSON
// lines) tells of beginnings, failures and, in its summary, that all else went well.
//
// Source: borgmatic 1.7.7 and 2.1.x as run; what it prints is described in borgmatic_lines.h. A run
// of borgmatic is what lies between two summaries; runs here are those of its actions.

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/json.h"
#include "decoders/borg_documents.h"
#include "decoders/borg_statistics.h"
#include "decoders/borg_words.h"
#include "decoders/borgmatic_lines.h"
#include "decoders/decoders.h"
#include "decoders/local_clock.h"
#include "decoders/notes.h"

namespace backup_exporter {
namespace {

constexpr std::size_t kMostWords = 2000;  // bytes of an error's text that are remembered
constexpr std::size_t kMostActions = 1000;
// Of its lines those that are new have the time of now; the next run takes longer to start.
constexpr Duration kSummaryTakes = std::chrono::milliseconds(100);

// An action on a repository in the run of borgmatic under way.
struct Action {
  enum class State : int {
    kOpen,      // it is being done
    kRetrying,  // it failed, and will be done again
    kHeld,      // it is over, and not told yet: an array may know more of it
    kTold,
  };
  Named of;
  std::optional<Operation> operation;
  State state = State::kOpen;
  bool announced = false;  // its beginning was told
  bool dry_run = false;
  std::optional<Time> started;
  std::optional<Time> ended;
  RunResult result = RunResult::kSuccess;
  std::optional<Reason> reason;
  std::string archive;  // that it made, where --stats tells
  Figures figures;
};

// What a line weighs; nullopt: it is not worth a note. Of borg's words those before 2.1 have all
// the same level, and on a terminal lines have none.
std::optional<Level> WeightOf(const LogLine& line, BorgmaticWords said) {
  if (line.text.empty() || said == BorgmaticWords::kSummary || said == BorgmaticWords::kHelp) {
    return std::nullopt;
  }
  if (line.level >= LogLevel::kError) return Level::kError;
  if (line.level == LogLevel::kWarning) return Level::kWarning;
  if (IsListed(line.text) || BorgStatistics::IsRow(line.text)) return std::nullopt;
  const BorgWords words = BorgWordsOf(line.text);
  Level level = line.level == LogLevel::kAnswer ? Level::kWarning : Level::kInfo;
  level = std::min(level, LevelOf(words));
  const bool failed = said == BorgmaticWords::kRepositoryFailed ||
                      said == BorgmaticWords::kExitCode || said == BorgmaticWords::kStopped;
  const bool tells = failed || BorgReasonOf("", line.text) != Reason::kOther;
  if (tells) level = Level::kError;
  const bool known = tells || said != BorgmaticWords::kNothing || words != BorgWords::kNothing;
  return line.level == LogLevel::kNone && !known ? std::nullopt : std::optional(level);
}

class BorgmaticDecoder final : public Decoder {
 public:
  explicit BorgmaticDecoder(TimeZone zone) : clock_(zone) {}

  void Decode(const Record& record, Decoded& out) override {
    ++out.counts.records;
    out_ = &out;
    offset_ = record.offset;
    const bool json_like = record.bytes.starts_with('{') || record.bytes.starts_with("[{") ||
                           record.bytes.starts_with("[]");
    if (!json_like) return Line(ParseLogLine(record.bytes, clock_), /*live=*/true);
    const auto json = ParseJson(record.bytes);
    if (!json) {
      ++out.counts.parse_errors;
    } else if (json->is_array()) {
      Array(*json);
    } else if (json->contains("type")) {
      LogRecord(*json);
    } else {
      Document(*json);
    }
  }

  [[nodiscard]] std::string Save() const override;
  void Restore(std::string_view saved) override;

 private:
  // A failure whose exit code and words may still follow.
  struct Failure {
    std::optional<std::size_t> action;  // nullopt: of no repository
    std::optional<Time> time;
    std::string words;
    std::optional<int> exit_code;
    bool archive_made = false;
  };

  void Emit(const Named& of, decltype(Event::what) what) {
    out_->events.push_back({.of = of, .offset = offset_, .what = std::move(what)});
  }

  // ---- documents ----

  void Array(const Json& json) {
    for (const Json& item : json) Document(item);
  }

  void Document(const Json& json) {
    const BorgDocument kind = BorgDocumentOf(json);
    if (kind == BorgDocument::kNone) ++out_->counts.unknown_messages;
    if (kind == BorgDocument::kNone || kind == BorgDocument::kSilent ||
        kind == BorgDocument::kDryRun) {
      return;
    }
    Named of = BorgNameOf(json);
    if (of.label.empty()) of.label = of.repository;
    if (kind == BorgDocument::kCreated) {
      auto end = ReadCreated(json, clock_);
      end ? Created(of, std::move(*end)) : void(++out_->counts.parse_errors);
    }
    if (kind == BorgDocument::kArchives) {
      std::vector<decltype(Event::what)> events;
      std::string series;  // borgmatic lists what its configuration makes
      if (!ReadArchives(json, clock_, &series, &events)) ++out_->counts.parse_errors;
      for (auto& event : events) Emit(of, std::move(event));
    }
    if (const auto measured = ReadRepository(json)) Emit(of, *measured);
  }

  // The document of a run whose lines were in the same file, or that is known by it alone.
  void Created(const Named& of, RunFinished end) {
    const auto backup = std::ranges::find_if(actions_, [&of](const Action& action) {
      return action.operation == Operation::kBackup && action.state != Action::State::kTold &&
             (action.of.label == of.label || action.of.label.empty() ||
              (!of.repository.empty() && action.of.label == of.repository));
    });
    if (backup != actions_.end()) {
      if (backup->state == Action::State::kOpen) Judge(*backup);
      end.result = std::max(end.result, backup->result);
      if (!end.reason) end.reason = backup->reason;
      backup->of = of;
      backup->state = Action::State::kTold;
      Emit(of, std::move(end));
      return TellNotes(*backup);
    }
    if (warned_.warnings > 0 || warned_.source_missing) {
      // Warnings that came before it, of whichever repository.
      Action alone{.of = of, .operation = Operation::kBackup};
      Judge(alone);
      end.result = std::max(end.result, alone.result);
      end.reason = alone.reason;
    }
    Emit(of, std::move(end));
    for (RunNoted& note : notes_.Release()) Emit(of, std::move(note));
  }

  // ---- the log ----

  void LogRecord(const Json& json) {
    Members members(json);
    LogLine line{.time = {},
                 .level = LogLevelNamed(members.Text("levelname")),
                 .text = members.Text("message")};
    line.time = members.EpochSeconds("time");
    if (!members.Sound()) {
      ++out_->counts.parse_errors;
    } else if (members.Text("type") == "log_message") {
      // Its records do not say of which repository they are: nothing is told before that is known.
      Line(line, /*live=*/false);
    }
  }

  void Line(const LogLine& line, bool live) {
    if (line.level == LogLevel::kDebug) return;
    const BorgmaticSaid said = BorgmaticSaidIn(line.text);
    // The summary repeats what was said before, with the times of then.
    const bool repeated =
        summed_ && (line.time && summed_at_ ? *line.time <= *summed_at_ + kSummaryTakes : !helped_);
    if (repeated && said.words != BorgmaticWords::kAction) return AfterSummary(line, said);
    if (summed_) Forget();
    if (line.time) clock_.Pass(line.time);
    if (failure_ && said.words != BorgmaticWords::kExitCode &&
        said.words != BorgmaticWords::kRetrying && line.level != LogLevel::kError &&
        !line.text.empty()) {
      const bool unleveled = line.level == LogLevel::kNone;
      const bool more = (line.level == LogLevel::kCritical || unleveled) &&
                        said.words == BorgmaticWords::kNothing;
      if (!more) TellFailure();
      if (more && unleveled) return SomethingFailed(line);
    }
    if (said.words == BorgmaticWords::kAction) {
      Begin(said, line.time, live && line.level != LogLevel::kNone && line.time);
      return Note(line, said.words);
    }
    Note(line, said.words);
    switch (said.words) {
      case BorgmaticWords::kAction:
        return;
      case BorgmaticWords::kRepositoryFailed:
        return RepositoryFailed(said.label, line);
      case BorgmaticWords::kRetrying:
        if (failure_ && failure_->action) Retry(*failure_->action);
        failure_.reset();
        return;
      case BorgmaticWords::kExitCode:
        return CommandFailed(said.exit_code, line);
      case BorgmaticWords::kTreatedAsWarning:
        return TreatedAsWarning(said.exit_code, line.time);
      case BorgmaticWords::kSoftFailure:
        return Skipped(said.label, line.time);
      case BorgmaticWords::kStopped:
        return Stopped(line.time);
      case BorgmaticWords::kSummary:
        return Summary(line);
      case BorgmaticWords::kHelp:
        return;
      case BorgmaticWords::kNothing:
        break;
    }
    if (Borg(line)) return;
    if (line.level == LogLevel::kCritical && !line.text.empty()) return SomethingFailed(line);
    ++out_->counts.text;
  }

  // Before what it says is taken: that may tell the end of the run that it is of.
  void Note(const LogLine& line, BorgmaticWords said) {
    const auto level = WeightOf(line, said);
    const bool severe = level && *level <= Level::kWarning && line.level != LogLevel::kAnswer;
    const bool of_run = current_ || said == BorgmaticWords::kSoftFailure;
    if (!level || (!severe && !of_run)) return;
    // What follows from a failure that was told.
    const bool follows = line.level == LogLevel::kCritical && said == BorgmaticWords::kNothing &&
                         failed_ && !current_ && !failure_;
    if (follows) return;
    std::optional<std::size_t> action = current_;
    if (!current_ && failure_) action = failure_->action;
    // Of whichever repository they name.
    if (said == BorgmaticWords::kRepositoryFailed || said == BorgmaticWords::kSoftFailure) {
      action.reset();
    }
    Keep(NoteOf(*level, line.text, line.time), action);
  }

  void Keep(RunNoted note, std::optional<std::size_t> action) {
    if (action && actions_[*action].announced) Emit(actions_[*action].of, note);
    notes_.Keep(std::move(note), action);
  }

  // What was said of nothing that was known is of this action.
  void GiveNotes(std::size_t action) {
    for (RunNoted& note : notes_.Release()) Keep(std::move(note), action);
  }

  // After its end was told. What was announced had its notes at once.
  void TellNotes(const Action& action) {
    for (RunNoted& note : notes_.Release(IndexOf(action))) {
      if (!action.announced) Emit(action.of, std::move(note));
    }
  }

  void DropNotes(const Action& action) { std::ignore = notes_.Release(IndexOf(action)); }

  [[nodiscard]] std::size_t IndexOf(const Action& action) const {
    return static_cast<std::size_t>(&action - actions_.data());
  }

  // What it passes on of borg's words. False where they mean nothing.
  bool Borg(const LogLine& line) {
    if (line.level >= LogLevel::kError || TellsReason(line.text)) Remember(line.text);
    if (statistics_.Take(line.text, clock_) != BorgStatistics::Line::kOther) return true;
    switch (BorgWordsOf(line.text)) {
      case BorgWords::kCreateBegins:
        NameCurrent(BorgRepositoryOf(line.text));
        return true;
      case BorgWords::kUnreadable:
        ++warned_.warnings;
        return line.level < LogLevel::kCritical;
      case BorgWords::kSourceMissing:
        warned_.source_missing = true;
        return line.level < LogLevel::kCritical;
      case BorgWords::kInterrupted:
        warned_.interrupted = true;
        return line.level < LogLevel::kCritical;
      case BorgWords::kCheckDamaged:
        warned_.damaged = true;
        return true;
      default:
        return false;
    }
  }

  // borgmatic 1.7 logs what kept borg from its work like all else that it says. A line of --list is
  // a letter and a path, which may be called anything.
  static bool TellsReason(std::string_view text) {
    const bool listed = text.size() > 1 && text[1] == ' ';
    return !listed && BorgReasonOf("", text) != Reason::kOther;
  }

  // Whatever borgmatic thinks of it: a signal ended borg.
  void TreatedAsWarning(int exit_code, std::optional<Time> time) {
    ++warned_.warnings;
    if (exit_code < 128) return;
    warned_.interrupted = true;
    if (!current_) TellUnnamed(Interruption(time));
  }

  static RunFinished Interruption(std::optional<Time> time) {
    return {.operation = std::nullopt,
            .result = RunResult::kInterrupted,
            .end = time,
            .reason = Reason::kInterrupted};
  }

  void Remember(std::string_view words) {
    if (words_.size() < kMostWords) words_.append(words.substr(0, kMostWords)).append("\n");
  }

  void NameCurrent(std::string repository) {
    if (!current_ || repository.empty()) return;
    Action& action = actions_[*current_];
    if (action.of.label.empty()) action.of.label = repository;
    action.of.repository = std::move(repository);
  }

  void Begin(const BorgmaticSaid& said, std::optional<Time> time, bool live) {
    Finish(time);
    // It runs no more; what came of it the summary will tell.
    for (Action& action : actions_) {
      const bool open = action.state == Action::State::kHeld && action.announced;
      if (open) Emit(action.of, RunWithdrawn{});
      if (open) action.announced = false;
    }
    DropUnsummed(said);
    warned_ = {};
    words_.clear();
    if (actions_.size() >= kMostActions) return;
    const auto retried = std::ranges::find_if(actions_, [&said](const Action& action) {
      return action.state == Action::State::kRetrying && action.of.label == said.label;
    });
    if (retried != actions_.end() && retried->operation == said.operation) {
      retried->state = Action::State::kOpen;
      current_ = IndexOf(*retried);
      return GiveNotes(*current_);
    }
    if (retried != actions_.end()) {
      // Another action comes before the one that failed: all are done again.
      if (retried->announced) Emit(retried->of, RunWithdrawn{});
      DropNotes(*retried);
      retried->state = Action::State::kTold;
    }
    Action action{.of = {.label = said.label, .repository = PublicLocation(said.label)},
                  .operation = said.operation,
                  .announced = live && !said.dry_run,
                  .dry_run = said.dry_run,
                  .started = time};
    // JSON lines do not name the repository: all actions on one come before those on the next.
    if (said.label.empty() && !actions_.empty() && !HasDone(actions_.back().of, *said.operation)) {
      action.of = actions_.back().of;
    }
    if (action.announced) {
      Emit(action.of, RunStarted{.operation = action.operation, .at = action.started});
    }
    current_ = actions_.size();
    actions_.push_back(std::move(action));
    GiveNotes(*current_);
  }

  [[nodiscard]] bool HasDone(const Named& of, Operation operation) const {
    return std::ranges::any_of(actions_, [&](const Action& action) {
      return action.of == of && action.operation == operation;
    });
  }

  // What the lines since its beginning come to, if it did not fail names_backup.
  void Judge(Action& action) const {
    const bool backup = action.operation == Operation::kBackup;
    if (warned_.interrupted) {
      action.result = RunResult::kInterrupted;
      action.reason = Reason::kInterrupted;
    } else if (backup && warned_.source_missing) {
      action.result = RunResult::kFailure;
      action.reason = Reason::kSourceMissing;
    } else if (warned_.damaged) {
      action.result = RunResult::kFailure;
      action.reason = Reason::kOther;
    } else if (backup && warned_.warnings > 0) {
      action.result = RunResult::kWarning;
      action.reason = Reason::kSourceUnreadable;
    }
  }

  // The action under way ended, and not badly: the next one begins, or all is over.
  void Finish(std::optional<Time> time) {
    if (!current_) return;
    Action& action = actions_[*std::exchange(current_, std::nullopt)];
    if (action.state != Action::State::kOpen) return;
    Judge(action);
    action.ended = time;
    action.state = Action::State::kHeld;
    if (action.operation == Operation::kBackup && !statistics_.id().empty()) {
      action.archive = statistics_.id();
      action.figures = statistics_.figures();
      statistics_ = {};
    }
  }

  // No action follows itself on one repository, and none but deletion a check: then borgmatic
  // itself began anew, after an end that it did not tell, or did the same for another
  // configuration. What is held of the earlier one is neither a success nor a failure, as far as
  // these lines tell.
  void DropUnsummed(const BorgmaticSaid& next) {
    const auto is_earlier = [&next](const Action& action) {
      return action.of.label == next.label && !next.label.empty() &&
             action.state == Action::State::kHeld;
    };
    const bool again = std::ranges::any_of(actions_, [&](const Action& action) {
      return is_earlier(action) &&
             (action.operation == next.operation || action.operation == Operation::kCheck);
    });
    if (!again) return;
    for (Action& action : actions_) {
      if (!is_earlier(action)) continue;
      action.state = Action::State::kTold;
      DropNotes(action);
    }
  }

  void Tell(Action& action) {
    action.state = Action::State::kTold;
    if (action.dry_run) return DropNotes(action);
    RunFinished end{.operation = action.operation,
                    .result = action.result,
                    .start = action.started,
                    .end = action.ended,
                    .figures = action.figures,
                    .snapshot_id = action.archive,
                    .reason = action.reason,
                    .guessed = action.archive.empty()};
    if (end.start && end.end && *end.end >= *end.start) end.duration = *end.end - *end.start;
    Emit(action.of, std::move(end));
    TellNotes(action);
  }

  // The action under way, if it is on this repository, else one that never got to begin.
  std::size_t ActionOn(const std::string& label, std::optional<Time> time) {
    const std::size_t action = FindOn(label, time);
    GiveNotes(action);
    return action;
  }
  std::size_t FindOn(const std::string& label, std::optional<Time> time) {
    if (current_ && (label.empty() || actions_[*current_].of.label == label)) return *current_;
    Finish(time);
    const auto retried = std::ranges::find_if(actions_, [&label](const Action& action) {
      return action.state == Action::State::kRetrying && action.of.label == label;
    });
    if (retried != actions_.end()) {
      retried->state = Action::State::kOpen;
      return IndexOf(*retried);
    }
    if (actions_.size() < kMostActions) actions_.emplace_back();
    DropNotes(actions_.back());
    actions_.back() = {.of = {.label = label, .repository = PublicLocation(label)}};
    return actions_.size() - 1;
  }

  void RepositoryFailed(const std::string& label, const LogLine& line) {
    const std::size_t action = ActionOn(label, line.time);
    Judge(actions_[action]);
    current_.reset();
    if (line.level == LogLevel::kWarning) return Retry(action);
    failure_ = Failure{.action = action, .time = line.time, .words = std::exchange(words_, {})};
  }

  void Retry(std::size_t action) {
    actions_[action].state = Action::State::kRetrying;
    warned_ = {};
    words_.clear();
  }

  void CommandFailed(int exit_code, const LogLine& line) {
    // Of an attempt that is made again.
    if (line.level == LogLevel::kWarning || (!failure_ && line.level != LogLevel::kCritical))
      return;
    if (!failure_) return SomethingFailed(line);
    failure_->exit_code = exit_code;
    failure_->words.append(line.text.substr(0, kMostWords));
    if (failure_->action) {
      Action& action = actions_[*failure_->action];
      const BorgCommand command = BorgCommandIn(line.text);
      if (!action.operation) action.operation = command.operation;
      if (action.of.label.empty()) action.of.label = action.of.repository = command.repository;
      // borgmatic takes for an error what borg calls a warning: the archive was made.
      failure_->archive_made = command.operation == Operation::kBackup && !command.dry_run &&
                               BorgResultOf(exit_code, command.operation) == RunResult::kWarning;
    }
    // Without a level the same words may be of an attempt that is made again.
    if (line.level == LogLevel::kCritical) TellFailure();
  }

  // A failure that is of no repository, or follows from one that was told.
  void SomethingFailed(const LogLine& line) {
    if (failure_) {
      if (failure_->words.size() < kMostWords) failure_->words.append(line.text).append("\n");
      return;
    }
    if (failed_) return;
    failure_ = Failure{.action = current_, .time = line.time, .words = words_ + line.text + "\n"};
    current_.reset();
  }

  void TellFailure() {
    if (!failure_) return;
    Failure failure = std::move(*std::exchange(failure_, std::nullopt));
    failed_ = true;
    RunFinished end{.operation = std::nullopt,
                    .result = RunResult::kFailure,
                    .evidence = Evidence::kExitCode,
                    .end = failure.time,
                    .exit_code = failure.exit_code,
                    .reason = BorgReasonOf("", failure.words),
                    .message = failure.words};
    if (end.reason == Reason::kOther && failure.exit_code) {
      end.reason = BorgReasonOf(*failure.exit_code).value_or(Reason::kOther);
    }
    if (end.reason == Reason::kOther && failure.words.find(" hook") != std::string::npos) {
      end.reason = Reason::kHook;
    }
    if (end.reason == Reason::kInterrupted) end.result = RunResult::kInterrupted;
    if (failure.action) {
      Action& action = actions_[*failure.action];
      end.operation = action.operation;
      if (failure.archive_made) {
        end.result = std::max(RunResult::kWarning, action.result);
        end.reason = action.reason.value_or(Reason::kSourceUnreadable);
      }
      end.start = action.started;
      if (end.start && end.end && *end.end >= *end.start) end.duration = *end.end - *end.start;
      action.state = Action::State::kTold;
      action.result = end.result;
      if (!action.of.label.empty()) {
        Emit(action.of, std::move(end));
        return TellNotes(action);
      }
      for (RunNoted& note : notes_.Release(IndexOf(action))) notes_.Keep(std::move(note));
    }
    TellUnnamed(std::move(end));
  }

  // Those whose actions are all over are not meant.
  void TellUnnamed(RunFinished end) {
    TellHeld();
    std::vector<Named> finished;
    for (const Action& action : actions_) {
      if (action.state == Action::State::kTold && !action.of.label.empty())
        finished.push_back(action.of);
    }
    Emit({}, FailedUnnamed{std::move(end), std::move(finished), notes_.Release()});
  }

  void Skipped(const std::string& label, std::optional<Time> time) {
    const bool of_configuration = label.ends_with(".yaml") || label.ends_with(".yml");
    if (!current_ && (of_configuration || label.empty())) {
      return TellUnnamed({.operation = std::nullopt, .result = RunResult::kSkipped, .end = time});
    }
    Action& action = actions_[ActionOn(of_configuration ? "" : label, time)];
    current_.reset();
    action.result = RunResult::kSkipped;
    action.ended = time;
    Tell(action);
  }

  void Stopped(std::optional<Time> time) {
    if (current_) {
      warned_.interrupted = true;
      Finish(time);
    } else {
      TellUnnamed(Interruption(time));
    }
    TellHeld();
    summed_ = helped_ = true;
    summed_at_ = time;
  }

  void TellHeld() {
    for (Action& action : actions_) {
      if (action.state == Action::State::kHeld) Tell(action);
    }
  }

  void Summary(const LogLine& line) {
    Finish(line.time);
    TellHeld();
    for (Action& action : actions_) {
      if (action.state != Action::State::kRetrying) continue;
      action.result = RunResult::kFailure;
      action.ended = line.time;
      Tell(action);
    }
    summed_ = true;
    summed_at_ = line.time;
    helped_ = line.level != LogLevel::kCritical && line.level != LogLevel::kNone;
    // A configuration that could not be read is named here alone.
    if (line.level == LogLevel::kCritical && !failed_) failure_ = Failure{.time = line.time};
  }

  void AfterSummary(const LogLine& line, const BorgmaticSaid& said) {
    // The last of its lines where something failed; where all went well they repeat nothing.
    helped_ = helped_ || said.words == BorgmaticWords::kHelp;
    if (!failure_) return;
    if (said.words == BorgmaticWords::kHelp) return TellFailure();
    if (line.level == LogLevel::kCritical && failure_->words.size() < kMostWords) {
      failure_->words.append(line.text).append("\n");
      if (!line.text.empty()) notes_.Keep(NoteOf(Level::kError, line.text, line.time));
    }
  }

  // A run of borgmatic begins.
  void Forget() {
    TellFailure();
    notes_.Clear();
    actions_.clear();
    current_.reset();
    warned_ = {};
    words_.clear();
    statistics_ = {};
    failed_ = summed_ = helped_ = false;
    summed_at_.reset();
  }

  struct Warned {
    std::uint64_t warnings = 0;
    bool source_missing = false;
    bool damaged = false;
    bool interrupted = false;

    bool operator==(const Warned&) const = default;
  };

  LocalClock clock_;
  BorgStatistics statistics_;
  std::vector<Action> actions_;
  std::optional<std::size_t> current_;
  Warned warned_;      // since the action under way began
  std::string words_;  // its errors
  std::optional<Failure> failure_;
  Notes notes_;          // by action
  bool failed_ = false;  // a failure was told
  bool summed_ = false;  // the summary was read
  bool helped_ = false;  // and its last line, or there is none
  std::optional<Time> summed_at_;
  Decoded* out_ = nullptr;
  std::uint64_t offset_ = 0;
};

std::string BorgmaticDecoder::Save() const {
  const bool nothing = actions_.empty() && !failure_ && !summed_ && words_.empty() &&
                       !clock_.passed() && warned_ == Warned{} && statistics_.id().empty() &&
                       notes_.empty();
  if (nothing) return {};
  Json actions = Json::array();
  for (const Action& action : actions_) {
    Json& saved = actions.emplace_back();
    saved = {{"label", action.of.label},
             {"repository", action.of.repository},
             {"operation", action.operation ? Json(Name(*action.operation)) : Json()},
             {"state", static_cast<int>(action.state)},
             {"announced", action.announced},
             {"dry_run", action.dry_run},
             {"started", Saved(action.started)},
             {"ended", Saved(action.ended)},
             {"result", static_cast<int>(action.result)},
             {"reason", action.reason ? Json(static_cast<int>(*action.reason)) : Json()},
             {"archive", action.archive},
             {"files", Saved(action.figures.processed_files)},
             {"processed", Saved(action.figures.processed_bytes)},
             {"added", Saved(action.figures.added_bytes)}};
  }
  Json json{{"actions", std::move(actions)},
            {"warnings", warned_.warnings},
            {"source_missing", warned_.source_missing},
            {"damaged", warned_.damaged},
            {"interrupted", warned_.interrupted},
            {"words", words_},
            {"notes", notes_.Save()},
            {"statistics", statistics_.Save()},
            {"failed", failed_},
            {"summed", summed_},
            {"helped", helped_},
            {"summed_at", Saved(summed_at_)},
            {"passed", Saved(clock_.passed())}};
  if (current_) json["current"] = *current_;
  if (failure_) {
    json["failure"] = {{"time", Saved(failure_->time)},
                       {"words", failure_->words},
                       {"archive_made", failure_->archive_made}};
    if (failure_->action) json["failure"]["action"] = *failure_->action;
    if (failure_->exit_code) json["failure"]["exit_code"] = *failure_->exit_code;
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void BorgmaticDecoder::Restore(std::string_view saved) {
  const auto json = ParseJson(saved);
  if (!json || !json->is_object()) return;
  Members members(*json);
  const auto actions = json->find("actions");
  if (actions == json->end() || !actions->is_array()) return;
  for (const Json& item : *actions) {
    if (!item.is_object()) return actions_.clear();
    Members action(item);
    const auto state = action.Integer("state").value_or(-1);
    const auto result = action.Integer("result").value_or(-1);
    const auto reason = action.Integer("reason");
    if (state < 0 || state > static_cast<int>(Action::State::kTold) || result < 0 ||
        result >= kRunResults || (reason && (*reason < 0 || *reason >= kReasons))) {
      return actions_.clear();
    }
    actions_.push_back(
        {.of = {.label = action.Text("label"), .repository = action.Text("repository")},
         .operation = OperationNamed(action.Text("operation")),
         .state = static_cast<Action::State>(state),
         .announced = action.Boolean("announced").value_or(false),
         .dry_run = action.Boolean("dry_run").value_or(false),
         .started = action.Micros("started"),
         .ended = action.Micros("ended"),
         .result = static_cast<RunResult>(result)});
    if (reason) actions_.back().reason = static_cast<Reason>(*reason);
    actions_.back().archive = action.Text("archive");
    Figures& figures = actions_.back().figures;
    figures.processed_files = action.Count("files");
    figures.processed_bytes = action.Count("processed");
    figures.added_bytes = figures.added_stored_bytes = action.Count("added");
  }
  const auto known = [this](std::optional<std::uint64_t> index) {
    return index && *index < actions_.size() ? std::optional<std::size_t>(*index) : std::nullopt;
  };
  current_ = known(members.Count("current"));
  warned_ = {.warnings = members.Count("warnings").value_or(0),
             .source_missing = members.Boolean("source_missing").value_or(false),
             .damaged = members.Boolean("damaged").value_or(false),
             .interrupted = members.Boolean("interrupted").value_or(false)};
  words_ = members.Text("words");
  failed_ = members.Boolean("failed").value_or(false);
  summed_ = members.Boolean("summed").value_or(false);
  helped_ = members.Boolean("helped").value_or(false);
  summed_at_ = members.Micros("summed_at");
  clock_.set_passed(members.Micros("passed"));
  if (const auto failure = json->find("failure"); failure != json->end() && failure->is_object()) {
    Members of(*failure);
    failure_ = Failure{.action = known(of.Count("action")),
                       .time = of.Micros("time"),
                       .words = of.Text("words"),
                       .exit_code = of.Integer("exit_code"),
                       .archive_made = of.Boolean("archive_made").value_or(false)};
  }
  if (const auto notes = json->find("notes"); notes != json->end()) {
    notes_.Restore(*notes, actions_.size());
  }
  if (const auto statistics = json->find("statistics"); statistics != json->end()) {
    statistics_.Restore(*statistics);
  }
}

}  // namespace

bool IsBorgmatic(std::string_view record) {
  if (record.starts_with("[{")) {
    const auto json = ParseJson(record);
    return json && json->is_array() && !json->empty() &&
           BorgDocumentOf(json->front()) != BorgDocument::kNone;
  }
  if (record.starts_with('{')) {
    const auto json = ParseJson(record);
    if (!json || !json->is_object()) return false;
    Members members(*json);
    return members.Text("type") == "log_message" && members.Text("name").starts_with("borgmatic.");
  }
  const BorgmaticSaid said = BorgmaticSaidIn(ParseLogLine(record, LocalClock(TimeZone())).text);
  return said.words == BorgmaticWords::kAction || said.words == BorgmaticWords::kRepositoryFailed ||
         said.words == BorgmaticWords::kSummary || said.words == BorgmaticWords::kSoftFailure ||
         said.words == BorgmaticWords::kTreatedAsWarning;
}

std::unique_ptr<Decoder> MakeBorgmaticDecoder(const DecoderOptions& options) {
  return std::make_unique<BorgmaticDecoder>(options.zone);
}

}  // namespace backup_exporter
