#include "metrics/families.h"

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <limits>
#include <set>
#include <unordered_set>
#include <utility>
#include <variant>

#include "base/build_info.h"
#include "metrics/label_value.h"

namespace backup_exporter {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

constexpr auto kCounter = MetricType::Counter;
constexpr auto kGauge = MetricType::Gauge;

using Labels = std::vector<ClientMetric::Label>;

double ToDouble(Time time) { return ToSeconds(time); }
double ToDouble(Duration duration) { return ToSeconds(duration); }
double ToDouble(std::integral auto number) { return static_cast<double>(number); }

double OrZero(const std::optional<Time>& time) { return time ? ToSeconds(*time) : 0; }

// Adds samples to one family. Each sample begins with the labels of its subject (a backup, a
// source).
class Samples {
 public:
  Samples(MetricFamily& family, std::size_t expected) : family_(family) {
    family_.metric.reserve(expected);
  }

  // The labels of the samples added from now on; `subject` outlives them.
  void SetSubject(const Labels& subject) { subject_ = &subject; }

  struct Label {
    std::string_view name;
    std::string_view value;
  };
  void Add(std::initializer_list<Label> labels, double value) {
    ClientMetric& sample = family_.metric.emplace_back();
    sample.label.reserve(subject_->size() + labels.size());
    sample.label = *subject_;
    for (const Label& label : labels) {
      sample.label.push_back({std::string(label.name), std::string(label.value)});
    }
    (family_.type == kCounter ? sample.counter.value : sample.gauge.value) = value;
  }
  void Add(double value) { Add({}, value); }

  // An unknown value gives no sample.
  template <typename T>
  void AddKnown(const std::optional<T>& value) {
    if (value) Add(ToDouble(*value));
  }
  void AddKnown(std::string_view label, std::string_view label_value,
                const std::optional<std::uint64_t>& value) {
    if (value) Add({{label, label_value}}, ToDouble(*value));
  }

  // One sample for each member of a closed set.
  template <typename Enum, std::size_t kMembers>
  void AddEach(std::string_view label, const std::array<std::uint64_t, kMembers>& counts) {
    for (std::size_t i = 0; i < kMembers; ++i) {
      Add({{label, Name(static_cast<Enum>(i))}}, ToDouble(counts[i]));
    }
  }

  // Adds an empty histogram and returns it.
  ClientMetric::Histogram& AddHistogram() {
    Add(0);
    return family_.metric.back().histogram;
  }

  // 1 for the current member of a closed set, 0 for all others.
  template <int kMembers, typename Enum>
  void AddStates(std::string_view label, Enum current) {
    for (int i = 0; i < kMembers; ++i) {
      const auto member = static_cast<Enum>(i);
      Add({{label, Name(member)}}, member == current ? 1 : 0);
    }
  }

 private:
  MetricFamily& family_;
  const Labels* subject_ = nullptr;
};

struct SourceView {
  const SourceStatus& status;
  const SourceStanding& standing;
  bool up;

  // The value of a gauge that describes the last check; unknown before the first.
  [[nodiscard]] std::optional<std::uint64_t> Checked(std::uint64_t value) const {
    return status.checked ? std::optional(value) : std::nullopt;
  }
};

struct ExporterView {
  const ProgramStatus& program;
  const Standings& standings;
};

// The operation `backup` of a backup; nullptr if no run of it is known.
const OperationStanding* BackupRuns(const BackupStanding& backup) {
  const auto found =
      std::ranges::find(backup.operations, Operation::kBackup, &OperationStanding::operation);
  return found == backup.operations.end() ? nullptr : &*found;
}

// Adds the samples of a row for one subject. The comment names the labels that the samples begin
// with.
using OfBackup = void (*)(Samples&, const BackupStanding&);          // backup
using OfOperation = void (*)(Samples&, const OperationStanding&);    // backup, operation
using OfLastSuccess = void (*)(Samples&, const Figures&);            // backup
using OfRepository = void (*)(Samples&, const RepositoryStanding&);  // repository
using OfMonitor = void (*)(Samples&, const MonitorStanding&);        // monitor
using OfSource = void (*)(Samples&, const SourceView&);              // source
using OfExporter = void (*)(Samples&, const ExporterView&);          // none
using OfCollector = void (*)(Samples&, const CollectorRun&);         // collector

struct Row {
  std::string_view name;
  MetricType type;
  std::string_view help;
  std::variant<OfBackup, OfOperation, OfLastSuccess, OfRepository, OfMonitor, OfSource, OfExporter,
               OfCollector>
      fill;
};

const std::array kRows{
    // Identity and expectation.
    Row{"backup_info", kGauge, "Static description of a backup, always 1",
        [](Samples& out, const BackupStanding& backup) {
          out.Add({{"tool", LabelValue(backup.tool)},
                   {"repository", LabelValue(backup.repository)},
                   {"source", LabelValue(backup.source)}},
                  1);
        }},
    Row{"backup_expected_interval_seconds", kGauge,
        "Longest time expected between two successes: from the schedule, or 1.5 times the longest "
        "gap "
        "in the history",
        [](Samples& out, const OperationStanding& runs) {
          if (runs.expected) out.Add(ToSeconds(runs.expected->interval));
        }},
    Row{"backup_deadline_timestamp_seconds", kGauge,
        "Time after which a missing success counts as overdue",
        [](Samples& out, const OperationStanding& runs) {
          if (runs.expected) out.AddKnown(runs.expected->deadline);
        }},
    Row{"backup_expectation_info", kGauge, "Where the expectation comes from, always 1",
        [](Samples& out, const OperationStanding& runs) {
          if (runs.expected) out.Add({{"origin", Name(runs.expected->origin)}}, 1);
          if (runs.never_expected) out.Add({{"origin", "never"}}, 1);
        }},
    Row{"backup_paused", kGauge, "1 while a pause suspends the expectation",
        [](Samples& out, const OperationStanding& runs) {
          if (runs.expected || runs.paused) out.Add(runs.paused ? 1 : 0);
        }},
    Row{"backup_max_duration_seconds", kGauge,
        "Longest time that a run may take, configured or learned",
        [](Samples& out, const OperationStanding& runs) { out.AddKnown(runs.max_duration); }},

    // Outcome of the last finished run.
    Row{"backup_last_start_timestamp_seconds", kGauge, "Start of the last known run",
        [](Samples& out, const OperationStanding& runs) { out.AddKnown(runs.last_start); }},
    Row{"backup_last_run_timestamp_seconds", kGauge,
        "End of the last finished run, whatever its result",
        [](Samples& out, const OperationStanding& runs) {
          if (runs.last_run) out.Add(ToSeconds(runs.last_run->end));
        }},
    Row{"backup_last_success_timestamp_seconds", kGauge,
        "End of the last run that succeeded (0 if none is known)",
        [](Samples& out, const OperationStanding& runs) { out.Add(OrZero(runs.last_success)); }},
    Row{"backup_last_clean_success_timestamp_seconds", kGauge,
        "End of the last run that succeeded without a warning (0 if none is known)",
        [](Samples& out, const OperationStanding& runs) {
          out.Add(OrZero(runs.last_clean_success));
        }},
    Row{"backup_last_success_evidence", kGauge,
        "1 for the evidence of the last success, 0 for the others",
        [](Samples& out, const OperationStanding& runs) {
          if (runs.last_success_evidence) {
            out.AddStates<kEvidences>("evidence", *runs.last_success_evidence);
          }
        }},
    Row{"backup_last_failure_timestamp_seconds", kGauge,
        "End of the last run that failed (0 if none is known)",
        [](Samples& out, const OperationStanding& runs) { out.Add(OrZero(runs.last_failure)); }},
    Row{"backup_last_run_result", kGauge,
        "1 for the result of the last finished run, 0 for the others",
        [](Samples& out, const OperationStanding& runs) {
          if (runs.last_run) out.AddStates<kRunResults>("result", runs.last_run->result);
        }},
    Row{"backup_last_run_exit_code", kGauge,
        "Exit code of the last finished run, where the input has one",
        [](Samples& out, const OperationStanding& runs) {
          if (runs.last_run) out.AddKnown(runs.last_run->exit_code);
        }},
    Row{"backup_last_run_failure_reason", kGauge,
        "1 for the classified reason of the last failure, 0 for the others",
        [](Samples& out, const OperationStanding& runs) {
          if (runs.last_failure) {
            out.AddStates<kReasons>("reason", runs.last_failure_reason.value_or(Reason::kOther));
          }
        }},
    Row{"backup_last_run_duration_seconds", kGauge, "Duration of the last finished run",
        [](Samples& out, const OperationStanding& runs) {
          if (runs.last_run) out.AddKnown(runs.last_run->duration);
        }},
    Row{"backup_last_run_errors", kGauge,
        "Errors reported by the last finished run, such as unreadable files",
        [](Samples& out, const OperationStanding& runs) {
          if (runs.last_run) out.AddKnown(runs.last_run->errors);
        }},
    Row{"backup_consecutive_failures", kGauge, "Failed or interrupted runs since the last success",
        [](Samples& out, const OperationStanding& runs) {
          out.Add(ToDouble(runs.consecutive_failures));
        }},
    Row{"backup_consecutive_warnings", kGauge, "Runs with a warning since the last clean success",
        [](Samples& out, const OperationStanding& runs) {
          out.Add(ToDouble(runs.consecutive_warnings));
        }},

    // Counters over all runs.
    Row{"backup_runs_total", kCounter, "Finished runs",
        [](Samples& out, const OperationStanding& runs) { out.Add(ToDouble(runs.runs)); }},
    Row{"backup_run_failures_total", kCounter, "Finished runs that failed or were interrupted",
        [](Samples& out, const OperationStanding& runs) { out.Add(ToDouble(runs.failures)); }},
    Row{"backup_run_warnings_total", kCounter, "Finished runs that ended with a warning",
        [](Samples& out, const OperationStanding& runs) { out.Add(ToDouble(runs.warnings)); }},
    Row{"backup_runs_missed_total", kCounter, "Expected occurrences that passed without a success",
        [](Samples& out, const OperationStanding& runs) {
          if (runs.expected || runs.missed > 0) out.Add(ToDouble(runs.missed));
        }},
    Row{"backup_added_bytes_total", kCounter,
        "Bytes added to the repository by all backup runs, as the tool counts them",
        [](Samples& out, const BackupStanding& backup) {
          if (BackupRuns(backup)) out.Add(ToDouble(backup.added_bytes));
        }},
    Row{"backup_added_stored_bytes_total", kCounter,
        "Bytes added to the repository by all backup runs, as stored",
        [](Samples& out, const BackupStanding& backup) {
          if (BackupRuns(backup)) out.Add(ToDouble(backup.added_stored_bytes));
        }},
    Row{"backup_processed_bytes_total", kCounter, "Source bytes processed by all backup runs",
        [](Samples& out, const BackupStanding& backup) {
          if (BackupRuns(backup)) out.Add(ToDouble(backup.processed_bytes));
        }},

    // Content of the last successful backup.
    Row{"backup_last_success_added_bytes", kGauge,
        "Bytes added to the repository by the last successful backup, as the tool counts them",
        [](Samples& out, const Figures& figures) { out.AddKnown(figures.added_bytes); }},
    Row{"backup_last_success_added_stored_bytes", kGauge,
        "Bytes added by the last successful backup, compressed and deduplicated",
        [](Samples& out, const Figures& figures) { out.AddKnown(figures.added_stored_bytes); }},
    Row{"backup_last_success_processed_bytes", kGauge,
        "Source bytes covered by the last successful backup",
        [](Samples& out, const Figures& figures) { out.AddKnown(figures.processed_bytes); }},
    Row{"backup_last_success_files", kGauge, "Files in the last successful backup by state",
        [](Samples& out, const Figures& figures) {
          out.AddKnown("state", "new", figures.files_new);
          out.AddKnown("state", "changed", figures.files_changed);
          out.AddKnown("state", "unmodified", figures.files_unmodified);
        }},
    Row{"backup_last_success_processed_files", kGauge,
        "Files covered by the last successful backup",
        [](Samples& out, const Figures& figures) { out.AddKnown(figures.processed_files); }},
    Row{"backup_last_success_directories", kGauge,
        "Directories in the last successful backup by state",
        [](Samples& out, const Figures& figures) {
          out.AddKnown("state", "new", figures.directories_new);
          out.AddKnown("state", "changed", figures.directories_changed);
          out.AddKnown("state", "unmodified", figures.directories_unmodified);
        }},

    // A run in progress.
    Row{"backup_running", kGauge, "1 while a run is in progress",
        [](Samples& out, const OperationStanding& runs) { out.Add(runs.running ? 1 : 0); }},
    Row{"backup_running_start_timestamp_seconds", kGauge,
        "Start of the run in progress (0 if none)",
        [](Samples& out, const OperationStanding& runs) {
          if (!runs.running) out.Add(0);
          if (runs.running) out.AddKnown(runs.running->start);
        }},
    Row{"backup_running_activity_timestamp_seconds", kGauge,
        "Last activity of the run in progress (0 if none)",
        [](Samples& out, const OperationStanding& runs) {
          if (!runs.running) out.Add(0);
          if (runs.running) out.AddKnown(runs.running->active);
        }},
    Row{"backup_running_progress_ratio", kGauge,
        "Share of the run in progress that is done, 0 to 1",
        [](Samples& out, const OperationStanding& runs) {
          if (runs.running && runs.running->done) out.Add(*runs.running->done);
        }},
    Row{"backup_running_processed_bytes", kGauge, "Bytes processed so far by the run in progress",
        [](Samples& out, const OperationStanding& runs) {
          if (runs.running) out.AddKnown(runs.running->processed_bytes);
        }},
    Row{"backup_running_expected_bytes", kGauge,
        "Bytes that the run in progress expects to process",
        [](Samples& out, const OperationStanding& runs) {
          if (runs.running) out.AddKnown(runs.running->expected_bytes);
        }},

    // Values from listings and statistics.
    Row{"backup_snapshots", kGauge, "Snapshots or archives of this backup in the repository",
        [](Samples& out, const BackupStanding& backup) { out.AddKnown(backup.archives); }},
    Row{"backup_oldest_snapshot_timestamp_seconds", kGauge,
        "Time of the oldest snapshot in the repository",
        [](Samples& out, const BackupStanding& backup) { out.AddKnown(backup.oldest_archive); }},
    Row{"backup_newest_snapshot_timestamp_seconds", kGauge,
        "Time of the newest snapshot in the repository",
        [](Samples& out, const BackupStanding& backup) { out.AddKnown(backup.newest_archive); }},
    Row{"backup_repository_size_bytes", kGauge, "Size of the repository as stored",
        [](Samples& out, const RepositoryStanding& held) { out.AddKnown(held.stored_bytes); }},
    Row{"backup_repository_original_bytes", kGauge, "Sum of the original sizes of all snapshots",
        [](Samples& out, const RepositoryStanding& held) { out.AddKnown(held.original_bytes); }},

    // How unusual the last successful run was.
    Row{"backup_anomaly_score", kGauge,
        "Distance of the last successful run from the median of earlier runs, in robust deviations",
        [](Samples& out, const BackupStanding& backup) {
          for (const Anomaly& anomaly : backup.unusual.anomalies) {
            out.Add({{"quantity", Name(anomaly.quantity)}}, anomaly.score);
          }
        }},
    Row{"backup_baseline_runs", kGauge, "Runs in the baseline of the anomaly scores",
        [](Samples& out, const BackupStanding& backup) {
          if (BackupRuns(backup)) out.Add(ToDouble(backup.unusual.baseline_runs));
        }},

    // Delivery to monitors.
    Row{"backup_monitor_info", kGauge, "Static description of a monitor, always 1",
        [](Samples& out, const MonitorStanding& monitor) {
          out.Add({{"kind", monitor.kind}}, 1);
        }},
    Row{"backup_monitor_up", kGauge, "1 if the last delivery attempt was accepted",
        [](Samples& out, const MonitorStanding& monitor) { out.AddKnown(monitor.up); }},
    Row{"backup_monitor_notices_total", kCounter, "Notices enqueued for this monitor",
        [](Samples& out, const MonitorStanding& monitor) {
          out.AddEach<NoticeState>("state", monitor.notices);
        }},
    Row{"backup_monitor_deliveries_total", kCounter, "Notices that the monitor accepted",
        [](Samples& out, const MonitorStanding& monitor) {
          out.Add(ToDouble(monitor.deliveries));
        }},
    Row{"backup_monitor_attempt_failures_total", kCounter, "Failed delivery attempts",
        [](Samples& out, const MonitorStanding& monitor) {
          out.AddEach<AttemptFailure>("reason", monitor.failures);
        }},
    Row{"backup_monitor_dropped_total", kCounter, "Notices dropped without delivery",
        [](Samples& out, const MonitorStanding& monitor) {
          out.AddEach<Dropped>("reason", monitor.dropped);
        }},
    Row{"backup_monitor_queue_length", kGauge, "Notices in the queue",
        [](Samples& out, const MonitorStanding& monitor) { out.Add(ToDouble(monitor.pending)); }},
    Row{"backup_monitor_queue_oldest_timestamp_seconds", kGauge,
        "Time of the oldest notice in the queue (0 if none)",
        [](Samples& out, const MonitorStanding& monitor) { out.Add(OrZero(monitor.oldest)); }},
    Row{"backup_monitor_last_success_timestamp_seconds", kGauge,
        "Time of the last accepted delivery (0 if none)",
        [](Samples& out, const MonitorStanding& monitor) {
          out.Add(OrZero(monitor.last_success));
        }},
    Row{"backup_monitor_delivery_duration_seconds", MetricType::Histogram,
        "Time from the event to its acceptance by the monitor",
        [](Samples& out, const MonitorStanding& monitor) {
          auto& histogram = out.AddHistogram();
          for (std::size_t i = 0; i < kDelays.size(); ++i) {
            histogram.bucket.push_back(
                {monitor.delays[i], ToSeconds(std::chrono::milliseconds(kDelays[i]))});
          }
          histogram.sample_count = monitor.delays_count;
          histogram.sample_sum = ToSeconds(Duration(monitor.delays_total));
          histogram.bucket.push_back(
              {monitor.delays_count, std::numeric_limits<double>::infinity()});
        }},

    // Sources.
    Row{"backup_source_up", kGauge,
        "1 if the source was read and parsed at its last check, at most 30 seconds ago",
        [](Samples& out, const SourceView& source) { out.Add(source.up ? 1 : 0); }},
    Row{"backup_source_look_timestamp_seconds", kGauge,
        "Time of the last check of the source, whether or not it had changed",
        [](Samples& out, const SourceView& source) { out.AddKnown(source.status.checked); }},
    Row{"backup_source_files", kGauge, "Files that match the path of the source",
        [](Samples& out, const SourceView& source) {
          out.AddKnown(source.Checked(source.status.files));
        }},
    Row{"backup_source_unreadable_files", kGauge, "Matching files that cannot be read or parsed",
        [](Samples& out, const SourceView& source) {
          out.AddKnown(source.Checked(source.status.unreadable_files));
        }},
    Row{"backup_source_polling", kGauge, "1 if changes are found by polling only, without inotify",
        [](Samples& out, const SourceView& source) {
          out.AddKnown(source.Checked(source.status.polling ? 1 : 0));
        }},
    Row{"backup_source_last_read_timestamp_seconds", kGauge,
        "Last time that all files of the source could be read",
        [](Samples& out, const SourceView& source) { out.AddKnown(source.status.last_read); }},
    Row{"backup_source_modified_timestamp_seconds", kGauge,
        "Newest modification time among the files of the source",
        [](Samples& out, const SourceView& source) { out.AddKnown(source.status.modified); }},
    // For every source: read bytes = record bytes + skipped bytes, and records = decoded + parse
    // errors + ignored. Reason unknown_field is not in this sum: it counts fields of decoded
    // records.
    Row{"backup_source_read_bytes_total", kCounter, "Bytes read from the source",
        [](Samples& out, const SourceView& source) {
          out.Add(ToDouble(source.standing.read_bytes));
        }},
    Row{"backup_source_record_bytes_total", kCounter,
        "Bytes of records, with line ends and the blank space around them",
        [](Samples& out, const SourceView& source) {
          out.Add(ToDouble(source.standing.record_bytes + source.standing.skipped.blank));
        }},
    Row{"backup_source_records_total", kCounter, "Records read from the source",
        [](Samples& out, const SourceView& source) {
          out.Add(ToDouble(source.standing.counts.records));
        }},
    Row{"backup_source_records_decoded_total", kCounter, "Records that were decoded",
        [](Samples& out, const SourceView& source) {
          out.Add(ToDouble(source.standing.counts.decoded));
        }},
    Row{"backup_source_parse_errors_total", kCounter, "Records that could not be parsed",
        [](Samples& out, const SourceView& source) {
          out.Add(ToDouble(source.standing.counts.parse_errors));
        }},
    Row{"backup_source_records_ignored_total", kCounter,
        "Records ignored without harm (unknown_field counts fields, not records)",
        [](Samples& out, const SourceView& source) {
          const RecordCounts& counts = source.standing.counts;
          out.Add({{"reason", "text"}}, ToDouble(counts.text));
          out.Add({{"reason", "unknown_message"}}, ToDouble(counts.unknown_messages));
          out.Add({{"reason", "unknown_field"}}, ToDouble(counts.unknown_fields));
        }},
    Row{"backup_source_skipped_bytes_total", kCounter, "Bytes skipped, which belong to no record",
        [](Samples& out, const SourceView& source) {
          out.Add({{"reason", "too_long"}}, ToDouble(source.standing.skipped.too_long));
          out.Add({{"reason", "nul"}}, ToDouble(source.standing.skipped.nul));
          out.Add({{"reason", "cut_off"}}, ToDouble(source.standing.skipped.cut_off));
        }},
    Row{"backup_source_read_errors_total", kCounter, "Failed reads of the files of the source",
        [](Samples& out, const SourceView& source) {
          out.Add({{"reason", "missing"}}, ToDouble(source.status.missing));
          out.Add({{"reason", "permission"}}, ToDouble(source.status.permission));
          out.Add({{"reason", "truncated"}}, ToDouble(source.status.truncated));
          out.Add({{"reason", "too_large"}}, ToDouble(source.status.too_large));
          out.Add({{"reason", "io"}}, ToDouble(source.status.io));
        }},
    Row{"backup_source_lag_bytes", kGauge, "Bytes of the source not read yet",
        [](Samples& out, const SourceView& source) {
          out.AddKnown(source.Checked(source.status.lag_bytes));
        }},

    // The exporter itself.
    Row{"backup_exporter_build_info", kGauge, "Build information, always 1",
        [](Samples& out, const ExporterView&) {
          out.Add({{"version", kVersion},
                   {"revision", kRevision},
                   {"branch", kBranch},
                   {"compiler", kCompiler}},
                  1);
        }},
    Row{"backup_exporter_config_last_reload_successful", kGauge,
        "1 if the last configuration reload succeeded",
        [](Samples& out, const ExporterView& exporter) {
          out.Add(exporter.program.reload_successful ? 1 : 0);
        }},
    Row{"backup_exporter_config_last_reload_success_timestamp_seconds", kGauge,
        "Time when the configuration in use was loaded",
        [](Samples& out, const ExporterView& exporter) {
          out.AddKnown(exporter.program.reloaded);
        }},
    Row{"backup_exporter_ledger_commit_timestamp_seconds", kGauge,
        "Time of the last commit to the ledger",
        [](Samples& out, const ExporterView& exporter) {
          out.AddKnown(exporter.standings.committed);
        }},
    Row{"backup_exporter_ledger_errors_total", kCounter, "Failed reads or writes of the ledger",
        [](Samples& out, const ExporterView& exporter) {
          out.Add(ToDouble(exporter.standings.errors));
        }},
    Row{"backup_exporter_series_dropped_total", kCounter,
        "Label sets refused by a cardinality limit",
        [](Samples& out, const ExporterView& exporter) {
          out.Add({{"reason", "limit"}}, ToDouble(exporter.standings.series_dropped));
        }},
    Row{"backup_exporter_clock_jumps_total", kCounter,
        "Steps of the wall clock against the monotonic clock",
        [](Samples& out, const ExporterView& exporter) {
          out.Add(ToDouble(exporter.standings.clock_jumps));
        }},
    Row{"backup_exporter_future_stamps_total", kCounter,
        "Runs dated more than 5 minutes in the future, which are held back",
        [](Samples& out, const ExporterView& exporter) {
          out.Add(ToDouble(exporter.standings.future_stamps));
        }},
    Row{"backup_exporter_ledger_full", kGauge,
        "1 while the ledger cannot be written and the exporter works from memory",
        [](Samples& out, const ExporterView& exporter) {
          out.Add(exporter.standings.full ? 1 : 0);
        }},

    // The process, as every Prometheus client library exports it: names and help texts are those of
    // client_golang.
    Row{"process_cpu_seconds_total", kCounter, "Total user and system CPU time spent in seconds.",
        [](Samples& out, const ExporterView& exporter) {
          out.AddKnown(exporter.program.process.cpu_time);
        }},
    Row{"process_open_fds", kGauge, "Number of open file descriptors.",
        [](Samples& out, const ExporterView& exporter) {
          out.AddKnown(exporter.program.process.open_fds);
        }},
    Row{"process_max_fds", kGauge, "Maximum number of open file descriptors.",
        [](Samples& out, const ExporterView& exporter) {
          out.AddKnown(exporter.program.process.max_fds);
        }},
    Row{"process_virtual_memory_bytes", kGauge, "Virtual memory size in bytes.",
        [](Samples& out, const ExporterView& exporter) {
          out.AddKnown(exporter.program.process.virtual_bytes);
        }},
    Row{"process_virtual_memory_max_bytes", kGauge,
        "Maximum amount of virtual memory available in bytes.",
        [](Samples& out, const ExporterView& exporter) {
          out.AddKnown(exporter.program.process.max_virtual_bytes);
        }},
    Row{"process_resident_memory_bytes", kGauge, "Resident memory size in bytes.",
        [](Samples& out, const ExporterView& exporter) {
          out.AddKnown(exporter.program.process.resident_bytes);
        }},
    Row{"process_start_time_seconds", kGauge,
        "Start time of the process since unix epoch in seconds.",
        [](Samples& out, const ExporterView& exporter) {
          out.AddKnown(exporter.program.process.started);
        }},

    // The scrape itself. These rows come last, after the collectors that they time.
    Row{"backup_exporter_scrape_duration_seconds", kGauge,
        "Time that a collector took for this scrape",
        [](Samples& out, const CollectorRun& run) { out.Add(ToSeconds(run.duration)); }},
    Row{"backup_exporter_scrape_collector_success", kGauge,
        "1 if a collector succeeded in this scrape",
        [](Samples& out, const CollectorRun& run) { out.Add(run.success ? 1 : 0); }},
};

// A subject of samples, and the labels that identify it.
template <typename T>
struct Subject {
  Labels labels;
  T value;
};

// Fills the family of a row if the row is of kind Fill; otherwise does nothing.
template <typename Fill, typename T>
void Collect(const Row& row, const std::vector<Subject<T>>& subjects, MetricFamily& family) {
  const Fill* fill = std::get_if<Fill>(&row.fill);
  if (fill == nullptr) return;
  Samples out(family, subjects.size());
  for (const Subject<T>& subject : subjects) {
    out.SetSubject(subject.labels);
    (*fill)(out, subject.value);
  }
}

// Lets `collect` fill the family of each row, and passes those with samples to the sink.
template <typename CollectRow>
void EmitFamilies(const FamilySink& sink, CollectRow collect) {
  for (const Row& row : kRows) {
    MetricFamily family{std::string(row.name), std::string(row.help), row.type, {}};
    collect(row, family);
    if (!family.metric.empty()) sink(family);
  }
}

}  // namespace

void BackupFamilies(const Standings& standings, const FamilySink& sink) {
  std::vector<Subject<const BackupStanding&>> backups;
  std::vector<Subject<const OperationStanding&>> operations;
  std::vector<Subject<const Figures&>> last_successes;
  std::unordered_set<std::string> names;
  for (const auto& backup : standings.backups) {
    std::string name = LabelValue(backup->name);
    if (!names.insert(name).second) name = HashedLabelValue(backup->name);
    const ClientMetric::Label label{"backup", name};
    backups.push_back({{label}, *backup});
    for (const OperationStanding& runs : backup->operations) {
      operations.push_back({{label, {"operation", std::string(Name(runs.operation))}}, runs});
      if (runs.operation == Operation::kBackup) {
        last_successes.push_back({{label}, runs.last_success_figures});
      }
    }
  }
  std::vector<Subject<const RepositoryStanding&>> repositories;
  for (const auto& [name, held] : standings.repositories) {
    repositories.push_back({{{"repository", LabelValue(name)}}, held});
  }
  std::vector<Subject<const MonitorStanding&>> monitors;
  for (const auto& [name, monitor] : standings.monitors) {
    monitors.push_back({{{"monitor", LabelValue(name)}}, monitor});
  }
  EmitFamilies(sink, [&](const Row& row, MetricFamily& family) {
    Collect<OfMonitor>(row, monitors, family);
    Collect<OfBackup>(row, backups, family);
    Collect<OfOperation>(row, operations, family);
    Collect<OfLastSuccess>(row, last_successes, family);
    Collect<OfRepository>(row, repositories, family);
  });
}

void SourceFamilies(const std::map<std::string, SourceStatus>& statuses,
                    const std::map<std::string, SourceStanding>& standings, Time now,
                    const FamilySink& sink) {
  std::map<std::string, std::pair<SourceStatus, SourceStanding>> all;
  for (const auto& [name, status] : statuses) all[name].first = status;
  for (const auto& [name, standing] : standings) all[name].second = standing;
  std::vector<Subject<SourceView>> sources;
  for (const auto& [name, source] : all) {
    const auto& [status, standing] = source;
    sources.push_back({{{"source", LabelValue(name)}}, {status, standing, IsUp(status, now)}});
  }
  EmitFamilies(
      sink, [&](const Row& row, MetricFamily& family) { Collect<OfSource>(row, sources, family); });
}

void ExporterFamilies(const ProgramStatus& program, const Standings& standings,
                      const FamilySink& sink) {
  const std::vector<Subject<ExporterView>> exporter{{{}, {program, standings}}};
  EmitFamilies(sink, [&](const Row& row, MetricFamily& family) {
    Collect<OfExporter>(row, exporter, family);
  });
}

void ScrapeFamilies(std::span<const CollectorRun> collectors, const FamilySink& sink) {
  std::vector<Subject<const CollectorRun&>> runs;
  for (const CollectorRun& run : collectors) {
    runs.push_back({{{"collector", std::string(run.name)}}, run});
  }
  EmitFamilies(
      sink, [&](const Row& row, MetricFamily& family) { Collect<OfCollector>(row, runs, family); });
}

bool IsUp(const SourceStatus& status, Time now) {
  constexpr std::chrono::seconds kStalledAfter{30};
  // A check dated in the future (the clock was set back) proves as little as an old one.
  return status.up && status.checked && std::chrono::abs(now - *status.checked) <= kStalledAfter;
}

std::vector<Metric> AllMetrics() {
  std::vector<Metric> metrics;
  for (const Row& row : kRows) metrics.push_back({row.name, row.type, row.help});
  return metrics;
}

}  // namespace backup_exporter
