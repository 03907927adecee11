// Decodes resticprofile's status file: one document with the last result of every profile and
// command.
//
// Source: resticprofile v0.12 to v0.33.1, monitor/status/*.go, shell/*_summary.go, and its
// documentation (status file, extended status). Every section describes one finished run
// completely, with the time of its end. Runs in progress are not in the file.

#include <algorithm>
#include <charconv>

#include "base/json.h"
#include "decoders/decoders.h"
#include "decoders/pending_messages.h"
#include "decoders/restic_messages.h"

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

// Findings from restic's messages in `stderr` that add to the result.
struct Stderr {
  bool unreadable = false;
  bool source_missing = false;
  bool interrupted = false;
  std::optional<Reason> reason;  // of the final error
  std::vector<RunNoted> messages;
};

void ReadLine(std::string_view line, Stderr& out) {
  switch (ResticMessageOf(line)) {
    case ResticMessage::kFinalError:
      out.reason = ReasonOf(line);
      break;
    case ResticMessage::kPartlyUnreadable:
      out.unreadable = true;
      break;
    case ResticMessage::kSourceMissing:
      out.source_missing = true;
      break;
    case ResticMessage::kSignal:
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
    // restic puts these around the message about a signal.
    while (line.starts_with('\r') || line.starts_with("\x1b[2K")) {
      line.remove_prefix(line.starts_with('\r') ? 1 : 4);
    }
    while (line.ends_with(' ')) line.remove_suffix(1);
    // With extended-status restic writes JSON there too.
    const auto json = line.starts_with('{') ? ParseJson(line) : std::nullopt;
    if (!json || !json->is_object()) {
      ReadLine(line, out);
      // Every line is kept: a run without problems prints little on standard error.
      if (!line.empty()) {
        out.messages.push_back(MessageOf(LevelOf(ResticMessageOf(line)), line));
      }
      continue;
    }
    Members members(*json);
    const std::string type = members.Text("message_type");
    if (type == "error") {
      const std::string during = members.Text("during");
      if (during == "archival") out.unreadable = true;
      out.messages.push_back(MessageOf(ErrorLevelOf(during), ErrorTextOf(*json)));
    }
    if (type == "exit_error") {
      const auto code = members.Integer("code");
      const std::string message = members.Text("message");
      ReadLine(message, out);
      const bool warns = ResticMessageOf(message) == ResticMessage::kPartlyUnreadable;
      out.messages.push_back(MessageOf(warns ? Level::kWarning : Level::kError, message));
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
        std::vector<RunNoted> messages;
        auto run =
            status.is_object() ? Section(*operation, status, out.counts, messages) : std::nullopt;
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
        for (RunNoted& message : messages) emit(std::move(message));
      }
    }
  }

  [[nodiscard]] std::string Save() const override { return {}; }
  void Restore(std::string_view) override {}

 private:
  std::optional<RunFinished> Section(Operation operation, const Json& status, RecordCounts& counts,
                                     std::vector<RunNoted>& messages) const {
    Members members(status);
    const auto success = members.Boolean("success");
    RunFinished run{.operation = operation, .final = true};
    run.end = members.Stamp("time");
    run.message = members.Text("error");
    const std::string stderr_text = members.Text("stderr");
    if (const auto seconds = members.Count("duration");
        seconds && *seconds > 0 && *seconds < 1'000'000'000) {
      // Whole seconds, rounded up: the run began at most this long before its end.
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
    Stderr printed = ReadStderr(stderr_text);
    Judge(*success, printed, run);
    messages = std::move(printed.messages);
    const Level level = run.result == RunResult::kWarning ? Level::kWarning : Level::kError;
    if (!run.message.empty()) messages.push_back(MessageOf(level, run.message));
    // The file has the time of the end only, not that of each message.
    for (RunNoted& message : messages) message.at = run.end;
    if (*success && operation == Operation::kBackup) run.figures = Collected(figures);
    return run;
  }

  static void Judge(bool success, const Stderr& printed, RunFinished& run) {
    const bool backup = run.operation == Operation::kBackup;
    run.exit_code = ExitCodeOf(run.message);
    if (success) {
      // With no-error-on-warning exit code 3 is a success, and only stderr shows the warning.
      run.result = backup && printed.unreadable ? RunResult::kWarning : RunResult::kSuccess;
    } else if (backup && run.exit_code == 3) {
      run.result = RunResult::kWarning;
    } else if (run.message.starts_with("signal: ") || printed.interrupted ||
               (run.exit_code && EndedBySignal(*run.exit_code))) {
      run.result = RunResult::kInterrupted;
    } else {
      run.result = RunResult::kFailure;
    }
    if (backup && printed.source_missing) {
      run.result = RunResult::kFailure;
      run.reason = Reason::kSourceMissing;
    } else if (run.result == RunResult::kWarning) {
      run.reason = Reason::kSourceUnreadable;
    } else if (run.result == RunResult::kInterrupted) {
      run.reason = Reason::kInterrupted;
    } else if (run.result == RunResult::kFailure) {
      run.reason =
          printed.reason && printed.reason != Reason::kOther ? printed.reason : std::nullopt;
      if (!run.reason && run.exit_code) run.reason = ReasonOf(*run.exit_code);
      if (!run.reason) run.reason = Reason::kOther;
    }
  }

  // resticprofile writes zeros for figures that it did not collect; these are removed.
  [[nodiscard]] Figures Collected(Figures figures) const {
    if (!options_.extended_status) {
      const bool nothing = std::ranges::all_of(kFigureFields, [&figures](const FigureField& field) {
        return (figures.*field.member).value_or(0) == 0;
      });
      if (nothing) return {};
      const bool files = figures.files_new.value_or(0) + figures.files_changed.value_or(0) > 0;
      if (figures.added_bytes == 0U && files) figures.added_bytes.reset();
    }
    // restic before 0.17 does not report the stored size. It cannot be zero if anything was added.
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
