// Decodes the output of `restic --json`, one record per line: messages, single-line documents, and
// plain text between them where standard error went to the same file.
//
// Source: restic 0.14.0 as run; shapes of 0.15 to 0.19.1 from its documentation
// (doc/075_scripting.rst) and sources (internal/ui/backup/json.go, internal/ui/restore/json.go,
// cmd/restic/*.go).

#include <algorithm>
#include <set>
#include <tuple>

#include "base/json.h"
#include "decoders/decoders.h"
#include "decoders/restic_lines.h"
#include "decoders/restic_messages.h"
#include "decoders/restic_runs.h"

namespace backup_exporter {
namespace {

constexpr std::string_view kMessageHead = R"({"message_type":)";

// Removes what a capture from a terminal has around a line.
std::string_view WithoutTerminalCodes(std::string_view line) {
  for (;;) {
    if (line.starts_with('\r')) {
      line.remove_prefix(1);
    } else if (line.starts_with("\x1b[2K")) {
      line.remove_prefix(4);
    } else {
      break;
    }
  }
  while (line.ends_with('\r') || line.ends_with(' ')) line.remove_suffix(1);
  return line;
}

bool HasAny(const Members& members, std::initializer_list<const char*> keys) {
  return std::ranges::any_of(keys, [&](const char* key) { return members.Has(key); });
}

// The stages of a check without --json, in their order.
int CheckStageOf(std::string_view line) {
  if (line.starts_with("using temporary cache")) return 1;
  if (line == "load indexes") return 2;
  return line == "check all packs" ? 3 : 4;
}

// The figures that the summary of a backup and the summary in a snapshot have in common.
Figures BackupFigures(Members& members) {
  return {.added_bytes = members.Count("data_added"),
          .added_stored_bytes = members.Count("data_added_packed"),
          .processed_bytes = members.Count("total_bytes_processed"),
          .processed_files = members.Count("total_files_processed"),
          .files_new = members.Count("files_new"),
          .files_changed = members.Count("files_changed"),
          .files_unmodified = members.Count("files_unmodified"),
          .directories_new = members.Count("dirs_new"),
          .directories_changed = members.Count("dirs_changed"),
          .directories_unmodified = members.Count("dirs_unmodified"),
          .errors = std::nullopt};
}

// The snapshot of a listing; adds its host and paths to `origins`. nullopt if it has the wrong
// shape.
std::optional<ArchiveListed> ReadSnapshot(const Json& snapshot, std::set<std::string>* origins) {
  if (!snapshot.is_object()) return std::nullopt;
  Members members(snapshot);
  ArchiveListed archive;
  // tag, rewrite and copy give a snapshot a new id and keep the first one here.
  archive.snapshot_id = members.Text("original");
  if (archive.snapshot_id.empty()) archive.snapshot_id = members.Text("id");
  const auto start = members.Stamp("time");
  if (const auto summary = snapshot.find("summary");
      summary != snapshot.end() && summary->is_object()) {
    Members figures(*summary);
    archive.figures = BackupFigures(figures);
    archive.end = figures.Stamp("backup_end");
    if (!figures.Sound()) return std::nullopt;
  }
  if (!members.Sound() || !start || archive.snapshot_id.empty()) return std::nullopt;
  archive.start = *start;
  origins->insert(members.Text("hostname") + '\0' +
                  (snapshot.contains("paths") ? snapshot["paths"].dump() : std::string()));
  return archive;
}

class ResticDecoder final : public Decoder {
 public:
  void Decode(const Record& record, Decoded& out) override {
    ++out.counts.records;
    out_ = &out;
    offset_ = record.offset;
    runs_.At(record.offset, &out);
    Line(WithoutTerminalCodes(record.bytes));
  }
  [[nodiscard]] std::string Save() const override { return runs_.Save(); }
  void Restore(std::string_view saved) override { runs_.Restore(saved); }

 private:
  void Line(std::string_view line) {
    if (const auto progress = ScanStatusLine(line))
      return runs_.Progress(Operation::kBackup, *progress);
    if (IsVerboseLine(line)) return runs_.Underway(Operation::kBackup);
    const bool json_like = line.starts_with('{') || line.starts_with('[');
    if (json_like) {
      if (const auto json = ParseJson(line)) return Value(*json);
    }
    // A run that was killed leaves an incomplete line, and the next run continues in that line.
    const std::size_t next = line.find(kMessageHead, 1);
    if (next == std::string_view::npos) return Unparsed(line);
    for (std::size_t begin = 0; begin < line.size();) {
      const std::size_t end = std::min(line.find(kMessageHead, begin + 1), line.size());
      const std::string_view part = line.substr(begin, end - begin);
      const auto json = part.starts_with('{') ? ParseJson(part) : std::nullopt;
      json ? Value(*json) : Unparsed(part);
      begin = end;
    }
  }

  void Unparsed(std::string_view text) {
    if (!text.starts_with(R"({")") && !text.starts_with("[{")) return Text(text);
    ++out_->counts.parse_errors;
    // A line of text may continue the torn record.
    const std::size_t error = FindFinalError(text);
    if (error != std::string_view::npos) return Text(text.substr(error));
    if (ResticMessageOf(text) == ResticMessage::kSourceMissing) runs_.SourceMissing();
  }

  void Text(std::string_view line) {
    const ResticMessage message = ResticMessageOf(line);
    Apply(message, line);
    if (message != ResticMessage::kOther && message != ResticMessage::kPruned) {
      runs_.AddMessage(LevelOf(message), line);
    }
  }

  void Apply(ResticMessage message, std::string_view line) {
    switch (message) {
      case ResticMessage::kOther:
        ++out_->counts.text;
        break;
      case ResticMessage::kFinalError:
      case ResticMessage::kPartlyUnreadable:
        runs_.Failed(std::nullopt, line);
        break;
      case ResticMessage::kSourceMissing:
        runs_.SourceMissing();
        break;
      case ResticMessage::kSignal:
        runs_.Signal();
        break;
      case ResticMessage::kCheckStage:
        runs_.CheckStage(CheckStageOf(line));
        break;
      case ResticMessage::kCheckClean:
        runs_.Finished({.operation = Operation::kCheck, .result = RunResult::kSuccess});
        break;
      case ResticMessage::kPruned:
        runs_.Pruned();
        break;
      case ResticMessage::kRestoreBegins:
        runs_.Hint(Operation::kRestore);
        break;
      case ResticMessage::kRestoreError:
        runs_.Error(Operation::kRestore);
        break;
    }
  }

  void Value(const Json& json) {
    if (json.is_array()) return Array(json);
    Members members(json);
    const std::string type = members.Text("message_type");
    if (type == "status") return Status(members);
    if (type == "verbose_status") return Verbose(members);
    if (type == "summary") return Summary(members);
    if (type == "error") return Error(json, members);
    if (type == "exit_error") return ExitError(members);
    if (type == "wrapper_exit") return WrapperExit(members);
    // Known records that show nothing about a run: init, tag, version, ls, diff, excluded items of
    // the development version; and without a type: ls up to 0.16, cat config, version of 0.17.
    static const std::set<std::string, std::less<>> kIrrelevant{
        "initialized", "changed", "version",    "snapshot",
        "node",        "change",  "statistics", "excluded_item"};
    if (type.empty() && members.Has("snapshots_count")) return Statistics(members);
    const bool known =
        kIrrelevant.contains(type) ||
        (type.empty() && (members.Has("struct_type") || members.Has("chunker_polynomial") ||
                          members.Has("go_version")));
    if (!known) ++out_->counts.unknown_messages;
  }

  // Calls `action` if all members had the right type; counts the record as an error otherwise.
  template <typename Action>
  void IfSound(const Members& members, std::initializer_list<std::string_view> known,
               Action action) {
    if (!members.Sound()) {
      ++out_->counts.parse_errors;
      return;
    }
    out_->counts.unknown_fields += members.Unknown(known);
    action();
  }

  void Status(Members& members) {
    // Up to 0.15 the end of the scan has the type `status` too.
    if (members.Has("action")) return runs_.Underway(Operation::kBackup);
    const bool restore = HasAny(members, {"files_restored", "bytes_restored", "files_skipped",
                                          "bytes_skipped", "files_deleted"});
    const bool backup = HasAny(
        members, {"files_done", "bytes_done", "current_files", "error_count", "seconds_remaining"});
    std::optional<Operation> operation;
    if (backup || restore) operation = restore ? Operation::kRestore : Operation::kBackup;
    const ResticProgress progress{
        .seconds_elapsed = members.Count("seconds_elapsed").value_or(0),
        .files_done = members.Count(restore ? "files_restored" : "files_done").value_or(0),
        .bytes_done = members.Count(restore ? "bytes_restored" : "bytes_done").value_or(0),
        .error_count = members.Count("error_count").value_or(0),
        .total_bytes = members.Count("total_bytes").value_or(0)};
    IfSound(members,
            {"message_type", "seconds_elapsed", "seconds_remaining", "percent_done", "total_files",
             "files_done", "total_bytes", "bytes_done", "error_count", "current_files",
             "files_restored", "files_skipped", "files_deleted", "bytes_restored", "bytes_skipped"},
            [&] { runs_.Progress(operation, progress); });
  }

  void Verbose(Members& members) {
    runs_.Underway(members.Has("duration") ? Operation::kBackup : Operation::kRestore);
  }

  void Summary(Members& members) {
    if (members.Has("files_new")) return BackupSummary(members);
    if (members.Has("num_errors")) return CheckSummary(members);
    // The end of `tag`, and the plan of `prune`, which does not prove that it was carried out.
    if (members.Has("changed_snapshots") || members.Has("packfiles")) return;
    RestoreSummary(members);
  }

  void BackupSummary(Members& members) {
    RunFinished end{.operation = Operation::kBackup, .result = RunResult::kSuccess};
    end.figures = BackupFigures(members);
    end.snapshot_id = members.Text("snapshot_id");
    end.start = members.Stamp("backup_start");
    end.end = members.Stamp("backup_end");
    end.duration = members.Seconds("total_duration");
    const bool dry_run = members.Boolean("dry_run").value_or(false);
    IfSound(members,
            {"message_type", "files_new", "files_changed", "files_unmodified", "dirs_new",
             "dirs_changed", "dirs_unmodified", "data_blobs", "tree_blobs", "data_added",
             "data_added_packed", "total_files_processed", "total_bytes_processed",
             "total_duration", "backup_start", "backup_end", "snapshot_id", "dry_run"},
            [&] { dry_run ? runs_.Withdrawn() : runs_.Finished(std::move(end)); });
  }

  void CheckSummary(Members& members) {
    RunFinished end{.operation = Operation::kCheck};
    end.figures.errors = members.Count("num_errors");
    end.result = end.figures.errors == 0U ? RunResult::kSuccess : RunResult::kFailure;
    // The reason comes with the exit code: a check that could not begin counts an error too.
    IfSound(members,
            {"message_type", "num_errors", "broken_packs", "suggest_repair_index", "suggest_prune"},
            [&] { runs_.Finished(std::move(end)); });
  }

  void RestoreSummary(Members& members) {
    const std::initializer_list<std::string_view> known{
        "message_type",  "seconds_elapsed", "total_files",    "files_restored", "files_skipped",
        "files_deleted", "total_bytes",     "bytes_restored", "bytes_skipped"};
    // All members may be absent. A summary with unknown members only is that of another command.
    if (members.Unknown(known) > 0 &&
        !HasAny(members, {"files_restored", "files_skipped", "files_deleted"})) {
      ++out_->counts.unknown_messages;
      return;
    }
    RunFinished end{.operation = Operation::kRestore, .result = RunResult::kSuccess};
    end.figures.processed_files = members.Count("files_restored").value_or(0);
    end.figures.processed_bytes = members.Count("bytes_restored").value_or(0);
    end.duration =
        DurationFromSeconds(static_cast<double>(members.Count("seconds_elapsed").value_or(0)));
    IfSound(members, known, [&] { runs_.Finished(std::move(end)); });
  }

  void Error(const Json& json, Members& members) {
    const std::string during = members.Text("during");
    IfSound(members, {"message_type", "error", "during", "item", "message"}, [&] {
      // Errors of the scan alone do not change the result: restic exits with 0. With `check`, its
      // lines of text come as errors, advice included.
      if (during == "archival") runs_.Error(Operation::kBackup);
      if (during == "scan") runs_.Underway(Operation::kBackup);
      if (during == "restore") runs_.Error(Operation::kRestore);
      if (during.empty() && !json.contains("message")) ++out_->counts.unknown_messages;
      const std::string text = ErrorTextOf(json);
      if (text.empty()) return;
      during.empty() ? runs_.AddMessageOfNext(ErrorLevelOf(during), text)
                     : runs_.AddMessage(ErrorLevelOf(during), text);
    });
  }

  void ExitError(Members& members) {
    const auto code = members.Integer("code");
    const std::string message = members.Text("message");
    IfSound(members, {"message_type", "code", "message"}, [&] {
      // The same text as without --json, which is more specific than an exit code of 1.
      runs_.Failed(code, message);
      const bool warns = ResticMessageOf(message) == ResticMessage::kPartlyUnreadable;
      runs_.AddMessage(warns ? Level::kWarning : Level::kError, message);
    });
  }

  void WrapperExit(Members& members) {
    const auto code = members.Integer("code");
    const auto at = members.EpochSeconds("time");
    if (!code) {
      ++out_->counts.parse_errors;
      return;
    }
    IfSound(members, {"message_type", "code", "time"}, [&] { runs_.Exited(*code, at); });
  }

  // The output of `stats` does not name its mode. Only raw-data counts blobs alone. Of the modes
  // that count files restore-size is the default; its total is the original size of the snapshots.
  void Statistics(Members& members) {
    const auto size = members.Count("total_size");
    const bool files = members.Count("total_file_count").value_or(0) > 0;
    const bool blobs = members.Count("total_blob_count").value_or(0) > 0;
    IfSound(members,
            {"total_size", "total_file_count", "total_blob_count", "snapshots_count",
             "total_uncompressed_size", "compression_ratio", "compression_progress",
             "compression_space_saving"},
            [&] {
              if (!size || files == blobs) return;
              RepositoryMeasured measured{.of_selection = true};
              (blobs ? measured.stored_bytes : measured.original_bytes) = size;
              out_->events.push_back({.of = {}, .offset = offset_, .what = measured});
            });
  }

  void Array(const Json& json) {
    if (json.empty()) return Snapshots(json);  // also `find` without a match
    const Json& first = json.front();
    if (!first.is_object()) {
      ++out_->counts.unknown_messages;
    } else if (first.contains("keep") && first.contains("remove")) {
      runs_.Finished({.operation = Operation::kForget, .result = RunResult::kSuccess});
    } else if (first.contains("group_key") || (first.contains("tree") && first.contains("time"))) {
      Snapshots(json);
    } else if (!first.contains("matches") && !first.contains("object_type") &&
               !first.contains("userName")) {
      ++out_->counts.unknown_messages;  // find and key list are known, and show no run
    }
  }

  void Snapshots(const Json& json) {
    std::vector<ArchiveListed> archives;
    std::set<std::string> origins;
    bool sound = true;
    const auto add = [&](const Json& snapshot) {
      auto archive = ReadSnapshot(snapshot, &origins);
      archive ? archives.push_back(std::move(*archive)) : void(sound = false);
    };
    for (const Json& item : json) {
      if (item.is_object() && item.contains("group_key")) {
        const auto group = item.find("snapshots");
        if (group == item.end() || !group->is_array()) continue;
        for (const Json& snapshot : *group) add(snapshot);
      } else {
        add(item);
      }
    }
    if (!sound) ++out_->counts.parse_errors;
    ArchivesCounted counted{.archives = archives.size()};
    for (ArchiveListed& archive : archives) {
      archive.among_others = origins.size() > 1;
      counted.oldest = std::min(counted.oldest.value_or(archive.start), archive.start);
      counted.newest = std::max(counted.newest.value_or(archive.start), archive.start);
      out_->events.push_back({.of = {}, .offset = offset_, .what = std::move(archive)});
    }
    if (sound) out_->events.push_back({.of = {}, .offset = offset_, .what = counted});
  }

  ResticRuns runs_;
  Decoded* out_ = nullptr;
  std::uint64_t offset_ = 0;
};

}  // namespace

bool IsRestic(std::string_view record) {
  record = WithoutTerminalCodes(record);
  if (record.starts_with(kMessageHead)) return true;
  if (!record.starts_with('{') && !record.starts_with("[{")) {
    const ResticMessage message = ResticMessageOf(record);
    return message == ResticMessage::kFinalError || message == ResticMessage::kPartlyUnreadable;
  }
  const auto json = ParseJson(record);
  if (!json || json->empty()) return false;
  const Json& first = json->is_array() ? json->front() : *json;
  if (!first.is_object()) return false;
  if (json->is_object()) {
    return first.contains("message_type") ||
           (first.contains("total_size") && first.contains("snapshots_count"));
  }
  return (first.contains("keep") && first.contains("reasons")) || first.contains("group_key") ||
         (first.contains("tree") && first.contains("short_id"));
}

std::unique_ptr<Decoder> MakeResticDecoder(const DecoderOptions&) {
  return std::make_unique<ResticDecoder>();
}

}  // namespace backup_exporter
