// Uptime Kuma (louislam/uptime-kuma 2.5.3, server/routers/api-router.js): a GET to a push monitor.
//
// The answer to every error is 404 with a message. Only the message shows whether the error is
// permanent.

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/utf8.h"
#include "delivery/notice_text.h"
#include "delivery/options.h"
#include "delivery/ping_url.h"
#include "delivery/services.h"

namespace backup_exporter {
namespace {

constexpr std::size_t kMostMessage = 200;            // characters: it is shown in a table cell
constexpr std::size_t kLeastError = 40;              // characters of an error that are always shown
constexpr std::int64_t kMostPing = 100'000'000'000;  // milliseconds; the service refuses more

// The error is cut so that the time and the list of other failing backups, which follow it, fit.
std::string Message(const Notice& notice) {
  constexpr std::size_t kColon = 2;
  const std::string rest = Describe(notice, 0);
  const auto characters = static_cast<std::size_t>(
      std::ranges::count_if(rest, [](unsigned char byte) { return (byte & 0xC0U) != 0x80U; }));
  const std::size_t used = std::min(characters + kColon, kMostMessage);
  const std::string text = Describe(notice, std::max(kMostMessage - used, kLeastError));
  return std::string(CutCharacters(text, kMostMessage));
}

class UptimeKuma final : public Monitor {
 public:
  std::string url;
  bool verify_tls = true;

  SendResult Send(const Notice& notice, Transport& transport) override {
    std::string ping;
    if (notice.state != NoticeState::kStart && notice.duration) {
      const auto milliseconds = std::chrono::round<std::chrono::milliseconds>(*notice.duration);
      ping = fmt::to_string(std::clamp<std::int64_t>(milliseconds.count(), 0, kMostPing));
    }
    // The service shows the push URL with these fields already in its query.
    const QueryFields fields{
        {"status", notice.state == NoticeState::kFail ? "down" : "up"},
        {"msg", Message(notice)},
        {"ping", ping},
    };
    return Judge(transport.Send({.method = "GET",
                                 .url = PingUrl(ExpandUrl(url, notice), "", fields),
                                 .verify_tls = verify_tls}));
  }

 private:
  static SendResult Judge(const HttpAnswer& answer) {
    const Json body = ParseJson(answer.body).value_or(Json());
    const auto has = [&](const char* key) { return body.is_object() && body.contains(key); };
    if (answer.status == 404) {
      const bool unknown =
          has("msg") && body["msg"].is_string() &&
          body["msg"].get<std::string>().find("not found or not active") != std::string::npos;
      // Without such a message, a proxy in front of Uptime Kuma may have answered.
      if (!unknown) return Retry(AttemptFailure::kHttp4xx, DescribeAnswer(answer));
      return Refused(AttemptFailure::kHttp4xx,
                     DescribeAnswer(answer) +
                         "; is the token in `push_url` correct, and is the monitor in "
                         "Uptime Kuma active?");
    }
    const bool ok = answer.status == 200 && has("ok") && body["ok"] == true;
    return JudgeAnswer(answer, ok, R"(Uptime Kuma answers 200 and {"ok":true})");
  }
};

}  // namespace

std::unique_ptr<Monitor> MakeUptimeKuma(Section& block, MonitorOptions& options) {
  auto kuma = std::make_unique<UptimeKuma>();
  RequireSecret(block, "push_url", "the push URL of the monitor");
  const auto url = ReadUrl(block, "push_url", options);
  kuma->verify_tls = block.Flag("verify_tls").value_or(true);
  if (!url) return nullptr;
  kuma->url = *url;
  return kuma;
}

}  // namespace backup_exporter
