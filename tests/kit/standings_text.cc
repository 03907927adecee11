#include "kit/standings_text.h"

#include <fmt/format.h>

namespace backup_exporter {
namespace {

std::string Show(Time time) {
  const auto micros = time.time_since_epoch().count() % 1'000'000;
  return FormatUtc(time) + (micros != 0 ? fmt::format("+{}us", micros) : "");
}
std::string Show(Duration duration) { return fmt::format("{}us", duration.count()); }
std::string Show(std::uint64_t number) { return fmt::to_string(number); }
std::string Show(int number) { return fmt::to_string(number); }
std::string Show(Evidence evidence) { return std::string(Name(evidence)); }
std::string Show(Reason reason) { return std::string(Name(reason)); }

// " name=value" where there is a value.
template <typename T>
std::string Known(std::string_view name, const std::optional<T>& value) {
  return value ? fmt::format(" {}={}", name, Show(*value)) : "";
}

std::string OperationText(const OperationStanding& standing) {
  std::string text = fmt::format("  {}: runs={} failures={} warnings={}", Name(standing.operation),
                                 standing.runs, standing.failures, standing.warnings);
  text +=
      fmt::format(" in_a_row={}/{}", standing.consecutive_failures, standing.consecutive_warnings);
  text += Known("started", standing.last_start);
  if (const auto& last = standing.last_run) {
    text += fmt::format("\n    last {} {}", Name(last->result), Show(last->end));
    text += Known("code", last->exit_code) + Known("duration", last->duration) +
            Known("errors", last->errors);
  }
  if (standing.last_success || standing.last_success_evidence || standing.last_clean_success) {
    text += "\n    good" + Known("at", standing.last_success) +
            Known("evidence", standing.last_success_evidence) +
            Known("clean", standing.last_clean_success);
    for (const FigureField& field : kFigureFields) {
      text += Known(field.column, standing.last_success_figures.*field.member);
    }
  }
  if (standing.last_failure || standing.last_failure_reason) {
    text += "\n    bad" + Known("at", standing.last_failure) +
            Known("reason", standing.last_failure_reason);
  }
  if (const auto& expected = standing.expected) {
    text += fmt::format("\n    expected {} interval={}", Name(expected->origin),
                        Show(expected->interval)) +
            Known("deadline", expected->deadline) + Known("next_miss", expected->next_miss);
  }
  if (standing.missed > 0) {
    text += fmt::format("\n    missed {}, {} in a row", standing.missed, standing.missed_in_a_row);
  }
  text += Known("max_duration", standing.max_duration);
  if (standing.paused) text += "\n    paused until " + Show(standing.paused->until);
  return text + "\n";
}

}  // namespace

std::string StandingText(const BackupStanding& standing) {
  std::string text =
      fmt::format("{} ({}, {}, \"{}\"): added={} stored={} processed={}\n", standing.name,
                  standing.tool, standing.source, standing.repository, standing.added_bytes,
                  standing.added_stored_bytes, standing.processed_bytes);
  for (const OperationStanding& operation : standing.operations) text += OperationText(operation);
  return text;
}

std::string StandingsText(const Standings& standings) {
  std::string text;
  for (const auto& backup : standings.backups) text += StandingText(*backup);
  for (const auto& [name, source] : standings.sources) {
    text += fmt::format(
        "source {}: records={} bad={} text={} messages={} fields={} too_long={} nul={}\n", name,
        source.counts.records, source.counts.parse_errors, source.counts.text,
        source.counts.unknown_messages, source.counts.unknown_fields, source.skipped.too_long,
        source.skipped.nul);
  }
  text += fmt::format("future={} dropped={} jumps={}\n", standings.future_stamps,
                      standings.series_dropped, standings.clock_jumps);
  return text;
}

}  // namespace backup_exporter
