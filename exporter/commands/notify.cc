#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "base/uuid.h"
#include "commands/commands.h"
#include "commands/configuration.h"
#include "delivery/delivery.h"
#include "ledger/offline_reader.h"

namespace backup_exporter {
namespace {

// States to send for a test. They change as little as possible at the service: a log entry if it
// has those, else a success. A raised alert is resolved.
std::vector<NoticeState> TestStates(const Service& service) {
  if (service.superseding == Superseding::kFails)
    return {NoticeState::kFail, NoticeState::kResolve};
  if (service.one_state && service.states.contains(NoticeState::kLog)) return {NoticeState::kLog};
  return {NoticeState::kFinish};
}

bool TestOne(const MonitorConfig& config, const SecretMask& mask) {
  SystemTransport transport;
  const std::string uid = RandomUuid();
  const std::vector<NoticeState> states = TestStates(*config.service);
  for (const NoticeState state : states) {
    const Time now = SystemClock().Now();
    Notice notice{.state = state,
                  .cause = NoticeCause::kTest,
                  .uid = uid,
                  .backup = "test",
                  .at = now,
                  .result = state == NoticeState::kFail ? RunResult::kFailure : RunResult::kSuccess,
                  .started = now};
    if (state == NoticeState::kLog) {
      notice.messages.push_back({.at = now, .text = "Test of backup_exporter"});
    }
    const SendResult result = config.monitor->Send(notice, transport);
    if (result.outcome == Delivery::Outcome::kDelivered) continue;
    const bool retried = result.outcome == Delivery::Outcome::kRetry;
    fmt::print("{}: not delivered ({}{}): {}\n", config.subscription.monitor, Name(result.failure),
               retried ? ", would be retried" : "", mask.Mask(result.error));
    return false;
  }
  const bool shows_success = config.service->one_state && states.back() == NoticeState::kFinish;
  fmt::print("{}: delivered{}\n", config.subscription.monitor,
             shows_success ? "; the monitor shows a success until the next run" : "");
  return true;
}

int Test(const Configuration& configuration, const std::string& name) {
  const auto& monitors = configuration.monitors.monitors;
  if (monitors.empty()) {
    fmt::print(
        stderr,
        "no monitors are configured: add `monitors:` to the configuration (docs/monitors.md)\n");
    return kMisused;
  }
  bool found = false;
  bool all_delivered = true;
  for (const MonitorConfig& monitor : monitors) {
    if (!name.empty() && monitor.subscription.monitor != name) continue;
    found = true;
    all_delivered = TestOne(monitor, configuration.monitors.mask) && all_delivered;
  }
  if (found) return all_delivered ? kFine : kFailed;
  std::string names;
  for (const MonitorConfig& monitor : monitors) names += " " + monitor.subscription.monitor;
  fmt::print(stderr, "no monitor is named {}; configured monitors:{}\n", name, names);
  return kMisused;
}

int ListPending(const std::string& directory) {
  const auto pending = ReadPending(directory);
  if (!pending) {
    fmt::print(stderr, "{}\n", pending.error().message);
    return kFailed;
  }
  if (pending->empty()) fmt::print("no pending notices, no dead letters\n");
  for (const PendingNotice& notice : *pending) {
    fmt::print("{} {} of {} ({}), since {}", notice.monitor, notice.state, notice.backup,
               notice.operation, FormatUtc(notice.created));
    if (notice.dead) {
      fmt::print(": dead letter, kept until {}", FormatUtc(notice.expires));
    } else {
      fmt::print(": pending, {} failed attempts, next at {}, expires at {}", notice.attempts,
                 FormatUtc(notice.due), FormatUtc(notice.expires));
    }
    fmt::print("{}{}\n", notice.error.empty() ? "" : ": ", notice.error);
  }
  return kFine;
}

}  // namespace

int NotifyCommand(const AppOptions& options, const NotifyOptions& notify) {
  if (notify.test) {
    const auto configuration = LoadOrPrintErrors(options.config_file);
    return configuration ? Test(*configuration, notify.monitor) : kMisused;
  }
  const auto storage_path = FindStoragePathOrPrintErrors(options);
  return storage_path ? ListPending(*storage_path) : kMisused;
}

}  // namespace backup_exporter
