#include "ledger/store/notices.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace backup_exporter {
namespace {

using Json = nlohmann::json;

constexpr int kVersion = 1;

// The form without a version contains numbers of enums. These tables are the enums as they were
// then. They are frozen, so that a later change of an enum does not change the meaning of stored
// notices.
constexpr std::array kOldCauses{NoticeCause::kRun, NoticeCause::kReminder, NoticeCause::kMissed,
                                NoticeCause::kTest, NoticeCause::kHeartbeat};
constexpr std::array kOldOperations{Operation::kBackup,  Operation::kCheck,   Operation::kPrune,
                                    Operation::kForget,  Operation::kCompact, Operation::kCopy,
                                    Operation::kRestore, Operation::kOther};
constexpr std::array kOldResults{RunResult::kSuccess, RunResult::kSkipped, RunResult::kWarning,
                                 RunResult::kInterrupted, RunResult::kFailure};
constexpr std::array kOldReasons{
    Reason::kLocked,           Reason::kAuth,        Reason::kRepositoryMissing,
    Reason::kNetwork,          Reason::kNoSpace,     Reason::kSourceMissing,
    Reason::kSourceUnreadable, Reason::kInterrupted, Reason::kHook,
    Reason::kTimeout,          Reason::kOther};

template <typename Enum, std::size_t kCount>
Enum OldValue(const std::array<Enum, kCount>& values, const Json& number) {
  return values.at(number.get<std::size_t>());
}

template <typename Enum>
Enum Known(std::optional<Enum> value, const Json& name) {
  if (!value) throw std::runtime_error("a notice with an unknown name: " + name.dump());
  return *value;
}

template <typename T>
void Put(Json& json, std::string_view key, const std::optional<T>& value) {
  if (value) json[std::string(key)] = *value;
}

template <typename T>
std::optional<T> Get(const Json& json, std::string_view key) {
  const auto found = json.find(key);
  return found == json.end() ? std::nullopt : std::optional(found->get<T>());
}

void ReadNames(const Json& json, Notice& notice) {
  const auto name = [&](const char* key) { return json.at(key).get<std::string>(); };
  notice.cause = Known(NoticeCauseNamed(name("cause")), json["cause"]);
  notice.operation = Known(OperationNamed(name("operation")), json["operation"]);
  if (json.contains("result")) notice.result = Known(ResultNamed(name("result")), json["result"]);
  if (json.contains("reason")) notice.reason = Known(ReasonNamed(name("reason")), json["reason"]);
}

void ReadOldNumbers(const Json& json, Notice& notice) {
  notice.cause = OldValue(kOldCauses, json.at("cause"));
  notice.operation = OldValue(kOldOperations, json.at("operation"));
  if (json.contains("result")) notice.result = OldValue(kOldResults, json["result"]);
  if (json.contains("reason")) notice.reason = OldValue(kOldReasons, json["reason"]);
}

// A statement that ends in WHERE or AND, with the condition that a row is in a scope. The
// parameters are the monitor, the backup, the operation, and whether only that backup and that
// operation are meant.
std::string InScope(std::string_view statement) {
  return std::string(statement) +
         " monitor=?1 AND (backup=?2 OR NOT ?4) AND (operation=?3 OR NOT ?5)";
}

std::string Counter(std::string_view kind, std::string_view name) {
  return fmt::format("{} {}", kind, name);
}

}  // namespace

std::string NoticeToJson(const Notice& notice) {
  Json json{{"v", kVersion},
            {"cause", Name(notice.cause)},
            {"uid", notice.uid},
            {"backup", notice.backup},
            {"operation", Name(notice.operation)},
            {"at", notice.at.time_since_epoch().count()}};
  if (notice.closes) json["closes"] = true;
  if (notice.result) json["result"] = Name(*notice.result);
  if (notice.reason) json["reason"] = Name(*notice.reason);
  if (!notice.error.empty()) json["error"] = notice.error;
  Put(json, "exit_code", notice.exit_code);
  if (notice.started) json["started"] = notice.started->time_since_epoch().count();
  if (notice.duration) json["duration"] = notice.duration->count();
  for (const FigureField& field : kFigureFields) {
    Put(json, field.column, notice.figures.*field.member);
  }
  if (notice.failures > 0) json["failures"] = notice.failures;
  if (!notice.also_failing.empty()) json["also_failing"] = notice.also_failing;
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Notice NoticeFromJson(const std::string& text) {
  const Json json = Json::parse(text);
  Notice notice{.uid = json.at("uid"),
                .backup = json.at("backup"),
                .at = Time(Duration(json.at("at").get<std::int64_t>()))};
  const int version = json.value("v", 0);
  if (version > kVersion) throw std::runtime_error("a notice of a newer version");
  version == 0 ? ReadOldNumbers(json, notice) : ReadNames(json, notice);
  notice.closes = json.value("closes", false);
  notice.error = json.value("error", "");
  notice.exit_code = Get<int>(json, "exit_code");
  if (const auto started = Get<std::int64_t>(json, "started")) {
    notice.started = Time(Duration(*started));
  }
  if (const auto duration = Get<std::int64_t>(json, "duration")) {
    notice.duration = Duration(*duration);
  }
  for (const FigureField& field : kFigureFields) {
    notice.figures.*field.member = Get<std::uint64_t>(json, field.column);
  }
  notice.failures = json.value("failures", std::uint64_t{0});
  notice.also_failing = json.value("also_failing", std::vector<std::string>());
  return notice;
}

RowId NoticeStore::Insert(const std::string& monitor, Subject subject, RowId run,
                          const Notice& notice, Time now, Time expires) {
  database_.Run(
      "INSERT INTO notices(monitor,state,status,backup,operation,run,created,due,expires,body) "
      "VALUES(?1,?2,'waiting',?3,?4,?5,?6,?6,?7,?8)",
      monitor, notice.state, subject.backup, subject.operation, run, now, expires,
      NoticeToJson(notice));
  return database_.LastInserted();
}

void NoticeStore::Remove(RowId notice) { database_.Run("DELETE FROM notices WHERE id=?", notice); }

void NoticeStore::Drop(RowId notice, const std::string& monitor, Dropped reason) {
  Remove(notice);
  Count(monitor, Counter("dropped", Name(reason)));
}

std::vector<NoticeStore::Start> NoticeStore::StartsOf(RowId run, const std::string& monitor) {
  std::vector<Start> starts;
  // The status of a start that was delivered, until its run has ended, is 'sent'.
  for (const auto& [id, delivered, attempts, body] :
       database_.Rows<RowId, bool, std::int64_t, std::string>(
           "SELECT id,status='sent',attempts,body FROM notices WHERE run=? AND monitor=? AND "
           "state='start' AND status<>'dead' ORDER BY id",
           run, monitor)) {
    starts.push_back({.id = id,
                      .uid = NoticeFromJson(body).uid,
                      .delivered = delivered,
                      .attempted = attempts > 0});
  }
  return starts;
}

bool NoticeStore::MoveStarts(RowId from, RowId into) {
  return database_.Run("UPDATE notices SET run=?2 WHERE run=?1 AND state='start'", from, into) > 0;
}

std::vector<NoticeStore::Pending> NoticeStore::PendingIn(const StatusScope& scope) {
  std::vector<Pending> pending;
  for (const auto& [id, state, run, body] : database_.Rows<RowId, NoticeState, RowId, std::string>(
           InScope("SELECT id,state,run,body FROM notices WHERE status='waiting' AND "
                   "state<>'start' AND"),
           scope.monitor, scope.subject.backup, scope.subject.operation, scope.one_backup,
           scope.one_operation)) {
    const Notice notice = NoticeFromJson(body);
    pending.push_back({.id = id,
                       .state = state,
                       .run = run,
                       .cause = notice.cause,
                       .uid = notice.uid,
                       .closes = notice.closes});
  }
  return pending;
}

std::optional<RowId> NoticeStore::OneTooMany(const std::string& monitor, RowId newest,
                                             std::int64_t most) {
  const auto oldest = database_.Row<RowId>(
      "SELECT min(id) FROM notices WHERE monitor=? AND status='waiting'", monitor);
  // There are at most as many pending notices as ids from the oldest to the newest.
  if (newest - oldest.value_or(0) < most) return std::nullopt;
  return database_.Row<RowId>(
      "SELECT id FROM notices WHERE monitor=? AND status='waiting' ORDER BY id DESC LIMIT 1 "
      "OFFSET ?",
      monitor, most);
}

std::vector<NoticeStore::Queued> NoticeStore::Oldest(const std::string& monitor,
                                                     std::int64_t most) {
  std::vector<Queued> queued;
  for (const auto& [id, state, attempts, body, run] :
       database_.Rows<RowId, NoticeState, std::uint64_t, std::string, RowId>(
           "SELECT id,state,attempts,body,run FROM notices WHERE monitor=? AND status='waiting' "
           "ORDER BY id LIMIT ?",
           monitor, most)) {
    Notice notice = NoticeFromJson(body);
    notice.id = id;
    notice.state = state;
    notice.attempts = attempts;
    queued.push_back({.notice = std::move(notice), .run = run});
  }
  return queued;
}

std::vector<NoticeStore::Listed> NoticeStore::PendingAndDead() {
  std::vector<Listed> all;
  for (auto&& [monitor, state, dead, created, due, expires, attempts, error, body] :
       database_.Rows<std::string, NoticeState, bool, Time, Time, Time, std::uint64_t, std::string,
                      std::string>(
           "SELECT monitor,state,status='dead',created,due,expires,attempts,error,body FROM "
           "notices "
           "WHERE status IN ('waiting','dead') ORDER BY monitor,status DESC,id")) {
    all.push_back({.monitor = std::move(monitor),
                   .state = state,
                   .notice = NoticeFromJson(body),
                   .dead = dead,
                   .created = created,
                   .due = due,
                   .expires = expires,
                   .attempts = attempts,
                   .error = std::move(error)});
  }
  return all;
}

void NoticeStore::RecordDelivery(const Subscription& subscription, const Delivery& delivery,
                                 Time now) {
  const std::string& monitor = subscription.monitor;
  const auto row = database_.Row<NoticeState, std::string, bool>(
      "SELECT state,body,EXISTS(SELECT 1 FROM runs WHERE runs.id=notices.run AND "
      "runs.state<>'settled') FROM notices WHERE id=?",
      delivery.notice);
  const bool is_start = row && std::get<0>(*row) == NoticeState::kStart;
  // A start whose run has ended while it was in flight.
  const bool is_stale_start = is_start && !std::get<2>(*row);
  const bool delivered = delivery.outcome == Delivery::Outcome::kDelivered;
  Set(monitor, "up", delivered ? 1 : 0);
  if (!delivered) {
    RecordFailedAttempt(subscription, delivery, now, is_stale_start);
    return;
  }
  Count(monitor, "deliveries");
  Set(monitor, "last_success", now.time_since_epoch().count());
  if (!row) return;  // it was superseded while it was in flight
  CountDelay(monitor, std::max(now - NoticeFromJson(std::get<1>(*row)).at, Duration(0)));
  if (!is_start || is_stale_start) {
    Remove(delivery.notice);
  } else {
    // The start stays until the end of its run closes it.
    database_.Run("UPDATE notices SET status='sent' WHERE id=?", delivery.notice);
  }
}

void NoticeStore::RecordFailedAttempt(const Subscription& subscription, const Delivery& delivery,
                                      Time now, bool is_stale_start) {
  const std::string& monitor = subscription.monitor;
  Count(monitor, Counter("failures", Name(delivery.failure)));
  if (delivery.outcome == Delivery::Outcome::kRefused) {
    database_.Run(
        "UPDATE notices SET status='dead',attempts=attempts+1,error=?2,due=?3,expires=?4 WHERE "
        "id=?1",
        delivery.notice, delivery.error, now, now + kDeadLettersKept);
    Count(monitor, Counter("dropped", Name(Dropped::kPermanent)));
  } else if (is_stale_start && subscription.superseding != Superseding::kNothing) {
    Drop(delivery.notice, monitor, Dropped::kSuperseded);
  } else {
    database_.Run("UPDATE notices SET attempts=attempts+1,error=?2,due=?3 WHERE id=?1",
                  delivery.notice, delivery.error, delivery.due);
  }
}

void NoticeStore::CountDelay(const std::string& monitor, Duration delay) {
  Count(monitor, "delays");
  Count(monitor, "delays total", delay.count());
  const auto* bucket = std::ranges::find_if(
      kDelays, [&](std::int64_t most) { return delay <= std::chrono::milliseconds(most); });
  if (bucket != kDelays.end()) Count(monitor, fmt::format("delays {}", *bucket));
}

void NoticeStore::RetryAll(Time now) {
  database_.Run("UPDATE notices SET attempts=1 WHERE attempts=0 AND state='start'");
  database_.Run("UPDATE notices SET due=min(due,?)", now);
}

bool NoticeStore::HasExpired(Time now) {
  return database_
      .Row<bool>("SELECT EXISTS(SELECT 1 FROM notices WHERE status<>'sent' AND expires<=?)", now)
      .value_or(false);
}

void NoticeStore::Expire(Time now) {
  database_.Run("DELETE FROM notices WHERE status='dead' AND expires<=?", now);
  std::map<std::string, std::int64_t> expired;
  for (const auto& [monitor, count] : database_.Rows<std::string, std::int64_t>(
           "SELECT monitor,count(*) FROM notices WHERE status='waiting' AND expires<=? GROUP BY "
           "monitor",
           now)) {
    expired[monitor] = count;
  }
  database_.Run(
      "UPDATE notices SET status='dead',expires=?2,error=error||' (expired)' WHERE "
      "status='waiting' AND expires<=?1",
      now, now + kDeadLettersKept);
  for (const auto& [monitor, count] : expired) {
    Count(monitor, Counter("dropped", Name(Dropped::kExpired)), count);
  }
}

void NoticeStore::RememberFailure(const std::string& monitor, Subject subject, Time now) {
  database_.Run(
      "INSERT INTO failing(monitor,backup,operation,sent) VALUES(?,?,?,?) ON CONFLICT DO UPDATE "
      "SET sent=excluded.sent",
      monitor, subject.backup, subject.operation, now);
}

void NoticeStore::ForgetFailures(const StatusScope& scope) {
  database_.Run(InScope("DELETE FROM failing WHERE"), scope.monitor, scope.subject.backup,
                scope.subject.operation, scope.one_backup, scope.one_operation);
}

bool NoticeStore::WasSentFailure(const StatusScope& scope) {
  return database_
      .Row<bool>(InScope("SELECT 1 FROM failing WHERE"), scope.monitor, scope.subject.backup,
                 scope.subject.operation, scope.one_backup, scope.one_operation)
      .value_or(false);
}

std::vector<Subject> NoticeStore::FailuresSentBy(const std::string& monitor, Time time) {
  std::vector<Subject> subjects;
  for (const auto& [backup, operation] : database_.Rows<RowId, Operation>(
           "SELECT backup,operation FROM failing WHERE monitor=? AND sent<=?", monitor, time)) {
    subjects.push_back({.backup = backup, .operation = operation});
  }
  return subjects;
}

void NoticeStore::EnterSource(const std::string& source, Time now) {
  database_.Run("INSERT OR IGNORE INTO entered(source,at) VALUES(?,?)", source, now);
}

bool NoticeStore::WasWatched(RowId run, std::optional<Time> ended) {
  return database_
      .Row<bool>(
          "SELECT EXISTS(SELECT 1 FROM sightings JOIN entered ON entered.source=sightings.source "
          "WHERE run=?1 AND entered.at<=coalesce(?2,entered.at))",
          run, ended)
      .value_or(false);
}

std::string NoticeStore::BackupName(RowId backup) {
  return database_.Row<std::string>("SELECT name FROM backups WHERE id=?", backup).value_or("");
}

void NoticeStore::Count(const std::string& monitor, std::string_view name, std::int64_t add) {
  database_.Run(
      "INSERT INTO monitor_counters(monitor,name,value) VALUES(?,?,?) ON CONFLICT DO UPDATE SET "
      "value=value+excluded.value",
      monitor, name, add);
}

void NoticeStore::Set(const std::string& monitor, std::string_view name, std::int64_t value) {
  database_.Run(
      "INSERT INTO monitor_counters(monitor,name,value) VALUES(?,?,?) ON CONFLICT DO UPDATE SET "
      "value=excluded.value",
      monitor, name, value);
}

MonitorStanding NoticeStore::Standing(const Subscription& subscription) {
  MonitorStanding standing{.kind = subscription.kind};
  std::map<std::string, std::int64_t> values;
  for (const auto& [name, value] : database_.Rows<std::string, std::int64_t>(
           "SELECT name,value FROM monitor_counters WHERE monitor=?", subscription.monitor)) {
    values[name] = value;
  }
  const auto count = [&](const std::string& name) {
    return static_cast<std::uint64_t>(values[name]);
  };
  for (std::size_t i = 0; i < kNoticeStates; ++i) {
    standing.notices.at(i) = count(Counter("notices", Name(static_cast<NoticeState>(i))));
  }
  for (std::size_t i = 0; i < kAttemptFailures; ++i) {
    standing.failures.at(i) = count(Counter("failures", Name(static_cast<AttemptFailure>(i))));
  }
  for (std::size_t i = 0; i < kDropped; ++i) {
    standing.dropped.at(i) = count(Counter("dropped", Name(static_cast<Dropped>(i))));
  }
  standing.deliveries = count("deliveries");
  std::uint64_t delays = 0;
  for (std::size_t i = 0; i < kDelays.size(); ++i) {
    standing.delays.at(i) = delays += count(fmt::format("delays {}", kDelays.at(i)));
  }
  standing.delays_count = count("delays");
  standing.delays_total = Duration(values["delays total"]);
  if (values.contains("up")) standing.up = values["up"] != 0;
  if (values.contains("last_success")) {
    standing.last_success = Time(Duration(values["last_success"]));
  }
  const auto pending = database_.Row<std::uint64_t, std::optional<Time>>(
      "SELECT count(*),(SELECT created FROM notices WHERE monitor=?1 AND status='waiting' ORDER BY "
      "id LIMIT 1) FROM notices WHERE monitor=?1 AND status='waiting'",
      subscription.monitor);
  if (pending) std::tie(standing.pending, standing.oldest) = *pending;
  return standing;
}

}  // namespace backup_exporter
