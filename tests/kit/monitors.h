// Monitors from blocks of YAML, notices to tell them, and the recorded requests of borgmatic's
// hooks to hold theirs against.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "delivery/services.h"
#include "kit/fake_transport.h"

namespace backup_exporter {

struct MadeMonitor {
  const Service* service = nullptr;
  std::unique_ptr<Monitor> monitor;
  MonitorOptions options;
  std::set<NoticeState> states;
  std::vector<std::string> mistakes;  // "LINE:COLUMN: text"
};

// The one block in `yaml`, as a user would paste it: "ntfy:\n  topic: x\n".
[[nodiscard]] MadeMonitor MakeMonitor(const std::string& yaml,
                                      const std::string& config_path = "/etc/test/config.yaml");

// A notice of a backup of "home" at 2026-03-01T02:00:07Z, with what that state brings along.
[[nodiscard]] Notice MakeNotice(NoticeState state);

// What a service answers over HTTP where all is well.
[[nodiscard]] HttpAnswer GoodAnswer(std::string_view service);

// What a monitor of the block in `yaml` sends to tell a notice. Fails the test unless the block has
// no mistakes, and the notice is delivered by this one request.
[[nodiscard]] HttpRequest RequestFor(const std::string& yaml, const Notice& notice);
// The same of a monitor that runs programs: the first one.
[[nodiscard]] ChildRequest ChildFor(const std::string& yaml, const Notice& notice);

// What it makes of an answer where it tells a failure.
[[nodiscard]] SendResult SendResultFor(const std::string& yaml, const HttpAnswer& answer);
[[nodiscard]] SendResult SendResultFor(const std::string& yaml, const ChildAnswer& answer);

// One recorded state of one case of tests/testdata/golden/SERVICE.json.
struct GoldenCase {
  std::string name;  // "example_with_logs, fail"
  std::string yaml;
  std::string state;
  nlohmann::json recording;  // all of it, as the README beside the recordings describes
  std::vector<nlohmann::json> requests;
};
[[nodiscard]] std::vector<GoldenCase> GoldenCases(const std::string& service);

// The notice that a recording stands for, with its log as messages.
[[nodiscard]] Notice NoticeOf(const GoldenCase& golden);

// What our monitor sends for a recorded state: nothing for a state that it is not told.
[[nodiscard]] std::vector<HttpRequest> RequestsFor(const GoldenCase& golden);

// What differs between a request and a recorded one, in words, each with its kind in front ("body
// title: …"). Nothing where they are equal by the rules of the recordings. Kinds: method, scheme,
// host, path, query NAME, header NAME, body (text), body KEY (a member of JSON, or a field of a
// form).
[[nodiscard]] std::vector<std::string> Differences(const HttpRequest& request,
                                                   const nlohmann::json& recorded);

// A difference that is meant: the beginning of its words, and why.
struct Allowed {
  std::string difference;
  std::string reason;
};
// Fails the test on every difference of the service's recordings that is not allowed, and on every
// allowance that no recording needs.
void ExpectGolden(const std::string& service, const std::vector<Allowed>& allowed);

}  // namespace backup_exporter
