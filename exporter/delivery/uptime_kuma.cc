// Uptime Kuma (louislam/uptime-kuma 2.5.3, server/routers/api-router.js): a GET to a push monitor.
//
// Its answer to every error is 404 with a message; whether an error passes is in the message alone.

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/utf8.h"
#include "delivery/notice_text.h"
#include "delivery/options.h"
#include "delivery/ping_url.h"
#include "delivery/services.h"

namespace backup_exporter {
namespace {

constexpr std::size_t kMostMessage = 200;            // characters: it is a cell of a table
constexpr std::size_t kLeastError = 40;              // of these, where there is an error
constexpr std::int64_t kMostPing = 100'000'000'000;  // milliseconds; more is an error to it

// An error takes what the rest leaves: the time and what else is not well come after it.
std::string Message(const Notice& notice) {
  constexpr std::size_t kColon = 2;
  const std::string rest = Describe(notice, 0);
  const auto characters = static_cast<std::size_t>(
      std::ranges::count_if(rest, [](unsigned char byte) { return (byte & 0xC0U) != 0x80U; }));
  const std::size_t taken = std::min(characters + kColon, kMostMessage);
  const std::string text = Describe(notice, std::max(kMostMessage - taken, kLeastError));
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
    // Its pages show the URL with these in the query.
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
    const auto said = nlohmann::json::parse(answer.body, nullptr, false);
    const auto has = [&](const char* key) { return said.is_object() && said.contains(key); };
    if (answer.status == 404) {
      const bool unknown =
          has("msg") && said["msg"].is_string() &&
          said["msg"].get<std::string>().find("not found or not active") != std::string::npos;
      // Without a message it was not Uptime Kuma that answered, but what stands in front of it.
      if (!unknown) return Retry(AttemptFailure::kHttp4xx, InWords(answer));
      return Refused(AttemptFailure::kHttp4xx,
                     InWords(answer) +
                         "; is the token in `push_url` right, and the monitor in "
                         "Uptime Kuma not paused?");
    }
    const bool ok = answer.status == 200 && has("ok") && said["ok"] == true;
    return JudgeAnswer(answer, ok, R"(Uptime Kuma says 200 and {"ok":true})");
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
