#include "decoders/borg_documents.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <string>
#include <utility>

#include "decoders/borg_messages.h"

namespace backup_exporter {
namespace {

using std::chrono::seconds;

bool HasObject(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_object();
}

// Start and end of a run.
struct Span {
  std::optional<Time> start;
  std::optional<Time> end;
};

// Reads local times, which may be ambiguous, so that their difference fits the duration, which is
// exact, and so that they come after earlier records. nullopt if the times cannot be parsed; an
// empty span if they do not fit the duration.
std::optional<Span> ReadSpan(Members& archive, std::optional<Duration> duration,
                             const LocalClock& clock) {
  const auto starts = clock.Candidates(archive.Text("start"));
  const auto ends = clock.Candidates(archive.Text("end"));
  if (!starts || !ends) return std::nullopt;
  std::optional<Span> late;
  for (const Time start : {starts->first, starts->second}) {
    for (const Time end : {ends->first, ends->second}) {
      if (duration && std::chrono::abs(end - start - *duration) > seconds(2)) continue;
      const bool in_order = !clock.latest() || end >= *clock.latest() - seconds(1);
      if (in_order) return Span{start, end};
      if (!late) late = Span{start, end};
    }
  }
  return late ? late : Span{};
}

// With create --timestamp the times of the archive are those of the option. The time of the last
// change of the repository shows that.
Span ReadRunSpan(Members& archive, std::string_view modified, std::optional<Duration> duration,
                 const LocalClock& clock, bool* sound) {
  const auto span = ReadSpan(archive, duration, clock);
  *sound = span.has_value();
  if (!span) return {};
  const auto written = clock.ParseAfter(modified, span->end ? span->end : clock.latest());
  const bool times_of_run =
      span->end && (!written || std::chrono::abs(*written - *span->end) < std::chrono::hours(1));
  if (times_of_run || !written) return *span;
  return {duration ? std::optional(*written - *duration) : std::nullopt, written};
}

// Counts by status letter (2.0).
void ReadFileStates(const Json& stats, Figures* figures) {
  const auto states = stats.find("files_stats");
  if (states == stats.end() || !states->is_object() || states->empty()) return;
  Members members(*states);
  figures->files_new = members.Count("A").value_or(0);
  figures->files_changed = members.Count("M").value_or(0);
  figures->files_unmodified = members.Count("U").value_or(0);
  figures->errors = members.Count("E").value_or(0) + members.Count("C").value_or(0);
}

// The archive that a killed run leaves behind in 1.x.
bool IsCheckpoint(std::string_view name) {
  constexpr std::string_view kSuffix = ".checkpoint";
  const std::size_t at = name.rfind(kSuffix);
  if (at == std::string_view::npos) return false;
  const std::string_view rest = name.substr(at + kSuffix.size());
  return rest.empty() || (rest.size() > 1 && rest.front() == '.' &&
                          rest.find_first_not_of("0123456789", 1) == std::string_view::npos);
}

// Documents about single files, differences, analyses and versions.
bool IsIrrelevant(const Json& json) {
  return (json.contains("path") && (json.contains("mode") || json.contains("changes"))) ||
         json.contains("dedup_size") || json.contains("hotspots") ||
         (json.contains("client") && json.contains("server"));
}

}  // namespace

BorgDocument BorgDocumentOf(const Json& json) {
  if (!json.is_object()) return BorgDocument::kNone;
  const bool repository = HasObject(json, "repository");
  if (HasObject(json, "archive") && repository) return BorgDocument::kCreated;
  if (const auto dry = json.find("dry_run"); dry != json.end() && *dry == true) {
    return BorgDocument::kDryRun;
  }
  if (const auto archives = json.find("archives");
      repository && archives != json.end() && archives->is_array()) {
    const bool prune =
        !archives->empty() && archives->front().is_object() && archives->front().contains("kept");
    return prune ? BorgDocument::kIrrelevant : BorgDocument::kArchives;
  }
  if (repository && (json.contains("security_dir") || json.contains("cache"))) {
    return BorgDocument::kRepository;
  }
  return IsIrrelevant(json) ? BorgDocument::kIrrelevant : BorgDocument::kNone;
}

Named BorgNameOf(const Json& document) {
  const auto repository = document.find("repository");
  if (repository == document.end() || !repository->is_object()) return {};
  Members members(*repository);
  return {.label = members.Text("label"), .repository = PublicLocation(members.Text("location"))};
}

std::optional<RunFinished> ReadCreated(const Json& document, LocalClock& clock) {
  const Json& archive = document.at("archive");
  Members members(archive);
  RunFinished end{.operation = Operation::kBackup, .result = RunResult::kSuccess};
  end.snapshot_id = members.Text("id");
  end.duration = members.Seconds("duration");
  Members repository(document.at("repository"));
  bool sound = false;
  const Span span =
      ReadRunSpan(members, repository.Text("last_modified"), end.duration, clock, &sound);
  end.start = span.start;
  end.end = span.end;
  if (!HasObject(archive, "stats")) return std::nullopt;
  Members stats(archive.at("stats"));
  // Only here is this the amount that the run added; `info` has another number under this name.
  end.figures.added_bytes = stats.Count("deduplicated_size");
  end.figures.added_stored_bytes = end.figures.added_bytes;
  end.figures.processed_bytes = stats.Count("original_size");
  end.figures.processed_files = stats.Count("nfiles");
  ReadFileStates(archive.at("stats"), &end.figures);
  if (end.figures.errors.value_or(0) > 0) {
    end.result = RunResult::kWarning;
    end.reason = Reason::kSourceUnreadable;
  }
  if (!sound || !members.Sound() || !stats.Sound() || end.snapshot_id.empty()) return std::nullopt;
  clock.Advance(end.end);
  return end;
}

bool ReadArchives(const Json& document, const LocalClock& clock, std::string* series,
                  std::vector<decltype(Event::what)>* events) {
  std::vector<ArchiveListed> archives;
  ArchivesCounted counted;
  bool sound = true;
  std::set<std::pair<std::string, std::string>> origins;
  std::optional<Time> previous;
  for (const Json& item : document.at("archives")) {
    if (!item.is_object()) {
      sound = false;
      continue;
    }
    Members members(item);
    const std::string name = members.Text("name");
    if (IsCheckpoint(name)) continue;
    ArchiveListed archive{.snapshot_id = members.Text("id")};
    const bool whole = members.Has("end") && members.Has("stats");
    std::optional<Time> start;
    if (whole) {
      const auto span = ReadSpan(members, members.Seconds("duration"), clock);
      // With --timestamp no other time is known.
      start = span && span->start ? span->start : clock.ParseAfter(members.Text("start"), previous);
      if (span) archive.end = span->end;
      Members stats(item.at("stats"));
      archive.figures.processed_bytes = stats.Count("original_size");
      archive.figures.processed_files = stats.Count("nfiles");
      sound = sound && stats.Sound();
    } else {
      start = clock.ParseAfter(members.Text("time"), previous);
    }
    if (!members.Sound() || !start || archive.snapshot_id.empty()) {
      sound = false;
      continue;
    }
    archive.start = *start;
    previous = start;
    origins.emplace(members.Text("hostname"), BorgSeriesOf(name));
    counted.oldest = std::min(counted.oldest.value_or(*start), *start);
    counted.newest = std::max(counted.newest.value_or(*start), *start);
    archives.push_back(std::move(archive));
  }
  counted.archives = archives.size();
  const bool one_series = origins.size() == 1;
  const bool other = one_series && !series->empty() && *series != origins.begin()->second;
  if (one_series && series->empty()) *series = origins.begin()->second;
  for (ArchiveListed& archive : archives) {
    archive.among_others = other || !one_series;
    events->emplace_back(std::move(archive));
  }
  if (sound) events->emplace_back(counted);
  return sound;
}

// A number directly after a letter is part of the name ("web1").
std::string BorgSeriesOf(std::string_view name) {
  for (;;) {
    const std::size_t digits = name.find_last_not_of("0123456789");
    if (digits == std::string_view::npos || digits + 1 == name.size()) break;
    const char before = name[digits];
    const bool time = before == 'T' && digits > 0 && std::isdigit(name[digits - 1]) != 0;
    if (!time && std::string_view("-_.: +").find(before) == std::string_view::npos) break;
    name = name.substr(0, digits);
  }
  return std::string(name);
}

std::optional<RepositoryMeasured> ReadRepository(const Json& document) {
  if (!HasObject(document, "cache") || !HasObject(document.at("cache"), "stats")) {
    return std::nullopt;
  }
  Members stats(document.at("cache").at("stats"));
  const RepositoryMeasured measured{.stored_bytes = stats.Count("unique_csize"),
                                    .original_bytes = stats.Count("total_size")};
  const bool something = measured.stored_bytes || measured.original_bytes;
  return something && stats.Sound() ? std::optional(measured) : std::nullopt;
}

}  // namespace backup_exporter
