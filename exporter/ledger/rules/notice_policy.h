// Decides which notices a monitor is sent, and why, from its subscription and facts of the ledger.
// Pure.
//
// ledger/notices gathers the facts and carries out the decisions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "model/notice.h"
#include "model/run.h"

namespace backup_exporter {

// Whether `backup` equals one of these names, or matches one of these patterns with * and ?. An
// empty list matches every backup.
[[nodiscard]] bool MatchesAny(std::span<const std::string> patterns, const std::string& backup);
// Whether a subscription covers an operation of a backup.
[[nodiscard]] bool Covers(const Subscription& subscription, const std::string& backup,
                          Operation operation);

// Whether the monitor has a status of its own for each backup, and for each operation. A status
// that several backups or operations share is good only while all of them are, and a notice about
// one of them replaces pending notices about the others.
[[nodiscard]] bool SeparatesBackups(const Subscription& subscription);
[[nodiscard]] bool SeparatesOperations(const Subscription& subscription);

// Why a decision was made. The reasons to send come first.
enum class NoticeReason {
  // Sent:
  kResult,       // the result is reported
  kRecovery,     // a reported failure is over
  kStartIsOpen,  // only to close a start that was sent
  // Not sent, save for what closes a start:
  kNotCovered,     // the subscription does not cover the backup or the operation
  kWithdrawn,      // the run turned out not to be a run
  kNotWatched,     // the run ended before its sources were configured
  kSkipped,        // a skipped run changes no status
  kNotNewest,      // a newer run has determined the status already
  kDoesNotCount,   // the success is a claim that does not count, and the last result is bad
  kStillMissed,    // an expected success is still missing
  kNotEnough,      // there were too few failures in a row
  kOthersFail,     // something else that shares the status is failing
  kNotSubscribed,  // the subscription does not include this state
  kRunIsOver,      // a start is pointless once its run has ended
  kShowsAsGood,    // a start would show as good while something is failing
  kSentBefore,     // it was sent before
};

// --- The start of a run

struct StartFacts {
  bool run_is_over = false;  // its end was read together with its start
  bool was_sent = false;     // there is a notice of this run's start already
  bool failing = false;      // its backup and operation are failing or overdue
  bool others_fail = false;  // something that shares its status is failing
};
struct StartDecision {
  bool send = false;
  NoticeReason reason = NoticeReason::kResult;
};
// For a start that the subscription covers.
[[nodiscard]] StartDecision DecideStart(const Subscription& subscription, const StartFacts& facts);

// --- The end of a run

struct EndFacts {
  std::optional<RunResult> result;  // nullopt: the run was withdrawn
  bool watched = true;              // its source was configured already when it ended
  bool covered = true;              // by the subscription
  bool counts = true;               // unless it is a success that is only claimed (rules/outcome)
  bool newest = true;               // no run that counts is newer
  bool failing = false;             // its backup and operation are failing or overdue now
  bool overdue = false;             // expected successes are missing
  std::uint64_t failures = 0;       // in a row up to this run; 0 unless it is bad
  bool others_fail = false;         // something that shares its status is failing
  bool start_is_open = false;       // a start of this run was or may have been sent
  bool failure_sent = false;        // the monitor was sent a failure that is not over
  bool reported_before = false;     // its end was reported; its result changed since
  bool has_messages = false;        // messages that the monitor is sent
};
struct EndDecision {
  // The subject of the notice: the run, or the earlier failure or miss that is not over.
  enum class About { kRun, kStandingFailure };
  bool send = false;
  NoticeState state = NoticeState::kFinish;
  About about = About::kRun;
  NoticeReason reason = NoticeReason::kResult;
  bool only_closes = false;     // the run changes no status
  bool log = false;             // a notice of its messages is sent as well
  bool drop_starts = false;     // pending starts of the run are dropped, sent ones forgotten
  bool supersede = false;       // pending notices that it replaces are dropped
  bool forget_failure = false;  // the monitor is no longer owed a recovery or a reminder
  bool remember_failure = false;
};
// Whether the end of a run with a result changes no status: it only closes starts of the run. Does
// not depend on `others_fail`, `start_is_open`, `failure_sent` and `has_messages`.
[[nodiscard]] bool OnlyCloses(const Subscription& subscription, const EndFacts& facts);
// For a run with a result.
[[nodiscard]] EndDecision DecideEnd(const Subscription& subscription, const EndFacts& facts);
// For a run whose end is not reported, for this reason. The notice only closes the start of the
// run, with the status that the monitor has without this run.
[[nodiscard]] EndDecision DecideClosing(const Subscription& subscription, const EndFacts& facts,
                                        NoticeReason reason);

// --- Misses and reminders

struct MissFacts {
  bool covered = true;
  std::uint64_t failures = 0;  // failed runs in a row before the first miss
  std::uint64_t before = 0;    // misses in a row that were known before
  std::uint64_t in_a_row = 0;  // misses in a row now
};
// Whether this miss is reported. Of the misses in a row, only the first that reaches the
// subscription's threshold is.
[[nodiscard]] bool ReportsMiss(const Subscription& subscription, const MissFacts& facts);

struct ReminderFacts {
  bool covered = true;
  bool shown = true;         // a configured source reports the backup
  bool last_is_bad = false;  // the last result that counts
  bool overdue = false;
  bool paused = false;
  bool others_fail = false;  // something that shares its status is failing
};
enum class Reminder {
  kForget,    // nothing is failing: no reminder, no recovery
  kPostpone,  // nothing is sent this time
  kFailure,   // the last result is sent again
  kMiss,      // the miss is sent again
};
[[nodiscard]] Reminder DecideReminder(const Subscription& subscription, const ReminderFacts& facts);

// --- Superseding

// A pending notice that a newer one may replace. Both share a status, or a backup and operation.
struct PendingFacts {
  NoticeState state = NoticeState::kFinish;  // never kStart
  NoticeCause cause = NoticeCause::kRun;
  bool closes = false;    // it closes a start that was sent
  bool same_uid = false;  // as the newer one
  bool same_run = false;
};
struct NewerFacts {
  NoticeState state = NoticeState::kFinish;
  bool sent = true;  // false: its state is not subscribed to; it only makes older notices obsolete
  bool closes = false;
};
enum class PendingFate {
  kKeep,
  kDrop,
  kDropAndInherit,  // the newer one takes over its uid, and closes its start
};
[[nodiscard]] PendingFate DecidePending(const Subscription& subscription, const NewerFacts& newer,
                                        const PendingFacts& pending);

}  // namespace backup_exporter
