#include "ledger/expectations.h"

#include <algorithm>
#include <array>

namespace backup_exporter {
namespace {

using std::chrono::days;

// As many as a schedule of every minute has in some weeks: enough for any regular one.
constexpr int kMostOccurrences = 5000;
constexpr days kLongEnough{500};
constexpr std::int64_t kMostSuccesses = 31;
constexpr std::int64_t kFewStarts = 100;
// Of what runs so often that these are no two weeks: four weekends.
constexpr days kLearnedFrom{28};

struct Row {
  Time since;                          // it is watched from then on
  std::optional<Duration> learned;     // remembered
  std::optional<Duration> configured;  // what it is judged by
  std::optional<Time> judged;
  std::uint64_t in_a_row = 0;
  std::optional<Time> late;
  std::optional<Time> woke;
};

std::optional<Duration> Span(SQLite::Statement& statement, int column) {
  const auto micros = Integer(statement, column);
  return micros ? std::optional(Duration(*micros)) : std::nullopt;
}

std::optional<Row> RowOf(Database& database, RowId backup, Operation operation) {
  SQLite::Statement& find = database.Prepare(
      "SELECT since,learned,configured,judged,in_a_row,late,woke FROM expected WHERE backup=? AND "
      "operation=?");
  find.bind(1, backup);
  Bind(find, 2, Name(operation));
  if (!find.executeStep()) return std::nullopt;
  return Row{.since = Instant(find, 0).value_or(Time()),
             .learned = Span(find, 1),
             .configured = Span(find, 2),
             .judged = Instant(find, 3),
             .in_a_row = Count(find, 4).value_or(0),
             .late = Instant(find, 5),
             .woke = Instant(find, 6)};
}

// All that were, the one that ends last at the end.
std::vector<Pause> PausesOf(Database& database, RowId backup, Operation operation) {
  SQLite::Statement& find = database.Prepare(
      "SELECT begins,ends,reason FROM pauses WHERE backup=? AND operation IN ('',?) ORDER BY ends");
  find.bind(1, backup);
  Bind(find, 2, Name(operation));
  std::vector<Pause> pauses;
  while (find.executeStep()) {
    pauses.push_back({.operation = operation,
                      .begins = Instant(find, 0).value_or(Time()),
                      .ends = Instant(find, 1).value_or(Time()),
                      .reason = Text(find, 2)});
  }
  return pauses;
}

bool Covers(const Pause& pause, Time time) { return pause.begins <= time && time < pause.ends; }

// The first occurrence after `time` that no pause excuses.
std::optional<Time> NextOf(const Schedule& schedule, Time time, Duration slack,
                           const std::vector<Pause>& pauses) {
  auto next = schedule.Next(time);
  while (next) {
    const auto excuse = std::ranges::find_if(pauses, [&](const Pause& pause) {
      return Covers(pause, *next) || Covers(pause, *next + slack);
    });
    if (excuse == pauses.end()) break;
    next = schedule.Resume(excuse->ends);
  }
  return next;
}

// When its runs began, without those that were skipped: in any order, as many as show a habit.
std::vector<Time> Starts(Database& database, RowId backup, Operation operation) {
  SQLite::Statement& select = database.Prepare(
      "SELECT coalesce(started,ended_by) FROM runs WHERE backup=? AND operation=? AND "
      "state='settled' AND result<>'skipped' AND ended_by>=? ORDER BY ended_by DESC LIMIT ?");
  std::vector<Time> starts;
  const auto read = [&](Time from, std::int64_t most) {
    starts.clear();
    select.reset();
    select.bind(1, backup);
    Bind(select, 2, Name(operation));
    Bind(select, 3, std::optional(from));
    select.bind(4, most);
    while (select.executeStep()) starts.push_back(Instant(select, 0).value_or(Time()));
  };
  read(Time::min(), kFewStarts);
  if (std::ssize(starts) == kFewStarts && starts.front() - starts.back() < kLearnedFrom) {
    read(starts.front() - kLearnedFrom, -1);
  }
  return starts;
}

// What nobody does by a schedule is not learned, however often it was done.
bool HasHabits(Operation operation) {
  return operation != Operation::kRestore && operation != Operation::kOther;
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

std::vector<PastRun> LastSuccesses(Database& database, RowId backup, Operation operation) {
  SQLite::Statement& select = database.Prepare(
      "SELECT duration,added_bytes,processed_bytes,processed_files,files_changed FROM runs WHERE "
      "backup=? AND operation=? AND state='settled' AND result IN ('success','warning') ORDER BY "
      "ended_by DESC,id DESC LIMIT ?");
  select.bind(1, backup);
  Bind(select, 2, Name(operation));
  select.bind(3, kMostSuccesses);
  std::vector<PastRun> runs;
  while (select.executeStep()) {
    PastRun& run = runs.emplace_back();
    run.duration = Span(select, 0);
    run.figures.added_bytes = Count(select, 1);
    run.figures.processed_bytes = Count(select, 2);
    run.figures.processed_files = Count(select, 3);
    run.figures.files_changed = Count(select, 4);
  }
  return runs;
}

const Expectation* Expectations::Of(const std::string& backup, Operation operation) const {
  const auto found = std::ranges::find_if(configured_, [&](const Expectation& one) {
    return one.operation == operation && Fits(one.backup, backup);
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

bool Expectations::Wants(const std::string& backup) const {
  for (int i = 0; i < kOperations; ++i) {
    const Expectation* configured = Of(backup, static_cast<Operation>(i));
    if (configured != nullptr && configured->schedule) return true;
  }
  return false;
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
    if (one.schedule) Watch(database, backup, one.operation, now, LongestGap(*one.schedule));
  }
}

void Expectations::Complete(Database& database, RowId backup, const std::string& name, Time now,
                            OperationStanding& standing) const {
  const Operation operation = standing.operation;
  const Expectation* configured = Of(name, operation);
  const std::vector<PastRun> successes = LastSuccesses(database, backup, operation);
  standing.max_duration = configured != nullptr && configured->max_duration
                              ? configured->max_duration
                              : LearnMaxDuration(successes);
  const std::vector<Pause> pauses = PausesOf(database, backup, operation);
  if (!pauses.empty() && Covers(pauses.back(), now)) {
    standing.paused = PauseStanding{.until = pauses.back().ends, .reason = pauses.back().reason};
  }
  standing.never_expected = configured != nullptr && configured->never;
  const bool is_configured = configured != nullptr && configured->schedule;
  const auto row = RowOf(database, backup, operation);
  std::optional<Duration> learned;
  if (!is_configured && HasHabits(operation)) {
    learned = LearnInterval(Starts(database, backup, operation));
    if (!learned && row) learned = row->learned;
  }
  const auto schedule = ScheduleOf(configured, learned);
  if (!schedule) return;

  ExpectedStanding& expected = standing.expected.emplace();
  expected.origin = is_configured ? Origin::kConfigured : Origin::kLearned;
  expected.interval = is_configured ? LongestGap(*schedule) : *learned;
  const Duration none(0);
  if (is_configured) {
    // What a run takes is no delay of it.
    expected.slack = configured->grace.value_or(kDefaultGrace) +
                     configured->max_duration.value_or(LongestDuration(successes).value_or(none));
  } else if (configured != nullptr) {
    expected.slack = configured->grace.value_or(none);
  }
  const std::optional<Time> anchor = standing.last_success ? standing.last_success
                                     : row                 ? std::optional(row->since)
                                                           : std::nullopt;
  if (anchor) {
    if (const auto next = NextOf(*schedule, *anchor, expected.slack, pauses)) {
      expected.deadline = *next + expected.slack;
    }
  }
  if (!row) return;
  const bool made_up = row->judged && standing.last_success >= row->judged;
  standing.missed_in_a_row = made_up ? 0 : row->in_a_row;
  // By another schedule nothing is judged that was before it.
  expected.watched =
      row->configured == (is_configured ? std::optional(expected.interval) : std::nullopt);
  if (!expected.watched) return;
  const Time from = std::max({*anchor, row->since, row->judged.value_or(row->since)});
  if (const auto next = NextOf(*schedule, from, expected.slack, pauses)) {
    expected.next_miss = *next + expected.slack;
    if (row->late == expected.next_miss) expected.woke = row->woke;
  }
}

void Expectations::Watch(Database& database, RowId backup, Operation operation, Time now,
                         const std::optional<Duration>& configured) {
  SQLite::Statement& watch = database.Prepare(
      "INSERT INTO expected(backup,operation,since,configured) VALUES(?,?,?,?) ON CONFLICT DO "
      "UPDATE SET since=excluded.since,judged=excluded.since,configured=excluded.configured WHERE "
      "configured IS NOT excluded.configured");
  watch.bind(1, backup);
  Bind(watch, 2, Name(operation));
  Bind(watch, 3, std::optional(now));
  if (configured) {
    watch.bind(4, configured->count());
  } else {
    watch.bind(4);
  }
  watch.exec();
}

void Expectations::Excuse(Database& database, RowId backup, Operation operation, Time late,
                          Time woke) {
  SQLite::Statement& excuse =
      database.Prepare("UPDATE expected SET late=?,woke=? WHERE backup=? AND operation=?");
  Bind(excuse, 1, std::optional(late));
  Bind(excuse, 2, std::optional(woke));
  excuse.bind(3, backup);
  Bind(excuse, 4, Name(operation));
  excuse.exec();
}

void Expectations::ForgetAhead(Database& database, Time now) {
  SQLite::Statement& forget = database.Prepare(
      "UPDATE expected SET since=min(since,?1),in_a_row=iif(judged>?1,0,in_a_row),"
      "judged=iif(judged>?1,?1,judged),late=iif(woke>?1,NULL,late) WHERE since>?1 OR judged>?1 OR "
      "woke>?1");
  Bind(forget, 1, std::optional(now));
  forget.exec();
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
  const std::vector<Pause> pauses = PausesOf(database, backup, standing.operation);
  const auto schedule = ScheduleOf(Of(name, standing.operation), std::optional(expected.interval));
  std::optional<Time> occurrence = *expected.next_miss - expected.slack;
  std::optional<Time> judged;
  std::uint64_t count = 0;
  while (occurrence && *occurrence + expected.slack <= now && count < kMostOccurrences) {
    judged = occurrence;
    ++count;
    occurrence = NextOf(*schedule, *judged, expected.slack, pauses);
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
  const std::string operation(pause.operation ? Name(*pause.operation) : "");
  const bool resumes = pause.ends <= pause.begins;
  SQLite::Statement& change = database.Prepare(
      "UPDATE pauses SET ends=?4,reason=?5 WHERE backup=?1 AND begins<=?3 AND ends>=?3 AND "
      "(operation=?2 OR ?6)");
  change.bind(1, backup);
  change.bind(2, operation);
  Bind(change, 3, std::optional(pause.begins));
  Bind(change, 4, std::optional(pause.ends));
  change.bind(5, pause.reason);
  change.bind(6, resumes && operation.empty() ? 1 : 0);
  if (change.exec() > 0 || resumes) return;
  SQLite::Statement& begin =
      database.Prepare("INSERT INTO pauses(backup,operation,begins,ends,reason) VALUES(?,?,?,?,?)");
  begin.bind(1, backup);
  begin.bind(2, operation);
  Bind(begin, 3, std::optional(pause.begins));
  Bind(begin, 4, std::optional(pause.ends));
  begin.bind(5, pause.reason);
  begin.exec();
}

}  // namespace backup_exporter
