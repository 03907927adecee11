// resticprofile's status file: one document with the last result of every profile and command.
//
// Source: resticprofile v0.12 to v0.33.1, monitor/status/*.go, shell/*_summary.go, and its
// documentation (status file, extended status). Every section is the whole truth of a finished run,
// stamped with its end; the file says nothing while a command runs.

#include <algorithm>
#include <charconv>

#include "base/json.h"
#include "decoders/decoders.h"
#include "decoders/notes.h"
#include "decoders/restic_words.h"

namespace backup_exporter {
namespace {

// "exit status 3" → 3.
std::optional<int> ExitCodeOf(std::string_view error) {
  constexpr std::string_view kHead = "exit status ";
  if (!error.starts_with(kHead)) return std::nullopt;
  error.remove_prefix(kHead.size());
  int code = 0;
  const auto [end, failure] = std::from_chars(error.data(), error.data() + error.size(), code);
  if (failure != std::errc() || end != error.data() + error.size()) return std::nullopt;
  return code;
}

// What restic's own words in `stderr` add to the verdict.
struct Stderr {
  bool unreadable = false;
  bool source_missing = false;
  bool interrupted = false;
  std::optional<Reason> reason;  // of the final error
  std::vector<RunNoted> notes;
};

void Read(std::string_view line, Stderr& out) {
  switch (WordsOf(line)) {
    case ResticWords::kFailed:
      out.reason = ReasonOf(line);
      break;
    case ResticWords::kUnreadable:
      out.unreadable = true;
      break;
    case ResticWords::kSourceMissing:
      out.source_missing = true;
      break;
    case ResticWords::kSignal:
      out.interrupted = true;
      break;
    default:
      break;
  }
}

Stderr ReadStderr(std::string_view text) {
  Stderr out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    // What restic puts around the line that tells of a signal.
    while (line.starts_with('\r') || line.starts_with("\x1b[2K")) {
      line.remove_prefix(line.starts_with('\r') ? 1 : 4);
    }
    while (line.ends_with(' ')) line.remove_suffix(1);
    // With extended-status restic writes JSON there too.
    const auto json = line.starts_with('{') ? ParseJson(line) : std::nullopt;
    if (!json || !json->is_object()) {
      Read(line, out);
      // Whatever it is: on standard error little is said where all is well.
      if (!line.empty()) out.notes.push_back(NoteOf(LevelOf(WordsOf(line)), line));
      continue;
    }
    Members members(*json);
    const std::string type = members.Text("message_type");
    if (type == "error") {
      const std::string during = members.Text("during");
      if (during == "archival") out.unreadable = true;
      out.notes.push_back(NoteOf(ErrorLevelOf(during), ErrorTextOf(*json)));
    }
    if (type == "exit_error") {
      const auto code = members.Integer("code");
      const std::string message = members.Text("message");
      Read(message, out);
      const bool warns = WordsOf(message) == ResticWords::kUnreadable;
      out.notes.push_back(NoteOf(warns ? Level::kWarning : Level::kError, message));
      if (code == 3) out.unreadable = true;
      if (code && ReasonOf(*code)) out.reason = ReasonOf(*code);
    }
  }
  if (out.reason == Reason::kInterrupted) out.interrupted = true;
  return out;
}

class ResticprofileDecoder final : public Decoder {
 public:
  explicit ResticprofileDecoder(const DecoderOptions& options) : options_(options) {}

  void Decode(const Record& record, Decoded& out) override {
    ++out.counts.records;
    const auto json = ParseJson(record.bytes);
    const auto profiles =
        json && json->is_object() ? json->find("profiles") : Json::const_iterator();
    if (!json || !json->is_object() || profiles == json->end() || !profiles->is_object()) {
      ++out.counts.parse_errors;
      return;
    }
    for (const auto& [name, sections] : profiles->items()) {
      if (!sections.is_object() || name.empty()) {
        ++out.counts.parse_errors;
        continue;
      }
      for (const auto& [section, status] : sections.items()) {
        std::optional<Operation> operation;
        if (section == "backup") operation = Operation::kBackup;
        if (section == "check") operation = Operation::kCheck;
        if (section == "retention") operation = Operation::kForget;
        if (!operation) {
          ++out.counts.unknown_messages;
          continue;
        }
        if (status.is_null()) continue;
        std::vector<RunNoted> notes;
        auto run =
            status.is_object() ? Section(*operation, status, out.counts, notes) : std::nullopt;
        if (!run) {
          ++out.counts.parse_errors;
          continue;
        }
        const auto emit = [&](decltype(Event::what) what) {
          out.events.push_back({.of = {.label = name, .repository = {}},
                                .offset = record.offset,
                                .what = std::move(what)});
        };
        emit(std::move(*run));
        for (RunNoted& note : notes) emit(std::move(note));
      }
    }
  }

  [[nodiscard]] std::string Save() const override { return {}; }
  void Restore(std::string_view) override {}

 private:
  std::optional<RunFinished> Section(Operation operation, const Json& status, RecordCounts& counts,
                                     std::vector<RunNoted>& notes) const {
    Members members(status);
    const auto success = members.Boolean("success");
    RunFinished run{.operation = operation, .final = true};
    run.end = members.Stamp("time");
    run.message = members.Text("error");
    const std::string stderr_text = members.Text("stderr");
    if (const auto seconds = members.Count("duration");
        seconds && *seconds > 0 && *seconds < 1'000'000'000) {
      // Whole seconds, rounded up: the run began at most that long before.
      run.duration = std::chrono::seconds(*seconds);
      if (run.end) run.start = *run.end - *run.duration;
    }
    Figures figures{.added_bytes = members.Count("bytes_added"),
                    .added_stored_bytes = members.Count("bytes_added_packed"),
                    .processed_bytes = members.Count("bytes_total"),
                    .processed_files = members.Count("files_total"),
                    .files_new = members.Count("files_new"),
                    .files_changed = members.Count("files_changed"),
                    .files_unmodified = members.Count("files_unmodified"),
                    .directories_new = members.Count("dirs_new"),
                    .directories_changed = members.Count("dirs_changed"),
                    .directories_unmodified = members.Count("dirs_unmodified")};
    if (!members.Sound() || !success || !run.end) return std::nullopt;
    counts.unknown_fields += members.Unknown(
        {"success", "time", "error", "stderr", "duration", "files_new", "files_changed",
         "files_unmodified", "dirs_new", "dirs_changed", "dirs_unmodified", "files_total",
         "bytes_added", "bytes_added_packed", "bytes_total"});
    Stderr words = ReadStderr(stderr_text);
    Judge(*success, words, run);
    notes = std::move(words.notes);
    const Level level = run.result == RunResult::kWarning ? Level::kWarning : Level::kError;
    if (!run.message.empty()) notes.push_back(NoteOf(level, run.message));
    // It tells when the run ended, and not when each was said.
    for (RunNoted& note : notes) note.at = run.end;
    if (*success && operation == Operation::kBackup) run.figures = Collected(figures);
    return run;
  }

  static void Judge(bool success, const Stderr& words, RunFinished& run) {
    const bool backup = run.operation == Operation::kBackup;
    run.exit_code = ExitCodeOf(run.message);
    if (success) {
      // no-error-on-warning turns exit code 3 into a success whose only trace is in stderr.
      run.result = backup && words.unreadable ? RunResult::kWarning : RunResult::kSuccess;
    } else if (backup && run.exit_code == 3) {
      run.result = RunResult::kWarning;
    } else if (run.message.starts_with("signal: ") || words.interrupted ||
               (run.exit_code && EndedBySignal(*run.exit_code))) {
      run.result = RunResult::kInterrupted;
    } else {
      run.result = RunResult::kFailure;
    }
    if (backup && words.source_missing) {
      run.result = RunResult::kFailure;
      run.reason = Reason::kSourceMissing;
    } else if (run.result == RunResult::kWarning) {
      run.reason = Reason::kSourceUnreadable;
    } else if (run.result == RunResult::kInterrupted) {
      run.reason = Reason::kInterrupted;
    } else if (run.result == RunResult::kFailure) {
      run.reason = words.reason && words.reason != Reason::kOther ? words.reason : std::nullopt;
      if (!run.reason && run.exit_code) run.reason = ReasonOf(*run.exit_code);
      if (!run.reason) run.reason = Reason::kOther;
    }
  }

  // Zeros are what resticprofile writes where it collected nothing.
  [[nodiscard]] Figures Collected(Figures figures) const {
    if (!options_.extended_status) {
      const bool nothing = std::ranges::all_of(kFigureFields, [&figures](const FigureField& field) {
        return (figures.*field.member).value_or(0) == 0;
      });
      if (nothing) return {};
      const bool files = figures.files_new.value_or(0) + figures.files_changed.value_or(0) > 0;
      if (figures.added_bytes == 0U && files) figures.added_bytes.reset();
    }
    // restic before 0.17 does not tell what was stored, which is never nothing of something.
    if (figures.added_stored_bytes == 0U && figures.added_bytes != 0U)
      figures.added_stored_bytes.reset();
    return figures;
  }

  DecoderOptions options_;
};

}  // namespace

bool IsResticprofile(std::string_view record) {
  const auto json = record.starts_with('{') ? ParseJson(record) : std::nullopt;
  return json && json->is_object() && json->contains("profiles") && (*json)["profiles"].is_object();
}

std::unique_ptr<Decoder> MakeResticprofileDecoder(const DecoderOptions& options) {
  return std::make_unique<ResticprofileDecoder>(options);
}

}  // namespace backup_exporter
