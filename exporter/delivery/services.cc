#include "delivery/services.h"

#include <algorithm>
#include <array>

namespace backup_exporter {

// Each is defined in the file of its service.
std::unique_ptr<Monitor> MakeApprise(Section& block, MonitorOptions& options);
std::unique_ptr<Monitor> MakeCommand(Section& block, MonitorOptions& options);
std::unique_ptr<Monitor> MakeCronhub(Section& block, MonitorOptions& options);
std::unique_ptr<Monitor> MakeCronitor(Section& block, MonitorOptions& options);
std::unique_ptr<Monitor> MakeHealthchecks(Section& block, MonitorOptions& options);
std::unique_ptr<Monitor> MakeLoki(Section& block, MonitorOptions& options);
std::unique_ptr<Monitor> MakeNtfy(Section& block, MonitorOptions& options);
std::unique_ptr<Monitor> MakePagerduty(Section& block, MonitorOptions& options);
std::unique_ptr<Monitor> MakePushover(Section& block, MonitorOptions& options);
std::unique_ptr<Monitor> MakeSentry(Section& block, MonitorOptions& options);
std::unique_ptr<Monitor> MakeUptimeKuma(Section& block, MonitorOptions& options);
std::unique_ptr<Monitor> MakeWatchgoose(Section& block, MonitorOptions& options);
std::unique_ptr<Monitor> MakeWebhook(Section& block, MonitorOptions& options);
std::unique_ptr<Monitor> MakeZabbix(Section& block, MonitorOptions& options);

namespace {

using enum NoticeState;

const std::array kServices{
    Service{.key = "apprise",
            .states = {kStart, kFinish, kFail, kLog},
            .default_states = {kFail},
            .make = MakeApprise},
    Service{.key = "command",
            .states = {kStart, kFinish, kFail, kLog},
            .default_states = {kStart, kFinish, kFail},
            .make = MakeCommand},
    Service{.key = "cronhub",
            .states = {kStart, kFinish, kFail},
            .default_states = {kStart, kFinish, kFail},
            .superseding = Superseding::kStates,
            .one_state = true,
            .accepts_heartbeat = true,
            .short_form = "ping_url",
            .make = MakeCronhub},
    Service{.key = "cronitor",
            .states = {kStart, kFinish, kFail},
            .default_states = {kStart, kFinish, kFail},
            .superseding = Superseding::kStates,
            .one_state = true,
            .accepts_heartbeat = true,
            .short_form = "ping_url",
            .make = MakeCronitor},
    Service{.key = "healthchecks",
            .states = {kStart, kFinish, kFail, kLog},
            .default_states = {kStart, kFinish, kFail, kLog},
            .superseding = Superseding::kStates,
            .one_state = true,
            .accepts_heartbeat = true,
            .short_form = "ping_url",
            .make = MakeHealthchecks},
    Service{.key = "loki",
            .states = {kStart, kFinish, kFail, kLog},
            .default_states = {kStart, kFinish, kFail, kLog},
            .superseding = Superseding::kNothing,
            .make = MakeLoki},
    Service{.key = "ntfy",
            .states = {kStart, kFinish, kFail},
            .default_states = {kFail},
            .make = MakeNtfy},
    Service{.key = "pagerduty",
            .states = {kFail},
            .default_states = {kFail},
            .superseding = Superseding::kFails,
            .short_form = "integration_key",
            .make = MakePagerduty},
    Service{.key = "pushover",
            .states = {kStart, kFinish, kFail},
            .default_states = {kFail},
            .make = MakePushover},
    Service{.key = "sentry",
            .states = {kStart, kFinish, kFail},
            .default_states = {kStart, kFinish, kFail},
            .superseding = Superseding::kStates,
            .one_state = true,
            .accepts_heartbeat = true,
            .make = MakeSentry},
    Service{.key = "uptime_kuma",
            .states = {kStart, kFinish, kFail},
            .default_states = {kStart, kFinish, kFail},
            .superseding = Superseding::kStates,
            .one_state = true,
            .start_is_good = true,
            .accepts_heartbeat = true,
            .short_form = "push_url",
            .make = MakeUptimeKuma},
    Service{.key = "watchgoose",
            .states = {kStart, kFinish, kFail, kLog},
            .default_states = {kStart, kFinish, kFail, kLog},
            .superseding = Superseding::kStates,
            .one_state = true,
            .accepts_heartbeat = true,
            .short_form = "ping_url",
            .make = MakeWatchgoose},
    Service{.key = "webhook",
            .states = {kStart, kFinish, kFail, kLog},
            .default_states = {kStart, kFinish, kFail},
            .accepts_heartbeat = true,
            .make = MakeWebhook},
    Service{.key = "zabbix",
            .states = {kStart, kFinish, kFail},
            .default_states = {kFail},
            .one_state = true,
            .accepts_heartbeat = true,
            .make = MakeZabbix},
};

}  // namespace

std::span<const Service> Services() { return kServices; }

const Service* ServiceNamed(std::string_view key) {
  const auto* found = std::ranges::find(kServices, key, &Service::key);
  return found == kServices.end() ? nullptr : found;
}

std::shared_ptr<const YamlValue> ExpandShortForm(std::shared_ptr<const YamlValue> value,
                                                 const Service& service) {
  if (value->kind != YamlValue::Kind::kText || service.short_form.empty()) return value;
  auto key = std::make_shared<YamlValue>(*value);
  key->text = service.short_form;
  auto block = std::make_shared<YamlValue>(*value);
  block->kind = YamlValue::Kind::kMap;
  block->children = {std::move(key), std::move(value)};
  return block;
}

std::set<NoticeState> ReadStates(Section& block, const Service& service) {
  const auto names = block.Texts("states");
  if (!names) return service.default_states;
  std::set<NoticeState> states;
  for (const std::string& name : *names) {
    const auto found = std::ranges::find_if(service.states,
                                            [&](NoticeState state) { return Name(state) == name; });
    if (found != service.states.end()) {
      states.insert(*found);
      continue;
    }
    std::string known;
    for (const NoticeState state : service.states) {
      known += (known.empty() ? "" : ", ") + std::string(Name(state));
    }
    block.Note("states", "unknown state " + Quoted(name) + ": " + std::string(service.key) +
                             " supports " + known);
  }
  return states;
}

}  // namespace backup_exporter
