// Apprise (caronc/apprise): through its program (1.2 to 2.3 tried), or through an Apprise API
// server (caronc/apprise-api of 2026-08-20, README.md and apprise_api/api/views.py).
//
// The program is run once for each service: for several it has one exit code, which is 0 beside a
// URL that it cannot read. It exits with 0 when all is sent, with 2 for bad arguments and with 1
// for all else. URLs hold secrets, so they are in a file that only the program can read.

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
constexpr std::size_t kSmallLog = 10'000;    // bytes, where a server found a request too large
constexpr std::size_t kMostTitle = 1000;     // characters: it is an argument of a program
constexpr std::size_t kMostRemembered = 64;  // notices
constexpr std::size_t kShortestPart = 8;     // of a URL, to be masked by itself
constexpr std::size_t kMostOutput = 300;     // bytes of the program's words in an error

struct Target {
  std::string url;
  std::string label;  // for errors
};

// What a person may have configured for a state.
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

// The first line that the program wrote, without its clock.
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
  // With one URL this says that it cannot be read: no repeat makes it better, and what waits behind
  // it is for other services too.
  const bool unreadable = *answer.exit_code == 1 &&
                          answer.output.find("must specify at least one") != std::string::npos;
  const std::string error = fmt::format(
      "apprise {}: {}",
      unreadable ? "cannot read the URL" : fmt::format("exited with {}", *answer.exit_code),
      answer.output.empty() ? "it does not say why" : FirstLine(answer.output));
  return unreadable || *answer.exit_code == 2 ? Refused(AttemptFailure::kRejected, error)
                                              : Retry(AttemptFailure::kRejected, error);
}

SendResult JudgeServer(const HttpAnswer& answer) {
  if (answer.status == 204) {
    return Refused(AttemptFailure::kRejected,
                   "HTTP 204: the Apprise API has no service that this is for");
  }
  if (answer.status == 424) {
    return Retry(AttemptFailure::kRejected,
                 "the Apprise API could not tell all: " + InWords(answer));
  }
  return JudgeAnswer(answer, answer.status == 200, "an Apprise API says 200");
}

class Apprise final : public Monitor {
 public:
  std::vector<Target> targets;
  std::string server;  // empty: the program is used
  std::string key;     // of what is stored at the server; empty: `targets` are told
  std::string tags;
  bool sends_logs = true;
  std::size_t log_limit = kDefaultLogLimit;
  std::map<NoticeState, Wording> wordings;

  SendResult Send(const Notice& notice, Transport& transport) override {
    if (!key.empty()) return SendToServer(notice, nullptr, transport);
    // One result is for all services, and what one of them has accepted must not be repeated
    // because another failed. So what they said to a notice is kept, in memory, for as long as it
    // is retried: after a restart of the exporter the notice goes to all of them once more.
    const Tried tried{notice.id, notice.uid, notice.state};
    std::vector<std::optional<SendResult>> settled(targets.size());
    if (const auto found = settled_.find(tried); found != settled_.end()) settled = found->second;
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
    settled_.erase(tried);
    if (all.outcome == Delivery::Outcome::kRetry && notice.id != 0) {
      if (settled_.size() == kMostRemembered) settled_.erase(settled_.begin());
      settled_[tried] = std::move(settled);
    }
    return all;
  }

 private:
  using Tried = std::tuple<std::int64_t, std::string, NoticeState>;
  std::map<Tried, std::vector<std::optional<SendResult>>> settled_;

  // One that is to be repeated outweighs one that is refused.
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

  // A test says that it is one, and not that a backup failed.
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
    // Apprise takes no body that is empty.
    if (IsBlank(body)) body = Describe(notice);
    const std::string log = sends_logs ? LogText(notice, limit) : "";
    return log.empty() ? body : body + "\n\n" + log;
  }

  [[nodiscard]] SendResult RunProgram(const Notice& notice, const Target& target,
                                      Transport& transport) const {
    // --verbose: otherwise 1.2 does not say why it failed. Whatever the locale, texts are UTF-8.
    return JudgeProgram(transport.Run(
        {.command = {"apprise", "--verbose",
                     fmt::format("--notification-type={}", Type(notice.state)),
                     "--input-format=text", "--title=" + TitleFor(notice), "--config", "{file}"},
         .environment = {"PYTHONUTF8=1"},
         .input = BodyFor(notice, log_limit),
         .secret_file = target.url + "\n"}));
  }

  // `target` is nullptr for what is stored at the server.
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

// Apprise URLs have tokens in all their parts.
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
  RequireSecret(section, "url", "where to, such as gotify://HOST/TOKEN");
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
    if (stored) block.Note("services", "`services` and `key` are one too many");
  }
  apprise->server = ReadUrl(block, "server", options).value_or("");
  while (apprise->server.ends_with('/')) apprise->server.pop_back();
  apprise->key = ReadSecret(block, "key", options).value_or("");
  apprise->tags = block.Text("tags").value_or("");
  if (stored && !block.Has("server") && !block.Has("server_file")) {
    block.Note("key", "`key` needs `server`: the URL of an Apprise API");
  }
  if (!apprise->tags.empty() && !stored) {
    block.Note("tags", "`tags` needs `key`: they choose from what is stored at the `server`");
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
