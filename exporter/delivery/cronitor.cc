// Cronitor (cronitor.io/docs/telemetry-api; cronitorio/cronitor-cli of 2026-06-02, cmd/root.go): a
// GET for each state.
//
// `series` identifies the run, so that a repeated event does no harm. `stamp` is the time of the
// event, in the form that the service's own client uses.

#include <fmt/format.h>

#include "base/utf8.h"
#include "delivery/notice_text.h"
#include "delivery/options.h"
#include "delivery/ping_url.h"
#include "delivery/services.h"

namespace backup_exporter {
namespace {

// Bytes. The service accepts 2,000 characters, but they are percent-encoded in a URL, whose length
// is limited too.
constexpr std::size_t kMostMessage = 1000;

std::string_view Suffix(NoticeState state) {
  switch (state) {
    case NoticeState::kStart:
      return "/run";
    case NoticeState::kFail:
      return "/fail";
    case NoticeState::kResolve:
      return "/ok";
    case NoticeState::kFinish:
    case NoticeState::kLog:
      return "/complete";
  }
  return "/complete";
}

class Cronitor final : public Monitor {
 public:
  std::string url;
  std::string hostname;

  SendResult Send(const Notice& notice, Transport& transport) override {
    const bool ended = notice.state != NoticeState::kStart;
    const QueryFields fields{
        {"state", ""},  // removed: URLs copied from the service have it, and the path replaces it
        {"series", notice.uid},
        {"stamp", fmt::format("{:.3f}", ToSeconds(notice.at))},
        {"metric", ended && notice.duration
                       ? fmt::format("duration:{:.3f}", ToSeconds(*notice.duration))
                       : ""},
        {"status_code", notice.exit_code ? fmt::to_string(*notice.exit_code) : ""},
        {"message", std::string(CutBytes(Describe(notice), kMostMessage))},
        {"host", hostname},
    };
    const HttpAnswer answer = transport.Send(
        {.method = "GET", .url = PingUrl(ExpandUrl(url, notice), Suffix(notice.state), fields)});
    SendResult result = JudgeStatus(answer);
    if (result.outcome == Delivery::Outcome::kRefused) {
      result.error += "; are the keys in `ping_url` correct, and does the monitor still exist?";
    }
    return result;
  }
};

}  // namespace

std::unique_ptr<Monitor> MakeCronitor(Section& block, MonitorOptions& options) {
  RequireSecret(block, "ping_url", "the URL of the monitor, without a state");
  const auto url = ReadUrl(block, "ping_url", options);
  if (!url) return nullptr;
  auto cronitor = std::make_unique<Cronitor>();
  cronitor->url = *url;
  cronitor->hostname = options.hostname;
  return cronitor;
}

}  // namespace backup_exporter
