#include "ledger/expectations.h"

#include <fnmatch.h>

#include <algorithm>
#include <array>

namespace backup_exporter {
namespace {

using std::chrono::days;

// As many as a schedule of every minute has in some weeks: enough for any regular one.
constexpr int kMostOccurrences = 5000;
constexpr days kLongEnough{500};
constexpr std::int64_t kMostRuns = 100;  // that are learned from

struct Row {
  Time since;                       // it is watched from then on
  std::optional<Duration> learned;  // remembered
  std::optional<Time> judged;
  std::uint64_t in_a_row = 0;
};

std::optional<Row> RowOf(Database& database, RowId backup, Operation operation) {
  SQLite::Statement& find = database.Prepare(
      "SELECT since,judged,in_a_row,learned FROM expected WHERE backup=? AND operation=?");
  find.bind(1, backup);
  Bind(find, 2, Name(operation));
  if (!find.executeStep()) return std::nullopt;
  const auto learned = Integer(find, 3);
  return Row{.since = Instant(find, 0).value_or(Time()),
             .learned = learned ? std::optional(Duration(*learned)) : std::nullopt,
             .judged = Instant(find, 1),
             .in_a_row = Count(find, 2).value_or(0)};
}

std::optional<Pause> PauseOf(Database& database, RowId backup, Operation operation) {
  SQLite::Statement& find = database.Prepare(
      "SELECT begins,ends,reason FROM pauses WHERE backup=? AND operation IN ('',?) ORDER BY ends "
      "DESC LIMIT 1");
  find.bind(1, backup);
  Bind(find, 2, Name(operation));
  if (!find.executeStep()) return std::nullopt;
  return Pause{.operation = operation,
               .begins = Instant(find, 0).value_or(Time()),
               .ends = Instant(find, 1).value_or(Time()),
               .reason = Text(find, 2)};
}

// The first occurrence after `time` that no pause excuses.
std::optional<Time> NextOf(const Schedule& schedule, Time time, const std::optional<Pause>& pause) {
  const auto next = schedule.Next(time);
  const bool excused = next && pause && pause->begins <= *next && *next < pause->ends;
  return excused ? schedule.Resume(pause->ends) : next;
}

// The schedule that stands for what was learned has no name but its interval.
std::shared_ptr<const Schedule> ScheduleOf(const Expectation* configured,
                                           const std::optional<Duration>& learned) {
  if (configured != nullptr && configured->never) return nullptr;
  if (configured != nullptr && configured->schedule) return configured->schedule;
  return learned ? Every(*learned) : nullptr;
}

}  // namespace

Duration LongestGap(const Schedule& schedule) {
  // From a fixed day on: the answer is not to change with the day on which it is asked.
  const Time from = std::chrono::sys_days(std::chrono::year(2024) / 1 / 1);
  Duration longest{0};
  auto before = schedule.Next(from);
  for (int i = 0; before && i < kMostOccurrences; ++i) {
    const auto next = schedule.Next(*before);
    if (!next) break;
    longest = std::max(longest, Duration(*next - *before));
    if (*next - from > kLongEnough) break;
    before = next;
  }
  return longest;
}

std::vector<PastRun> LastRuns(Database& database, RowId backup, Operation operation) {
  SQLite::Statement& select = database.Prepare(
      "SELECT coalesce(started,ended_by),duration,result,added_bytes,processed_bytes,"
      "processed_files,files_changed FROM runs WHERE backup=? AND operation=? AND state='settled' "
      "AND result<>'skipped' ORDER BY ended_by DESC,id DESC LIMIT ?");
  select.bind(1, backup);
  Bind(select, 2, Name(operation));
  select.bind(3, kMostRuns);
  std::vector<PastRun> runs;
  while (select.executeStep()) {
    PastRun& run = runs.emplace_back();
    run.started = Instant(select, 0);
    if (const auto duration = Integer(select, 1)) run.duration = Duration(*duration);
    run.result = ResultNamed(Text(select, 2)).value_or(RunResult::kFailure);
    run.figures.added_bytes = Count(select, 3);
    run.figures.processed_bytes = Count(select, 4);
    run.figures.processed_files = Count(select, 5);
    run.figures.files_changed = Count(select, 6);
  }
  return runs;
}

const Expectation* Expectations::Of(const std::string& backup, Operation operation) const {
  const auto found = std::ranges::find_if(configured_, [&](const Expectation& one) {
    return one.operation == operation && fnmatch(one.backup.c_str(), backup.c_str(), 0) == 0;
  });
  return found == configured_.end() ? nullptr : &*found;
}

bool Expectations::Names(const std::string& backup) const {
  return std::ranges::any_of(
      configured_, [&](const Expectation& one) { return one.names_one() && one.backup == backup; });
}

bool Expectations::Names(const std::string& backup, Operation operation) const {
  const Expectation* configured = Of(backup, operation);
  return configured != nullptr && configured->names_one();
}

void Expectations::Declare(Database& database, Time now) const {
  for (const Expectation& one : configured_) {
    if (!one.names_one()) continue;
    SQLite::Statement& make = database.Prepare(
        "INSERT INTO backups(name) VALUES(?) ON CONFLICT DO UPDATE SET unseen_days=0");
    make.bind(1, one.backup);
    make.exec();
    SQLite::Statement& find = database.Prepare("SELECT id FROM backups WHERE name=?");
    find.bind(1, one.backup);
    find.executeStep();
    const RowId backup = find.getColumn(0).getInt64();
    SQLite::Statement& total =
        database.Prepare("INSERT OR IGNORE INTO totals(backup,operation) VALUES(?,?)");
    total.bind(1, backup);
    Bind(total, 2, Name(one.operation));
    total.exec();
    if (one.schedule) Watch(database, backup, one.operation, now);
  }
}

void Expectations::Complete(Database& database, RowId backup, const std::string& name, Time now,
                            OperationStanding& standing) const {
  const Operation operation = standing.operation;
  const Expectation* configured = Of(name, operation);
  const std::vector<PastRun> runs = LastRuns(database, backup, operation);
  standing.max_duration = configured != nullptr && configured->max_duration
                              ? configured->max_duration
                              : LearnMaxDuration(runs);
  const auto pause = PauseOf(database, backup, operation);
  if (pause && pause->begins <= now && now < pause->ends) {
    standing.paused = PauseStanding{.until = pause->ends, .reason = pause->reason};
  }
  std::vector<Time> starts;
  for (const PastRun& run : runs) {
    if (run.started) starts.push_back(*run.started);
  }
  const auto row = RowOf(database, backup, operation);
  auto learned = LearnInterval(std::move(starts));
  if (!learned && row) learned = row->learned;
  const auto schedule = ScheduleOf(configured, learned);
  if (!schedule) return;

  ExpectedStanding& expected = standing.expected.emplace();
  const bool is_configured = configured != nullptr && configured->schedule;
  expected.origin = is_configured ? Origin::kConfigured : Origin::kLearned;
  expected.interval = is_configured ? LongestGap(*schedule) : *learned;
  const Duration none(0);
  if (is_configured) {
    // What a run takes is no delay of it.
    expected.slack = configured->grace.value_or(kDefaultGrace) +
                     configured->max_duration.value_or(LongestDuration(runs).value_or(none));
  } else if (configured != nullptr) {
    expected.slack = configured->grace.value_or(none);
  }
  const std::optional<Time> anchor = standing.last_success ? standing.last_success
                                     : row                 ? std::optional(row->since)
                                                           : std::nullopt;
  if (anchor) {
    if (const auto next = NextOf(*schedule, *anchor, pause)) {
      expected.deadline = *next + expected.slack;
    }
  }
  expected.watched = row.has_value();
  if (!row) return;
  const bool made_up = row->judged && standing.last_success >= row->judged;
  standing.missed_in_a_row = made_up ? 0 : row->in_a_row;
  const Time from = std::max({*anchor, row->since, row->judged.value_or(row->since)});
  if (const auto next = NextOf(*schedule, from, pause)) expected.next_miss = *next + expected.slack;
}

void Expectations::Watch(Database& database, RowId backup, Operation operation, Time now) {
  SQLite::Statement& watch =
      database.Prepare("INSERT OR IGNORE INTO expected(backup,operation,since) VALUES(?,?,?)");
  watch.bind(1, backup);
  Bind(watch, 2, Name(operation));
  Bind(watch, 3, std::optional(now));
  watch.exec();
}

void Expectations::Remember(Database& database, RowId backup, Operation operation,
                            Duration learned) {
  SQLite::Statement& remember =
      database.Prepare("UPDATE expected SET learned=? WHERE backup=? AND operation=?");
  remember.bind(1, learned.count());
  remember.bind(2, backup);
  Bind(remember, 3, Name(operation));
  remember.exec();
}

std::vector<std::pair<RowId, Operation>> Expectations::Watched(Database& database) {
  std::vector<std::pair<RowId, Operation>> watched;
  SQLite::Statement& select = database.Prepare("SELECT backup,operation FROM expected");
  while (select.executeStep()) {
    const auto operation = OperationNamed(Text(select, 1));
    if (operation) watched.emplace_back(select.getColumn(0).getInt64(), *operation);
  }
  return watched;
}

void Expectations::Unwatch(Database& database, RowId backup, Operation operation) {
  SQLite::Statement& forget =
      database.Prepare("DELETE FROM expected WHERE backup=? AND operation=?");
  forget.bind(1, backup);
  Bind(forget, 2, Name(operation));
  forget.exec();
}

std::uint64_t Expectations::CountMissed(Database& database, RowId backup, const std::string& name,
                                        Time now, const OperationStanding& standing) const {
  const ExpectedStanding& expected = *standing.expected;
  const auto pause = PauseOf(database, backup, standing.operation);
  const auto schedule = ScheduleOf(Of(name, standing.operation), std::optional(expected.interval));
  std::optional<Time> occurrence = *expected.next_miss - expected.slack;
  std::optional<Time> judged;
  std::uint64_t count = 0;
  while (occurrence && *occurrence + expected.slack <= now && count < kMostOccurrences) {
    judged = occurrence;
    ++count;
    occurrence = NextOf(*schedule, *judged, pause);
  }
  if (!judged) return 0;
  const std::uint64_t in_a_row = standing.missed_in_a_row + count;
  SQLite::Statement& save =
      database.Prepare("UPDATE expected SET judged=?,in_a_row=? WHERE backup=? AND operation=?");
  Bind(save, 1, judged);
  Bind(save, 2, std::optional(in_a_row));
  save.bind(3, backup);
  Bind(save, 4, Name(standing.operation));
  save.exec();
  SQLite::Statement& total =
      database.Prepare("UPDATE totals SET missed=missed+? WHERE backup=? AND operation=?");
  Bind(total, 1, std::optional(count));
  total.bind(2, backup);
  Bind(total, 3, Name(standing.operation));
  total.exec();
  return in_a_row;
}

void MakeUp(Database& database, RowId backup, Operation operation, Time ended) {
  SQLite::Statement& clear = database.Prepare(
      "UPDATE expected SET in_a_row=0 WHERE backup=? AND operation=? AND in_a_row>0 AND judged<=?");
  clear.bind(1, backup);
  Bind(clear, 2, Name(operation));
  Bind(clear, 3, std::optional(ended));
  clear.exec();
}

void SetPause(Database& database, RowId backup, const Pause& pause) {
  // One that goes on began when it began.
  SQLite::Statement& set = database.Prepare(
      "INSERT INTO pauses(backup,operation,begins,ends,reason) VALUES(?,?,?,?,?) ON CONFLICT DO "
      "UPDATE SET begins=iif(ends>=excluded.begins,begins,excluded.begins),ends=excluded.ends,"
      "reason=excluded.reason");
  set.bind(1, backup);
  Bind(set, 2, pause.operation ? Name(*pause.operation) : std::string_view());
  Bind(set, 3, std::optional(pause.begins));
  Bind(set, 4, std::optional(pause.ends));
  set.bind(5, pause.reason);
  set.exec();
}

}  // namespace backup_exporter
