// Decodes the output of borg: what it prints with --json on standard output and with --log-json, or
// in plain text, on standard error, each alone or both in one file.
//
// Source: borg 1.2.4 and 1.4.5 as run; docs/internals/frontends.rst of 1.1 to 2.0.

#include <algorithm>
#include <string>
#include <utility>

#include "base/json.h"
#include "decoders/borg_documents.h"
#include "decoders/borg_messages.h"
#include "decoders/borg_runs.h"
#include "decoders/borg_statistics.h"
#include "decoders/decoders.h"
#include "decoders/local_clock.h"
#include "decoders/old_state.h"
#include "decoders/saved_state.h"

namespace backup_exporter {
namespace {

constexpr std::string_view kArchiverName = "borg.archiver";

// True for `{"type": "file_status", "status": "A", "path": …}` of a file without problems. There
// may be millions of these lines, and they only show that a run is in progress.
bool IsGoodFileLine(std::string_view line) {
  constexpr std::string_view kHead = R"({"type": "file_status", "status": ")";
  if (!line.starts_with(kHead) || line.size() < kHead.size() + 2) return false;
  return line[kHead.size() + 1] == '"' &&
         std::string_view("AMUdbcfshi").find(line[kHead.size()]) != std::string_view::npos;
}

Level LevelNamedBy(std::string_view name) {
  if (name == "ERROR" || name == "CRITICAL") return Level::kError;
  if (name == "WARNING") return Level::kWarning;
  return name == "DEBUG" ? Level::kDebug : Level::kInfo;
}

std::string_view WithoutRemotePrefix(std::string_view text) {
  constexpr std::string_view kRemote = "Remote: ";
  return text.starts_with(kRemote) ? text.substr(kRemote.size()) : text;
}

// The members of a `log_message` record.
struct LogMessage {
  std::string text;
  std::string level;
  std::string logger;
  std::string msgid;  // empty if it has none
  std::optional<Time> time;

  [[nodiscard]] bool IsError() const { return level == "ERROR" || level == "CRITICAL"; }
};

class BorgDecoder final : public Decoder {
 public:
  explicit BorgDecoder(TimeZone zone) : clock_(zone) {}

  void Decode(const Record& record, Decoded& out) override {
    ++out.counts.records;
    counts_ = &out.counts;
    runs_.At(record.offset, clock_.latest(), &out);
    if (IsGoodFileLine(record.bytes)) return runs_.FileSeen();
    if (record.bytes.front() != '{' && record.bytes.front() != '[') return Text(record.bytes);
    const auto json = ParseJson(record.bytes);
    if (!json) {
      ++counts_->parse_errors;
    } else if (json->is_array()) {
      ++counts_->unknown_messages;
    } else if (const auto type = json->find("type"); type != json->end() && type->is_string()) {
      LogRecord(*json, type->get_ref<const std::string&>());
    } else {
      Document(*json);
    }
  }

  [[nodiscard]] std::string Save() const override {
    StateWriter saved;
    runs_.Save(saved);
    saved.AddJson("statistics", statistics_.Save());
    saved.Add("series", series_);
    saved.Add("passed", clock_.latest());
    return saved.empty() ? std::string() : saved.Text();
  }

  void Restore(std::string_view saved) override {
    runs_.Reset();
    statistics_ = {};
    series_.clear();
    clock_.set_latest(std::nullopt);
    const auto json = ReadState(saved, ConvertBorgState);
    if (!json) return;
    StateReader state(*json);
    const auto latest = state.Instant("passed");
    std::string series = state.Text("series");
    if (!runs_.Restore(state)) return;
    clock_.set_latest(latest);
    series_ = std::move(series);
    statistics_.Restore(state.Object("statistics"));
  }

 private:
  // ---- records of --log-json ----

  void LogRecord(const Json& json, const std::string& type) {
    Members members(json);
    const auto time = members.EpochSeconds("time");
    if (type == "log_message") {
      const LogMessage message{.text = members.Text("message"),
                               .level = members.Text("levelname"),
                               .logger = members.Text("name"),
                               .msgid = members.Text("msgid"),
                               .time = time};
      IfSound(members, time, [&] { Message(message); });
    } else if (type == "archive_progress") {
      const auto processed = members.Count("original_size");
      const bool finished = members.Boolean("finished").value_or(false);
      IfSound(members, time, [&] { runs_.Progress(processed, finished, time); });
    } else if (type == "progress_percent" || type == "progress_message") {
      const auto operation = BorgOperationOf(members.Text("msgid"));
      IfSound(members, time, [&] {
        if (operation) runs_.Hint(*operation, time);
      });
    } else if (type == "file_status") {
      const std::string status = members.Text("status");
      IfSound(members, time, [&] { FileStatus(status); });
    } else if (!type.starts_with("question_")) {
      ++counts_->unknown_messages;
    }
  }

  // Calls `action` if all members had the right type; counts the record as an error otherwise.
  template <typename Action>
  void IfSound(const Members& members, std::optional<Time> time, Action action) {
    if (!members.Sound()) {
      ++counts_->parse_errors;
      return;
    }
    clock_.Advance(time);
    action();
  }

  void FileStatus(std::string_view status) {
    if (status == "-") return runs_.DryRunFileSeen();
    status == "E" || status == "C" ? runs_.FileUnreadable() : runs_.FileSeen();
  }

  void Message(const LogMessage& message) {
    const std::string_view text = WithoutRemotePrefix(message.text);
    const auto code = message.logger == "borg.output.show-rc" ? BorgExitCodeOf(text) : std::nullopt;
    if (code) {
      return runs_.Exited(*code, MessageOf(LevelNamedBy(message.level), text, message.time));
    }
    if (message.logger == "borg.output.stats") {
      Statistics(text);
      return;
    }
    Apply(message, text);
    if (message.logger == "borg.output.progress") return;
    // Only those lines of --list that are about archives are messages; the others are about files.
    const bool listed_file =
        message.logger == "borg.output.list" && BorgMessageOf(message.text) == BorgMessage::kOther;
    if (!listed_file) {
      runs_.AddMessage(LevelNamedBy(message.level), message.text, message.time);
    }
  }

  void Apply(const LogMessage& message, std::string_view text) {
    const bool error = message.IsError();
    if (error && !message.msgid.empty()) {
      return runs_.Failed(BorgReasonOf(message.msgid, text), text, message.time);
    }
    const BorgMessage kind = BorgMessageOf(text);
    if (kind == BorgMessage::kInterrupted && !error) return;
    if (error && text.starts_with("Traceback")) return;
    // Warnings of other loggers, such as those about stale locks, are not about source files.
    const bool about_files =
        kind == BorgMessage::kUnreadable || kind == BorgMessage::kSourceMissing;
    const bool of_create =
        message.logger.starts_with(kArchiverName) || message.logger.starts_with("borg.archive");
    if (about_files && !of_create) return;
    runs_.Apply(kind, text, message.time);
  }

  // ---- plain text ----

  // Progress for people overwrites one line again and again.
  void Text(std::string_view record) {
    while (!record.empty()) {
      const std::size_t end = std::min(record.find('\r'), record.size());
      std::string_view line = record.substr(0, end);
      while (line.ends_with(' ')) line.remove_suffix(1);
      if (!line.empty()) Line(WithoutRemotePrefix(line));
      record.remove_prefix(std::min(end + 1, record.size()));
    }
  }

  void Line(std::string_view line) {
    if (const auto code = BorgExitCodeOf(line)) {
      const bool warns = line.starts_with("terminating with warning ");
      const Level bad = warns ? Level::kWarning : Level::kError;
      return runs_.Exited(*code, MessageOf(*code == 0 ? Level::kInfo : bad, line));
    }
    if (const auto operation = BorgOperationInProgress(line)) {
      if (*operation != Operation::kBackup) return runs_.Hint(*operation, std::nullopt);
      // The figures are rounded, and go back to zero only with a new run.
      return runs_.Progress(std::nullopt, /*finished=*/false, std::nullopt);
    }
    if (line.starts_with("- ") && runs_.BackupIsOpen()) return runs_.DryRunFileSeen();  // --list
    const BorgMessage kind = BorgMessageOf(line);
    if (kind != BorgMessage::kOther) {
      runs_.Apply(kind, line, std::nullopt);
      runs_.AddMessage(LevelOf(kind), line, std::nullopt);
    } else if (!Statistics(line)) {
      ++counts_->text;
      if (!IsListLine(line)) runs_.AddError(BorgReasonOf("", line), line);
    }
  }

  // A line of the table of --stats. False if it is none.
  bool Statistics(std::string_view line) {
    const BorgStatistics::Line part = statistics_.Parse(line, clock_);
    if (part == BorgStatistics::Line::kTimes || part == BorgStatistics::Line::kSizes) {
      RunFinished end{.operation = Operation::kBackup,
                      .result = RunResult::kSuccess,
                      .start = statistics_.start(),
                      .end = statistics_.end(),
                      .figures = statistics_.figures(),
                      .snapshot_id = statistics_.id()};
      SetDuration(end);
      clock_.Advance(end.end);
      runs_.ArchiveCreated(std::move(end));
    }
    return part != BorgStatistics::Line::kOther;
  }

  // ---- documents of --json ----

  void Document(const Json& json) {
    const BorgDocument kind = BorgDocumentOf(json);
    if (kind == BorgDocument::kNone) {
      ++counts_->unknown_messages;
      return;
    }
    if (kind == BorgDocument::kIrrelevant) return;
    if (std::string repository = BorgNameOf(json).repository; !repository.empty()) {
      runs_.SetRepository(std::move(repository));
    }
    if (kind == BorgDocument::kDryRun) return runs_.DryRunEnded();
    if (kind == BorgDocument::kCreated) {
      auto end = ReadCreated(json, clock_);
      if (end) series_ = BorgSeriesOf(Members(json.at("archive")).Text("name"));
      end ? runs_.ArchiveCreated(std::move(*end)) : void(++counts_->parse_errors);
    }
    if (kind == BorgDocument::kArchives) {
      std::vector<decltype(Event::what)> events;
      if (!ReadArchives(json, clock_, &series_, &events)) ++counts_->parse_errors;
      for (auto& event : events) runs_.Write(std::move(event));
    }
    if (const auto measured = ReadRepository(json)) runs_.Write(*measured);
  }

  LocalClock clock_;
  BorgStatistics statistics_;
  BorgRuns runs_;
  std::string series_;  // of the archives that were made, else of those that were listed
  RecordCounts* counts_ = nullptr;
};

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
