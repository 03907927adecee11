// Healthchecks (healthchecks/healthchecks v4.4-dev, templates/docs/http_api.md and
// attaching_logs.md, hc/api/models.py), and Watchgoose, which accepts the same pings
// (borgmatic 2.1.7, docs/reference/configuration/monitoring/watchgoose.md).
//
// The parameter `rid` is the run's UUID, by which the server matches a start and its end. A server
// keeps the beginning of a text, and reports how much (Ping-Body-Limit), so the text begins with a
// description of the notice; the log follows.

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/parse.h"
#include "base/utf8.h"
#include "delivery/notice_text.h"
#include "delivery/options.h"
#include "delivery/ping_url.h"
#include "delivery/services.h"

namespace backup_exporter {
namespace {

constexpr std::int64_t kLargestLimit = 1'000'000'000;
// The default limit of a server; no server accepts less.
constexpr std::size_t kSmallBody = 10'000;
// The web framework answers 400 to a longer body (Django, DATA_UPLOAD_MAX_MEMORY_SIZE).
constexpr std::size_t kFrameworkLimit = 2'621'440;

// The smaller of two limits, of which 0 is none.
std::size_t Smaller(std::size_t a, std::size_t b) {
  return a == 0 || b == 0 ? std::max(a, b) : std::min(a, b);
}

// Whether the path ends in 8-4-4-4-12 letters or digits.
bool EndsInUuid(std::string_view path) {
  constexpr std::size_t kUuid = 36;
  while (path.ends_with('/')) path.remove_suffix(1);
  path.remove_prefix(path.rfind('/') + 1);
  if (path.size() != kUuid) return false;
  for (std::size_t i = 0; i < kUuid; ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const auto byte = static_cast<unsigned char>(path[i]);
    if (dash ? byte != '-' : std::isalnum(byte) == 0) return false;
  }
  return true;
}

std::string_view Suffix(NoticeState state) {
  switch (state) {
    case NoticeState::kStart:
      return "/start";
    case NoticeState::kLog:
      return "/log";
    case NoticeState::kFail:
      return "/fail";
    case NoticeState::kFinish:
    case NoticeState::kResolve:
      return "";
  }
  return "";
}

class Healthchecks final : public Monitor {
 public:
  std::string url;
  bool verify_tls = true;
  bool send_logs = true;
  bool by_uuid = false;      // the URL has a UUID, else a slug
  bool create = false;       // a missing check is created
  bool answers_text = true;  // a success is answered as Healthchecks documents it
  std::size_t configured_limit = 0;

  SendResult Send(const Notice& notice, Transport& transport) override {
    QueryFields fields{{"rid", notice.uid}};
    if (create) fields.emplace_back("create", "1");
    HttpRequest request{
        .url = PingUrl(ExpandUrl(url, notice), Suffix(notice.state), fields),
        .headers = {{"Content-Type", "text/plain; charset=utf-8"}},
        .body = Text(notice, Smaller(configured_limit, server_limit_)),
        .verify_tls = verify_tls,
    };
    HttpAnswer answer = Send(request, transport);
    const std::size_t size = request.body.size();
    const bool too_long = answer.status == 413 || (answer.status == 400 && size > kFrameworkLimit);
    if (too_long && size > 1) {
      // A notice must not be lost because its text is long.
      request.body = Text(notice, Smaller(server_limit_, std::min(size / 2, kSmallBody)));
      answer = Send(request, transport);
    }
    return Judge(answer);
  }

 private:
  HttpAnswer Send(const HttpRequest& request, Transport& transport) {
    HttpAnswer answer = transport.Send(request);
    const auto header = answer.headers.find("ping-body-limit");
    if (header == answer.headers.end()) return answer;
    if (const auto limit = WholeNumber(header->second)) {
      server_limit_ = static_cast<std::size_t>(*limit);
    }
    return answer;
  }

  [[nodiscard]] std::string Text(const Notice& notice, std::size_t limit) const {
    if (notice.state == NoticeState::kStart) return "";
    std::string text = Describe(notice) + "\n";
    if (limit != 0 && text.size() >= limit) return std::string(CutBytes(text, limit));
    if (send_logs) text += LogText(notice, limit == 0 ? 0 : limit - text.size());
    return text;
  }

  [[nodiscard]] std::string_view Advice(int status) const {
    switch (status) {
      case 400:
        return "; a slug in `ping_url` must be in lower case";
      case 404:
        if (by_uuid) return "; no check has the UUID in `ping_url`";
        if (create)
          return "; is the ping key in `ping_url` correct, and does the account have room for one "
                 "more check?";
        return "; no check has the ping key and slug in `ping_url`: create it, or set "
               "`create_slug: true`";
      case 409:
        return "; several checks have the slug in `ping_url`: rename one, or use its UUID";
      default:
        return "";
    }
  }

  [[nodiscard]] SendResult Judge(const HttpAnswer& answer) const {
    const bool documented = (answer.status == 200 && answer.body.starts_with("OK")) ||
                            (answer.status == 201 && answer.body.starts_with("Created"));
    SendResult result = JudgeAnswer(answer, documented || !answers_text,
                                    "Healthchecks answers OK or, with 201, Created");
    result.error += Advice(answer.status);
    if (answer.status == 429 && result.retry_after.empty()) result.pause = kRatePause;
    if (!documented || answer.cut || !answers_text) return result;
    // The hosted service answers 200 to every ping by UUID (bdd/runitor, issue 66).
    if (answer.body.starts_with("OK (not found)")) {
      return Refused(AttemptFailure::kRejected, DescribeAnswer(answer) + std::string(Advice(404)));
    }
    if (answer.body.starts_with("OK (rate limited)")) {
      result = Retry(AttemptFailure::kRateLimited, DescribeAnswer(answer));
      result.pause = kRatePause;
      return result;
    }
    return result;
  }

  // The hosted service accepts 5 pings a minute for a check.
  static constexpr std::chrono::minutes kRatePause{1};

  std::size_t server_limit_ = 0;  // bytes, as the server reported it; 0: none
};

// The differences between the two services.
struct Flavor {
  std::string_view key;
  std::string_view base;
  std::int64_t body_limit;
  bool answers_text;  // Healthchecks documents its answers, Watchgoose does not
};

std::unique_ptr<Monitor> Make(Section& block, MonitorOptions& options, const Flavor& flavor) {
  auto healthchecks = std::make_unique<Healthchecks>();
  RequireSecret(block, "ping_url", "the URL to ping");
  const auto url = ReadUrl(block, "ping_url", options, flavor.base);
  healthchecks->verify_tls = block.Flag("verify_tls").value_or(true);
  healthchecks->send_logs = block.Flag("send_logs").value_or(true);
  healthchecks->configured_limit = static_cast<std::size_t>(
      block.Number("ping_body_limit", 0, kLargestLimit).value_or(flavor.body_limit));
  healthchecks->answers_text = flavor.answers_text;
  healthchecks->create = block.Flag("create_slug").value_or(false);
  options.sends_messages = healthchecks->send_logs;
  if (!url) return nullptr;
  healthchecks->url = *url;
  healthchecks->by_uuid = EndsInUuid(SplitUrl(*url).path);
  if (healthchecks->create && healthchecks->by_uuid) {
    healthchecks->create = false;
    options.warnings.push_back(fmt::format(
        "{}: `create_slug` has no effect, since `ping_url` ends in a UUID, not in a slug",
        flavor.key));
  }
  return healthchecks;
}

}  // namespace

std::unique_ptr<Monitor> MakeHealthchecks(Section& block, MonitorOptions& options) {
  return Make(block, options,
              {.key = "healthchecks",
               .base = "https://hc-ping.com/",
               .body_limit = 100'000,
               .answers_text = true});
}

std::unique_ptr<Monitor> MakeWatchgoose(Section& block, MonitorOptions& options) {
  return Make(block, options,
              {.key = "watchgoose",
               .base = "https://watchgoose.com/",
               .body_limit = 10'000,
               .answers_text = false});
}

}  // namespace backup_exporter
