// How every backup stands: what the ledger's runs and counters come to. Plain values, made by the
// ledger, rendered by metrics and web.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "ledger/rules/statistics.h"
#include "model/event.h"
#include "model/notice.h"
#include "model/run.h"

namespace backup_exporter {

// The last finished run that has a time and whose verdict has settled.
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
  std::optional<double> done;  // 0 to 1
};

enum class Origin { kConfigured, kLearned };
inline constexpr int kOrigins = 2;
[[nodiscard]] std::string_view Name(Origin origin);

// What is expected of an operation.
struct ExpectedStanding {
  Origin origin = Origin::kConfigured;
  Duration interval{0};  // longest normal time between two successes
  // After this the next success is overdue. Stays at the first that was missed until there is one.
  std::optional<Time> deadline;
  Duration slack{0};              // from an occurrence to its deadline
  bool watched = false;           // occurrences are counted
  std::optional<Time> next_miss;  // when the next one counts as missed
  // That one is late because the host was down or asleep, and is given its grace from then on.
  std::optional<Time> woke;
};

// Nothing is expected until then.
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
  std::optional<ExpectedStanding> expected;  // nullopt: nobody is known to wait for it
  bool never_expected = false;               // nobody does, says the configuration
  std::optional<Duration> max_duration;      // how long a run may take: configured, or learned
  std::optional<PauseStanding> paused;
  std::uint64_t missed_in_a_row = 0;  // occurrences without a success since the last one
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
  std::vector<OperationStanding> operations;  // those seen, in the order of Operation
  // Over all backup runs ever seen.
  std::uint64_t added_bytes = 0;
  std::uint64_t added_stored_bytes = 0;
  std::uint64_t processed_bytes = 0;
  // By listings: how many archives there are, and the oldest, where the configuration says that
  // these show all; the newest of any.
  std::optional<std::uint64_t> archives;
  std::optional<Time> oldest_archive;
  std::optional<Time> newest_archive;
  std::string listed_by;  // the source that told of these
  Unusual unusual;        // of its last successful backup
};

// What a repository holds in all.
struct RepositoryStanding {
  std::optional<std::uint64_t> stored_bytes;
  std::optional<std::uint64_t> original_bytes;
};

// Records of one source since it entered the ledger.
struct SourceStanding {
  std::uint64_t read_bytes = 0;
  std::uint64_t record_bytes = 0;
  RecordCounts counts;
  SkippedBytes skipped;
};

// How telling one monitor goes. Counts are over all time.
struct MonitorStanding {
  std::string kind;
  std::optional<bool> up;  // the last attempt was accepted; nullopt: there was none
  std::array<std::uint64_t, kNoticeStates> notices{};
  std::uint64_t deliveries = 0;
  std::array<std::uint64_t, kAttemptFailures> failures{};
  std::array<std::uint64_t, kDropped> dropped{};
  std::uint64_t waiting = 0;
  std::optional<Time> oldest;  // when the oldest that waits was made
  std::optional<Time> last_success;
  // Times from what happened to its acceptance: how many took no longer than each of kDelays, how
  // many there were, and their sum.
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
  std::map<std::string, RepositoryStanding> repositories;      // told of by these, by name
  std::map<std::string, MonitorStanding> monitors;             // configured ones, by name
  std::optional<Time> committed;                               // last commit
  std::uint64_t errors = 0;          // failed reads and writes of the ledger
  bool full = false;                 // it could not be written the last time
  std::uint64_t future_stamps = 0;   // runs held back
  std::uint64_t series_dropped = 0;  // backups refused by the limit
  std::uint64_t clock_jumps = 0;     // wall-clock steps seen
};

}  // namespace backup_exporter
