#include "kit/event_text.h"

#include <fmt/format.h>

#include "model/run.h"

namespace backup_exporter {
namespace {

std::string OperationText(const std::optional<Operation>& operation) {
  return operation ? std::string(Name(*operation)) : "?";
}

std::string TimeText(Time time) {
  std::string text = FormatUtc(time);
  const auto micros = time - std::chrono::floor<std::chrono::seconds>(time);
  if (micros.count() == 0) return text;
  text.pop_back();
  return fmt::format("{}.{:06}Z", text, micros.count());
}

std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += {'\\', c};
    } else if (c == '\n') {
      quoted += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      quoted += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

std::string FiguresText(const Figures& figures) {
  std::string text;
  for (const FigureField& field : kFigureFields) {
    if (const auto& figure = figures.*field.member)
      text += fmt::format(" {}={}", field.column, *figure);
  }
  return text;
}

std::string Text(const RunStarted& started) {
  std::string text = "started " + OperationText(started.operation);
  if (started.at) text += " at=" + TimeText(*started.at);
  if (started.may_end_silently) text += " may_end_silently";
  return text;
}

std::string Text(const RunProgress& progress) {
  std::string text = "progress";
  if (progress.elapsed) text += fmt::format(" {}s", ToSeconds(*progress.elapsed));
  if (progress.processed_bytes) text += fmt::format(" processed={}", *progress.processed_bytes);
  if (progress.expected_bytes) text += fmt::format(" expected={}", *progress.expected_bytes);
  if (progress.done) text += fmt::format(" done={:.3f}", *progress.done);
  if (progress.may_end_silently) text += " may_end_silently";
  return text;
}

std::string Text(const RunFinished& end) {
  std::string text = fmt::format("finished {} {} evidence={}", OperationText(end.operation),
                                 Name(end.result), Name(end.evidence));
  if (end.of_last_run) text += " of_last_run";
  if (end.final) text += " final";
  if (end.start) text += " start=" + TimeText(*end.start);
  if (end.end) text += " end=" + TimeText(*end.end);
  if (end.duration) text += fmt::format(" duration={}", ToSeconds(*end.duration));
  text += FiguresText(end.figures);
  if (!end.snapshot_id.empty()) text += " snapshot=" + end.snapshot_id;
  if (end.exit_code) text += fmt::format(" exit_code={}", *end.exit_code);
  if (end.reason) text += fmt::format(" reason={}", Name(*end.reason));
  if (!end.message.empty()) text += " message=" + Quoted(end.message);
  return text;
}

std::string Text(const RunWithdrawn&) { return "withdrawn"; }

std::string Text(const ArchiveListed& archive) {
  std::string text =
      fmt::format("archive {} start={}", archive.snapshot_id, TimeText(archive.start));
  if (archive.end) text += " end=" + TimeText(*archive.end);
  if (archive.among_others) text += " among_others";
  return text + FiguresText(archive.figures);
}

std::string Text(const ArchivesCounted& counted) {
  std::string text = fmt::format("archives {}", counted.archives);
  if (counted.oldest) text += " oldest=" + TimeText(*counted.oldest);
  if (counted.newest) text += " newest=" + TimeText(*counted.newest);
  return text;
}

std::string Text(const RepositoryMeasured& measured) {
  std::string text = "repository";
  if (measured.stored_bytes) text += fmt::format(" stored={}", *measured.stored_bytes);
  if (measured.original_bytes) text += fmt::format(" original={}", *measured.original_bytes);
  if (measured.of_selection) text += " of_selection";
  return text;
}

std::string Text(const RunNoted& noted) {
  std::string text = fmt::format("noted {}", Name(noted.level));
  if (noted.at) text += " at=" + TimeText(*noted.at);
  return text + " " + Quoted(noted.message);
}

std::string Text(const FailedUnnamed& unnamed) {
  std::string text = "unnamed " + Text(unnamed.end);
  for (const Named& of : unnamed.finished) text += " but=" + Quoted(of.label);
  for (const RunNoted& message : unnamed.notes) text += " " + Text(message);
  return text;
}

std::string Text(const ExpectationPaused& pause) {
  return fmt::format("paused {} begins={} ends={} {}", OperationText(pause.operation),
                     TimeText(pause.begins), TimeText(pause.ends), Quoted(pause.reason));
}

}  // namespace

std::string EventText(const Event& event) {
  std::string of = event.of.label.empty() ? "" : Quoted(event.of.label) + " ";
  if (!event.of.repository.empty() && event.of.repository != event.of.label) {
    of += "in " + Quoted(event.of.repository) + " ";
  }
  return of + std::visit([](const auto& what) { return Text(what); }, event.what);
}

std::vector<std::string> EventTexts(const std::vector<Event>& events) {
  std::vector<std::string> texts;
  for (const Event& event : events) texts.push_back(EventText(event));
  return texts;
}

std::vector<Event> WithoutMessages(std::vector<Event> events) {
  std::erase_if(events,
                [](const Event& event) { return std::holds_alternative<RunNoted>(event.what); });
  for (Event& event : events) {
    if (auto* unnamed = std::get_if<FailedUnnamed>(&event.what)) unnamed->notes.clear();
  }
  return events;
}

std::vector<Event> WithoutProgress(std::vector<Event> events) {
  std::erase_if(events,
                [](const Event& event) { return std::holds_alternative<RunProgress>(event.what); });
  return events;
}

std::string CountsText(const RecordCounts& counts) {
  std::string text = fmt::format("records={}", counts.records);
  const auto add = [&text](std::string_view name, std::uint64_t count) {
    if (count > 0) text += fmt::format(" {}={}", name, count);
  };
  add("parse_errors", counts.parse_errors);
  add("text", counts.text);
  add("unknown_messages", counts.unknown_messages);
  add("unknown_fields", counts.unknown_fields);
  return text;
}

}  // namespace backup_exporter
