// Healthchecks (healthchecks/healthchecks v4.4-dev, templates/docs/http_api.md and
// attaching_logs.md, hc/api/models.py), and Watchgoose, which takes the same pings
// (borgmatic 2.1.7, docs/reference/configuration/monitoring/watchgoose.md).
//
// The run's UUID as `rid` tells the server which start an end belongs to. A server keeps the
// beginning of a text and says how much of it (Ping-Body-Limit); so what happened stands first.

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "base/utf8.h"
#include "delivery/notice_text.h"
#include "delivery/options.h"
#include "delivery/ping_url.h"
#include "delivery/services.h"

namespace backup_exporter {
namespace {

constexpr std::int64_t kLargestLimit = 1'000'000'000;
// What a server keeps that was set up without a word about it: no server takes less.
constexpr std::size_t kSmallBody = 10'000;
// A body that is too long for its web framework is a bad request to it (Django,
// DATA_UPLOAD_MAX_MEMORY_SIZE).
constexpr std::size_t kFrameworkLimit = 2'621'440;

// 0 is no limit.
std::size_t Smaller(std::size_t a, std::size_t b) {
  return a == 0 || b == 0 ? std::max(a, b) : std::min(a, b);
}

// 8-4-4-4-12 letters or digits at the end of the path.
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
  bool by_uuid = false;  // else by slug
  bool create = false;   // a check that is not there
  bool answers_text = true;
  std::size_t configured_limit = 0;

  SendResult Send(const Notice& notice, Transport& transport) override {
    QueryFields fields{{"rid", notice.uid}};
    if (create) fields.emplace_back("create", "1");
    HttpRequest request{
        .url = PingUrl(ExpandUrl(url, notice), Suffix(notice.state), fields),
        .headers = {{"Content-Type", "text/plain; charset=utf-8"}},
        .body = Text(notice, Smaller(configured_limit, said_limit_)),
        .verify_tls = verify_tls,
    };
    HttpAnswer answer = Send(request, transport);
    const std::size_t size = request.body.size();
    const bool too_long = answer.status == 413 || (answer.status == 400 && size > kFrameworkLimit);
    if (too_long && size > 1) {
      // The end of a run must not get lost for the length of its text.
      request.body = Text(notice, Smaller(said_limit_, std::min(size / 2, kSmallBody)));
      answer = Send(request, transport);
    }
    return Judge(answer);
  }

 private:
  HttpAnswer Send(const HttpRequest& request, Transport& transport) {
    HttpAnswer answer = transport.Send(request);
    const auto header = answer.headers.find("ping-body-limit");
    if (header == answer.headers.end()) return answer;
    const std::string& text = header->second;
    std::size_t limit = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), limit);
    if (error == std::errc() && end == text.data() + text.size()) said_limit_ = limit;
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
        if (by_uuid) return "; there is no check with the UUID in `ping_url`";
        if (create) return "; is the ping key in `ping_url` right, and room for one more check?";
        return "; there is no check with the ping key and slug in `ping_url`: make it, or set "
               "`create_slug: true`";
      case 409:
        return "; several checks have the slug in `ping_url`: rename one, or use its UUID";
      default:
        return "";
    }
  }

  [[nodiscard]] SendResult Judge(const HttpAnswer& answer) const {
    const bool own = (answer.status == 200 && answer.body.starts_with("OK")) ||
                     (answer.status == 201 && answer.body.starts_with("Created"));
    SendResult result =
        JudgeAnswer(answer, own || !answers_text, "Healthchecks says OK or, with 201, Created");
    result.error += Advice(answer.status);
    if (answer.status == 429 && result.retry_after.empty()) result.pause = kRatePause;
    if (!own || answer.cut || !answers_text) return result;
    // The hosted service says 200 to every ping by UUID (bdd/runitor, issue 66).
    if (answer.body.starts_with("OK (not found)")) {
      return Refused(AttemptFailure::kRejected, InWords(answer) + std::string(Advice(404)));
    }
    if (answer.body.starts_with("OK (rate limited)")) {
      result = Retry(AttemptFailure::kRateLimited, InWords(answer));
      result.pause = kRatePause;
      return result;
    }
    return result;
  }

  // The hosted service takes 5 pings a minute for a check.
  static constexpr std::chrono::minutes kRatePause{1};

  std::size_t said_limit_ = 0;  // by the server
};

// What the two differ in.
struct Flavor {
  std::string_view key;
  std::string_view base;
  std::int64_t body_limit;
  bool answers_text;  // known of Healthchecks; of Watchgoose nothing is
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
    options.warnings.push_back(
        fmt::format("{}: `create_slug` does nothing, for `ping_url` ends in a UUID and in no slug",
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
