// Decodes the output of borgmatic: the arrays that it prints with --json, and its log.
//
// An array comes after all the work and contains borg's own documents, one for each repository and
// action; it does not show failures. The log (text in the default or another format, or JSON lines)
// shows starts and failures, and with its summary that everything else went well.
//
// Source: borgmatic 1.7.7 and 2.1.x as run; borgmatic_lines.h describes the lines.

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "decoders/borg_documents.h"
#include "decoders/borg_messages.h"
#include "decoders/borg_statistics.h"
#include "decoders/borgmatic_lines.h"
#include "decoders/borgmatic_runs.h"
#include "decoders/decoders.h"
#include "decoders/local_clock.h"
#include "decoders/old_state.h"
#include "decoders/saved_state.h"

namespace backup_exporter {
namespace {

// The severity of a line; nullopt if it is not worth a message. Before 2.1 all lines of borg have
// the same level, and on a terminal lines have none.
std::optional<Level> SeverityOf(const LogLine& line, BorgmaticMessage kind) {
  if (line.text.empty() || kind == BorgmaticMessage::kSummary || kind == BorgmaticMessage::kHelp) {
    return std::nullopt;
  }
  if (line.level >= LogLevel::kError) return Level::kError;
  if (line.level == LogLevel::kWarning) return Level::kWarning;
  if (IsListLine(line.text) || BorgStatistics::IsRow(line.text)) return std::nullopt;
  const bool failed = kind == BorgmaticMessage::kRepositoryFailed ||
                      kind == BorgmaticMessage::kExitCode || kind == BorgmaticMessage::kStopped;
  if (failed || BorgReasonOf("", line.text) != Reason::kOther) return Level::kError;
  const BorgMessage message = BorgMessageOf(line.text);
  const bool known = kind != BorgmaticMessage::kOther || message != BorgMessage::kOther;
  if (line.level == LogLevel::kNone && !known) return std::nullopt;
  const Level level = line.level == LogLevel::kAnswer ? Level::kWarning : Level::kInfo;
  return std::min(level, LevelOf(message));
}

// borgmatic 1.7 logs errors of borg like all its other output.
bool ShowsReason(std::string_view text) {
  return !IsListLine(text) && BorgReasonOf("", text) != Reason::kOther;
}

class BorgmaticDecoder final : public Decoder {
 public:
  explicit BorgmaticDecoder(TimeZone zone) : clock_(zone) {}

  void Decode(const Record& record, Decoded& out) override {
    ++out.counts.records;
    counts_ = &out.counts;
    runs_.At(record.offset, &out);
    const bool json_like = record.bytes.starts_with('{') || record.bytes.starts_with("[{") ||
                           record.bytes.starts_with("[]");
    if (!json_like) return Line(ParseLogLine(record.bytes, clock_), /*names_repositories=*/true);
    const auto json = ParseJson(record.bytes);
    if (!json) {
      ++counts_->parse_errors;
    } else if (json->is_array()) {
      for (const Json& document : *json) Document(document);
    } else if (json->contains("type")) {
      LogRecord(*json);
    } else {
      Document(*json);
    }
  }

  [[nodiscard]] std::string Save() const override {
    StateWriter saved;
    runs_.Save(saved);
    saved.Add("passed", clock_.latest());
    return saved.empty() ? std::string() : saved.Text();
  }

  void Restore(std::string_view saved) override {
    runs_.Reset();
    clock_.set_latest(std::nullopt);
    const auto json = ReadState(saved, ConvertBorgmaticState);
    if (!json) return;
    StateReader state(*json);
    const auto latest = state.Instant("passed");
    if (!runs_.Restore(state)) return runs_.Reset();
    clock_.set_latest(latest);
  }

 private:
  void Document(const Json& json) {
    const BorgDocument kind = BorgDocumentOf(json);
    if (kind == BorgDocument::kNone) ++counts_->unknown_messages;
    if (kind == BorgDocument::kNone || kind == BorgDocument::kIrrelevant ||
        kind == BorgDocument::kDryRun) {
      return;
    }
    Named of = BorgNameOf(json);
    if (of.label.empty()) of.label = of.repository;
    if (kind == BorgDocument::kCreated) {
      auto end = ReadCreated(json, clock_);
      end ? runs_.ArchiveCreated(of, std::move(*end)) : void(++counts_->parse_errors);
    }
    if (kind == BorgDocument::kArchives) {
      std::vector<decltype(Event::what)> events;
      std::string series;  // borgmatic lists the archives of its own configuration
      if (!ReadArchives(json, clock_, &series, &events)) ++counts_->parse_errors;
      for (auto& event : events) runs_.Write(of, std::move(event));
    }
    if (const auto measured = ReadRepository(json)) runs_.Write(of, *measured);
  }

  void LogRecord(const Json& json) {
    Members members(json);
    LogLine line{.time = {},
                 .level = LogLevelNamed(members.Text("levelname")),
                 .text = members.Text("message")};
    line.time = members.EpochSeconds("time");
    if (!members.Sound()) {
      ++counts_->parse_errors;
    } else if (members.Text("type") == "log_message") {
      Line(line, /*names_repositories=*/false);
    }
  }

  // Without the name of its repository, no event of an action can be written before that is known.
  void Line(const LogLine& line, bool names_repositories) {
    if (line.level == LogLevel::kDebug) return;
    const BorgmaticLine parsed = ParseBorgmaticLine(line.text);
    const bool action = parsed.kind == BorgmaticMessage::kActionBegins;
    if (!action && runs_.IsInSummary(line)) return runs_.SummaryLine(line, parsed.kind);
    runs_.LeaveSummary();
    clock_.Advance(line.time);
    if (runs_.ContinuesFailure(line, parsed.kind)) return;
    if (action) {
      const bool report_start =
          names_repositories && line.level != LogLevel::kNone && line.time.has_value();
      runs_.ActionBegins(parsed, line.time, report_start);
    }
    if (const auto level = SeverityOf(line, parsed.kind)) {
      runs_.AddMessage(*level, line, parsed.kind);
    }
    Apply(parsed, line);
  }

  void Apply(const BorgmaticLine& parsed, const LogLine& line) {
    switch (parsed.kind) {
      case BorgmaticMessage::kActionBegins:
      case BorgmaticMessage::kHelp:
        return;
      case BorgmaticMessage::kRepositoryFailed:
        return runs_.RepositoryFailed(parsed.label, line);
      case BorgmaticMessage::kRetrying:
        return runs_.Retrying();
      case BorgmaticMessage::kExitCode:
        return runs_.CommandFailed(parsed.exit_code, line);
      case BorgmaticMessage::kTreatedAsWarning:
        return runs_.ExitCodeTreatedAsWarning(parsed.exit_code, line.time);
      case BorgmaticMessage::kSoftFailure:
        return runs_.Skipped(parsed.label, line.time);
      case BorgmaticMessage::kStopped:
        return runs_.Stopped(line.time);
      case BorgmaticMessage::kSummary:
        return runs_.SummaryBegins(line);
      case BorgmaticMessage::kOther:
        break;
    }
    if (BorgLine(line)) return;
    if (line.level == LogLevel::kCritical && !line.text.empty()) return runs_.SomethingFailed(line);
    ++counts_->text;
  }

  // A line of borg that borgmatic passes on. False if it shows nothing, or a failure besides.
  bool BorgLine(const LogLine& line) {
    if (line.level >= LogLevel::kError || ShowsReason(line.text)) runs_.AddErrorText(line.text);
    if (runs_.StatisticsLine(line.text, clock_)) return true;
    const BorgMessage message = BorgMessageOf(line.text);
    if (!runs_.Apply(message, line.text)) return false;
    return message == BorgMessage::kCreateBegins || message == BorgMessage::kCheckDamaged ||
           line.level < LogLevel::kCritical;
  }

  LocalClock clock_;
  BorgmaticRuns runs_;
  RecordCounts* counts_ = nullptr;
};

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
  const LogLine line = ParseLogLine(record, LocalClock(TimeZone()));
  switch (ParseBorgmaticLine(line.text).kind) {
    case BorgmaticMessage::kActionBegins:
    case BorgmaticMessage::kRepositoryFailed:
    case BorgmaticMessage::kSummary:
    case BorgmaticMessage::kSoftFailure:
    case BorgmaticMessage::kTreatedAsWarning:
      return true;
    default:
      return false;
  }
}

std::unique_ptr<Decoder> MakeBorgmaticDecoder(const DecoderOptions& options) {
  return std::make_unique<BorgmaticDecoder>(options.zone);
}

}  // namespace backup_exporter
