// Follows the runs in borgmatic's output: borgmatic.cc reads the lines and documents and calls this
// class in their order; this class decides which action each belongs to and what its result is, and
// writes the events.
//
// A run of borgmatic is everything between two summaries. The runs reported here are those of its
// actions, one operation on one repository each. Only the summary or a document proves that an
// action ended well: a process that was killed prints neither. So a finished action waits until
// then.
//
// Times are those of the lines; nullopt where a line has none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "decoders/borg_messages.h"
#include "decoders/borg_statistics.h"
#include "decoders/borgmatic_lines.h"
#include "decoders/decoders.h"
#include "decoders/pending_messages.h"
#include "decoders/saved_state.h"
#include "model/event.h"

namespace backup_exporter {

class BorgmaticRuns {
 public:
  // Events of the next record go to `out`, with this offset. Must be called before the other calls
  // for a record; `out` must outlive them.
  void At(std::uint64_t offset, Decoded* out);

  // Writes an event as it is.
  void Write(const Named& of, decltype(Event::what) what);

  // A document reports an archive, either of an action whose lines are in the same file, or of a
  // run that only this document shows.
  void ArchiveCreated(const Named& of, RunFinished end);

  // ---- the log, in this order for each line ----

  // True for a line of the summary, which repeats earlier lines with the times they had then.
  [[nodiscard]] bool IsInSummary(const LogLine& line) const;
  void SummaryLine(const LogLine& line, BorgmaticMessage kind);
  // Any other line: if the summary is over, a new run of borgmatic begins.
  void LeaveSummary();
  // True if the line belongs to the error text of a failure and is complete with that. Otherwise
  // reports the failure if its text is complete.
  bool ContinuesFailure(const LogLine& line, BorgmaticMessage kind);
  // Records the line as a message. To be called before the line's own method below, which may
  // report the end of the run that the message belongs to; after ActionBegins, since that starts
  // the run.
  void AddMessage(Level level, const LogLine& line, BorgmaticMessage kind);

  // `report_start`: the lines name their repositories, so the start can be reported at once.
  void ActionBegins(const BorgmaticLine& action, std::optional<Time> time, bool report_start);
  void RepositoryFailed(const std::string& label, const LogLine& line);
  void Retrying();
  void CommandFailed(int exit_code, const LogLine& line);
  void ExitCodeTreatedAsWarning(int exit_code, std::optional<Time> time);
  // A hook asked to skip `label`, a repository or a configuration file.
  void Skipped(const std::string& label, std::optional<Time> time);
  void Stopped(std::optional<Time> time);
  void SummaryBegins(const LogLine& line);
  // A failure that names no repository, or that follows from one that was reported.
  void SomethingFailed(const LogLine& line);

  // Messages of borg during the current action. Apply returns false for those that show nothing.
  void AddErrorText(std::string_view text);
  bool Apply(BorgMessage message, std::string_view text);
  // True if the line is one of the table of --stats.
  bool StatisticsLine(std::string_view text, const LocalClock& clock);

  // Adds the state to an object.
  void Save(StateWriter& saved) const;
  // False, with an undefined state, if the saved one is not sound.
  bool Restore(StateReader& saved);
  void Reset() { *this = {}; }

 private:
  struct Action {
    enum class State {
      kOpen,      // in progress
      kRetrying,  // failed, and will be repeated
      kEnded,     // over, but not reported: a document may add to it
      kReported,
    };
    Named of;
    std::optional<Operation> operation;
    State state = State::kOpen;
    bool announced = false;  // its start was reported
    bool dry_run = false;
    std::optional<Time> started;
    std::optional<Time> ended;
    RunResult result = RunResult::kSuccess;
    std::optional<Reason> reason;
    std::string archive;  // that it made, if --stats shows it
    Figures figures;
  };

  // Findings from borg's messages since the current action began.
  struct Findings {
    std::uint64_t warnings = 0;
    bool source_missing = false;
    bool damaged = false;
    bool interrupted = false;
  };

  // A failure whose exit code and error text may still follow.
  struct Failure {
    std::optional<std::size_t> action;  // nullopt: of no repository
    std::optional<Time> time;
    std::string text;
    std::optional<int> exit_code;
    bool archive_made = false;
  };

  static Json SaveAction(const Action& action);
  static std::optional<Action> ReadAction(const Json& saved);

  [[nodiscard]] std::size_t IndexOf(const Action& action) const {
    return static_cast<std::size_t>(&action - actions_.data());
  }
  [[nodiscard]] Action* FindRetrying(const std::string& label);
  [[nodiscard]] bool HasDone(const Named& of, Operation operation) const;
  std::size_t ActionOn(const std::string& label, std::optional<Time> time);
  std::size_t FindOrAdd(const std::string& label, std::optional<Time> time);

  void AddMessage(RunNoted message, std::optional<std::size_t> action);
  void AssignPending(std::size_t action);
  void WritePending(const Action& action);

  void JudgeByFindings(Action& action) const;
  void EndCurrent(std::optional<Time> time);
  void WithdrawAnnounced();
  void DropWithoutSummary(const BorgmaticLine& next);
  bool ResumeRetried(const BorgmaticLine& begun);
  void Retry(std::size_t action);
  void Report(Action& action);
  void ReportEnded();
  void ReportFailure();
  void ReportUnnamed(RunFinished end);
  void StartOver();

  std::vector<Action> actions_;  // of the current run of borgmatic
  std::optional<std::size_t> current_;
  Findings findings_;
  std::string errors_;  // the error text since the current action began
  BorgStatistics statistics_;
  std::optional<Failure> failure_;
  PendingMessages messages_;       // by action
  bool failed_ = false;            // a failure was reported
  bool has_summary_ = false;       // the summary began
  bool summary_complete_ = false;  // its last line came, or none will
  std::optional<Time> summary_time_;
  std::uint64_t offset_ = 0;
  Decoded* out_ = nullptr;
};

}  // namespace backup_exporter
