// borg: what it prints with --json on standard output and with --log-json, or in plain text, on
// standard error, one beside the other or in one file.
//
// Source: borg 1.2.4 and 1.4.5 as run; docs/internals/frontends.rst of 1.1 to 2.0.
//
// A healthy run need not say that it ended: without --json, --stats or --show-rc nothing is printed
// then. So a run that just stops was interrupted only where its progress stopped too, or where the
// file has told of ends before.

#include <algorithm>
#include <string>
#include <utility>

#include "base/json.h"
#include "decoders/borg_documents.h"
#include "decoders/borg_statistics.h"
#include "decoders/borg_words.h"
#include "decoders/decoders.h"
#include "decoders/local_clock.h"
#include "decoders/notes.h"

namespace backup_exporter {
namespace {

constexpr std::string_view kArchiverName = "borg.archiver";

// `{"type": "file_status", "status": "A", "path": …}` of a file that is as it should be: of these
// there may be millions, and they say only that a run goes on.
bool IsGoodFileLine(std::string_view line) {
  constexpr std::string_view kHead = R"({"type": "file_status", "status": ")";
  if (!line.starts_with(kHead) || line.size() < kHead.size() + 2) return false;
  return line[kHead.size() + 1] == '"' &&
         std::string_view("AMUdbcfshi").find(line[kHead.size()]) != std::string_view::npos;
}

// Keeps a run from beginning.
bool EndsAtOnce(Reason reason) {
  return reason == Reason::kLocked || reason == Reason::kAuth ||
         reason == Reason::kRepositoryMissing;
}

Level LevelNamedBy(std::string_view name) {
  if (name == "ERROR" || name == "CRITICAL") return Level::kError;
  if (name == "WARNING") return Level::kWarning;
  return name == "DEBUG" ? Level::kDebug : Level::kInfo;
}

class BorgDecoder final : public Decoder {
 public:
  explicit BorgDecoder(TimeZone zone) : clock_(zone) {}

  void Decode(const Record& record, Decoded& out) override {
    ++out.counts.records;
    out_ = &out;
    offset_ = record.offset;
    before_ = clock_.passed();
    if (IsGoodFileLine(record.bytes)) return Underway();
    if (record.bytes.front() != '{' && record.bytes.front() != '[') return Text(record.bytes);
    const auto json = ParseJson(record.bytes);
    if (!json) {
      ++out.counts.parse_errors;
    } else if (json->is_array()) {
      ++out.counts.unknown_messages;
    } else if (const auto type = json->find("type"); type != json->end() && type->is_string()) {
      LogRecord(*json, type->get_ref<const std::string&>());
    } else {
      Document(*json);
    }
  }

  [[nodiscard]] std::string Save() const override;
  void Restore(std::string_view saved) override;

 private:
  enum class Phase : int {
    kIdle,      // nothing that a later record could belong to
    kHinted,    // records came that do not prove a run
    kOpen,      // a run goes on
    kReported,  // the last run reported its end
    kFailed,    // the last run ended with an error
  };

  struct Memory {
    Phase phase = Phase::kIdle;
    std::optional<Operation> operation;  // of the open or the last run, or a hint
    std::optional<Time> started;         // where a record tells it
    std::uint64_t processed = 0;         // by the last progress record
    std::uint64_t warnings = 0;
    bool source_missing = false;
    bool damaged = false;
    bool interrupted = false;
    bool dry_run = false;
    std::string archive;  // that the run made
  };

  void Emit(decltype(Event::what) what) {
    const auto* end = std::get_if<RunFinished>(&what);
    const bool next = end != nullptr ? !end->of_last_run : std::holds_alternative<RunStarted>(what);
    out_->events.push_back({.of = {.label = {}, .repository = repository_},
                            .offset = offset_,
                            .what = std::move(what)});
    if (!next || notes_.empty()) return;
    for (RunNoted& note : notes_.Release()) Emit(std::move(note));
  }

  // Of the run that was told of last, else of the next one.
  void Note(Level level, std::string_view text, std::optional<Time> at) {
    if (text.empty()) return;
    if (memory_.phase == Phase::kIdle || memory_.phase == Phase::kHinted) {
      return notes_.Keep(NoteOf(level, text, at));
    }
    Emit(NoteOf(level, text, at));
  }

  // A new run begins where the last one ended; what came before it belongs to it if that was not
  // of a run.
  void Continue() {
    if (memory_.phase == Phase::kReported || memory_.phase == Phase::kFailed) memory_ = Memory{};
  }
  void Hint(Operation operation, std::optional<Time> at) {
    // The second part of a check, whose first one was reported.
    const bool goes_on = memory_.phase == Phase::kReported && memory_.operation == operation &&
                         operation == Operation::kCheck;
    if (goes_on) return;
    Continue();
    if (memory_.phase == Phase::kOpen) return;
    if (memory_.phase == Phase::kHinted && memory_.operation && memory_.operation != operation) {
      memory_ = Memory{};
      notes_.Clear();
    }
    memory_.phase = Phase::kHinted;
    memory_.operation = operation;
    if (!memory_.started) memory_.started = at;
  }
  void Begin(std::optional<Time> at) {
    Memory fresh;
    // A word about its sources may come before.
    const bool ours = memory_.operation.value_or(Operation::kBackup) == Operation::kBackup;
    if (memory_.phase == Phase::kHinted && ours) fresh = std::move(memory_);
    if (!ours) notes_.Clear();
    memory_ = std::move(fresh);
    memory_.phase = Phase::kOpen;
    memory_.operation = Operation::kBackup;
    memory_.started = at;
    Emit(RunStarted{.operation = Operation::kBackup, .at = at, .may_end_silently = !tells_ends_});
  }
  // Something was said of a file: by create, but recreate, extract and others do so too.
  void Underway() {
    Continue();
    if (memory_.phase == Phase::kIdle) memory_.phase = Phase::kHinted;
  }
  // Something that create never says: if one was open, it is over, and said nothing of that.
  void Overtaken() {
    if (memory_.phase != Phase::kOpen) return;
    if (tells_ends_) {
      Emit(RunFinished{.operation = memory_.operation,
                       .result = RunResult::kInterrupted,
                       .start = memory_.started,
                       .end = before_,
                       .reason = Reason::kInterrupted});
    } else {
      Emit(RunWithdrawn{});
    }
    memory_ = Memory{};
  }

  void LogRecord(const Json& json, const std::string& type) {
    Members members(json);
    const auto time = members.EpochSeconds("time");
    if (type == "log_message") {
      const std::string message = members.Text("message");
      const std::string level = members.Text("levelname");
      const std::string name = members.Text("name");
      const std::string msgid = members.Text("msgid");
      Take(members, time, [&] {
        Message(message, level, name, msgid, time);
        const bool figures = name == "borg.output.stats" || name == "borg.output.progress";
        // Of what --list prints only archives are no files.
        const bool file = name == "borg.output.list" && BorgWordsOf(message) == BorgWords::kNothing;
        const bool told = name == "borg.output.show-rc" && BorgExitCodeOf(message);
        if (!figures && !file && !told) Note(LevelNamedBy(level), message, time);
      });
    } else if (type == "archive_progress") {
      const auto processed = members.Count("original_size");
      const bool finished = members.Boolean("finished").value_or(false);
      Take(members, time, [&] { Progress(processed, finished, time); });
    } else if (type == "progress_percent" || type == "progress_message") {
      const auto operation = BorgOperationOf(members.Text("msgid"));
      Take(members, time, [&] {
        if (operation) Hint(*operation, time);
      });
    } else if (type == "file_status") {
      const std::string status = members.Text("status");
      Take(members, time, [&] { FileStatus(status); });
    } else if (!type.starts_with("question_")) {
      ++out_->counts.unknown_messages;
    }
  }

  template <typename Action>
  void Take(const Members& members, std::optional<Time> time, Action action) {
    if (!members.Sound()) {
      ++out_->counts.parse_errors;
      return;
    }
    clock_.Pass(time);
    action();
  }

  void FileStatus(std::string_view status) {
    Underway();
    if (status == "-") memory_.dry_run = true;
    if (status == "E" || status == "C") ++memory_.warnings;
  }

  void Progress(std::optional<std::uint64_t> processed, bool finished, std::optional<Time> time) {
    Continue();
    // The first one of a run is of zeros: the run before ended without a word.
    const bool back = processed && *processed < memory_.processed;
    if (!finished && (memory_.phase != Phase::kOpen || back)) Begin(time);
    if (memory_.phase != Phase::kOpen) return;
    memory_.processed = processed.value_or(memory_.processed);
    RunProgress progress{.processed_bytes = memory_.processed,
                         .may_end_silently = finished && !tells_ends_};
    if (time && memory_.started) progress.elapsed = *time - *memory_.started;
    // Only the newest progress of a run matters.
    auto& events = out_->events;
    if (!events.empty() && std::holds_alternative<RunProgress>(events.back().what)) {
      events.pop_back();
    }
    Emit(progress);
  }

  void Message(std::string_view message, std::string_view level, std::string_view name,
               std::string_view msgid, std::optional<Time> time) {
    if (message.starts_with("Remote: ")) message.remove_prefix(8);
    if (name == "borg.output.show-rc") {
      if (const auto code = BorgExitCodeOf(message)) {
        return Exited(*code, NoteOf(LevelNamedBy(level), message, time));
      }
    }
    if (name == "borg.output.stats") {
      Statistics(message);
      return;
    }
    const bool error = level == "ERROR" || level == "CRITICAL";
    if (error && !msgid.empty()) return Failed(BorgReasonOf(msgid, message), message, time);
    const BorgWords words = BorgWordsOf(message);
    if (error && words == BorgWords::kInterrupted) {
      return Failed(Reason::kInterrupted, message, time);
    }
    if (error && message.starts_with("Traceback")) return;
    // Who else warns (of locks that were left behind) speaks of nothing that is backed up.
    const bool about_files = words == BorgWords::kUnreadable || words == BorgWords::kSourceMissing;
    if (about_files && !name.starts_with(kArchiverName) && !name.starts_with("borg.archive"))
      return;
    Words(words, message, time);
  }

  // Progress for people is written over and over on one line.
  void Text(std::string_view record) {
    while (!record.empty()) {
      const std::size_t end = std::min(record.find('\r'), record.size());
      std::string_view line = record.substr(0, end);
      while (line.ends_with(' ')) line.remove_suffix(1);
      if (!line.empty()) Line(line);
      record.remove_prefix(std::min(end + 1, record.size()));
    }
  }

  void Line(std::string_view line) {
    if (line.starts_with("Remote: ")) line.remove_prefix(8);
    if (const auto code = BorgExitCodeOf(line)) {
      const bool warns = line.starts_with("terminating with warning ");
      const Level bad = warns ? Level::kWarning : Level::kError;
      return Exited(*code, NoteOf(*code == 0 ? Level::kInfo : bad, line));
    }
    if (const auto operation = BorgOperationInProgress(line)) {
      if (*operation != Operation::kBackup) return Hint(*operation, std::nullopt);
      // The figures are cut, and go back to nothing only with a new run.
      return Progress(std::nullopt, /*finished=*/false, std::nullopt);
    }
    const bool of_backup = memory_.operation.value_or(Operation::kBackup) == Operation::kBackup;
    if (line.starts_with("- ") && of_backup && memory_.phase == Phase::kOpen) {
      memory_.dry_run = true;  // --list
      return;
    }
    const BorgWords words = BorgWordsOf(line);
    if (words == BorgWords::kNothing) {
      if (Statistics(line)) return;
      ++out_->counts.text;
      Untold(line);
      return;
    }
    if (words == BorgWords::kInterrupted) {
      Failed(Reason::kInterrupted, line, std::nullopt);
    } else {
      Words(words, line, std::nullopt);
    }
    Note(LevelOf(words), line, std::nullopt);
  }

  // An error that is no verdict: the exit code is, which may come after it.
  void Untold(std::string_view line) {
    if (IsListed(line)) return;
    const Reason reason = BorgReasonOf("", line);
    if (reason == Reason::kOther) return;
    if (memory_.phase == Phase::kOpen || !EndsAtOnce(reason)) {
      return Note(Level::kError, line, std::nullopt);
    }
    notes_.Keep(NoteOf(Level::kError, line));
  }

  void Words(BorgWords words, std::string_view message, std::optional<Time> time) {
    switch (words) {
      case BorgWords::kCreateBegins:
        if (std::string repository = BorgRepositoryOf(message); !repository.empty()) {
          repository_ = std::move(repository);
        }
        if (memory_.phase != Phase::kIdle && memory_.phase != Phase::kHinted) memory_ = Memory{};
        return Begin(time);
      case BorgWords::kPruneBegins:
        Overtaken();
        return Hint(Operation::kPrune, time);
      case BorgWords::kDryRun:
        Overtaken();
        Hint(Operation::kPrune, time);
        memory_.dry_run = true;
        return;
      case BorgWords::kCompacted:
        Overtaken();
        return Hint(Operation::kCompact, time);
      case BorgWords::kCheckBegins:
        Overtaken();
        return Hint(Operation::kCheck, time);
      case BorgWords::kCheckClean:
      case BorgWords::kCheckDamaged:
        Overtaken();
        return Checked(words == BorgWords::kCheckClean, time);
      case BorgWords::kUnreadable:
        Underway();
        ++memory_.warnings;
        return;
      case BorgWords::kSourceMissing:
        Underway();
        memory_.source_missing = true;
        return;
      case BorgWords::kStaleLock:
        // So the run that was open did not end of itself. What it said last is its end: this is the
        // time of the new one, which says later that it begins, and may end in the same second.
        if (memory_.phase == Phase::kOpen) {
          Failed(Reason::kInterrupted, message, time ? before_ : std::nullopt);
        }
        return;
      case BorgWords::kMisused:
        return Failed(Reason::kOther, message, time);
      case BorgWords::kInterrupted:
      case BorgWords::kNothing:
        return;
    }
  }

  // A line of the table of --stats. False where it is none.
  bool Statistics(std::string_view line) {
    const BorgStatistics::Line part = statistics_.Take(line, clock_);
    if (part == BorgStatistics::Line::kTimes || part == BorgStatistics::Line::kSizes) {
      RunFinished end{.operation = Operation::kBackup,
                      .result = RunResult::kSuccess,
                      .start = statistics_.start(),
                      .end = statistics_.end(),
                      .figures = statistics_.figures(),
                      .snapshot_id = statistics_.id()};
      if (end.start && end.end && *end.end >= *end.start) end.duration = *end.end - *end.start;
      clock_.Pass(end.end);
      Reported(std::move(end));
    }
    return part != BorgStatistics::Line::kOther;
  }

  void Document(const Json& json) {
    const BorgDocument kind = BorgDocumentOf(json);
    if (kind == BorgDocument::kNone) {
      ++out_->counts.unknown_messages;
      return;
    }
    if (kind == BorgDocument::kSilent) return;
    if (std::string repository = BorgNameOf(json).repository; !repository.empty()) {
      repository_ = std::move(repository);
    }
    if (kind == BorgDocument::kDryRun) {
      if (memory_.phase == Phase::kOpen) Emit(RunWithdrawn{});
      memory_ = Memory{};
      memory_.dry_run = true;
      memory_.phase = Phase::kHinted;
      notes_.Clear();
      return;
    }
    if (kind == BorgDocument::kCreated) {
      auto end = ReadCreated(json, clock_);
      if (end) series_ = BorgSeriesOf(Members(json.at("archive")).Text("name"));
      end ? Reported(std::move(*end)) : void(++out_->counts.parse_errors);
    }
    if (kind == BorgDocument::kArchives) {
      std::vector<decltype(Event::what)> events;
      if (!ReadArchives(json, clock_, &series_, &events)) ++out_->counts.parse_errors;
      for (auto& event : events) Emit(std::move(event));
    }
    if (const auto measured = ReadRepository(json)) Emit(*measured);
  }

  // An archive was made.
  void Reported(RunFinished end) {
    const bool again = memory_.phase == Phase::kReported && memory_.archive == end.snapshot_id;
    if (memory_.phase == Phase::kReported || memory_.phase == Phase::kFailed) {
      if (!again) memory_ = Memory{};
    }
    if (memory_.warnings > 0) {
      end.result = RunResult::kWarning;
      end.reason = Reason::kSourceUnreadable;
      end.figures.errors = std::max(end.figures.errors.value_or(0), memory_.warnings);
    }
    if (memory_.source_missing) {
      end.result = RunResult::kFailure;
      end.reason = Reason::kSourceMissing;
    }
    end.of_last_run = again;  // --json and --stats of one run
    memory_.phase = Phase::kReported;
    memory_.operation = Operation::kBackup;
    memory_.archive = end.snapshot_id;
    tells_ends_ = tells_archives_ = true;
    Emit(std::move(end));
  }

  // A part of check is over: first the repository, then the archives, unless one was asked for.
  void Checked(bool clean, std::optional<Time> time) {
    if (memory_.phase == Phase::kReported && memory_.operation != Operation::kCheck) {
      memory_ = Memory{};
    }
    const bool second = memory_.phase == Phase::kReported;
    memory_.damaged = memory_.damaged || !clean;
    RunFinished end{
        .operation = Operation::kCheck,
        .result = memory_.damaged ? RunResult::kFailure : RunResult::kSuccess,
        .start = memory_.operation == Operation::kCheck ? memory_.started : std::nullopt,
        .end = time,
        .of_last_run = second};
    if (memory_.damaged) end.reason = Reason::kOther;
    memory_.phase = Phase::kReported;
    memory_.operation = Operation::kCheck;
    Emit(std::move(end));
  }

  // The final error. After a report it is of that run, which could not put away its cache, unless
  // it is one that keeps a run from beginning.
  void Failed(Reason reason, std::string_view message, std::optional<Time> time) {
    const bool of_last = (memory_.phase == Phase::kReported && !EndsAtOnce(reason)) ||
                         (memory_.phase == Phase::kFailed && memory_.interrupted);
    if (!of_last) Continue();
    memory_.interrupted = memory_.interrupted || reason == Reason::kInterrupted;
    RunFinished end{.operation = memory_.operation,
                    .result = memory_.interrupted ? RunResult::kInterrupted : RunResult::kFailure,
                    .start = memory_.started,
                    .end = time,
                    .reason = reason,
                    .message = std::string(message),
                    .of_last_run = of_last};
    if (of_last) end.start.reset();
    memory_.phase = Phase::kFailed;
    tells_ends_ = true;
    Emit(std::move(end));
  }

  void Exited(int code, RunNoted words) {
    const std::optional<Time> time = words.at;
    const Memory run = std::exchange(memory_, Memory{});
    tells_ends_ = true;
    const bool told = run.phase == Phase::kReported || run.phase == Phase::kFailed;
    // Where the file tells of each archive that is made, a run that told of none made none: this is
    // the code of something else that says nothing, and came after it.
    if (code == 0 && run.phase == Phase::kOpen && !run.dry_run && tells_archives_) {
      memory_ = run;
      Overtaken();
      return;
    }
    if (run.dry_run && !told) {
      if (run.phase == Phase::kOpen) Emit(RunWithdrawn{});
      notes_.Clear();
      return;
    }
    RunFinished end{.operation = run.operation,
                    .result = BorgResultOf(code, run.operation),
                    .evidence = Evidence::kExitCode,
                    .start = told ? std::nullopt : run.started,
                    .end = time,
                    .exit_code = code,
                    .of_last_run = told,
                    .final = true};
    const bool backup = run.operation == Operation::kBackup;
    if (end.start && end.end && *end.end >= *end.start) end.duration = *end.end - *end.start;
    if (end.result == RunResult::kWarning) end.reason = Reason::kSourceUnreadable;
    if (end.result == RunResult::kInterrupted || end.result == RunResult::kFailure) {
      end.reason = BorgReasonOf(code).value_or(Reason::kOther);
    }
    if (run.interrupted && code != 0) {
      // SIGINT ends with 2, as any error.
      end.result = RunResult::kInterrupted;
      end.reason = Reason::kInterrupted;
    }
    if (run.source_missing && backup) {
      end.result = std::max(end.result, RunResult::kFailure);
      end.reason = Reason::kSourceMissing;
    }
    if (run.damaged) end.result = RunResult::kFailure;
    if (code == 0 && backup) end.figures.errors = run.warnings;
    if (end.result == RunResult::kWarning && run.warnings > 0) end.figures.errors = run.warnings;
    Emit(std::move(end));
    Emit(std::move(words));
  }

  LocalClock clock_;
  BorgStatistics statistics_;
  Memory memory_;
  Notes notes_;                  // of the next run
  bool tells_ends_ = false;      // the file has told of the end of a run
  bool tells_archives_ = false;  // and of the archive that it made
  std::string repository_;       // the one named last
  std::string series_;           // of the archives that were made, else of those that were listed
  std::optional<Time> before_;   // when the record before the one at hand was written
  Decoded* out_ = nullptr;
  std::uint64_t offset_ = 0;
};

std::string BorgDecoder::Save() const {
  const Memory& m = memory_;
  const bool nothing = m.phase == Phase::kIdle && !tells_ends_ && repository_.empty() &&
                       series_.empty() && !clock_.passed() && statistics_.id().empty() &&
                       notes_.empty();
  if (nothing) return {};
  return Json{{"phase", static_cast<int>(m.phase)},
              {"operation", m.operation ? Json(Name(*m.operation)) : Json()},
              {"started", Saved(m.started)},
              {"processed", m.processed},
              {"warnings", m.warnings},
              {"source_missing", m.source_missing},
              {"damaged", m.damaged},
              {"interrupted", m.interrupted},
              {"dry_run", m.dry_run},
              {"archive", m.archive},
              {"notes", notes_.Save()},
              {"statistics", statistics_.Save()},
              {"tells_ends", tells_ends_},
              {"tells_archives", tells_archives_},
              {"repository", repository_},
              {"series", series_},
              {"passed", Saved(clock_.passed())}}
      .dump(-1, ' ', false, Json::error_handler_t::replace);
}

void BorgDecoder::Restore(std::string_view saved) {
  memory_ = Memory{};
  notes_.Clear();
  const auto json = ParseJson(saved);
  if (!json || !json->is_object()) return;
  Members members(*json);
  const auto phase = members.Integer("phase");
  const auto operation = members.Text("operation");
  Memory memory;
  if (phase && *phase >= 0 && *phase <= static_cast<int>(Phase::kFailed)) {
    memory.phase = static_cast<Phase>(*phase);
  }
  memory.operation = OperationNamed(operation);
  memory.started = members.Micros("started");
  memory.processed = members.Count("processed").value_or(0);
  memory.warnings = members.Count("warnings").value_or(0);
  memory.source_missing = members.Boolean("source_missing").value_or(false);
  memory.damaged = members.Boolean("damaged").value_or(false);
  memory.interrupted = members.Boolean("interrupted").value_or(false);
  memory.dry_run = members.Boolean("dry_run").value_or(false);
  memory.archive = members.Text("archive");
  if (!members.Sound()) return;
  memory_ = std::move(memory);
  tells_ends_ = members.Boolean("tells_ends").value_or(false);
  tells_archives_ = members.Boolean("tells_archives").value_or(false);
  repository_ = members.Text("repository");
  series_ = members.Text("series");
  clock_.set_passed(members.Micros("passed"));
  if (const auto notes = json->find("notes"); notes != json->end()) notes_.Restore(*notes);
  if (const auto statistics = json->find("statistics"); statistics != json->end()) {
    statistics_.Restore(*statistics);
  }
}

}  // namespace

bool IsBorg(std::string_view record) {
  if (BorgExitCodeOf(record) || record.find("Creating archive at \"") == 0 ||
      BorgOperationInProgress(record)) {
    return true;
  }
  if (!record.starts_with('{')) return false;
  const auto json = ParseJson(record);
  if (!json || !json->is_object()) return false;
  if (BorgDocumentOf(*json) != BorgDocument::kNone) return true;
  Members members(*json);
  const std::string type = members.Text("type");
  return type == "archive_progress" || type == "file_status" || type.starts_with("progress_") ||
         type.starts_with("question_") ||
         (type == "log_message" && members.Text("name").starts_with("borg."));
}

std::unique_ptr<Decoder> MakeBorgDecoder(const DecoderOptions& options) {
  return std::make_unique<BorgDecoder>(options.zone);
}

}  // namespace backup_exporter
