// ntfy (binwiederhier/ntfy 2.13, docs/publish.md "Publish as JSON"): a message is posted to the
// server's base URL. 200 means that it was stored.
//
// 401 is not retried, since the server limits failed logins. 429 has no Retry-After header; the
// daily quota of the hosted service is reset at midnight UTC.

#include <fmt/format.h>

#include <array>
#include <map>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/utf8.h"
#include "delivery/json_bodies.h"
#include "delivery/notice_text.h"
#include "delivery/options.h"
#include "delivery/services.h"

namespace backup_exporter {
namespace {

using std::chrono::minutes;

constexpr std::size_t kMostMessage = 4096;  // bytes that the server keeps as a message
constexpr std::size_t kMostTitle = 250;     // bytes
constexpr std::size_t kMostRequest = 8000;  // bytes; the server accepts less than 8,192 of JSON
constexpr int kDefaultPriority = 3;
constexpr int kDailyQuota = 42908;  // the server's error code for it

// Configured texts for a state.
struct Wording {
  std::optional<std::string> title;
  std::optional<std::string> message;
  std::vector<std::string> tags;
  int priority = kDefaultPriority;
};

std::vector<std::string> SplitTags(std::string_view text) {
  std::vector<std::string> tags;
  while (!text.empty()) {
    std::string_view tag = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), tag.size() + 1));
    while (tag.starts_with(' ')) tag.remove_prefix(1);
    while (tag.ends_with(' ')) tag.remove_suffix(1);
    if (!tag.empty()) tags.emplace_back(tag);
  }
  return tags;
}

class Ntfy final : public Monitor {
 public:
  std::string server;
  std::string topic;
  std::string authorization;  // empty: none
  std::map<NoticeState, Wording> wordings;

  SendResult Send(const Notice& notice, Transport& transport) override {
    HttpRequest request{.url = server, .headers = {{"Content-Type", "application/json"}}};
    if (!authorization.empty()) request.headers.emplace_back("Authorization", authorization);
    request.body = Fitting(Body(notice));
    return Judge(transport.Send(request));
  }

 private:
  // Cuts the message until the request is short enough: the server refuses a longer one.
  static std::string Fitting(nlohmann::json body) {
    constexpr std::size_t kLongestEscape = 6;  // JSON bytes for one byte of text: \u0001
    auto& message = body["message"].get_ref<std::string&>();
    for (;;) {
      std::string text = Dump(body);
      if (text.size() <= kMostRequest || message.empty()) return text;
      const std::size_t over = (text.size() - kMostRequest - 1) / kLongestEscape + 1;
      message = CutBytes(message, message.size() - std::min(over, message.size()));
    }
  }

  [[nodiscard]] nlohmann::json Body(const Notice& notice) const {
    nlohmann::json body{{"topic", topic}};
    const bool resolved = notice.state == NoticeState::kResolve;
    const auto found = wordings.find(resolved ? NoticeState::kFinish : notice.state);
    // A test uses its own text: the configured one could report a successful backup.
    const bool configured = found != wordings.end() && notice.cause != NoticeCause::kTest;
    std::string title;
    std::string message;
    if (!configured) {
      const bool failed = notice.state == NoticeState::kFail;
      body["priority"] = kDefaultPriority;
      body["tags"] = {failed ? "rotating_light" : "floppy_disk"};
    } else {
      const Wording& wording = found->second;
      title = Expand(wording.title.value_or(""), notice);
      message = Expand(wording.message.value_or(""), notice);
      body["priority"] = wording.priority;
      body["tags"] = wording.tags;
    }
    // For an empty message the server shows "triggered".
    if (IsBlank(title)) title = Title(notice);
    if (IsBlank(message)) message = Describe(notice);
    body["title"] = CutBytes(title, kMostTitle);
    body["message"] = CutBytes(message, kMostMessage);
    // Since server 2.16, a repeated message replaces the first one; older servers show both.
    if (!notice.uid.empty()) {
      body["sequence_id"] = notice.uid + "-" + std::string(Name(notice.state));
    }
    return body;
  }

  static SendResult Judge(const HttpAnswer& answer) {
    const Json body = ParseJson(answer.body).value_or(Json());
    const auto has = [&](const char* key) { return body.is_object() && body.contains(key); };
    const bool stored = answer.status == 200 && has("id") && body["id"].is_string();
    SendResult result =
        JudgeAnswer(answer, stored, "ntfy answers 200 with the message and its `id`");
    if (answer.status != 429) return result;
    const bool quota = has("code") && body["code"] == kDailyQuota;
    result.pause = quota ? minutes(60) : minutes(1);
    return result;
  }
};

std::optional<Wording> ReadWording(Section& block, std::string_view state) {
  const YamlValue* value = block.Map(state);
  if (value == nullptr) return std::nullopt;
  const std::string name = "`" + std::string(state) + "` of ntfy";
  Section section(*value, name, block.errors());
  Wording wording{.title = section.Text("title"), .message = section.Lines("message")};
  wording.tags = SplitTags(section.Text("tags").value_or(""));
  if (const auto priority = section.Text("priority")) {
    const std::map<std::string_view, int> numbers{{"min", 1},  {"low", 2}, {"default", 3},
                                                  {"high", 4}, {"max", 5}, {"urgent", 5}};
    const auto number = numbers.find(*priority);
    if (number == numbers.end()) {
      section.Note("priority", "`priority` must be max, urgent, high, default, low or min, not " +
                                   Quoted(*priority));
    } else {
      wording.priority = number->second;
    }
  }
  section.RefuseOtherKeys();
  return wording;
}

}  // namespace

std::unique_ptr<Monitor> MakeNtfy(Section& block, MonitorOptions& options) {
  auto ntfy = std::make_unique<Ntfy>();
  block.Require("topic", "the topic to publish to");
  ntfy->topic = block.Text("topic").value_or("");
  ntfy->server = ReadUrl(block, "server", options).value_or("https://ntfy.sh");
  const auto basic = ReadBasicAuthorization(block, options);
  const auto token = ReadSecret(block, "access_token", options);
  if (token && basic) {
    options.warnings.emplace_back(
        "ntfy: `username` and `password` are ignored, since `access_token` is set");
  }
  ntfy->authorization = token ? "Bearer " + *token : basic.value_or("");
  for (const NoticeState state : {NoticeState::kStart, NoticeState::kFinish, NoticeState::kFail}) {
    if (auto wording = ReadWording(block, Name(state))) ntfy->wordings[state] = std::move(*wording);
  }
  return ntfy;
}

}  // namespace backup_exporter
