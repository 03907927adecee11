#include "ledger/store/expectations.h"

namespace backup_exporter {
namespace {

using std::chrono::days;

constexpr std::int64_t kMostSuccesses = 31;
constexpr std::int64_t kFewStarts = 100;
// If kFewStarts runs span less than this, the runs of this period are read, so that four weekends
// are included.
constexpr days kLearnedFrom{28};

}  // namespace

RowId ExpectationStore::Declare(const std::string& backup, Operation operation) {
  database_.Run("INSERT INTO backups(name) VALUES(?) ON CONFLICT DO UPDATE SET unseen_days=0",
                backup);
  const RowId id = database_.Row<RowId>("SELECT id FROM backups WHERE name=?", backup).value_or(0);
  database_.Run("INSERT OR IGNORE INTO totals(backup,operation) VALUES(?,?)", id, operation);
  return id;
}

std::optional<Watch> ExpectationStore::FindWatch(Subject subject) {
  Watch watch;
  const bool found = database_.ReadInto(
      std::tie(watch.since, watch.learned, watch.configured, watch.judged, watch.in_a_row,
               watch.late, watch.woke),
      "SELECT since,learned,configured,judged,in_a_row,late,woke FROM expected WHERE backup=? AND "
      "operation=?",
      subject.backup, subject.operation);
  return found ? std::optional(watch) : std::nullopt;
}

std::vector<Subject> ExpectationStore::Watched() {
  std::vector<Subject> watched;
  for (const auto& [backup, operation] :
       database_.Rows<RowId, Operation>("SELECT backup,operation FROM expected")) {
    watched.push_back({.backup = backup, .operation = operation});
  }
  return watched;
}

void ExpectationStore::StartWatching(Subject subject, Time now,
                                     const std::optional<Duration>& configured) {
  database_.Run(
      "INSERT INTO expected(backup,operation,since,configured) VALUES(?,?,?,?) ON CONFLICT DO "
      "UPDATE SET since=excluded.since,judged=excluded.since,configured=excluded.configured WHERE "
      "configured IS NOT excluded.configured",
      subject.backup, subject.operation, now, configured);
}

void ExpectationStore::StopWatching(Subject subject) {
  database_.Run("DELETE FROM expected WHERE backup=? AND operation=?", subject.backup,
                subject.operation);
}

void ExpectationStore::Excuse(Subject subject, Time late, Time woke) {
  database_.Run("UPDATE expected SET late=?,woke=? WHERE backup=? AND operation=?", late, woke,
                subject.backup, subject.operation);
}

void ExpectationStore::ForgetAfter(Time now) {
  database_.Run(
      "UPDATE expected SET since=min(since,?1),in_a_row=iif(judged>?1,0,in_a_row),"
      "judged=iif(judged>?1,?1,judged),late=iif(woke>?1,NULL,late) WHERE since>?1 OR judged>?1 OR "
      "woke>?1",
      now);
}

void ExpectationStore::RememberInterval(Subject subject, Duration learned) {
  database_.Run("UPDATE expected SET learned=? WHERE backup=? AND operation=?", learned,
                subject.backup, subject.operation);
}

void ExpectationStore::RecordMisses(Subject subject, std::uint64_t count, std::uint64_t in_a_row,
                                    Time last) {
  database_.Run("UPDATE expected SET judged=?,in_a_row=? WHERE backup=? AND operation=?", last,
                in_a_row, subject.backup, subject.operation);
  database_.Run("UPDATE totals SET missed=missed+? WHERE backup=? AND operation=?", count,
                subject.backup, subject.operation);
}

std::uint64_t ExpectationStore::MissedInARow(Subject subject) {
  return database_
      .Row<std::uint64_t>("SELECT in_a_row FROM expected WHERE backup=? AND operation=?",
                          subject.backup, subject.operation)
      .value_or(0);
}

void ExpectationStore::MakeUp(Subject subject, Time ended) {
  database_.Run(
      "UPDATE expected SET in_a_row=0 WHERE backup=? AND operation=? AND in_a_row>0 AND judged<=?",
      subject.backup, subject.operation, ended);
}

void ExpectationStore::SetPause(RowId backup, const Pause& pause) {
  const std::string_view operation = pause.operation ? Name(*pause.operation) : "";
  const bool resumes = pause.ends <= pause.begins;
  const int changed = database_.Run(
      "UPDATE pauses SET ends=?4,reason=?5 WHERE backup=?1 AND begins<=?3 AND ends>=?3 AND "
      "(operation=?2 OR ?6)",
      backup, operation, pause.begins, pause.ends, pause.reason, resumes && !pause.operation);
  if (changed > 0 || resumes) return;
  database_.Run("INSERT INTO pauses(backup,operation,begins,ends,reason) VALUES(?,?,?,?,?)", backup,
                operation, pause.begins, pause.ends, pause.reason);
}

std::vector<PausePeriod> ExpectationStore::PausesOf(Subject subject) {
  std::vector<PausePeriod> pauses;
  for (const auto& [begins, ends, reason] : database_.Rows<Time, Time, std::string>(
           "SELECT begins,ends,reason FROM pauses WHERE backup=? AND operation IN ('',?) ORDER BY "
           "ends",
           subject.backup, subject.operation)) {
    pauses.push_back({.begins = begins, .ends = ends, .reason = reason});
  }
  return pauses;
}

bool ExpectationStore::IsPausedAfter(Subject subject, Time time) {
  return database_
      .Row<bool>(
          "SELECT EXISTS(SELECT 1 FROM pauses WHERE backup=? AND operation IN ('',?) AND ends>?)",
          subject.backup, subject.operation, time)
      .value_or(false);
}

std::optional<Time> ExpectationStore::PausedUntil(const std::string& backup, Time now) {
  return database_.Row<std::optional<Time>>(
      "SELECT max(ends) FROM pauses JOIN backups ON backups.id=backup WHERE name=?1 AND "
      "operation='' AND begins<=?2 AND ends>?2",
      backup, now);
}

void ExpectationStore::ForgetPauses(Time end) {
  database_.Run("DELETE FROM pauses WHERE ends<?", end);
}

std::vector<Time> ExpectationStore::StartsSince(Subject subject, Time from, std::int64_t most) {
  std::vector<Time> starts;
  for (const Time start : database_.Rows<Time>(
           "SELECT coalesce(started,ended_by) FROM runs WHERE backup=? AND operation=? AND "
           "state='settled' AND result<>'skipped' AND ended_by>=? ORDER BY ended_by DESC LIMIT ?",
           subject.backup, subject.operation, from, most)) {
    starts.push_back(start);
  }
  return starts;
}

std::vector<Time> ExpectationStore::Starts(Subject subject) {
  std::vector<Time> starts = StartsSince(subject, Time::min(), kFewStarts);
  if (std::ssize(starts) == kFewStarts && starts.front() - starts.back() < kLearnedFrom) {
    constexpr std::int64_t kAll = -1;
    starts = StartsSince(subject, starts.front() - kLearnedFrom, kAll);
  }
  return starts;
}

std::vector<PastRun> ExpectationStore::LastSuccesses(Subject subject) {
  std::vector<PastRun> runs;
  using Figure = std::optional<std::uint64_t>;
  for (const auto& [duration, added, processed, files, changed] :
       database_.Rows<std::optional<Duration>, Figure, Figure, Figure, Figure>(
           "SELECT duration,added_bytes,processed_bytes,processed_files,files_changed FROM "
           "counted_runs WHERE backup=? AND operation=? AND good ORDER BY ended_by DESC,id DESC "
           "LIMIT ?",
           subject.backup, subject.operation, kMostSuccesses)) {
    PastRun& run = runs.emplace_back();
    run.duration = duration;
    run.figures.added_bytes = added;
    run.figures.processed_bytes = processed;
    run.figures.processed_files = files;
    run.figures.files_changed = changed;
  }
  return runs;
}

}  // namespace backup_exporter
