#include "ledger/store/counters.h"

#include <array>
#include <string_view>

namespace backup_exporter {
namespace {

// Counters of a source, by their names in the table.
struct SourceCounter {
  std::string_view name;
  std::uint64_t& (*of)(SourceStanding&);
};
constexpr auto kSourceCounters = std::to_array<SourceCounter>({
    {"read_bytes", [](SourceStanding& s) -> std::uint64_t& { return s.read_bytes; }},
    {"record_bytes", [](SourceStanding& s) -> std::uint64_t& { return s.record_bytes; }},
    {"records", [](SourceStanding& s) -> std::uint64_t& { return s.counts.records; }},
    {"decoded", [](SourceStanding& s) -> std::uint64_t& { return s.counts.decoded; }},
    {"parse_errors", [](SourceStanding& s) -> std::uint64_t& { return s.counts.parse_errors; }},
    {"text", [](SourceStanding& s) -> std::uint64_t& { return s.counts.text; }},
    {"unknown_messages",
     [](SourceStanding& s) -> std::uint64_t& { return s.counts.unknown_messages; }},
    {"unknown_fields", [](SourceStanding& s) -> std::uint64_t& { return s.counts.unknown_fields; }},
    {"blank_bytes", [](SourceStanding& s) -> std::uint64_t& { return s.skipped.blank; }},
    {"too_long_bytes", [](SourceStanding& s) -> std::uint64_t& { return s.skipped.too_long; }},
    {"nul_bytes", [](SourceStanding& s) -> std::uint64_t& { return s.skipped.nul; }},
    {"cut_off_bytes", [](SourceStanding& s) -> std::uint64_t& { return s.skipped.cut_off; }},
});

// Counters of the program, by their names in the table.
struct ProgramCounter {
  std::string_view name;
  std::uint64_t ProgramCounters::*member;
};
constexpr std::array kProgramCounters{
    ProgramCounter{"future_stamps", &ProgramCounters::future_stamps},
    ProgramCounter{"series_dropped", &ProgramCounters::series_dropped},
    ProgramCounter{"clock_jumps", &ProgramCounters::clock_jumps},
};

constexpr const char* kProgram = "";            // the source of counters of the program
constexpr std::string_view kForgot = "forgot";  // a time

std::uint64_t ValueOf(const SourceCounter& counter, SourceStanding standing) {
  return counter.of(standing);
}

}  // namespace

std::map<std::string, SourceStanding> CounterStore::Sources() {
  std::map<std::string, SourceStanding> sources;
  for (const auto& [source, name, value] : database_.Rows<std::string, std::string, std::uint64_t>(
           "SELECT source,name,value FROM counters WHERE source<>?", kProgram)) {
    for (const SourceCounter& counter : kSourceCounters) {
      if (counter.name == name) counter.of(sources[source]) = value;
    }
  }
  return sources;
}

void CounterStore::SaveSource(const std::string& source, const SourceStanding& before,
                              const SourceStanding& now) {
  for (const SourceCounter& counter : kSourceCounters) {
    const std::uint64_t value = ValueOf(counter, now);
    if (value != ValueOf(counter, before)) Set(source, counter.name, value);
  }
}

ProgramCounters CounterStore::Program() {
  ProgramCounters counters;
  for (const ProgramCounter& counter : kProgramCounters) {
    counters.*counter.member =
        database_
            .Row<std::uint64_t>("SELECT value FROM counters WHERE source=? AND name=?", kProgram,
                                counter.name)
            .value_or(0);
  }
  return counters;
}

void CounterStore::Add(const ProgramCounters& counters) {
  for (const ProgramCounter& counter : kProgramCounters) {
    if (counters.*counter.member == 0) continue;
    database_.Run(
        "INSERT INTO counters(source,name,value) VALUES(?,?,?) ON CONFLICT DO UPDATE SET "
        "value=value+excluded.value",
        kProgram, counter.name, counters.*counter.member);
  }
}

std::optional<Time> CounterStore::LastForgotten() {
  return database_.Row<Time>("SELECT value FROM counters WHERE source=? AND name=?", kProgram,
                             kForgot);
}

void CounterStore::SetLastForgotten(Time time) {
  Set(kProgram, kForgot, static_cast<std::uint64_t>(time.time_since_epoch().count()));
}

void CounterStore::Set(const std::string& source, std::string_view name, std::uint64_t value) {
  database_.Run(
      "INSERT INTO counters(source,name,value) VALUES(?,?,?) ON CONFLICT DO UPDATE SET "
      "value=excluded.value",
      source, name, value);
}

void AddStep(SourceStanding& to, const FileStep& step) {
  SourceStanding from{.read_bytes = step.read_bytes,
                      .record_bytes = step.record_bytes,
                      .counts = step.counts,
                      .skipped = step.skipped};
  for (const SourceCounter& counter : kSourceCounters) counter.of(to) += counter.of(from);
}

}  // namespace backup_exporter
