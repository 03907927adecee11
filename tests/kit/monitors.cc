#include "kit/monitors.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <map>

#include "base/yaml.h"
#include "kit/paths.h"

namespace backup_exporter {
namespace {

using nlohmann::json;

// The value of a key of a map; nullptr without one.
const YamlValue* Find(const YamlValue& map, std::string_view key) {
  for (std::size_t i = 0; i + 1 < map.children.size(); i += 2) {
    if (map.children[i]->text == key) return map.children[i + 1].get();
  }
  return nullptr;
}

std::string Decoded(std::string_view text, bool form) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      decoded += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      decoded += form && text[i] == '+' ? ' ' : text[i];
    }
  }
  return decoded;
}

using Pairs = std::vector<std::pair<std::string, std::string>>;

Pairs Fields(std::string_view text) {
  Pairs fields;
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), pair.size() + 1));
    const std::size_t equals = pair.find('=');
    fields.emplace_back(Decoded(pair.substr(0, equals), true),
                        equals == pair.npos ? "" : Decoded(pair.substr(equals + 1), true));
  }
  return fields;
}

std::string Header(const HttpRequest& request, std::string_view name) {
  for (const auto& [own, value] : request.headers) {
    const bool same = std::ranges::equal(own, name, [](unsigned char a, unsigned char b) {
      return std::tolower(a) == std::tolower(b);
    });
    if (same) return value;
  }
  return "";
}

class Comparison {
 public:
  std::vector<std::string> differences;

  void Compare(const std::string& kind, const std::string& ours, const std::string& recorded) {
    if (ours != recorded) Add(kind, ours, recorded);
  }
  void Compare(const std::string& kind, const Pairs& ours, const Pairs& recorded) {
    std::map<std::string, std::string> theirs(recorded.begin(), recorded.end());
    for (const auto& [name, value] : ours) {
      const auto one = theirs.find(name);
      if (one == theirs.end()) {
        Add(kind + " " + name, value, "nothing");
      } else if (one->second != value) {
        Add(kind + " " + name, value, one->second);
      }
      theirs.erase(name);
    }
    for (const auto& [name, value] : theirs) Add(kind + " " + name, "nothing", value);
  }
  // Members of nested objects are named by their path.
  void Compare(const std::string& kind, const json& ours, const json& recorded) {
    if (!ours.is_object() || !recorded.is_object()) {
      if (ours != recorded) Add(kind, ours.dump(), recorded.dump());
      return;
    }
    json all = recorded;
    all.update(ours);
    for (const auto& [key, value] : all.items()) {
      Compare(kind + (kind == "body" ? " " : ".") + key,
              ours.contains(key) ? ours[key] : json("nothing"),
              recorded.contains(key) ? recorded[key] : json("nothing"));
    }
  }

 private:
  void Add(const std::string& kind, const std::string& ours, const std::string& recorded) {
    differences.push_back(fmt::format("{}: ours {}, recorded {}", kind, ours, recorded));
  }
};

void ExpectDelivered(const std::string& yaml, const Notice& notice, FakeTransport& transport) {
  const MadeMonitor made = MakeMonitor(yaml);
  EXPECT_EQ(made.errors, std::vector<std::string>());
  EXPECT_EQ(made.monitor->Send(notice, transport).outcome, Delivery::Outcome::kDelivered);
}

}  // namespace

MadeMonitor MakeMonitor(const std::string& yaml, const std::string& config_path) {
  MadeMonitor made;
  ConfigErrors errors("");
  const auto root = ParseYaml(yaml, errors);
  const YamlValue* hooks = root ? Find(*root, "hooks") : nullptr;
  const YamlValue* map = hooks != nullptr ? hooks : root.get();
  std::shared_ptr<const YamlValue> block;
  for (const Service& service : Services()) {
    const YamlValue* value = map != nullptr ? Find(*map, service.key) : nullptr;
    if (value == nullptr) continue;
    made.service = &service;
    block = ExpandShortForm(std::make_shared<const YamlValue>(*value), service);
  }
  if (made.service != nullptr) {
    made.options.config_path = config_path;
    made.options.hostname = "backup-host-1";
    Section section(*block, made.service->key, errors);
    made.states = ReadStates(section, *made.service);
    made.monitor = made.service->make(section, made.options);
    section.RefuseOtherKeys();
  }
  for (const ConfigError& error : errors.Sorted()) {
    made.errors.push_back(fmt::format("{}:{}: {}", error.line, error.column, error.text));
  }
  return made;
}

Notice MakeNotice(NoticeState state) {
  const Time end = *ParseRfc3339("2026-03-01T02:00:07Z");
  Notice notice{.state = state,
                .uid = "0d6c1d2e-3a65-4c5b-9d0e-6f8a7b9c0d1e",
                .backup = "home",
                .at = end,
                .started = end - std::chrono::seconds(7)};
  if (state == NoticeState::kStart) {
    notice.at = *notice.started;
    return notice;
  }
  notice.duration = std::chrono::seconds(7);
  notice.result = RunResult::kSuccess;
  notice.figures.added_bytes = 1536;
  if (state != NoticeState::kFail) return notice;
  notice.result = RunResult::kFailure;
  notice.reason = Reason::kLocked;
  notice.error = "repository is already locked";
  notice.exit_code = 2;
  notice.failures = 1;
  return notice;
}

HttpRequest RequestFor(const std::string& yaml, const Notice& notice) {
  FakeTransport transport;
  const std::string service = yaml.substr(0, yaml.find(':'));
  transport.http = [&](const HttpRequest&) { return GoodAnswer(service); };
  ExpectDelivered(yaml, notice, transport);
  EXPECT_EQ(transport.requests.size(), 1U);
  return transport.requests.at(0);
}

ChildRequest ChildFor(const std::string& yaml, const Notice& notice) {
  FakeTransport transport;
  ExpectDelivered(yaml, notice, transport);
  return transport.children.at(0);
}

SendResult SendResultFor(const std::string& yaml, const HttpAnswer& answer) {
  FakeTransport transport;
  transport.http = [&](const HttpRequest&) { return answer; };
  return MakeMonitor(yaml).monitor->Send(MakeNotice(NoticeState::kFail), transport);
}

SendResult SendResultFor(const std::string& yaml, const ChildAnswer& answer) {
  FakeTransport transport;
  transport.child = [&](const ChildRequest&) { return answer; };
  return MakeMonitor(yaml).monitor->Send(MakeNotice(NoticeState::kFail), transport);
}

std::vector<GoldenCase> GoldenCases(const std::string& service) {
  std::ifstream file(std::string(kTestdataDir) + "/golden/" + service + ".json");
  const json all = json::parse(file);
  std::vector<GoldenCase> cases;
  for (const json& recording : all["recordings"]) {
    GoldenCase one{.yaml = recording["config_yaml"],
                   .state = recording["state"],
                   .recording = recording,
                   .requests = recording["requests"]};
    one.name = recording["case"].get<std::string>() + ", " + one.state;
    cases.push_back(std::move(one));
  }
  return cases;
}

Notice NoticeOf(const GoldenCase& golden) {
  const auto time_of = [](const json& nanoseconds) {
    return Time(std::chrono::floor<Duration>(
        std::chrono::nanoseconds(std::stoll(nanoseconds.get<std::string>()))));
  };
  const std::map<std::string, NoticeState> states{{"start", NoticeState::kStart},
                                                  {"log", NoticeState::kLog},
                                                  {"finish", NoticeState::kFinish},
                                                  {"fail", NoticeState::kFail}};
  Notice notice = MakeNotice(states.at(golden.state));
  const json& context = golden.recording["context"];
  notice.started = time_of(context["start_time_ns"]);
  notice.at = time_of(context[golden.state == "start" ? "start_time_ns" : "end_time_ns"]);
  if (golden.state != "start") notice.duration = notice.at - *notice.started;
  const int verbosity = context["monitoring_verbosity"];
  for (const json& record : golden.recording["log"]) {
    const std::string level = record["level"];
    const bool debug = level == "DEBUG";
    const bool info = level == "INFO";
    const bool warning = level == "WARNING" || level == "ANSWER";
    if (verbosity < (debug ? 2 : info ? 1 : warning ? 0 : -1)) continue;
    notice.messages.push_back({.at = time_of(record["time_ns"]),
                               .level = debug     ? Level::kDebug
                                        : info    ? Level::kInfo
                                        : warning ? Level::kWarning
                                                  : Level::kError,
                               .text = record["message"]});
  }
  if (golden.state == "start") notice.messages.clear();
  return notice;
}

std::span<const ServiceSample> ServiceSamples() {
  static const std::array kSamples{
      ServiceSample{"apprise", "apprise: {server: '{}', services: [{url: 'json://x', label: x}]}"},
      ServiceSample{"command", "command: {command: [program]}"},
      ServiceSample{"cronhub", "cronhub: '{}/start/1f5e3410-254c-11e8-b61d-55875966d031'"},
      ServiceSample{"cronitor", "cronitor: '{}/d3x0c1'"},
      ServiceSample{"healthchecks", "healthchecks: '{}/ping/addffa72-da17-40ae-be9c-ff591afb942a'"},
      ServiceSample{
          "loki", "loki: {url: '{}/loki/api/v1/push', labels: {app: b}}", {.status = 204}},
      ServiceSample{"ntfy",
                    "ntfy: {topic: t, server: '{}'}",
                    {.status = 200, .body = R"({"id":"x","event":"message"})"}},
      ServiceSample{"pagerduty",
                    "pagerduty: {integration_key: k, server: '{}'}",
                    {.status = 202, .body = R"({"status":"success"})"}},
      ServiceSample{"pushover",
                    "pushover: {token: t, user: u, server: '{}'}",
                    {.status = 200, .body = R"({"status":1})"}},
      ServiceSample{"sentry",
                    "sentry: {data_source_name_url: '{}/203069', monitor_slug: s}",
                    {.status = 202}},
      ServiceSample{"uptime_kuma",
                    "uptime_kuma: '{}/api/push/abcd1234'",
                    {.status = 200, .body = R"({"ok":true})"}},
      ServiceSample{"watchgoose", "watchgoose: '{}/ping/addffa72-da17-40ae-be9c-ff591afb942a'"},
      ServiceSample{"webhook", "webhook: {url: '{}/x'}"},
      ServiceSample{
          "zabbix",
          "zabbix: {server: '{}/api_jsonrpc.php', api_key: k, host: h, key: i}",
          {.status = 200,
           .body = R"({"jsonrpc":"2.0","result":{"response":"success","data":[{"itemid":"1"}]}})"}},
  };
  return kSamples;
}

std::string ServiceSample::BlockAt(std::string url) const {
  // A DSN has its key in front of the host.
  if (key == "sentry") url.insert(url.find("//") + 2, "5f80ec@");
  std::string yaml(block);
  if (uses_http()) yaml.replace(yaml.find("{}"), 2, url);
  return yaml;
}

const ServiceSample& SampleOf(std::string_view service) {
  static const ServiceSample kNone{};
  const auto samples = ServiceSamples();
  const auto found = std::ranges::find(samples, service, &ServiceSample::key);
  if (found != samples.end()) return *found;
  ADD_FAILURE() << "add a row for " << service << " to ServiceSamples() in tests/kit/monitors.cc";
  return kNone;
}

HttpAnswer GoodAnswer(std::string_view service) { return SampleOf(service).good_answer; }

std::vector<HttpRequest> RequestsFor(const GoldenCase& golden) {
  const std::string path = golden.recording["context"]["config_path"];
  MadeMonitor made = MakeMonitor(golden.yaml, path);
  EXPECT_EQ(made.errors, std::vector<std::string>{}) << golden.yaml;
  if (!made.monitor) return {};
  const Notice notice = NoticeOf(golden);
  if (!made.states.contains(notice.state)) return {};
  FakeTransport transport;
  std::size_t number = 0;
  transport.http = [&](const HttpRequest&) {
    HttpAnswer answer = GoodAnswer(made.service->key);
    if (number == golden.requests.size()) return answer;
    const json& reply = golden.requests[number++]["reply"];
    // The recorded program accepted "OK" as a success, whatever the service really answers.
    if (reply["body"] == "OK") return answer;
    answer.status = reply["status"];
    answer.body =
        reply["body"].is_string() ? reply["body"].get<std::string>() : reply["body"].dump();
    return answer;
  };
  const SendResult result = made.monitor->Send(notice, transport);
  EXPECT_EQ(result.outcome, Delivery::Outcome::kDelivered) << golden.name << result.error;
  return transport.requests;
}

std::vector<std::string> Differences(const HttpRequest& request, const json& recorded) {
  Comparison comparison;
  const UrlParts url = SplitUrl(request.url);
  comparison.Compare("method", request.method, recorded["method"].get<std::string>());
  comparison.Compare("scheme", url.scheme, recorded["scheme"].get<std::string>());
  comparison.Compare("host", url.host, recorded["host"].get<std::string>());
  comparison.Compare("path", url.path.empty() ? "/" : url.path,
                     recorded["path"].get<std::string>());
  Pairs query;
  for (const json& pair : recorded["query"]) query.emplace_back(pair[0], pair[1]);
  comparison.Compare("query", Fields(url.query), query);
  std::string authorization = Header(request, "Authorization");
  const std::size_t colon = url.user_info.find(':');
  if (authorization.empty() && colon != std::string::npos) {
    authorization = BasicAuthorization(Decoded(url.user_info.substr(0, colon), false),
                                       Decoded(url.user_info.substr(colon + 1), false));
  }
  std::string type;
  std::string their_authorization;
  for (const auto& [name, value] : recorded["headers"].items()) {
    const std::string text = value;
    if (name == "Authorization") their_authorization = text;
    if (name == "Content-Type" || name == "Content-type") type = text;
  }
  comparison.Compare("header Authorization", authorization, their_authorization);
  if (!type.empty())
    comparison.Compare("header Content-Type", Header(request, "Content-Type"), type);

  const json& body = recorded["body"];
  if (body.is_null()) {
    comparison.Compare("body", request.body, recorded.value("body_text", ""));
  } else if (type.starts_with("application/x-www-form-urlencoded")) {
    Pairs fields;
    for (const auto& [name, value] : body.items()) {
      fields.emplace_back(name, value.is_string() ? value.get<std::string>() : value.dump());
    }
    comparison.Compare("body", Fields(request.body), fields);
  } else {
    const json ours = json::parse(request.body, nullptr, false);
    comparison.Compare("body", ours.is_discarded() ? json(request.body) : ours, body);
  }
  return comparison.differences;
}

void ExpectGolden(const std::string& service, const std::vector<Allowed>& allowed) {
  std::set<std::string> needed;
  std::size_t compared = 0;
  const auto is_allowed = [&](const std::string& difference) {
    for (const Allowed& one : allowed) {
      if (!difference.starts_with(one.difference)) continue;
      needed.insert(one.difference);
      return true;
    }
    return false;
  };
  for (const GoldenCase& golden : GoldenCases(service)) {
    SCOPED_TRACE(service + ", " + golden.name);
    const std::vector<HttpRequest> ours = RequestsFor(golden);
    if (ours.size() != golden.requests.size()) {
      const std::string difference =
          fmt::format("requests: ours {}, recorded {}", ours.size(), golden.requests.size());
      EXPECT_TRUE(is_allowed(difference)) << difference;
    }
    for (std::size_t i = 0; i < std::min(ours.size(), golden.requests.size()); ++i) {
      ++compared;
      for (const std::string& difference : Differences(ours[i], golden.requests[i])) {
        EXPECT_TRUE(is_allowed(difference)) << difference;
      }
    }
  }
  EXPECT_GT(compared, 0U);
  for (const Allowed& one : allowed) {
    EXPECT_TRUE(needed.contains(one.difference))
        << "allowed and not needed: " << one.difference << " (" << one.reason << ")";
  }
}

}  // namespace backup_exporter
