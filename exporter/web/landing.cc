#include "web/landing.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "base/build_info.h"
#include "base/units.h"
#include "metrics/families.h"
#include "metrics/label_value.h"

namespace backup_exporter {
namespace {

constexpr std::string_view kStyle = R"(
:root { color-scheme: light dark; --good: #176f2c; --odd: #8a5300; --bad: #b3261e; --faint: #666;
  --line: #ddd; }
@media (prefers-color-scheme: dark) {
  :root { --good: #6fd08c; --odd: #f0b35a; --bad: #ff8a80; --faint: #aaa; --line: #444; }
}
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 70rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.4rem; margin: 0; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
small, td::before { color: var(--faint); font-size: .85rem; font-weight: normal; }
table { border-collapse: collapse; width: 100%; }
th { text-align: left; }
th, td { padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top;
  overflow-wrap: anywhere; }
.good { color: var(--good); }
.odd { color: var(--odd); font-weight: bold; }
.bad { color: var(--bad); font-weight: bold; }
@media (max-width: 40rem) {
  thead { display: none; }
  tr { display: block; padding: .6rem 0; border-bottom: 1px solid var(--line); }
  td { display: flex; gap: .5rem; padding: 0; border: 0; }
  td::before { content: attr(data-label); flex: 0 0 7rem; }
}
)";

std::string Escape(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string Ago(Duration age) {
  using namespace std::chrono;
  if (age < -minutes(1)) return "in the future";
  if (age < minutes(1)) return "just now";
  return ApproximateDurationText(age) + " ago";
}

// "2026-11-21 01:00:02 UTC", followed by `more` in small letters, which is HTML.
std::string TimeHtml(Time time, std::string_view more) {
  const std::string utc = FormatUtc(time);
  std::string shown = utc;
  if (const auto t = shown.find('T'); t != std::string::npos) shown[t] = ' ';
  shown.replace(shown.size() - 1, 1, " UTC");  // for the Z
  return fmt::format("<span><time datetime=\"{}\">{}</time> <small>{}</small></span>", utc, shown,
                     more);
}

// The time and its age.
std::string TimeHtml(Time time, Time now, std::string_view more = "") {
  return TimeHtml(time, Ago(now - time).append(more));
}

// A future time with the time left, or a past one with its age.
std::string DueHtml(Time time, Time now, std::string_view more) {
  return TimeHtml(
      time,
      (time > now ? "in " + ApproximateDurationText(time - now) : Ago(now - time)).append(more));
}

std::string Cell(std::string_view label, std::string_view html) {
  return fmt::format("<td data-label=\"{}\">{}</td>", label, html);
}

std::string Cell(std::string_view label, std::string_view html, std::string_view css_class) {
  return Cell(label, fmt::format("<span class=\"{}\">{}</span>", css_class, html));
}

struct Line {
  const BackupStanding* backup;
  const OperationStanding* runs;
};

bool IsOverdue(const OperationStanding& runs, Time now) {
  return !runs.paused && runs.expected && runs.expected->deadline <= now;
}

// A larger number is worse. A backup without a finished run is worse than a warning.
int Badness(const OperationStanding& runs) {
  if (!runs.last_run) return 25;
  switch (runs.last_run->result) {
    case RunResult::kSuccess:
      return 0;
    case RunResult::kSkipped:
      return 10;
    case RunResult::kWarning:
      return 20;
    case RunResult::kInterrupted:
      return 30;
    case RunResult::kFailure:
      break;
  }
  return 40;
}

std::string ResultCell(const OperationStanding& runs) {
  constexpr std::string_view kLabel = "Last result";
  if (!runs.last_run) return Cell(kLabel, "no finished run", "odd");
  const RunResult result = runs.last_run->result;
  std::string text(Name(result));
  if (result == RunResult::kFailure && runs.last_failure_reason) {
    text += fmt::format(" <small>{}</small>", Name(*runs.last_failure_reason));
  }
  const int badness = Badness(runs);
  return Cell(kLabel, text, badness == 0 ? "good" : badness < 30 ? "odd" : "bad");
}

std::string LastSuccessCell(const OperationStanding& runs, Time now) {
  constexpr std::string_view kLabel = "Last success";
  if (!runs.last_success) return Cell(kLabel, "never", "bad");
  std::string evidence;
  if (runs.last_success_evidence) {
    evidence = fmt::format(", evidence: {}", Name(*runs.last_success_evidence));
  }
  return Cell(kLabel, TimeHtml(*runs.last_success, now, evidence));
}

std::string ReasonHtml(const PauseStanding& pause) {
  return pause.reason.empty() ? "" : ": " + Escape(pause.reason);
}

std::string DueCell(const OperationStanding& runs, Time now) {
  constexpr std::string_view kLabel = "Due";
  if (runs.paused) {
    return Cell(kLabel, fmt::format("<span class=\"odd\">paused until</span> {}",
                                    DueHtml(runs.paused->until, now, ReasonHtml(*runs.paused))));
  }
  if (runs.never_expected) return Cell(kLabel, "not scheduled");
  if (!runs.expected || !runs.expected->deadline) return Cell(kLabel, "not watched", "odd");
  const ExpectedStanding& expected = *runs.expected;
  const bool learned = expected.origin == Origin::kLearned;
  const std::string time =
      DueHtml(*expected.deadline, now, learned ? ", learned from history" : "");
  if (!IsOverdue(runs, now)) return Cell(kLabel, time);
  return Cell(kLabel, "<span class=\"bad\">overdue since</span> " + time);
}

std::string BackupsTable(const Standings& standings, Time now) {
  std::vector<Line> lines;
  for (const auto& backup : standings.backups) {
    for (const OperationStanding& runs : backup->operations) lines.push_back({backup.get(), &runs});
  }
  if (lines.empty()) {
    return "<p>No backups yet. A backup appears here as soon as one of its runs has been read. "
           "Check "
           "that every source below is up and finds its files, and that a backup has run.</p>\n";
  }
  std::ranges::stable_sort(lines, {}, [now](const Line& line) {
    return std::tuple(!IsOverdue(*line.runs, now), -Badness(*line.runs),
                      line.runs->last_success.value_or(Time::min()),
                      std::string_view(line.backup->name));
  });
  std::string html =
      "<table>\n<thead><tr><th>Backup</th><th>Operation</th><th>Last result</th>"
      "<th>Last success</th><th>Due</th><th>Added</th></tr></thead>\n<tbody>\n";
  for (const auto& [backup, runs] : lines) {
    const std::optional<std::uint64_t> added = runs->last_success_figures.added_bytes;
    html += "<tr>" + Cell("Backup", Escape(LabelValue(backup->name))) +
            Cell("Operation", Name(runs->operation)) + ResultCell(*runs) +
            LastSuccessCell(*runs, now) + DueCell(*runs, now) +
            Cell("Added", added ? BytesText(*added) : "") + "</tr>\n";
  }
  return html + "</tbody>\n</table>\n";
}

std::string StateCell(const SourceStatus& source, Time now) {
  constexpr std::string_view kLabel = "State";
  if (IsUp(source, now)) return Cell(kLabel, "up", "good");
  if (!source.checked) return Cell(kLabel, "not checked yet", "odd");
  if (source.up) return Cell(kLabel, "stalled: not checked for over 30 s", "bad");
  if (source.unreadable_files > 0) return Cell(kLabel, "down: some files cannot be read", "bad");
  return Cell(kLabel, source.files == 0 ? "down: no files found" : "down", "bad");
}

std::string SourcesTable(const std::map<std::string, SourceStatus>& sources, Time now) {
  if (sources.empty()) return "<p>No sources.</p>\n";
  std::vector<const std::pair<const std::string, SourceStatus>*> lines;
  for (const auto& source : sources) lines.push_back(&source);
  std::ranges::stable_sort(lines, {}, [now](const auto* line) { return IsUp(line->second, now); });
  std::string html =
      "<table>\n<thead><tr><th>Source</th><th>State</th><th>Files</th><th>Unreadable</th>"
      "<th>Last read</th></tr></thead>\n<tbody>\n";
  for (const auto* line : lines) {
    const auto& [name, source] = *line;
    html += "<tr>" + Cell("Source", Escape(LabelValue(name))) + StateCell(source, now) +
            Cell("Files", fmt::to_string(source.files)) +
            Cell("Unreadable", fmt::to_string(source.unreadable_files)) +
            Cell("Last read", source.last_read ? TimeHtml(*source.last_read, now) : "never") +
            "</tr>\n";
  }
  return html + "</tbody>\n</table>\n";
}

// Empty if no monitors are configured: Prometheus may be the only consumer.
std::string MonitorsTable(const std::map<std::string, MonitorStanding>& monitors, Time now) {
  if (monitors.empty()) return "";
  std::string html =
      "<h2>Monitors</h2>\n<table>\n<thead><tr><th>Monitor</th><th>State</th><th>Queued</th>"
      "<th>Dropped</th><th>Last delivery</th></tr></thead>\n<tbody>\n";
  for (const auto& [name, monitor] : monitors) {
    std::string queued = fmt::to_string(monitor.pending);
    if (monitor.oldest) queued += " since " + TimeHtml(*monitor.oldest, now);
    const std::uint64_t lost = monitor.dropped[static_cast<std::size_t>(Dropped::kPermanent)] +
                               monitor.dropped[static_cast<std::size_t>(Dropped::kExpired)] +
                               monitor.dropped[static_cast<std::size_t>(Dropped::kQueueFull)];
    const std::string state = !monitor.up   ? Cell("State", "no notice sent yet", "odd")
                              : *monitor.up ? Cell("State", "up", "good")
                                            : Cell("State", "down: last delivery failed", "bad");
    html += "<tr>" + Cell("Monitor", Escape(LabelValue(name))) + state + Cell("Queued", queued) +
            Cell("Dropped", fmt::to_string(lost)) +
            Cell("Last delivery",
                 monitor.last_success ? TimeHtml(*monitor.last_success, now) : "never") +
            "</tr>\n";
  }
  return html + "</tbody>\n</table>\n";
}

// Warns that the page may be out of date if some sources are not up.
std::string SourcesDownWarning(const std::map<std::string, SourceStatus>& sources, Time now) {
  const auto down = std::ranges::count_if(
      sources, [now](const auto& source) { return !IsUp(source.second, now); });
  if (down == 0) return "";
  return fmt::format(
      "<p class=\"bad\">{} of {} sources {} not up: the data below may be out of date.</p>\n", down,
      sources.size(), down == 1 ? "is" : "are");
}

}  // namespace

std::string LandingPage(const Standings& standings, std::map<std::string, SourceStatus> sources,
                        std::string_view telemetry_path, Time now) {
  for (const auto& [name, standing] : standings.sources) sources.try_emplace(name);
  return fmt::format(
             "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
             "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
             "<title>backup_exporter</title>\n<style>{}</style>\n</head>\n<body>\n"
             "<h1>backup_exporter <small>{}</small></h1>\n<p><a href=\"{}\">Metrics</a></p>\n",
             kStyle, Escape(kVersion), Escape(telemetry_path)) +
         SourcesDownWarning(sources, now) + "<h2>Backups</h2>\n" + BackupsTable(standings, now) +
         "<h2>Sources</h2>\n" + SourcesTable(sources, now) +
         MonitorsTable(standings.monitors, now) + "</body>\n</html>\n";
}

}  // namespace backup_exporter
