// PagerDuty Events API v2 (PagerDuty/developer-docs of 2026-08-19, docs/events-API-v2): a failure
// triggers an alert, and a recovery resolves it.
//
// Failures in a row, and a request that is repeated, have the same dedup_key and so are one alert.
// The service silently ignores the resolve of an alert that is not open.

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/units.h"
#include "base/utf8.h"
#include "delivery/json_bodies.h"
#include "delivery/notice_text.h"
#include "delivery/options.h"
#include "delivery/services.h"

namespace backup_exporter {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kMostSummary = 1024;  // characters
constexpr std::size_t kMostKey = 255;       // characters of a dedup_key; bytes are counted here
constexpr std::size_t kMostDetail = 4096;   // bytes; a request must be smaller than 512 KB
constexpr std::size_t kMostLog = 10'000;    // bytes
constexpr std::chrono::seconds kRateLimitPause{30};

// FNV-1a: the same in every version of this program, unlike std::hash.
std::uint64_t Hash(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char byte : text) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  return hash;
}

// With a numeric offset, as in the service's documentation.
std::string Timestamp(Time time) {
  std::string text = FormatExactUtc(time);
  text.pop_back();
  return text + "+00:00";
}

class Pagerduty final : public Monitor {
 public:
  std::string server;
  std::string integration_key;
  std::string hostname;
  std::string config_path;
  bool sends_logs = true;

  SendResult Send(const Notice& notice, Transport& transport) override {
    const HttpAnswer answer = transport.Send({.url = server + "/v2/enqueue",
                                              .headers = {{"Content-Type", "application/json"}},
                                              .body = Dump(Body(notice))});
    SendResult result = JudgeAnswer(answer, answer.status == 202, "PagerDuty answers 202");
    if (answer.status == 429) result.pause = kRateLimitPause;
    if (result.outcome == Delivery::Outcome::kRefused) result.error = DescribeErrors(answer);
    return result;
  }

 private:
  [[nodiscard]] std::string DedupKey(const Notice& notice) const {
    if (notice.cause == NoticeCause::kTest) return "backup_exporter test " + notice.uid;
    const std::string key = ValidUtf8(
        fmt::format("backup_exporter/{}/{}/{}", hostname, notice.backup, Name(notice.operation)));
    if (key.size() <= kMostKey) return key;
    constexpr std::size_t kHash = 17;
    return fmt::format("{}/{:016x}", CutBytes(key, kMostKey - kHash), Hash(key));
  }

  [[nodiscard]] ordered_json Body(const Notice& notice) const {
    const bool trigger = notice.state == NoticeState::kFail;
    ordered_json body{{"routing_key", integration_key},
                      {"event_action", trigger ? "trigger" : "resolve"},
                      {"dedup_key", DedupKey(notice)}};
    if (trigger) body["payload"] = Payload(notice);
    return body;
  }

  [[nodiscard]] ordered_json Payload(const Notice& notice) const {
    const bool test = notice.cause == NoticeCause::kTest;
    const std::string error(CutBytes(ErrorText(notice), kMostDetail));
    const std::string summary =
        fmt::format("{} on {}{}{}", Title(notice), hostname, error.empty() ? "" : ": ", error);
    ordered_json details{
        {"hostname", hostname},
        {"configuration filename", config_path},
        {"server time", Timestamp(notice.at)},
        {"logs", sends_logs ? LogText(notice, kMostLog) : ""},
    };
    if (!test) {
      details["backup"] = CutBytes(ValidUtf8(notice.backup), kMostDetail);
      details["operation"] = Name(notice.operation);
      details["result"] = ResultText(notice);
    }
    details["text"] = CutBytes(Describe(notice), kMostDetail);
    if (!error.empty()) details["error"] = error;
    if (notice.duration) details["duration"] = DurationText(*notice.duration);
    return {
        {"summary", CutCharacters(summary, kMostSummary)},
        {"severity", test ? "info" : "error"},
        {"source", hostname},
        {"timestamp", Timestamp(notice.at)},
        {"component", "backup_exporter"},
        {"group", "backups"},
        {"class", "backup failure"},
        {"custom_details", std::move(details)},
    };
  }
};

}  // namespace

std::unique_ptr<Monitor> MakePagerduty(Section& block, MonitorOptions& options) {
  auto pagerduty = std::make_unique<Pagerduty>();
  RequireSecret(block, "integration_key", "the key of an \"Events API v2\" integration");
  pagerduty->integration_key = ReadSecret(block, "integration_key", options).value_or("");
  pagerduty->server = ReadUrl(block, "server", options).value_or("https://events.pagerduty.com");
  while (pagerduty->server.ends_with('/')) pagerduty->server.pop_back();
  pagerduty->hostname = options.hostname;
  pagerduty->config_path = options.config_path;
  pagerduty->sends_logs = block.Flag("send_logs").value_or(true);
  options.sends_messages = pagerduty->sends_logs;
  return pagerduty;
}

}  // namespace backup_exporter
