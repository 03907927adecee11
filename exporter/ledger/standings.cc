#include "ledger/standings.h"

#include <algorithm>
#include <utility>

#include "ledger/backups.h"
#include "ledger/rules/statistics.h"
#include "ledger/store/backups.h"
#include "ledger/store/counted_runs.h"
#include "ledger/store/expectations.h"
#include "ledger/store/notices.h"
#include "ledger/store/repositories.h"
#include "ledger/store/runs.h"
#include "ledger/store/totals.h"

namespace backup_exporter {
namespace {

std::optional<RunningRun> QueryRunning(RunStore& store, RowId backup, Operation operation) {
  const auto id = store.Running(backup, operation);
  const auto run = id ? store.Find(*id) : std::nullopt;
  if (!run) return std::nullopt;
  const StoredProgress progress = store.ProgressOf(run->id);
  return RunningRun{.start = run->started,
                    .active = progress.active,
                    .processed_bytes = progress.processed_bytes,
                    .expected_bytes = progress.expected_bytes,
                    .done = progress.done};
}

OperationStanding QueryOperation(Database& database, RowId backup, Operation operation) {
  RunStore store(database);
  CountedRunStore runs(database, backup, operation);
  OperationStanding standing{.operation = operation,
                             .last_start = store.LastStart(backup, operation)};
  if (const auto run = runs.LastRun()) {
    standing.last_run = LastRun{.end = *run->ended,
                                .result = *run->result,
                                .exit_code = run->exit_code,
                                .duration = run->duration,
                                .errors = run->figures.errors};
  }
  standing.running = QueryRunning(store, backup, operation);
  if (const auto run = runs.Last(Counted::kGood)) {
    standing.last_success = run->ended;
    standing.last_success_evidence = run->evidence;
    standing.last_success_figures = run->figures;
  }
  if (const auto run = runs.Last(Counted::kClean)) standing.last_clean_success = run->ended;
  if (const auto run = runs.Last(Counted::kBad)) {
    standing.last_failure = run->ended;
    standing.last_failure_reason = run->reason.value_or(Reason::kOther);
  }
  standing.consecutive_failures = runs.CountSince(Counted::kGood, Counted::kBad);
  standing.consecutive_warnings = runs.CountSince(Counted::kClean, Counted::kWarning);
  return standing;
}

}  // namespace

BackupStanding QueryStanding(Database& database, const Expectations& expectations, RowId backup,
                             Time now) {
  BackupStanding standing;
  const auto stored = BackupStore(database).Load(backup);
  if (!stored) return standing;
  standing.name = stored->name;
  standing.added_bytes = stored->added_bytes;
  standing.added_stored_bytes = stored->added_stored_bytes;
  standing.processed_bytes = stored->processed_bytes;
  if (auto listing = ListingOf(database, backup)) {
    standing.archives = listing->archives;
    standing.oldest_archive = listing->oldest;
    standing.newest_archive = listing->newest;
    standing.listed_by = std::move(listing->source);
  }
  for (int i = 0; i < kOperations; ++i) {
    const auto operation = static_cast<Operation>(i);
    const auto totals = TotalsOf(database, backup, operation);
    if (!totals) continue;
    if (totals->runs == 0 && !expectations.configured().Names(standing.name, operation) &&
        !RunStore(database).HasRuns(backup, operation)) {
      continue;
    }
    OperationStanding& known =
        standing.operations.emplace_back(QueryOperation(database, backup, operation));
    known.runs = totals->runs;
    known.failures = totals->failures;
    known.warnings = totals->warnings;
    known.missed = totals->missed;
    expectations.Complete(database, backup, standing.name, now, known);
  }
  standing.unusual = FindUnusual(ExpectationStore(database).LastSuccesses({.backup = backup}));
  return standing;
}

void StandingsCache::ReadAll(Time now) {
  all_unread_ = true;
  auto repositories = QueryRepositories();
  BackupStandings backups;
  for (const RowId backup : BackupStore(database_).All()) {
    if (auto standing = Query(backup, now)) backups[backup] = std::move(standing);
  }
  repositories_ = std::move(repositories);
  backups_ = std::move(backups);
  by_name_.clear();
  for (const auto& [backup, standing] : backups_) by_name_[standing->name] = standing;
  unread_.clear();
  all_unread_ = false;
}

void StandingsCache::Read(const std::set<RowId>& backups, Time now) {
  unread_.insert(backups.begin(), backups.end());
  if (all_unread_) return ReadAll(now);
  repositories_ = QueryRepositories();
  while (!unread_.empty()) {
    Update(*unread_.begin(), now);
    unread_.erase(unread_.begin());
  }
}

void StandingsCache::ReadMonitors(std::span<const Subscription> subscriptions) {
  std::map<std::string, MonitorStanding> monitors;
  for (const Subscription& subscription : subscriptions) {
    monitors[subscription.monitor] = NoticeStore(database_).Standing(subscription);
  }
  monitors_ = std::move(monitors);
}

const OperationStanding* StandingsCache::Find(RowId backup, Operation operation) const {
  const auto visible = backups_.find(backup);
  if (visible == backups_.end()) return nullptr;
  const auto& operations = visible->second->operations;
  const auto found = std::ranges::find(operations, operation, &OperationStanding::operation);
  return found == operations.end() ? nullptr : &*found;
}

void StandingsCache::Publish(Standings rest) {
  rest.backups.reserve(by_name_.size());
  for (const auto& [name, standing] : by_name_) rest.backups.push_back(standing);
  rest.repositories = repositories_;
  rest.monitors = monitors_;
  published_.Store(std::make_shared<const Standings>(std::move(rest)));
}

std::shared_ptr<const Standings> StandingsCache::published() const { return published_.Load(); }

void StandingsCache::Update(RowId backup, Time now) {
  const auto standing = Query(backup, now);
  if (const auto known = backups_.find(backup); known != backups_.end()) {
    by_name_.erase(known->second->name);
    backups_.erase(known);
  }
  if (!standing) return;
  backups_[backup] = standing;
  by_name_[standing->name] = standing;
}

std::shared_ptr<const BackupStanding> StandingsCache::Query(RowId backup, Time now) {
  // The first configured source that reports the backup gives its tool and repository. A source
  // whose records name any backup knows no tool, so others come before it.
  const SourceRules* source = nullptr;
  Feed feed;
  for (Feed& one : BackupStore(database_).FeedsOf(backup)) {
    const auto found = sources_.find(one.source);
    if (found == sources_.end() || !Feeds(found->second, one.path, one.naming)) continue;
    if (found->second.names_backup && source != nullptr) continue;
    source = &found->second;
    feed = std::move(one);
    if (!source->names_backup) break;
  }
  auto standing =
      std::make_shared<BackupStanding>(QueryStanding(database_, expectations_, backup, now));
  if (source == nullptr && !expectations_.configured().Names(standing->name)) return nullptr;
  if (source != nullptr) {
    standing->tool = feed.tool.empty() ? source->tool : feed.tool;
    standing->repository = source->repository.empty() ? feed.repository : source->repository;
    standing->source = source->source;
  }
  // Archives are unknown once no configured source lists them.
  const auto lister = sources_.find(standing->listed_by);
  if (lister == sources_.end()) standing->newest_archive.reset();
  if (lister == sources_.end() || !lister->second.complete) {
    standing->archives.reset();
    standing->oldest_archive.reset();
  }
  return standing;
}

std::map<std::string, RepositoryStanding> StandingsCache::QueryRepositories() {
  std::map<std::string, RepositoryStanding> repositories;
  // Of several sources that report a repository, the newest report counts.
  for (const StoredRepository& one : Repositories(database_)) {
    if (!sources_.contains(one.source)) continue;
    repositories[one.name] = {.stored_bytes = one.stored_bytes,
                              .original_bytes = one.original_bytes};
  }
  return repositories;
}

}  // namespace backup_exporter
