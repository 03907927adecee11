// The standing of every backup: what the ledger's runs and counters show. Plain values that the
// ledger publishes, and that metrics and web render.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "model/event.h"
#include "model/notice.h"
#include "model/run.h"

namespace backup_exporter {

// The last run whose end is known and whose result has settled.
struct LastRun {
  Time end;
  RunResult result = RunResult::kFailure;
  std::optional<int> exit_code;
  std::optional<Duration> duration;
  std::optional<std::uint64_t> errors;
};

// A run that has begun and not ended.
struct RunningRun {
  std::optional<Time> start;
  std::optional<Time> active;  // last sign of life
  std::optional<std::uint64_t> processed_bytes;
  std::optional<std::uint64_t> expected_bytes;
  std::optional<double> done;  // fraction, 0 to 1
};

// Where an expectation comes from.
enum class Origin { kConfigured, kLearned };
inline constexpr int kOrigins = 2;
[[nodiscard]] std::string_view Name(Origin origin);  // "configured"

// The expectation of an operation.
struct ExpectedStanding {
  Origin origin = Origin::kConfigured;
  Duration interval{0};  // longest normal time between two successes
  // When the next success is overdue. It stays at the first missed deadline until a success.
  std::optional<Time> deadline;
  Duration slack{0};              // from an occurrence to its deadline
  bool watched = false;           // occurrences are counted
  std::optional<Time> next_miss;  // when the next occurrence counts as missed
  // If `next_miss` passed while the host was down or asleep: when the host woke, and the grace
  // began.
  std::optional<Time> woke;
};

enum class Quantity { kAddedBytes, kProcessedBytes, kFiles, kFilesChanged, kDuration };
inline constexpr int kQuantities = 5;
[[nodiscard]] std::string_view Name(Quantity quantity);  // "added_bytes", "files"

struct Anomaly {
  Quantity quantity = Quantity::kAddedBytes;
  // Robust z-score: 0.6745 times the difference from the median of the earlier runs, divided by
  // their median absolute deviation or a noise floor, whichever is larger. The noise floor is 5 %
  // of the median, and at least 1 MiB, 10 files or 10 seconds.
  double score = 0;
};
struct Unusual {
  std::uint64_t baseline_runs = 0;  // earlier successes that were compared, at most 30
  // The anomalies of the newest success: one for each quantity that it and at least 5 earlier
  // successes have.
  std::vector<Anomaly> anomalies;
};
// A pause: nothing is expected until it ends.
struct PauseStanding {
  Time until;
  std::string reason;
};

// One operation of one backup.
struct OperationStanding {
  Operation operation = Operation::kBackup;
  std::optional<Time> last_start;  // of the last known run, finished or not
  std::optional<LastRun> last_run;
  std::optional<RunningRun> running;
  std::optional<Time> last_success;  // warnings count as success here
  std::optional<Evidence> last_success_evidence;
  Figures last_success_figures;  // of that same run
  std::optional<Time> last_clean_success;
  std::optional<Time> last_failure;  // failed or interrupted
  std::optional<Reason> last_failure_reason;
  std::uint64_t consecutive_failures = 0;    // failed or interrupted runs since the last success
  std::uint64_t consecutive_warnings = 0;    // warnings since the last clean success
  std::optional<ExpectedStanding> expected;  // nullopt: nothing is expected
  bool never_expected = false;               // as configured
  std::optional<Duration> max_duration;      // how long a run may take: configured, or learned
  std::optional<PauseStanding> paused;
  std::uint64_t missed_in_a_row = 0;  // missed occurrences since the last success
  // Over all runs ever seen.
  std::uint64_t runs = 0;
  std::uint64_t failures = 0;  // failed or interrupted
  std::uint64_t warnings = 0;
  std::uint64_t missed = 0;  // expected occurrences that passed without a success
};

struct BackupStanding {
  std::string name;
  std::string tool;
  std::string repository;  // as configured, else as the output names it; empty: unknown
  std::string source;
  std::vector<OperationStanding> operations;  // the known ones, in the order of Operation
  // Over all backup runs ever seen.
  std::uint64_t added_bytes = 0;
  std::uint64_t added_stored_bytes = 0;
  std::uint64_t processed_bytes = 0;
  // By listings. The number of archives and the oldest are known only if the listings of the source
  // are configured as complete.
  std::optional<std::uint64_t> archives;
  std::optional<Time> oldest_archive;
  std::optional<Time> newest_archive;
  std::string listed_by;  // the source of the listings
  Unusual unusual;        // about its last successful backup
};

// Total size of a repository.
struct RepositoryStanding {
  std::optional<std::uint64_t> stored_bytes;
  std::optional<std::uint64_t> original_bytes;
};

// Counters of one source, since it was first configured.
struct SourceStanding {
  std::uint64_t read_bytes = 0;
  std::uint64_t record_bytes = 0;
  RecordCounts counts;
  SkippedBytes skipped;
};

// Deliveries to one monitor. Counters cover all time.
struct MonitorStanding {
  std::string kind;
  std::optional<bool> up;  // the last attempt succeeded; nullopt: there was none
  std::array<std::uint64_t, kNoticeStates> notices{};
  std::uint64_t deliveries = 0;
  std::array<std::uint64_t, kAttemptFailures> failures{};
  std::array<std::uint64_t, kDropped> dropped{};
  std::uint64_t pending = 0;   // notices
  std::optional<Time> oldest;  // when the oldest pending notice was created
  std::optional<Time> last_success;
  // Delays from the reported event to its delivery: the number of delays up to each bound in
  // kDelays and above the bound before it, the number of all delays, and their sum.
  std::array<std::uint64_t, 8> delays{};
  std::uint64_t delays_count = 0;
  Duration delays_total{0};
};
inline constexpr std::array<std::int64_t, 8> kDelays{
    100,     1'000,     10'000,     60'000,  // milliseconds
    600'000, 3'600'000, 21'600'000, 86'400'000};

struct Standings {
  std::vector<std::shared_ptr<const BackupStanding>> backups;  // by name
  std::map<std::string, SourceStanding> sources;               // configured ones, by name
  std::map<std::string, RepositoryStanding> repositories;      // reported by these, by name
  std::map<std::string, MonitorStanding> monitors;             // configured ones, by name
  std::optional<Time> committed;                               // last commit
  std::uint64_t errors = 0;          // failed reads and writes of the ledger
  bool full = false;                 // the last write failed, or the ledger is in memory
  std::uint64_t future_stamps = 0;   // runs held back
  std::uint64_t series_dropped = 0;  // backups refused by the limit
  std::uint64_t clock_jumps = 0;     // steps of the wall clock
};

}  // namespace backup_exporter
