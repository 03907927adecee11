#include "ledger/notice_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace backup_exporter {
namespace {

using Json = nlohmann::json;

template <typename T>
void Put(Json& json, const char* key, const std::optional<T>& value) {
  if (value) json[key] = *value;
}

template <typename T>
std::optional<T> Take(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found == json.end() ? std::nullopt : std::optional(found->get<T>());
}

std::optional<std::int64_t> Micros(const std::optional<Time>& time) {
  return time ? std::optional(time->time_since_epoch().count()) : std::nullopt;
}

std::optional<Time> FromMicros(const std::optional<std::int64_t>& micros) {
  return micros ? std::optional(Time(Duration(*micros))) : std::nullopt;
}

// In place of the old value, or added to it.
void WriteTelling(Database& database, const std::string& monitor, std::string_view name,
                  std::int64_t value, bool add) {
  SQLite::Statement& write = database.Prepare(
      "INSERT INTO tellings(monitor,name,value) VALUES(?1,?2,?3) ON CONFLICT DO UPDATE SET "
      "value=excluded.value+?4*value");
  write.bind(1, monitor);
  Bind(write, 2, name);
  write.bind(3, value);
  write.bind(4, static_cast<int>(add));
  write.exec();
}

struct Stored {
  NoticeState state;
  Time at;
  bool run_is_going = false;  // its verdict does not hold yet
};
std::optional<Stored> Find(Database& database, std::int64_t notice) {
  SQLite::Statement& find = database.Prepare(
      "SELECT state,body,EXISTS(SELECT 1 FROM runs WHERE runs.id=notices.run AND "
      "runs.state<>'settled') FROM notices WHERE id=?");
  find.bind(1, notice);
  if (!find.executeStep()) return std::nullopt;
  return Stored{.state = StateNamed(Text(find, 0)),
                .at = LoadedNotice(Text(find, 1)).at,
                .run_is_going = find.getColumn(2).getInt() != 0};
}

}  // namespace

std::string SavedNotice(const Notice& notice) {
  Json json{{"cause", notice.cause},
            {"uid", notice.uid},
            {"backup", notice.backup},
            {"operation", notice.operation},
            {"at", notice.at.time_since_epoch().count()}};
  if (notice.closes) json["closes"] = true;
  Put(json, "result", notice.result);
  Put(json, "reason", notice.reason);
  if (!notice.error.empty()) json["error"] = notice.error;
  Put(json, "exit_code", notice.exit_code);
  Put(json, "started", Micros(notice.started));
  if (notice.duration) json["duration"] = notice.duration->count();
  for (const FigureField& field : kFigureFields) {
    Put(json, std::string(field.column).c_str(), notice.figures.*field.member);
  }
  if (notice.failures > 0) json["failures"] = notice.failures;
  if (!notice.also_failing.empty()) json["also_failing"] = notice.also_failing;
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Notice LoadedNotice(const std::string& text) {
  const Json json = Json::parse(text);
  Notice notice{.cause = json.at("cause"),
                .uid = json.at("uid"),
                .backup = json.at("backup"),
                .operation = json.at("operation"),
                .at = Time(Duration(json.at("at").get<std::int64_t>()))};
  notice.closes = json.value("closes", false);
  notice.result = Take<RunResult>(json, "result");
  notice.reason = Take<Reason>(json, "reason");
  notice.error = json.value("error", "");
  notice.exit_code = Take<int>(json, "exit_code");
  notice.started = FromMicros(Take<std::int64_t>(json, "started"));
  if (const auto duration = Take<std::int64_t>(json, "duration")) {
    notice.duration = Duration(*duration);
  }
  for (const FigureField& field : kFigureFields) {
    notice.figures.*field.member = Take<std::uint64_t>(json, std::string(field.column).c_str());
  }
  notice.failures = json.value("failures", std::uint64_t{0});
  notice.also_failing = json.value("also_failing", std::vector<std::string>());
  return notice;
}

void CountTelling(Database& database, const std::string& monitor, std::string_view name,
                  std::int64_t add) {
  WriteTelling(database, monitor, name, add, true);
}

void SetTelling(Database& database, const std::string& monitor, std::string_view name,
                std::int64_t value) {
  WriteTelling(database, monitor, name, value, false);
}

NoticeState StateNamed(std::string_view name) {
  for (int i = 0; i < kNoticeStates; ++i) {
    if (Name(static_cast<NoticeState>(i)) == name) return static_cast<NoticeState>(i);
  }
  return NoticeState::kLog;
}

void TakeIn(Database& database, const Subscription& subscription, const Delivery& delivery,
            Time now) {
  using Outcome = Delivery::Outcome;
  const std::string& monitor = subscription.monitor;
  const auto remove = [&] {
    SQLite::Statement& gone = database.Prepare("DELETE FROM notices WHERE id=?");
    gone.bind(1, delivery.notice);
    gone.exec();
  };
  const std::optional<Stored> stored = Find(database, delivery.notice);
  // A start whose run ended while it was under way.
  const bool is_late = stored && stored->state == NoticeState::kStart && !stored->run_is_going;
  SetTelling(database, monitor, "up", delivery.outcome == Outcome::kDelivered ? 1 : 0);
  if (delivery.outcome != Outcome::kDelivered) {
    CountTelling(database, monitor, fmt::format("failures {}", Name(delivery.failure)));
    const bool refused = delivery.outcome == Outcome::kRefused;
    if (is_late && !refused && subscription.superseding != Superseding::kNothing) {
      remove();
      CountTelling(database, monitor, fmt::format("dropped {}", Name(Dropped::kSuperseded)));
      return;
    }
    SQLite::Statement& keep = database.Prepare(
        refused ? "UPDATE notices SET status='dead',attempts=attempts+1,error=?2,due=?3,expires=?4 "
                  "WHERE id=?1"
                : "UPDATE notices SET attempts=attempts+1,error=?2,due=?3 WHERE id=?1");
    keep.bind(1, delivery.notice);
    keep.bind(2, delivery.error);
    Bind(keep, 3, std::optional(refused ? now : delivery.due));
    if (refused) Bind(keep, 4, std::optional(Time(now + kDeadLettersKept)));
    keep.exec();
    if (refused) {
      CountTelling(database, monitor, fmt::format("dropped {}", Name(Dropped::kPermanent)));
    }
    return;
  }
  CountTelling(database, monitor, "deliveries");
  SetTelling(database, monitor, "last_success", now.time_since_epoch().count());
  if (!stored) return;  // superseded while it was under way
  const Duration delay = std::max(now - stored->at, Duration(0));
  CountTelling(database, monitor, "delays");
  CountTelling(database, monitor, "delays total", delay.count());
  for (std::size_t i = 0; i < kDelays.size(); ++i) {
    if (delay > std::chrono::milliseconds(kDelays[i])) continue;
    CountTelling(database, monitor, fmt::format("delays {}", kDelays[i]));
    break;
  }
  if (stored->state != NoticeState::kStart || is_late) {
    remove();
    return;
  }
  // It is to be closed: it stays until its run's end is told.
  SQLite::Statement& told = database.Prepare("UPDATE notices SET status='told' WHERE id=?");
  told.bind(1, delivery.notice);
  told.exec();
}

MonitorStanding QueryMonitor(Database& database, const Subscription& subscription) {
  MonitorStanding standing{.kind = subscription.kind};
  std::map<std::string, std::int64_t> values;
  SQLite::Statement& select = database.Prepare("SELECT name,value FROM tellings WHERE monitor=?");
  select.bind(1, subscription.monitor);
  while (select.executeStep()) values[Text(select, 0)] = select.getColumn(1).getInt64();
  const auto count = [&](const std::string& name) {
    return static_cast<std::uint64_t>(values[name]);
  };
  for (int i = 0; i < kNoticeStates; ++i) {
    standing.notices[static_cast<std::size_t>(i)] =
        count(fmt::format("notices {}", Name(static_cast<NoticeState>(i))));
  }
  for (int i = 0; i < kAttemptFailures; ++i) {
    standing.failures[static_cast<std::size_t>(i)] =
        count(fmt::format("failures {}", Name(static_cast<AttemptFailure>(i))));
  }
  for (int i = 0; i < kDropped; ++i) {
    standing.dropped[static_cast<std::size_t>(i)] =
        count(fmt::format("dropped {}", Name(static_cast<Dropped>(i))));
  }
  standing.deliveries = count("deliveries");
  std::uint64_t delays = 0;
  for (std::size_t i = 0; i < kDelays.size(); ++i) {
    standing.delays[i] = delays += count(fmt::format("delays {}", kDelays[i]));
  }
  standing.delays_count = count("delays");
  standing.delays_total = Duration(values["delays total"]);
  if (values.contains("up")) standing.up = values["up"] != 0;
  if (values.contains("last_success")) {
    standing.last_success = Time(Duration(values["last_success"]));
  }
  SQLite::Statement& waiting = database.Prepare(
      "SELECT count(*),(SELECT created FROM notices WHERE monitor=?1 AND status='waiting' ORDER BY "
      "id LIMIT 1) FROM notices WHERE monitor=?1 AND status='waiting'");
  waiting.bind(1, subscription.monitor);
  waiting.executeStep();
  standing.waiting = Count(waiting, 0).value_or(0);
  standing.oldest = Instant(waiting, 1);
  return standing;
}

}  // namespace backup_exporter
