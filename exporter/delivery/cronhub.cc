// Cronhub (docs.cronhub.io/how-to-ping, an archived copy; borgmatic up to 2.1.6), or a service with
// the same protocol: a GET with the state in its path. Cronhub itself has closed.

#include "delivery/notice_text.h"
#include "delivery/options.h"
#include "delivery/services.h"

namespace backup_exporter {
namespace {

std::string_view Verb(NoticeState state) {
  switch (state) {
    case NoticeState::kStart:
      return "/start/";
    case NoticeState::kFail:
      return "/fail/";
    case NoticeState::kFinish:
    case NoticeState::kResolve:
    case NoticeState::kLog:
      return "/finish/";
  }
  return "/finish/";
}

// `url` with `verb` in place of every /start/ and /ping/.
std::string WithVerb(std::string url, std::string_view verb) {
  for (const std::string_view other : {"/start/", "/ping/"}) {
    for (std::size_t at = 0; (at = url.find(other, at)) != std::string::npos;) {
      url.replace(at, other.size(), verb);
      at += verb.size();
    }
  }
  return url;
}

class Cronhub final : public Monitor {
 public:
  std::string url;

  SendResult Send(const Notice& notice, Transport& transport) override {
    const std::string path = WithVerb(url, Verb(notice.state));
    const HttpAnswer answer = transport.Send({.method = "GET", .url = ExpandUrl(path, notice)});
    SendResult result = JudgeStatus(answer);
    if (result.outcome == Delivery::Outcome::kRefused) {
      result.error += "; Cronhub has closed: is `ping_url` that of a compatible service?";
    }
    return result;
  }
};

}  // namespace

std::unique_ptr<Monitor> MakeCronhub(Section& block, MonitorOptions& options) {
  RequireSecret(block, "ping_url", "the URL to ping, which contains /start/ or /ping/");
  const auto url = ReadUrl(block, "ping_url", options);
  if (!url) return nullptr;
  if (url->find("/start/") == std::string::npos && url->find("/ping/") == std::string::npos) {
    block.Note(block.Has("ping_url") ? "ping_url" : "ping_url_file",
               "`ping_url` must contain /start/ or /ping/: a failure would look like a success");
    return nullptr;
  }
  options.warnings.emplace_back(
      "cronhub: the service has closed; remove the block, unless `ping_url` is that of a "
      "compatible service");
  auto cronhub = std::make_unique<Cronhub>();
  cronhub->url = *url;
  return cronhub;
}

}  // namespace backup_exporter
