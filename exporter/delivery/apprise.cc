// Apprise (caronc/apprise), by its program (tested with 1.2 to 2.3) or by an Apprise API server
// (caronc/apprise-api of 2026-08-20, README.md and apprise_api/api/views.py).
//
// The program exits with 0 if all was sent, with 2 for bad arguments and with 1 for any other
// error. It is run once for each service: for several it has a single exit code, which is 0 even if
// it cannot parse one of the URLs. URLs contain secrets, so they are passed in a private file.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <tuple>

#include "base/utf8.h"
#include "delivery/json_bodies.h"
#include "delivery/notice_text.h"
#include "delivery/options.h"
#include "delivery/services.h"

namespace backup_exporter {
namespace {

constexpr std::int64_t kDefaultLogLimit = 100'000;
constexpr std::int64_t kMostLogLimit = 100'000'000;
constexpr std::size_t kSmallLog = 10'000;    // bytes, after a server found a request too large
constexpr std::size_t kMostTitle = 1000;     // characters: an argument of the program
constexpr std::size_t kMostRemembered = 64;  // notices that are being retried
constexpr std::size_t kShortestPart = 8;     // bytes of a URL's host that is masked by itself
constexpr std::size_t kMostOutput = 300;     // bytes of the program's output in an error

struct Target {
  std::string url;
  std::string label;  // for errors
};

// Configured texts for a state.
struct Wording {
  std::string body;
  std::string title;
};

std::string_view Type(NoticeState state) {
  switch (state) {
    case NoticeState::kFail:
      return "failure";
    case NoticeState::kFinish:
    case NoticeState::kResolve:
      return "success";
    case NoticeState::kStart:
    case NoticeState::kLog:
      return "info";
  }
  return "info";
}

// The first line of the program's output, without its time.
std::string FirstLine(std::string_view output) {
  std::string_view line = output.substr(0, output.find('\n'));
  const std::size_t clock_end = line.find(" - ");
  if (clock_end != line.npos) line.remove_prefix(clock_end + 3);
  return std::string(CutBytes(line, kMostOutput));
}

SendResult JudgeProgram(const ChildAnswer& answer) {
  if (answer.exit_code == 0) return Delivered();
  if (answer.stopped) {
    SendResult result = Retry(AttemptFailure::kConnect, answer.error);
    result.stopped = true;
    return result;
  }
  if (answer.timed_out) return Retry(AttemptFailure::kTimeout, answer.error);
  if (!answer.exit_code) {
    std::string error = answer.error;
    if (error.find(std::strerror(ENOENT)) != error.npos) {
      error +=
          ": install the program (`apt install apprise`, or `pipx install apprise`) so that it is "
          "on the PATH of backup_exporter, or give the `server` of an Apprise API";
    }
    return Retry(AttemptFailure::kRejected, error);
  }
  // With a single URL this message means that the URL is invalid. A retry cannot help, and would
  // delay the notices for the other services.
  const bool unreadable = *answer.exit_code == 1 &&
                          answer.output.find("must specify at least one") != std::string::npos;
  const std::string error = fmt::format(
      "apprise {}: {}",
      unreadable ? "does not understand the URL" : fmt::format("exited with {}", *answer.exit_code),
      answer.output.empty() ? "no message" : FirstLine(answer.output));
  return unreadable || *answer.exit_code == 2 ? Refused(AttemptFailure::kRejected, error)
                                              : Retry(AttemptFailure::kRejected, error);
}

SendResult JudgeServer(const HttpAnswer& answer) {
  if (answer.status == 204) {
    return Refused(AttemptFailure::kRejected, "HTTP 204: no service of the Apprise API matches");
  }
  if (answer.status == 424) {
    return Retry(AttemptFailure::kRejected,
                 "the Apprise API could not notify all services: " + DescribeAnswer(answer));
  }
  return JudgeAnswer(answer, answer.status == 200, "an Apprise API answers 200");
}

class Apprise final : public Monitor {
 public:
  std::vector<Target> targets;
  std::string server;  // empty: the program is used
  std::string key;     // of the configuration stored at the server; empty: `targets` are used
  std::string tags;
  bool sends_logs = true;
  std::size_t log_limit = kDefaultLogLimit;
  std::map<NoticeState, Wording> wordings;

  SendResult Send(const Notice& notice, Transport& transport) override {
    if (!key.empty()) return SendToServer(notice, nullptr, transport);
    // A notice has one result for all services, but must not be sent again to those that accepted
    // it because another one failed. So the final results of a notice are kept in memory while it
    // is retried. After a restart of the exporter, a retried notice is sent to all services again.
    const NoticeKey key_of_notice{notice.id, notice.uid, notice.state};
    std::vector<std::optional<SendResult>> settled(targets.size());
    if (const auto found = settled_.find(key_of_notice); found != settled_.end()) {
      settled = found->second;
    }
    SendResult all = Delivered();
    for (std::size_t i = 0; i < targets.size(); ++i) {
      SendResult result = settled[i]       ? *settled[i]
                          : server.empty() ? RunProgram(notice, targets[i], transport)
                                           : SendToServer(notice, &targets[i], transport);
      if (result.outcome != Delivery::Outcome::kRetry) settled[i] = result;
      result.error = targets[i].label + ": " + result.error;
      Add(result, all);
      if (result.stopped) break;
    }
    settled_.erase(key_of_notice);
    if (all.outcome == Delivery::Outcome::kRetry && notice.id != 0) {
      if (settled_.size() == kMostRemembered) settled_.erase(settled_.begin());
      settled_[key_of_notice] = std::move(settled);
    }
    return all;
  }

 private:
  using NoticeKey = std::tuple<std::int64_t, std::string, NoticeState>;
  // Final results of each target, of notices that are being retried.
  std::map<NoticeKey, std::vector<std::optional<SendResult>>> settled_;

  // Adds a result to that of the whole notice: a retry outweighs a refusal.
  static void Add(const SendResult& result, SendResult& all) {
    using enum Delivery::Outcome;
    if (result.outcome == kDelivered) return;
    const std::string errors = all.error.empty() ? result.error : all.error + "; " + result.error;
    if (all.outcome == kDelivered || (all.outcome == kRefused && result.outcome == kRetry)) {
      all = result;
    }
    all.stopped = all.stopped || result.stopped;
    all.error = errors;
  }

  // A test uses its own text: the configured one could report a failed backup.
  [[nodiscard]] const Wording* WordingFor(const Notice& notice) const {
    const bool resolved = notice.state == NoticeState::kResolve;
    const auto found = wordings.find(resolved ? NoticeState::kFinish : notice.state);
    if (found == wordings.end() || notice.cause == NoticeCause::kTest) return nullptr;
    return &found->second;
  }

  [[nodiscard]] std::string TitleFor(const Notice& notice) const {
    const Wording* wording = WordingFor(notice);
    std::string title = wording == nullptr ? Title(notice) : Expand(wording->title, notice);
    std::erase(title, '\0');
    return std::string(CutCharacters(title, kMostTitle));
  }

  [[nodiscard]] std::string BodyFor(const Notice& notice, std::size_t limit) const {
    const Wording* wording = WordingFor(notice);
    std::string body = wording == nullptr ? "" : Expand(wording->body, notice);
    // Apprise rejects an empty body.
    if (IsBlank(body)) body = Describe(notice);
    const std::string log = sends_logs ? LogText(notice, limit) : "";
    return log.empty() ? body : body + "\n\n" + log;
  }

  [[nodiscard]] SendResult RunProgram(const Notice& notice, const Target& target,
                                      Transport& transport) const {
    // Without --verbose, version 1.2 does not report why it failed. PYTHONUTF8: texts are UTF-8 in
    // any locale.
    return JudgeProgram(transport.Run(
        {.command = {"apprise", "--verbose",
                     fmt::format("--notification-type={}", Type(notice.state)),
                     "--input-format=text", "--title=" + TitleFor(notice), "--config", "{file}"},
         .environment = {"PYTHONUTF8=1"},
         .input = BodyFor(notice, log_limit),
         .secret_file = target.url + "\n"}));
  }

  // `target` is nullptr for the configuration stored at the server.
  [[nodiscard]] SendResult SendToServer(const Notice& notice, const Target* target,
                                        Transport& transport) const {
    HttpRequest request{.url = server + "/notify/" + PercentEncode(key),
                        .headers = {{"Content-Type", "application/json"}}};
    nlohmann::ordered_json body{{"title", TitleFor(notice)},
                                {"body", BodyFor(notice, log_limit)},
                                {"type", Type(notice.state)},
                                {"format", "text"}};
    if (target != nullptr) body["urls"] = target->url;
    if (!tags.empty()) body["tag"] = tags;
    request.body = Dump(body);
    HttpAnswer answer = transport.Send(request);
    if (answer.status == 431) {
      body["body"] = BodyFor(notice, kSmallLog);
      request.body = Dump(body);
      answer = transport.Send(request);
    }
    return JudgeServer(answer);
  }
};

// Masks all parts of an Apprise URL, any of which may be a token.
void MaskUrl(const std::string& url, MonitorOptions& options) {
  const std::size_t scheme_end = url.find("://");
  if (scheme_end == url.npos) return;
  const std::string rest = url.substr(scheme_end + 3);
  const std::string as_http = "https://" + rest;
  options.mask.AddUrl(as_http);
  const std::string host = SplitUrl(as_http).host;
  if (host.size() >= kShortestPart && host.find('.') == host.npos) options.mask.Add(host);
}

void ReadTarget(const YamlValue& item, Section& block, MonitorOptions& options, Apprise& apprise) {
  Section section(item, "a service of apprise", block.errors());
  RequireSecret(section, "url", "an Apprise URL, such as gotify://HOST/TOKEN");
  const auto url = ReadSecret(section, "url", options);
  const auto label = section.Text("label");
  section.RefuseOtherKeys();
  if (!url) return;
  const std::size_t scheme_end = url->find("://");
  if (scheme_end == url->npos || url->find_first_of("\r\n") != url->npos) {
    section.Note(section.Has("url") ? "url" : "url_file",
                 "`url` must be one Apprise URL, such as gotify://HOST/TOKEN");
    return;
  }
  MaskUrl(*url, options);
  apprise.targets.push_back({*url, label.value_or(url->substr(0, scheme_end))});
}

std::optional<Wording> ReadWording(Section& block, std::string_view state) {
  const YamlValue* value = block.Map(state);
  if (value == nullptr) return std::nullopt;
  const std::string name = "`" + std::string(state) + "` of apprise";
  Section section(*value, name, block.errors());
  section.Require("body", "the text to send");
  Wording wording{.body = section.Lines("body").value_or(""),
                  .title = section.Text("title").value_or("")};
  section.RefuseOtherKeys();
  return wording;
}

}  // namespace

std::unique_ptr<Monitor> MakeApprise(Section& block, MonitorOptions& options) {
  auto apprise = std::make_unique<Apprise>();
  const bool stored = block.Has("key") || block.Has("key_file");
  if (!stored) block.Require("services", "a list of `url` and `label`");
  if (const YamlValue* services = block.List("services")) {
    for (const auto& item : services->children) ReadTarget(*item, block, options, *apprise);
    if (services->children.empty()) block.Note("services", "`services` is empty");
    if (stored) block.Note("services", "`services` and `key` cannot be used together");
  }
  apprise->server = ReadUrl(block, "server", options).value_or("");
  while (apprise->server.ends_with('/')) apprise->server.pop_back();
  apprise->key = ReadSecret(block, "key", options).value_or("");
  apprise->tags = block.Text("tags").value_or("");
  if (stored && !block.Has("server") && !block.Has("server_file")) {
    block.Note("key", "`key` needs `server`: the URL of an Apprise API");
  }
  if (!apprise->tags.empty() && !stored) {
    block.Note("tags",
               "`tags` needs `key`: they select from the configuration stored at the `server`");
  }
  apprise->sends_logs = block.Flag("send_logs").value_or(true);
  options.sends_messages = apprise->sends_logs;
  apprise->log_limit = static_cast<std::size_t>(
      block.Number("logs_size_limit", 0, kMostLogLimit).value_or(kDefaultLogLimit));
  for (const NoticeState state :
       {NoticeState::kStart, NoticeState::kFinish, NoticeState::kFail, NoticeState::kLog}) {
    if (auto wording = ReadWording(block, Name(state))) {
      apprise->wordings[state] = std::move(*wording);
    }
  }
  return apprise;
}

}  // namespace backup_exporter
