// Sentry crons (getsentry/relay, relay-server/src/endpoints/monitor.rs; getsentry/sentry-docs,
// docs/product/crons/getting-started/http): a check-in for each state.
//
// `check_in_id` is the run's UUID, so that a repeated or late check-in does no harm. The service
// answers 202 even if it drops the check-in.

#include <fmt/format.h>

#include "base/utf8.h"
#include "delivery/notice_text.h"
#include "delivery/options.h"
#include "delivery/ping_url.h"
#include "delivery/services.h"

namespace backup_exporter {
namespace {

constexpr std::size_t kMostSlug = 50;  // characters that the service stores

std::string_view Status(NoticeState state) {
  switch (state) {
    case NoticeState::kStart:
      return "in_progress";
    case NoticeState::kFail:
      return "error";
    case NoticeState::kFinish:
    case NoticeState::kResolve:
    case NoticeState::kLog:
      return "ok";
  }
  return "ok";
}

// A data source name: https://KEY[:SECRET]@HOST[/PATH]/PROJECT. Only old ones have a secret, which
// is not needed.
struct Dsn {
  std::string project_url;  // https://HOST[/PATH]/api/PROJECT
  std::string key;
};

std::optional<Dsn> ParseDsn(std::string_view text) {
  const UrlParts parts = SplitUrl(text);
  std::string path = parts.path;
  while (path.ends_with('/')) path.pop_back();
  const std::size_t slash = path.rfind('/');
  const std::string key = parts.user_info.substr(0, parts.user_info.find(':'));
  if (parts.scheme.empty() || key.empty() || slash == std::string::npos) return std::nullopt;
  return Dsn{.project_url = parts.scheme + "://" + parts.host + path.substr(0, slash) + "/api" +
                            path.substr(slash),
             .key = key};
}

class Sentry final : public Monitor {
 public:
  Dsn dsn;
  std::string slug;
  std::string environment;  // empty: the service's default

  SendResult Send(const Notice& notice, Transport& transport) override {
    const std::string expanded = ExpandUrl(slug, notice);
    const std::string url = fmt::format("{}/cron/{}/{}", dsn.project_url,
                                        PercentEncode(CutCharacters(expanded, kMostSlug)), dsn.key);
    const bool ended = notice.state != NoticeState::kStart;
    const QueryFields fields{
        {"status", std::string(Status(notice.state))},
        {"check_in_id", notice.uid},
        {"environment", environment},
        {"duration",
         ended && notice.duration ? fmt::format("{:.3f}", ToSeconds(*notice.duration)) : ""},
    };
    const HttpAnswer answer = transport.Send({.url = PingUrl(url, "/", fields)});
    SendResult result = JudgeAnswer(answer, answer.status == 202, "Sentry answers 202");
    if (result.outcome == Delivery::Outcome::kRefused) {
      result.error += "; is `data_source_name_url` the DSN of the project, and its key enabled?";
    }
    return result;
  }
};

}  // namespace

std::unique_ptr<Monitor> MakeSentry(Section& block, MonitorOptions& options) {
  auto sentry = std::make_unique<Sentry>();
  RequireSecret(block, "data_source_name_url", "the DSN of the project");
  block.Require("monitor_slug", "the slug of the cron monitor");
  const auto text = ReadSecret(block, "data_source_name_url", options);
  const auto slug = block.Text("monitor_slug");
  sentry->environment = block.Text("environment").value_or("");
  const auto dsn = text ? ParseDsn(*text) : std::nullopt;
  if (text && !dsn) {
    block.Note(
        block.Has("data_source_name_url") ? "data_source_name_url" : "data_source_name_url_file",
        "`data_source_name_url` must be a DSN: https://KEY@HOST/PROJECT");
  }
  if (!dsn || !slug) return nullptr;
  options.mask.AddUrl(*text);
  options.mask.Add(dsn->key);
  NotePlaceholders(*slug, options);
  sentry->dsn = *dsn;
  sentry->slug = *slug;
  return sentry;
}

}  // namespace backup_exporter
