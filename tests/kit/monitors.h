// Monitors made from blocks of YAML, notices for them, and the recorded requests of borgmatic's
// hooks, with which theirs are compared.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <span>
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
  std::vector<std::string> errors;  // "LINE:COLUMN: text"
};

// The one block in `yaml`, as a user would paste it: "ntfy:\n  topic: x\n".
[[nodiscard]] MadeMonitor MakeMonitor(const std::string& yaml,
                                      const std::string& config_path = "/etc/test/config.yaml");

// A notice of a backup of "home" at 2026-03-01T02:00:07Z, with the values of its state.
[[nodiscard]] Notice MakeNotice(NoticeState state);

// What the tests over every service need of one. Each row of Services() needs one of these.
struct ServiceSample {
  std::string_view key;
  std::string_view block;  // YAML; {} stands for the URL of a server, if it uses HTTP
  HttpAnswer good_answer = {.status = 200, .body = "OK"};  // of the service to a success

  [[nodiscard]] bool uses_http() const { return block.find("{}") != block.npos; }
  // The block with the URL of a server.
  [[nodiscard]] std::string BlockAt(std::string url) const;
};
[[nodiscard]] std::span<const ServiceSample> ServiceSamples();
// Fails the test if there is none.
[[nodiscard]] const ServiceSample& SampleOf(std::string_view service);
// The answer of a service to a success.
[[nodiscard]] HttpAnswer GoodAnswer(std::string_view service);

// The request by which a monitor of the block in `yaml` sends a notice. Fails the test if the block
// has errors, or if this one request does not deliver the notice.
[[nodiscard]] HttpRequest RequestFor(const std::string& yaml, const Notice& notice);
// The same for a monitor that runs programs: the first one.
[[nodiscard]] ChildRequest ChildFor(const std::string& yaml, const Notice& notice);

// How it judges an answer to a failure notice.
[[nodiscard]] SendResult SendResultFor(const std::string& yaml, const HttpAnswer& answer);
[[nodiscard]] SendResult SendResultFor(const std::string& yaml, const ChildAnswer& answer);

// One recorded state of one case of tests/testdata/golden/SERVICE.json.
struct GoldenCase {
  std::string name;  // "example_with_logs, fail"
  std::string yaml;
  std::string state;
  nlohmann::json recording;  // as the README beside the recordings describes it
  std::vector<nlohmann::json> requests;
};
[[nodiscard]] std::vector<GoldenCase> GoldenCases(const std::string& service);

// The notice that corresponds to a recording, with its log as messages.
[[nodiscard]] Notice NoticeOf(const GoldenCase& golden);

// The requests of our monitor for a recorded state; none for a state that it does not support.
[[nodiscard]] std::vector<HttpRequest> RequestsFor(const GoldenCase& golden);

// The differences between a request and a recorded one, each beginning with its kind ("body title:
// …"). None if they are equal by the rules of the recordings. Kinds: method, scheme, host, path,
// query NAME, header NAME, body (text), body KEY (a member of JSON, or a field of a form).
[[nodiscard]] std::vector<std::string> Differences(const HttpRequest& request,
                                                   const nlohmann::json& recorded);

// An intended difference: the beginning of its text, and the reason.
struct Allowed {
  std::string difference;
  std::string reason;
};
// Compares the requests of a service with its recordings. Fails the test on every difference that
// is not allowed, and on every allowance that no recording needs.
void ExpectGolden(const std::string& service, const std::vector<Allowed>& allowed);

}  // namespace backup_exporter
